"""Whether annotators err independently: correlation of errors on gold items, and what k of them are worth.

With e_a = 1 where annotator a is wrong, the error correlation of two annotators is the phi coefficient of
their e over gold items that both labelled. Its standard error is that of Bishop, Fienberg and Holland (1975),
and its interval is taken on Fisher's z. The pooled correlation of a panel is
rho = sum (e_a - p_a)(e_b - p_b) / sum sqrt(p_a q_a p_b q_b) over all pairs of votes of one gold item, its standard
error that of a ratio over items. k annotators are worth k / (1 + (k - 1) rho) independent ones (Kish's design effect).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from headgate.stats.intervals import Interval
from headgate.stats.quantiles import t_two_sided, z_two_sided
from headgate.stats.votes import Floats, Integers, Mask, Votes

MOST = 200  # annotators whose pairs are looked at one by one, those with the most gold labels
SEEN = 10  # gold labels of an annotator below which an error rate is not worth correlating
CELL = 0.5  # added to each cell of a table of two, so that an empty one has a standard error


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Errors of two annotators on gold items that both labelled."""

    first: int
    second: int
    items: int
    phi: float
    low: float
    high: float
    both_wrong: int
    same_wrong: int  # of them, with the same wrong label
    chance_same: float  # share of them expected to be the same, were the wrong labels chosen apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What a panel's votes on gold items are worth."""

    rho: Interval
    items: int  # gold items with two votes or more
    voters: float  # votes of such an item, on average
    effective: Interval  # independent votes that these are worth


def effective_votes(voters: float, rho: float) -> float:
    """Independent votes that `voters` with error correlation `rho` are worth; never more than there are."""
    return voters / (1 + max(voters - 1, 0) * max(rho, 0.0))


