"""How much can be seen: smallest visible effects, and items still needed.

Formulas: minimum detectable effect (z_a + z_b) * SE; Connor (1987) for the number of pairs that a
McNemar test needs; the rule of three for zero failures.
"""

from __future__ import annotations

import math

from headgate.kit.errors import Refused
from headgate.stats.intervals import share_interval
from headgate.stats.quantiles import z_of, z_two_sided

ALPHA = 0.05
POWER = 0.8
MOST_ITEMS = 1 << 40  # beyond this a search for a sample size says "none"


def z_sum(*, alpha: float = ALPHA, power: float = POWER, sides: int = 2) -> float:
    """z of the test plus z of the power: 2.80 for 5 % two-sided and 80 %."""
    return z_of(1 - alpha / sides) + z_of(power)


def mde(se: float, *, alpha: float = ALPHA, power: float = POWER, sides: int = 2) -> float:
    """Minimum detectable effect of a difference with this standard error."""
    return z_sum(alpha=alpha, power=power, sides=sides) * se


def mde_paired(n: int, discordance: float, *, alpha: float = ALPHA, power: float = POWER, sides: int = 2) -> float:
    """Minimum detectable difference of two binary systems on n shared items.

    `discordance` is the share of items on which they differ; solves n = z^2 (discordance - e^2) / e^2 for e.
    """
    z = z_sum(alpha=alpha, power=power, sides=sides)
    return min(1.0, z * math.sqrt(discordance / (n + z * z)))


def items_needed(effect: float, variance: float, *, alpha: float = ALPHA, power: float = POWER, sides: int = 2) -> int:
    """Items needed to see a mean difference; `variance` is that of one item's difference.

    Raises:
        Refused: the effect is not above zero.
    """
    _must_be_positive(effect)
    return math.ceil(z_sum(alpha=alpha, power=power, sides=sides) ** 2 * variance / effect**2)


def items_needed_paired(effect: float, discordance: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Shared items needed to see a difference of two binary systems, two-sided (Connor 1987).

    Raises:
        Refused: the effect is not above zero, or larger than the discordance allows.
    """
    _must_be_positive(effect)
    if effect > discordance:
        raise Refused("no difference can exceed the share of items that differ", found=f"{effect} of {discordance}")
    reach = z_of(1 - alpha / 2) * math.sqrt(discordance) + z_of(power) * math.sqrt(discordance - effect**2)
    return math.ceil(round((reach / effect) ** 2, 6))


def items_needed_non_inferior(margin: float, variance: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Items needed to show that two equal systems differ by less than `margin`, one-sided.

    `variance` is that of one item's difference; for binary scores it is the discordance.
    """
    return items_needed(margin, variance, alpha=alpha, power=power, sides=1)


def zero_failures_bound(n: int, *, level: float = 0.95) -> float:
    """Largest rate that zero failures in n still allow: 1 - (1 - level)^(1/n), about 3/n at 95 %."""
    return 1.0 if n <= 0 else 1 - (1 - level) ** (1 / n)


def items_for_zero_failures(rate: float, *, level: float = 0.95) -> int:
    """Items that must all be free of failures to bound the rate.

    Raises:
        Refused: the rate is not between zero and one.
    """
    if not 0 < rate < 1:
        raise Refused("a rate must lie between zero and one", found=str(rate))
    return math.ceil(math.log(1 - level) / math.log(1 - rate))


def smallest_visible_share(n: int, threshold: float = 0.0, *, level: float = 0.95, power: float = POWER) -> float:
    """Smallest true share that n items tell from a threshold; at threshold zero, one hit suffices.

    Solves p - t = z_a sqrt(t(1-t)/n) + z_b sqrt(p(1-p)/n) for p, and never answers less than what
    would show up at all.
    """
    floor = zero_failures_bound(n, level=level)
    if n <= 0 or threshold >= 1:
        return 1.0
    if threshold <= 0:
        return floor
    z_a, z_b = z_two_sided(level), z_of(power)
    low, high = threshold, 1.0
    for _ in range(60):
        share = (low + high) / 2
        noise = z_a * math.sqrt(threshold * (1 - threshold) / n) + z_b * math.sqrt(share * (1 - share) / n)
        low, high = (share, high) if share - threshold < noise else (low, share)
    return max(high, floor)


def rows_to_settle(hits: int, of: int, threshold: float, *, level: float = 0.95) -> int | None:
    """Rows in all at which the present share would be told from the threshold; None where never.

    A share of zero or one settles by the rule of three, every other one by Wilson's interval.
    """
    share = hits / of if of else 0.0
    if share == threshold:
        return None

    def settled(n: int) -> bool:
        interval = share_interval(share * n, n, level)
        return interval.high <= threshold if share < threshold else interval.low > threshold

    high = max(1, of)
    while not settled(high):
        high *= 2
        if high > MOST_ITEMS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def _must_be_positive(effect: float) -> None:
    if effect <= 0:
        raise Refused("an effect to be seen must be above zero", found=str(effect))
