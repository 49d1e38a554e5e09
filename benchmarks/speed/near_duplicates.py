"""Near-duplicates: ours beside rensa, datasketch, gaoya, Daft and text-dedup, as whole processes in one run.

    python benchmarks/speed/near_duplicates.py DATA --peers PYTHON            50,000 texts, every peer
    python benchmarks/speed/near_duplicates.py DATA --peers PYTHON --large    a million texts, the fast ones

DATA is the folder of the development data; PYTHON is the interpreter of an environment with daft, gaoya,
text-dedup and datatrove (with spacy), which ours does without. Texts are real, with planted copies of 14
kinds; truth is the exact Jaccard similarity of lower-cased word 5-grams, 0.7 and more, found with twice as many
bands. A planted copy counts as caught when either side is flagged, which flatters methods that only say what
they would remove. `headgate` checks its pairs exactly by a wider measure, so that each row which it flags has a
duplicate by construction. Ours is timed with compiled kernels at hand; what compiling them costs, once on each
machine, is timed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from duplicate_methods import THRESHOLD, headgate_5_grams
from real_text import KINDS, Planted, near_copies
from timing import Cost, whole, write

from headgate.text.jaccard import similarities
from headgate.text.ngrams import Shingles, exact_hashes
from headgate.text.tape import Tape, tape_of

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
OURS = ("headgate", "headgate, 5-grams")
LARGE = (*OURS, "daft", "rensa, one by one")
ALL = (*LARGE, "rensa", "datasketch", "gaoya", "text-dedup", "datatrove")
ELSEWHERE = ("daft", "gaoya", "text-dedup", "datatrove")
LIMIT = 3600.0  # seconds for one process


def timed(method: str, python: str, source: Path, target: Path, **environment: str) -> Cost | str:
    """What one method costs as a process, or why it failed."""
    command = [python, str(HERE / "duplicate_methods.py"), method, str(source), str(target)]
    return whole(command, limit=LIMIT, **environment)


def quality(flagged: set[int], planted: Planted, scores: dict[int, float], truth: set[int]) -> dict[str, Any]:
    """Recall of planted copies, in all and by kind, and the share of flagged rows that have a duplicate."""

    def recall(copies: list[int]) -> float | None:
        caught = sum(copy in flagged or planted.copies[copy] in flagged for copy in copies)
        return round(caught / len(copies), 4) if copies else None

    alike = [copy for copy, score in scores.items() if score >= THRESHOLD]
    by_kind = {kind: [copy for copy, its in planted.kinds.items() if its == kind] for kind in KINDS}
    return {
        "flagged": len(flagged),
        "flagged_that_have_a_duplicate": round(len(flagged & truth) / max(len(flagged), 1), 4),
        "recall_of_planted_alike": recall(alike),
        "recall_of_all_planted_by_kind": {kind: recall(copies) for kind, copies in by_kind.items()},
    }


def exact_scores(tape: Tape, planted: Planted) -> dict[int, float]:
    """Exact similarity of each planted copy to its original."""
    copies = np.array(list(planted.copies.items()), dtype=np.int64)
    scores = similarities(tape, Shingles(5), copies[:, 0], copies[:, 1])
    keys = exact_hashes(tape)
    scores[keys[copies[:, 0]] == keys[copies[:, 1]]] = 1.0
    return dict(zip(copies[:, 0].tolist(), scores.tolist(), strict=True))


def main() -> None:
    """Medians over the runs, ratios to ours in the same run, quality of each method."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the development data")
    parser.add_argument("--peers", default="", help="interpreter of the environment with the other peers")
    parser.add_argument("--large", action="store_true", help="a million texts, the fast methods only")
    parser.add_argument("--runs", type=int, default=1)
    asked = parser.parse_args()
    planted = near_copies(asked.data, rows=1_000_000 if asked.large else 50_000, share=0.06 if asked.large else 0.1)
    methods = LARGE if asked.large else ALL
    costs: dict[str, list[Cost]] = {name: [] for name in methods}
    failed, flagged = dict[str, str](), dict[str, set[int]]()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "texts.jsonl", Path(scratch) / "flagged.json"
        with source.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(text, ensure_ascii=False) + "\n" for text in planted.texts)
        few = Path(scratch) / "few.jsonl"
        alike = (one for text in planted.texts[:500] for one in (text, f"{text} indeed"))  # so that each kernel is met
        few.write_text("".join(json.dumps(text) + "\n" for text in alike), encoding="utf-8")
        cold = timed(OURS[0], sys.executable, few, target, HEADGATE_KERNELS="compiled", NUMBA_CACHE_DIR=scratch)
        timed(OURS[0], sys.executable, few, target, HEADGATE_KERNELS="compiled")
        for _ in range(asked.runs):
            for name in methods:
                python = (asked.peers or sys.executable) if name in ELSEWHERE else sys.executable
                found = timed(name, python, source, target)
                print(name, found, flush=True)
                if isinstance(found, str):
                    failed[name] = found
                else:
                    costs[name].append(found)
                    flagged[name] = set(json.loads(target.read_text(encoding="utf-8")))
    tape = tape_of(planted.texts)
    scores = exact_scores(tape, planted)
    wide = headgate_5_grams(planted.texts, bands=50) | {
        row for copy, score in scores.items() if score >= THRESHOLD for row in (copy, planted.copies[copy])
    }
    truth = {name: wide | (flagged[name] if name == OURS[0] else set()) for name in flagged}
    middle = {
        name: [statistics.median(getattr(run, part) for run in runs) for part in ("wall", "cpu", "megabytes")]
        for name, runs in costs.items()
        if runs
    }
    ours = middle[OURS[1]]
    write(
        "near_duplicates_1m" if asked.large else "near_duplicates",
        {
            "texts": len(planted.texts),
            "megabytes": round(sum(len(text.encode("utf-8", "replace")) for text in planted.texts) / 1e6, 1),
            "planted": len(scores),
            "planted_alike": sum(score >= THRESHOLD for score in scores.values()),
            "seconds_to_compile_once": round(cold.cpu, 1) if isinstance(cold, Cost) else cold,
            "load_before": round(load, 1),
            "failed": failed,
            "methods": {
                name: {
                    "wall_seconds": round(wall, 2),
                    "cpu_seconds": round(cpu, 2),
                    "peak_megabytes": round(memory),
                    "wall_over_ours": round(wall / ours[0], 2),
                    "cpu_over_ours": round(cpu / ours[1], 2),
                    **quality(flagged[name], planted, scores, truth[name]),
                }
                for name, (wall, cpu, memory) in middle.items()
            },
        },
    )


if __name__ == "__main__":
    main()
