"""Few-shot prompts that give the item away.

## What it checks
Whether the prompt that was sent for an evaluation item holds, beside the question itself, that question once more
or its answer; and whether any prompt shows an item of a sealed pool.

## Why it matters
Examples are drawn at random from some split, and nobody looks at what was sent. Where the split is the
one that is evaluated, one prompt in some hundred shows the model its own answer, and with few items nearly every
one does. The score of the prompt then cannot be compared with anything.

## How it is measured
Each rendered prompt (input `few-shot-prompts`: one row a prompt, messages or plain text) is matched with the item it
was sent for: by `id` or `item` where it names one, else by the item whose question stands last in it. Case,
punctuation and spacing do not count. An item is given away when its own question stands in its prompt a second time
(from 8 words on; from 4 where punctuation sets it apart; else as a whole turn with the item's own answer as the reply),
when its own answer stands in the instructions or in a user's turn, or when it is sealed (`pool` is "sealed") and
its question or answer stands in the prompt of another item. An answer counts from `answer_words` words on and
where no other item has the same; in an example's reply it is the reply to another question. The measure is the
share of items given away among those that a prompt was sent for, sealed ones included; all prompts are read, and
one is too many.

## When it cannot tell
It sees words, no paraphrases: an example that asks the same in other words is the business of
paraphrased-leak, run on the examples. A short answer such as a label stands in examples by right and is not
looked for. Items that are examples in the prompts of others, and not sealed, are counted in `details`
(`shown_to_others`): with the same examples for all items that is no leak, and still better avoided. When no prompt
can be matched with an item and none shows a sealed one, the verdict is unsure.

## What to do
Draw examples from the training split, leave out of each prompt the item it is sent for, and send the prompts again.

## References
EleutherAI, lm-evaluation-harness, thread 4145 (examples drawn from the evaluated split with the document itself).
Brown and others 2020, "Language Models are Few-Shot Learners" (examples from the training set of each task).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from headgate.rows.row import Message, Row
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.ngrams import exact_hashes
from headgate.text.occurrences import OPENING, Occurrences, occurrences
from headgate.text.tape import Tape, tape_of

PROMPTS = "few-shot-prompts"
SEALED = "sealed"
PHRASE = 8  # words; a shorter question counts where punctuation or a line sets it apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of few-shot-leak."""

    tolerated: float = 0.0  # share of items that a prompt was sent for, 0..1, that may be given away
    answer_words: int = 12  # words, at least 4; a shorter answer may be the reply to another question


@dataclass(frozen=True, slots=True)
class _Leak:
    prompt: int
    item: int
    what: str


@rule(
    "DAT013",
    failure="self-leak",
    needs=(PROMPTS, "evaluation-items"),
    options=Options,
    level="block",
    status="stable",
    since="0.1",
)
def few_shot_leak(given: Given, options: Options) -> Verdict:
    """Reads every prompt as it was sent."""
    prompts, items = given.rows(PROMPTS), given.rows("evaluation-items")
    whole = tape_of(["\n".join(message.content for message in _sent(row)) for row in prompts])
    turns = _user_turns(prompts)
    questions = _told_apart(whole, items, occurrences(whole, items.prompt))
    told = tape_of(["\n".join(m.content for m in _sent(row) if _tells(m, row)) for row in prompts])
    answers = occurrences(told, items.answer, least_words=max(options.answer_words, 4))
    _, held, counts = np.unique(exact_hashes(items.answer), return_inverse=True, return_counts=True)
    own = counts[held] == 1
    answers = Occurrences(*(column[own[answers.items]] for column in (answers.rows, answers.items, answers.places)))
    asked = _asked(prompts, items, turns, questions)
    sealed = {place for place, item in enumerate(items) if _pool(item) == SEALED}
    shown, others = _shown(items, turns, questions, answers, asked, sealed)
    leaks = {(leak.prompt, leak.item): leak for leak in reversed(shown)}
    given_away = {leak.item for leak in leaks.values()}
    judged = set(asked.values()) | sealed
    details = {
        "prompts": len(prompts),
        "prompts_without_an_item": len(prompts) - len(asked),
        "sealed_items": len(sealed),
        "shown_to_others": len(others),
    }
    if not given_away and not asked:
        return cannot_tell(
            summary="no prompt can be matched with an evaluation item",
            reason=f"{len(prompts):,} prompts hold the question of none of {len(items):,} items",
            next_step="hand the items that the prompts were sent for, or name them: id or item in each prompt",
            details=details,
        )
    return judge_share(
        len(given_away),
        len(judged),
        name="items given away by prompts",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(len(given_away), len(judged), len(prompts)),
        findings=[_finding(leaks[key], prompts, items) for key in sorted(leaks)],
        next_step="draw examples that are no items" if given_away else "",
        details=details,
    )


def _pool(item: Row) -> str:
    return str(item.side.extra.get("pool") or item.side.slices.get("pool") or "")


def _sent(row: Row) -> tuple[Message, ...]:
    """The prompt up to the question; what a model answered to it is no part of it."""
    users = [place for place, message in enumerate(row.messages) if message.role == "user"]
    return row.messages[: users[-1] + 1] if users else row.messages


