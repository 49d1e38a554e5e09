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
from headgate.fleet.kit import BEFORE, START, Kit, read_kit, run_before
from headgate.fleet.migration.copying import copied
from headgate.fleet.migration.screening import Screened
from headgate.fleet.migration.warm import warm
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.protection import COPY
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext, StepResult
from headgate.models.adapter import adapter_mark, read_record
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.firewall import admit
from headgate.train import run as training
from headgate.train.rebuilding import rebuild
from headgate.train.settings import Settings, settings_of

LEAST_ROWS = 16


def rebuilt(ledger: Ledger, adapter: Path, new: Path, context: StageContext) -> StepResult:
    """Trains again by the recorded settings on the recorded rows, on the new base.

    What began warm, with a copy from another base, begins warm again; what went on from another adapter goes on from
    that one, made again on the new base before.

    Raises:
        Refused: the ledger does not know the adapter's run or one before it, or rows may not or cannot be read.
    """
    return _again(ledger, run_of(ledger, adapter), new, context)


def _again(ledger: Ledger, run: Node, new: Path, context: StageContext) -> StepResult:
    plan: Mapping[str, Any] = run.body["plan"]
    settings = settings_for({**plan["settings"], "start": ""}, new)
    if plan.get("start"):
        settings = replace(settings, start=_start_again(ledger, plan, new, context))
    outputs = {"curate": {"dataset": str(plan["data"]["dataset"])}}
    return training.run(ledger, settings, context=replace(context, outputs=outputs))


def _start_again(ledger: Ledger, plan: Mapping[str, Any], new: Path, context: StageContext) -> str:
    """The id of what a training went on from, on the new base: of the same seed, where its run had several."""
    begun = ledger.node(str(plan["start"]["node"]))
    if "migrated" in begun.body:
        return warm(ledger, context.work / str(begun.body["folder"]), new, context)
    before = run_before(ledger, plan)
    if before is None:
        raise _no_run(begun.name)
    result = _again(ledger, before, new, context)
    if "adapter" not in result.outputs:
        raise Refused("training of the start stopped before the first step", found=result.summary)
    links = ledger.edges_to(str(result.outputs["run"]), "derived-from")
    made = [one for one in ledger.nodes.many(link.source_id for link in links) if one.kind == "adapter"]
    same = next((one.id for one in made if one.body.get("seed") == begun.body.get("seed")), None)
    return same or str(result.outputs["adapter"])


def _no_run(start: str) -> Refused:
    return Refused(
        "the run of the adapter that the training went on from is not here", found=start,
        next_step="where its ledger is, without --kit or with a kit that is packed again there; or --road distil",
    )  # fmt: skip


def rebuilt_from_kit(kit_folder: Path, new: Path, work: Path) -> Path:
    """Trains again from a rescue kit alone, on the new base; the folder of the chosen seed's adapter, below `work`.

    What the run went on from is made first: a copy from another base is copied again, and what a run made is trained
    again from the part of the kit that holds that run.

    Raises:
        Refused: the kit lacks rows, was edited, or has no run before the last one; or training is refused.
    """
    kit = read_kit(kit_folder)
    return _from_kit(kit, new, work, (kit.closure.get("choice") or {}).get("chosen"))


def _from_kit(kit: Kit, new: Path, work: Path, seed: int | None) -> Path:
    kit_folder = kit.folder
    if edited := kit.edited():
        raise Refused("the kit is not what it was", file=str(kit_folder), found=edited[0])
    if kit.closure.get("erased"):
        raise Refused(
            "rows of the kit were erased before it was packed", file=str(kit_folder), next_step="--road distil"
        )
    settings_for({**kit.plan["settings"], "start": ""}, new)  # of another version of headgate
    start, plan = _start_of_kit(kit, new, work), kit.plan
    if start is not None:
        plan = {**plan, "start": {**plan["start"], "adapter": adapter_mark(start).digest}}
    project = lay_out(kit.folder, kit.closure, work / "checkout")
    (work / "out").mkdir()
    found = rebuild(plan, kit.rows_of, new, work / "out", project=project, start=start)
    made = next((one for one in found.adapters if one["seed"] == seed), found.adapters[0])
    return Path(str(made["folder"]))


def _start_of_kit(kit: Kit, new: Path, work: Path) -> Path | None:
    """What the run of a kit went on from, on the new base; None: it began fresh."""
    begun = kit.plan.get("start")
    if not begun:
        return None
    if "migrated" in (read_record(kit.folder / START) or {}):
        copied(kit.folder / START, new, work / START)
        return work / START
    if not (kit.folder / BEFORE).is_dir():
        raise _no_run(str(begun["adapter"]))
    before = read_kit(kit.folder / BEFORE)
    (work / BEFORE).mkdir()
    seeds = {str(one["adapter"]): one["seed"] for one in before.closure["results"]}
    return _from_kit(before, new, work / BEFORE, seeds.get(str(begun["adapter"])))


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
