"""How long a user waits for the first answer, beside the command line of a library of the field.

python benchmarks/speed/start_up.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from timing import in_turns, write

BIN = Path(sys.executable).parent


def main() -> None:
    """`headgate --help` and `import headgate` beside a bare interpreter and `transformers --help`."""
    times = in_turns(
        {
            "bare python": [sys.executable, "-c", "pass"],
            "import headgate": [sys.executable, "-c", "import headgate"],
            "headgate --help": [str(BIN / "headgate"), "--help"],
            "headgate check --help": [str(BIN / "headgate"), "check", "--help"],
            "transformers --help": [str(BIN / "transformers"), "--help"],
        },
        runs=7,
    )
    peer = times["transformers --help"].wall / times["headgate --help"].wall
    write(
        "start_up",
        {
            "seconds": {name: one.as_json() for name, one in times.items()},
            "peer_over_ours": round(peer, 1),
            "budget_seconds": 0.15,
        },
    )


if __name__ == "__main__":
    main()
