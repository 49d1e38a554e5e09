"""The stage release: gives a decided adapter an immutable name, a card, and an alias.

Transition decision to release. The folder appears in one step and then the ledger records it; a kill
between the two leaves a whole folder that the next run finds, checks and records.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.names import must_be_name
from headgate.ledger.approvals import second, spend
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.roles import RELEASE as MAY_RELEASE
from headgate.ledger.roles import require
from headgate.ledger.steps import StageContext, StepResult
from headgate.release.aliases import RELEASE, all_aliases, history, move, must_be_in_use, must_stand, stack
from headgate.release.card import card
from headgate.release.evidence import Grounds, gather
from headgate.release.folder import build, files_of
from headgate.release.settings import FOLDER, Settings
from headgate.stats.verdict import Outcome

STAGE = "release"


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Releases the adapter that the gate let through.

    Raises:
        Refused: no passing decision covers exactly this adapter, it was retired, or its files were changed since.
    """
    grounds = gather(ledger, context)
    must_be_in_use(ledger, grounds.adapter, context.now)
    first = must_be_name(settings.name or context.flow_name, "release.name")
    adapter = grounds.adapter
    person = require(ledger, MAY_RELEASE, about=adapter.name, now=context.now)
    name = f"{first}@{grounds.digest(card(grounds, settings, first))}"
    made = ledger.latest("release", name) is not None  # and now found again: nothing new is let out
    approval = None if made else second(ledger, MAY_RELEASE, adapter.id, adapter.id, person, context.now)
    target = context.folder / FOLDER / name
    build(
        _adapter_folder(grounds, context),
        target,
        expected=str(grounds.adapter.body["digest"]),
        base_name=grounds.base.name,
        card=card(grounds, settings, name),
        record=grounds.record(name),
    )
    with ledger.transaction():
        spend(ledger, approval, person, context.now)
        node, retired = _record(ledger, grounds, settings, context, name, target)
    for folder in retired:
        shutil.rmtree(context.folder / folder)
    moved = f"; {settings.alias} points at it" if all_aliases(ledger).get(settings.alias) == name else ""
    return StepResult(
        stage=STAGE,
        outcome=Outcome.PASS,
        summary=f"released {name}{moved}",
        outputs={"release": name, "folder": str(target.relative_to(context.folder))},
        facts={
            "release": node.id,
            "person": person.as_json(),
            "files": node.body["files"],
            "alias": settings.alias,
            "retired": retired,
        },
    )


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> Any:  # noqa: ARG001 - one shape for all
    """What else decides: whether what the aliases point at is there and whole."""
    pointed = set(all_aliases(ledger).values())
    return {
        "damaged": [
            node.name for node in ledger.find("release") if node.name in pointed and not _stands(node, context.folder)
        ]
    }


def _stands(node: Node, project: Path) -> bool:
    try:
        must_stand(node, project)
    except Refused:
        return False
    return True


def _adapter_folder(grounds: Grounds, context: StageContext) -> Path:
    """Where the record says that the adapter lies; a folder handed on by the walk only where that is not there."""
    recorded = context.work / str(grounds.adapter.body["folder"])
    told = context.outputs.get("train", {}).get("adapter_path")
    return recorded if recorded.is_dir() or not told else context.folder / told


def _record(
    ledger: Ledger, grounds: Grounds, settings: Settings, context: StageContext, name: str, target: Path
) -> tuple[Node, list[str]]:
    """Records release and alias in one transaction; returns the folders that nothing needs any more."""
    folder = str(target.relative_to(context.folder))
    body = {**grounds.record(name), "files": files_of(target), "folder": folder}
    edges = [
        Edge("derived-from", grounds.adapter.id),
        Edge("derived-from", grounds.version.node_id),
        Edge("judged-by", grounds.decision.id),
    ]
    edges += [Edge("derived-from", one["waiver"]) for one in grounds.waivers]
    with ledger.transaction():
        # A release that was made before does not move its alias again: it may have been rolled back since.
        known = ledger.latest("release", name) is not None and bool(history(ledger, settings.alias))
        node = ledger.node(ledger.record("release", name, body, edges=edges))
        if not settings.alias or known:
            return node, []
        move(ledger, settings.alias, name, project=context.folder, how=RELEASE, now=context.now)
        return node, _retired(ledger, settings, context.folder)


def _retired(ledger: Ledger, settings: Settings, project: Path) -> list[str]:
    """Folders of earlier releases under the alias beyond those to keep, unless another alias needs them."""
    if settings.keep == 0:
        return []
    under = stack(history(ledger, settings.alias))
    needed = set(under[-(settings.keep + 1) :]) | set(all_aliases(ledger).values())
    released = {node.name: str(node.body["folder"]) for node in ledger.find("release")}
    gone = [released[name] for name in dict.fromkeys(under) if name not in needed]
    return [folder for folder in gone if (project / folder).is_dir()]
