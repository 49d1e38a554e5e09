"""The question where misspellings and retired names stand, asked of all rows once it is known which to look for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headgate.kit.errors import Refused
from headgate.rules.corpus import Corpus
from headgate.rules.examples import shown
from headgate.rules.questions import Arrays, Found, chained
from headgate.stats.intervals import wilson
from headgate.text.loosely import may_hold_words
from headgate.text.tape import Positions, Tape, tape_of
from headgate.text.variants import Reading, Variant, raw_uses, uses_of

FEW = 3  # authors whose habit it may be
EXAMPLES = 3  # places listed for each way of writing


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Uses of one word, in all rows."""

    rows: Positions  # (K,): row of each use of the wrong form, ascending
    spans: Positions  # (K, 2): its characters in the answer
    right: int  # uses of the right form


@dataclass(frozen=True, slots=True)
class Uses:
    """Where words stand in answers, and how often what they stand for does."""

    wrong: tuple[str, ...]
    right: tuple[str, ...]
    names: bool = False  # of several words each, whatever their case; else single words in prose

    def find(self, block: Corpus) -> Arrays:
        """Uses in a block."""
        places, answers = self._answers(block)
        found = [self._found(answers, wrong, right) for wrong, right in zip(self.wrong, self.right, strict=True)]
        counts = np.array([[len(rows), right] for rows, _, right in found], dtype=np.int64).reshape(-1)
        rows = np.concatenate([np.zeros(0, dtype=np.uint32), *(places[rows] for rows, _, _ in found)]).astype(np.uint32)
        spans = np.concatenate([np.zeros(0, dtype=np.int32), *(spans.reshape(-1) for _, spans, _ in found)])
        return {"counts": counts, "rows": rows, "spans": spans.astype(np.int32)}

    def put_together(self, found: Sequence[Found]) -> list[Counted]:
        """Uses in all rows, by word."""
        counts = chained(found, "counts", np.int64).reshape(len(found), len(self.wrong), 2)
        words = np.concatenate([np.repeat(np.arange(len(self.wrong)), each) for each in counts[:, :, 0]])
        rows = chained(found, "rows", np.int64, numbers=True)
        spans = chained(found, "spans", np.int64).reshape(-1, 2)
        return [
            Counted(rows[words == word], spans[words == word], int(counts[:, word, 1].sum()))
            for word in range(len(self.wrong))
        ]

    def _answers(self, block: Corpus) -> tuple[Positions, Tape]:
        """Rows whose answers may hold one of the words, and these answers; cutting all into words would take longer."""
        if self.names or "answer" in vars(block) or not all(map(str.isascii, (*self.wrong, *self.right))):
            return np.arange(len(block)), block.answer
        texts = [row.answer_text for row in block]
        places = np.flatnonzero(may_hold_words(texts, (*self.wrong, *self.right)))
        return places, tape_of([texts[place] for place in places.tolist()])

    def _found(self, answers: Tape, wrong: str, right: str) -> tuple[Positions, Positions, int]:
        if not len(answers):
            return np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64), 0
        if self.names:
            return _names(answers, wrong, right)
        return *uses_of(answers, wrong), raw_uses(answers, right)


def in_all(rows: Corpus, sample: Tape, reading: Reading) -> Reading:
    """A reading of a sample with the uses in all rows.

    Uses of the right spelling are those of the word anywhere, times the share of them that is prose in the sample.
    """
    if not reading.variants:
        return reading
    words = tuple(one.wrong for one in reading.variants), tuple(one.right for one in reading.variants)
    variants = []
    for one, counted in zip(reading.variants, rows.ask(Uses(*words)), strict=True):
        prose = one.right_count / max(raw_uses(sample, one.right), 1)
        variants.append(_with(one, counted, round(prose * counted.right)))
    return replace(reading, variants=tuple(sorted(variants, key=lambda one: (-one.count, one.wrong))))


def retired_names(rows: Corpus, retired: Sequence[str]) -> Iterator[Variant]:
    """Uses of names that are no longer in use, each given as "old name = new name".

    Raises:
        Refused: a name has no successor.
    """
    pairs = []
    for line in retired:
        old, equals, new = (part.strip() for part in line.partition("="))
        if not (old and equals and new):
            raise Refused("a retired name needs its successor", found=repr(line), wanted="old name = new name")
        pairs.append((old, new))
    if not pairs:
        return
    wrong, right = zip(*pairs, strict=True)
    for old, new, counted in zip(wrong, right, rows.ask(Uses(wrong, right, names=True)), strict=True):
        if len(counted.rows):
            blank = Variant(wrong=old, right=new, texts=(), spans=(), right_count=0)
            yield _with(blank, counted, counted.right)


def _with(variant: Variant, counted: Counted, right: int) -> Variant:
    spans = tuple((start, end) for start, end in counted.spans.tolist())
    return replace(variant, texts=tuple(counted.rows.tolist()), spans=spans, right_count=right)


def _names(answers: Tape, old: str, new: str) -> tuple[Positions, Positions, int]:
    past, current = (re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) for name in (old, new))
    texts, spans, right = [], [], 0
    for number, text in enumerate(answers.texts[:]):
        for hit in past.finditer(text):
            texts.append(number)
            spans.append(hit.span())
        right += len(current.findall(text))
    places = np.array(spans, dtype=np.int64).reshape(-1, 2)
    return np.array(texts, dtype=np.int64), places, right


def described(rows: Corpus, habit: Variant, everyone: int, concentrated: float) -> dict[str, Any]:
    """Rate, authors (of so many in all), dates and examples of one way of writing; JSON-able."""
    of = habit.count + habit.right_count
    interval = wilson(habit.count, of)
    sides = [rows[text].side for text in habit.texts]
    authors = Counter(side.annotator for side in sides if side.annotator)
    busiest = sum(count for _, count in authors.most_common(FEW)) / authors.total() if authors else None
    first = {text: habit.spans[place] for place, text in reversed(list(enumerate(habit.texts)))}
    examples = [shown(rows[text], *first[text], text) for text in sorted(first)[:EXAMPLES]]
    dates = sorted(side.created_at for side in sides if side.created_at)
    return {
        "wrong": habit.wrong,
        "right": habit.right,
        "count": habit.count,
        "of": of,
        "rate": round(habit.rate, 6),
        "low": round(interval.low, 6),
        "high": round(interval.high, 6),
        "authors": len(authors),
        "busiest_authors": dict(authors.most_common(FEW)),
        "habit_of_few": busiest is not None and everyone > FEW and busiest >= concentrated,
        "first_seen": dates[0] if dates else None,
        "last_seen": dates[-1] if dates else None,
        "answers": len(set(habit.texts)),
        "examples": [one["place"] for one in examples],
        "shown": examples,
    }
