"""What one comparison of averages hides: a slice that lost, and a decline so slow that no two neighbours differ."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import orjson

from headgate.evaluate.comparing import SCORED, Arm, Limits, coverage_doubt, named, scores
from headgate.ledger.ledger import Ledger
from headgate.stats.judging import judge_interval
from headgate.stats.paired import compare_paired
from headgate.stats.slices import judge_slices
from headgate.stats.trends import level_shift, trend_over_versions
from headgate.stats.verdict import Level, Measure, Verdict

WORST_SLICE, DECLINE = "worst-slice", "slow-decline"
FAILURE = "continuous-contamination"
LEAST_ITEMS = 20  # of a slice; fewer say nothing about it
LEAST_VERSIONS = 3  # candidates, this one counted; a slope through two is their difference


def judge_worst_slice(reference: Arm, candidate: Arm, limits: Limits, margin: float) -> Verdict | None:
    """Whether some slice of the items lost more than a margin; None where no slice has items enough.

    A share of slices may gain so much that the average hides it.
    """
    if coverage_doubt([reference, candidate], limits):
        return None
    kept = [
        item
        for item, before, after in zip(candidate.items, reference.scored, candidate.scored, strict=True)
        if before.mark in SCORED and after.mark in SCORED
    ]
    (before, after), clusters = scores([reference, candidate])
    places: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(kept):
        for key, value in item.slices.items():
            places[f"{key}={value}"].append(place)
    compared = {}
    for name, inside in sorted(places.items()):
        own = [clusters[place] for place in inside]
        if LEAST_ITEMS <= len(inside) < len(kept):
            labels = own if len(set(own)) < len(own) else None
            compared[name] = compare_paired(before[inside], after[inside], clusters=labels)
    if not compared:
        return None
    about = {"suite": candidate.suite, "pool": candidate.pool, "reference": reference.name, "margin": margin}
    title = f"{candidate.suite}, {candidate.pool}: candidate against {reference.name}, "
    step = "add rows of that slice, or items where it is in doubt, then: headgate run"
    verdict = judge_slices(compared, margin=margin, summary=title, next_step=step, details=about)
    return named(verdict, WORST_SLICE, FAILURE, Level.WARN)


def judge_decline(ledger: Ledger, candidate: Arm, margin: float) -> Verdict | None:
    """Whether candidates fell from one to the next on the same items; None with fewer than three of them.

    Each may be within the noise of the one before it and the last far below the first.
    """
    known: dict[str, dict[str, str]] = {}
    for node in ledger.find("score", f"{candidate.suite}/{candidate.pool}/candidate"):
        address = node.body.get("outcomes", "")
        if address and ledger.content.has(address) and node.body["model"] != candidate.model:
            known.pop(str(node.body["model"]), None)  # asked again, it stands where it was asked last
            known[str(node.body["model"])] = orjson.loads(ledger.content.get(address))
    own = {item.id: one.mark.value for item, one in zip(candidate.items, candidate.scored, strict=True)}
    versions = [*known.values(), own]
    wanted = {mark.value for mark in SCORED}
    shared = [item for item in candidate.items if all(one.get(item.id) in wanted for one in versions)]
    if len(versions) < LEAST_VERSIONS or len(shared) < LEAST_ITEMS:
        return None
    table = np.array([[one[item.id] == "pass" for item in shared] for one in versions], dtype=np.float64)
    groups = np.unique([one.cluster for one in shared], return_inverse=True)[1]
    found = trend_over_versions(table, clusters=groups)
    steps = found.versions - 1
    measure = Measure(
        name="change from first to last",
        value=found.total,
        low=found.low * steps,
        high=found.high * steps,
        unit="share",
        n=found.clusters,
        smallest_visible=2.8 * found.se * steps,
    )
    rates = [float(one) for one in table.mean(axis=1)]
    summary = (
        f"{candidate.suite}, {candidate.pool}: {found.slope * 100:+.2f} points a candidate over {found.versions}, "
        f"{rates[0]:.1%} to {rates[-1]:.1%} on {found.n:,} items"
    )
    shift = level_shift(table, clusters=groups)
    about: dict[str, Any] = {
        "suite": candidate.suite,
        "pool": candidate.pool,
        "shift": {"after": shift.after, "change": shift.change, "p": shift.p},
        "accuracies": rates,
        "p": found.p_falling,
    }
    step = "compare with the first of them, not with the last: headgate evaluate"
    verdict = judge_interval(measure, summary=summary, at_least=-margin, next_step=step, details=about)
    return named(verdict, DECLINE, FAILURE, Level.WARN)
