"""What a past run says of items and rows."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.rules.past_run import PastRun
from headgate.testing.literate import row_of

BODY = {"failed": ["a"], "passed": ["b"]}


def test_outcomes_by_any_name_of_an_item() -> None:
    """Own id, address and content address name an item; others have no outcome."""
    items = [row_of({"user": f"question {name}", "id": name}) for name in "abc"]
    run = PastRun.of({"failed": [items[0].content_id], "passed": [items[1].id]})
    assert {0: True, 1: False} == run.outcomes(items)
    assert {0: True, 1: False} == PastRun.of(BODY).outcomes(items)
    assert run == PastRun.of(run)


def test_rows_that_came_after() -> None:
    """By name where names are given, else by date; no date, no answer."""
    old, new, bare, odd = (
        row_of({"user": "q", "id": str(n), **({"created_at": at} if at else {})})
        for n, at in enumerate(("2026-01-01", "2026-03-01", "", "some day"))
    )
    dated = PastRun.of({**BODY, "at": "2026-02-01"})
    assert [False, True, None, None] == [dated.came_after(row) for row in (old, new, bare, odd)]
    named = PastRun.of({**BODY, "added": ["2"]})
    assert [False, False, True, False] == [named.came_after(row) for row in (old, new, bare, odd)]
    assert [True] * 4 == [PastRun.of(BODY).came_after(row) for row in (old, new, bare, odd)]


@pytest.mark.parametrize("body", [{}, {"failed": ["a"]}, {**BODY, "when": "today"}, {**BODY, "passed": []}])
def test_what_is_no_run_is_refused(body: dict) -> None:
    """Both outcomes are needed, and nothing that nobody reads."""
    with pytest.raises(Refused, match="not a past run"):
        PastRun.of(body)
