"""What holds for the rules whatever the rows are."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.rows.row import Row
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.given import Claims, Corpus, Fact, Given
from headgate.rules.selection import select
from headgate.rules.shape import Rule
from headgate.stats.verdict import Outcome, Verdict
from headgate.testing.literate import row_of

SHELF_RULES = select(["learned-typo", "rows-without-lesson", "erased-slice", "lineage"], CATALOGUE, plugins=())
every_rule = pytest.mark.parametrize("rule", SHELF_RULES, ids=lambda rule: rule.name)
AT = datetime(2026, 6, 1, tzinfo=UTC)
CLAIMS = Claims(
    [
        Fact.of({"about": f"subject:{name}", "what": "consent", "value": value, "observed_at": "2026-01-01"})
        for name, value in (("ann", "training"), ("bob", "withdrawn"), ("cleo", "training"))
    ],
    AT,
)
ANSWERS = [
    "you will receive the parcel number {n} tomorrow morning",
    "you will recieve the parcel number {n} tomorrow morning",
    "the payment number {n} will appear on your account tomorrow",
    "",
]

bodies = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["ann", "bob", "cleo", "dora", None]),
        st.sampled_from(["shop", None]),
        st.sampled_from(["MIT", "NOASSERTION", None]),
        st.sampled_from(["polite", "hostile", None]),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def rows_of(drawn: list) -> list[Row]:
    out = []
    for n, (answer, subject, source, licence, tone, _) in enumerate(drawn):
        side = {"subject": subject, "source": source, "licence": licence, "slice": {"tone": tone} if tone else {}}
        words = {"user": f"question number {n}", "assistant": ANSWERS[answer].replace("{n}", str(n))}
        out.append(row_of({**words, **{key: value for key, value in side.items() if value}}))
    return out


def judged(rule: Rule, rows: list[Row], kept: list[Row]) -> Verdict:
    inputs = {"training-rows": Corpus(rows), "selected-rows": Corpus(kept), "claims": CLAIMS}
    return rule.judge(Given(inputs))


def kept_of(rows: list[Row], drawn: list) -> list[Row]:
    return [row for row, (*_, keep) in zip(rows, drawn, strict=True) if keep]


def answer_of(verdict: Verdict) -> tuple:
    measure = verdict.measure.as_json() if verdict.measure else None
    return verdict.outcome, verdict.summary, measure, sorted((f.row or "", f.message) for f in verdict.findings)


@every_rule
@settings(max_examples=25, derandomize=True, deadline=None)
@given(drawn=bodies, seed=st.integers(0, 9))
def test_order_of_rows_does_not_matter(rule: Rule, drawn: list, seed: int) -> None:
    """Shuffled rows get the same answer about the same rows."""
    rows = rows_of(drawn)
    kept = kept_of(rows, drawn)
    first = answer_of(judged(rule, rows, kept))
    shuffled = rows[:]
    random.Random(seed).shuffle(shuffled)
    assert first == answer_of(judged(rule, shuffled, kept[::-1]))


@every_rule
@settings(max_examples=25, derandomize=True, deadline=None)
@given(drawn=bodies)
def test_findings_point_into_the_rows_and_failures_have_them(rule: Rule, drawn: list) -> None:
    """A failure names rows that were given, and a pass names none."""
    rows = rows_of(drawn)
    verdict = judged(rule, rows, kept_of(rows, drawn))
    named = {finding.row for finding in verdict.findings}
    assert named <= {row.id for row in rows}
    assert (verdict.outcome is Outcome.FAIL) == bool(named)


@every_rule
@settings(max_examples=15, derandomize=True, deadline=None)
@given(drawn=bodies)
def test_verdict_can_be_printed_and_the_rows_stay(rule: Rule, drawn: list) -> None:
    """Every verdict has its identity and a JSON form; looking changes nothing."""
    rows = rows_of(drawn)
    before = [row.id for row in rows]
    printed = orjson.loads(orjson.dumps(judged(rule, rows, kept_of(rows, drawn)).as_json()))
    assert (rule.name, rule.code, rule.failure) == (printed["rule"], printed["code"], printed["failure"])
    assert before == [row.id for row in rows]


@settings(max_examples=25, derandomize=True, deadline=None)
@given(right=st.integers(25, 80), wrong=st.integers(0, 20), more=st.integers(1, 10))
def test_more_misspellings_never_lower_the_measure(right: int, wrong: int, more: int) -> None:
    """The share of answers with a habit grows with the habit."""
    rule = next(rule for rule in SHELF_RULES if rule.name == "learned-typo")

    def share(count: int) -> float:
        texts = [ANSWERS[0]] * right + [ANSWERS[1]] * count
        rows = [row_of({"user": f"q {n}", "assistant": text.replace("{n}", str(n))}) for n, text in enumerate(texts)]
        measure = judged(rule, rows, rows).measure
        assert measure is not None
        return measure.value

    assert share(wrong) <= share(wrong + more)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(drawn=bodies, times=st.integers(2, 4))
def test_repeating_the_rows_narrows_the_interval(drawn: list, times: int) -> None:
    """The same rows several times over keep the share and narrow the interval."""
    rule = next(rule for rule in SHELF_RULES if rule.name == "rows-without-lesson")
    rows = rows_of(drawn)
    once, often = judged(rule, rows, rows).measure, judged(rule, rows * times, rows).measure
    assert once is not None
    assert often is not None
    assert once.value == pytest.approx(often.value)
    assert often.high - often.low < once.high - once.low
