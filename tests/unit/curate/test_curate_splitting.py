"""Splits by component and time: shares, memory, rows held back."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from headgate.curate.splitting import (
    ACROSS,
    BRIDGE,
    CHAIN,
    STRADDLES,
    UNDATED,
    Member,
    Memory,
    Plan,
    assign,
    key_hash,
)

NONE = np.empty((0, 2), dtype=np.int64)
PLAN = Plan(shares={"train": 0.9, "dev": 0.1})


def member(root: int, *keys: str, moment: datetime | None = None) -> Member:
    return Member(root, (key_hash("row", str(root)), *(key_hash("conversation", key) for key in keys)), moment)


def test_shares_are_met() -> None:
    """Over many components the shares come out as asked, within four standard errors."""
    counts = assign([member(n) for n in range(5000)], NONE, Memory(), PLAN).counts()
    assert abs(counts["dev"] - 500) < 4 * (5000 * 0.1 * 0.9) ** 0.5
    assert sum(counts.values()) == 5000


def test_another_salt_deals_otherwise() -> None:
    """The salt is the key of the hash: another salt gives another draw."""
    rows = [member(n) for n in range(200)]
    one = assign(rows, NONE, Memory(), PLAN).splits
    other = assign(rows, NONE, Memory(), Plan(shares=PLAN.shares, salt="x")).splits
    assert one != other


def test_a_component_too_large_for_its_split_goes_to_the_largest() -> None:
    """A thread of 30 among 100 rows never fills a tenth, whatever its name; one of five may."""
    for size, expected in ((30, {"train"}), (5, {"train", "dev"})):
        rows = [member(n) for n in range(100 - size)]
        threads = [[member(100 + 50 * name + n, f"thread {name}") for n in range(size)] for name in range(60)]
        seen = {assign([*rows, *thread], NONE, Memory(), PLAN).splits[-1] for thread in threads}
        assert seen == expected


def old(splits: dict[str, str]) -> Memory:
    """A memory in which row n holds conversation n."""
    rows = dict(enumerate(splits.values()))
    keys = {key_hash("conversation", name): split for name, split in splits.items()}
    return Memory(rows, keys)


def test_new_row_joins_the_split_of_its_conversation() -> None:
    """A new row of a known conversation goes where the conversation is, even when its old rows are not selected."""
    memory = old({"a": "dev"})
    assert assign([member(7, "a")], NONE, memory, PLAN).splits == ["dev"]
    assert assign([member(0, "a"), member(7, "a")], NONE, memory, PLAN).splits == ["dev", "dev"]


def test_bridge_is_held_back_and_old_rows_stay() -> None:
    """A new row that joins a training and a development conversation is held back; a plain one is not."""
    memory = old({"a": "train", "b": "dev"})
    rows = [member(0, "a"), member(1, "b"), member(2, "a", "b"), member(3, "a")]
    result = assign(rows, NONE, memory, PLAN)
    assert result.splits == ["train", "dev", None, "train"]
    assert result.reasons == ["", "", BRIDGE, ""]
    again = assign([*rows, member(4, "b")], NONE, result.memory, PLAN)
    assert again.splits == ["train", "dev", None, "train", "dev"]


def test_chain_of_new_rows_is_held_back() -> None:
    """Two new rows that together connect two splits are both held back."""
    memory = old({"a": "train", "b": "dev"})
    rows = [member(0, "a"), member(1, "b"), member(2, "a", "x"), member(3, "x", "b")]
    assert assign(rows, NONE, memory, PLAN).reasons == ["", "", CHAIN, CHAIN]


def test_old_rows_linked_later_leave_training_and_do_not_move() -> None:
    """When a changed setting links old rows across splits, the training row is left out and remembered as training."""
    memory = Memory({0: "train", 1: "dev"}, {})
    result = assign([member(0), member(1)], np.array([[0, 1]], dtype=np.int64), memory, PLAN)
    assert (result.splits, result.reasons) == ([None, "dev"], [ACROSS, ""])
    assert result.memory.rows == {0: "train", 1: "dev"}


def test_cutoff() -> None:
    """Rows after the cutoff are the later split; those tied to earlier rows, or without a date, are held back."""
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    plan = Plan(shares={"train": 1.0}, cutoff=datetime(2026, 2, 1, tzinfo=UTC), later="future")
    rows = [
        member(0, "a", moment=early),
        member(1, "a", moment=late),
        member(2, "b", moment=late),
        member(3, "c"),
    ]
    result = assign(rows, NONE, Memory(), plan)
    assert result.splits == ["train", None, "future", None]
    assert result.reasons == ["", STRADDLES, "", UNDATED]
