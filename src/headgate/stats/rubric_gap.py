"""Whether a model learned its rubric instead of its task: gap, exploitation, and which criteria gained.

The gap at a checkpoint is G = (T - T0) / s_T - (E - E0) / s_E: the gain under the rubric that trained, less the gain
under one that did not, each in baseline deviations. The exploitation rate is the weighted share of credited criteria
that a panel of other families rejects; its rise over the baseline is what counts. Intervals resample prompts, with
everything about a prompt together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from headgate.kit.errors import Refused
from headgate.stats.intervals import Interval, finite_vector
from headgate.stats.multiplicity import holm
from headgate.stats.paired import PairedComparison, compare_paired
from headgate.stats.votes import Floats

DRAWS = 2_000
FLOOR = 1e-9  # deviation below which a rubric gives everybody the same score


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The rubric-overfit gap, in baseline deviations."""

    gap: Interval
    trained: float  # gain under the rubric that trained, in its deviations
    held_out: float  # gain under the other
    n: int


def overfit_gap(
    train_before: ArrayLike, train_after: ArrayLike, eval_before: ArrayLike, eval_after: ArrayLike, *, seed: int = 0
) -> Gap:
    """The gap with its interval; four scores for each prompt, in one order.

    Raises:
        Refused: lists of different length, fewer than two prompts, or a baseline without any spread.
    """
    names = (
        "training rubric, before",
        "training rubric, after",
        "evaluation rubric, before",
        "evaluation rubric, after",
    )
    given = (train_before, train_after, eval_before, eval_after)
    parts = [finite_vector(values, name) for name, values in zip(names, given, strict=True)]
    n = len(parts[0])
    if any(len(part) != n for part in parts) or n < 2:
        raise Refused(
            "a gap needs four scores for each of two prompts or more", found=", ".join(str(len(p)) for p in parts)
        )
    for name, part in ((names[0], parts[0]), (names[2], parts[2])):
        if float(part.std(ddof=1)) < FLOOR:
            raise Refused("scores without any spread cannot be held against each other", found=name)
    table = np.stack(parts)
    drawn = np.random.default_rng(seed).integers(0, n, size=(DRAWS, n))
    resampled = _gap(table[:, drawn])
    low, high = np.quantile(resampled[np.isfinite(resampled)], (0.025, 0.975))
    sample = table[:, None, :]
    value = float(_gap(sample)[0])
    gains = _gains(sample)
    return Gap(
        gap=Interval(value, min(float(low), value), max(float(high), value)),
        trained=float(gains[0][0]),
        held_out=float(gains[1][0]),
        n=n,
    )


def _gains(table: Floats) -> tuple[Floats, Floats]:
    """Gains under both rubrics for each draw; the table is (4, draws, prompts)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (table[1] - table[0]).mean(axis=1) / table[0].std(axis=1, ddof=1)
        second = (table[3] - table[2]).mean(axis=1) / table[2].std(axis=1, ddof=1)
    return first, second


def _gap(table: Floats) -> Floats:
    first, second = _gains(table)
    out: Floats = first - second
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploitation:
    """How much of what the training judge credits a panel rejects."""

    newly: Interval  # weighted share rejected of what is credited after and was not before
    after: float  # weighted share rejected of all that is credited after
    before: float  # the same before: the panel's own disagreement
    rise: Interval  # `after` less `before`
    credited: int  # newly credited criteria
    prompts: int


def exploitation(
    prompts: Sequence[str],
    credited_before: ArrayLike,
    credited_after: ArrayLike,
    rejected_before: ArrayLike,
    rejected_after: ArrayLike,
    weights: ArrayLike,
    *,
    seed: int = 0,
) -> Exploitation | None:
    """One entry for each prompt and criterion; None where nothing is newly credited.

    The rise is over all that is credited: what is newly credited lies near the border, where two judges differ most
    often even if nothing was learned, so that its share alone would accuse everybody.
    """
    before, after = (np.asarray(one, dtype=bool) for one in (credited_before, credited_after))
    no_before, no_after = (np.asarray(one, dtype=np.float64) for one in (rejected_before, rejected_after))
    weight = finite_vector(weights, "weights")
    new = after & ~before
    if not new.any():
        return None
    names, numbers = np.unique(np.asarray(prompts), return_inverse=True)
    parts = (new * no_after, new, after * no_after, after, before * no_before, before)
    sums = np.stack([np.bincount(numbers, weights=weight * part, minlength=len(names)) for part in parts])
    drawn = np.random.default_rng(seed).integers(0, len(names), size=(DRAWS, len(names)))
    totals, whole = sums[:, drawn].sum(axis=2), sums.sum(axis=1)
    newly, now, usual = (_share(totals[i], totals[i + 1]) for i in (0, 2, 4))
    values = [float(_share(whole[i], whole[i + 1])) for i in (0, 2, 4)]
    return Exploitation(
        newly=_around(values[0], newly),
        after=values[1],
        before=values[2],
        rise=_around(values[1] - values[2], now - usual),
        credited=int(new.sum()),
        prompts=len(np.unique(numbers[new])),
    )


def _share(top: ArrayLike, below: ArrayLike) -> Floats:
    a, b = np.asarray(top, dtype=np.float64), np.asarray(below, dtype=np.float64)
    out: Floats = np.divide(a, b, out=np.zeros_like(a), where=b > 0)
    return out


def _around(value: float, drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, min(float(low), value), max(float(high), value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What one criterion gained between two models, on the same prompts."""

    criterion: str
    compared: PairedComparison
    p: float  # two-sided, corrected by Holm

    @property
    def direction(self) -> int:
        """1 where it gained, -1 where it fell, 0 where that is not shown."""
        if self.p > 0.05:
            return 0
        return 1 if self.compared.d > 0 else -1


def gains(before: Mapping[str, ArrayLike], after: Mapping[str, ArrayLike]) -> list[Gain]:
    """The gain of each criterion, largest first; scores from 0 to 1."""
    compared = {name: compare_paired(before[name], after[name]) for name in before if name in after}
    corrected = holm([one.p for one in compared.values()])
    found = [
        Gain(criterion=name, compared=one, p=p) for (name, one), p in zip(compared.items(), corrected, strict=True)
    ]
    return sorted(found, key=lambda one: -one.compared.d)
