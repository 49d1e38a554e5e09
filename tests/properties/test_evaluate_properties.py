"""What holds for every answer, target and journal."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.evaluate.extractors import MAKERS, STEPS, chain, normalised, numbers
from headgate.evaluate.pools import pool_of
from headgate.evaluate.scorers import COMPARISONS, Mark, Scorer
from headgate.models.model import Completion

SOME = settings(max_examples=60, deadline=None, derandomize=True)
TEXTS = st.text(max_size=200)
ALTERNATIVES = [*STEPS, *(f"{name}:answer" for name in MAKERS)]


@SOME
@given(TEXTS, st.lists(st.sampled_from(ALTERNATIVES), max_size=3))
def test_extractors_never_raise_and_come_in_order(text: str, alternatives: list[str]) -> None:
    """Any text gives text or nothing, and the first alternative that finds something decides."""
    found = chain(alternatives)(text)
    alone = [chain([one])(text) for one in alternatives]
    assert found == next((one for one in alone if one is not None), None if alternatives else text)


@SOME
@given(TEXTS, TEXTS, st.sampled_from([name for name in COMPARISONS if name != "regex"]))
def test_a_complete_answer_is_scored(text: str, target: str, name: str) -> None:
    """Whatever a model says, a complete answer passes or fails; it is never lost."""
    assert Scorer(name).score(Completion(text=text), target).mark in (Mark.PASS, Mark.FAIL)


@SOME
@given(TEXTS, st.sampled_from(["exact", "normalised", "contains"]))
def test_the_target_itself_passes(target: str, name: str) -> None:
    """Saying the target is right under every text scorer."""
    assert Scorer(name).score(Completion(text=target), target).mark is Mark.PASS


@SOME
@given(st.integers(-(10**12), 10**12), st.integers(0, 99), st.text("abc ,.$", max_size=20))
def test_a_number_survives_its_dress(whole: int, cents: int, before: str) -> None:
    """Thousands commas, decimals and words around it leave the last number as it is."""
    value = math.copysign(abs(whole) + cents / 100, whole)
    assert numbers(f"{before} it is {value:,.2f}")[-1] == float(f"{value:.2f}")


@SOME
@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    """A levelled text is level."""
    once = normalised(normalised(text))
    assert normalised(once) == once


@SOME
@given(st.text(max_size=20), st.text(max_size=20), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 1))
def test_every_cluster_has_one_pool(suite: str, cluster: str, dev: float, gate: float, sealed: float) -> None:
    """The pool depends on nothing but suite, cluster and shares, and on the shares only by proportion."""
    shares = {"dev": dev, "gate": gate, "sealed": sealed}
    halves = {name: share / 2 for name, share in shares.items()}
    assert pool_of(suite, cluster, shares) == pool_of(suite, cluster, halves)
