"""A worker of the local engine: reads `[number, target]` a line, scans that shard, answers a line."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Any

import orjson

from headgate.check.scanning import Plan, scan
from headgate.kit.errors import HeadgateError
from headgate.kit.files import atomic_write


def main(plan_file: str) -> None:
    """Scans shards until nobody asks for more."""
    plan = Plan.read(Path(plan_file))
    for line in sys.stdin.buffer:
        number, target = orjson.loads(line)
        told = orjson.dumps(done(plan, number, Path(target))) + b"\n"
        try:
            sys.stdout.buffer.write(told)
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # who asked was ended; the shard is there for whoever goes on
            os._exit(1)  # nothing more is written, not at exit either


def done(plan: Plan, number: int, target: Path) -> dict[str, Any]:
    """Scans one shard; what became of it."""
    try:
        with atomic_write(target) as stream:
            scan(plan, number, stream)
    except HeadgateError as error:
        return {"error": error.as_json()}
    except Exception as error:  # noqa: BLE001 - told to the process that asked, which raises it
        found = "".join(traceback.format_exception(error))[-4000:]
        return {"error": {"kind": "broken", "what": f"the scan of shard {number + 1} crashed", "found": found}}
    return {"done": number}


if __name__ == "__main__":
    main(sys.argv[1])
