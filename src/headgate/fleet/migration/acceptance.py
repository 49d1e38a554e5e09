"""Acceptance: the new stack does what the old one did, on the task, on each slice and on safety.

Two one-sided tests on paired scores. "Not worse" is not enough and "no difference found" is no proof: both sides of
the margin must be excluded, or the answer is unsure and says how many items would tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headgate.evaluate.pools import Item
from headgate.evaluate.suites import Suite
from headgate.fleet.composition.matrix import Asking, Scores, Skill
from headgate.kit.errors import Refused
from headgate.kit.progress import Advance, silent
from headgate.stats.claims import corrected, judge_difference
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Level, Outcome, Verdict

MARGIN = 0.02
POOL = "gate"
LEAST = 10  # items of a slice below which it is not spoken of
FAILURE = "adapter-compatibility-cliff"


@dataclass(frozen=True, slots=True)
class Stack:
    """A base, with an adapter or without."""

    base: Path
    adapter: Path | None = None


def scores_of(stack: Stack, suites: Sequence[Suite], max_tokens: int, advance: Advance = silent) -> dict[str, Scores]:
    """Scores of a stack on every suite."""
    asking = Asking(f"local:{stack.base}", None, max_tokens, advance)
    return asking.scores(stack.adapter, [Skill(name=one.name, suite=one, adapter="") for one in suites], POOL)


def accepted(
    suites: Sequence[Suite], before: Mapping[str, Scores], after: Mapping[str, Scores], margin: float = MARGIN
) -> list[Verdict]:
    """One verdict for each suite, corrected over all of them, and one for each slice that is large enough to speak of.

    A suite decides. A slice that fails decides too: what one group of users loses is a loss; one that cannot tell
    only warns, because slices are small.

    Raises:
        Refused: a suite without items.
    """
    whole, slices = [], []
    for suite in suites:
        items = suite.pools[POOL]
        if not items:
            raise Refused("a suite without items", found=suite.name)
        whole.append(_claim(suite.name, items, before[suite.name], after[suite.name], range(len(items)), margin))
        slices += [
            _claim(f"{suite.name}, {name}", items, before[suite.name], after[suite.name], numbers, margin)
            for name, numbers in _slices(items).items()
        ]
    return [replace(one, rule="migration-equivalence", failure=FAILURE) for one in corrected(whole)] + [
        replace(one, rule="migration-slice", failure=FAILURE, level=_level(one)) for one in slices
    ]


def _level(one: Verdict) -> Level:
    return Level.BLOCK if one.outcome is Outcome.FAIL else Level.WARN


def _claim(
    name: str, items: Sequence[Item], before: Scores, after: Scores, numbers: Sequence[int], margin: float
) -> Verdict:
    compared = compare_paired(
        [before.values[n] for n in numbers], [after.values[n] for n in numbers],
        clusters=[items[n].cluster for n in numbers],
    )  # fmt: skip
    told = f"{name}: {compared.reference:.1%} before, {compared.candidate:.1%} after, on {compared.n:,} items"
    return judge_difference(
        compared, kind="equivalence", margin=margin, name="change", summary=told, details={"suite": name},
        next_step="another road, or retire the adapter",
    )  # fmt: skip


def _slices(items: Sequence[Item]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for n, item in enumerate(items):
        for key, value in item.slices.items():
            found[f"{key} {value}"].append(n)
    return {name: numbers for name, numbers in sorted(found.items()) if len(numbers) >= LEAST}
