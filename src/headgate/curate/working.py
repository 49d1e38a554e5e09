"""What the steps pass on: the rows in hand, and a record of every row that left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as fresh
from typing import Any

from headgate.rows.row import Row

QUOTED = 160  # characters of a text shown in the list for people


@dataclass(frozen=True, slots=True)
class Item:
    """A row in hand."""

    number: int  # in the ledger
    root: int  # number of the row it was first captured as
    row: Row
    split: str = ""  # empty before the step split


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A row that left, at which step and why, and which row speaks for it."""

    step: str
    reason: str
    row: Row
    number: int
    partner: str = ""  # id of the survivor, or of the evaluation item
    partner_place: str = ""
    similarity: float | None = None
    partner_text: str = ""
    root: str = ""  # address under which the row was captured, where it is another
    fields: Mapping[str, float] = fresh(default_factory=dict)  # similarity of each field
    field: str = ""  # that decided
    decision: str = ""  # of the person who let the row go

    def as_json(self) -> dict[str, Any]:
        """Addresses and reasons only: what the ledger keeps, also when the row is erased."""
        out: dict[str, Any] = {
            "step": self.step,
            "reason": self.reason,
            "row": self.row.id,
            "number": self.number,
            "partner": self.partner,
            "partner-place": self.partner_place,
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "field": self.field,
            "fields": {name: round(value, 4) for name, value in self.fields.items()},
            "root": self.root,
            "decision": self.decision,
            "slices": dict(self.row.side.slices),
        }
        return {name: value for name, value in out.items() if value not in ("", None, {})}

    def for_people(self) -> dict[str, Any]:
        """The same with the words of both rows, for the list in the work folder."""
        words = {"text": self.row.text[:QUOTED], "partner-text": self.partner_text[:QUOTED]}
        return self.as_json() | {name: text for name, text in words.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What one step did, in numbers."""

    step: str
    before: int  # rows
    after: int
    reasons: Mapping[str, int] = fresh(default_factory=dict)
    notes: Mapping[str, Any] = fresh(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As written to the manifest."""
        out = {"step": self.step, "before": self.before, "after": self.after, "reasons": dict(self.reasons)}
        return out | ({"notes": dict(self.notes)} if self.notes else {})


@dataclass(frozen=True, slots=True)
class Passed:
    """What one step left and took, by captured number."""

    step: str
    before: tuple[int, ...]
    gone: frozenset[int]
    decided: frozenset[int]  # of them, let go by a person


@dataclass
class Bench:
    """The rows in hand, the rows that left, and the reports so far."""

    items: list[Item]
    removed: list[Removed] = fresh(default_factory=list)
    proposals: list[Removed] = fresh(default_factory=list)
    proposal: Mapping[str, Any] | None = None  # the same by cluster, as it is recorded
    reports: list[StepReport] = fresh(default_factory=list)
    trail: list[Passed] = fresh(default_factory=list)

    def remove(self, step: str, gone: Mapping[int, Removed], **notes: Any) -> None:
        """Takes rows away by position, with their records, and reports the step."""
        before = len(self.items)
        # A step that only looks at the rows of some splits is held against those.
        splits = {self.items[position].split for position in gone}
        roots = tuple(item.root for item in self.items if item.split in splits)
        left = frozenset(self.items[position].root for position in gone)
        said = frozenset(self.items[position].root for position, one in gone.items() if one.decision)
        self.trail.append(Passed(step, roots, left, said))
        self.items = [item for position, item in enumerate(self.items) if position not in gone]
        self.removed += gone.values()
        self.report(step, before, (one.reason for one in gone.values()), **notes)

    def report(self, step: str, before: int, reasons: Iterable[str] = (), **notes: Any) -> None:
        """Adds the report of a step that leaves the present rows."""
        counts = dict(sorted(Counter(reasons).items()))
        self.reports.append(StepReport(step=step, before=before, after=len(self.items), reasons=counts, notes=notes))

    def rows(self, split: str | None = None) -> list[Row]:
        """Rows in hand, of one split where given."""
        return [item.row for item in self.items if split is None or item.split == split]

    def positions(self, split: str) -> list[int]:
        """Positions of the rows of one split."""
        return [position for position, item in enumerate(self.items) if item.split == split]


def removed_from(item: Item, step: str, reason: str, **more: Any) -> Removed:
    """The record of a row in hand that leaves."""
    return Removed(step=step, reason=reason, row=item.row, number=item.number, **more)


def lines(records: Sequence[Removed]) -> list[dict[str, Any]]:
    """Records for people, in the order of the steps."""
    return [record.for_people() for record in records]
