"""`rules.input_repairs`: operators stay only where they lower the gap, and a changed meaning is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row, Side, ToolCall
from headgate.rules import input_repairs
from headgate.rules.input_repairs import How, repair_inputs, synthetic
from headgate.text.repairs import WORDLESS

THINGS = ("card", "transfer", "balance", "limit", "top up", "refund", "statement", "rate", "fee", "account")
ASKED = ("Where is my {}", "How do I change the {}", "Why was the {} declined", "What happened to my {}")
HOW = How(least=120, sample=60)


def row(text: str, answer: str = "-", **side: object) -> Row:
    """A demonstration."""
    turns = (Message("user", text), Message("assistant", answer))
    return Row(kind=Kind.DEMONSTRATION, messages=turns, side=Side(**side))  # type: ignore[arg-type]


def asked(n: int) -> str:
    """A question, each another one."""
    return ASKED[n % 4].format(THINGS[n % 10]) + f" from day {100 + 7 * n % 300}"


def typed(count: int, first: int = 1000) -> list[Row]:
    """As people type."""
    return [row(asked(n).lower()) for n in range(first, first + count)]


def polite(n: int) -> str:
    """As a model writes."""
    return ("Hello, {}? Thank you.", "Hi there! {}?")[n % 2].format(asked(n))


def test_redundant_giveaways_are_all_repaired_and_the_same_way_each_time() -> None:
    """Where several things give an input away none of them lowers the gap alone; all are found, twice the same."""
    rows = [row(polite(n), THINGS[n % 10]) for n in range(120)]
    done = repair_inputs(rows, typed(130), HOW)
    assert done.before.auc > 0.95
    assert done.after.auc < 0.8
    assert {"greetings", "casing", "final-mark"} <= {one.name for one in done.tried if one.share}
    assert all(one.gives >= HOW.gain for one in done.tried if one.share)
    assert all(one.changed == 0 for one in done.tried if not one.share)
    assert [one.after for one in done.changes] == [one.after for one in repair_inputs(rows, typed(130), HOW).changes]
    assert all(one.before.answer == one.after.answer for one in done.changes)
    assert (52, 39, 39) == done.real


def test_what_looks_real_is_left_alone() -> None:
    """No operator lowers a gap that is not there."""
    done = repair_inputs(typed(120), typed(130, first=3000), HOW)
    assert () == done.changes
    assert {0.0} == {one.share for one in done.tried}
    assert done.before.auc == done.after.auc


def test_sentences_are_cut_only_where_somebody_says_so() -> None:
    """Real inputs of one sentence do not make headgate leave out what may matter."""
    rows = [row(f"{asked(n)}. It is raining here and I feel sad about it.", THINGS[n % 10]) for n in range(120)]
    names = {one.name for one in repair_inputs(rows, typed(130), HOW).tried}
    assert "cut" not in names
    told = repair_inputs(rows, typed(130), replace(HOW, cut=True))
    assert 1.0 == next(one.share for one in told.tried if one.name == "cut")
    assert all("raining" not in one.after.prompt_text for one in told.changes if "cut" in one.operators)


def test_a_repair_that_changes_the_meaning_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator that speaks of another label, and one that adds a number: such rows stay as they were."""
    real = input_repairs._changed

    def spoilt(one: Row, *rest: object) -> tuple[Row, tuple[str, ...]]:
        after, operators = real(one, *rest)  # type: ignore[arg-type]
        if one.answer_text == "fee":
            after = replace(after, messages=(Message("user", "the refund, the refund"), *after.messages[1:]))
        if one.answer_text == "rate":
            after = replace(after, messages=(Message("user", f"{after.prompt_text} 5"), *after.messages[1:]))
        return after, operators

    monkeypatch.setattr(input_repairs, "_changed", spoilt)
    rows = [row(polite(n), THINGS[n % 10]) for n in range(120)]
    done = repair_inputs(rows, typed(130), HOW)
    assert not {"fee", "rate"} & {one.before.answer_text for one in done.changes}
    assert {"numbers or negations differ"} <= set(done.kept_as_written)
    assert sum(done.kept_as_written.values()) >= 24


def test_a_row_whose_label_grows_doubtful_keeps_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators that change words are refused for such a row; marks and capitals are still repaired."""
    import numpy as np

    def doubted(before: list[str], after: list[str], labels: object, near: float, guessed: bool) -> object:
        return np.array([len(new.split()) < len(old.split()) for old, new in zip(before, after, strict=True)])

    monkeypatch.setattr(input_repairs, "doubtful_labels", doubted)
    rows = [row(polite(n), THINGS[n % 10]) for n in range(120)]
    done = repair_inputs(rows, typed(130), HOW)
    assert done.changes
    assert {} == done.kept_as_written
    assert {name for one in done.changes for name in one.operators} <= set(WORDLESS)
    assert all(len(one.before.prompt_text.split()) == len(one.after.prompt_text.split()) for one in done.changes)


def test_only_marked_rows_are_repaired() -> None:
    """A generator or a depth marks a row; where none is marked, all are."""
    rows = [row("a"), row("b", generator="m"), row("c", depth=0), row("d", depth=2)]
    assert [1, 3] == synthetic(rows)
    assert [0, 1] == synthetic([rows[0], rows[2]])


def test_turns_of_tools_and_arguments_of_calls_stay() -> None:
    """The words of a call's arguments are words of the answer, and masked or other turns are not people's."""
    call = Message("assistant", tool_calls=(ToolCall("book", '{"city": "turin", "by": "plane"}'),))
    rows = []
    for n in range(120):
        turns = (
            Message("system", "Be kind."),
            Message("user", f"Hello, {asked(n)} by plane to Turin? Thank you."),
            call,
        )
        rows.append(Row(kind=Kind.DEMONSTRATION, messages=turns))
    done = repair_inputs(rows, [row(f"{one.prompt_text} by plane to rome") for one in typed(130)], HOW)
    assert len(done.changes) > 100
    assert all("by plane to turin" in one.after.prompt_text.lower() for one in done.changes)
    assert {(rows[0].messages[0], call)} == {(one.after.messages[0], one.after.messages[2]) for one in done.changes}


@pytest.mark.parametrize(
    ("rows", "real", "said"),
    [
        (lambda: typed(120), lambda: typed(119), "too few real inputs"),
        (lambda: typed(59), lambda: typed(130), "too few inputs to repair"),
    ],
)
def test_too_little_is_refused(rows: Callable[[], list[Row]], real: Callable[[], list[Row]], said: str) -> None:
    """The refusal says which side lacks rows."""
    with pytest.raises(Refused, match=said):
        repair_inputs(rows(), real(), HOW)
