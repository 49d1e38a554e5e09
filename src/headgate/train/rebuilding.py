"""Trains again from a closure alone: rows, base and plan in, adapters out, by the code that trained the first time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from headgate.kit import clock
from headgate.kit.errors import Refused
from headgate.ledger.steps import StageContext
from headgate.models.fingerprint import fingerprint_of
from headgate.rows.row import Row
from headgate.train.closure import FORM, Base, engine_source
from headgate.train.environment import environment, hardware, source_digest
from headgate.train.material import Material
from headgate.train.preparing import assembled, workshop
from headgate.train.settings import settings_of
from headgate.train.starting import Start
from headgate.train.training import Finished, train_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came out, and what it was made with."""

    shard: str
    schedules: Mapping[str, str]
    base: Mapping[str, str]  # fingerprint
    engine: str
    source: str
    environment: Mapping[str, Any]
    hardware: Mapping[str, Any]
    adapters: tuple[Mapping[str, Any], ...]  # seed, digest, tensors, config, losses, folder

    def as_json(self) -> dict[str, Any]:
        """As handed from process to process."""
        return {name: getattr(self, name) for name in self.__slots__}


def rebuild(
    plan: Mapping[str, Any], read: Callable[[str], Sequence[Row]], base: Path, out: Path, *, project: Path,
    start: Path | None = None,
) -> Rebuilt:  # fmt: skip
    """Trains every seed of a plan again; `read` gives the rows of a split, `out` is an empty folder.

    `project` holds the files that rewards and probes name, `start` the adapter that training went on from.

    Raises:
        Refused: a plan of another form, or rows or a base that cannot be trained on.
    """
    if plan.get("form") != FORM:
        raise Refused("a plan of another form", found=str(plan.get("form")), wanted=str(FORM))
    settings = settings_of({**plan["settings"], "base": str(base)})
    found = Base(folder=base, name=str(plan["base"]["name"]), fingerprint=fingerprint_of(base))
    data = plan["data"]
    version = SimpleNamespace(name=data["dataset"], node_id=data["dataset_node"], manifest_digest=data["manifest"])
    begun = (plan.get("start") or {}) if start else {}
    context = StageContext(folder=project, work=out, outputs={}, quiet=True, now=clock.now(), flow_name="rebuild")
    p = assembled(
        lambda split: Material(version=version, split=split, rows=tuple(read(split))),
        found,
        Start(node_id=begun["node"], digest=begun["adapter"], folder=start) if start else None,
        settings,
        context,
    )
    if p.blocking is not None:
        raise Refused("pre-flight stops the rebuild", found=p.blocking.seen.verdicts[0].summary)
    shop = workshop(p, settings)
    finished = train_seeds(shop)
    shop.close()
    return Rebuilt(
        shard=shop.shard.digest,
        schedules={str(seed): one.digest for seed, one in shop.schedules.items()},
        base=found.fingerprint.as_json(),
        engine=engine_source(),
        source=source_digest(),
        environment=environment(settings.variables),
        hardware=hardware(settings.threads),
        adapters=tuple(map(_told, finished)),
    )


def _told(one: Finished) -> dict[str, Any]:
    return {
        "seed": one.seed,
        "adapter": one.mark.digest,
        "tensors": one.mark.tensors,
        "config": one.mark.config,
        "losses": list(one.trained.losses),
        "held_loss": one.trained.held_loss,
        "wall_s": round(one.trained.wall_s, 3),
        "folder": str(one.folder),
    }