def _tells(message: Message, row: Row) -> bool:
    """Whether an answer may not stand here: an example may have the answer of another question."""
    return message.role != "assistant" or all(one.role == "assistant" for one in row.messages)


def _told_apart(tape: Tape, items: Corpus, found: Occurrences) -> Occurrences:
    """Questions that stand for themselves: a short one inside a sentence is a turn of phrase."""
    lengths = items.prompt.lengths[found.items]
    first = tape.offsets[found.rows] + found.places
    kept = lengths >= PHRASE
    for at in np.flatnonzero(~kept).tolist():
        text, begin = tape.texts[int(found.rows[at])], int(first[at])
        end = begin + int(lengths[at])
        alone = begin == int(tape.offsets[found.rows[at]]), end == int(tape.offsets[found.rows[at] + 1])
        before = "\n" if alone[0] else text[int(tape.ends[begin - 1]) : int(tape.starts[begin])]
        after = "\n" if alone[1] else text[int(tape.ends[end - 1]) : int(tape.starts[end])]
        kept[at] = not {"", " "} & {before, after}
    return Occurrences(found.rows[kept], found.items[kept], found.places[kept])


def _user_turns(prompts: Corpus) -> list[list[tuple[bytes, bytes]]]:
    """The words of every user turn of each prompt and of the reply to it, as bytes that can be compared."""
    texts: list[str] = []
    counts = []
    for row in prompts:
        turns = row.messages
        users = [place for place, message in enumerate(turns) if message.role == "user"]
        for place in users:
            replied = place + 1 < len(turns) and turns[place + 1].role == "assistant"
            texts += [turns[place].content, turns[place + 1].content if replied else ""]
        counts.append(len(users))
    tape = tape_of(texts)
    words = iter([tape.words_of(place).tobytes() for place in range(len(tape))])
    return [[(next(words), next(words)) for _ in range(count)] for count in counts]


def _asked(
    prompts: Corpus, items: Corpus, turns: list[list[tuple[bytes, bytes]]], questions: Occurrences
) -> dict[int, int]:
    """The item that each prompt was sent for."""
    backwards = list(reversed(range(len(items))))
    named = {name: place for place in backwards for name in _names(items[place])}
    worded = {items.prompt.words_of(place).tobytes(): place for place in backwards}
    # Of two questions that end at the same word the longer one is asked.
    lengths = items.prompt.lengths[questions.items]
    ends = zip(questions.rows.tolist(), (questions.places + lengths).tolist(), lengths.tolist(), strict=True)
    last: dict[int, tuple[int, int, int]] = {}
    for (prompt, end, length), item in zip(ends, questions.items.tolist(), strict=True):
        last[prompt] = max(last.get(prompt, (-1, -1, -1)), (end, length, -item))
    out: dict[int, int] = {}
    for place, row in enumerate(prompts):
        name = next((n for n in (row.side.extra.get("item"), row.side.id) if n in named), None)
        if name is not None:
            out[place] = named[name]
        elif turns[place] and turns[place][-1][0] and turns[place][-1][0] in worded:
            out[place] = worded[turns[place][-1][0]]
        elif place in last:
            out[place] = -last[place][2]
    return out


def _shown(
    items: Corpus,
    turns: list[list[tuple[bytes, bytes]]],
    questions: Occurrences,
    answers: Occurrences,
    asked: dict[int, int],
    sealed: set[int],
) -> tuple[list[_Leak], set[int]]:
    """What gives an item away, and the items that are shown to others without being sealed."""
    leaks: list[_Leak] = []
    others: set[int] = set()
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for what, found in (("question", questions), ("answer", answers)):
        for prompt, item in zip(found.rows.tolist(), found.items.tolist(), strict=True):
            if asked.get(prompt) == item:
                seen[prompt, item] += what == "question"
                if what == "answer" or seen[prompt, item] > 1:
                    leaks.append(_Leak(prompt, item, f"the {what} of evaluation item {item + 1}, which it is sent for"))
            elif item in sealed:
                leaks.append(_Leak(prompt, item, f"the {what} of the sealed evaluation item {item + 1}"))
            elif what == "question":
                others.add(item)
    for prompt, item in asked.items():
        own, answer = (tape.words_of(item).tobytes() for tape in (items.prompt, items.answer))
        # "Yes please" is said in many dialogues: so short a turn is the item's where the reply is, too.
        short = int(items.prompt.lengths[item]) < OPENING
        if own and any(one == own and (not short or reply == answer) for one, reply in turns[prompt][:-1]):
            leaks.append(_Leak(prompt, item, f"the question of evaluation item {item + 1}, which it is sent for"))
    return leaks, others


def _names(item: Row) -> list[str]:
    return [name for name in (item.side.id, item.id, item.content_id) if name]


def _finding(leak: _Leak, prompts: Corpus, items: Corpus) -> Finding:
    row, item = prompts[leak.prompt], items[leak.item]
    return Finding(
        message=f"the prompt holds {leak.what}",
        place=row.place,
        row=row.id,
        other=item.place,
        other_row=item.id,
        remedy="drop",
    )


def _summary(hits: int, judged: int, prompts: int) -> str:
    if not hits:
        return f"none of {judged:,} evaluation items is given away by {prompts:,} prompts"
    return f"{hits:,} of {judged:,} evaluation items are given away by the prompts that were sent"
