"""Measured power: how often a rule finds what was planted, and how often it cries wolf on honest data.

The figures stand beside the rule (`rules/data/dat006_self_leak.json`), written by `benchmarks/power.py`
and shipped with the package, so that every page shows them. Where `dat006_self_leak_fresh.json` stands beside them,
it has the same measured on data that no threshold was chosen on, and a stable rule reaches the bar there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import orjson

from headgate.rules.shape import Rule

DETECTION = 0.80  # share of plantings at the claimed strength that a stable rule finds
FALSE_ALARMS = 0.05  # share of honest data on which a stable rule may fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One share of the grid, with its interval."""

    source: str  # clean data set
    size: int  # training rows
    strength: float  # 0: honest data
    hits: int  # plantings found, or honest data failed
    of: int
    unsure: int  # of them answered with unsure
    share: float
    low: float  # 95 % Wilson interval
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The measured power of one rule."""

    unit: str  # of strength
    claimed: float  # strength at which detection is claimed
    smallest: int  # training rows from which on it is claimed
    detection: tuple[Figure, ...]
    false_alarms: tuple[Figure, ...]
    recall: float | None  # share of planted rows that findings named, at the claimed strength
    precision: float | None  # share of findings that were planted, there
    seconds: float  # median time of one verdict in the largest cell

    @property
    def at_claim(self) -> tuple[int, int]:
        """Plantings found and tried, at the claimed strength and from the smallest size on."""
        cells = [each for each in self.detection if each.strength == self.claimed and each.size >= self.smallest]
        return sum(each.hits for each in cells), sum(each.of for each in cells)

    @property
    def on_clean(self) -> tuple[int, int]:
        """Honest data failed and tried."""
        return sum(each.hits for each in self.false_alarms), sum(each.of for each in self.false_alarms)


def figures_of(rule: Rule) -> Figures | None:
    """The committed figures of a rule, or None when it was not measured."""
    body = _beside(rule, ".json")
    return None if body is None else from_json(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The power of one rule on data that nothing of it was chosen on."""

    chosen_on: str  # data that its thresholds were chosen on, in words
    read: str  # what reading the findings by hand showed; empty where nobody did
    figures: Figures


def fresh_of(rule: Rule) -> Fresh | None:
    """The committed figures of a rule on fresh data, or None when it was not measured there."""
    body = _beside(rule, "_fresh.json")
    return None if body is None else Fresh(chosen_on=body["chosen_on"], read=body["read"], figures=from_json(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A further measurement of a rule, as its page shows it."""

    title: str
    text: str  # what the cells are
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(rule: Rule) -> tuple[Table, ...]:
    """Further measurements beside a rule (`rules/data/dat006_self_leak_tables.json`); none where there is no file."""
    body = _beside(rule, "_tables.json")
    if body is None:
        return ()
    return tuple(
        Table(
            title=each["title"],
            text=each["text"],
            columns=tuple(each["columns"]),
            rows=tuple(tuple(cells) for cells in each["rows"]),
        )
        for each in body["tables"]
    )


def from_json(body: Mapping[str, Any]) -> Figures:
    """Figures from their JSON form."""
    return Figures(
        unit=body["unit"],
        claimed=body["claimed"],
        smallest=body["smallest"],
        detection=tuple(Figure(**each) for each in body["detection"]),
        false_alarms=tuple(Figure(**each) for each in body["false_alarms"]),
        recall=body["recall"],
        precision=body["precision"],
        seconds=body["seconds"],
    )


def shortfalls(figures: Figures | None) -> list[str]:
    """What keeps a rule from being stable; empty when it may be."""
    if figures is None:
        return ["no figures"]
    found, tried = figures.at_claim
    failed, honest = figures.on_clean
    out = []
    if not tried or found < DETECTION * tried:
        out.append(f"finds {found} of {tried} plantings at the claimed strength; {DETECTION:.0%} are needed")
    if not honest or failed > FALSE_ALARMS * honest:
        out.append(f"fails on {failed} of {honest} honest sets; {FALSE_ALARMS:.0%} are allowed")
    return out


def _beside(rule: Rule, ending: str) -> Mapping[str, Any] | None:
    package, _, stem = rule.module.rpartition(".")
    file = resources.files(package).joinpath(stem + ending) if package else None
    if file is None or not file.is_file():
        return None
    body: Mapping[str, Any] = orjson.loads(file.read_bytes())
    return body
