"""Runs of one to four words that stand in many texts: those of n words are looked for among the frequent n - 1.

A run is in no more texts than the runs that it is made of, so whatever begins or ends with a rare one is never
hashed (Agrawal and Srikant 1994, the Apriori property).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text.ngrams import runs_at, sorted_distinct
from headgate.text.tape import Hashes, Mask, Positions, Tape

LONGEST = 4  # words of a run

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Uses of K runs of words, ascending by place; U uses."""

    texts: Positions  # (U,)
    positions: Positions  # (U,): first word
    keys: Positions  # (U,): which run, 0..K - 1
    count: int  # K


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """Which of K phrases stand in which of N texts; once for each pair, by phrase, then text."""

    texts: Positions
    phrases: Positions
    count: int  # K

    def sums(self, chosen: Floats) -> Floats:
        """Texts of each phrase, each text counted as often as `chosen` says; shape (K,)."""
        return np.bincount(self.phrases, weights=chosen[self.texts], minlength=self.count).astype(np.float64)


def frequent_runs(tape: Tape, free: tuple[Mask, Mask], least: int) -> tuple[list[Runs], list[Hashes]]:
    """The uses of every run of words that stands in at least so many texts, and the sorted hashes of those runs."""
    runs, keys = list[Runs](), list[Hashes]()
    for n in range(1, LONGEST + 1):
        texts, hashes, positions = _grams(tape, n, free, runs)
        keys.append(_frequent(texts, hashes, least))
        runs.append(_known(texts, hashes, positions, keys[-1]))
    return runs, keys


def known_runs(tape: Tape, free: tuple[Mask, Mask], keys: Sequence[Hashes]) -> list[Runs]:
    """The uses of runs of words whose hashes are known."""
    runs = list[Runs]()
    for n, known in enumerate(keys, 1):
        runs.append(_known(*_grams(tape, n, free, runs), known))
    return runs


def _grams(tape: Tape, n: int, free: tuple[Mask, Mask], shorter: Sequence[Runs]) -> tuple[Positions, Hashes, Positions]:
    """Text, hash and first word of every run of n words that count and stand in one clause.

    Where shorter runs were looked for, only those that begin and end with one of them: no others are frequent.
    """
    counts, begins = free
    if shorter:
        counts = np.zeros(len(tape.words), dtype=bool)
        counts[shorter[-1].positions] = True
        positions = np.flatnonzero(counts[:-1] & counts[1:] & ~begins[1:] if n == 2 else counts[:-1] & counts[1:])
    else:
        positions = np.flatnonzero(counts)
    texts = np.searchsorted(tape.offsets, positions, side="right") - 1
    return texts, runs_at(tape.words, positions, n), positions


def _frequent(texts: Positions, hashes: Hashes, least: int) -> Hashes:
    """Hashes in at least so many texts, sorted."""
    ordered = np.sort(hashes)
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, np.int64)
    known = ordered[first][np.diff(np.append(first, len(ordered))) >= least]
    found = _known(texts, hashes, texts, known)
    pairs = _once(found.keys, found.texts, int(texts.max(initial=-1)) + 1)
    return known[np.bincount(pairs[0], minlength=len(known)) >= least]


def _known(texts: Positions, hashes: Hashes, positions: Positions, known: Hashes) -> Runs:
    """The runs whose hashes are among sorted ones."""
    if not len(known):
        return Runs(*(np.zeros(0, dtype=np.int64),) * 3, 0)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    same = np.flatnonzero(known[place] == hashes)
    return Runs(texts[same], positions[same], place[same], len(known))


def _once(one: Positions, two: Positions, of_two: int) -> tuple[Positions, Positions]:
    """Distinct pairs of numbers, sorted; the second ones are below `of_two`."""
    pairs = sorted_distinct((one * of_two + two).view(np.uint64)).view(np.int64)
    return pairs // max(of_two, 1), pairs % max(of_two, 1)


def uses_of(runs: Sequence[Runs], texts: int) -> Uses:
    """Which of all runs stand in which of so many texts."""
    starts = np.cumsum([0, *(one.count for one in runs)])
    phrases = np.concatenate([one.keys + start for one, start in zip(runs, starts[:-1], strict=True)])
    phrases, owners = _once(phrases, np.concatenate([one.texts for one in runs]), texts)
    return Uses(owners, phrases, int(starts[-1]))
