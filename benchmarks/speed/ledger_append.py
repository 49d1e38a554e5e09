"""Append, scan, random read and erasure in the ledger, beside plain sqlite3 without compression or chain.

    python benchmarks/speed/ledger_append.py [--rows N] [--data FILE.jsonl[.gz]]

Both sides commit to disk (write-ahead log, synchronous=FULL, secure_delete). The text is what the repository
ships, several sentences a row; `--data` takes the lines of another file, repeated as often as needed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from rows_50k import sentences
from timing import write

from headgate.kit.hashing import canonical_json, digest
from headgate.ledger.ledger import Ledger, RowRecord

BATCH = 10_000
SMALL = 100
PEOPLE = 1_000
RUNS = 3
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "temp_store=MEMORY")


def rows(count: int, data: Path | None) -> list[tuple[str, str, bytes, str]]:
    """Address, content address, body and subject of chat rows."""
    rng = random.Random(5)
    if data is None:
        pool = sentences()
    else:
        opened = gzip.open if data.suffix == ".gz" else open
        with opened(data, "rt", encoding="utf-8") as stream:
            pool = stream.read().splitlines()
    made = []
    for number in range(count):
        turns = (
            [" ".join(rng.choices(pool, k=2)), " ".join(rng.choices(pool, k=3))]
            if data is None
            else [pool[number % len(pool)], str(number)]
        )
        content = {
            "kind": "demonstration",
            "messages": [{"role": "user", "content": turns[0]}, {"role": "assistant", "content": turns[1]}],
        }
        subject = f"person-{rng.randrange(PEOPLE)}"
        body = content | {"side": {"subject": subject, "id": str(number)}}
        made.append((digest(canonical_json(body)), digest(canonical_json(content)), canonical_json(body), subject))
    return made


class Ours:
    """The ledger."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.open(folder, create=True)
        self.source = self.ledger.record("source", "benchmark", {})

    def append(self, batch: list[tuple[str, str, bytes, str]]) -> None:
        self.ledger.rows.append(
            [RowRecord(id=i, content_id=c, body=b, source_id=self.source, subject=s) for i, c, b, s in batch]
        )

    def read(self, numbers: list[int]) -> int:
        return sum(len(body) for _, _, body in self.ledger.rows.bodies(numbers))

    def subject(self, key: str) -> int:
        return self.read(list(self.ledger.rows.numbers_of_subject(key)))

    def erase(self, key: str) -> None:
        self.ledger.rows.erase(self.ledger.rows.numbers_of_subject(key))

    def close(self) -> None:
        self.ledger.close()


class Plain:
    """One table, text as it is, the same promises about the disk."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
        for pragma in PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}").fetchall()
        self.connection.execute(
            "CREATE TABLE rows (number INTEGER PRIMARY KEY, id BLOB UNIQUE, content_id BLOB, body BLOB, subject TEXT)"
        )
        self.connection.execute("CREATE INDEX by_content ON rows (content_id)")
        self.connection.execute("CREATE INDEX by_subject ON rows (subject)")

    def append(self, batch: list[tuple[str, str, bytes, str]]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        packed = [(bytes.fromhex(i[3:]), bytes.fromhex(c[3:]), b, s) for i, c, b, s in batch]
        self.connection.executemany(
            "INSERT OR IGNORE INTO rows (id, content_id, body, subject) VALUES (?, ?, ?, ?)", packed
        )
        self.connection.execute("COMMIT")

    def read(self, numbers: list[int]) -> int:
        total = 0
        for start in range(0, len(numbers), 500):
            part = numbers[start : start + 500]
            marks = ",".join("?" * len(part))
            found = self.connection.execute(f"SELECT number, id, body FROM rows WHERE number IN ({marks})", part)
            total += sum(len(body) for _, _, body in found)
        return total

    def subject(self, key: str) -> int:
        found = self.connection.execute("SELECT body FROM rows WHERE subject = ?", (key,))
        return sum(len(body) for (body,) in found)

    def erase(self, key: str) -> None:
        self.connection.execute("UPDATE rows SET body = NULL WHERE subject = ?", (key,))
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        self.connection.close()


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measured(side: Ours | Plain, made: list[tuple[str, str, bytes, str]], folder: Path) -> Iterator[tuple[str, float]]:
    """Every figure of one side, in order."""
    bulk = made[: -SMALL * 50]
    rest = made[len(bulk) :]
    yield "bulk append, s", timed(lambda: [side.append(bulk[i : i + BATCH]) for i in range(0, len(bulk), BATCH)])
    each = [timed(lambda at=at: side.append(rest[at : at + SMALL])) for at in range(0, len(rest), SMALL)]
    yield f"append of {SMALL} rows, ms (median)", statistics.median(each) * 1e3
    yield "full scan, s", timed(lambda: side.read(list(range(1, len(made) + 1))))
    picked = random.Random(1).sample(range(1, len(made) + 1), min(10_000, len(made)))
    yield "10,000 random rows, s", timed(lambda: side.read(picked))
    people = [f"person-{i}" for i in range(40)]
    yield "one person's rows, ms (median)", statistics.median(timed(lambda p=p: side.subject(p)) for p in people) * 1e3
    yield "erasing one person, ms (median)", statistics.median(timed(lambda p=p: side.erase(p)) for p in people) * 1e3
    yield "disk, MB", sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def main() -> None:
    """Medians of three runs in turns, and ours over plain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    made = rows(given.rows, given.data)
    seen: dict[str, dict[str, list[float]]] = {"headgate": {}, "plain sqlite3": {}}
    for _ in range(RUNS):
        for name, opened in (("headgate", Ours), ("plain sqlite3", Plain)):
            with tempfile.TemporaryDirectory() as scratch, closing(opened(Path(scratch))) as side:
                for figure, value in measured(side, made, Path(scratch)):
                    seen[name].setdefault(figure, []).append(value)
    medians = {name: {figure: statistics.median(v) for figure, v in one.items()} for name, one in seen.items()}
    ours, plain = medians["headgate"], medians["plain sqlite3"]
    write(
        "ledger_append",
        {
            "rows": given.rows,
            "text": "shipped" if given.data is None else given.data.name,
            "megabytes": round(sum(len(body) for _, _, body, _ in made) / 1e6, 1),
            "runs": RUNS,
            **{name: {figure: round(v, 3) for figure, v in one.items()} for name, one in medians.items()},
            "headgate over plain": {figure: round(ours[figure] / plain[figure], 2) for figure in ours},
            "rows a second, headgate": round((given.rows - SMALL * 50) / ours["bulk append, s"]),
        },
    )
    print(json.dumps({figure: round(ours[figure] / plain[figure], 2) for figure in ours}))


if __name__ == "__main__":
    main()
