"""The best prompt of the untrained base: a fine-tune that does not beat it was not needed.

Examples come from the training split and never from an evaluated item: a row that equals or nearly
equals one is refused as an example. How many examples, and which draw, is chosen on development
items only; without a development pool, on training rows that are no examples (the base never
trained on them). Draws are nested: two examples are the first two of the four.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.evaluate.extractors import normalised
from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import FewShotSettings
from headgate.evaluate.suites import PROMPT, Suite, item_of, prompt_of
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.models.model import Prompt
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows
from headgate.stats.fewshot_curve import curve_of, judge_curve
from headgate.stats.intervals import wilson
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Level, Verdict
from headgate.text.near_duplicates import near_duplicate_pairs

CURVE, FAILURE = "few-shot-curve", "ft-vs-prompting"
LIKE = 0.7  # similarity from which a training row counts as a copy of an item
WORDS_OF_A_QUESTION = 4  # a shorter question occurs in prompts by chance
WORDS_OF_AN_ANSWER = 6  # a shorter answer, such as a label, is shared by many items

Turns = tuple[Mapping[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Shots:
    """One way to show examples."""

    count: int
    draw: int  # from 0
    turns: Turns  # user and assistant in turn
    rows: tuple[str, ...]  # content addresses of the examples
    questions: tuple[str, ...] = ()  # of the examples, without the template

    @property
    def digest(self) -> str:
        """Address of the examples as they are shown."""
        return digest_json([dict(turn) for turn in self.turns])


NO_SHOTS = Shots(count=0, draw=0, turns=(), rows=())


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Training rows that may be shown, those on which prompts may be compared, and what was refused."""

    examples: tuple[Row, ...]
    spare: tuple[Row, ...]
    refused: int  # rows that equal or nearly equal an evaluated item


def training_rows(ledger: Ledger, dataset: str, settings: FewShotSettings, items: Sequence[Item], seed: int) -> Pool:
    """A random part of the split, without copies of evaluated items.

    Raises:
        Refused: the dataset version has no such split.
    """
    version = ledger.versions.get(dataset)
    if settings.source not in version.splits:
        raise Refused(
            f"{dataset} has no split {settings.source!r}",
            found=", ".join(sorted(version.splits)) or "no splits at all",
            next_step="set evaluate.few-shot.from",
        )
    numbers = sorted(version.splits[settings.source])
    wanted = max(settings.counts) * settings.draws
    chosen = random.Random(seed).sample(numbers, min(len(numbers), 2 * wanted + 50 + settings.items))
    drawn = dict(stored_rows(ledger, chosen))
    rows = [drawn[number] for number in chosen if number in drawn]  # a row may have been erased since
    rows = [row for row in rows if row.prompt_text.strip() and row.answer]
    copies = copies_of(rows, items)
    kept = [row for i, row in enumerate(rows) if i not in copies]
    return Pool(examples=tuple(kept[:wanted]), spare=tuple(kept[wanted:]), refused=len(copies))


def copies_of(rows: Sequence[Row], items: Sequence[Item]) -> set[int]:
    """Numbers of the rows that equal or nearly equal a question of an item."""
    asked = {normalised(item.question) for item in items}
    texts = [normalised(row.prompt_text) for row in rows]
    # Pairs are listed in full only between texts that differ, so each text stands once.
    others = list(dict.fromkeys(text for text in texts if text not in asked))
    pairs = near_duplicate_pairs([*others, *sorted(asked)], threshold=LIKE, short_threshold=LIKE)
    across = (pairs.left < len(others)) & (pairs.right >= len(others))
    near = {others[i] for i in pairs.left[across].tolist()}
    return {i for i, text in enumerate(texts) if text in asked or text in near}


def all_shots(pool: Pool, settings: FewShotSettings, suite: Suite) -> list[Shots]:
    """Every number of examples with every draw; what the rows do not suffice for is left out."""
    longest = max(settings.counts)
    found = [NO_SHOTS] if 0 in settings.counts else []
    for draw in range(settings.draws):
        rows = pool.examples[draw * longest : (draw + 1) * longest]
        found += [_shots(rows[:count], draw, suite) for count in sorted(settings.counts) if 0 < count <= len(rows)]
    return found


def _shots(rows: Sequence[Row], draw: int, suite: Suite) -> Shots:
    turns: list[Mapping[str, str]] = []
    for row in rows:
        turns.append({"role": "user", "content": suite.settings.template.replace(PROMPT, row.prompt_text)})
        turns.append({"role": "assistant", "content": row.answer_text})
    return Shots(
        count=len(rows),
        draw=draw,
        turns=tuple(turns),
        rows=tuple(row.content_id for row in rows),
        questions=tuple(row.prompt_text for row in rows),
    )


