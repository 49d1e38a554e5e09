"""Runs whole processes in turns and reports the ratio of their times: ours beside a peer, in the same run."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Times:
    """Figures of one command over several runs; seconds."""

    wall: float  # median
    cpu: float  # median, user and system, children included
    least: float
    most: float

    def as_json(self) -> dict[str, float]:
        """Rounded for committing."""
        return {name: round(getattr(self, name), 3) for name in ("wall", "cpu", "least", "most")}


def in_turns(commands: Mapping[str, Sequence[str]], *, runs: int, allowed: tuple[int, ...] = (0,)) -> dict[str, Times]:
    """Runs each command once to warm the caches, then all of them in turns, `runs` times."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
            wall = time.perf_counter() - started
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode not in allowed:
                raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if turn:
                seen[name].append((wall, cpu))
    return {
        name: Times(
            wall=statistics.median(w for w, _ in pairs),
            cpu=statistics.median(c for _, c in pairs),
            least=min(w for w, _ in pairs),
            most=max(w for w, _ in pairs),
        )
        for name, pairs in seen.items()
    }


def write(name: str, result: Mapping[str, Any]) -> None:
    """Prints a result and writes it to results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
