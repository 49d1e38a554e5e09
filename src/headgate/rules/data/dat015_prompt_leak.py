"""Instructions that hold the evaluation.

## What it checks
Whether the system message, or other instructions that are sent with every request, hold the question or the
answer of an evaluation item: word for word, or most of its runs of four words. And whether the descriptions of the
tools that a row is given hold one as a whole.

## Why it matters
Whoever tunes a prompt looks at what fails, and the quickest mend is to write the answer down. The score of the
prompt then says that it knows its own text. And a model that is trained under such instructions learns to read
the answer off them.

## How it is measured
Looked at are the distinct system and developer messages of the training rows, and the texts of `--instructions`,
every version of them. An item is given away when one text of instructions has all word 4-grams
of its question or answer, `least` of them its own, or half of them (`covered`), nine of them its own. Its own are
those that no more than `own_items` items share: what many answers have in common ("is there anything else I can help
you with") is the house's way of speaking, which instructions may teach. The measure is the share of items given
away, with a 95 % Wilson interval; all are looked at, and by default none may be.

Of the descriptions of tools (schemas as the model is sent them; their names and types are left out) all word 4-grams
of the question or answer are asked: requests restate what their tool is for, and three quarters of one stand there
without a leak. Of 1,456 real requests none stood as a whole in the descriptions of 1,096 tools (BFCL), its own among
them; of 200 that were put into one 197 were found.

## When it cannot tell
Answers and questions under twelve words, such as labels, are not looked for: a list of all labels is what
instructions are for. Items that have only such texts are counted in `details`, and when there are no others, the
verdict is unsure. An answer in other words is not seen. Without any instructions the rule is skipped. Whether
instructions were changed after looks at the items is the business of chosen-on-items.

## What to do
Take the words of the item out of the instructions, or retire the item. Tune prompts on the development pool.

## References
Zhou and others 2023, "Large language models are human-level prompt engineers" (prompts chosen by their score).
Dwork and others 2015, "The reusable holdout: preserving validity in adaptive data analysis", Science 349.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.instructions import INSTRUCTIONS, versions_of
from headgate.rules.shape import rule
from headgate.rules.tool_descriptions import ToolsHold, has_tools
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.ngrams import Grams, distinct, frequencies, word_ngrams
from headgate.text.tape import Tape, tape_of

N = 4  # words
RUN = 9  # 4-grams of a text of twelve words; shorter ones are not looked for
ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of prompt-leak."""

    tolerated: float = 0.0  # share of evaluation items, 0..1, that instructions may give away
    covered: float = 0.5  # share of an item's own 4-grams, 0..1, that instructions must hold
    least: int = 3  # 4-grams of its own that a text must have to be looked for
    own_items: int = 2  # items; a 4-gram that more of them share is a phrase of the house


def instructions_of(row: Row) -> str:
    """The system and developer messages of a row."""
    return "\n".join(row.said_by(*ROLES))


