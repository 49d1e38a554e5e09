"""Quantiles and tails of the normal, t and binomial distributions.

The normal ones come from the standard library, so that a share can be judged without loading SciPy;
`scipy.special` is imported on first use, and `scipy.stats`, which takes far longer to load, never.
"""

from __future__ import annotations

from statistics import NormalDist

_NORMAL = NormalDist()


def z_of(probability: float) -> float:
    """Quantile of the standard normal distribution; 0 < probability < 1."""
    return _NORMAL.inv_cdf(probability)


def z_two_sided(level: float) -> float:
    """How many standard errors an interval of this level reaches to each side."""
    return _NORMAL.inv_cdf(0.5 + level / 2)


def normal_below(z: float) -> float:
    """Probability that a standard normal value is at most z."""
    return _NORMAL.cdf(z)


def t_two_sided(level: float, df: float) -> float:
    """How many standard errors an interval of this level reaches to each side, at `df` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2))


def t_above(t: float, df: float) -> float:
    """Probability that a t value with `df` degrees of freedom is above t."""
    from scipy.special import stdtr

    return float(stdtr(df, -t))


def binomial_at_most(k: int, n: int, probability: float) -> float:
    """Probability of at most k successes in n trials."""
    from scipy.special import bdtr

    return float(bdtr(k, n, probability))


def beta_quantile(a: float, b: float, probability: float) -> float:
    """Quantile of the beta distribution."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, probability))
