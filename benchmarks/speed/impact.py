"""From a person to every model made from their rows: against brute force, and beside what a user would do today.

    python benchmarks/speed/impact.py                 both parts, about 15 minutes and 6 GB of disk
    python benchmarks/speed/impact.py --rows 100000 --versions 100

First a ledger of a million rows about 200 people, with paraphrases of paraphrases and merges of several rows, three
dataset versions, adapters and a merged one: every answer must be the one of a walk over plain dictionaries. Then
1,000 versions of up to a million rows in a space of ten million rows, each made from an earlier one and about a
person with 17 of them; each version was trained on, and its adapter deployed. One person and 300 people are asked
about from end to end. Peers, for the versions that hold a thousand rows: a membership table in SQLite, and one
Parquet file of row numbers for each version, scanned by polars. A table of a billion memberships would take tens of
gigabytes: the peers hold `--peer-versions` of them, and their time is scaled up.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap
from rows_50k import sentences
from sqlalchemy import insert, select
from timing import write

from headgate.kit.hashing import digest
from headgate.ledger import schema
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.ledger.versions import packed
from headgate.rights.reach import Target, reach

PEOPLE, BATCH, ASKED = 200, 10_000, 20
SPACE, LARGEST = 10_000_000, 1_000_000
OF_EACH = 17  # rows of a person in the large space, as METHODS has them


def records(count: int, source: str) -> Iterator[tuple[RowRecord, list[int]]]:
    """Rows with the numbers of those they were made from: people's, nobody's, paraphrases, and merges."""
    drawn, pool, ids = random.Random(3), sentences(), list[str]()
    for number in range(1, count + 1):
        kind, parents, subject = drawn.random(), list[int](), None
        if kind < 0.4:
            few = drawn.random() < 0.001  # half of the people have a few rows, the others thousands
            subject = f"person-{drawn.randrange(PEOPLE // 2) + (PEOPLE // 2 if few else 0)}"
        elif kind >= 0.7 and number > 10:
            parents = drawn.sample(range(1, number), 1 if kind < 0.98 else drawn.randint(2, 3))
        row_id = digest(number.to_bytes(8, "little"))
        ids.append(row_id)
        body = f"{drawn.choice(pool)} {number}".encode()
        made = tuple(ids[parent - 1] for parent in parents)
        record = RowRecord(
            id=row_id, content_id=digest(body), body=body, source_id=source, subject=subject, parents=made
        )
        yield record, parents


def fill(ledger: Ledger, count: int) -> tuple[dict[int, list[int]], dict[str, set[int]], dict[str, BitMap]]:
    """The ledger; children of each row, rows of each person, and rows of each version."""
    source, drawn = ledger.record("source", "desk", {}), np.random.default_rng(4)
    children, people = defaultdict[int, list[int]](list), defaultdict[str, set[int]](set)
    batch: list[RowRecord] = []
    for number, (record, parents) in enumerate(records(count, source), 1):
        for parent in parents:
            children[parent].append(number)
        if record.subject:
            people[record.subject].add(number)
        batch.append(record)
        if len(batch) == BATCH or number == count:
            ledger.rows.append(batch)
            batch = []
    versions = {}
    adapters = []
    for place in range(3):
        # Neighbours together, as data sets grow; so many people are in one version and not in another.
        chosen = np.flatnonzero(drawn.random(count // 100) < 0.02) * 100
        numbers = BitMap(int(start) + step for start in chosen for step in range(1, 101) if int(start) + step <= count)
        name = ledger.versions.freeze(f"set-{place}", numbers=numbers, splits={"train": numbers}, manifest={})
        versions[name] = numbers
        run = ledger.record("run", f"run-{place}", {}, edges=[Edge("trained-on", ledger.versions.get(name).node_id)])
        adapters.append(ledger.record("adapter", f"adapter-{place}", {}, edges=[Edge("derived-from", run)]))
    merged = ledger.record("adapter", "merged", {}, edges=[Edge("derived-from", one) for one in adapters[:2]])
    ledger.record("release", "release", {}, edges=[Edge("derived-from", merged)])
    return children, people, versions


def by_hand(own: set[int], children: dict[int, list[int]], versions: dict[str, BitMap]) -> tuple[set[int], set[str]]:
    """Rows and names by a walk over dictionaries."""
    seen, front = set(own), list(own)
    while front:
        front = [child for row in front for child in children.get(row, ()) if child not in seen]
        seen.update(front)
    names = set()
    for place, (name, numbers) in enumerate(versions.items()):
        if any(row in numbers for row in seen):
            names |= {name, f"run-{place}", f"adapter-{place}"} | ({"merged", "release"} if place < 2 else set())
    return seen, names


def graph(folder: Path, count: int) -> dict[str, Any]:
    """Every person by both ways, and the seconds of ours."""
    with Ledger.open(folder, create=True) as ledger:
        started = time.perf_counter()
        children, people, versions = fill(ledger, count)
        filled = time.perf_counter() - started
    cold, warm, wrong = [], [], 0
    for person in list(people)[:5]:
        started = time.perf_counter()
        with Ledger.open(folder) as ledger:
            reach(ledger, Target("subject", person))
        cold.append(time.perf_counter() - started)
    reached = []
    with Ledger.open(folder) as ledger:
        for person, own in people.items():
            started = time.perf_counter()
            found = reach(ledger, Target("subject", person))
            warm.append(time.perf_counter() - started)
            rows, names = by_hand(own, children, versions)
            told = {one.name for one in found.versions} | {node.name for node in found.nodes}
            wrong += (set(found.rows), told, set(found.own)) != (rows, names, own)
            reached.append(len(names))
    return {
        "rows": count,
        "people": len(people),
        "answers_unlike_brute_force": wrong,
        "reached_least_most": [min(reached), max(reached)],
        "seconds": {
            "filling": round(filled, 1),
            "one person, ledger just opened": round(statistics.median(cold), 3),
            "one person": round(statistics.median(warm), 3),
            "slowest person": round(max(warm), 3),
        },
    }


def sets(versions: int) -> Iterator[np.ndarray[Any, Any]]:
    """Row numbers of each version: a stretch of the space, most of its rows, ascending."""
    drawn = np.random.default_rng(5)
    for _ in range(versions):
        size = int(drawn.integers(LARGEST // 10, LARGEST))
        first = int(drawn.integers(1, SPACE - LARGEST))
        kept = np.flatnonzero(drawn.random(LARGEST) < size / LARGEST)
        yield first + kept


def timed(ask: Callable[[], Any], runs: int = 5) -> tuple[float, Any]:
    """Median seconds, and the last answer."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), answer


