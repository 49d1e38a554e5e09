"""Registers, lengths and difficulties that a curation lost: hedges, refusals, slips, terse or hard rows.

## What it checks
Training rows before a curation against the rows it selected. Rows are sorted into classes: registers of what
people say (greeting, lower case, slips, terse, written out, complaint) and of what is replied (hedge, clarifying
question, refusal, correction, admitted ignorance, repair over turns), lengths of prompt and answer, and
difficulty. Each class should be left in proportion: half of its share (`keeps`) is tolerated, less is not.

## Why it matters
A filter for quality keeps what looks polished and confident. Doubt, questions back, refusals and messy prompts
leave first, and the report says only how many rows are left. The model then learns confidence, not competence.

## How it is measured
Rows of one content count once. What is left of a class is divided by what a selection of the same size by lot
would have left of it (within the slices named in `within`, so that slices chosen on purpose are no loss). Both are
counted in full. `draws` selections by lot say how low chance alone goes; the rule fails when a class kept less than
`keeps` and less than chance leaves of any class in 99 of 100 lots. Difficulty is the score under the key `score` of
`extra`: a loss, by thirds, or a pass rate (`scale`); where rows have none, it is the rarity of their wording, and
the details say so. The measure is the class that kept least of what it is owed.

## When it cannot tell
Unsure when no class has `least` rows before, or nothing was selected. Registers are patterns of English; in another
language only lengths and difficulty speak, and a register in fewer than `least` rows is not judged. Which share of
a register production needs is not known here: see `quota` under [curate].

## What to do
Read the table with `headgate curate diff`. Loosen the filter, set a quota for the register, or approve the loss with
a waiver that names you and a reason.

## References
Westfall and Young 1993, "Resampling-Based Multiple Testing". Zhou and others 2023, arXiv 2305.11206, is the case
for few polished rows; Hase and others 2024, arXiv 2401.06730, for what goes with hedges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.rules.classed import KINDS, Classes, classes_of
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.lots import Lots, drawn_lots
from headgate.stats.verdict import Finding, Verdict

TOLERATED = 0.01  # selections by lot in which any class may fall under its bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of lost-register."""

    keeps: float = 0.5  # share of what it is owed, 0..1, that a class must keep
    least: int = 20  # different rows before; smaller classes are not judged
    score: str = "loss"  # key of `extra` that says how hard a row is for the current model
    scale: Literal["loss", "pass-rate"] = "loss"  # what that score is; a pass rate is 0..1
    within: tuple[str, ...] = ()  # names of slices that were chosen on purpose
    kinds: tuple[str, ...] = KINDS  # of classes to judge: register, length, difficulty
    besides: tuple[str, ...] = ()  # classes, by name, that are not judged, such as "terse" where length was chosen
    draws: int = 500  # selections by lot


@rule(
    "DAT018",
    failure="curriculum-trap",
    needs=("training-rows", "selected-rows"),
    options=Options,
    level="block",
    status="stable",
    since="0.2",
)
def lost_register(given: Given, options: Options) -> Verdict:
    """Compares what is left of each class with what a selection by lot would leave."""
    before, after = given.rows("training-rows"), given.rows("selected-rows")
    rows = list({row.content_id: row for row in reversed(before)}.values())[::-1]
    selected = _selected(rows, after)
    classes = classes_of(rows, score=options.score, scale=options.scale).of_kinds(options.kinds)
    lots = drawn_lots(
        classes.held, selected, _strata(rows, options.within), tolerated=TOLERATED, draws=options.draws
    )  # fmt: skip
    many = np.flatnonzero((lots.before >= options.least) & (lots.expected > 0)).tolist()
    judged = [place for place in many if classes.names[place][1] not in options.besides]
    details = _details(classes, lots, judged)
    if not selected.any() or not judged:
        return cannot_tell(
            summary="what a curation lost cannot be seen",
            reason=f"{len(rows):,} different rows, {int(selected.sum()):,} selected; "
            f"needs {options.least:,} rows of one class",
            details=details,
        )
    owed = np.maximum(np.minimum(options.keeps, lots.lowest), 0.0)
    lost = [place for place in judged if lots.kept[place] < owed[place]]
    order = sorted(judged, key=lambda place: (lots.kept[place] - owed[place], lots.kept[place]))
    worst = order[0]
    return judge_count(
        float(lots.kept[worst]),
        name=f"{_name(classes, worst)} kept, of what is owed",
        unit="ratio",
        looked_at=len(rows),
        at_least=float(owed[worst]),
        summary=_summary(classes, lots, sorted(lost, key=lambda place: lots.kept[place]), len(judged)),
        findings=_findings(rows, selected, classes, lots, lost),
        next_step="headgate curate diff",
        details=details,
    )


def _selected(rows: Sequence[Row], after: Corpus) -> NDArray[np.bool_]:
    left = {row.content_id for row in after} | {row.id for row in after}
    left |= {parent for row in after for parent in row.side.parents}
    return np.array([row.content_id in left or row.id in left for row in rows], dtype=bool)


def _strata(rows: Sequence[Row], names: Sequence[str]) -> NDArray[np.int64]:
    known: dict[tuple[str, ...], int] = {}
    return np.array(
        [known.setdefault(tuple(row.side.slices.get(name, "") for name in names), len(known)) for row in rows],
        dtype=np.int64,
    )


def _name(classes: Classes, place: int) -> str:
    kind, name = classes.names[place]
    return f"{kind} {name!r}"


def _summary(classes: Classes, lots: Lots, lost: Sequence[int], judged: int) -> str:
    if not lost:
        return f"each of {judged:,} registers, lengths and difficulties is left in proportion"
    worst = lost[0]
    others = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return (
        f"{len(lost):,} of {judged:,} registers, lengths and difficulties were lost: {_name(classes, worst)} kept "
        f"{lots.after[worst]:,} of {lots.before[worst]:,} rows, {lots.kept[worst]:.0%} of what it is owed{others}"
    )


def _findings(
    rows: Sequence[Row], selected: NDArray[np.bool_], classes: Classes, lots: Lots, lost: Sequence[int]
) -> list[Finding]:
    """Each removed row of a lost class once, under the class that lost most."""
    out = []
    seen = selected.copy()
    for place in sorted(lost, key=lambda place: lots.kept[place]):
        kept = f"{lots.after[place]:,} of {lots.before[place]:,} rows"
        for row in np.flatnonzero(classes.held[:, place] & ~seen).tolist():
            message = f"removed from {_name(classes, place)}, which kept {kept}"
            out.append(Finding(message=message, place=rows[row].place, row=rows[row].id, remedy="keep"))
        seen |= classes.held[:, place]
    return out


def _details(classes: Classes, lots: Lots, judged: Sequence[int]) -> dict[str, Any]:
    table = [
        {
            "kind": kind,
            "class": name,
            "before": int(lots.before[place]),
            "after": int(lots.after[place]),
            "by_lot": round(float(lots.expected[place]), 1),
            "kept": round(float(lots.kept[place]), 4),
            "chance_leaves": round(float(lots.lowest[place]), 4),
            "judged": place in judged,
        }
        for place, (kind, name) in enumerate(classes.names)
        if lots.before[place]
    ]
    return {"classes": sorted(table, key=lambda one: (one["kept"], one["class"])), "difficulty_from": classes.hardness}
