"""Near-duplicates of texts in blocks are those of the texts together, whatever the blocks."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headgate.text import shards
from headgate.text.kernels import SETTING
from headgate.text.near_duplicates import near_duplicate_pairs
from headgate.text.redundancy import Redundant, redundant
from headgate.text.shards import (
    FieldScan,
    merged_counts,
    near_pairs,
    redundant_in_shards,
    scan_field,
    scan_fields,
    word_counts,
)
from headgate.text.tape import Hashes, Positions, Tape, tape_of

TOPICS = "card refund transfer account limit phone address receipt lost stolen pending fee euro weekly order"
WORDS = TOPICS.split()


class Blocks:
    """A field from the scans of blocks of some texts."""

    def __init__(self, texts: list[str], size: int, codes: Positions | None = None) -> None:
        self.texts = texts
        self.scans: list[tuple[int, FieldScan]] = []
        for first in range(0, len(texts), size):
            apart = None if codes is None else codes[first : first + size]
            self.scans.append((first, scan_field(tape_of(texts[first : first + size]), apart=apart)))
        self.lengths = np.concatenate([scan.lengths for _, scan in self.scans])

    def fact(self, name: str, made: Callable[[Any], Hashes]) -> Hashes:
        return np.concatenate([getattr(scan, name) for _, scan in self.scans])

    def signed(self, kind: str) -> tuple[Positions, Any]:
        parts = [(scan.signed[kind].texts + first, scan.signed[kind].sketches) for first, scan in self.scans]
        return np.concatenate([texts for texts, _ in parts]), np.concatenate([held for _, held in parts])

    def keys(self, kind: str, band: int) -> Hashes:
        return np.concatenate([scan.signed[kind].keys[band] for _, scan in self.scans])

    def tape(self, chosen: Positions) -> Tape:
        return tape_of([self.texts[index] for index in chosen.tolist()])


def made(count: int, seed: int) -> list[str]:
    """Texts of 0 to 60 words, many of them near or exact copies of another."""
    rng = random.Random(seed)
    texts: list[str] = []
    for _ in range(count):
        words = rng.choices(WORDS, k=rng.choice([0, 3, 8, 18, 25, 60])) + [f"n{rng.randrange(999)}"] * rng.randint(0, 9)
        if texts and rng.random() < 0.6:
            words = rng.choice(texts).split()
            if words and rng.random() < 0.7:
                words[rng.randrange(len(words))] = rng.choice([*WORDS, "not", "5", "7"])
        texts.append(" ".join(words))
    return texts


def same(one: Any, other: Any, names: tuple[str, ...]) -> None:
    """Both have equal arrays."""
    for name in names:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("size", [7, 50, 1000])
def test_pairs_of_blocks_are_the_pairs_of_all_texts(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left, right, similarity, exactness and guards, with chunks that cut through clusters."""
    monkeypatch.setattr(shards, "CHUNK", 500)
    texts = made(300, seed=size)
    whole = near_duplicate_pairs(texts)
    assert len(whole) > 100
    same(whole, near_pairs(Blocks(texts, size)), ("left", "right", "similarity", "exact", "guarded"))


@pytest.mark.parametrize("size", [11, 1000])
def test_redundant_rows_of_blocks_are_those_of_all_rows(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, partners and every count, classes apart."""
    monkeypatch.setattr(shards, "CHUNK", 500)
    rng, asked, said = random.Random(5), made(240, seed=3), made(240, seed=4)
    for place in rng.sample(range(1, 240), 80):
        before = rng.randrange(place)
        asked[place], said[place] = asked[before], said[before] + rng.choice(["", " indeed", " 7"])
    codes = np.array([random.Random(place).randrange(2) for place in range(240)], dtype=np.int64)
    whole = [f"{one}\n{other}" for one, other in zip(asked, said, strict=True)]
    expected: Redundant = redundant(tape_of(whole), tape_of(asked), tape_of(said), codes.tolist())
    counts = merged_counts([word_counts(tape_of(whole[first : first + size])) for first in range(0, 240, size)])
    fields = Blocks(whole, size, codes), Blocks(asked, size), Blocks(said, size)
    found = redundant_in_shards(*fields, codes, counts)
    assert len(expected.rows) > 5
    same(expected, found, ("rows", "partners", "similarity", "exact"))
    for name in ("guarded", "mixed", "prompt_only", "answer_only"):
        assert getattr(expected, name) == getattr(found, name)


@pytest.mark.parametrize("kernels", ["plain", "compiled"])
def test_words_are_counted_once_for_each_text(kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by plain and by compiled kernels, in one block and in several."""
    monkeypatch.setenv("HEADGATE_KERNELS", kernels)
    texts = made(90, seed=1)
    words, counts = word_counts(tape_of(texts))
    expected = {word: sum(word in one.words_of(0) for one in map(tape_of, ([t] for t in texts))) for word in words}
    assert expected == dict(zip(words, counts, strict=True))
    again = merged_counts([word_counts(tape_of(texts[first : first + 20])) for first in range(0, 90, 20)])
    assert np.array_equal(words, again[0]) and np.array_equal(counts, again[1])


@pytest.mark.parametrize("mode", ["plain", "compiled"])
def test_halves_have_the_signatures_of_their_texts(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts, first halves and second ones, however short they are, and texts that are no two halves."""
    monkeypatch.setenv(SETTING, mode)
    one, two = made(120, 5), made(120, 6)
    halved = np.arange(120) % 3 > 0
    texts = [f"{a}\n{b}" if both else f"{b} {a}" for a, b, both in zip(one, two, halved, strict=True)]
    tapes = tape_of(texts), tape_of(one), tape_of(two)
    wanted = [scan_field(tape) for tape in tapes]
    found = scan_fields(*tapes, halved)
    for kind in ("long", "short"):
        for name in ("texts", "keys", "sketches"):
            assert [getattr(scan.signed[kind], name).tolist() for scan in wanted] == [
                getattr(scan.signed[kind], name).tolist() for scan in found
            ]
