"""The drill: an adapter is made again from its closure alone, in a clean place, and held against the first one.

On the same class of processor the tensors must be the same to the last bit. On another machine they must lie inside
the seed noise: with three or more seeds, no seed's loss may move by more than two standard deviations over seeds.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from headgate.fleet.causes import MACHINE, UNKNOWN, Cause, in_closure, in_making, of_error
from headgate.fleet.checkout import lay_out
from headgate.fleet.fresh import FRESH, clean_variables, make
from headgate.fleet.kit import LOCK, Kit, read_kit, unpack_source
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StepResult, record_step
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.verdict import Finding, Level, Verdict

STAGE = "drill"
FAILURE = "departing-engineer"
NOISE = 2.0  # standard deviations over seeds
SEEDS = 3  # below which a standard deviation says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """How a drill ended."""

    kit: Kit
    kind: str  # of environment
    causes: tuple[Cause, ...]  # why it failed
    notes: tuple[Cause, ...]  # what differed and changed no bit
    identical: bool | None  # None: it did not come to an end
    moved: float | None  # largest change of a seed's loss, in standard deviations over seeds; None: not known
    wall_s: float

    @property
    def verdict(self) -> Verdict:
        """Whether the adapter can be made again."""
        return replace(self._verdict(), rule="rebuild-drill", failure=FAILURE, level=Level.BLOCK)

    def _verdict(self) -> Verdict:
        named = ", ".join(dict.fromkeys(one.name for one in self.causes))
        findings = [Finding(message=f"{one.name}: {one.what}") for one in self.causes]
        if self.causes or self.identical:
            how = named or "bit by bit the same"
            return judge_count(
                len(self.causes), name="reasons why it cannot be made again", unit="causes", looked_at=1, at_most=0,
                summary=f"{self.kit.name}: {how}", findings=findings, details=self.as_json(),
                next_step="mend what is named, train again, drill again" if self.causes else "",
            )  # fmt: skip
        if self.moved is None:
            reason = f"another machine gives other bits, and fewer than {SEEDS} seeds show no seed noise to hold it to"
            step = "train with three seeds, or drill on the same class of processor"
            return cannot_tell(summary=f"{self.kit.name}: other bits", reason=reason, next_step=step)
        return judge_count(
            self.moved, name="largest change of a seed's loss", unit="standard deviations over seeds", looked_at=SEEDS,
            at_most=NOISE, summary=f"{self.kit.name}: other bits, {self.moved:.2f} standard deviations of the seeds",
            details=self.as_json(),
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """As printed and recorded."""
        return {
            "run": self.kit.closure["run"],
            "adapters": [one["adapter"] for one in self.kit.closure["results"]],
            "environment": self.kind,
            "checkout": (self.kit.closure.get("checkout") or {}).get("commit", ""),
            "identical": self.identical,
            "moved": self.moved,
            "causes": [one.as_json() for one in self.causes],
            "differences": [one.as_json() for one in self.notes],
            "wall_s": round(self.wall_s, 1),
        }


def drill(kit_folder: Path, *, kind: str = FRESH, keep: Path | None = None) -> Drilled:
    """Rebuilds from a kit; stops before training where the closure already says that it cannot be done.

    `keep`: a folder that is not there yet, to which the rebuilt adapters are moved.

    Raises:
        Refused: no kit, or the folder to keep them in is taken.
    """
    began = time.perf_counter()
    if keep is not None and keep.exists():
        raise Refused("the folder to keep the rebuilt adapters in is taken", file=str(keep))
    kit = read_kit(kit_folder)
    causes = in_closure(kit)
    if causes:
        return Drilled(
            kit=kit, kind=kind, causes=tuple(causes), notes=(), identical=None, moved=None,
            wall_s=time.perf_counter() - began,
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="headgate-drill-") as name:
        place = Path(name)
        answer = _rebuilt(kit, kind, place)
        if keep is not None and "rebuilt" in answer:
            shutil.move(place / "out" / "adapters", keep)
    return _held_against(kit, kind, answer, time.perf_counter() - began)


def _rebuilt(kit: Kit, kind: str, place: Path) -> dict[str, Any]:
    """Makes the environment, runs the process in it, and reads its answer; an error is an answer too."""
    source, out, home = place / "source", place / "out", place / "home"
    for folder in (source, out, home):
        folder.mkdir()
    unpack_source(kit, source)
    try:
        project = lay_out(kit.folder, kit.closure, place / "checkout")
        python = make(kind, kit.closure["surroundings"]["lock"], place / "environment", requirements=kit.folder / LOCK)
    except Refused as error:
        return {"error": error.as_json()}
    variables = clean_variables(kit.plan["environment"]["variables"], home, source, project)
    command = [str(python), "-P", "-s", "-m", "headgate.fleet.rebuild_process"]
    command += [str(one) for one in (kit.folder.resolve(), project, out)]
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True, check=False)
    path = out / "answer.json"
    if not path.exists():
        return {"error": _crashed(done.stderr)}
    answer: dict[str, Any] = orjson.loads(path.read_bytes())
    return answer


def _crashed(stderr: str) -> dict[str, Any]:
    """What the process said before it ended without an answer."""
    last = next((line for line in reversed(stderr.splitlines()) if line.strip()), "the process ended without a word")
    kind, _, text = last.partition(": ")
    if kind in ("ModuleNotFoundError", "ImportError"):
        return {"kind": "import", "what": last, "found": text.split("'")[1] if "'" in text else text}
    return {"kind": "broken", "what": last}


def _held_against(kit: Kit, kind: str, answer: Mapping[str, Any], wall_s: float) -> Drilled:
    if "rebuilt" not in answer:
        cause = of_error(answer["error"], kit)
        return Drilled(kit=kit, kind=kind, causes=(cause,), notes=(), identical=None, moved=None, wall_s=wall_s)
    rebuilt = answer["rebuilt"]
    before = {one["seed"]: one for one in kit.closure["results"]}
    after = {one["seed"]: one for one in rebuilt["adapters"]}
    identical = {seed: one["tensors"] for seed, one in before.items()} == {
        seed: one["tensors"] for seed, one in after.items()
    }
    differing = tuple(in_making(kit, rebuilt))
    causes: tuple[Cause, ...] = ()
    moved = None
    if not identical:
        causes = tuple(one for one in differing if one.name != MACHINE)
        if not causes and not differing:
            causes = (Cause(UNKNOWN, "the same rows, base, program, lock and machine gave other tensors"),)
        moved = _moved(before, after)
    return Drilled(
        kit=kit, kind=kind, causes=causes, notes=differing if identical else (), identical=identical, moved=moved,
        wall_s=wall_s,
    )  # fmt: skip


def _moved(before: Mapping[int, Mapping[str, Any]], after: Mapping[int, Mapping[str, Any]]) -> float | None:
    """The largest change of a seed's loss, in standard deviations over the recorded seeds."""
    losses = {seed: _loss(one) for seed, one in before.items()}
    if len(losses) < SEEDS:
        return None
    mean = sum(losses.values()) / len(losses)
    spread = math.sqrt(sum((one - mean) ** 2 for one in losses.values()) / (len(losses) - 1))
    largest = max(abs(_loss(after[seed]) - loss) for seed, loss in losses.items())
    return largest / spread if spread else math.inf if largest else 0.0


def _loss(one: Mapping[str, Any]) -> float:
    held = one.get("held_loss")
    return float(held if held is not None else one["losses"][-1] if "losses" in one else one["loss_last"])


def remember(ledger: Ledger, drilled: Drilled, *, by: str, now: datetime) -> str:
    """Keeps how a drill ended, and who ran it; returns the id of its step."""
    facts = {**drilled.as_json(), "by": by, "at": now.isoformat()}
    verdict = drilled.verdict
    result = StepResult(stage=STAGE, outcome=verdict.outcome, summary=verdict.summary, verdicts=(verdict,), facts=facts)
    return record_step(ledger, result, digest_json(facts))


def all_drills(ledger: Ledger) -> dict[str, list[Mapping[str, Any]]]:
    """What is remembered of the drills of each run, oldest first; each with `outcome`."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for node in ledger.find("step", STAGE):
        facts = node.body["facts"]
        found.setdefault(str(facts["run"]), []).append({**facts, "outcome": node.body["outcome"]})
    return found


def drills_of(ledger: Ledger, run: str) -> list[Mapping[str, Any]]:
    """What is remembered of the drills of a run, oldest first."""
    return all_drills(ledger).get(run, [])
