"""Instructions or models that were chosen by their scores on evaluation items.

## What it checks
The history of looks at evaluation items: whether instructions were changed and then scored again on the same items,
and how many candidates were scored on them.

## Why it matters
Whoever changes a prompt until the score goes up has trained on the items with his own hands. No row and no prompt
holds a word of them, and the score still tells of these items only. The best of twenty equally good candidates looks
better than each of them is.

## How it is measured
The input `looks` has one entry for each time that a candidate was scored: when, which candidate, on which pool, under
which instructions. It comes from the ledger, from an access log of sealed pools, or from a file. A look that does not
name its instructions had those of the input `instructions` that were in use at its time. Pools that share a name or
an item are one pool. A pool was chosen on when two versions of the instructions or more than `budget` candidates were
scored on it. The measure is the share of such pools, with a 95 % Wilson interval; all are looked at, and by default
none may be. `details` says for each pool how many looks there were, whether the last candidate has the best score
that was shown, and by how much the best of as many equally good candidates is overrated at most (`overrated`: the
standard error of the difference of two such candidates times the root of 2 ln k; `differs` is its standard deviation
by item).

## When it cannot tell
It knows the looks that were recorded. Scores that somebody wrote on paper are not there. Where a pool was looked at
more than once, and some look has no instructions and none were in use at its time, the verdict is unsure. Without
any look the rule is skipped.

## What to do
Tune instructions on the development pool. Bring fresh items to the pool that was chosen on, and read its scores as
development scores.

## References
Blum and Hardt 2015, "The Ladder: a reliable leaderboard for machine learning competitions". Dwork and
others 2015, "The reusable holdout: preserving validity in adaptive data analysis", Science 349.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headgate.rules.given import Given
from headgate.rules.instructions import INSTRUCTIONS, Instructions, in_force, versions_of
from headgate.rules.looks import LOOKS, Look, by_pool, looks_of
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import FINDINGS_SHOWN, Finding, Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of chosen-on-items."""

    tolerated: float = 0.0  # share of pools, 0..1, that may have been chosen on
    budget: int = 20  # candidates that may be scored on one pool
    differs: float = 0.28  # standard deviation, by item, of the difference of two equally good candidates


@dataclass(frozen=True, slots=True)
class _Pool:
    looks: tuple[Look, ...]  # by time
    told: tuple[str, ...]  # instructions of each look; empty: unknown

    @property
    def versions(self) -> list[str]:
        return list(dict.fromkeys(filter(None, self.told)))

    @property
    def candidates(self) -> list[str]:
        return list(dict.fromkeys(look.candidate for look in self.looks))


@rule(
    "DAT017",
    failure="self-leak",
    needs=(LOOKS,),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
)
def chosen_on_items(given: Given, options: Options) -> Verdict:
    """Counts what was scored on the same items."""
    versions = versions_of(given.get(INSTRUCTIONS))
    pools = [
        _Pool(tuple(looks), tuple(_told(look, versions) for look in looks))
        for looks in by_pool(looks_of(given.get(LOOKS)))
    ]
    if not pools:
        return chosen_on_items.skipped("not given: any look at evaluation items")
    findings = [finding for pool in pools for finding in _findings(pool, options)]
    chosen = [pool for pool in pools if _chosen_on(pool, options)]
    details = {
        "looks": sum(len(pool.looks) for pool in pools),
        "pools": [_described(pool, options) for pool in pools[:FINDINGS_SHOWN]],
    }
    verdict = judge_share(
        len(chosen),
        len(pools),
        name="pools that were chosen on",
        at_most=options.tolerated,
        zero_tolerance=options.tolerated == 0.0,
        summary=_summary(chosen, len(pools), options),
        findings=findings,
        next_step="bring fresh items; those that were chosen on may go to the dev pool" if chosen else "",
        details=details,
    )
    silent = sum(not told for pool in pools if len(pool.looks) > 1 for told in pool.told)
    if silent and verdict.outcome is Outcome.PASS:
        return cannot_tell(
            summary="it is not known under which instructions items were looked at",
            reason=f"{silent:,} looks name no instructions, and none are known for their time",
            next_step='--instructions FILE with lines such as {"at": "2026-11-21", "text": "..."}',
            details=details,
        )
    return verdict


def _told(look: Look, versions: Sequence[Instructions]) -> str:
    if look.instructions:
        known = {one.digest for one in versions}
        return look.instructions if look.instructions in known else Instructions(text=look.instructions).digest
    found = in_force(versions, look.at)
    return found.digest if found else ""


def _chosen_on(pool: _Pool, options: Options) -> bool:
    return len(pool.versions) > 1 or len(pool.candidates) > options.budget


def _findings(pool: _Pool, options: Options) -> list[Finding]:
    """One for each change of the instructions between two looks, and one for the candidate that breaks the budget."""
    found, name, seen = [], pool.looks[0].suite, set[str]()
    for place, (look, told) in enumerate(zip(pool.looks, pool.told, strict=True)):
        if told and seen and told not in seen:
            before = f"after {place} look{'s' * (place > 1)} at {name}"
            message = f"instructions were changed {before} and scored on the same items again on {look.at:%Y-%m-%d}"
            found.append(Finding(message=message, remedy="review"))
        seen |= {told} - {""}
    if (count := len(pool.candidates)) > options.budget:
        message = f"{count:,} candidates were scored on {name}, {options.budget:,} are allowed"
        found.append(Finding(message=message, remedy="review"))
    return found


def _described(pool: _Pool, options: Options) -> dict[str, Any]:
    shown = [look for look in pool.looks if look.score is not None]
    items = len(frozenset().union(*(look.items for look in pool.looks)))
    tried = len(set(zip((look.candidate for look in pool.looks), pool.told, strict=True)))
    best = max((look.score or 0.0 for look in shown), default=None)
    return {
        "suite": pool.looks[0].suite,
        "looks": len(pool.looks),
        "candidates": len(pool.candidates),
        "instructions": len(pool.versions),
        "without_instructions": sum(not told for told in pool.told),
        "last_is_best": best is not None and len(shown) > 1 and shown[-1].score == best,
        "overrated": round(options.differs * math.sqrt(2 * math.log(tried) / items), 4) if items else None,
    }


def _summary(chosen: Sequence[_Pool], pools: int, options: Options) -> str:
    if not chosen:
        return f"on none of {pools:,} pools of evaluation items was anything chosen"
    tuned = sum(len(pool.versions) > 1 for pool in chosen)
    worn = sum(len(pool.candidates) > options.budget for pool in chosen)
    told = [f"{tuned:,} with several versions of the instructions"] if tuned else []
    told += [f"{worn:,} with more than {options.budget:,} candidates"] if worn else []
    return f"{len(chosen):,} of {pools:,} pools of evaluation items were chosen on: {', '.join(told)}"
