"""Statements about splits that hold for any rows, in any order, added in any batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.curate.splitting import HELD_BACK, Assignment, Member, Memory, Plan, assign, key_hash

SHARES = {"train": 0.6, "dev": 0.2, "gate": 0.2}
DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)

# A row: conversation, subject, a place on a line on which neighbours are near-duplicates, and a day.
ROW = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 60), st.integers(0, 30))
BATCHES = st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=6)


def members(rows: list[tuple[int, int, int, int]]) -> list[Member]:
    return [
        Member(
            root=number,
            keys=(key_hash("row", str(number)), key_hash("conversation", str(c)), key_hash("subject", str(s))),
            moment=START + DAY * day,
        )
        for number, (c, s, _, day) in enumerate(rows)
    ]


def pairs(rows: list[tuple[int, int, int, int]]) -> np.ndarray:
    near = [(i, j) for i in range(len(rows)) for j in range(i) if abs(rows[i][2] - rows[j][2]) == 1]
    return np.array(near, dtype=np.int64).reshape(-1, 2)


def walk(batches: list[list[tuple[int, int, int, int]]], plan: Plan) -> list[tuple[list, Assignment]]:
    rows: list[tuple[int, int, int, int]] = []
    memory, steps = Memory(), []
    for batch in batches:
        rows = rows + batch
        result = assign(members(rows), pairs(rows), memory, plan)
        memory = result.memory
        steps.append((list(rows), result))
    return steps


@settings(max_examples=200, derandomize=True, deadline=None)
@given(BATCHES)
def test_no_old_row_ever_changes_its_split(batches: list) -> None:
    """Whatever is added, every row stays in the split (or out of every split) where it was first put."""
    seen: dict[int, str] = {}
    for _, result in walk(batches, Plan(shares=SHARES)):
        for number, split in enumerate(result.splits):
            first = seen.setdefault(number, split or HELD_BACK)
            assert (split or HELD_BACK) == first


@settings(max_examples=200, derandomize=True, deadline=None)
@given(BATCHES)
def test_nothing_that_belongs_together_lies_in_two_splits(batches: list) -> None:
    """No two splits share a key, and no near-duplicates lie in different splits."""
    for rows, result in walk(batches, Plan(shares=SHARES)):
        placed = [(row, split) for row, split in zip(rows, result.splits, strict=True) if split]
        for a, split in placed:
            for b, other in placed:
                linked = a[0] == b[0] or a[1] == b[1] or abs(a[2] - b[2]) == 1
                assert not (linked and split != other)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list, random: object) -> None:
    """A shuffled batch gets the same assignment, row by row."""
    straight = assign(members(rows), pairs(rows), Memory(), Plan(shares=SHARES))
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed_members = [members(rows)[place] for place in order]
    mixed = assign(mixed_members, pairs([rows[place] for place in order]), Memory(), Plan(shares=SHARES))
    assert {place: mixed.splits[i] for i, place in enumerate(order)} == dict(enumerate(straight.splits))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(BATCHES, st.integers(0, 30))
def test_training_holds_nothing_from_after_the_cutoff(batches: list, day: int) -> None:
    """With a cutoff, rows from that day on are in the later split or in none."""
    cutoff = START + DAY * day
    for rows, result in walk(batches, Plan(shares=SHARES, cutoff=cutoff, later="future")):
        late = {split for row, split in zip(rows, result.splits, strict=True) if START + DAY * row[3] >= cutoff}
        assert late <= {"future", None}


@settings(max_examples=100, derandomize=True, deadline=None)
@given(BATCHES)
def test_every_row_without_a_split_has_a_reason(batches: list) -> None:
    """A row is in a split or has a reason, never both and never neither."""
    for _, result in walk(batches, Plan(shares=SHARES)):
        assert [bool(split) != bool(reason) for split, reason in zip(result.splits, result.reasons, strict=True)] == [
            True
        ] * len(result.splits)
