"""A ledger from rows about people to what is deployed, with rows made from rows and adapters merged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.kit.hashing import digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class World:
    """The ledger and what is in it, by name."""

    ledger: Ledger
    numbers: dict[str, int] = field(default_factory=dict)  # of rows
    ids: dict[str, str] = field(default_factory=dict)  # of rows and nodes

    def add(self, name: str, source: str, subject: str | None = None, *, words: str = "", parents: str = "") -> None:
        """One row; `words` where it says what another row says, `parents` are names of rows."""
        row_id = digest(f"{name} of {subject}".encode())
        made = tuple(self.ids[one] for one in parents.split())
        record = RowRecord(
            id=row_id,
            content_id=digest((words or name).encode()),
            body=(words or name).encode(),
            source_id=self.ids[source],
            subject=subject,
            parents=made,
        )
        self.numbers[name] = next(iter(self.ledger.rows.append([record]).numbers))
        self.ids[name] = row_id

    def freeze(self, dataset: str, train: str, held: str = "") -> str:
        """A version of the named rows; returns its name."""
        splits = {"train": BitMap(self.numbers[one] for one in train.split())}
        if held:
            splits["held"] = BitMap(self.numbers[one] for one in held.split())
        every = BitMap.union(BitMap(), *splits.values())
        name = self.ledger.versions.freeze(dataset, numbers=every, splits=splits, manifest={})
        self.ids[name] = self.ledger.versions.get(name).node_id
        return name

    def record(self, kind: str, name: str, *edges: tuple[str, str], **body: object) -> None:
        """A node with edges to named ones."""
        linked = [Edge(label, self.ids[one]) for label, one in edges]
        self.ids[name] = self.ledger.record(kind, name, body, edges=linked)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Ann's words went, paraphrased twice, into an adapter that was merged and released; Bob's did not."""
    with Ledger.open(tmp_path, create=True, clock=lambda: NOW) as ledger:
        made = World(ledger)
        for source in ("desk", "forum", "synthetic"):
            made.record("source", source)
        made.add("ann-1", "desk", "ann")
        made.add("ann-2", "desk", "ann", words="the same words")
        made.add("bob-1", "desk", "bob", words="the same words")
        made.add("bob-2", "forum", "bob")
        made.add("paraphrase", "synthetic", parents="ann-1")
        made.add("paraphrase of it", "synthetic", parents="paraphrase")
        made.add("of both", "synthetic", parents="ann-2 bob-2")
        made.add("of bob", "synthetic", parents="bob-2")
        made.freeze("support", "bob-1 bob-2", "ann-2")
        grand = made.numbers["paraphrase of it"]
        ledger.versions.freeze(
            "support",
            numbers=BitMap([grand, made.numbers["bob-1"]]),
            splits={"train": BitMap([grand, made.numbers["bob-1"]])},
            manifest={},
        )
        made.ids["support@2"] = ledger.versions.get("support@2").node_id
        made.freeze("other", "bob-1 bob-2")
        for dataset in ("support@2", "other@1"):
            made.record("run", f"run of {dataset}", ("trained-on", dataset))
            made.record("adapter", f"adapter of {dataset}", ("derived-from", f"run of {dataset}"))
        made.record(
            "adapter", "merged", ("derived-from", "adapter of support@2"), ("derived-from", "adapter of other@1")
        )
        for adapter in ("merged", "adapter of other@1"):
            made.record("release", f"release of {adapter}", ("derived-from", adapter))
        made.record(
            "deployment",
            "production",
            ("served-as", "release of merged"),
            alias="production",
            release="release of merged",
            before="",
            how="release",
            number=1,
            at="2026-11-20T00:00:00Z",
        )
        yield made
