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

from headgate.text import kernels
from headgate.text.guards import guard_keys
from headgate.text.near_duplicates import (
    SHORT_THRESHOLD,
    SHORT_WORDS,
    THRESHOLD,
    Pairs,
    near_duplicate_pairs,
    similarity_of,
)
from headgate.text.ngrams import exact_hashes, sorted_distinct
from headgate.text.tape import Hashes, Mask, Positions, Tape

TEXTS = 1 << 13  # handled at a time by compiled kernels
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
    codes = _codes(classes)
    pairs = pairs_of(whole, apart=codes)
    alike = pairs.where(_fields_alike(pairs, prompt, answer))
    # A label that differs is a different answer; its numbers and negations count like any other.
    guarded = alike.guarded | (guard_keys(answer)[alike.left] != guard_keys(answer)[alike.right])
    same = codes[alike.left] == codes[alike.right]
    free = alike.where(~guarded & same)
    rows, partners, similarity, exact = _leaving(free, _rare(whole, free), exact_hashes(whole))
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


def rarity(tape: Tape, chosen: Positions | None = None) -> NDArray[np.float64]:
    """How rare each text's wording is: mean over its distinct words of log(N / texts with the word).

    With `chosen`, of those texts only, among all of them.
    """
    if kernels.compiled():
        return _compiled_rarity(tape, np.arange(len(tape)) if chosen is None else chosen)
    owners = np.repeat(np.arange(len(tape)), tape.lengths)
    known = sorted_distinct(tape.words)
    held = np.sort(owners * max(len(known), 1) + np.searchsorted(known, tape.words))
    held = held[np.append(True, held[1:] != held[:-1])] if len(held) else held
    owner, word = np.divmod(held, max(len(known), 1))
    weight = np.log(max(len(tape), 1) / np.maximum(np.bincount(word, minlength=len(known)), 1))
    total = np.bincount(owner, weights=weight[word], minlength=len(tape))
    mean: NDArray[np.float64] = total / np.maximum(np.bincount(owner, minlength=len(tape)), 1)
    return mean if chosen is None else mean[chosen]


def _compiled_rarity(tape: Tape, chosen: Positions) -> NDArray[np.float64]:
    from headgate.text.compiled import counting

    held, table = counting.vocabulary(tape.words, tape.offsets, chosen)

    def count(piece: slice) -> Positions:
        texts = np.zeros(len(held), dtype=np.int64)
        counting.document_counts(tape.words, tape.offsets, piece.start, piece.stop, held, table, texts)
        return texts

    pieces = kernels.slices(len(tape), max(-(-len(tape) // kernels.threads()), 1))
    texts = sum(kernels.spread(count, pieces), np.zeros(len(held), dtype=np.int64))
    weights, mean = np.log(max(len(tape), 1) / np.maximum(texts, 1)), np.empty(len(chosen))

    def weigh(piece: slice) -> None:
        counting.mean_weights(tape.words, tape.offsets, chosen[piece], held, table, weights, mean[piece])

    list(kernels.spread(weigh, kernels.slices(len(chosen), TEXTS)))
    return mean


def _rare(tape: Tape, pairs: Pairs) -> NDArray[np.float64]:
    """Rarity of the texts in pairs that are not exact; 0 for the others, which nobody asks for."""
    rare, near = np.zeros(len(tape)), pairs.where(~pairs.exact)
    involved = np.unique(np.concatenate([near.left, near.right]))
    rare[involved] = rarity(tape, involved)
    return rare


def _fields_alike(pairs: Pairs, prompt: Tape, answer: Tape) -> Mask:
    left, right = pairs.left, pairs.right
    kept = np.ones(len(pairs), dtype=bool)
    for tape in (prompt, answer):
        filled = (tape.lengths[left] > 0) | (tape.lengths[right] > 0)
        kept[filled] &= similarity_of(tape, left[filled], right[filled]) >= ANSWER
    return kept


def _leaving(
    pairs: Pairs, rare: NDArray[np.float64], ties: Hashes
) -> tuple[Positions, Positions, NDArray[np.float64], Mask]:
    """A greedy choice: from the rarest wording down, a row stays unless a near-duplicate of its own already does.

    `ties` are hashes of the words, so that the order of rows decides only between rows with the same words.
    """
    exact = pairs.where(pairs.exact)
    near = pairs.where(~pairs.exact)
    met: dict[int, list[int]] = {}
    for place, (one, two) in enumerate(zip(near.left.tolist(), near.right.tolist(), strict=True)):
        met.setdefault(one, []).append(place)
        met.setdefault(two, []).append(place)
    stays: set[int] = set()
    gone: dict[int, tuple[int, float, bool]] = {}
    for row in sorted(met, key=lambda row: (-rare[row], int(ties[row]), row)):
        likest = max(((near.similarity[p], p) for p in met[row] if _other(near, p, row) in stays), default=None)
        if likest is None:
            stays.add(row)
        else:
            gone[row] = (_other(near, likest[1], row), float(likest[0]), False)
    # Copies are linked to the first of their kind only, and follow it to the row that stays.
    for leader, copy in zip(exact.left.tolist(), exact.right.tolist(), strict=True):
        gone[copy] = gone.get(leader, (leader, 1.0, True))
    order = sorted(gone)
    return (
        np.array(order, dtype=np.int64),
        np.array([gone[row][0] for row in order], dtype=np.int64),
        np.array([gone[row][1] for row in order], dtype=np.float64),
        np.array([gone[row][2] for row in order], dtype=bool),
    )


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