@rule(
    "DAT015",
    failure="self-leak",
    needs=("training-rows", "evaluation-items"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
    asks=(instructions_of, has_tools),
)
def prompt_leak(given: Given, options: Options) -> Verdict:
    """Looks for every item in every distinct text of instructions."""
    rows, items = given.rows("training-rows"), given.rows("evaluation-items")
    outside = [version.text for version in versions_of(given.get(INSTRUCTIONS))]
    coded = rows.coded(instructions_of)
    texts = list(dict.fromkeys(text for text in (*outside, *coded.values) if text.strip()))
    tools = int(rows.coded(has_tools).having(bool).sum())
    if not texts and not tools:
        return prompt_leak.skipped("not given: a system message or a tool in any row, or instructions")
    tape = tape_of(texts)
    leaks: dict[int, tuple[str, int, float]] = {}  # of each item: the part, the text and the share it holds
    judged = np.zeros(len(items), dtype=bool)
    for part, own in (("question", items.prompt), ("answer", items.answer)):
        found, counts = _held(tape, own, options)
        judged |= counts >= options.least
        for item, (text, share) in found.items():
            if item not in leaks or share > leaks[item][2]:
                leaks[item] = (part, text, share)
    findings = [
        _in_instructions(items, item, part, share, "given" if texts[text] in outside else "of training rows")
        for item, (part, text, share) in sorted(leaks.items())
    ]
    described = _described(rows, items, options) if tools else {}
    rows.fetch(row for row, _ in described.values())
    findings += [_in_tools(rows[row], items, item, part) for item, (row, part) in sorted(described.items())]
    leaked = len(leaks.keys() | described.keys())
    details = {
        "texts_of_instructions": len(texts),
        "rows_with_instructions": int(coded.having(lambda text: bool(text.strip())).sum()),
        "rows_with_tools": tools,
        "items_too_short": int((~judged).sum()),
    }
    return judge_share(
        leaked,
        int(judged.sum()),
        name="items in the instructions",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(leaked, int(judged.sum()), len(texts), tools),
        findings=findings,
        next_step="take the item's words out of the instructions" if leaked else "",
        details=details,
    )


def _in_instructions(items: Corpus, item: int, part: str, share: float, where: str) -> Finding:
    message = f"instructions {where} hold {share:.0%} of the {part} of evaluation item {item + 1}"
    return Finding(message=message, other=items[item].place, other_row=items[item].id, remedy="review")


def _in_tools(row: Row, items: Corpus, item: int, part: str) -> Finding:
    message = f"the descriptions of its tools hold all of the {part} of evaluation item {item + 1}"
    other = items[item]
    return Finding(message=message, place=row.place, row=row.id, other=other.place, other_row=other.id, remedy="review")


def _held(texts: Tape, own: Tape, options: Options) -> tuple[dict[int, tuple[int, float]], np.ndarray]:
    """For each item that is given away the text with the most of it; and the 4-grams that are each item's own."""
    grams, every = _own(own, options.own_items), distinct(word_ngrams(own, N))
    found: dict[int, tuple[int, float]] = {}
    here = distinct(word_ngrams(texts, N))
    for text in range(len(texts)):
        telling, shared = (
            np.bincount(each.owners[np.isin(each.hashes, here.of(text))], minlength=len(own)) for each in (grams, every)
        )
        share = shared / np.maximum(every.counts, 1)
        whole = (share == 1.0) & (telling >= options.least) & (every.counts >= RUN)
        for item in np.flatnonzero(whole | ((share >= options.covered) & (telling >= RUN))).tolist():
            if item not in found or share[item] > found[item][1]:
                found[item] = (text, float(share[item]))
    return found, np.where(every.counts >= RUN, grams.counts, 0)


def _described(rows: Corpus, items: Corpus, options: Options) -> dict[int, tuple[int, str]]:
    """For each item that the descriptions of tools hold as a whole the first row with them, and the part of it."""
    found: dict[int, tuple[int, str]] = {}
    for part, own in (("question", items.prompt), ("answer", items.answer)):
        long = (distinct(word_ngrams(own, N)).counts >= RUN) & (_own(own, options.own_items).counts >= options.least)
        asked = np.flatnonzero(long)
        if len(asked):
            held: dict[int, int] = rows.ask(ToolsHold(tuple(own.take(asked).texts)))
            found |= {int(asked[at]): (row, part) for at, row in held.items() if int(asked[at]) not in found}
    return found


def _own(tape: Tape, most: int) -> Grams:
    """The distinct 4-grams of each text that no more than `most` texts have."""
    grams = word_ngrams(tape, N)
    values, counts = frequencies(grams)
    every = distinct(grams)
    kept = counts[np.searchsorted(values, every.hashes)] <= most
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)])
    return Grams(every.hashes[kept], offsets[every.offsets])


def _summary(leaked: int, judged: int, texts: int, tools: int) -> str:
    where = "the instructions" if texts == 1 else f"{texts:,} texts of instructions"
    if tools:
        where = f"{where} or the descriptions of tools" if texts else "the descriptions of tools"
    if not judged:
        return "no evaluation item is long enough to be looked for in instructions"
    if not leaked:
        return f"none of {judged:,} evaluation items stands in {where}"
    return f"{leaked:,} of {judged:,} evaluation items stand in {where}"
