"""Scores on clean items, on dirty items and on all: what a leak was worth.

Dirty is an item that a training row matches by any definition of the firewall. Training rows cannot
match an item that was protected before they were frozen, unless it was retired since; but an item may
come later than the rows, and a version may be older than a suite.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyroaring import BitMap

from headgate.evaluate.comparing import SCORED, Arm, named
from headgate.evaluate.scorers import Mark
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rules.firewall import admit, trained_rows
from headgate.stats.intervals import wilson
from headgate.stats.judging import judge_count, judge_interval
from headgate.stats.ladder import bits_of, default_step
from headgate.stats.paired import compare_paired
from headgate.stats.unpaired import effect_difference, share_difference
from headgate.stats.verdict import Level, Measure, Outcome, Verdict

RULE = "dirty-items"
FAILURE = "continuous-contamination"
CLEAN, DIRTY, ALL = "clean", "dirty", "all"


@dataclass(frozen=True, slots=True)
class Dirt:
    """Items that training rows match, each with the definitions by which they do."""

    dataset: str
    rows: int  # training rows that were held against the items
    items: Mapping[str, tuple[str, ...]]  # content id -> definitions


def dirt(ledger: Ledger, context: StageContext, *, quiet: bool = True) -> Dirt | None:
    """Holds the rows that the candidate was trained on against every protected item; None where they are not known."""
    dataset = context.outputs.get("curate", {}).get("dataset")
    if not dataset:
        return None
    rows = _trained(ledger, dataset, context.outputs.get("train", {}).get("run"))
    admit(ledger, rows, quiet=quiet)
    found: dict[str, set[str]] = {}
    for match in ledger.protection.matches(rows):
        found.setdefault(match.item, set()).update(match.definitions)
    return Dirt(dataset, len(rows), {item: tuple(sorted(how)) for item, how in found.items()})


def judge_dirt(arms: Mapping[str, Arm], dirty: Dirt | None) -> Verdict:
    """The verdict on one pool: how many items are dirty, and whether the candidate gains more on them."""
    arm = arms["candidate"]
    title = f"{arm.suite}, {arm.pool}"
    about = {"suite": arm.suite, "pool": arm.pool}
    if dirty is None:
        return _unknown(title, about)
    mine = {item.id for item in arm.items} & set(dirty.items)
    how = dict(Counter(name for item in sorted(mine) for name in dirty.items[item]).most_common())
    details: dict[str, Any] = about | {"dataset": dirty.dataset, "dirty_by_definition": how}
    details |= {"items": len(arm.items), "dirty_items": len(mine)}
    if arm.pool != "sealed":
        details |= {"scores": {name: _table(one, mine) for name, one in arms.items()}, "gains": _gains(arms, mine)}
    elif mine:
        details["scores"] = {"candidate": _coarse(arm, mine)}
    return named(_judged(arms, mine, title, details), RULE, FAILURE, Level.WARN)


def bits_told(verdict: Verdict) -> float:
    """What a verdict on a sealed pool gives away: two ends on a grid for three groups; nothing where all is clean."""
    n, dirty = verdict.details.get("items", 0), verdict.details.get("dirty_items", 0)
    return bits_of((1 / default_step(n) + 2) ** 6) if dirty else 0.0


def _judged(arms: Mapping[str, Arm], mine: set[str], title: str, details: Mapping[str, Any]) -> Verdict:
    arm = arms["candidate"]
    total, rows = len(arm.items), f"the training rows of {details['dataset']}"
    if not mine:
        return judge_count(
            0,
            name="dirty items",
            summary=f"{title}: none of {total:,} items is copied or resembled in {rows}",
            unit="items",
            looked_at=total,
            at_most=0,
            details=details,
        )
    step = "curate again: rows that match items are refused, then train and evaluate"
    if arm.pool == "sealed" or "base" not in arms:
        summary = f"{title}: {len(mine):,} of {total:,} items are copied or resembled in {rows}"
        return judge_count(
            len(mine), name="dirty items", summary=summary, unit="items", looked_at=total, at_most=0, next_step=step,
            details=details,
        )  # fmt: skip
    clean, dirty = (_differences(arms["base"], arm, mine, wanted) for wanted in (False, True))
    effect = effect_difference(clean, dirty)
    measure = Measure(
        name="gain on dirty items above the gain on clean ones", value=effect.value, low=effect.low, high=effect.high,
        unit="share", n=len(dirty), smallest_visible=round((effect.high - effect.low) / 2, 4),
    )  # fmt: skip
    summary = (
        f"{title}: {len(mine):,} of {total:,} items are copied or resembled in {rows}; {_spoken(_table(arm, mine))}"
    )
    return judge_interval(measure, summary=summary, at_most=0.0, next_step=step, details=details)


def _table(arm: Arm, mine: set[str]) -> dict[str, Any]:
    """Score with its interval and n of each group, and the difference dirty minus clean."""
    counts = {name: _count(arm, mine, name) for name in (CLEAN, DIRTY, ALL)}
    out: dict[str, Any] = {}
    for name, (passed, n) in counts.items():
        interval = wilson(passed, n)
        out[name] = {"n": n, "value": interval.value, "low": interval.low, "high": interval.high} if n else {"n": 0}
    if counts[CLEAN][1] and counts[DIRTY][1]:
        d = share_difference(counts[CLEAN], counts[DIRTY])
        out["dirty_minus_clean"] = {"value": d.value, "low": d.low, "high": d.high}
    return out


def _gains(arms: Mapping[str, Arm], mine: set[str]) -> dict[str, Any]:
    """What the candidate gained over each reference on the same items, group by group, as paired differences."""
    out: dict[str, Any] = {}
    for name, arm in arms.items():
        if name == "candidate":
            continue
        for group, wanted in {CLEAN: (False,), DIRTY: (True,), ALL: (False, True)}.items():
            pairs = [pair for one in wanted for pair in _pairs(arm, arms["candidate"], mine, one)]
            told: dict[str, Any] = {"n": len(pairs)}
            if len(pairs) > 1:
                compared = compare_paired(np.array([one for one, _ in pairs]), np.array([two for _, two in pairs]))
                told |= {"value": compared.d, "low": compared.low, "high": compared.high}
            out.setdefault(name, {})[group] = told
    return out


def _differences(reference: Arm, candidate: Arm, mine: set[str], wanted: bool) -> list[float]:
    return [two - one for one, two in _pairs(reference, candidate, mine, wanted)]


def _pairs(reference: Arm, candidate: Arm, mine: set[str], wanted: bool) -> list[tuple[float, float]]:
    """Scores of both on the items that both have one for, of those that are dirty or of the others."""
    together = zip(candidate.items, reference.scored, candidate.scored, strict=True)
    return [
        (float(one.mark is Mark.PASS), float(two.mark is Mark.PASS))
        for item, one, two in together
        if (item.id in mine) is wanted and one.mark in SCORED and two.mark in SCORED
    ]


def _count(arm: Arm, mine: set[str], group: str) -> tuple[int, int]:
    marks = [
        one.mark
        for item, one in zip(arm.items, arm.scored, strict=True)
        if one.mark in SCORED and (group == ALL or (item.id in mine) is (group == DIRTY))
    ]
    return sum(mark is Mark.PASS for mark in marks), len(marks)


def _coarse(arm: Arm, mine: set[str]) -> dict[str, Any]:
    """Of a sealed pool only intervals, their ends rounded outwards to a grid of 1/sqrt(n)."""
    step = default_step(len(arm.items))
    out: dict[str, Any] = {"step": step}
    for name in (CLEAN, DIRTY, ALL):
        passed, n = _count(arm, mine, name)
        interval = wilson(passed, n)
        low, high = math.floor(interval.low / step) * step, min(1.0, math.ceil(interval.high / step) * step)
        out[name] = {"n": n, "low": low, "high": high}
    return out


def _spoken(table: Mapping[str, Any]) -> str:
    parts = [
        f"{table[name]['value']:.0%} on {table[name]['n']:,} {name}" for name in (CLEAN, DIRTY) if table[name]["n"]
    ]
    d = table.get("dirty_minus_clean")
    told = f", {d['value'] * 100:+.0f} points ({d['low'] * 100:+.0f} to {d['high'] * 100:+.0f})" if d else ""
    return ", ".join(parts) + told


def _trained(ledger: Ledger, dataset: str, run: str | None) -> BitMap:
    """Rows of the split that the run says it read; without a run, of the split that there is to train on."""
    split = ledger.node(run).body.get("plan", {}).get("data", {}).get("split") if run else None
    version = ledger.versions.get(dataset)
    return version.splits[split] if split and split in version.splits else trained_rows(ledger, dataset)


def _unknown(title: str, about: Mapping[str, Any]) -> Verdict:
    return Verdict(
        rule=RULE,
        code="",
        failure=FAILURE,
        outcome=Outcome.SKIPPED,
        level=Level.WARN,
        summary=f"{title}: clean and dirty items are not told apart",
        reason="not given: the rows that the candidate was trained on",
        details=about,
    )


def pools_judged(arms: Mapping[str, Mapping[str, Arm]], dirty: Dirt | None) -> Sequence[Verdict]:
    """One verdict for each pool with a candidate that is not sealed; sealed pools answer through their look."""
    return [judge_dirt(arms[pool], dirty) for pool in ("dev", "gate") if "candidate" in arms.get(pool, {})]
