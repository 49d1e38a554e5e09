"""`rules.merged_inputs`: two requests in one input, only where real rows join the two labels."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row, Side
from headgate.rules.input_repairs import How, repair_inputs
from headgate.rules.merged_inputs import merge_inputs

ASKED = {
    "lost card": "i lost my card in {}",
    "pin": "how do i change my pin for {}",
    "rate": "what is the exchange rate in {}",
    "limit": "please tell me my limit for {}",
}
PLACES = ("turin", "oslo", "riga", "bonn", "lyon", "cork", "bath", "york", "faro", "nice", "pisa", "kiel")


def row(text: str, answer: str, **side: object) -> Row:
    """A demonstration."""
    turns = (Message("user", text), Message("assistant", answer))
    return Row(kind=Kind.DEMONSTRATION, messages=turns, side=Side(**side))  # type: ignore[arg-type]


def single(n: int, **side: object) -> Row:
    """One request."""
    label = list(ASKED)[n % 4]
    return row(ASKED[label].format(f"{PLACES[n % 11]} near {PLACES[n // 4 % 12]}"), label, **side)


def double(n: int) -> Row:
    """Two requests of a person: what was lost, and then the PIN or the rate."""
    first, second = single(4 * n), single(4 * n + 1 + n % 2)
    return row(f"{first.prompt_text} and {second.prompt_text}", f"{first.answer_text}; {second.answer_text}")


def test_pairs_of_real_rows_are_joined_at_their_rate_word_for_word() -> None:
    """Both requests stand in the input, both labels in the answer, in the order of the real rows."""
    rows = [single(n) for n in range(200)]
    real = [double(n) if n % 4 == 0 else single(n) for n in range(1000, 1200)]
    merged = merge_inputs(rows, [*real, double(1)], "; ", 0)
    said = {one.prompt_text: one.answer_text for one in rows}
    assert 50 == len(merged)
    assert {"lost card; pin", "lost card; rate"} == {one.answer_text for one in merged.values()}
    for place, one in merged.items():
        first, second = one.prompt_text.split(" and ")
        assert (rows[place].prompt_text, one.answer_text) == (first, f"{said[first]}; {said[second]}")
        assert (rows[place].id, 2) == (one.side.parents[0], len(one.side.parents))


def test_without_joined_labels_in_real_rows_nothing_is_merged() -> None:
    """Nobody says which labels may be joined: refused, and so are pairs of labels that the rows do not have."""
    rows = [single(n) for n in range(40)]
    for real in ([single(n) for n in range(100, 140)], [row("a and b", "fee; refund")] * 9):
        with pytest.raises(Refused, match="no real input asks for two things"):
            merge_inputs(rows, real, "; ", 0)


@pytest.mark.parametrize(
    ("first", "second", "side"),
    [
        ("i lost my card", "how do i change it", {}),
        ("i lost my card", "if so how do i change my pin", {}),
        ("i did not lose my card", "how do i change my pin", {}),
        ("i lost my card", "i can't change my pin", {}),
        ("i lost my card", "how do i change my pin", {"subject": "somebody else"}),
        ("i lost my card", "how do i change my pin", {"licence": "MIT"}),
    ],
)
def test_a_request_that_would_mean_something_else_is_not_merged(first: str, second: str, side: dict[str, str]) -> None:
    """What refers back, denies, sets a condition, or is of another person or under other terms."""
    rows = [row(first, "lost card"), row(second, "pin", **side)]
    assert {} == merge_inputs(rows, [double(0)], "; ", 0)
    rows = [row("I lost my card.", "lost card"), row("How do I change my PIN?", "pin")]
    (merged,) = merge_inputs(rows, [double(0)], "; ", 0).values()
    assert ("I lost my card and how do I change my PIN?", "lost card; pin") == (merged.prompt_text, merged.answer_text)


def test_merging_stays_where_it_lowers_the_gap() -> None:
    """Where four real inputs of ten ask for two things, joining labels closes the gap; without leave it stays."""
    drawn = random.Random(0)
    rows = [single(4 * n + (0, 1, 0, 2)[n % 4]) for n in range(200)]
    real = [double(n) if drawn.random() < 0.4 else single(n) for n in range(1000, 1300)]
    how = How(least=120, sample=100)
    plain, joined = (repair_inputs(rows, real, replace(how, joined=text)) for text in ("", "; "))
    assert all(one.before.answer == one.after.answer for one in plain.changes)
    told = next(one for one in joined.tried if one.name == "merged")
    assert (1.0, 0.0, True) == (told.share, told.before, told.gives >= how.gain)
    assert 0.3 < told.after < 0.5
    assert joined.after.auc < plain.after.auc - 0.1
    changed = [one for one in joined.changes if "merged" in one.operators]
    assert len(changed) == told.changed
    assert all("; " in one.after.answer_text for one in changed)
