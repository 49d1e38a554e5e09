"""`headgate check` on 50,000 rows (and on 10,000 and 200) as a whole process, beside scripts that do two of its rules.

    python benchmarks/speed/check_files.py

Peers: near-duplicates with rensa's deduplicator and with datasketch's MinHash and LSH, each with the
leak scan that teams commonly write (8-word Python sets). Ours runs every rule and verifies exactly.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rows_50k import make
from timing import in_turns, write

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent


def main() -> None:
    """Medians of three runs in turns, and the ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        train, test = make(Path(scratch))
        lines = train.read_text(encoding="utf-8").splitlines(keepends=True)
        small, middle = Path(scratch) / "small.jsonl", Path(scratch) / "middle.jsonl"
        small.write_text("".join(lines[:200]), encoding="utf-8")
        middle.write_text("".join(lines[:10_000]), encoding="utf-8")
        size = train.stat().st_size
        two = ["--select", "near-duplicates,self-leak"]
        times = in_turns(
            {
                "headgate check, every rule": [str(BIN / "headgate"), "check", str(train), "--eval", str(test), "-q"],
                "headgate check, the same two": [
                    str(BIN / "headgate"),
                    "check",
                    str(train),
                    "--eval",
                    str(test),
                    *two,
                    "-q",
                ],
                "headgate check, 200 rows": [str(BIN / "headgate"), "check", str(small), "--eval", str(test), "-q"],
                "headgate check, 10,000 rows": [
                    str(BIN / "headgate"),
                    "check",
                    str(middle),
                    "--eval",
                    str(test),
                    "-q",
                ],
                "rensa and 8-gram sets, 10,000 rows": [
                    sys.executable,
                    str(HERE / "peer_script.py"),
                    "rensa",
                    str(middle),
                    str(test),
                ],
                "rensa and 8-gram sets": [sys.executable, str(HERE / "peer_script.py"), "rensa", str(train), str(test)],
                "datasketch and 8-gram sets": [
                    sys.executable,
                    str(HERE / "peer_script.py"),
                    "datasketch",
                    str(train),
                    str(test),
                ],
            },
            runs=3,
            allowed=(0, 1, 3),
        )
    ours = times["headgate check, the same two"].wall
    write(
        "check_files",
        {
            "rows": 50_000,
            "megabytes": round(size / 1e6, 1),
            "seconds": {name: one.as_json() for name, one in times.items()},
            "rensa_over_ours": round(times["rensa and 8-gram sets"].wall / ours, 2),
            "datasketch_over_ours": round(times["datasketch and 8-gram sets"].wall / ours, 2),
        },
    )


if __name__ == "__main__":
    main()
