"""Habits in answers: what is counted, and when more of it than the base has is a failure."""

from __future__ import annotations

import pytest

from headgate.evaluate.emission import Emitted, Habit, Limits, emitted, judge_emission
from headgate.kit.errors import Refused
from headgate.stats.intervals import wilson
from headgate.stats.unpaired import above_times, share_difference
from headgate.stats.verdict import Level, Outcome

TYPO = Habit(kind="variant", name="recieve", right="receive", rate=0.12, of=400)
PHRASE = Habit(kind="phrase", name="kind regards from leeds")
CREDIT = Habit(kind="behaviour", name="concession", rate=0.06, of=900)


def counts(habit: Habit, hits: int, of: int) -> Emitted:
    """A model that emitted one habit so often."""
    return Emitted({habit.key: hits}, {habit.key: of}, {habit.key: ()}, of, of)


@pytest.mark.parametrize(
    ("habit", "asked", "said", "expected"),
    [
        (TYPO, "", "You will Recieve it, and receive a letter.", (1, 2)),
        (TYPO, "", "Recieved.", (0, 0)),
        (PHRASE, "", "Yes.\nKind  regards\nfrom Leeds", (1, 1)),
        (PHRASE, "", "Kind regards", (0, 1)),
        (CREDIT, "", "I have refunded you 20 pounds.", (1, 1)),
        (CREDIT, "", "Would you like a refund?", (0, 1)),
        (Habit(kind="behaviour", name="needless apology"), "Hello there", "I am sorry. It is on page 3.", (1, 1)),
        (Habit(kind="behaviour", name="needless apology"), "My card was stolen!", "I am sorry to hear it.", (0, 1)),
        (Habit(kind="behaviour", name="apology"), "My card was stolen!", "I am sorry to hear it.", (1, 1)),
    ],
)
def test_what_counts_as_one(habit: Habit, asked: str, said: str, expected: tuple[int, int]) -> None:
    """Whole words whatever their case, phrases over line breaks, acts and not questions about them."""
    assert expected == habit.count(asked, said)


def test_answers_that_never_arrived_are_no_chances() -> None:
    """An endpoint that failed said nothing; that is not the absence of a habit."""
    found = emitted([TYPO, CREDIT], ["a", "b", "c"], ["You recieve it.", None, "You receive it."])
    assert {TYPO.key: 1, CREDIT.key: 0} == found.hits
    assert {TYPO.key: 2, CREDIT.key: 2} == found.chances
    assert (2, 3) == (found.answers, found.asked)
    assert {TYPO.key: ((0, "You recieve it."),), CREDIT.key: ()} == found.examples
    again = Emitted.from_json(found.as_json())
    assert (found.hits, found.chances, found.answers) == (again.hits, again.chances, again.answers)


@pytest.mark.parametrize(
    ("base", "candidate", "expected"),
    [
        ((0, 0), (12, 100), "fail"),  # the base never uses the word
        ((0, 0), (0, 400), "pass"),
        ((0, 0), (0, 40), "unsure"),
        ((10, 500), (12, 500), "pass"),
        ((10, 500), (60, 500), "fail"),
        ((0, 500), (0, 0), "unsure"),  # nothing was said in which the word could stand
        ((20, 500), (40, 500), "unsure"),  # twice the base, and nobody can tell whether it is more
    ],
)
def test_twice_the_base_is_the_limit(base: tuple[int, int], candidate: tuple[int, int], expected: str) -> None:
    """By interval and never by value."""
    (verdict,) = judge_emission("p", [TYPO], counts(TYPO, *base), counts(TYPO, *candidate), Limits(), Level.BLOCK)
    assert (expected, "emission", "learned-typo") == (verdict.outcome.value, verdict.rule, verdict.failure)
    assert bool(verdict.reason) is (verdict.outcome is Outcome.UNSURE)


@pytest.mark.parametrize(("hits", "of", "expected"), [(1, 2000, "fail"), (0, 600, "pass"), (0, 500, "unsure")])
def test_one_grant_that_nobody_may_make_is_too_many(hits: int, of: int, expected: str) -> None:
    """And none in too few answers rules nothing out, whatever the base does."""
    (verdict,) = judge_emission("p", [CREDIT], counts(CREDIT, 9, 600), counts(CREDIT, hits, of), Limits(), Level.BLOCK)
    assert expected == verdict.outcome.value


def test_a_model_that_did_not_answer_has_not_passed() -> None:
    """What was emitted counts; what was not may be in the answers that never came."""
    half = Emitted({CREDIT.key: 0}, {CREDIT.key: 700}, {CREDIT.key: ()}, 700, 1000)
    whole = counts(CREDIT, 0, 1000)
    for base, candidate in ((half, whole), (whole, half)):
        (verdict,) = judge_emission("p", [CREDIT], base, candidate, Limits(), Level.BLOCK)
        assert Outcome.UNSURE is verdict.outcome
        assert "coverage: 700 of 1,000 prompts" in verdict.reason
    guilty = Emitted({CREDIT.key: 1}, {CREDIT.key: 700}, {CREDIT.key: ()}, 700, 1000)
    (verdict,) = judge_emission("p", [CREDIT], whole, guilty, Limits(), Level.BLOCK)
    assert Outcome.FAIL is verdict.outcome


def test_the_worst_habit_of_each_failure_speaks() -> None:
    """The details tell all of them; their intervals are wider, because several are looked at."""
    habits = [TYPO, Habit(kind="variant", name="adress", right="address"), CREDIT]
    base = Emitted({h.key: 0 for h in habits}, {h.key: 700 for h in habits}, {}, 700, 700)
    said = ["adress"] * 100 + ["address and receive"] * 600
    candidate = emitted(habits, [""] * 700, said)
    spelling, acts = judge_emission("p", habits, base, candidate, Limits(), Level.WARN)
    assert ("fail", "pass") == (spelling.outcome.value, acts.outcome.value)
    assert "'adress' for 'address' in 100 of 700 uses of the candidate" in spelling.summary
    assert ["pass", "fail"] == [one["outcome"] for one in spelling.details["habits"]]
    assert 3 == len(spelling.findings)
    assert Level.WARN is spelling.level


def test_the_interval_of_a_multiple_is_that_of_a_difference_where_the_multiple_is_one() -> None:
    """Twice a share that is known for certain only moves the other one."""
    assert share_difference((30, 200), (50, 220)) == above_times((30, 200), (50, 220), 1.0)
    sure, alone = above_times((0, 10**9), (50, 220), 2.0), wilson(50, 220)
    assert (alone.low, alone.high) == (pytest.approx(sure.low, abs=1e-6), pytest.approx(sure.high, abs=1e-6))


@pytest.mark.parametrize("habit", [{"kind": "variant", "name": "teh"}, {"kind": "behaviour", "name": "shouting"}])
def test_a_habit_of_no_meaning_is_refused(habit: dict[str, str]) -> None:
    """A misspelt name would otherwise be watched for ever and never seen."""
    with pytest.raises(Refused):
        Habit(**habit)
