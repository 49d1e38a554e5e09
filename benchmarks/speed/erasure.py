"""Erasing a person from a ledger of many rows, and a byte search of every file afterwards.

    python benchmarks/speed/erasure.py [--rows 200000]

Rows hold sentences that the repository ships, with a number of their own, so that each row's words are nobody
else's. The search at the end is not headgate's: `grep` over every file, and over every blob of the database unpacked.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import orjson
import zstandard
from rows_50k import sentences
from timing import write

from headgate.kit.hashing import digest
from headgate.ledger.ledger import Ledger, RowRecord
from headgate.rights import erasure
from headgate.rights.reach import Target

PEOPLE, BATCH = 200, 10_000
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def fill(ledger: Ledger, count: int) -> list[str]:
    """Rows of 200 people; returns what the first of them said."""
    drawn, pool, source, said = random.Random(3), sentences(), ledger.record("source", "desk", {}), []
    for first in range(0, count, BATCH):
        batch = []
        for number in range(first, min(first + BATCH, count)):
            person, text = (
                f"person-{number % PEOPLE}",
                f"{drawn.choice(pool)} [{number} {drawn.random()}] {drawn.choice(pool)}",
            )
            body = orjson.dumps({"messages": [{"role": "user", "content": text}]})
            row = digest(number.to_bytes(8, "little"))
            batch.append(RowRecord(id=row, content_id=digest(body), body=body, source_id=source, subject=person))
            if person == "person-0":
                said.append(text[text.index("[") : text.index("]")])
        ledger.rows.append(batch)
    return said


def places(folder: Path, marks: list[str]) -> int:
    """How many of the marks stand in any file, raw, or in any blob, unpacked."""
    listed = folder.parent / "marks.txt"
    listed.write_text("\n".join(marks) + "\n")
    found = subprocess.run(
        ["grep", "-rohaF", "-f", str(listed), str(folder)], capture_output=True, text=True, check=False
    )
    seen = set(found.stdout.split("\n")) & set(marks)
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as table:
        for (blob,) in table.execute("select body from row_bodies"):
            text = zstandard.decompress(blob).decode()
            mark = text[text.index("[{") + 2 :]
            seen |= {mark[mark.index("[") : mark.index("]")]} & set(marks)
    return len(seen)


def main() -> None:
    """Seconds of filling, erasing and searching."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch, "project", ".headgate")
        store.mkdir(parents=True)
        with Ledger.open(store, create=True) as ledger:
            marks = fill(ledger, count)
        before = places(store, marks)
        started = time.perf_counter()
        with Ledger.open(store) as ledger:
            planned = erasure.plan(ledger, Target("subject", "person-0"))
            done = erasure.erase(ledger, planned, store=store, by="A. Vos", reason="case", now=NOW)
        seconds = time.perf_counter() - started
        after = places(store, marks)
    write(
        "erasure",
        {
            "rows": count,
            "rows_of_the_person": done.rows,
            "marks_found_before": before,
            "marks_found_after": after,
            "remaining_by_headgate": done.remaining,
            "seconds": round(seconds, 1),
            "megabytes_at_most": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        },
    )


if __name__ == "__main__":
    main()
