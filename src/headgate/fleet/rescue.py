"""Rescue, retirement, adoption: what is done about an adapter before, or instead of, losing it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.fleet.drill import Drilled, drill, drills_of, remember
from headgate.fleet.finding import Member
from headgate.fleet.kit import CLOSURE, EFFECT, base_of, pack, read_kit
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_file, digest_json
from headgate.ledger.copies import note_copy
from headgate.ledger.ledger import Ledger
from headgate.ledger.roles import RETIRE, require
from headgate.ledger.steps import StepResult, record_step
from headgate.models.adapter import BREAKING
from headgate.models.fingerprint import fingerprint_of
from headgate.release.aliases import withdraw
from headgate.stats.verdict import Outcome

STAGE = "rescue"
LEAST_REASON = 10  # characters
QUANTISATION = "quantisation"  # the part of a fingerprint
ADOPTION_DAYS = 90  # a drill by the new owner may be so old


def rescue(
    ledger: Ledger, one: Member, project: Path, out: Path, *, kind: str, by: str, now: datetime,
    effect: Path | None = None,
) -> Drilled:  # fmt: skip
    """Writes a kit with everything that a rebuild needs, and proves it by a drill from it; recorded where it passes.

    Raises:
        Refused: the folder is taken, the base or a start is gone or is not what was trained on, or the disk is full.
    """
    base = base_of(ledger, one.run)
    folder = project / str(base.body["folder"])
    changed = fingerprint_of(folder).differences(base.body["fingerprint"]) if folder.is_dir() else []
    if set(changed) & {*BREAKING, QUANTISATION}:
        raise Refused(
            "the base is not the one that was trained on", file=str(folder), found="changed: " + ", ".join(changed),
            wanted=f"{base.name} {base.body['fingerprint'].get('root', '')}".strip(),
            next_step="bring that one back to the folder; a kit with another base proves nothing",
        )  # fmt: skip
    pack(ledger, one.run, project, out, effect=effect, chain=True)
    note_copy(ledger, out, project, what="rescue kit", may_go=False)
    found = drill(out, kind=kind)
    remember(ledger, found, by=by, now=now)
    outcome = found.verdict.outcome
    facts = {
        "run": one.run.id,
        "folder": os.path.relpath(out.resolve(), project.resolve()),
        "closure": digest_file(out / CLOSURE),
        "effect": (out / EFFECT).exists(),
        "by": by,
        "at": now.isoformat(),
    }
    result = StepResult(
        stage=STAGE, outcome=outcome, summary=f"rescue kit of {one.name}: {outcome.value}",
        verdicts=(found.verdict,), facts=facts,
    )  # fmt: skip
    record_step(ledger, result, digest_json(facts))
    return found


def kit_that_stands(ledger: Ledger, run: str, project: Path) -> Path | None:
    """The newest kit of a run that a drill has proved and that is still what it was then."""
    for node in reversed(ledger.find("step", STAGE)):
        facts = node.body["facts"]
        if facts.get("run") != run or node.body["outcome"] != Outcome.PASS:
            continue
        folder = project / str(facts["folder"])
        try:
            if digest_file(folder / CLOSURE) == facts["closure"] and not read_kit(folder).edited():
                return folder
        except (Refused, OSError):
            continue
    return None


def adopt(ledger: Ledger, one: Member, *, owner: str, by: str, now: datetime) -> str:
    """Claims a new owner, who has shown in the last 90 days that they can make it again; returns the claim's id.

    Raises:
        Refused: it is retired, or the newest drill of the new owner did not pass.
    """
    if (over := ledger.claims.at(one.adapter.id, "retired", now)) is not None:
        raise Refused("a retired adapter has no owner any more", found=f"{one.name}, says {over.source}")
    if not owner.strip() or not owner.isprintable():
        raise Refused("no name for the new owner", found=repr(owner), wanted="--owner NAME")
    mine = sorted((d for d in drills_of(ledger, one.run.id) if d["by"] == owner), key=lambda d: parse_moment(d["at"]))
    passed = bool(mine) and mine[-1]["outcome"] == Outcome.PASS
    age = (now - parse_moment(mine[-1]["at"])).days if passed else None
    if age is None or age > ADOPTION_DAYS:
        raise Refused(
            "adoption needs evidence that the new owner can make it again",
            found=_lacking(mine, age),
            wanted=f"a drill by {owner} in the last {ADOPTION_DAYS} days",
            next_step=f"headgate fleet drill {one.name} --by {owner!r}",
        )
    evidence = ledger.content.put(digest_json(mine[-1]).encode())
    return ledger.claims.assert_(
        one.adapter.id, "owner", owner, source=f"adopted by {by}", observed_at=now, valid_from=now, evidence=evidence
    )


def _lacking(mine: Sequence[Mapping[str, Any]], age: int | None) -> str:
    if age is not None:
        return f"their last drill is {age} days old"
    return f"their last drill ended with {mine[-1]['outcome']}" if mine else "no drill of theirs"


def retire(ledger: Ledger, one: Member, *, reason: str, by: str, now: datetime) -> list[str]:
    """Takes an adapter out of use for good: claimed, and every alias taken off its releases; returns these aliases.

    Raises:
        Refused: no reason, or who asks may not retire.
    """
    if len(reason.strip()) < LEAST_REASON or not reason.isprintable():
        raise Refused("a retirement without a reason", found=repr(reason), wanted="--reason TEXT")
    require(ledger, RETIRE, by=by, about=one.name, now=now)
    with ledger.transaction():
        for about in (one.adapter.id, *(node.id for node in one.releases)):
            ledger.claims.assert_(
                about, "retired", "retired", source=f"{by}: {reason}", observed_at=now, valid_from=now
            )
        return [move.alias for node in one.releases for move in withdraw(ledger, node.name, now)]
