"""Measures the power of rules on planted failures and honest data, and writes the figures beside the rule.

    python benchmarks/power.py --data FOLDER [--fresh] [RULE ...]

FOLDER holds the development data (see `clean/loading.py`). For each rule with a planter in
`planted/<shelf>/<stem>.py` it runs a grid of source x size x strength x seed, and honest draws.
A planting counts as found when the verdict fails and, where the planter knows the rows, a finding
names at least one of them. With `--fresh`, planters are those of `fresh/<shelf>/<stem>.py`, on data that no threshold
was chosen on, and the figures go into `<stem>_fresh.json`; nothing may be chosen by them afterwards.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from clean.fresh import LOADERS as FRESH
from clean.grounded import LOADERS as GROUNDED
from clean.loading import LOADERS as ROWS
from clean.panels import LOADERS as PANELS
from headgate.kit.files import atomic_write
from headgate.rows.row import Row
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.options import read_options
from headgate.rules.power import Figure, from_json, shortfalls
from headgate.rules.selection import select
from headgate.rules.shape import Rule
from headgate.stats.intervals import wilson
from headgate.stats.verdict import Outcome, Verdict
from headgate.testing.planting import Planted, Planter

LOADERS = {**ROWS, **PANELS, **GROUNDED, **FRESH}
HERE = Path(__file__).parent
FOUND_TO_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


@dataclass
class Tally:
    """Counts of one cell of the grid."""

    hits: int = 0
    tried: int = 0
    unsure: int = 0
    named: int = 0  # planted rows that findings named
    planted: int = 0
    pointed: int = 0  # rows that findings named
    seconds: list[float] = field(default_factory=list)

    def figure(self, source: str, size: int, strength: float) -> Figure:
        interval = wilson(self.hits, self.tried)
        share, low, high = (round(value, 4) for value in (interval.value, interval.low, interval.high))
        return Figure(
            source=source,
            size=size,
            strength=strength,
            hits=self.hits,
            of=self.tried,
            unsure=self.unsure,
            share=share,
            low=low,
            high=high,
        )


def planter_of(rule: Rule, folder: str = "planted") -> Planter | None:
    """The planter of a rule, loaded from its file."""
    path = HERE / folder / rule.shelf / f"{rule.stem}.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"{folder}_{rule.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module  # type: ignore[return-value]


def measured(rule: Rule, planter: Planter, data: Path) -> dict[str, Any]:
    """The figures of one rule, as JSON."""
    plan = planter.PLAN
    detection, clean, at_claim = [], [], Tally()
    for source in (*plan.sources, *plan.honest):
        rows = _loaded(source, data)
        for size in plan.sizes:
            if size > len(rows):
                continue
            for strength in plan.strengths if source in plan.sources else ():
                tally = _cell(rule, planter, rows, size, strength, range(plan.seeds))
                detection.append(tally.figure(source, size, strength))
                if strength == plan.claimed and size >= plan.smallest:
                    _add(at_claim, tally)
            clean.append(_cell(rule, planter, rows, size, 0.0, range(plan.clean_seeds)).figure(source, size, 0.0))
            print(f"  {source} {size}: clean {clean[-1].hits}/{clean[-1].of}", file=sys.stderr)
    return {
        "rule": rule.name,
        "code": rule.code,
        "unit": plan.unit,
        "claimed": plan.claimed,
        "smallest": plan.smallest,
        "recall": round(at_claim.named / at_claim.planted, 4) if at_claim.planted else None,
        "precision": round(at_claim.named / at_claim.pointed, 4) if at_claim.pointed and at_claim.planted else None,
        "seconds": round(statistics.median(at_claim.seconds), 4) if at_claim.seconds else 0.0,
        "detection": [asdict(each) for each in detection],
        "false_alarms": [asdict(each) for each in clean],
    }


def _cell(rule: Rule, planter: Planter, rows: Sequence[Row], size: int, strength: float, seeds: range) -> Tally:
    tally = Tally()
    for seed in seeds:
        drawn = random.Random(f"{size}/{seed}").sample(list(rows), size)
        planted = planter.plant(drawn, strength, seed)
        options = read_options(rule, planted.options)
        given = planted.given()
        started = time.perf_counter()
        verdict = rule.judge(given, options)
        tally.seconds.append(time.perf_counter() - started)
        _count(tally, planted, verdict)
    return tally


def _count(tally: Tally, planted: Planted, verdict: Verdict) -> None:
    pointed = {row for each in verdict.findings for row in (each.row, each.other_row) if row}
    named = pointed & planted.truth
    failed = verdict.outcome is Outcome.FAIL
    tally.tried += 1
    tally.unsure += verdict.outcome is Outcome.UNSURE
    tally.hits += failed and (bool(named) or not planted.truth)
    tally.named += len(named)
    tally.planted += len(planted.truth)
    tally.pointed += len({each.row for each in verdict.findings if each.row})


def _add(total: Tally, cell: Tally) -> None:
    for name in ("hits", "tried", "unsure", "named", "planted", "pointed"):
        setattr(total, name, getattr(total, name) + getattr(cell, name))
    total.seconds = cell.seconds  # of the largest cell


@lru_cache(maxsize=1)
def _loaded(source: str, data: Path) -> list[Row]:
    return LOADERS[source](data)


def report(figures: dict[str, Any]) -> str:
    """One line for the terminal."""
    read = from_json(figures)
    (found, tried), (failed, honest) = read.at_claim, read.on_clean
    missing = "; ".join(shortfalls(read)) or "may be stable"
    name = f"{figures['rule']} ({figures['code']})"
    return f"{name}: {found}/{tried} found at {read.claimed:g}, {failed}/{honest} false alarms: {missing}"


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rules", nargs="*", default=["all"], help="names, codes or shelves")
    parser.add_argument("--data", type=Path, required=True, help="folder of the development data")
    parser.add_argument("--fresh", action="store_true", help="on data that no threshold was chosen on")
    asked = parser.parse_args(list(arguments) if arguments is not None else None)
    folder, ending = ("fresh", "_fresh.json") if asked.fresh else ("planted", ".json")
    for rule in select(asked.rules, CATALOGUE, plugins=()):
        planter = planter_of(rule, folder)
        if planter is None:
            print(f"{rule.name}: no planter")
            continue
        figures = measured(rule, planter, asked.data)
        if asked.fresh:
            figures = {"chosen_on": planter.CHOSEN, "read": planter.READ, **figures}  # type: ignore[attr-defined]
        target = Path(sys.modules[rule.module].__file__ or "").with_name(f"{rule.stem}{ending}")
        with atomic_write(target) as stream:
            stream.write(orjson.dumps(figures, option=FOUND_TO_JSON))
        print(report(figures))


if __name__ == "__main__":
    main()
