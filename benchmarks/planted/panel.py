"""Labels made of rows that carry votes: what planters of rules about annotators start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headgate.rows.labels import Labels, labels_of
from headgate.rows.row import Row

Votes = Mapping[str, str]  # annotator -> label


def carries_votes(rows: Sequence[Row]) -> bool:
    """Whether rows say who labelled them how."""
    return all("votes" in row.side.extra for row in rows)


def gold_of(rows: Sequence[Row]) -> list[str]:
    """The right label of each row."""
    return [str(row.side.extra["gold"]) for row in rows]


def labels_from(rows: Sequence[Row], votes: Sequence[Votes], *, gold: bool, kinds: Mapping[str, str]) -> Labels:
    """The votes on each row as labels of items; `kinds` says which annotators are people or models."""
    records = [
        {
            "item": row.id,
            "annotator": name,
            "label": label,
            "kind": kinds.get(name, ""),
            "slices": dict(row.side.slices),
        }
        for row, held in zip(rows, votes, strict=True)
        for name, label in held.items()
    ]
    named = {record["item"] for record in records}
    right = {row.id: label for row, label in zip(rows, gold_of(rows), strict=True) if row.id in named} if gold else {}
    return labels_of(records, right)


def voted(rows: Sequence[Row], keep: Callable[[str], bool]) -> list[Votes]:
    """The votes that rows carry, of some annotators."""
    return [{name: label for name, label in row.side.extra["votes"].items() if keep(name)} for row in rows]
