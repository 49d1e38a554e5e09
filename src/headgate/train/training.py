"""One training after the other, each in its own folder, each able to go on after a kill.

A job's folder is named by the digest of the plan, so that checkpoints are only ever resumed by the very
same plan. A finished adapter is moved in one step to a folder named by its own digest.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from headgate import __version__
from headgate.kit.doors import open_door, undisturbed
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, refusing
from headgate.kit.hashing import canonical_json, digest_json
from headgate.kit.progress import Advance, progress
from headgate.models.adapter import RECORD, AdapterMark, adapter_mark, read_record
from headgate.models.compatibility import base_record
from headgate.train.closure import Base
from headgate.train.doors import DOORS
from headgate.train.job import Job, Trained, trained_of
from headgate.train.prompts import Asked
from headgate.train.schedule import Schedule
from headgate.train.settings import Settings
from headgate.train.shard import Shard
from headgate.train.worker import train_together

RECORD_FORM = 1
SHOWN_DIGITS = 12  # of a digest in the name of a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One trained adapter in its folder."""

    seed: int
    folder: Path
    mark: AdapterMark
    trained: Trained
    plan_digest: str

    @property
    def curve(self) -> bytes:
        """The loss of each step as canonical JSON, with what else was measured of each step where there is more."""
        losses, measures = list(self.trained.losses), self.trained.measures
        if not measures:
            return canonical_json(losses)
        return canonical_json({"loss": losses, **{name: list(line) for name, line in measures.items()}})

    def as_json(self, curve: str) -> dict[str, Any]:
        """The result half of the closure; `curve` is where the ledger keeps the losses."""
        t = self.trained
        return {
            "seed": self.seed,
            "adapter": self.mark.digest,
            "tensors": self.mark.tensors,
            "config": self.mark.config,
            "loss_curve": curve,
            "loss_last": t.losses[-1] if t.losses else None,
            "measures": {name: [first_of(line), last_of(line)] for name, line in sorted(t.measures.items())},
            "held_loss": t.held_loss,
            "probes": list(t.probes),
            "stopped": t.stopped,
            "kept_step": t.kept_step,
            "modules": list(t.modules),
            "resumed_from": t.resumed_from,
            "wall_s": round(t.wall_s, 3),
            "cpu_s": round(t.cpu_s, 3),
            "trainer": dict(t.resolved),
        }


def first_of(line: Sequence[float | None]) -> float | None:
    """The first number of a line that was measured at all."""
    return next((one for one in line if one is not None), None)


def last_of(line: Sequence[float | None]) -> float | None:
    """The last number of a line that was measured at all."""
    return first_of(line[::-1])


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Everything that the trainings of one run share."""

    work: Path
    base: Base
    settings: Settings
    shard: Shard
    held: Shard | None
    probed: Shard | None
    probe_steps: frozenset[int]
    drift_prompts: tuple[tuple[int, ...], ...]
    schedules: Mapping[int, Schedule]
    plan: Mapping[str, Any]
    pad_id: int
    project: Path
    quiet: bool
    start: Path | None = None  # adapter that training goes on from
    start_node: str = ""  # of that adapter in the ledger
    asked: tuple[Asked, ...] = ()  # prompts whose answers are drawn
    other_asked: Mapping[str, Asked] = field(default_factory=dict)  # by row, of rows that are not trained on

    @cached_property
    def plan_digest(self) -> str:
        """Address of the plan."""
        return digest_json(dict(self.plan))

    @property
    def folder(self) -> Path:
        """Where this plan's unfinished work lies."""
        return self.work / "runs" / self.plan_digest[3 : 3 + SHOWN_DIGITS]

    def interrupted_at(self) -> int | None:
        """The last checkpoint of an earlier process that never came to an end with this plan; None: there was none."""
        if not (self.folder / "plan.json").exists():
            return None
        steps = [int(path.name.rpartition("-")[2]) for path in self.folder.glob("seed-*/checkpoint-*")]
        return max(steps, default=0)

    def close(self) -> None:
        """Removes what only an interrupted run needs."""
        shutil.rmtree(self.folder, ignore_errors=True)


def train_seeds(shop: Workshop) -> list[Finished]:
    """One adapter for each seed, in the order of the settings.

    Raises:
        Refused: the base cannot be loaded or has no such modules.
        Unavailable: the engine's libraries are not installed.
    """
    engine = open_door(DOORS[shop.settings.trainer])
    shop.folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(shop.folder / "plan.json") as stream:
        stream.write(canonical_json(dict(shop.plan)))
    total = sum(one.steps for one in shop.schedules.values())
    with undisturbed(), progress("training", total, quiet=shop.quiet) as advance:
        return [_one(shop, engine, seed, advance) for seed in shop.settings.seeds]


