"""Inputs of generated rows that do not look like real ones, repaired in the split that is trained on.

A repaired row is a new row made from the old, which the ledger keeps; its side data name the operators.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headgate.curate.decontamination import items_of
from headgate.curate.settings import Settings
from headgate.curate.steps import stored
from headgate.curate.working import Bench
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row
from headgate.rules.input_repairs import How, repair_inputs
from headgate.rules.word_pairs import read_pairs

STEP = "repair-inputs"
MARK = "repaired-inputs"  # key of `extra` with the operators that changed the input


def repair_bench(bench: Bench, settings: Settings, ledger: Ledger, folder: Path, *, quiet: bool) -> None:
    """Repairs the rows of the split that is trained on: those marked synthetic, or all where none is.

    Raises:
        Refused: a file of real rows cannot be read, or there is too little on a side.
    """
    told = settings.repair_inputs
    places = bench.positions(settings.splitting.train)
    real = items_of(told.reference, folder, columns=told.columns, format=told.format)
    mixes = read_pairs(folder / told.mix_words) if told.mix_words else {}
    how = How(cut=told.cut, seed=told.seed, mixes=mixes)
    with progress("curate: repair inputs", None, quiet=quiet) as advance:
        rows = [bench.items[place].row for place in places]
        repairs = repair_inputs(rows, real, how, advance=advance)
    changed = {}
    for one in repairs.changes:
        extra = {**one.after.side.extra, MARK: list(one.operators)}
        changed[places[one.position]] = one.after.with_side(parents=(one.before.id,), extra=extra)
    numbers = stored(ledger, list(changed.values()))
    for place, row in changed.items():
        bench.items[place] = replace(bench.items[place], row=row, number=numbers[row.id])
    bench.report(STEP, len(bench.items), **repairs.as_json())


def made_by_repair(row: Row) -> bool:
    """Whether a row is the repaired form of another; such rows are reached through the row they were made from."""
    return MARK in row.side.extra and len(row.side.parents) == 1
