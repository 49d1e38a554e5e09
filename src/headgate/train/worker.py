"""One training over several processes: the job as a folder, and what each process runs.

torch's launcher starts the processes and `accelerate` joins them, over gloo on a CPU. Each reads the job
and trains on its share of every batch; the first one writes the adapter and what was measured.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from headgate.kit.doors import open_door
from headgate.kit.errors import HeadgateError, Refused
from headgate.kit.files import atomic_write, refusing
from headgate.kit.hashing import canonical_json
from headgate.train.doors import DOORS
from headgate.train.job import Job, Trained, trained_of
from headgate.train.prompts import Asked
from headgate.train.schedule import Schedule
from headgate.train.settings import Settings, resolved, settings_of
from headgate.train.shard import keep, read

JOB, DONE, WRONG = "job.json", "trained.json", "refused.json"
TAIL = 2000  # characters of what a failed process said
PLACES = ("base", "out", "checkpoints", "start", "project")


def train_together(job: Job, folder: Path) -> Trained:
    """Trains in as many processes as the settings ask for, and waits for them.

    Raises:
        Refused: what a process refused, or that it ended without a result.
    """
    write(job, folder)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(job.settings.processes)]
    # The launcher holds the port that it finds; one that was looked for beforehand may be taken by then.
    command += ["--standalone", "--local-addr", "127.0.0.1", "-m", "headgate.train.worker"]
    variables = _variables(on_cpu=not _has_accelerators(job.settings))
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False, env=variables)
    if (folder / WRONG).exists():
        told = orjson.loads((folder / WRONG).read_bytes())
        raise Refused(told["what"], found=told["found"], next_step=told["next_step"])
    if done.returncode != 0 or not (folder / DONE).exists():
        raise Refused(
            "a process of the training ended without a result",
            found=f"exit code {done.returncode}: {done.stderr[-TAIL:].strip()}",
            next_step="run the same command again: it goes on from the last checkpoint",
        )
    return trained_of(orjson.loads((folder / DONE).read_bytes()))


def _has_accelerators(settings: Settings) -> bool:
    if settings.device == "cpu":
        return False
    torch: Any = importlib.import_module("torch")
    return bool(torch.cuda.is_available())


def _variables(*, on_cpu: bool) -> dict[str, str]:
    # Processes find headgate where this one found it, installed or not.
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    variables.setdefault("OMP_NUM_THREADS", "1")
    return variables | ({"ACCELERATE_USE_CPU": "true"} if on_cpu else {})


def write(job: Job, folder: Path) -> None:
    """The job as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (DONE, WRONG):
        (folder / name).unlink(missing_ok=True)
    shards = {name: keep(one, folder).name for name in ("shard", "held", "probed") if (one := getattr(job, name))}
    body = {
        **{name: str(value.resolve()) for name in PLACES if (value := getattr(job, name)) is not None},
        "shards": shards,
        "schedule": job.schedule.rows.tolist(),
        "settings": resolved(job.settings),
        "seed": job.seed,
        "pad_id": job.pad_id,
        "asked": [asdict(one) for one in job.asked],
        "other_asked": {row: asdict(one) for row, one in job.other_asked.items()},
        "probe_steps": sorted(job.probe_steps),
        "drift_prompts": [list(one) for one in job.drift_prompts],
    }
    with atomic_write(folder / JOB) as stream:
        stream.write(canonical_json(body))


def read_job(folder: Path) -> Job:
    """The job that `write` wrote."""
    body: Mapping[str, Any] = orjson.loads((folder / JOB).read_bytes())
    shards: dict[str, Any] = {name: read(folder / file) for name, file in body["shards"].items()}
    places: dict[str, Any] = {name: Path(body[name]) for name in PLACES if name in body}
    settings: Settings = settings_of(body["settings"])
    return Job(
        **shards,
        **places,
        schedule=Schedule(np.asarray(body["schedule"], dtype=np.int64)),
        settings=settings,
        seed=int(body["seed"]),
        pad_id=int(body["pad_id"]),
        asked=tuple(map(_asked, body["asked"])),
        other_asked={row: _asked(one) for row, one in body["other_asked"].items()},
        probe_steps=frozenset(body["probe_steps"]),
        drift_prompts=tuple(tuple(one) for one in body["drift_prompts"]),
    )


def _asked(plain: Mapping[str, Any]) -> Asked:
    return Asked(tuple(plain["prompt"]), plain["text"], plain["reference"])


def main(folder: Path) -> None:
    """What each process runs."""
    job = read_job(folder)
    first = os.environ.get("RANK", "0") == "0"
    try:
        with refusing(folder):
            trained: Trained = open_door(DOORS[job.settings.trainer]).train(job)
    except HeadgateError as error:
        if first:
            told = {"what": error.what, "found": error.found or "", "next_step": error.next_step or ""}
            with atomic_write(folder / WRONG) as stream:
                stream.write(canonical_json(told))
        raise SystemExit(2) from error
    if first:
        with atomic_write(folder / DONE) as stream:
            stream.write(canonical_json(asdict(trained)))


def leave_together() -> None:
    """Waits for the other processes and leaves their group: the last act of a process.

    One whose neighbour is gone while it still talks to it is aborted, and the whole run counts as failed. And
    who has left cannot join again: the launcher's store still holds the addresses of the first time.
    """
    group: Any = importlib.import_module("torch.distributed")
    if group.is_available() and group.is_initialized():
        group.barrier()
        group.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    leave_together()
