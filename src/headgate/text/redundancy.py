"""Rows that another row makes redundant, field by field, and which of them would stay.

A row is redundant when its question and its answer are both near-duplicates of one other row's.
Rows that share only the question, or only a long answer, are counted apart: of whole-record matches in
instruction data about half have answers with a similarity under 0.5.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from headgate.text.guards import guard_keys
from headgate.text.near_duplicates import (
    SHORT_THRESHOLD,
    SHORT_WORDS,
    THRESHOLD,
    Pairs,
    near_duplicate_pairs,
    similarity_of,
)
from headgate.text.ngrams import sorted_distinct
from headgate.text.tape import Mask, Positions, Tape

ANSWER = 0.5  # similarity under which two answers are different answers


@dataclass(frozen=True, slots=True, eq=False)
class Redundant:
    """Rows that may go, each with a near-duplicate among the rows that stay; R rows."""

    rows: Positions  # (R,), ascending
    partners: Positions  # (R,): a row that stays
    similarity: NDArray[np.float64]  # (R,): of the whole text
    exact: Mask  # (R,): the same words
    guarded: int  # pairs that a number, a negation or a swapped word keeps apart
    mixed: int  # pairs alike in all words whose classes differ: never removed
    prompt_only: int  # rows with another row's question and a different answer
    answer_only: int  # rows with another row's long answer and a different question


def redundant(
    whole: Tape,
    prompt: Tape,
    answer: Tape,
    classes: Sequence[Hashable],
    *,
    threshold: float = THRESHOLD,
    short_threshold: float = SHORT_THRESHOLD,
) -> Redundant:
    """Rows that could go; rows of different classes (slices, labels) are never each other's partners.

    In each cluster the rows with the rarest wording stay, so that variants survive the plain phrasing.
    """
    pairs_of = partial(near_duplicate_pairs, threshold=threshold, short_threshold=short_threshold)
    pairs = pairs_of(whole)
    alike = pairs.where(_fields_alike(pairs, prompt, answer))
    # A label that differs is a different answer; its numbers and negations count like any other.
    guarded = alike.guarded | (guard_keys(answer)[alike.left] != guard_keys(answer)[alike.right])
    codes = _codes(classes)
    same = codes[alike.left] == codes[alike.right]
    free = alike.where(~guarded & same)
    rows, partners, similarity, exact = _leaving(free, rarity(whole))
    return Redundant(
        rows=rows,
        partners=partners,
        similarity=similarity,
        exact=exact,
        guarded=int(guarded.sum()),
        mixed=int((~guarded & ~same).sum()),
        prompt_only=_apart(pairs_of(prompt), answer),
        answer_only=_apart(_long_only(pairs_of(answer), answer), prompt),
    )


def rarity(tape: Tape) -> NDArray[np.float64]:
    """How rare each text's wording is: mean over its distinct words of log(N / texts with the word)."""
    owners = np.repeat(np.arange(len(tape)), tape.lengths)
    known = sorted_distinct(tape.words)
    held = np.sort(owners * max(len(known), 1) + np.searchsorted(known, tape.words))
    held = held[np.append(True, held[1:] != held[:-1])] if len(held) else held
    owner, word = np.divmod(held, max(len(known), 1))
    weight = np.log(max(len(tape), 1) / np.maximum(np.bincount(word, minlength=len(known)), 1))
    total = np.bincount(owner, weights=weight[word], minlength=len(tape))
    mean: NDArray[np.float64] = total / np.maximum(np.bincount(owner, minlength=len(tape)), 1)
    return mean


def _fields_alike(pairs: Pairs, prompt: Tape, answer: Tape) -> Mask:
    left, right = pairs.left, pairs.right
    kept = np.ones(len(pairs), dtype=bool)
    for tape in (prompt, answer):
        filled = (tape.lengths[left] > 0) | (tape.lengths[right] > 0)
        kept[filled] &= similarity_of(tape, left[filled], right[filled]) >= ANSWER
    return kept


def _leaving(pairs: Pairs, rare: NDArray[np.float64]) -> tuple[Positions, Positions, NDArray[np.float64], Mask]:
    """A greedy choice: from the rarest wording down, a row stays unless a near-duplicate of its own already does."""
    near: dict[int, list[int]] = {}
    for place, (one, two) in enumerate(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)):
        near.setdefault(one, []).append(place)
        near.setdefault(two, []).append(place)
    stays: set[int] = set()
    gone: list[tuple[int, int, int]] = []
    for row in sorted(near, key=lambda row: (-rare[row], row)):
        met = [(pairs.similarity[place], place) for place in near[row] if _other(pairs, place, row) in stays]
        if met:
            _, place = max(met)
            gone.append((row, _other(pairs, place, row), place))
        else:
            stays.add(row)
    gone.sort()
    table = np.array(gone, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], pairs.similarity[table[:, 2]], pairs.exact[table[:, 2]]


def _other(pairs: Pairs, place: int, row: int) -> int:
    left, right = int(pairs.left[place]), int(pairs.right[place])
    return right if left == row else left


def _long_only(pairs: Pairs, tape: Tape) -> Pairs:
    lengths = tape.lengths
    return pairs.where(np.minimum(lengths[pairs.left], lengths[pairs.right]) >= SHORT_WORDS)


def _apart(pairs: Pairs, other: Tape) -> int:
    """Rows in pairs whose other field is a different one."""
    filled = (other.lengths[pairs.left] > 0) & (other.lengths[pairs.right] > 0)
    kept = pairs.where(filled)
    kept = kept.where(similarity_of(other, kept.left, kept.right) < ANSWER)
    return len(np.unique(np.concatenate([kept.left, kept.right])))


def _codes(classes: Sequence[Hashable]) -> Positions:
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in classes], dtype=np.int64)
