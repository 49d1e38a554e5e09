"""Near-duplicates and redundancy among texts that are never in memory together.

`scan_field` is a pure function over one block of texts: what it leaves is about 400 bytes a text. The
merge sorts one band at a time, drops the candidates whose sketches already rule them out, and reads
only the texts of the others again, for the checks that `near_duplicates` makes. The answers are those
of `near_duplicate_pairs` and `redundant`, pair for pair.

A sketch keeps 4 bits of each row of a signature. Rows that agree have the same bits, so agreement of
sketches is never under agreement of signatures: what it rules out, the signatures rule out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headgate.text import kernels
from headgate.text.clusters import components
from headgate.text.guards import guard_keys, swapped_word
from headgate.text.jaccard import similarities
from headgate.text.minhash import (
    Keys,
    Signatures,
    agreement,
    band_keys,
    least_agreement,
    met_in_bands,
    signatures,
    signatures_of_halves,
)
from headgate.text.near_duplicates import (
    CHARACTERS,
    SHORT_THRESHOLD,
    SHORT_WORDS,
    THRESHOLD,
    WORDS,
    Banding,
    Pairs,
    _filled,
    _ordered,
    _same,
    similarity_of,
)
from headgate.text.ngrams import exact_hashes, sorted_distinct
from headgate.text.redundancy import ANSWER, Redundant, _leaving, _long_only
from headgate.text.tape import Hashes, Mask, Positions, Tape

Sketches = NDArray[np.uint8]  # (texts, rows / 2): two rows of a signature in each byte

BANDING = Banding()
LONG, SHORT = "long", "short"  # texts compared by words, and by characters
SHINGLES = {LONG: WORDS, SHORT: CHARACTERS}
CHUNK = 4_000_000  # words of the pairs that are read again at a time
PIECE = 1 << 16  # pairs whose sketches are compared at a time


@dataclass(frozen=True, slots=True, eq=False)
class Signed:
    """What is kept of the signatures of some texts of a block; M texts."""

    texts: Positions  # (M,), ascending
    keys: NDArray[np.uint32]  # (bands, M)
    sketches: Sketches  # (M, rows / 2)


@dataclass(frozen=True, slots=True, eq=False)
class FieldScan:
    """What is kept of one field of a block of N texts."""

    lengths: Positions  # (N,): words
    exact: Hashes  # (N,)
    guards: Hashes  # (N,)
    signed: Mapping[str, Signed]  # by LONG and SHORT


class Field(Protocol):
    """One field of all texts, put together from the scans of their blocks; N texts."""

    lengths: Positions  # (N,)

    def fact(self, name: str, made: Callable[[Any], Hashes]) -> Hashes:
        """The hashes named "exact" or "guards" of each text; (N,)."""

    def signed(self, kind: str) -> tuple[Positions, Sketches]:
        """Texts with a signature of that kind, ascending, and their sketches."""

    def keys(self, kind: str, band: int) -> Keys:
        """The keys of one band of those texts."""

    def tape(self, chosen: Positions) -> Tape:
        """The tape of some texts, read again."""


def scan_field(
    tape: Tape,
    *,
    apart: Positions | None = None,
    short_threshold: float = SHORT_THRESHOLD,
    banding: Banding = BANDING,
) -> FieldScan:
    """What the merge needs of one block: of texts that repeat an earlier one of the block, no signature."""
    first = _first(tape, apart)
    long = first[tape.lengths[first] >= SHORT_WORDS]
    table = signatures(tape, WORDS, rows=banding.bands * banding.rows, seed=banding.seed, chosen=long)
    return _field_scan(tape, first, long, table, short_threshold, banding)


def scan_fields(
    whole: Tape,
    prompt: Tape,
    answer: Tape,
    split: Mask,
    *,
    apart: Positions | None = None,
    short_threshold: float = SHORT_THRESHOLD,
    banding: Banding = BANDING,
) -> tuple[FieldScan, FieldScan, FieldScan]:
    """`scan_field` of three fields; where `split`, the whole is the prompt and then the answer."""
    tapes = (whole, prompt, answer)
    firsts = [_first(tape, apart if place == 0 else None) for place, tape in enumerate(tapes)]
    longs = [first[tape.lengths[first] >= SHORT_WORDS] for tape, first in zip(tapes, firsts, strict=True)]
    rows = banding.bands * banding.rows
    tables = signatures_of_halves(whole, (prompt, answer), split, longs, WORDS.n, rows=rows, seed=banding.seed)
    one, two, three = (
        _field_scan(tape, first, long, table, short_threshold, banding)
        for tape, first, long, table in zip(tapes, firsts, longs, tables, strict=True)
    )
    return one, two, three


def _first(tape: Tape, apart: Positions | None) -> Positions:
    """Texts that have words and repeat none before them."""
    kept = tape.lengths > 0
    kept[_same(tape, guard_keys(tape), apart).right] = False
    return np.flatnonzero(kept)


def _field_scan(
    tape: Tape, first: Positions, long: Positions, table: Signatures, short_threshold: float, banding: Banding
) -> FieldScan:
    short = first[tape.lengths[first] < 2 * SHORT_WORDS / short_threshold]
    rows = banding.bands * banding.rows
    tables = {LONG: table, SHORT: signatures(tape, CHARACTERS, rows=rows, seed=banding.seed, chosen=short)}
    signed = {}
    for kind, chosen in ((LONG, long), (SHORT, short)):
        filled = _filled(tables[kind])
        kept = tables[kind] if len(filled) == len(chosen) else tables[kind][:, filled]
        signed[kind] = Signed(chosen[filled], band_keys(kept, banding.bands), _sketches(kept))
    return FieldScan(tape.lengths, exact_hashes(tape), guard_keys(tape), signed)


def word_counts(tape: Tape) -> tuple[Hashes, Positions]:
    """Sorted distinct words of a block, and in how many of its texts each occurs."""
    if kernels.compiled():
        from headgate.text.compiled import counting

        held, table = counting.vocabulary(tape.words, tape.offsets, np.arange(len(tape)))
        counts = np.zeros(len(held), dtype=np.int64)
        counting.document_counts(tape.words, tape.offsets, 0, len(tape), held, table, counts)
        order = np.argsort(held)
        return held[order], counts[order]
    known = sorted_distinct(tape.words)
    owners = np.repeat(np.arange(len(tape)), tape.lengths)
    held_by = sorted_distinct((owners * max(len(known), 1) + np.searchsorted(known, tape.words)).astype(np.uint64))
    return known, np.bincount((held_by % np.uint64(max(len(known), 1))).astype(np.int64), minlength=len(known))


def merged_counts(parts: Sequence[tuple[Hashes, Positions]]) -> tuple[Hashes, Positions]:
    """The counts of several blocks together."""
    words = np.concatenate([np.zeros(0, dtype=np.uint64), *(words for words, _ in parts)])
    counts = np.concatenate([np.zeros(0, dtype=np.int64), *(counts for _, counts in parts)])
    order = np.argsort(words)
    words, counts = words[order], counts[order]
    if not len(words):
        return words, counts
    heads = np.flatnonzero(np.append(True, words[1:] != words[:-1]))
    return words[heads], np.add.reduceat(counts, heads)


def near_pairs(
    field: Field,
    *,
    threshold: float = THRESHOLD,
    short_threshold: float = SHORT_THRESHOLD,
    apart: Positions | None = None,
    banding: Banding = BANDING,
    advance: Callable[[int], object] = lambda _: None,
) -> Pairs:
    """`near_duplicate_pairs` of texts that are read in blocks; `advance` is told of each band done."""
    guards = guard_keys(_as_tape(field))
    same = _same(_as_tape(field), guards, apart)
    first = field.lengths > 0
    first[same.right] = False
    parts = [same]
    for kind, least in ((LONG, threshold), (SHORT, short_threshold)):
        left, right = _candidates(field, kind, first, least, banding, advance)
        parts += _checked(field, kind, left, right, least, banding, guards)
    return _ordered(parts)


def redundant_in_shards(
    whole: Field,
    prompt: Field,
    answer: Field,
    codes: Positions,
    counts: tuple[Hashes, Positions],
    *,
    threshold: float = THRESHOLD,
    short_threshold: float = SHORT_THRESHOLD,
    advance: Callable[[int], object] = lambda _: None,
) -> Redundant:
    """`redundant` of rows that are read in blocks; `counts` are the words of `whole` with their texts."""
    thresholds: dict[str, Any] = {"threshold": threshold, "short_threshold": short_threshold, "advance": advance}
    pairs = near_pairs(whole, apart=codes, **thresholds)
    alike = pairs.where(_fields_alike(pairs, prompt, answer))
    keys = guard_keys(_as_tape(answer))
    guarded = alike.guarded | (keys[alike.left] != keys[alike.right])
    same = codes[alike.left] == codes[alike.right]
    free = alike.where(~guarded & same)
    rows, partners, similarity, exact = _leaving(free, _rare(whole, free, counts), exact_hashes(_as_tape(whole)))
    return Redundant(
        rows=rows,
        partners=partners,
        similarity=similarity,
        exact=exact,
        guarded=int(guarded.sum()),
        mixed=int((~guarded & ~same).sum()),
        prompt_only=_apart(near_pairs(prompt, **thresholds), answer),
        answer_only=_apart(_long_only(near_pairs(answer, **thresholds), _as_tape(answer)), prompt),
    )


def _as_tape(field: Field) -> Any:
    # Lengths and facts are all that is asked of it, and a field has both.
    return field


def _sketches(table: NDArray[np.uint32]) -> Sketches:
    nibbles = ((table * np.uint32(0x9E3779B1)) >> np.uint32(28)).astype(np.uint8)
    return np.ascontiguousarray((nibbles[0::2] << np.uint8(4) | nibbles[1::2]).T)


def _candidates(
    field: Field, kind: str, first: Mask, floor: float, banding: Banding, advance: Callable[[int], object]
) -> tuple[Positions, Positions]:
    """Pairs that share a band and whose sketches leave it open that their signatures agree often enough."""
    texts, sketches = field.signed(kind)
    among = first[texts]
    if kind == SHORT:
        among &= field.lengths[texts] < 2 * SHORT_WORDS / floor

    def keys(band: int) -> Keys:
        return field.keys(kind, band)

    def likely(left: Positions, right: Positions) -> Mask:
        return _likely(sketches, left, right, floor)

    left, right = met_in_bands(keys, banding.bands, len(texts), among=among, likely=likely, advance=advance)
    return texts[left], texts[right]


def _likely(sketches: Sketches, left: Positions, right: Positions, floor: float) -> Mask:
    rows = 2 * sketches.shape[1]
    out = np.empty(len(left), dtype=bool)
    for begin in range(0, len(left), PIECE):
        piece = slice(begin, begin + PIECE)
        apart = sketches[left[piece]] ^ sketches[right[piece]]
        equal = np.count_nonzero(apart < 16, axis=1) + np.count_nonzero((apart & np.uint8(15)) == 0, axis=1)
        out[piece] = equal / rows >= least_agreement(floor, rows)
    return out


def _checked(
    field: Field, kind: str, left: Positions, right: Positions, floor: float, banding: Banding, guards: Hashes
) -> Iterator[Pairs]:
    """Candidates that are pairs, by their signatures and their words."""
    if kind == SHORT:
        either = np.minimum(field.lengths[left], field.lengths[right]) < SHORT_WORDS
        left, right = left[either], right[either]
    rows = banding.bands * banding.rows
    for chosen, tape, one, two in _read_again(field, left, right):
        table = signatures(tape, SHINGLES[kind], rows=rows, seed=banding.seed)
        kept = np.flatnonzero(agreement(table, one, two) >= least_agreement(floor, rows))
        exact = similarities(tape, SHINGLES[kind], one[kept], two[kept])
        kept, exact = kept[exact >= floor], exact[exact >= floor]
        guarded = guards[left[chosen[kept]]] != guards[right[chosen[kept]]]
        if kind == SHORT:
            ends = zip(one[kept].tolist(), two[kept].tolist(), strict=True)
            guarded |= np.fromiter((swapped_word(tape, *pair) for pair in ends), dtype=bool, count=len(kept))
        yield Pairs(left[chosen[kept]], right[chosen[kept]], exact, np.zeros(len(kept), dtype=bool), guarded)


def _read_again(
    field: Field, left: Positions, right: Positions
) -> Iterator[tuple[Positions, Tape, Positions, Positions]]:
    """Pairs in portions, by cluster, so that most texts are read once: places of pairs, tape, both ends in it."""
    involved, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    one, two = ends[: len(left)], ends[len(left) :]
    order = np.argsort(components(len(involved), one, two)[one], kind="stable")
    work = np.cumsum(field.lengths[left[order]] + field.lengths[right[order]])
    begin = 0
    while begin < len(order):
        before = int(work[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(work, before + CHUNK, side="right")), begin + 1)
        chosen = order[begin:end]
        texts, ends = np.unique(np.concatenate([left[chosen], right[chosen]]), return_inverse=True)
        yield chosen, field.tape(texts), ends[: len(chosen)], ends[len(chosen) :]
        begin = end


def _similarity(field: Field, left: Positions, right: Positions) -> NDArray[np.float64]:
    out, exact = np.ones(len(left)), exact_hashes(_as_tape(field))
    other = np.flatnonzero(exact[left] != exact[right])
    for chosen, tape, one, two in _read_again(field, left[other], right[other]):
        out[other[chosen]] = similarity_of(tape, one, two)
    return out


def _fields_alike(pairs: Pairs, prompt: Field, answer: Field) -> Mask:
    kept = np.ones(len(pairs), dtype=bool)
    for field in (prompt, answer):
        filled = np.flatnonzero(kept & ((field.lengths[pairs.left] > 0) | (field.lengths[pairs.right] > 0)))
        kept[filled] = _similarity(field, pairs.left[filled], pairs.right[filled]) >= ANSWER
    return kept


def _apart(pairs: Pairs, other: Field) -> int:
    kept = pairs.where((other.lengths[pairs.left] > 0) & (other.lengths[pairs.right] > 0))
    kept = kept.where(_similarity(other, kept.left, kept.right) < ANSWER)
    return len(np.unique(np.concatenate([kept.left, kept.right])))


def _rare(field: Field, pairs: Pairs, counts: tuple[Hashes, Positions]) -> NDArray[np.float64]:
    """`rarity` of the texts in pairs that are not exact; 0 for the others."""
    near = pairs.where(~pairs.exact)
    involved = np.unique(np.concatenate([near.left, near.right]))
    rare, (words, texts) = np.zeros(len(field.lengths)), counts
    weights = np.log(max(len(field.lengths), 1) / np.maximum(texts, 1))
    work = np.cumsum(field.lengths[involved])
    for portion in np.split(
        involved, np.searchsorted(work, np.arange(CHUNK, int(work[-1]) if len(work) else 0, CHUNK))
    ):
        tape = field.tape(portion)
        owners = np.repeat(np.arange(len(tape)), tape.lengths)
        coded = owners * max(len(words), 1) + np.searchsorted(words, tape.words)
        held = sorted_distinct(coded.astype(np.uint64)).astype(np.int64)
        owner, word = np.divmod(held, max(len(words), 1))
        total = np.bincount(owner, weights=weights[word], minlength=len(tape))
        rare[portion] = total / np.maximum(np.bincount(owner, minlength=len(tape)), 1)
    return rare
