"""What a team writes by hand: near-duplicates with a MinHash library, leaks with 8-word Python sets."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def texts(path: str) -> list[str]:
    """User turns of a chat file."""
    with Path(path).open(encoding="utf-8") as stream:
        return [json.loads(line)["messages"][0]["content"] for line in stream]


def shingles(text: str, size: int) -> set[str]:
    """Word n-grams of a text."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}


def near_duplicates(library: str, rows: list[str]) -> int:
    """Number of rows that the library calls a copy of an earlier one."""
    if library == "rensa":
        from rensa import RMinHashDeduplicator

        dedup = RMinHashDeduplicator(0.6, 128, True, 32)
        added = dedup.add_pairs([(str(i), list(shingles(text, 3))) for i, text in enumerate(rows)])
        return len(rows) - sum(added)
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.6, num_perm=128)
    copies = 0
    for i, text in enumerate(rows):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([one.encode() for one in shingles(text, 3)])
        copies += bool(index.query(sketch))
        index.insert(str(i), sketch)
    return copies


def leaks(rows: list[str], items: list[str]) -> int:
    """Number of rows that share an 8-word run with an item."""
    known = set().union(*(shingles(item, 8) for item in items))
    return sum(not known.isdisjoint(shingles(text, 8)) for text in rows)


if __name__ == "__main__":
    library, train, test = sys.argv[1:]
    rows = texts(train)
    print(near_duplicates(library, rows), "copies;", leaks(rows, texts(test)), "leaks")
