"""The closure of a run: everything its adapter depends on, as content addresses in canonical JSON.

Two halves. The *plan* is known before the first step and decides every byte: data, base, settings,
engine, environment, machine. The *history* says how one came to this plan: code state, failed runs
before it, choices between seeds. The result is sealed to both when training ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from blake3 import blake3

from headgate.kit.errors import Refused
from headgate.kit.hashing import PREFIX, digest, digest_json
from headgate.ledger.ledger import Ledger
from headgate.models.fingerprint import Fingerprint, fingerprint_of
from headgate.train.environment import changes_of, code, environment, hardware
from headgate.train.material import Material
from headgate.train.schedule import Schedule
from headgate.train.settings import Settings, origins, resolved
from headgate.train.shard import Shard

FORM = 1  # of the closure; a rebuild reads no other


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base of a run: where it is now and what it is."""

    folder: Path
    name: str
    fingerprint: Fingerprint


def find_base(ledger: Ledger, text: str, project: Path) -> Base:
    """The base that a setting names: a folder, or a name that the ledger knows from an earlier run.

    Raises:
        Refused: neither, or the folder is no longer what the ledger recorded.
    """
    folder = project / text
    if folder.is_dir():
        return Base(folder=folder, name=folder.resolve().name, fingerprint=fingerprint_of(folder))
    node = ledger.latest("base", text)
    if node is None:
        raise Refused(
            "no such base",
            found=repr(text),
            wanted="the folder of a model, or the name of a base in the ledger",
            next_step="headgate ledger log --kind base",
        )
    folder = project / str(node.body["folder"])
    fingerprint = fingerprint_of(folder)
    if differing := fingerprint.differences(node.body["fingerprint"]):
        raise Refused(f"the base {text} was changed", file=str(folder), found="differs in " + ", ".join(differing))
    return Base(folder=folder, name=text, fingerprint=fingerprint)


def plan(
    *,
    material: Material,
    shard: Shard,
    schedules: Mapping[int, Schedule],
    base: Base,
    settings: Settings,
    held: Shard | None = None,
) -> dict[str, Any]:
    """What decides every byte of the adapters, as content addresses."""
    return {
        "form": FORM,
        "data": {
            "dataset": material.version.name,
            "dataset_node": material.version.node_id,
            "manifest": material.version.manifest_digest,
            "split": material.split,
            "rows": len(shard),
            "row_ids": salted(material.salt, digest_json(list(shard.row_ids))),
            "shard": salted(material.salt, shard.digest),
            "learned_tokens": shard.supervised,
            "salted": bool(material.salt),
            "held_shard": salted(material.salt, held.digest if held else ""),
        },
        "base": {"name": base.name, "fingerprint": base.fingerprint.as_json()},
        "settings": {key: value for key, value in resolved(settings).items() if key != "base"},
        "schedules": {str(seed): salted(material.salt, one.digest) for seed, one in schedules.items()},
        "engine": {"name": settings.trainer, "source": engine_source()},
        "environment": environment(settings.variables),
        "hardware": hardware(settings.threads),
    }


def salted(salt: str, address: str) -> str:
    """What a plan keeps in place of a digest over rows; without a salt the digest itself."""
    return (
        PREFIX + blake3(address.encode(), key=bytes.fromhex(salt[len(PREFIX) :])).hexdigest()
        if salt and address
        else address
    )


def history(ledger: Ledger, material: Material, settings: Settings, project: Path) -> dict[str, Any]:
    """How the plan came about: code state, where settings came from, earlier runs on the same data."""
    earlier = [ledger.node(edge.source_id) for edge in ledger.edges_to(material.version.node_id, "trained-on")]
    runs = [node for node in earlier if node.kind == "run"]
    state = code(project)
    if state["project"] and state["project"]["dirty"]:
        # The patch itself, so that the code of this run can be had again.
        state["project"]["diff_content"] = ledger.content.put(changes_of(project))
    return {
        "code": state,
        "origins": origins(settings),
        "earlier_runs": [node.id for node in runs if node.body.get("outcome") == "pass"],
        "failed_runs": [node.id for node in runs if node.body.get("outcome") != "pass"],
    }


@cache
def engine_source() -> str:
    """Address of the code that turns a shard into an adapter."""
    room = Path(__file__).parent
    files = [room / "schedule.py", *sorted((room / "engines").glob("*.py"))]
    return digest_json({path.name: digest(path.read_bytes()) for path in files})


def choice(settings: Settings, losses: Sequence[float | None]) -> dict[str, Any]:
    """Which seed's adapter goes on, by the rule that was set before training, and why."""
    if settings.choose == "first" or settings.sweep:
        chosen, why = 0, "the first seed, as set before training"
    else:
        known = [one if one is not None else float("inf") for one in losses]
        chosen = min(range(len(known)), key=known.__getitem__)
        why = f"lowest loss on split {settings.choose_on}: {known[chosen]:.4f} nats per token"
    return {
        "rule": settings.choose,
        "seeds": list(settings.seeds),
        "held_losses": list(losses),
        "chosen": settings.seeds[chosen],
        "why": why,
        "looked_at": settings.choose_on,
    }
