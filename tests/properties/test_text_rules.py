"""What holds for the leak rules and near-duplicates, whatever the rows are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.rows.row import Kind, Message, Row, Side
from headgate.rules.data.dat003_near_duplicates import near_duplicates
from headgate.rules.data.dat006_self_leak import self_leak
from headgate.rules.data.dat008_group_leak import group_leak
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import Rule
from headgate.stats.verdict import Place, Verdict

WORDS = [
    "refund",
    "card",
    "lost",
    "where",
    "is",
    "my",
    "order",
    "please",
    "not",
    "7",
    "12",
    "phone",
    "in",
    "the",
    "app",
]
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=25).map(" ".join)
PAIRS = st.lists(st.tuples(SENTENCE, SENTENCE, st.sampled_from(["", "a", "b", "c"])), max_size=8)
FEW = settings(max_examples=12, derandomize=True, deadline=None)


def rows(pairs: list[tuple[str, str, str]], file: str) -> list[Row]:
    """Rows with a place each."""
    return [
        Row(
            kind=Kind.DEMONSTRATION,
            messages=(Message("user", question), Message("assistant", answer)),
            side=Side(conversation=key or None, slices={"tone": key} if key else {}),
            place=Place(file=file, line=number),
        )
        for number, (question, answer, key) in enumerate(pairs, start=1)
    ]


def asked(rule: Rule, training: list[Row], items: list[Row]) -> Verdict:
    """What the rule says."""
    return rule.judge(Given({"training-rows": Corpus(training, "t"), "evaluation-items": Corpus(items, "e")}))


def essence(verdict: Verdict) -> Any:
    """What may not depend on the order of rows."""
    value = verdict.measure.value if verdict.measure else None
    return verdict.outcome, value, sorted({str(one.place) for one in verdict.findings})


@FEW
@given(PAIRS, PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(training: Any, items: Any, drawn: Any) -> None:
    """Shuffled rows give the same verdict and name the same lines."""
    here, there = rows(training, "t"), rows(items, "e")
    mixed = list(here)
    drawn.shuffle(mixed)
    for rule in (self_leak, group_leak):
        assert essence(asked(rule, here, there)) == essence(asked(rule, mixed, there))


@FEW
@given(PAIRS, PAIRS)
def test_more_leaks_never_lower_the_measure(training: Any, items: Any) -> None:
    """Copying every item into the training rows raises the share of leaked items, or leaves it."""
    here, there = rows(training, "t"), rows(items, "e")
    copies = [replace(row, kind=Kind.DEMONSTRATION) for row in there]
    for rule in (self_leak, group_leak):
        before, after = asked(rule, here, there).measure, asked(rule, [*here, *copies], there).measure
        assert (before.value if before else 0.0) <= (after.value if after else 1.0)


@FEW
@given(PAIRS)
def test_what_goes_has_a_partner_that_stays(training: Any) -> None:
    """No row is proposed with a partner that is proposed itself, and never two rows of different slices."""
    verdict = asked(near_duplicates, rows(training, "t"), [])
    gone = {str(one.place) for one in verdict.findings}
    tones = {f"t:{number}": key for number, (_, _, key) in enumerate(training, start=1)}
    for one in verdict.findings:
        assert str(one.other) not in gone
        assert tones[str(one.place)] == tones[str(one.other)]


@FEW
@given(PAIRS)
def test_repeating_every_row_makes_half_of_them_redundant(training: Any) -> None:
    """At least one of each pair can go, and one of each kind stays."""
    once = rows(training, "t")
    doubled = asked(near_duplicates, [*once, *rows(training, "again")], [])
    single = asked(near_duplicates, once, [])
    assert doubled.findings_total == single.findings_total + len(once)
