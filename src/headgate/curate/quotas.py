"""Quotas of registers: a step that would take too much of a manner of speaking gives its least sure rows back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from headgate.curate.shape import Shape
from headgate.curate.working import Bench, Removed
from headgate.kit.errors import Refused
from headgate.kit.settings import option
from headgate.text.registers import REGISTERS


@dataclass(frozen=True, kw_only=True)
class QuotaSettings:
    """Least share of each register that filters and the removal of near-duplicates leave."""

    share: float = option(0.0, help="Least share of the rows of every register that stays; 0: no quota.", unit="share")
    registers: dict[str, float] = option({}, help="The same for single registers: " + ", ".join(REGISTERS) + ".")
    least: int = option(20, help="Registers with fewer rows have no quota.", unit="rows")
    scale: Literal["loss", "pass-rate"] = option(
        "loss", help="What the score under near-duplicates.hardness is: a loss, or a pass rate of 0 to 1."
    )

    def __post_init__(self) -> None:
        for name in self.registers:
            if name not in REGISTERS:
                raise Refused("no such register", found=repr(name), wanted=", ".join(REGISTERS))
        for name, value in {"quota.share": self.share, **self.registers}.items():
            if not 0 <= value <= 1:
                raise Refused(f"{name} is a share", found=str(value), wanted="0 to 1")

    def of(self, register: str) -> float:
        """The quota of a register; 0 where it has none."""
        return self.registers.get(register, self.share)

    @property
    def asked(self) -> bool:
        """Whether any register has a quota."""
        return any(self.of(name) > 0 for name in REGISTERS)


@dataclass(slots=True)
class Quotas:
    """Quotas in force over several steps: what one step left of a register, the next may take less of."""

    settings: QuotaSettings
    shape: Shape
    left: dict[str, float] = field(default_factory=dict)  # share that the steps so far left
    restored: list[Removed] = field(default_factory=list)

    def hold(
        self, bench: Bench, gone: Mapping[int, Removed], doubt: Mapping[int, float], split: str | None = None
    ) -> dict[int, Removed]:
        """Removals less the rows that registers need, those with the highest doubt first.

        `gone` is by position in the bench, of rows of one split where given. A row that a person let go stays gone.
        """
        out = dict(gone)
        if not self.settings.asked or not gone:
            return out
        looked = range(len(bench.items)) if split is None else bench.positions(split)
        members = {place: self.shape.registers_of(bench.items[place].root) for place in looked}
        for register in REGISTERS:
            rows = [place for place in looked if register in members[place]]
            if len(rows) < self.settings.least:
                continue
            wanted = min(self.settings.of(register) / max(self.left.get(register, 1.0), 1e-9), 1.0)
            short = math.ceil(wanted * len(rows)) - sum(place not in out for place in rows)
            open_ones = sorted(
                (place for place in rows if place in out and not out[place].decision),
                key=lambda place: (-doubt.get(place, 0.0), out[place].row.content_id),
            )
            for place in open_ones[: max(short, 0)]:
                reason = f"put back for {register}: {out[place].reason}"
                self.restored.append(replace(out.pop(place), reason=reason))
        for register in REGISTERS:
            rows = [place for place in looked if register in members[place]]
            kept = sum(place not in out for place in rows)
            self.left[register] = self.left.get(register, 1.0) * (kept / len(rows) if rows else 1.0)
        return out
