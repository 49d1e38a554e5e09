"""Dated facts, asked at one moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headgate.kit.errors import Refused
from headgate.rules.given import Claims, Fact

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def fact(value: str, observed: str, **rest: str) -> Fact:
    return Fact.of({"about": "subject:ann", "what": "consent", "value": value, "observed_at": observed, **rest})


def test_newest_known_fact_counts() -> None:
    """Later claims replace earlier ones, whatever order they come in."""
    claims = Claims([fact("withdrawn", "2026-05-01"), fact("training", "2026-01-01")], JUNE)
    assert "withdrawn" == claims.value("subject:ann", "consent")


def test_facts_of_the_future_are_not_known() -> None:
    """What is observed or begins after the moment asked does not count."""
    claims = Claims(
        [fact("training", "2026-01-01"), fact("a", "2026-07-01"), fact("b", "2026-05-01", valid_from="2026-08-01")],
        JUNE,
    )
    assert "training" == claims.value("subject:ann", "consent")


def test_time_runs_out_at_the_end() -> None:
    """At the moment it ends a claim holds no more; the fact is still found."""
    claims = Claims([fact("training", "2026-01-01", valid_to="2026-06-01")], JUNE)
    assert claims.value("subject:ann", "consent") is None
    latest = claims.latest("subject:ann", "consent")
    assert latest is not None
    assert latest.ended_by(JUNE)


def test_nothing_known() -> None:
    """About others and other matters nothing is known."""
    claims = Claims([fact("training", "2026-01-01")], JUNE)
    assert claims.latest("subject:bob", "consent") is None
    assert (True, False) == (claims.knows("consent"), claims.knows("licence"))


def test_moment_needs_a_zone() -> None:
    """A moment without a zone would be read differently on every machine."""
    with pytest.raises(Refused, match="without a time zone"):
        Claims([], datetime(2026, 6, 1))
