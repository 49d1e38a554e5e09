"""How varied a set of texts is, by measures that fall when a distribution narrows.

Every measure depends on how much text is looked at, so sets are compared at one size: `draws` takes
samples with the same number of words (measures of words) and of texts (measures of texts). Higher is more varied.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headgate.text.ngrams import distinct, sorted_distinct, word_ngrams
from headgate.text.tape import Hashes, Positions, Tape

DIMENSIONS = 64  # of the random directions that stand for words
OPENING = 3  # words
COMMON_OPENERS = 20
FIRST = 4096  # texts among which a sample is looked for before more are


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some texts of a tape, and so many of them that their words make up a fixed number."""

    texts: Positions  # a fixed number of texts
    openers: Hashes  # of those of them that have one
    directions: NDArray[np.float64]  # (texts, DIMENSIONS)
    words: Tape  # the first of a shuffled order, about a fixed number of words


def draws(
    lengths: Positions, read: Callable[[Positions], Tape], *, texts: int, words: int, count: int, seed: int = 0
) -> Iterator[Sample]:
    """`count` samples without replacement of `texts` texts, and of as many texts as hold `words` words.

    `lengths` are the words of all texts; `read` gives the tape of those at ascending places that a sample has.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        order = rng.permutation(len(lengths))
        drawn.append((order[:texts], order[: _reaching(lengths, order, words)]))
    yield from _samples(drawn, read)


def _reaching(lengths: Positions, order: Positions, words: int) -> int:
    """How many of some texts, in order, it takes to reach a number of words; one more than there are if all do not."""
    looked_at = FIRST
    while True:
        ends = np.cumsum(lengths[order[:looked_at]])
        reached = int(np.searchsorted(ends, words)) + 1
        if reached <= len(ends) or looked_at >= len(order):
            return reached
        looked_at *= 4


def _samples(drawn: Sequence[tuple[Positions, Positions]], read: Callable[[Positions], Tape]) -> Iterator[Sample]:
    """A sample for each pair of texts, and of texts that hold the words."""
    wanted = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(order for pair in drawn for order in pair)]))
    tape = read(wanted)
    grams = word_ngrams(tape, OPENING)
    spoken = grams.counts > 0
    openers = np.zeros(len(tape), dtype=np.uint64)
    openers[spoken] = grams.hashes[grams.offsets[:-1][spoken]]
    points = directions(tape)
    for some, all_words in drawn:
        own = np.searchsorted(wanted, some)
        yield Sample(some, openers[own[spoken[own]]], points[own], tape.take(np.searchsorted(wanted, all_words)))


def _distinct(n: int) -> Callable[[Sample], float]:
    def measure(sample: Sample) -> float:
        grams = word_ngrams(sample.words, n).hashes
        return len(sorted_distinct(grams)) / max(len(grams), 1)

    return measure


def _compressed(sample: Sample) -> float:
    # The bytes of the word hashes stand for the words, so that case and marks play no part.
    data = (sample.words.words >> np.uint64(48)).astype(np.uint16).tobytes()
    return len(zlib.compress(data, 6)) / max(len(data), 1)


def _own(sample: Sample) -> float:
    """Share of the 4-grams of a text that no other text of the sample holds, on average."""
    sets = distinct(word_ngrams(sample.words, 4))
    if not len(sets.hashes):
        return 1.0
    ordered = np.sort(sets.hashes)
    counts = np.searchsorted(ordered, sets.hashes, side="right") - np.searchsorted(ordered, sets.hashes, side="left")
    alone = counts == 1
    filled = np.flatnonzero(sets.counts)
    return float((np.add.reduceat(alone.astype(np.float64), sets.offsets[:-1][filled]) / sets.counts[filled]).mean())


def _openers(sample: Sample) -> tuple[Positions, int]:
    """How often each opener occurs, and how many texts have one."""
    ordered = np.sort(sample.openers)
    heads = (
        np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, dtype=np.int64)
    )
    return np.diff(np.append(heads, len(ordered))), len(ordered)


def _opener_entropy(sample: Sample) -> float:
    """Entropy of the first three words in bits, of at most log2 of the number of texts."""
    counts, total = _openers(sample)
    if total < 2:
        return 1.0
    shares = counts / total
    return float(-(shares * np.log2(shares)).sum() / np.log2(total))


def _rare_openers(sample: Sample) -> float:
    """Share of texts that begin with none of the twenty commonest openers."""
    counts, total = _openers(sample)
    return 1.0 - float(np.sort(counts)[::-1][:COMMON_OPENERS].sum()) / max(total, 1)


def _vendi(sample: Sample) -> float:
    """Effective number of directions (Friedman and Dieng 2023, in the covariance form) of texts as bags of words."""
    points = sample.directions[np.linalg.norm(sample.directions, axis=1) > 0]
    if not len(points):
        return 0.0
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(points.T @ points / len(points))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def directions(tape: Tape) -> NDArray[np.float64]:
    """Each text as the sum of a random direction for each of its words; shape (N, DIMENSIONS)."""
    out = np.zeros((len(tape), DIMENSIONS))
    for first, part in tape.parts():
        filled = np.flatnonzero(part.lengths)
        if not len(filled):
            continue
        for bit in range(DIMENSIONS):
            signs = ((part.words >> np.uint64(bit)) & np.uint64(1)).astype(np.float64) * 2 - 1
            out[first + filled, bit] = np.add.reduceat(signs, part.offsets[:-1][filled])
    return out


# Name as a report prints it -> measure of one sample; higher is more varied.
MEASURES: Mapping[str, Callable[[Sample], float]] = {
    "distinct words": _distinct(1),
    "distinct word pairs": _distinct(2),
    "distinct word triples": _distinct(3),
    "compressed size": _compressed,
    "phrases of their own": _own,
    "entropy of openers": _opener_entropy,
    "texts with a rare opener": _rare_openers,
    "effective directions": _vendi,
}


def battery(tape: Tape, *, texts: int, words: int, count: int, seed: int = 0) -> NDArray[np.float64]:
    """Each measure of `count` samples; shape (count, measures), columns in the order of `MEASURES`."""
    return battery_of(tape.lengths, tape.take, texts=texts, words=words, count=count, seed=seed)


def battery_of(
    lengths: Positions, read: Callable[[Positions], Tape], *, texts: int, words: int, count: int, seed: int = 0
) -> NDArray[np.float64]:
    """`battery` of texts that are read where a sample has them."""
    samples = draws(lengths, read, texts=texts, words=words, count=count, seed=seed)
    return np.array([[measure(sample) for measure in MEASURES.values()] for sample in samples])


def blocks_of(
    lengths: Positions, read: Callable[[Positions], Tape], *, texts: int, words: int, most: int, seed: int = 0
) -> NDArray[np.float64]:
    """Each measure of disjoint blocks, at most so many, in a random order; shape (blocks, measures).

    A block is `texts` texts, and beside it as many as hold `words` words; both are cut from one order, so that
    blocks share nothing and are as independent as texts are.
    """
    order = np.random.default_rng(seed).permutation(len(lengths))
    ends = np.concatenate([[0], np.cumsum(lengths[order])])
    drawn: list[tuple[Positions, Positions]] = []
    start = 0
    while len(drawn) < min(most, len(order) // max(texts, 1)):
        reached = int(np.searchsorted(ends, ends[start] + words))
        if reached > len(order):
            break
        drawn.append((order[len(drawn) * texts : (len(drawn) + 1) * texts], order[start:reached]))
        start = reached
    if not drawn:
        return np.zeros((0, len(MEASURES)))
    return np.array([[measure(sample) for measure in MEASURES.values()] for sample in _samples(drawn, read)])
