"""Near-duplicates among 50,000 rows: ours beside rensa and datasketch, in the same run.

    python benchmarks/speed/near_duplicates.py DATA

All three take Python strings and word 3-grams at a similarity of 0.6 with 128 permutations, on one
thread. Ours checks every candidate exactly and keeps texts apart that differ in a number or a
negation; the peers report what their bands or signatures say. Recall is over planted copies whose exact
similarity is 0.6 or more; a copy counts as caught when the peer flags either side, which flatters the peers.
A flagged row has a duplicate when an exactly checked pair of ours or a planted pair holds it; for ours that is so by
construction.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasketch import MinHash, MinHashLSH
from real_text import Planted, near_copies
from rensa import RMinHashDeduplicator
from timing import write

from headgate.text.jaccard import jaccard
from headgate.text.near_duplicates import near_duplicate_pairs
from headgate.text.ngrams import exact_hashes, word_ngrams
from headgate.text.tape import tape_of

WORDS = re.compile(r"\w+")
THRESHOLD = 0.6
PERMUTATIONS = 128
RUNS = 3


def shingles(text: str) -> list[str]:
    """Word 3-grams as the peers' users make them."""
    words = WORDS.findall(text.lower())
    return [" ".join(words[k : k + 3]) for k in range(max(len(words) - 2, 1))]


def ours(texts: list[str]) -> set[int]:
    """Rows in a pair of duplicates."""
    pairs = near_duplicate_pairs(texts).duplicates
    return set(pairs.left.tolist()) | set(pairs.right.tolist())


def ours_unguarded(texts: list[str]) -> set[int]:
    """Rows in a pair of alike texts, whatever their numbers are: the peers' question."""
    pairs = near_duplicate_pairs(texts)
    return set(pairs.left.tolist()) | set(pairs.right.tolist())


def rensa(texts: list[str]) -> set[int]:
    """Rows that the deduplicator refuses: the later side of each pair."""
    store = RMinHashDeduplicator(THRESHOLD, PERMUTATIONS, True, 32)
    taken = store.add_pairs([(str(number), shingles(text)) for number, text in enumerate(texts)])
    return {number for number, added in enumerate(taken) if not added}


def datasketch(texts: list[str]) -> set[int]:
    """Rows that share a bucket with an earlier one."""
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    flagged = set()
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([one.encode() for one in shingles(text)])
        met = index.query(signature)
        flagged |= {number, *met} if met else set()
        index.insert(number, signature)
    return flagged


def quality(flagged: set[int], planted: Planted, alike: dict[int, bool], truth: set[int]) -> dict[str, float]:
    """Recall of planted copies, and the share of flagged rows that have a duplicate by exact comparison."""
    wanted = [copy for copy, is_alike in alike.items() if is_alike]
    caught = [copy for copy in wanted if copy in flagged or planted.copies[copy] in flagged]
    return {
        "recall_of_planted": round(len(caught) / len(wanted), 4),
        "flagged_rows": len(flagged),
        "flagged_rows_with_a_duplicate": round(len(flagged & truth) / max(len(flagged), 1), 4),
    }


def main() -> None:
    """Medians of three runs in turns, ratios of CPU time, quality of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the development data")
    parser.add_argument("--rows", type=int, default=50_000)
    asked = parser.parse_args()
    planted = near_copies(asked.data, rows=asked.rows)
    tape = tape_of(planted.texts)
    copies = np.array(list(planted.copies.items()), dtype=np.int64)
    exact = exact_hashes(tape)
    same = exact[copies[:, 0]] == exact[copies[:, 1]]
    scores = jaccard(word_ngrams(tape, 3), copies[:, 0], copies[:, 1])
    alike = dict(zip(copies[:, 0].tolist(), ((scores >= THRESHOLD) | same).tolist(), strict=True))
    methods: dict[str, Callable[[list[str]], set[int]]] = {
        "headgate": ours,
        "headgate, numbers ignored": ours_unguarded,
        "rensa": rensa,
        "datasketch": datasketch,
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    flagged: dict[str, set[int]] = {}
    for _ in range(RUNS):
        for name, method in methods.items():
            wall, cpu = time.perf_counter(), time.process_time()
            flagged[name] = method(planted.texts)
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    # Every row of an exactly checked pair, found with four times as many bands as the default.
    truth = flagged["headgate, numbers ignored"] | {row for row, is_alike in alike.items() if is_alike}
    cpu_of = {name: statistics.median(cpu for _, cpu in runs) for name, runs in seconds.items()}
    wall_of = {name: statistics.median(wall for wall, _ in runs) for name, runs in seconds.items()}
    write(
        "near_duplicates",
        {
            "rows": len(planted.texts),
            "megabytes": round(sum(map(len, planted.texts)) / 1e6, 1),
            "planted": len(alike),
            "planted_alike": sum(alike.values()),
            "methods": {
                name: {
                    "cpu_seconds": round(cpu_of[name], 2),
                    "wall_seconds": round(wall_of[name], 2),
                    "cpu_over_ours": round(cpu_of[name] / cpu_of["headgate"], 2),
                    **quality(flagged[name], planted, alike, truth),
                }
                for name in methods
            },
        },
    )


if __name__ == "__main__":
    main()
