"""Tapes that are put together from the words of parts are those of the joined texts."""

from __future__ import annotations

import itertools
import os
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.text.guards import guard_keys
from headgate.text.joining import Joins, Parted, tapes_of
from headgate.text.kernels import SETTING
from headgate.text.ngrams import exact_hashes
from headgate.text.tape import Tape, tape_of

WORDS = "the card don t is not 5 seven $ € refund İ 東 京 ß isn"
SAID = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(WORDS.split()), max_size=5).map(" ".join))
MADE = st.lists(st.lists(SAID, max_size=4), max_size=6)


def shown(tape: Tape) -> list[bytes]:
    """All that a tape says, as bytes, and its texts."""
    arrays = (tape.words, tape.offsets, tape.starts, tape.ends, guard_keys(tape), exact_hashes(tape))
    return [*(array.tobytes() for array in arrays), "\0".join(tape.texts).encode("utf-8", "surrogatepass")]


@settings(max_examples=120, derandomize=True, deadline=None)
@given(MADE, st.sampled_from(["plain", "compiled"]))
def test_tapes_of_parts_are_those_of_the_joined_texts(texts: list[list[str]], mode: str) -> None:
    """Words, places, guard keys ("don" and "t" of two parts together) and exact hashes, whatever the parts are."""
    parts = [part for text in texts for part in text]
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    every = Joins(np.arange(len(parts)), offsets)
    # Every second part, in their order.
    second = [np.arange(first, last)[::2] for first, last in itertools.pairwise(offsets.tolist())]
    some = Joins(
        np.concatenate([np.zeros(0, dtype=np.int64), *second]), np.cumsum([0, *map(len, second)], dtype=np.int64)
    )
    with mock.patch.dict(os.environ, {SETTING: mode}):
        made = tapes_of(parts, {"every": every, "some": some})
    with mock.patch.dict(os.environ, {SETTING: "plain"}):
        wanted = [tape_of(["\n".join(text) for text in texts]), tape_of(["\n".join(text[::2]) for text in texts])]
        assert [shown(tape) for tape in wanted] == [shown(made[name]) for name in ("every", "some")]


def test_tapes_that_are_asked_for_later_are_not_those_of_other_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of one set of parts wait while another set is cut, which would fit where they stood."""
    monkeypatch.setenv(SETTING, "compiled")
    first, second = (
        ["one two three four five six seven", "eight"],
        ["another", "text"],
    )  # fits where the first one stood
    joins = Joins(np.array([0, 1]), np.array([0, 2])), Joins(np.array([1]), np.array([0, 1]))
    early, late = (Parted(parts, dict(zip(("both", "last"), joins, strict=True))) for parts in (first, second))
    early.tape("both")
    late.tape("both")
    for waited, parts in ((early, first), (late, second)):
        for field, text in (("both", "\n".join(parts)), ("last", parts[1])):
            assert shown(tape_of([text])) == shown(waited.tape(field))
