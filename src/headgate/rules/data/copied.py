"""What self-leak looks for: copies of questions and answers in what turns say, and in what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from headgate.rules.beside import matched_in
from headgate.rules.given import Corpus
from headgate.stats.verdict import Finding
from headgate.text.coverage import Coverage
from headgate.text.leaks import LIKELY_SHARE, MIDDLE, Copies, copies, needed_share, same_words, together
from headgate.text.ngrams import exact_hashes
from headgate.text.tape import Hashes, Mask, Tape

ANSWER_WORDS = MIDDLE + 3  # an answer shorter than this is a label or a phrase
ANSWER_COVERED = 0.75  # worked answers share their phrases; half of one is no evidence
ANSWERS = {"answer": "the answer", "reasoning": "the reasoning", "calls": "the tool calls"}  # parts of an item
TEXT, BESIDE = "text", "beside"  # fields of rows


class Wanted(Protocol):
    """The options of self-leak that are asked for here."""

    @property
    def covered(self) -> float: ...  # noqa: D102 - as the rule says it
    @property
    def least_words(self) -> int: ...  # noqa: D102
    @property
    def phrase_words(self) -> int: ...  # noqa: D102
    @property
    def answer_rows(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Leak:
    """A row that holds an item."""

    row: int
    item: int
    words: int  # that the two share in one run
    how: str  # "exact", "copy" or the part of the item that is copied, one of `ANSWERS`
    share: float = 1.0  # of the item that the row covers
    field: str = TEXT  # of the row


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Pairs of a row and an item whose question it holds."""

    pairs: Coverage  # that share telling n-grams, by what turns say
    leaks: list[Leak]  # certain copies
    others: Copies  # likely copies and twins


def questions(rows: Corpus, items: Corpus, options: Wanted) -> Questions:
    """Looks for questions in what turns say and, each field for itself, in what stands beside."""
    pairs, held, certain = _partial_copies(rows, items, options, TEXT)
    leaks, others = list(_leaks(held.where(certain), TEXT)), held.where(~certain)
    if rows.holds_beside:
        _, held, certain = _partial_copies(rows, items, options, BESIDE)
        known = {(leak.row, leak.item) for leak in leaks}
        leaks += [one for one in _leaks(held.where(certain), BESIDE) if (one.row, one.item) not in known]
        others = together(others, held.where(~certain))
        gone = {(leak.row, leak.item) for leak in leaks}
        told = zip(others.rows.tolist(), others.items.tolist(), strict=True)
        others = others.where(np.array([pair not in gone for pair in told], dtype=bool))
    return Questions(pairs, leaks, others)


def _partial_copies(rows: Corpus, items: Corpus, options: Wanted, field: str) -> tuple[Coverage, Copies, Mask]:
    """Pairs that share 4-grams, those that are likely copies or twins, and which of these are copies for certain."""
    tape: Tape = getattr(rows, field)
    pairs = rows.coverage(field, items, "prompt")
    share = min(options.covered, LIKELY_SHARE)
    # Beside the words a copy never stands alone: there are keys, and what else was thought.
    asked = rows.lengths("prompt") if field == TEXT else np.zeros(len(rows), dtype=np.int64)
    partial = copies(tape, items.prompt, long_share=share, found=pairs, asked=asked)
    certain = partial.share >= needed_share(pairs.telling[partial.items], options.covered)
    certain |= partial.repeated & (partial.aligned >= options.covered)
    certain &= ~partial.twin
    certain |= partial.words >= items.prompt.lengths[partial.items]  # boilerplate that a row holds whole
    return pairs, partial, certain


def _leaks(pairs: Copies, field: str) -> Iterator[Leak]:
    for row, item, words, share in _each(pairs):
        yield Leak(row, item, words, "copy", share, field)


