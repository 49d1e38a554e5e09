"""Runs whole processes in turns and reports the ratio of their times: ours beside a peer, in the same run."""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK = 0.05  # seconds between two looks at the memory of a process
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


def installed(**more: str) -> dict[str, str]:
    """The environment of a command whose modules are compiled once, as those of an installed package are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more


def processors_given(work: float = 1.0) -> float:
    """Processors' worth of work that a busy process for each processor gets done together.

    Fewer than there are where others use them, or where a virtual machine is given less than it shows. `work`: CPU
    seconds of each.
    """
    busy = f"import time\nwhile time.process_time() < {work}: pass"
    started, count = time.perf_counter(), len(os.sched_getaffinity(0))
    for one in [subprocess.Popen([sys.executable, "-S", "-c", busy]) for _ in range(count)]:
        one.wait()
    return count * work / (time.perf_counter() - started)


def in_turns(commands: Mapping[str, Sequence[str]], *, runs: int, allowed: tuple[int, ...] = (0,)) -> dict[str, Times]:
    """Runs each command once to warm the caches, then all of them in turns, `runs` times."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, check=False, env=installed(OMP_NUM_THREADS="1"))
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


@dataclass(frozen=True)
class Cost:
    """What one process cost, its children included."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    megabytes: float  # the most that all its processes held at once, pages shared by two counted twice


def resident(group: int) -> int:
    """Bytes that the processes of a group hold."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == group:
                total += int((process / "statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


def whole(
    command: Sequence[str],
    *,
    limit: float = float("inf"),
    out: Path | None = None,
    allowed: tuple[int, ...] = (0,),
    **environment: str,
) -> Cost | str:
    """Runs one command to its end, or for `limit` seconds; why it failed where it did. `out` takes what it prints."""
    settings = installed(**{"HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment})
    with tempfile.TemporaryFile() as said, out.open("wb") if out else tempfile.TemporaryFile() as printed:
        started, held, looked = time.perf_counter(), 0, 0.0
        process = subprocess.Popen(command, stdout=printed, stderr=said, env=settings, start_new_session=True)
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            wall = time.perf_counter() - started
            if pid:
                break
            if wall > limit:
                os.killpg(process.pid, signal.SIGKILL)
                os.wait4(process.pid, 0)
                process.returncode = -signal.SIGKILL
                return f"not through after {limit:.0f} s"
            if wall - looked > LOOK:
                held, looked = max(held, resident(process.pid)), wall
            time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in allowed:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            return last[0] if last else f"ended with {process.returncode}"
    return Cost(wall, used.ru_utime + used.ru_stime, held / 1e6)


def write(name: str, result: Mapping[str, Any]) -> None:
    """Prints a result and writes it to results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
