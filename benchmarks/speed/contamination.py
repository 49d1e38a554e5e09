"""Evaluation items in 139 MB of rows: ours beside the scripts and tools that people use, as whole processes in one run.

    python benchmarks/speed/contamination.py [DATA] --peers PYTHON [--decon PYTHON] [--rows N] [--only NAME ...]

DATA is the folder of the development data. --peers is the interpreter of an environment with lm-eval (and its
`janitor_util` built), datatrove with spacy, overlapy and the compiled part of dolma; --decon one of Python 3.12 with
decontaminate. Rows, items and disguises: `leaked_text.py`. "short" items have under 12 words. "likely" counts what
self-leak lists for review as well, "twins" also what it takes for another filling of an item's template: copies
in which every digit was changed are such. Of flagged rows in which nothing was planted those are twins, whatever
flagged them, that hold half of an item's word 4-grams when numbers are not looked at.

`headgate, kernels` reads chat rows and calls the functions of `headgate.text` that self-leak calls; `headgate
check` is the command, with rows as it keeps them, answers, and all that the rule says of each leak.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from contamination_methods import METHODS
from leaked_text import WORDS, Leaked, leaked
from leaked_text import write as write_rows
from timing import Cost, whole, write

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
OURS = ("headgate, kernels", "headgate check")
PEERS = ("Janitor", "Janitor, C++ n-grams", "datatrove", "overlapy", "dolma")
SLOW = 60  # seconds; what takes longer runs once
NUMBER = re.compile(r"\d+")
WORDS_BESIDE_NUMBERS = 2  # of a 4-gram that tells of a template
MADE = (
    "dolma",
    "datatrove-in",
    "datatrove-index",
    "datatrove-out",
    "datatrove-logs",
    "decon-in",
    "decon-items",
    "decon-out",
)


def frames(text: str) -> set[tuple[str, ...]]:
    """Word 4-grams with every number the same one; those that are nearly all numbers left out."""
    words = ["0" if NUMBER.fullmatch(word) else word for word in WORDS.findall(text.lower())]
    found = {tuple(words[at : at + 4]) for at in range(len(words) - 3)}
    return {one for one in found if 4 - one.count("0") >= WORDS_BESIDE_NUMBERS}


def twins(leaks: Leaked, rows: set[int]) -> set[int]:
    """Those of some rows that hold half of the frame of an item."""
    having: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes = []
    for number, item in enumerate(leaks.items):
        own = frames(item)
        sizes.append(len(own))
        for frame in own:
            having[frame].append(number)
    out = set[int]()
    for row in rows:
        shared = Counter(item for frame in frames("\n".join(leaks.rows[row])) for item in having.get(frame, ()))
        if any(2 * count >= sizes[item] for item, count in shared.items()):
            out.add(row)
    return out


def quality(flagged: set[int], leaks: Leaked) -> dict[str, Any]:
    """Recall by length of the item and kind of disguise, and flagged rows in which nothing was planted."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for row, kind in leaks.kinds.items():
        kinds[kind].append(row in flagged)
    others = flagged - leaks.copies.keys()
    false = others - twins(leaks, others)
    clean = len(leaks.rows) - len(leaks.copies)
    return {
        "recall": {kind: round(sum(hits) / len(hits), 3) for kind, hits in sorted(kinds.items())},
        "rows_not_planted": len(false),
        "per_10_000_rows": round(10_000 * len(false) / clean, 2),
        "twins_not_planted": len(others - false),
    }


def tiers(found: dict[str, Any], leaks: Leaked) -> dict[str, Any]:
    """Quality of each tier with those before it; of a method that names some rows only, how many it counts."""
    if "counted" in found:
        return {
            "rows_counted": found["counted"],
            "of_those_named_not_planted": len(set(found["named"]) - set(leaks.copies)),
        }
    out, flagged = {}, set[int]()
    for name, rows in found.items():
        flagged |= set(rows)
        out[name] = quality(flagged, leaks)
    return out


def main() -> None:
    """Medians over the runs, ratios to ours in the same run, quality of each method."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the development data")
    parser.add_argument("--peers", default="", help="interpreter of the environment with the peers")
    parser.add_argument("--decon", default="", help="interpreter of the environment with decontaminate")
    parser.add_argument("--rows", type=int, default=100_603)
    parser.add_argument("--runs", type=int, default=3, help="of each method that takes no more than a minute")
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds for one process")
    parser.add_argument("--only", nargs="*", default=list(METHODS), help="these methods and no others")
    asked = parser.parse_args()
    leaks = leaked(asked.data, rows=asked.rows)
    size = sum(len(text.encode("utf-8", "replace")) for text in leaks.texts())
    pythons = {**dict.fromkeys(PEERS, asked.peers), "decon": asked.decon}
    costs, failed = dict[str, list[Cost]](), dict[str, str]()
    found = dict[str, dict[str, Any]]()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder, target = Path(scratch), Path(scratch, "flagged.json")
        write_rows(leaks, folder)
        for turn in range(-1, asked.runs):  # the first turn compiles kernels and fills caches, and counts for nothing
            for name in (one for one in METHODS if one in asked.only and one not in failed):
                slow = turn > 0 and statistics.median(cost.wall for cost in costs[name]) > SLOW
                if slow or (turn < 0 and name not in OURS):
                    continue
                for made in MADE:
                    shutil.rmtree(folder / made, ignore_errors=True)
                python = pythons.get(name, sys.executable) or sys.executable
                command = [python, str(HERE / "contamination_methods.py"), name, str(folder), str(target)]
                cost = whole(command, limit=asked.limit)
                print(name, cost, flush=True)
                if isinstance(cost, str):
                    failed[name] = cost
                elif turn >= 0:
                    costs.setdefault(name, []).append(cost)
                    found[name] = json.loads(target.read_text(encoding="utf-8"))
    middle = {
        name: [statistics.median(getattr(run, part) for run in runs) for part in ("wall", "cpu", "megabytes")]
        for name, runs in costs.items()
    }
    ours = {name: middle[name] for name in OURS if name in middle}
    write(
        "contamination",
        {
            "rows": len(leaks.rows),
            "megabytes": round(size / 1e6, 1),
            "items": len(leaks.items),
            "planted": Counter(leaks.kinds.values()),
            "load_before": round(load, 1),
            "failed": failed,
            "methods": {
                name: {
                    "runs": len(costs[name]),
                    "wall_seconds": round(wall, 2),
                    "cpu_seconds": round(cpu, 2),
                    "cpu_seconds_per_gigabyte": round(cpu / size * 1e9, 1),
                    "peak_megabytes": round(memory),
                    **{f"wall_over {one}": round(wall / its[0], 2) for one, its in ours.items()},
                    **{f"cpu_over {one}": round(cpu / its[1], 2) for one, its in ours.items()},
                    **tiers(found[name], leaks),
                }
                for name, (wall, cpu, memory) in middle.items()
            },
        },
    )


if __name__ == "__main__":
    main()