def items_to_choose_on(suite: Suite, pool: Pool, settings: FewShotSettings) -> tuple[list[Item], str]:
    """Items on which prompts are compared, and where they come from."""
    if dev := suite.pools["dev"]:
        return list(dev[: settings.items]), "dev pool"
    usable = [row for row in pool.spare if not suite.scorer.check_target(row.answer_text)]
    made = [item_of(suite.name, "dev", row, suite.settings) for row in usable[: settings.items]]
    return made, "training rows that are no examples"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The prompt that was chosen and the curve it was chosen from."""

    shots: Shots
    curve: tuple[Mapping[str, Any], ...]
    chosen_on: str
    refused: int

    def as_json(self) -> dict[str, Any]:
        """For facts and records."""
        return {
            "examples": self.shots.count,
            "draw": self.shots.draw,
            "prompt": self.shots.digest,
            "rows": list(self.shots.rows),
            "chosen_on": self.chosen_on,
            "refused_as_examples": self.refused,
            "curve": [dict(point) for point in self.curve],
        }


def point(shots: Shots, scored: Sequence[Scored], too_long: int) -> dict[str, Any]:
    """One point of the curve: accuracy with its interval; a prompt that does not fit is said, not scored."""
    passed, n = sum(one.mark is Mark.PASS for one in scored), len(scored)
    interval = wilson(passed, n)
    return {
        "examples": shots.count,
        "draw": shots.draw,
        "n": n,
        "accuracy": interval.value,
        "low": interval.low,
        "high": interval.high,
        "unscored": sum(one.mark in (Mark.UNSCORED, Mark.ERROR) for one in scored),
        "too_long": too_long,
    }


def best(tried: Sequence[Shots], curve: Sequence[Mapping[str, Any]]) -> Shots:
    """The most accurate prompt that fits the context everywhere; of equals, the one with the fewest examples.

    Raises:
        Refused: no prompt fits.
    """
    fitting = [i for i, one in enumerate(curve) if not one["too_long"]]
    if not fitting:
        raise Refused("no prompt fits the context of the base", next_step="shorten the system message or the items")
    return tried[max(fitting, key=lambda i: (curve[i]["accuracy"], -tried[i].count, -tried[i].draw))]


def judge_shots(
    suite: str, tried: Sequence[Shots], scored: Sequence[Sequence[Scored]], clusters: Sequence[str]
) -> list[Verdict]:
    """Whether more examples harm the base, on the items that have a score with every prompt; a warning.

    The score of an item with a number of examples is its mean over the draws. No verdict with one number of examples.
    """
    whole = [i for i in range(len(clusters)) if all(one[i].mark in (Mark.PASS, Mark.FAIL) for one in scored)]
    counts = sorted({shots.count for shots in tried})
    if len(counts) < 2 or len(whole) < 2:
        return []
    by_count = {
        count: np.mean(
            [[one[i].score for i in whole] for shots, one in zip(tried, scored, strict=True) if shots.count == count],
            axis=0,
        )
        for count in counts
    }
    verdict = judge_curve(curve_of(by_count, clusters=[clusters[i] for i in whole]))
    lost = {"suite": suite, "unscored_items": len(clusters) - len(whole)}
    return [replace(verdict, rule=CURVE, failure=FAILURE, level=Level.WARN, summary=f"{suite}: {verdict.summary}",
                    details={**verdict.details, **lost})]  # fmt: skip


def judge_prompts(suites: Sequence[Suite], shown: Mapping[str, Sequence[Shots]]) -> Verdict:
    """Whether what stands before the items gives an item away: its question, its answer, or a sealed item."""
    items = [item for suite in suites for item in suite.items]
    findings: list[Finding] = []
    for suite in suites:
        for shots in shown.get(suite.name, ()) or (NO_SHOTS,):
            before = _words(_prefix(suite, shots))
            questions = {_words(question) for question in shots.questions}
            findings += [_leak(item, suite, shots) for item in items if _given_away(item, suite, before, questions)]
    hit = {finding.row for finding in findings}
    return judge_share(
        len(hit),
        len({item.id for item in items}),
        name="items given away by the prompt",
        summary=f"{len(hit):,} of {len(items):,} items occur in the system message, template or examples",
        zero_tolerance=True,
        findings=findings,
        next_step="take the item's words out of the prompt" if hit else "",
    )


def _prefix(suite: Suite, shots: Shots) -> str:
    empty: Prompt = prompt_of(replace(_BLANK, suite=suite.name), suite, shots.turns)
    return "\n".join([*(str(turn["content"]) for turn in empty), suite.settings.template.replace(PROMPT, "\n")])


_BLANK = Item(id="", suite="", pool="dev", messages=(), question="", target="", cluster="")


def _words(text: str) -> str:
    return f" {normalised(text)} "


def _given_away(item: Item, suite: Suite, before: str, questions: set[str]) -> bool:
    if item.suite != suite.name and item.pool != "sealed":
        return False
    question, target = _words(item.question), _words(item.target)
    if question in questions or (len(question.split()) >= WORDS_OF_A_QUESTION and question in before):
        return True
    return item.suite == suite.name and len(target.split()) >= WORDS_OF_AN_ANSWER and target in before


def _leak(item: Item, suite: Suite, shots: Shots) -> Finding:
    where = f"{shots.count} examples, draw {shots.draw}" if shots.count else "the system message or template"
    words = f"an item of pool {item.pool} occurs in the prompt of suite {suite.name} ({where})"
    return Finding(message=words, place=item.place, row=item.id, remedy="review")
