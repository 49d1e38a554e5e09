"""The roads to a new base: a copy of the adapter, a rebuild from its closure, a distillation without its data.

Each gives a candidate adapter that belongs to the new base by record. None promotes it: the acceptance does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.fleet.checkout import lay_out
from headgate.fleet.kit import read_kit
from headgate.fleet.migration.screening import Screened
from headgate.fleet.migration.warm import warm
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.protection import COPY
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext, StepResult
from headgate.models.adapter import adapter_mark
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.firewall import admit
from headgate.train import run as training
from headgate.train.rebuilding import rebuild
from headgate.train.settings import Settings, settings_of

LEAST_ROWS = 16


def rebuilt(ledger: Ledger, adapter: Path, new: Path, context: StageContext) -> StepResult:
    """Trains again by the recorded settings on the recorded rows, on the new base.

    What began warm, with a copy from another base, begins warm again.

    Raises:
        Refused: the ledger does not know the adapter's run, or its rows may not or cannot be read.
    """
    run = run_of(ledger, adapter)
    plan: Mapping[str, Any] = run.body["plan"]
    recorded, node = dict(plan["settings"]), (plan.get("start") or {}).get("node")
    if node and "migrated" in (begun := ledger.node(str(node))).body:
        start = warm(ledger, context.work / str(begun.body["folder"]), new, context)
        settings = replace(settings_for({**recorded, "start": ""}, new), start=start)
    else:
        settings = settings_for(recorded, new)
    outputs = {"curate": {"dataset": str(plan["data"]["dataset"])}}
    return training.run(ledger, settings, context=replace(context, outputs=outputs))


def rebuilt_from_kit(kit_folder: Path, new: Path, work: Path) -> Path:
    """Trains again from a rescue kit alone, on the new base; the folder of the chosen seed's adapter, below `work`.

    Raises:
        Refused: the kit lacks rows or was edited, the run went on from an adapter, or training is refused.
    """
    kit = read_kit(kit_folder)
    if edited := kit.edited():
        raise Refused("the kit is not what it was", file=str(kit_folder), found=edited[0])
    if kit.closure.get("erased"):
        raise Refused(
            "rows of the kit were erased before it was packed", file=str(kit_folder), next_step="--road distil"
        )
    settings_for(kit.plan["settings"], new)  # refuses what went on from an adapter of the old base
    project = lay_out(kit.folder, kit.closure, work / "checkout")
    (work / "out").mkdir()
    found = rebuild(kit.plan, kit.rows_of, new, work / "out", project=project)
    chosen = (kit.closure.get("choice") or {}).get("chosen")
    made = next((one for one in found.adapters if one["seed"] == chosen), found.adapters[0])
    return Path(str(made["folder"]))


def run_of(ledger: Ledger, adapter: Path) -> Node:
    """The run that made an adapter.

    Raises:
        Refused: the ledger does not know it.
    """
    digest = adapter_mark(adapter).digest
    for node in ledger.find("adapter"):
        if node.body.get("digest") == digest:
            for link in ledger.edges_from(node.id, "derived-from"):
                found = ledger.node(link.target_id)
                if found.kind == "run" and "plan" in found.body:
                    return found
    raise Refused("the ledger does not know the run of this adapter", found=digest, next_step="--road distil")


def distilled(
    ledger: Ledger, screened: Screened, answers: Sequence[str], new: Path, settings: Mapping[str, Any],
    teacher: str, context: StageContext,
) -> StepResult:  # fmt: skip
    """Trains on prompts with what the old stack answered; rows that copy protected items are left out.

    Raises:
        Refused: too few rows are left, or training is refused.
    """
    rows = [
        Row(
            kind=Kind.DEMONSTRATION,
            messages=(Message("user", prompt), Message("assistant", answer)),
            side=Side(id=f"distilled-{n}", generator=teacher, depth=screened.depth),
        )
        for n, (prompt, answer) in enumerate(zip(screened.prompts, answers, strict=True))
    ]
    source = ledger.record("source", f"distilled-{teacher[3:15]}", {"teacher": teacher, "screen": screened.as_json()})
    records = [
        RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=source, subject=None)
        for one in rows
    ]
    numbers = ledger.rows.append(records).numbers
    copies = {one.number for one in admit(ledger, numbers, quiet=True) if one.grade == COPY}
    left = numbers - BitMap(copies)
    if len(left) < LEAST_ROWS:
        raise Refused("too few rows to distil from", found=f"{len(left)} after the screens", wanted=f"{LEAST_ROWS}")
    name = ledger.versions.freeze(
        f"distilled-{teacher[3:11]}", numbers=left, splits={"train": left}, manifest=screened.as_json(),
        parents=[source],
    )  # fmt: skip
    given = replace(context, outputs={"curate": {"dataset": name}})
    return training.run(ledger, Settings(base=str(new.resolve()), **settings), context=given)


def settings_for(recorded: Mapping[str, Any], new: Path) -> Settings:
    """Settings of a recorded plan for another base, those of each method among them.

    Raises:
        Refused: they are of another version of headgate, or the run went on from an adapter of the old base.
    """
    if recorded.get("start"):
        raise Refused(
            "the run went on from an adapter of the old base",
            found=str(recorded["start"]),
            next_step="migrate that one first, or --road distil",
        )
    try:
        return settings_of({**recorded, "base": str(new.resolve())})
    except (TypeError, KeyError, AttributeError) as error:
        raise Refused("the recorded settings are of another version", found=str(error)) from None
