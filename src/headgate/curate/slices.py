"""Slices of rows: counting them before and after, and floors that thinning may not break."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.curate.survivors import Removal
from headgate.rows.row import Row

LENGTHS = ((5, "1-5"), (15, "6-15"), (40, "16-40"), (120, "41-120"))  # words of the prompt
Slice = str  # "intent=lost_card"


def slices_of(row: Row, names: Iterable[str] | None = None) -> list[Slice]:
    """Slices that a row belongs to, as `name=value`; those of `names` only, where given."""
    wanted = None if names is None else set(names)
    return [f"{name}={value}" for name, value in row.side.slices.items() if wanted is None or name in wanted]


def reported(row: Row) -> list[Slice]:
    """Everything the before-and-after table counts a row under: its slices, language, source and length."""
    words = len(row.prompt_text.split())
    length = next((name for most, name in LENGTHS if words <= most), "over 120")
    more = [f"{name}={value}" for name in ("language", "source") if (value := getattr(row.side, name))]
    return [*slices_of(row), *more, f"prompt-words={length}"]


def table(before: Sequence[Row], after: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows of every slice before and after, most thinned first: the comparison that a person reads."""
    was, now = Counter(s for row in before for s in reported(row)), Counter(s for row in after for s in reported(row))
    lines = [
        {"slice": name, "before": count, "after": now[name], "kept": now[name] / count} for name, count in was.items()
    ]
    return sorted(lines, key=lambda line: (line["kept"], line["slice"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """How far a slice may be thinned."""

    rows: int = 50  # slices with fewer rows are never thinned
    share: float = 0.8  # of a protected slice's rows that must stay; of others, relative to what all rows keep
    protect: tuple[str, ...] = ()  # protected slices, by name and value, by value, or by name

    def allowed(self, name: Slice, size: int, overall: float) -> int:
        """Rows of a slice that may go; `overall` is the share of all rows that would stay."""
        if size < self.rows:
            return 0
        return size - math.ceil(self.share * (1.0 if self.protects(name) else overall) * size)

    def protects(self, name: Slice) -> bool:
        """Whether a slice is named for protection, as `intent=refund`, `refund` or `intent`."""
        family, _, value = name.partition("=")
        return any(word in (name, value, family) for word in self.protect)


@dataclass(frozen=True, slots=True)
class Thinning:
    """Which proposals are carried out, and which slice kept each of the others back."""

    removals: tuple[Removal, ...]
    kept: Mapping[int, Slice]  # position -> slice whose floor it would have broken


def thin(removals: Sequence[Removal], slices: Sequence[Sequence[Slice]], floors: Floors) -> Thinning:
    """Carries out proposals, most alike first, as long as every slice of the row keeps its floor."""
    sizes = Counter(name for own in slices for name in own)
    overall = 1 - len(removals) / max(len(slices), 1)
    left = {name: floors.allowed(name, size, overall) for name, size in sizes.items()}
    done: list[Removal] = []
    kept: dict[int, Slice] = {}
    for removal in removals:
        own = slices[removal.position]
        short = next((name for name in own if left[name] <= 0), None)
        if short is not None:
            kept[removal.position] = short
            continue
        for name in own:
            left[name] -= 1
        done.append(removal)
    return Thinning(tuple(done), kept)
