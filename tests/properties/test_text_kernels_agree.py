"""Compiled kernels give what the plain ones give, for any texts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from random import Random
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.text.coverage import coverage
from headgate.text.edited import aligned_shares
from headgate.text.guards import guard_keys
from headgate.text.kernels import SETTING
from headgate.text.near_duplicates import near_duplicate_pairs
from headgate.text.ngrams import Shingles, character_ngrams, exact_hashes
from headgate.text.redundancy import rarity
from headgate.text.sharing import shared
from headgate.text.tape import tape_of
from headgate.text.vocabulary import vocabulary

TEXTS = st.lists(st.text(max_size=60), max_size=8)
CHARACTERS = st.lists(st.text(st.characters(min_codepoint=0x80, exclude_categories=[]), max_size=20), max_size=5)
HIDDEN = st.lists(st.text("ab 3\n-中$аο０\u00ad\u200b\u202e\ufe0f\ufeff", max_size=20), max_size=5)
SPOKEN = "the a card is not lost 5 7 refund my don t can $ 東 京"
SENTENCES = st.lists(st.lists(st.sampled_from(SPOKEN.split()), max_size=30).map(" ".join), max_size=14)
FEW = settings(max_examples=60, derandomize=True, deadline=None)


@contextmanager
def using(mode: str) -> Iterator[None]:
    """With one kind of kernels."""
    with mock.patch.dict(os.environ, {SETTING: mode}):
        yield


def both(function: object, *texts: list[str]) -> list[list[bytes]]:
    """The bytes of an answer by plain and by compiled kernels; tapes are cut anew for each."""
    out = []
    for mode in ("plain", "compiled"):
        with using(mode):
            answer = function(*(tape_of(one) for one in texts))  # type: ignore[operator]
            out.append([np.ascontiguousarray(part).tobytes() for part in answer])
    return out


@FEW
@given(st.one_of(TEXTS, CHARACTERS, HIDDEN))
def test_any_text_has_the_same_tape(texts: list[str]) -> None:
    """Words, places, keys and characters agree in every script."""
    plain, compiled = both(
        lambda tape: (
            tape.words,
            tape.offsets,
            tape.starts,
            tape.ends,
            guard_keys(tape),
            exact_hashes(tape),
            character_ngrams(tape, 2).hashes,
            character_ngrams(tape, 2).offsets,
            rarity(tape),
        ),
        texts,
    )
    assert plain == compiled


@FEW
@given(SENTENCES)
def test_any_texts_have_the_same_pairs(texts: list[str]) -> None:
    """Pairs, similarities and guards agree."""

    def pairs(tape):  # type: ignore[no-untyped-def]
        found = near_duplicate_pairs(tape, threshold=0.3, short_threshold=0.4, short_words=6)
        return found.left, found.right, found.similarity, found.exact, found.guarded

    plain, compiled = both(pairs, texts)
    assert plain == compiled


@FEW
@given(SENTENCES, SENTENCES)
def test_any_items_are_covered_alike(rows: list[str], items: list[str]) -> None:
    """Known n-grams are found in the same rows."""

    def covered(one, two):  # type: ignore[no-untyped-def]
        found = coverage(one, two, n=2, common_rows=3)
        return found.rows, found.items, found.shared, found.telling, found.all

    plain, compiled = both(covered, rows, items)
    assert plain == compiled


@FEW
@given(TEXTS)
def test_any_words_are_numbered_alike(texts: list[str]) -> None:
    """Distinct words come in the same order, with the same codes."""

    def numbered(tape):  # type: ignore[no-untyped-def]
        found = vocabulary(tape)
        return found.codes, np.array(found.words)

    plain, compiled = both(numbered, texts * 3)
    assert plain == compiled


@FEW
@given(SENTENCES, SENTENCES, st.booleans(), st.randoms(use_true_random=False))
def test_any_pairs_share_the_same_grams(rows: list[str], items: list[str], characters: bool, draw: Random) -> None:
    """Grams of texts of two tapes are counted alike, in whatever order the pairs come."""
    pairs = [(row, item) for row in range(len(rows)) for item in range(len(items))]
    draw.shuffle(pairs)
    one, two = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))

    def counted(left, right):  # type: ignore[no-untyped-def]
        return shared(left, right, Shingles(2, characters=characters), one, two)

    plain, compiled = both(counted, rows, items)
    assert plain == compiled
    both_have = [len(grams(rows[row]) & grams(items[item])) for row, item in pairs]
    with using("plain"):
        assert characters or both_have == counted(tape_of(rows), tape_of(items))[0].tolist()


@FEW
@given(SENTENCES, SENTENCES)
def test_any_pairs_are_aligned_alike(rows: list[str], items: list[str]) -> None:
    """The same share of each item's weight stands in order, whatever the sizes of the texts beside it."""
    pairs = [(row, item) for row in range(len(rows)) for item in range(len(items))]
    one, two = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))

    def aligned(left, right):  # type: ignore[no-untyped-def]
        weights = (right.words % np.uint64(7)).astype(np.int64) * 40
        return (aligned_shares(left, right, one, two, weights),)

    plain, compiled = both(aligned, rows, items)
    assert plain == compiled


def grams(text: str) -> set[tuple[str, str]]:
    """Pairs of neighbouring words; the sentences here have words without signs, and signs of Han that are words."""
    words = re.findall(r"[a-z0-9]+|[東京]", text)
    return set(pairwise(words))
