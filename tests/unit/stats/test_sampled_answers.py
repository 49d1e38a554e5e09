"""Many answers to one item: the chance that k hold a right one, and how far they agree."""

from __future__ import annotations

import itertools
import math

import pytest

from headgate.kit.errors import Refused
from headgate.stats.sampled import entropy, modal_share, pass_at_k


@pytest.mark.parametrize("n", [1, 4, 7])
def test_pass_at_k_is_the_share_of_draws_with_a_right_answer(n):
    """The formula equals counting every way to take k of n answers."""
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        answers = [1] * c + [0] * (n - c)
        draws = list(itertools.combinations(answers, k))
        assert math.isclose(sum(map(any, draws)) / len(draws), pass_at_k(n, c, k), abs_tol=1e-12), (n, c, k)


def test_pass_at_k_of_many_answers():
    """No overflow where binomials have hundreds of digits: 1 - 0.99^100 in the limit."""
    assert math.isclose(pass_at_k(200_000, 2_000, 100), 1 - 0.99**100, rel_tol=1e-3)
    assert (0.0, 1.0) == (pass_at_k(16, 0, 16), pass_at_k(16, 1, 16))


@pytest.mark.parametrize(("n", "c", "k"), [(4, 5, 1), (4, -1, 1), (4, 2, 5), (4, 2, 0)])
def test_impossible_counts(n, c, k):
    """More right answers than answers, or more draws than answers."""
    with pytest.raises(Refused):
        pass_at_k(n, c, k)


def test_agreement():
    """Share of the most frequent answer, and bits: none where all agree, log2 of the number where all differ."""
    assert (1.0, 0.0) == (modal_share(["a"] * 8), entropy(["a"] * 8))
    assert (0.125, 3.0) == (modal_share(list("abcdefgh")), entropy(list("abcdefgh")))
    assert (0.75, pytest.approx(0.8113, abs=1e-4)) == (modal_share("aaab"), entropy("aaab"))
    with pytest.raises(Refused):
        modal_share([])
