"""The filter language: what it keeps, what it refuses, and what it can never do."""

from __future__ import annotations

import pytest

from headgate.curate.filters import compile_filter
from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row, Side


def row(text: str = "where is my card", **side: object) -> Row:
    return Row(kind=Kind.DEMONSTRATION, messages=(Message("user", text), Message("assistant", "On its way.")),
               side=Side(**side))  # type: ignore[arg-type]  # fmt: skip


ROWS = [
    row(source="shop", slices={"intent": "refund"}, created_at="2026-01-05", extra={"score": 3}),
    row("hi", source="x", slices={"intent": "greeting"}, created_at="2026-03-01", extra={"score": "high"}),
    row("refund me now please", source="shop", slices={"intent": "refund", "my tone": "angry"}, depth=1),
    row("lost my card", slices={"intent": "lost_card"}, created_at="2026-02-01T10:00:00+02:00"),
]


def kept(expression: str) -> list[int]:
    return compile_filter(expression).split(ROWS)[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('slice.intent in ["refund", "lost_card"] and prompt_words >= 4 and not source == "x"', [0, 2]),
        ('slice.intent not in ("refund",)', [1, 3]),
        ('"refund" in prompt', [2]),
        ('created_at >= "2026-02-01"', [1, 3]),
        ('created_at == None', [2]),
        ("source is None", [3]),
        ("2 <= prompt_words < 4", [3]),
        ('slice["my tone"] == "angry"', [2]),
        ("depth > 0", [2]),
        ("depth > -1", [2]),
        ("extra.score > 2", [0]),
        ('kind == "demonstration" or False', [0, 1, 2, 3]),
        ("not tools", [0, 1, 2, 3]),
    ],
)  # fmt: skip
def test_keeps(expression: str, expected: list[int]) -> None:
    """An expression keeps exactly the rows that it describes."""
    assert kept(expression) == expected


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ('sorce == "x"', "source"),
        ('slices.intent == "a"', "slice"),
        ('slice.intnet == "a"', "slice.intent"),
        ('extra.scor == "a"', "extra.score"),
        ("word >= 3", "words"),
    ],
)
def test_names_the_nearest_field(expression: str, word: str) -> None:
    """A field that is not there is refused, with the nearest one that is."""
    with pytest.raises(Refused) as error:
        kept(expression)
    assert word in (error.value.wanted or "")


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "(lambda: 1)()",
        "text.__class__ == 'x'",
        "slice.intent.upper == 'A'",
        "[x for x in text]",
        "words + 1 > 2",
        "f'{text}' == 'a'",
        "text",
        "words",
        "1 == 1",
        "words >= 'three'",
        "source >= 3",
        "source in 'abc'",
        "slice in ['a']",
        "created_at >= 'yesterday'",
        "words >=",
        "words >= 3; import os",
        "(words := 3) > 2",
        "b'x' == text",
        "not " * 60 + "tools",
        "(" * 300 + "tools" + ")" * 300,
        "words > 1 or " * 1000 + "tools",
        "",
        "text == '\x00'",
    ],
)
def test_refuses_all_else(expression: str) -> None:
    """What is not a comparison of fields is refused, never run, and never a traceback."""
    with pytest.raises(Refused):
        kept(expression)


def test_counts_absent_fields() -> None:
    """Rows that lack a field which the filter asks for are counted by field."""
    chosen = compile_filter('created_at >= "2026-01-01" and source == "shop"')
    chosen.split(ROWS)
    assert dict(chosen.absent) == {"created_at": 1, "source": 1}


def test_a_cell_of_spaces_says_nothing() -> None:
    """Every rule takes such a row for one without a subject, and a filter is how one leaves it out."""
    rows = [row(subject="ann"), row(subject="   "), row()]
    assert [0] == compile_filter("subject != None").split(rows)[0]
