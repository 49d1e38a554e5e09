"""How long the terms of 50,000 rows from 20 sources take: the rule, and the verb as a person runs it.

    python benchmarks/speed/terms.py

Real support questions (BANKING77, from the support example), a third of the rows with a licence of their own, a tenth
written by a model. Writes benchmarks/speed/results/terms.json; medians of five, in seconds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows_50k import sentences
from timing import write

from headgate.kit.clock import now
from headgate.ledger.ledger import Ledger, RowRecord
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rows.stored import stored_rows
from headgate.rules.claimed import claims_about
from headgate.rules.given import Corpus, Given
from headgate.rules.selection import find

SOURCES, RUNS = 20, 5


def rows(count: int) -> list[Row]:
    """Rows of all sources, in turn."""
    pool = sentences()
    out = []
    for number in range(count):
        turns = (Message("user", f"{pool[number % len(pool)]} {number}"), Message("assistant", f"Topic {number % 77}."))
        side = Side(
            source=f"source-{number % SOURCES}",
            licence=("MIT", None, None)[number % 3],
            generator="model" if number % 10 == 0 else None,
        )
        out.append(Row(kind=Kind.DEMONSTRATION, messages=turns, side=side))
    return out


def fill(folder: Path, count: int) -> None:
    """A ledger with a version of all rows, and claims about sources and teacher."""
    with Ledger.open(folder, create=True) as ledger:
        nodes = {f"source-{n}": ledger.record("source", f"source-{n}", {}) for n in range(SOURCES)}
        for name in nodes:
            ledger.claims.assert_(f"source:{name}", "licence", "Apache-2.0", source="page", observed_at=now())
        ledger.claims.assert_("teacher:model", "provider-policy", "yes", source="page", observed_at=now())
        records = [
            RowRecord(
                id=row.id,
                content_id=row.content_id,
                body=to_bytes(row),
                source_id=nodes[str(row.side.source)],
                subject=None,
            )
            for row in rows(count)
        ]
        numbers = ledger.rows.append(records).numbers
        ledger.versions.freeze("all", numbers=numbers, splits={"train": numbers}, manifest={})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        fill(folder, count)
        command = [sys.executable, "-m", "headgate", "rights", "terms", "all", "--ledger", made, "--use", "commercial"]
        verb, rule = [], []
        with Ledger.open(folder) as ledger:
            held = [row for _, row in stored_rows(ledger, ledger.versions.get("all").numbers)]
            claims, asked = claims_about(ledger, held, now()), find("conflicting-terms")
        for _ in range(RUNS):
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            verb.append(time.perf_counter() - started)
            given = Given({"training-rows": Corpus(held), "claims": claims})
            started = time.perf_counter()
            asked.judge(given, asked.options(use="commercial"))
            rule.append(time.perf_counter() - started)
    found = {
        "rows": count,
        "sources": SOURCES,
        "rights terms, whole process": round(statistics.median(verb), 2),
        "conflicting-terms, rows in memory": round(statistics.median(rule), 3),
    }
    write("terms", found)


if __name__ == "__main__":
    main()
