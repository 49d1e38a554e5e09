"""Running rules: options, levels, order, crashes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headgate.kit.errors import Broken, Refused
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.given import Corpus, Given
from headgate.rules.options import option_lines, read_options
from headgate.rules.running import run_rules
from headgate.rules.selection import find, select
from headgate.stats.verdict import Level, Outcome
from headgate.testing.literate import row_of

EMPTY = find("rows-without-lesson", CATALOGUE)
TYPO = find("learned-typo", CATALOGUE)


def given() -> Given:
    return Given(
        {"training-rows": Corpus([row_of({"user": "a", "assistant": "b"}), row_of({"user": "c", "assistant": ""})])}
    )


def test_one_verdict_for_each_rule_in_order() -> None:
    """Verdicts come in the order of the rules; a rule without its input is skipped."""
    verdicts = run_rules(select(["data", "LIN002"], CATALOGUE, plugins=()), given())
    assert sorted(verdict.code for verdict in verdicts) == [verdict.code for verdict in verdicts]
    last = verdicts[-1]
    assert (Outcome.SKIPPED, "not given: claims") == (last.outcome, last.reason)


def test_options_by_name_and_code() -> None:
    """Options reach their rule; keys are written with hyphens."""
    for key in ("rows-without-lesson", "DAT009"):
        (verdict,) = run_rules([EMPTY], given(), {key: {"tolerated": 1.0, "end-token": False}})
        assert Outcome.PASS == verdict.outcome


def test_options_of_rules_that_do_not_run_are_left_alone() -> None:
    """A flow file may hold options of rules that this run does not select."""
    (verdict,) = run_rules([EMPTY], given(), {"learned-typo": {"least": 5}})
    assert Outcome.FAIL == verdict.outcome


def test_level_is_configuration_but_trial_never_blocks() -> None:
    """A stable rule blocks when asked; a rule on trial warns at most."""
    stable, trial = replace(EMPTY, status="stable"), replace(EMPTY, status="trial")
    assert Level.BLOCK == run_rules([stable], given(), levels={"DAT009": "block"})[0].level
    assert Level.WARN == run_rules([trial], given(), levels={"DAT009": "block"})[0].level
    assert Level.NOTE == run_rules([stable], given(), levels={"rows-without-lesson": Level.NOTE})[0].level


@pytest.mark.parametrize(
    ("options", "what", "wanted"),
    [
        ({"rows-without-lessons": {}}, "no such rule", "did you mean 'rows-without-lesson'?"),
        ({"DAT009": {"tolerate": 0.1}}, "no such option of rows-without-lesson", "did you mean 'tolerated'?"),
        ({"DAT009": {"tolerated": "much"}}, "option 'tolerated' of rows-without-lesson has the wrong type", "a number"),
        (
            {"DAT009": {"tolerated": 7}},
            "option 'tolerated' of rows-without-lesson is out of range",
            "a number from 0 to 1",
        ),
        (
            {"DAT009": {"tolerated": float("nan")}},
            "option 'tolerated' of rows-without-lesson is out of range",
            "a number from 0 to 1",
        ),
        ({"DAT009": {"tolerated": True}}, "option 'tolerated' of rows-without-lesson has the wrong type", "a number"),
        ({"DAT009": {"end_token": 1}}, "option 'end_token' of rows-without-lesson has the wrong type", "true or false"),
        ({"DAT009": 3}, "options of rows-without-lesson are not a table", "key = value"),
    ],
)
def test_wrong_options_are_refused_with_the_nearest(options: dict, what: str, wanted: str) -> None:
    """Unknown rules, unknown options and wrong types name what was meant and the file."""
    with pytest.raises(Refused) as refused:
        run_rules([EMPTY], given(), options, file="headgate.toml")
    assert (what, wanted, "headgate.toml") == (refused.value.what, refused.value.wanted, refused.value.file)


def test_all_wrong_options_come_in_one_refusal() -> None:
    """A user mends everything in one go, over all rules."""
    options = {"DAT009": {"tolerate": 1, "end-token": "no"}, "DAT004": {"leest": 2}}
    with pytest.raises(Refused, match="2 problems") as refused:
        run_rules([TYPO, EMPTY], given(), options)
    for word in ("tolerated", "end-token", "least"):
        assert word in str(refused.value)


def test_unknown_level_is_refused() -> None:
    """A level is one of three."""
    with pytest.raises(Refused) as refused:
        run_rules([EMPTY], given(), levels={"DAT009": "blok"})
    assert "did you mean 'block'?" == refused.value.wanted


def test_crash_of_a_rule_is_our_fault_and_named() -> None:
    """A crash never turns into a pass, and the message names the rule."""

    def crash(given: Given, options: object) -> None:
        raise ZeroDivisionError("bang")

    with pytest.raises(Broken) as broken:
        run_rules([replace(EMPTY, check=crash)], given())
    assert "rule rows-without-lesson (DAT009) crashed" == broken.value.what
    assert "ZeroDivisionError: bang" == broken.value.found
    assert isinstance(broken.value.__cause__, ZeroDivisionError)


def test_refusal_of_a_rule_passes_through() -> None:
    """What a user can mend stays a refusal."""
    with pytest.raises(Refused, match="retired name"):
        run_rules([TYPO], given(), {"DAT004": {"retired": ["no successor"]}})


def test_lists_and_instances_are_options_too() -> None:
    """A list of words becomes a tuple; an options instance is taken as it is."""
    read = read_options(TYPO, {"keep": ["teh"], "rate": 1})
    assert (("teh",), 1.0) == (read.keep, read.rate)
    assert read is read_options(TYPO, read)
    with pytest.raises(Refused):
        read_options(TYPO, {"keep": "teh"})


def test_option_lines_carry_default_and_unit() -> None:
    """The page reads unit and default off the source."""
    (first, *_) = option_lines(TYPO.options)
    assert ("least", "int", 3) == (first.key, first.type, first.default)
    assert "occurrences" in first.comment


def test_given_are_not_changed() -> None:
    """Rules look and do not touch."""
    held = given()
    before = [row.id for row in held.rows("training-rows")]
    run_rules(CATALOGUE, held)
    assert before == [row.id for row in held.rows("training-rows")]