def same_questions(rows: Corpus, items: Corpus, options: Wanted) -> tuple[list[Leak], int]:
    """Rows with an item's question word for word, and how many items have only a phrase in common."""
    lengths = items.prompt.lengths
    answers = exact_hashes(rows.answer), exact_hashes(items.answer)
    silent = rows.answer.lengths == 0, items.answer.lengths == 0
    leaks, phrases = [], set[int]()
    same = same_words(rows.prompt, items.prompt, least_words=options.least_words)
    for row, item in zip(same[0].tolist(), same[1].tolist(), strict=True):
        agree = answers[0][row] == answers[1][item] or silent[0][row] or silent[1][item]
        if lengths[item] >= options.phrase_words or agree:
            leaks.append(Leak(row, item, int(lengths[item]), "exact"))
        else:
            phrases.add(item)
    return leaks, len(phrases - {leak.item for leak in leaks})


def own_answers(rows: Corpus, items: Corpus, options: Wanted) -> tuple[list[Leak], int]:
    """Copies of answers that belong to one item and few rows, and how many items have a stock answer instead."""
    leaks, stock = [], set[int]()
    for part in ANSWERS:
        tape: Tape = getattr(items, part)
        long = tape.lengths >= ANSWER_WORDS
        if not long.any():
            continue
        held = {
            (leak.row, leak.item): leak
            for field in (BESIDE, TEXT)
            if field == TEXT or rows.holds_beside
            for leak in _answers(rows, items, part, field, options, long)
        }
        of = np.bincount(np.array([item for _, item in held], dtype=np.int64), minlength=len(items))
        often = np.flatnonzero((of > options.answer_rows) | ((of > 0) & ~_single(exact_hashes(tape))))
        stock |= set(often.tolist())
        leaks += [leak for leak in held.values() if leak.item not in stock]
    return leaks, len(stock)


def _answers(rows: Corpus, items: Corpus, part: str, field: str, options: Wanted, long: Mask) -> Iterator[Leak]:
    found = rows.coverage(field, items, part)
    least = max(options.covered, ANSWER_COVERED)
    answers = copies(getattr(rows, field), getattr(items, part), long_share=least, found=found)
    for row, item, words, share in _each(answers.where(~answers.twin & long[answers.items])):
        yield Leak(row, item, words, part, share, field)


def _each(pairs: Copies) -> Iterator[tuple[int, int, int, float]]:
    columns: tuple[Any, ...] = (pairs.rows, pairs.items, pairs.words, pairs.covered)
    return zip(*(column.tolist() for column in columns), strict=True)


def _single(keys: Hashes) -> Mask:
    ordered = np.sort(keys)
    alone: Mask = np.searchsorted(ordered, keys, side="right") - np.searchsorted(ordered, keys, side="left") == 1
    return alone


def counts_of(leaks: list[Leak]) -> dict[str, int]:
    """Items by how they leak; of reasoning and calls only where some do."""
    counts = {how: len({leak.item for leak in leaks if leak.how == how}) for how in ("exact", "copy", *ANSWERS)}
    beside = len({leak.item for leak in leaks if leak.field == BESIDE})
    told = {how: count for how, count in counts.items() if count or how not in ("reasoning", "calls")}
    return told | ({"found_beside_the_words": beside} if beside else {})


def finding(leak: Leak, rows: Corpus, items: Corpus) -> Finding:
    """What is said of one leak."""
    row, item = rows[leak.row], items[leak.item]
    message = f"has the same {leak.words} words as evaluation item {leak.item + 1}"
    if leak.how != "exact":
        part = f"{ANSWERS[leak.how]} of " if leak.how in ANSWERS else ""
        which = f"{part}evaluation item {leak.item + 1}"
        message = f"shares a {leak.words}-word span with {which} and covers {leak.share:.0%} of it"
    if leak.field == BESIDE:
        text = item.prompt_text if leak.how == "copy" else getattr(item, f"{leak.how}_text")
        message += matched_in(row, text)
    return Finding(message=message, place=row.place, row=row.id, other=item.place, other_row=item.id, remedy="drop")
