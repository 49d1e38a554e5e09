"""Evaluation items in 50,000 rows: ours beside the 8-gram and 13-gram sets that teams write, in the same run.

    python benchmarks/speed/leaks.py DATA

rensa compares whole texts and cannot see an item inside a row; it is run on the same question all the same
(item against row, similarity 0.5), because MinHash is what people reach for. Items are the test questions of
GSM8K, HumanEval and, for short ones, XSTest: nothing of ours was chosen on them. Twins of one template in GSM8K's
own training rows count as rows that were not planted where a method flags them.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from real_text import Planted, leaks
from rensa import RMinHash, RMinHashLSH
from timing import write

from headgate.text.leaks import LIKELY_SHARE, copies, same_words
from headgate.text.tape import tape_of

WORDS = re.compile(r"\w+")
PERMUTATIONS = 128
RUNS = 3
SHORT = 12  # words
LEAST_WORDS = 3  # as in self-leak


def grams(text: str, n: int) -> set[str]:
    """Word n-grams; a text shorter than n is one gram."""
    words = WORDS.findall(text.lower())
    return {" ".join(words[k : k + n]) for k in range(max(len(words) - n + 1, 1))}


def ours(rows: list[str], items: list[str]) -> set[int]:
    """Rows with a copy, as self-leak blocks them: coverage by 4-grams, twins apart, or the same words."""
    return _copies(rows, items)


def ours_with_likely(rows: list[str], items: list[str]) -> set[int]:
    """Those and the rows that it shows for review."""
    return _copies(rows, items, likely=True)


def _copies(rows: list[str], items: list[str], *, likely: bool = False) -> set[int]:
    row_tape, item_tape = tape_of(rows), tape_of(items)
    shares: dict[str, Any] = {"long_share": LIKELY_SHARE, "asked": row_tape.lengths} if likely else {}
    found = copies(row_tape, item_tape, **shares)
    same = same_words(row_tape, item_tape, least_words=LEAST_WORDS)
    return set(found.rows[~found.twin].tolist()) | set(same[0].tolist())


def eight_grams(rows: list[str], items: list[str]) -> set[int]:
    """Rows that share any 8-gram with an item."""
    known = set().union(*(grams(item, 8) for item in items))
    return {number for number, row in enumerate(rows) if not known.isdisjoint(grams(row, 8))}


def thirteen_grams(rows: list[str], items: list[str]) -> set[int]:
    """Rows that share any 13-gram with an item; the rule of GPT-3."""
    known = set().union(*(grams(item, 13) for item in items))
    return {number for number, row in enumerate(rows) if not known.isdisjoint(grams(row, 13))}


def rensa(rows: list[str], items: list[str]) -> set[int]:
    """Rows that meet an item in a bucket of the LSH."""
    index = RMinHashLSH(0.5, PERMUTATIONS, 32)
    for number, item in enumerate(items):
        index.insert(number, _rensa(item))
    return {number for number, row in enumerate(rows) if index.query(_rensa(row))}


def _rensa(text: str) -> RMinHash:
    signature = RMinHash(PERMUTATIONS, 42)
    signature.update(list(grams(text, 3)))
    return signature


def quality(flagged: set[int], planted: Planted, items: list[str]) -> dict[str, object]:
    """Recall by length of the item and kind of disguise, and flagged rows in which nothing was planted."""
    kinds: dict[str, list[bool]] = {}
    for row, kind in sorted(planted.kinds.items()):
        size = "short" if len(WORDS.findall(items[planted.copies[row]])) < SHORT else "long"
        kinds.setdefault(f"{size} {kind}", []).append(row in flagged)
    return {
        "recall": {kind: round(sum(hits) / len(hits), 3) for kind, hits in sorted(kinds.items())},
        "rows_not_planted": len(flagged - set(planted.copies)),
    }


def main() -> None:
    """Medians of three runs in turns, ratios of CPU time, quality of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the development data")
    parser.add_argument("--rows", type=int, default=50_000)
    asked = parser.parse_args()
    planted, items = leaks(asked.data, rows=asked.rows)
    methods: dict[str, Callable[[list[str], list[str]], set[int]]] = {
        "headgate": ours,
        "headgate, with likely copies": ours_with_likely,
        "8-gram sets": eight_grams,
        "13-gram sets": thirteen_grams,
        "rensa": rensa,
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    flagged: dict[str, set[int]] = {}
    for _ in range(RUNS):
        for name, method in methods.items():
            wall, cpu = time.perf_counter(), time.process_time()
            flagged[name] = method(planted.texts, items)
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    cpu_of = {name: statistics.median(cpu for _, cpu in runs) for name, runs in seconds.items()}
    wall_of = {name: statistics.median(wall for wall, _ in runs) for name, runs in seconds.items()}
    write(
        "leaks",
        {
            "rows": len(planted.texts),
            "items": len(items),
            "megabytes": round(sum(map(len, planted.texts)) / 1e6, 1),
            "planted": len(planted.copies),
            "methods": {
                name: {
                    "cpu_seconds": round(cpu_of[name], 2),
                    "wall_seconds": round(wall_of[name], 2),
                    "cpu_over_ours": round(cpu_of[name] / cpu_of["headgate"], 2),
                    **quality(flagged[name], planted, items),
                }
                for name in methods
            },
        },
    )


if __name__ == "__main__":
    main()
