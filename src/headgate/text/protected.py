"""Protected texts as hashes: enough to recognise a copy or a close variant, too little to read.

Of each text the index keeps a hash of all its words, its word runs of 2, 4, 8 and 13 words cut to 40
bits and sorted (so their order is lost), its numbers, and of a short text its character 5-grams cut to
16 bits (some hundred 5-grams share each value). Whoever has a text can ask whether it is in; whoever has
the index alone can only guess texts and ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.text.guards import number_words
from headgate.text.minhash import EMPTY, signatures
from headgate.text.ngrams import Grams, character_ngrams, distinct, exact_hashes, sorted_distinct, word_ngrams
from headgate.text.tape import Hashes, Positions, Tape, mixed, tape_of

FORMAT = 3  # goes up with any change of a hash, of what items protect, and of where rows are looked at
RUNS = (2, 4, 8, 13)  # words
SHORT_WORDS = 20
GRAM, CHARACTER_BITS = 5, 16
BANDS, BAND_ROWS = 32, 4

Flat = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class TextIndex:
    """Hashes of E texts."""

    words: Positions  # (E,): how many
    exact: Hashes  # (E,)
    numbers: Grams  # distinct numbers of each text
    runs: Mapping[int, Grams]  # for each n the distinct runs of n words
    characters: Grams  # of short texts; the others have none
    bands: Hashes  # (E, BANDS): 0 where there are none

    def __len__(self) -> int:
        return len(self.words)

    def to_bytes(self) -> bytes:
        """The same arrays, the same bytes."""
        arrays = self._arrays()
        head = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
        return b"".join([orjson.dumps([FORMAT, head]), b"\n", *(array.tobytes() for array in arrays.values())])

    @classmethod
    def from_bytes(cls, data: bytes) -> TextIndex:
        """Reads what `to_bytes` wrote; a ValueError where another format did."""
        first, _, body = data.partition(b"\n")
        number, head = orjson.loads(first)
        if number != FORMAT:
            raise ValueError(f"an index of format {number}, not {FORMAT}")
        found: dict[str, NDArray[np.generic]] = {}
        at = 0
        for name, (kind, shape) in head.items():
            size = int(np.prod(shape))
            found[name] = np.frombuffer(body, dtype=kind, count=size, offset=at).reshape(shape)
            at += found[name].nbytes
        grams = {name: _grams(found, name) for name in ("numbers", "characters", *map(str, RUNS))}
        return cls(
            words=found["words"].astype(np.int64),
            exact=found["exact"].astype(np.uint64),
            numbers=grams["numbers"],
            runs={n: grams[str(n)] for n in RUNS},
            characters=grams["characters"],
            bands=found["bands"].astype(np.uint64),
        )

    def _arrays(self) -> dict[str, Flat]:
        parts = {"numbers": self.numbers, "characters": self.characters, **{str(n): g for n, g in self.runs.items()}}
        out: dict[str, Flat] = {"words": self.words.astype("<i4"), "exact": self.exact.astype("<u8")}
        out["bands"] = self.bands.astype("<u8")
        for name, grams in parts.items():
            out[f"{name} counts"] = grams.counts.astype("<i4")
            out[f"{name} hashes"] = grams.hashes.astype("<u2" if name == "characters" else "<u8")
        return out


def index_of(texts: Sequence[str]) -> TextIndex:
    """Hashes of texts."""
    tape = tape_of(texts)
    characters, bands = _short(tape)
    return TextIndex(
        words=tape.lengths,
        exact=exact_hashes(tape),
        numbers=numbers_of(tape),
        runs={n: distinct(word_ngrams(tape, n)) for n in RUNS},
        characters=characters,
        bands=bands,
    )


def _short(tape: Tape) -> tuple[Grams, Hashes]:
    chosen = np.flatnonzero((tape.lengths < SHORT_WORDS) & (tape.lengths > 0))
    part = tape.take(chosen)
    grams, keys = cut_grams(part), band_keys(part)
    counts = np.zeros(len(tape), dtype=np.int64)
    counts[chosen] = grams.counts
    bands = np.zeros((len(tape), BANDS), dtype=np.uint64)
    bands[chosen] = keys
    return Grams(grams.hashes, offsets_of(counts)), bands


def cut_grams(tape: Tape) -> Grams:
    """Distinct character 5-grams of each text, cut to 16 bits."""
    grams = character_ngrams(tape, GRAM)
    cut = grams.hashes >> np.uint64(64 - CHARACTER_BITS)
    return _sets(grams.owners, cut, len(tape))


def band_keys(tape: Tape) -> Hashes:
    """Keys of short texts that are alike: one for each band; 0 where there are none."""
    table = signatures(tape, lambda one: character_ngrams(one, GRAM), rows=BANDS * BAND_ROWS)
    keys = np.zeros((len(tape), BANDS), dtype=np.uint64)
    for band in range(BANDS):
        key = np.full(len(tape), band, dtype=np.uint64)
        for values in table[band * BAND_ROWS : (band + 1) * BAND_ROWS]:
            key = mixed(key ^ values.astype(np.uint64))
        keys[:, band] = np.where((table[0] != EMPTY), key | np.uint64(1), 0)
    return keys


def numbers_of(tape: Tape) -> Grams:
    """Distinct numbers of each text."""
    found = number_words(tape)
    owners = np.repeat(np.arange(len(tape)), tape.lengths)[found]
    return _sets(owners, tape.words[found] >> np.uint64(24), len(tape))


def _sets(owners: Positions, values: Hashes, size: int) -> Grams:
    """Sorted distinct values (at most 40 bits) of each owner."""
    keys = sorted_distinct(keyed(owners, values))
    mine = (keys >> np.uint64(40)).astype(np.int64)
    return Grams(keys & np.uint64((1 << 40) - 1), offsets_of(np.bincount(mine, minlength=size)))


def keyed(owners: Positions, values: Hashes) -> Hashes:
    """Values of at most 40 bits under the numbers of their texts."""
    return (owners.astype(np.uint64) << np.uint64(40)) | values


def _grams(found: Mapping[str, Flat], name: str) -> Grams:
    return Grams(found[f"{name} hashes"].astype(np.uint64), offsets_of(found[f"{name} counts"].astype(np.int64)))


def offsets_of(counts: Positions) -> Positions:
    """Where each of some runs of values begins, and where the last ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
