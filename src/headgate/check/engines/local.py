"""Shards on this machine: one worker process for each processor, because reading rows is Python's own work.

Workers are plain processes that run `headgate.check.engines.worker`, told by lines which shard to scan
next. They import nothing of the program that calls headgate, so a script needs no guard around it, and
what they write appears whole or not at all. A worker that dies is replaced, and its shard scanned again.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from headgate.check.scanning import Plan, scan
from headgate.kit.errors import Broken, Refused, Retryable
from headgate.kit.files import atomic_write
from headgate.text.kernels import THREADS, threads

TRIES = 3  # of one shard whose worker died
Wanted = Sequence[tuple[int, Path]]  # number of a shard, and the file that its scan is to become
Job = tuple[int, Path, int]  # and how often it was tried


def run(plan: Plan, plan_file: Path, wanted: Wanted, advance: Callable[[int], object]) -> None:
    """Scans shards; all files are there when it returns.

    Raises:
        Refused: a file cannot be read.
        Retryable: workers died again and again, such as for want of memory.
    """
    count = min(threads(), len(wanted))
    if count < 2:
        for number, target in wanted:
            with atomic_write(target) as stream:
                scan(plan, number, stream)
            advance(1)
        return
    _Crew(plan_file, wanted, advance).work(count)


class _Crew:
    """Threads that each keep one worker process busy."""

    def __init__(self, plan_file: Path, wanted: Wanted, advance: Callable[[int], object]) -> None:
        self._plan_file = plan_file
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for number, target in wanted:
            self._jobs.put((number, target, 1))
        self._advance = advance
        self._lock = threading.Lock()
        self._errors: list[Exception] = []
        self._workers: set[subprocess.Popen[bytes]] = set()

    def work(self, count: int) -> None:
        crew = [threading.Thread(target=self._serve, daemon=True) for _ in range(count)]
        try:
            for one in crew:
                one.start()
            for one in crew:
                one.join()
        finally:
            for worker in list(self._workers):
                worker.kill()
        if self._errors:
            raise self._errors[0]

    def _serve(self) -> None:
        worker: subprocess.Popen[bytes] | None = None
        try:
            while not self._errors:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                worker = worker or self._started()
                if not self._told(worker, job):
                    dead, worker = worker, None
                    self._again(job, self._ended(dead))
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits for all
            self._errors.append(error)
        if worker is not None:
            self._ended(worker)

    def _started(self) -> subprocess.Popen[bytes]:
        # -P: a file in the present folder that is named like a module is not imported.
        command = [sys.executable, "-P", "-m", "headgate.check.engines.worker", str(self._plan_file)]
        environment = {**os.environ, THREADS: "1"}
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._workers.add(worker)
        return worker

    def _told(self, worker: subprocess.Popen[bytes], job: Job) -> bool:
        """Whether the worker did its shard; False when it died."""
        assert worker.stdin is not None and worker.stdout is not None
        try:
            worker.stdin.write(orjson.dumps([job[0], str(job[1])]) + b"\n")
            worker.stdin.flush()
        except BrokenPipeError:
            return False
        said = worker.stdout.readline()
        if not said.endswith(b"\n"):
            return False
        answer = orjson.loads(said)
        if "error" in answer:
            raise error_of(answer["error"])
        with self._lock:
            self._advance(1)
        return True

    def _again(self, job: Job, status: int) -> None:
        number, target, tries = job
        if tries >= TRIES:
            raise Retryable(
                f"the worker of shard {number + 1} died {tries} times",
                found=f"ended by signal {-status}" if status < 0 else f"exit code {status}",
                wanted="memory for one shard in each worker",
                next_step="run the same command again: finished shards are not scanned again",
            )
        self._jobs.put((number, target, tries + 1))

    def _ended(self, worker: subprocess.Popen[bytes]) -> int:
        """Lets a worker go, and its exit status."""
        self._workers.discard(worker)
        if self._errors:
            worker.kill()
        with contextlib.suppress(BrokenPipeError):  # it is dead, and was told something that it never read
            worker.communicate()
        return worker.wait()


def error_of(parts: Mapping[str, Any]) -> Exception:
    """The error that a worker told."""
    told = {"next_step" if name == "try" else name: value for name, value in parts.items() if name != "kind"}
    kinds: dict[str, type[Refused] | type[Retryable]] = {"refused": Refused, "try again": Retryable}
    return kinds.get(parts.get("kind", ""), Broken)(**told)
