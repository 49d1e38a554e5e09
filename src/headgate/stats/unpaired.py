"""The difference of two shares that were counted on different items."""

from __future__ import annotations

import math
from collections.abc import Sequence

from headgate.stats.intervals import Interval, wilson
from headgate.stats.quantiles import z_two_sided


def share_difference(first: tuple[int, int], second: tuple[int, int], level: float = 0.95) -> Interval:
    """Second share minus first, each given as (hits, items), with Newcombe's interval from two Wilson intervals.

    Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
    """
    one, two = wilson(*first, level), wilson(*second, level)
    d = two.value - one.value
    low = d - math.hypot(two.value - two.low, one.high - one.value)
    high = d + math.hypot(two.high - two.value, one.value - one.low)
    return Interval(d, max(-1.0, low), min(1.0, high))


def above_times(first: tuple[int, int], second: tuple[int, int], times: float, level: float = 0.95) -> Interval:
    """Second share minus `times` the first, each given as (hits, items), from the ends of two Wilson intervals.

    The method of variance estimates recovery: Zou and Donner 2008, "Construction of confidence limits about effect
    measures: a general approach". With `times` 1 it is Newcombe's.
    """
    one, two = wilson(*first, level), wilson(*second, level)
    d = two.value - times * one.value
    low = d - math.hypot(two.value - two.low, times * (one.high - one.value))
    high = d + math.hypot(two.high - two.value, times * (one.value - one.low))
    return Interval(d, max(-times, low), min(1.0, high))


def effect_difference(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> Interval:
    """Second mean minus first of two groups of differences, with a normal interval (standard errors added in squares).

    A group of one has no standard error: then the interval is the whole range of a difference of shares' differences.
    """
    one, two = _mean(first), _mean(second)
    d = two[0] - one[0]
    if min(len(first), len(second)) < 2:
        return Interval(d, -2.0, 2.0)
    reach = z_two_sided(level) * math.hypot(one[1], two[1])
    return Interval(d, max(-2.0, d - reach), min(2.0, d + reach))


def _mean(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error."""
    n = len(values)
    mean = sum(values) / n if n else 0.0
    spread = sum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else 0.0
    return mean, math.sqrt(spread / n) if n else 0.0
