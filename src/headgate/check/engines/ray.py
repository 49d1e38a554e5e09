"""Shards on a Ray cluster: one core task for each, results by the object store.

Every node must see the files under the same paths. A task whose node is lost is run again elsewhere,
and so is one whose result was lost with its node. Only a few results are on their way at a time, so
that neither the object store nor this process holds more than those.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import ray

from headgate.check.scanning import Plan, scan
from headgate.kit.errors import Broken, HeadgateError, Retryable
from headgate.kit.files import atomic_write

WAITING = 2  # tasks under way for each processor of the cluster
RETRIES = 20  # of a task whose node or worker is lost


def run(
    plan: Plan,
    plan_file: Path,  # noqa: ARG001 - tasks get the plan itself
    wanted: Sequence[tuple[int, Path]],
    advance: Callable[[int], object],
) -> None:
    """Scans shards on the cluster that RAY_ADDRESS names, or on one that is started here and ended again.

    Raises:
        Refused: a file cannot be read on a node.
        Retryable: the cluster lost more than it could run again.
    """
    started = not ray.is_initialized()
    if started:
        address = os.environ.get("RAY_ADDRESS") or "local"
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        _scan_all(plan, list(wanted), advance)
    except ray.exceptions.RayTaskError as error:
        raise _cause(error) from None
    except ray.exceptions.RayError as error:
        raise Retryable(
            "the Ray cluster lost a shard",
            found=str(error).splitlines()[0],
            next_step="run the same command again: finished shards are not scanned again",
        ) from error
    finally:
        if started:
            ray.shutdown()


def scanned(plan: Plan, number: int) -> bytes:
    """The scan of one shard as bytes."""
    out = io.BytesIO()
    scan(plan, number, out)
    return out.getvalue()


def _scan_all(plan: Plan, waiting: list[tuple[int, Path]], advance: Callable[[int], object]) -> None:
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(scanned)
    shared = ray.put(plan)  # lies on the node of this process, which outlives all others
    window = max(int(WAITING * ray.cluster_resources().get("CPU", 1)), 2)
    under_way: dict[ray.ObjectRef, Path] = {}
    waiting.reverse()
    while waiting or under_way:
        while waiting and len(under_way) < window:
            number, target = waiting.pop()
            under_way[task.remote(shared, number)] = target
        (ready, *_), _ = ray.wait(list(under_way), num_returns=1)
        result = ray.get(ready)
        with atomic_write(under_way.pop(ready)) as stream:
            stream.write(result)
        del ready, result  # the object store may forget it
        advance(1)


def _cause(error: ray.exceptions.RayTaskError) -> Exception:
    if isinstance(error.cause, HeadgateError):
        return error.cause
    return Broken("the scan of a shard crashed", found=str(error)[-4000:])
