"""Literate suites: what is read, what is compared, what is refused."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.rows.row import Kind
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.selection import find
from headgate.testing.literate import outcomes_missing, parse_suite, row_of

RULE = find("rows-without-lesson", CATALOGUE)
SUITE = """# rows-without-lesson

## One of two

Words.

```training
{"user": "a", "assistant": "b"}
{"user": "c", "assistant": ""}
```

```expect
outcome = "fail"
findings = [2]
```

## Many, counted up

```training repeat=3
{"user": "a {n}", "assistant": "b {n}"}
```

```expect
{"outcome": "pass", "findings": []}
```
"""


def problems(text: str) -> list[str]:
    return [problem for case in parse_suite(text) for problem in case.problems(RULE)]


def test_agreeing_suite_has_no_problems() -> None:
    """Headings are cases; TOML and JSON both say what is expected."""
    assert ["One of two", "Many, counted up"] == [case.heading for case in parse_suite(SUITE)]
    assert [] == problems(SUITE)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('outcome = "fail"', 'outcome = "pass"', "outcome: expected 'pass', is 'fail'"),
        ("findings = [2]", "findings = [1]", "findings: expected ['training:1'], is ['training:2']"),
        ("findings = [2]", 'summary = "blue"', "summary: 'blue' is not in"),
        ("findings = [2]", "total = 2", "total: expected 2, is 1"),
        ("findings = [2]", "value = 0.4", "value: expected '0.4', is '0.5'"),
        ("findings = [2]", 'remedy = "keep"', "remedy: expected ['keep'], is ['drop']"),
        ("findings = [2]", "replacement = { a = 'b' }", "replacement: expected {'a': 'b'}, is {}"),
        ("findings = [2]", 'message = "none"', "message: 'none' is not in"),
        ("findings = [2]", 'reason = "none"', "reason: 'none' is not in"),
        ("findings = [2]", 'others = ["evaluation:1"]', "others: expected ['evaluation:1'], is ['nowhere']"),
    ],
)
def test_every_expectation_can_fail(old: str, new: str, problem: str) -> None:
    """What a case says is compared, and a difference is one line."""
    (found,) = problems(SUITE.replace(old, new))
    assert found.startswith(problem)


def test_repeated_rows_are_numbered_and_distinct() -> None:
    """`repeat` counts up, and lines go on across blocks."""
    case = parse_suite(SUITE)[1]
    rows = case.given().rows("training-rows")
    assert ["b 1", "b 2", "b 3"] == [row.answer_text for row in rows]
    assert ["training:1", "training:2", "training:3"] == [str(row.place) for row in rows]


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("## a\n```trainings\n```\n", "a block with an unknown label", 2),
        ("## a\n```training\n{}\n", "a block is not closed", 2),
        ("```training\n```\n", "a block stands above the first case", 1),
        ("## a\n", "case 'a' has 0 expect blocks", 1),
        ("## a\n```expect\noutcome = 3 = 4\n```\n", "case 'a' cannot be read", 2),
        ("## a\n```expect\nout = 'pass'\n```\n", "case 'a' cannot be read", 2),
        ("## a\n```training\n{'user'}\n```\n```expect\noutcome = 'pass'\n```\n", "case 'a' cannot be read", 3),
    ],
)
def test_unreadable_suites_are_refused_with_their_line(text: str, what: str, line: int) -> None:
    """An author finds the mistake in the suite, not in a traceback."""
    with pytest.raises(Refused) as refused:
        problems(text)
    assert (what, line) == (refused.value.what, refused.value.line)


def test_missing_outcomes_are_named() -> None:
    """A suite shows a pass, a failure and a doubt."""
    assert ["unsure"] == outcomes_missing(parse_suite(SUITE))


def test_short_forms() -> None:
    """Each short form makes the kind that its keys say; side data stands beside."""
    kinds = [
        ({"user": "a", "assistant": "b"}, Kind.DEMONSTRATION),
        ({"user": "a"}, Kind.PROMPT),
        ({"text": "a"}, Kind.TEXT),
        ({"prompt": "a", "chosen": "b", "rejected": ["c", "d"]}, Kind.PREFERENCE),
        ({"user": "a", "completion": "b", "label": False}, Kind.UNPAIRED),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, Kind.DEMONSTRATION),
        ({"kind": "trace", "messages": []}, Kind.TRACE),
    ]
    assert [kind for _, kind in kinds] == [row_of(body).kind for body, _ in kinds]
    row = row_of({"user": "a", "assistant": "b", "slice": {"intent": "x"}, "subject": "ann", "parents": ["b3:0"]})
    assert ({"intent": "x"}, "ann", ("b3:0",)) == (dict(row.side.slices), row.side.subject, row.side.parents)


@pytest.mark.parametrize("body", [{"usr": "a", "assistant": "b"}, {"slice": {"a": "b"}}, {}])
def test_rows_in_no_form_are_refused(body: dict) -> None:
    """A misspelt key does not make an empty row."""
    with pytest.raises(Refused, match="short form"):
        row_of(body)


def test_evaluation_blocks_make_items() -> None:
    """Rows of an evaluation block are items, whatever their keys imply."""
    text = '## a\n```evaluation\n{"user": "a", "assistant": "b"}\n```\n'
    items = parse_suite(text)[0].given().rows("evaluation-items")
    assert [Kind.ITEM] == [item.kind for item in items]