def fill_space(folder: Path, source: int) -> None:
    """Ten million rows without words, straight into the tables; each but the first is made from an earlier one.

    Addresses ascend and indexes are made at the end, which only spares the time of filling.
    """
    drawn, step = np.random.default_rng(7), 500_000
    ids = np.empty(SPACE, dtype="S32")
    ids.view(np.uint8).reshape(SPACE, 32)[:, 8:] = np.frombuffer(drawn.bytes(24 * SPACE), np.uint8).reshape(SPACE, 24)
    ids.view(">u8").reshape(SPACE, 4)[:, 0] = np.sort(drawn.integers(1 << 56, 1 << 63, SPACE))
    held = ids.tobytes()
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as table:
        table.execute("pragma synchronous = off")
        table.execute("pragma cache_size = -2000000")
        tables = "('rows', 'row_parents')"
        found = f"select name, sql from sqlite_master where type = 'index' and sql is not null and tbl_name in {tables}"
        indexes = table.execute(found).fetchall()
        for name, _ in indexes:
            table.execute(f"drop index {name}")
        for start in range(0, SPACE, step):
            numbers = range(start + 1, start + step + 1)
            people = drawn.integers(0, SPACE // OF_EACH, step).tolist()
            above = (drawn.random(step) * np.maximum(np.arange(start, start + step), 1)).astype(np.int64).tolist()
            named = [held[32 * one - 32 : 32 * one] for one in numbers]
            rows = zip(numbers, named, named, named, (f"person-{one}" for one in people), strict=True)
            table.executemany(f"insert into rows values (?, ?, ?, ?, 1, {source}, ?)", rows)
            made = ((number, held[32 * one : 32 * one + 32]) for number, one in zip(numbers, above, strict=True))
            table.executemany("insert into row_parents values (?, ?)", made)
            table.commit()
        for _, statement in indexes:
            table.execute(statement)
        table.commit()


def end_to_end(folder: Path) -> dict[str, Any]:
    """A person, and 300 people, through rows, versions, runs and adapters to deployments."""
    drawn, cold, warm, sizes = random.Random(8), [], [], []
    people = [f"person-{drawn.randrange(SPACE // OF_EACH)}" for _ in range(300)]
    for person in people[:5]:
        started = time.perf_counter()
        with Ledger.open(folder) as ledger:
            reach(ledger, Target("subject", person))
        cold.append(time.perf_counter() - started)
    with Ledger.open(folder) as ledger:
        for person in people[:ASKED]:
            started = time.perf_counter()
            found = reach(ledger, Target("subject", person))
            warm.append(time.perf_counter() - started)
            sizes.append([len(found.own), len(found.derived), len(found.versions), len(found.of("deployment"))])
        own = BitMap.union(*(ledger.rows.numbers_of_subject(person) for person in people))
        together, _ = timed(lambda: ledger.impact_of_rows(own))
    return {
        "median_own_rows_derived_versions_deployments": [statistics.median(one) for one in zip(*sizes, strict=True)],
        "seconds": {
            "one person, ledger just opened": round(statistics.median(cold), 3),
            "one person": round(statistics.median(warm), 3),
            "slowest person": round(max(warm), 3),
            "300 people at once": round(together, 3),
        },
    }


def many_versions(folder: Path, versions: int, peers: int) -> dict[str, Any]:
    """Which versions hold any of a thousand rows, ours and the peers'."""
    asked = np.sort(np.random.default_rng(6).choice(SPACE, 1000, replace=False)).astype(np.int64)
    with Ledger.open(folder, create=True) as ledger:
        source = ledger.node(ledger.record("source", "space", {})).seq
    fill_space(folder, source)
    with Ledger.open(folder, create=True) as ledger, ledger._begin() as writing:
        for place, numbers in enumerate(sets(versions)):
            node = ledger.record("dataset-version", f"set@{place + 1}", {"rows": len(numbers)})
            run = ledger.record("run", f"run-{place}", {}, edges=[Edge("trained-on", node)])
            adapter = ledger.record("adapter", f"adapter-{place}", {}, edges=[Edge("derived-from", run)])
            ledger.record("deployment", f"served-{place}", {}, edges=[Edge("derived-from", adapter)])
            seq = writing.connection.execute(select(schema.nodes.c.seq).where(schema.nodes.c.id == node)).scalar_one()
            row = {"seq": seq, "name": "set", "number": place + 1, "manifest_digest": digest(b"%d" % place)}
            writing.connection.execute(insert(schema.versions), row | {"numbers": packed(BitMap(numbers))})
    wanted = BitMap(asked.tolist())
    started = time.perf_counter()
    with Ledger.open(folder) as ledger:
        ledger.versions.nodes_holding(wanted)
    cold = time.perf_counter() - started
    whole = end_to_end(folder)
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as table:
        packed_bytes = table.execute("select sum(length(numbers)) from versions").fetchone()[0]
    with Ledger.open(folder) as ledger:
        ours, found = timed(lambda: ledger.versions.nodes_holding(wanted))
        known = {ledger.versions.get(f"set@{place + 1}").node_id for place in range(peers)} & set(found)
    with closing(sqlite3.connect(folder / "peer.sqlite")) as table:
        table.execute("create table member (row integer, version integer, primary key (row, version)) without rowid")
        table.execute("create table asked (row integer primary key)")
        table.executemany("insert into asked values (?)", [(int(one),) for one in asked])
        for place, numbers in enumerate(sets(versions)):
            if place < peers:
                table.executemany("insert into member values (?, ?)", ((int(one), place) for one in numbers))
                pl.DataFrame({"row": numbers}).write_parquet(folder / f"{place}.parquet")
        table.commit()
        # A cross join keeps the order: by the key of the thousand, not over all memberships.
        query = "select distinct version from asked cross join member using (row)"
        joined, rows = timed(lambda: table.execute(query).fetchall())
        size = (folder / "peer.sqlite").stat().st_size
    wanted_frame = pl.DataFrame({"row": asked}).lazy()

    def scanned() -> list[int]:
        return [
            place
            for place in range(peers)
            if pl.scan_parquet(folder / f"{place}.parquet")
            .join(wanted_frame, on="row", how="semi")
            .head(1)
            .collect()
            .height
        ]

    scan, there = timed(scanned, runs=3)
    return {
        "versions": versions,
        "space": SPACE,
        "asked_rows": len(asked),
        "versions_of_the_peers": peers,
        "same_versions_found": len(rows) == len(there) == len(known),
        "end_to_end": whole,
        "megabytes": {
            "ours, all versions": round(packed_bytes / 1e6),
            "sqlite join, its versions": round(size / 1e6),
            "parquet, its versions": round(sum(one.stat().st_size for one in folder.glob("*.parquet")) / 1e6),
        },
        "seconds": {
            "ours, ledger just opened": round(cold, 3),
            "ours": round(ours, 4),
            "sqlite join, its versions": round(joined, 4),
            "parquet scan, its versions": round(scan, 3),
        },
        # The time of a join grows with memberships that are found, that of a scan with versions.
        "over_ours_scaled_to_all_versions": {
            "sqlite join": round(joined * versions / peers / ours, 1),
            "parquet scan": round(scan * versions / peers / ours, 1),
        },
    }


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--versions", type=int, default=1_000)
    parser.add_argument("--peer-versions", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        found = {"graph": graph(Path(one), asked.rows)}
        found["many_versions"] = many_versions(Path(two), asked.versions, asked.peer_versions)
    write("impact", found)


if __name__ == "__main__":
    main()
