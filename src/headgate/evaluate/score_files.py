"""Files of scores: what one system got on each item, from wherever they come.

One line an answer: `item`, `score`, and where known `cluster` and `label`. Several lines of one item are several
answers to it. A line without a score is an answer that could not be scored: it is counted and never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headgate.kit.errors import Refused
from headgate.rows.detection import container_of
from headgate.rows.reading import MAX_LINE_BYTES
from headgate.rows.records import Problem, records
from headgate.stats.intervals import Floats

WORDS = {"true": 1.0, "false": 0.0, "pass": 1.0, "fail": 0.0}
WANTED = '{"item": "17", "score": 1}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Under which names the lines hold what is needed."""

    item: str = "item"
    score: str = "score"
    cluster: str = "cluster"
    label: str = "label"


@dataclass(slots=True)
class Scores:
    """What one system got."""

    name: str
    answers: dict[str, list[float]] = field(default_factory=dict)  # of each item that was scored, in order
    clusters: dict[str, str] = field(default_factory=dict)
    labels: dict[str, bool] = field(default_factory=dict)  # what a person says, where one was asked
    unscored: int = 0  # answers without a score
    items: set[str] = field(default_factory=set)  # scored or not

    @property
    def coverage(self) -> float:
        """Share of items with a score."""
        return len(self.answers) / len(self.items)

    @property
    def repeated(self) -> bool:
        """Whether some item has several answers."""
        return any(len(some) > 1 for some in self.answers.values())

    def means(self, items: list[str]) -> Floats:
        """The mean score of each item."""
        return np.array([float(np.mean(self.answers[one])) for one in items])

    def groups(self, items: list[str]) -> list[str] | None:
        """The cluster of each item; None where each is its own."""
        found = [self.clusters.get(one, one) for one in items]
        return found if len(set(found)) < len(found) else None


def read_scores(path: Path, columns: Columns) -> Scores:
    """Reads a file of JSON lines, CSV or Parquet.

    Raises:
        Refused: a line without an item, a score that is no number, or an item in two clusters; with file and line.
    """
    out = Scores(path.stem)
    for line, body in records(path, *container_of(path), MAX_LINE_BYTES):
        if isinstance(body, Problem):
            raise Refused(body.what, file=str(path), line=line, found=body.found or None)
        try:
            _add(out, dict(body), columns)
        except Refused as error:
            error.file, error.line = str(path), line
            raise
    if not out.answers:
        raise Refused("no scores", file=str(path), found=f"{len(out.items):,} items", wanted=WANTED)
    return out


def _add(out: Scores, body: Mapping[str, Any], columns: Columns) -> None:
    item = body.get(columns.item)
    if item is None or isinstance(item, bool | list | dict) or not str(item).strip():
        found = ", ".join(map(str, body))[:120]
        raise Refused(f"a line without {columns.item}", found=found, wanted=WANTED, next_step="--columns item=...")
    if columns.score not in body:
        found = ", ".join(map(str, body))[:120]
        raise Refused(f"a line without {columns.score}", found=found, wanted=WANTED, next_step="--columns score=...")
    name, value = str(item), _number(body[columns.score], columns.score)
    group = body.get(columns.cluster)
    if group not in (None, "") and out.clusters.setdefault(name, str(group)) != str(group):
        raise Refused("an item in two clusters", found=f"{name}: {out.clusters[name]} and {group}")
    label = _number(body.get(columns.label), columns.label)
    if label is not None:
        if label not in (0, 1):
            raise Refused(f"{columns.label} is no label", found=repr(body[columns.label]), wanted="1, 0 or nothing")
        out.labels[name] = bool(label)
    out.items.add(name)
    if value is None:
        out.unscored += 1
    else:
        out.answers.setdefault(name, []).append(value)


def _number(value: Any, name: str) -> float | None:
    if value is None or value == "":
        return None
    text = str(value).strip().lower()
    try:
        found = WORDS[text] if text in WORDS else float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise Refused(f"{name} is no number", found=repr(value)[:80], wanted="a number, true or false; empty: unscored")
    return found
