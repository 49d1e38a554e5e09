"""The process that rebuilds: `python -m headgate.fleet.rebuild_process KIT PROJECT OUT`, with nothing but the kit.

No connection leaves it: whatever a rebuild fetches is not in its closure. Errors are told as JSON, so that the
process that started it can name the cause.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from headgate.kit.errors import HeadgateError, Refused

LOCAL = ("127.0.0.1", "::1", "localhost")


def refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook that lets no socket connect to anything but this machine."""
    if event != "socket.connect":
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) else str(address)
    if isinstance(address, tuple) and host not in LOCAL:
        raise Refused("the rebuild asked for the network", found=str(host))


def main(kit: Path, project: Path, out: Path) -> dict[str, Any]:
    """Rebuilds and says what came out; `project` is the clean checkout."""
    from headgate.fleet.kit import BASE, START, read_kit
    from headgate.train.rebuilding import rebuild

    found = read_kit(kit)
    start = kit / START if (kit / START).is_dir() else None
    answer = rebuild(found.plan, found.rows_of, kit / BASE, out, project=project, start=start)
    return answer.as_json()


def run(arguments: list[str]) -> int:
    """Writes the answer, or the error, beside what was made."""
    from headgate.kit.files import atomic_write
    from headgate.kit.hashing import canonical_json

    kit, project, out = map(Path, arguments)
    sys.addaudithook(refuse_network)
    try:
        answer: dict[str, Any] = {"rebuilt": main(kit, project, out)}
    except HeadgateError as error:
        answer = {"error": error.as_json()}
    except ImportError as error:
        answer = {"error": {"kind": "import", "what": str(error), "found": error.name or ""}}
    with atomic_write(out / "answer.json") as stream:
        stream.write(canonical_json(answer))
    return 0 if "rebuilt" in answer else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
