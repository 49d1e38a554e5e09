"""Splits that hold still: rows that belong together stay together, and old rows never move.

Rows that share a conversation, subject, user or group, or that are near-duplicates, form a
component, and a component goes to one split as a whole. Which one is decided by a keyed hash of the
component, so that nobody can choose; one that would more than fill its split goes to the largest.
Once a row or key has been assigned, that is remembered with the dataset version and outlasts
everything that is added later.

A new row may join two components that already lie in different splits. Then no assignment keeps
both promises, so the new row is held back: it goes to no split, with the reason recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from blake3 import blake3

from headgate.curate.components import Pairs, component_labels, groups

HELD_BACK = "held-back"
BRIDGE = "joins rows of different splits"
CHAIN = "is linked, through other new rows, to rows of different splits"
ACROSS = "is linked to a row of another split"
STRADDLES = "lies after the cutoff and belongs with rows before it"
LARGE = 10  # rows; a component of so many that is larger than the whole share of its split goes to the largest split
UNDATED = "has no date, so it cannot be placed before or after the cutoff"


@dataclass(frozen=True, slots=True)
class Member:
    """What splitting knows of a row."""

    root: int  # row number under which its words were first captured; survives redaction
    keys: tuple[int, ...]  # keyed hashes of what it must stay together with
    moment: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How new components are dealt out."""

    shares: Mapping[str, float]  # split -> share of components, summing to 1
    salt: str = ""  # key of the hash
    cutoff: datetime | None = None  # rows from here on belong to `later`
    later: str = "test"


@dataclass(frozen=True, slots=True)
class Memory:
    """Assignments of earlier versions: rows by root number, keys by hash."""

    rows: Mapping[int, str] = field(default_factory=dict)
    keys: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where every row goes, why some go nowhere, and what to remember."""

    splits: list[str | None]  # one per member; None: in no split of this version
    reasons: list[str]  # one per member; empty where there is a split
    memory: Memory
    component: list[int]  # one per member: least position of its component

    def counts(self) -> dict[str, int]:
        """Rows per split, and rows left out, by name."""
        return dict(Counter(split or HELD_BACK for split in self.splits))


def key_hash(family: str, value: str, salt: str = "") -> int:
    """A 64-bit keyed hash of one key; the family keeps equal values of different keys apart."""
    return int.from_bytes(blake3(f"{salt}\x1f{family}\x1f{value}".encode()).digest(8), "big")


def dealt(component: int, plan: Plan) -> str:
    """The split that a keyed hash deals a component to."""
    point = key_hash("component", str(component), plan.salt) / 2.0**64
    edge = 0.0
    for name, share in plan.shares.items():
        edge += share
        if point < edge:
            return name
    return list(plan.shares)[-1]


def assign(members: Sequence[Member], pairs: Pairs, memory: Memory, plan: Plan) -> Assignment:
    """Assigns every row to a split; the result does not depend on the order of the rows.

    `pairs` holds positions of near-duplicates, shape (pairs, 2).
    """
    work = _Work(members, pairs, memory, plan)
    work.hold_bridges()
    work.hold_chains()
    work.deal()
    work.part_old_rows()
    return work.assignment()


class _Work:
    """State of one assignment."""

    def __init__(self, members: Sequence[Member], pairs: Pairs, memory: Memory, plan: Plan) -> None:
        self.members, self.pairs, self.memory, self.plan = members, pairs, memory, plan
        self.old = [memory.rows.get(member.root) for member in members]
        self.splits: list[str | None] = [None if split == HELD_BACK else split for split in self.old]
        # A row held back once stays so, and links nothing: it is in no split that could leak.
        self.reasons = [BRIDGE if split == HELD_BACK else "" for split in self.old]

    @property
    def linked(self) -> list[bool]:
        return [not reason for reason in self.reasons]

    def groups(self) -> list[list[int]]:
        self.component = component_labels([member.keys for member in self.members], self.pairs, self.linked)
        return groups(self.component)

    def touched(self) -> list[set[str]]:
        """Splits that each row touches directly: by its keys, or by a near-duplicate."""
        by_key: dict[int, set[str]] = {}
        for member, split in zip(self.members, self.splits, strict=True):
            if split is not None:
                for key in member.keys:
                    by_key.setdefault(key, set()).add(split)
        touched = [
            set().union(*(by_key.get(key, ()) for key in member.keys), self.remembered(member))
            for member in self.members
        ]
        for one, other in self.pairs.tolist():
            for this, that in ((one, other), (other, one)):
                split = self.splits[that]
                if split is not None:
                    touched[this].add(split)
        return touched

    def remembered(self, member: Member) -> set[str]:
        return {self.memory.keys[key] for key in member.keys if key in self.memory.keys}

    def known(self, group: Iterable[int]) -> set[str]:
        """Splits that a component is already bound to."""
        bound: set[str] = set()
        for position in group:
            split = self.splits[position]
            bound |= {split} if split is not None else self.remembered(self.members[position])
        return bound

    def new(self, group: Iterable[int]) -> list[int]:
        return [p for p in group if self.old[p] is None and not self.reasons[p]]

    def hold_bridges(self) -> None:
        touched = self.touched()
        for position in self.new(range(len(self.members))):
            if len(touched[position]) > 1:
                self.reasons[position] = BRIDGE

    def hold_chains(self) -> None:
        for group in self.groups():
            if len(self.known(group)) > 1:
                for position in self.new(group):
                    self.reasons[position] = CHAIN

    def deal(self) -> None:
        for group in self.groups():
            new = self.new(group)
            if not new:
                continue
            bound = self.known(group)
            split = bound.pop() if bound else self._fresh(new)
            for position in new:
                if reason := self._misplaced(position, split):
                    self.reasons[position] = reason
                else:
                    self.splits[position] = split

    def _fresh(self, group: list[int]) -> str:
        cutoff = self.plan.cutoff
        moments = [self.members[position].moment for position in group]
        if cutoff is not None and all(moment is not None and moment >= cutoff for moment in moments):
            return self.plan.later
        split = dealt(min(key for position in group for key in self.members[position].keys), self.plan)
        if len(group) >= LARGE and len(group) > self.plan.shares[split] * len(self.members):
            return max(self.plan.shares, key=lambda name: self.plan.shares[name])
        return split

    def _misplaced(self, position: int, split: str) -> str:
        cutoff, moment = self.plan.cutoff, self.members[position].moment
        if cutoff is None or split == self.plan.later:
            return ""
        return UNDATED if moment is None else STRADDLES if moment >= cutoff else ""

    def part_old_rows(self) -> None:
        """Leaves out old rows that a changed setting has linked across splits; the last split named keeps its rows."""
        rank = {name: place for place, name in enumerate([*self.plan.shares, self.plan.later])}
        touched = self.touched()
        for position, split in enumerate(list(self.splits)):
            above = [other for other in touched[position] if rank.get(other, 99) > rank.get(split or "", 99)]
            if split is not None and above:
                self.reasons[position] = ACROSS
        for position, reason in enumerate(self.reasons):
            if reason == ACROSS:
                self.splits[position] = None

    def assignment(self) -> Assignment:
        rows = dict(self.memory.rows)
        keys = dict(self.memory.keys)
        for member, split, reason in zip(self.members, self.splits, self.reasons, strict=True):
            if reason != ACROSS:
                rows.setdefault(member.root, split or HELD_BACK)
            if split is not None:
                for key in member.keys:
                    keys.setdefault(key, split)
        return Assignment(self.splits, self.reasons, Memory(rows, keys), self.component)