def pairs(votes: Votes, gold: Integers, *, least: int, level: float = 0.95) -> list[Pair]:
    """Error correlation of each two annotators with `least` gold items in common.

    The intervals hold together: each is widened for the number of pairs (Bonferroni).
    """
    held = votes.only(gold[votes.items] >= 0).first()
    seen = np.bincount(held.annotators, minlength=votes.n_annotators)
    busiest = np.argsort(-seen, kind="stable")[:MOST]
    chosen = np.sort(busiest[seen[busiest] >= least])
    said = np.full((len(chosen), votes.n_items), -1, dtype=np.int64)
    place = np.full(votes.n_annotators, -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    known = place[held.annotators] >= 0
    said[place[held.annotators[known]], held.items[known]] = held.labels[known]
    common = [
        (a, b, both)
        for a, b in combinations(range(len(chosen)), 2)
        if int((both := (said[a] >= 0) & (said[b] >= 0)).sum()) >= least
    ]
    together = 1 - (1 - level) / max(len(common), 1)
    return [_pair(int(chosen[a]), int(chosen[b]), said[a], said[b], both, gold, together) for a, b, both in common]


def _pair(a: int, b: int, said_a: Integers, said_b: Integers, both: Mask, gold: Integers, level: float) -> Pair:
    true, first, second = gold[both], said_a[both], said_b[both]
    wrong_a, wrong_b = first != true, second != true
    joint = wrong_a & wrong_b
    table = np.array(
        [
            [(joint).sum(), (wrong_a & ~wrong_b).sum()],
            [(~wrong_a & wrong_b).sum(), (~wrong_a & ~wrong_b).sum()],
        ],
        dtype=np.float64,
    )
    phi, low, high = _phi(table, level)
    n = int(joint.sum())
    return Pair(
        first=a,
        second=b,
        items=int(both.sum()),
        phi=phi,
        low=low,
        high=high,
        both_wrong=n,
        same_wrong=int((first[joint] == second[joint]).sum()),
        chance_same=_chance_same(true, first, second, wrong_a, wrong_b),
    )


def _phi(table: Floats, level: float) -> tuple[float, float, float]:
    """Phi of a two-by-two table with its interval."""
    n = table.sum()
    p = (table + CELL) / (n + 4 * CELL)
    a, b = p.sum(axis=1), p.sum(axis=0)  # margins: wrong and right of the first, of the second
    root = math.sqrt(a.prod() * b.prod())
    phi = float((p[0, 0] * p[1, 1] - p[0, 1] * p[1, 0]) / root)
    lean_a, lean_b = float(a[0] - a[1]), float(b[0] - b[1])
    variance = 1 - phi**2 + phi * (1 + phi**2 / 2) * lean_a * lean_b / root
    variance -= 0.75 * phi**2 * (lean_a**2 / a.prod() + lean_b**2 / b.prod())
    error = math.sqrt(max(float(variance), 0.0) / n) / max(1 - phi**2, 1e-6)
    z, reach = math.atanh(min(max(phi, -0.999999), 0.999999)), z_two_sided(level)
    return phi, math.tanh(z - reach * error), math.tanh(z + reach * error)


def _chance_same(true: Integers, first: Integers, second: Integers, wrong_a: Mask, wrong_b: Mask) -> float:
    """How often two annotators who err would choose the same wrong label apart, given the true one."""
    total = weight = 0.0
    for label in np.unique(true):
        of_a, of_b = first[wrong_a & (true == label)], second[wrong_b & (true == label)]
        times = int((wrong_a & wrong_b & (true == label)).sum())
        if times:
            most = int(max(of_a.max(), of_b.max())) + 1
            shares_a, shares_b = np.bincount(of_a, minlength=most) / len(of_a), np.bincount(of_b, minlength=most)
            total += times * float(shares_a @ (shares_b / len(of_b)))
            weight += times
    return total / weight if weight else 0.0


def panel(votes: Votes, gold: Integers, *, seen: int = SEEN, level: float = 0.95) -> Panel | None:
    """Error correlation pooled over all pairs of votes; None where no two informative votes meet on a gold item.

    Annotators with fewer than `seen` gold labels, and those never or always wrong, tell nothing of it.
    """
    held = votes.only(gold[votes.items] >= 0).first()
    wrong = (held.labels != gold[held.items]).astype(np.float64)
    times = np.bincount(held.annotators, minlength=votes.n_annotators)
    share = np.bincount(held.annotators, weights=wrong, minlength=votes.n_annotators) / np.maximum(times, 1)
    deviation = np.sqrt(share * (1 - share))
    told = (times[held.annotators] >= seen) & (deviation[held.annotators] > 0)
    items, annotators = held.items[told], held.annotators[told]
    # An annotator's own errors centre on a rate that was estimated from them, which hides 1/(n - 1) of each product.
    rest = (wrong[told] - share[annotators]) * np.sqrt(times[annotators] / (times[annotators] - 1))
    products, scales, count = (_pairwise(each, items, votes.n_items) for each in (rest, deviation[annotators], None))
    met = count >= 1
    items_met = int(met.sum())
    if items_met < 2 or scales[met].sum() <= 0:
        return None
    rho = min(float(products[met].sum() / scales[met].sum()), 1.0)
    off = products[met] - rho * scales[met]
    error = math.sqrt(float(off @ off) * items_met / (items_met - 1)) / float(scales[met].sum())
    reach = t_two_sided(level, items_met - 1) * error
    voters = float((np.bincount(held.items, minlength=votes.n_items)[met]).mean())
    interval = Interval(rho, max(rho - reach, -1.0), min(rho + reach, 1.0))
    ends = [effective_votes(voters, value) for value in (rho, interval.high, interval.low)]
    return Panel(rho=interval, items=items_met, voters=voters, effective=Interval(*ends))


def _pairwise(values: Floats | None, items: Integers, n_items: int) -> Floats:
    """Sum over pairs of votes of an item of the product of their values; without values, the number of pairs."""
    numbers = np.ones(len(items)) if values is None else values
    sums = np.bincount(items, weights=numbers, minlength=n_items)
    squares = np.bincount(items, weights=numbers**2, minlength=n_items)
    out: Floats = (sums**2 - squares) / 2
    return out
