"""Planting: putting one failure into honest rows at a known strength, and knowing where it is.

A planter is a module with the stem of its rule, such as `benchmarks/planted/data/dat006_self_leak.py`.
It has one function `plant(rows, strength, seed)` and a `PLAN`. At strength 0 it plants nothing
and returns an honest input of the same shape: what the false-alarm rate is measured on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Inputs of a rule with one failure in them, and where the failure is."""

    rows: Sequence[Row]  # training rows
    strength: float  # as asked; 0: nothing was planted
    evaluation: Sequence[Row] | None = None  # evaluation items
    selected: Sequence[Row] | None = None  # what a curation kept of the rows
    inputs: Mapping[str, Any] = field(default_factory=dict)  # other inputs by name, such as "claims"
    options: Mapping[str, Any] = field(default_factory=dict)  # options of the rule that differ from the default
    truth: frozenset[str] = frozenset()  # ids of the rows that a finding should name; empty: the outcome alone counts

    def given(self) -> Given:
        """The inputs as a rule takes them."""
        corpora = {
            name: Corpus(rows, name)
            for name, rows in (
                ("training-rows", self.rows),
                ("evaluation-items", self.evaluation),
                ("selected-rows", self.selected),
            )
            if rows is not None
        }
        return Given({**corpora, **self.inputs})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The grid on which the power of a rule is measured."""

    unit: str  # what strength means, such as "share of evaluation items"
    strengths: tuple[float, ...]  # ascending, all above 0
    claimed: float  # strength at which the page claims detection; one of `strengths`
    sizes: tuple[int, ...]  # training rows, ascending
    smallest: int  # training rows from which on the claim holds; one of `sizes`
    sources: tuple[str, ...]  # names of clean data sets
    honest: tuple[str, ...] = ()  # further clean data sets, in which nothing can be planted: false alarms only
    seeds: int = 20  # plantings for each source, size and strength
    clean_seeds: int = 20  # honest draws for each source and size


class Planter(Protocol):
    """A module that plants one failure."""

    PLAN: Plan

    def plant(self, rows: Sequence[Row], strength: float, seed: int) -> Planted:
        """Plants the failure in copies of the rows; the same seed plants the same."""
        ...
