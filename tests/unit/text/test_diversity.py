"""Variety of texts at one size."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.text import diversity
from headgate.text.diversity import MEASURES, battery, directions
from headgate.text.tape import tape_of


def varied(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{word}" for word in rng.zipf(1.3, 12) % 5000) for _ in range(count)]


def test_every_measure_falls_when_a_tail_is_lost() -> None:
    """Half of the texts replaced by one of ten: each measure of the battery is lower."""
    whole = varied(400, 1)
    narrow = [whole[place % 10] if place % 2 else text for place, text in enumerate(whole)]
    one, two = (battery(tape_of(texts), texts=200, words=2000, count=8).mean(axis=0) for texts in (whole, narrow))
    assert [] == [name for name, before, after in zip(MEASURES, one, two, strict=True) if after >= before]


def test_size_does_not_matter() -> None:
    """The same source with five times as many texts gives the same battery within its noise."""
    small, large = (battery(tape_of(varied(n, n)), texts=150, words=1500, count=10) for n in (400, 2000))
    spread = small.std(axis=0) + large.std(axis=0) + 0.01
    assert (np.abs(small.mean(axis=0) - large.mean(axis=0)) <= 5 * spread).all()


def test_directions_add_up_over_words() -> None:
    """A text of two words lies where its words together lie; an empty one at the origin."""
    points = directions(tape_of(["alpha", "beta", "alpha beta", ""]))
    assert (points[0] + points[1]).tolist() == points[2].tolist()
    assert [0.0] == sorted(set(points[3].tolist()))


def test_samples_of_many_texts_are_drawn_from_as_few_as_hold_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as all of them say, however few are looked at first; one more than there are for too many words."""
    lengths, order = np.array([3, 0, 5, 1, 0, 7, 2, 4]), np.array([5, 1, 0, 7, 2, 4, 6, 3])
    wanted = [int(np.searchsorted(np.cumsum(lengths[order]), words)) + 1 for words in range(1, 30)]
    assert 9 == wanted[-1]
    for first in (1, 2, 3, 8, 50):
        monkeypatch.setattr(diversity, "FIRST", first)
        assert wanted == [diversity._reaching(lengths, order, words) for words in range(1, 30)]