def _one(shop: Workshop, engine: Any, seed: int, advance: Advance) -> Finished:
    if (known := _known(shop, seed)) is not None:
        advance(len(known.trained.losses))
        return known
    out = shop.folder / f"seed-{seed}-adapter"
    shutil.rmtree(out, ignore_errors=True)
    job = Job(
        base=shop.base.folder,
        shard=shop.shard,
        schedule=shop.schedules[seed],
        settings=shop.settings,
        seed=seed,
        pad_id=shop.pad_id,
        out=out,
        checkpoints=shop.folder / f"seed-{seed}",
        held=shop.held,
        probed=shop.probed,
        probe_steps=shop.probe_steps,
        drift_prompts=shop.drift_prompts,
        start=shop.start,
        asked=shop.asked,
        other_asked=shop.other_asked,
        project=shop.project,
    )
    trained = _whole(shop, engine, job, advance)
    finished = _placed(shop, seed, out, trained)
    # From here on a kill costs nothing of this seed.
    with atomic_write(shop.folder / f"seed-{seed}.json") as stream:
        stream.write(canonical_json({"folder": finished.folder.name, "trained": _trained_json(trained)}))
    return finished


def _whole(shop: Workshop, engine: Any, job: Job, advance: Advance) -> Trained:
    """A training that came to its end with numbers in it."""
    with refusing(shop.folder):
        if job.settings.processes > 1:
            trained = train_together(job, shop.folder / f"seed-{job.seed}-processes")
            advance(len(trained.losses))
        else:
            trained = engine.train(job, advance)
    bad = next((i for i, loss in enumerate(trained.losses) if not math.isfinite(loss)), None)
    if bad is not None:
        raise Refused(
            "training diverged",
            found=f"the loss of step {bad + 1} of {len(trained.losses)} is {trained.losses[bad]}",
            next_step=f"headgate train --set train.learning-rate={shop.settings.learning_rate / 10:g}",
        )
    spread = [one for one in trained.measures.get("reward_std", ()) if one is not None]
    if spread and not any(spread):
        raise Refused(
            "no drawn answer earned more than another, so nothing was learned",
            found=f"mean reward {first_of(trained.measures['reward'])} in each of {len(spread)} steps",
            wanted="a start that is sometimes right",
            next_step='train on demonstrations first, and go on from that adapter with start = "NAME"',
        )
    return trained


def _placed(shop: Workshop, seed: int, out: Path, trained: Trained) -> Finished:
    """Gives the adapter its record and moves it to the folder of its digest."""
    mark = adapter_mark(out)
    record = {
        "form": RECORD_FORM,
        "adapter": mark.digest,
        "tensors": mark.tensors,
        "config": mark.config,
        "base": shop.base.fingerprint.as_json(),
        "base_name": shop.base.name,
        "base_record": base_record(shop.base.folder, shop.base.fingerprint),
        "plan": shop.plan_digest,
        "dataset": shop.plan["data"]["dataset"],
        "seed": seed,
        "made_by": f"headgate {__version__}",
    }
    with atomic_write(out / RECORD) as stream:
        stream.write(canonical_json(record))
    target = _folder_for(shop, mark)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)  # the same tensors, perhaps damaged since
    out.replace(target)
    return Finished(seed=seed, folder=target, mark=mark, trained=trained, plan_digest=shop.plan_digest)


def _folder_for(shop: Workshop, mark: AdapterMark) -> Path:
    """Named by the digest; where the same tensors stand there for another base, that base's record stays what it is.

    A base whose template or tokenizer was changed where no row goes gives the same tensors.
    """
    plain = shop.work / "adapters" / mark.digest[3 : 3 + SHOWN_DIGITS]
    try:
        known = read_record(plain) if plain.is_dir() else None
    except Refused:
        return plain  # damaged: written anew
    own = shop.base.fingerprint.root
    if known is None or (known.get("base") or {}).get("root") in (None, own):
        return plain
    return plain.with_name(f"{plain.name}-{own[3 : 3 + SHOWN_DIGITS]}")


def stands(work: Path, body: Mapping[str, Any]) -> bool:
    """Whether the folder of a recorded adapter is there with the tensors it was recorded with."""
    try:
        return adapter_mark(work / str(body["folder"])).digest == str(body["digest"])
    except Refused:
        return False


def finished_before(shop: Workshop) -> list[Finished] | None:
    """The adapters of all seeds where an earlier process finished every one of them."""
    found = [_known(shop, seed) for seed in shop.settings.seeds]
    return None if None in found else [one for one in found if one is not None]


def _known(shop: Workshop, seed: int) -> Finished | None:
    """The adapter of a seed that an interrupted run had finished."""
    path = shop.folder / f"seed-{seed}.json"
    if not path.exists():
        return None
    body = orjson.loads(path.read_bytes())
    folder = shop.work / "adapters" / Path(body["folder"]).name
    if not folder.is_dir():
        return None
    mark = adapter_mark(folder)
    if mark.digest[3 : 3 + SHOWN_DIGITS] != folder.name.partition("-")[0]:
        return None
    t = body["trained"]
    trained = trained_of(t)
    return Finished(seed=seed, folder=folder, mark=mark, trained=trained, plan_digest=shop.plan_digest)


def _trained_json(trained: Trained) -> dict[str, Any]:
    return {name: getattr(trained, name) for name in Trained.__dataclass_fields__}
