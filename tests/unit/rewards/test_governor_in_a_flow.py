"""[evaluate.governor.NAME]: declared strictly, judged from files or from the ledger, in the key of the stage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.evaluate.governor import GovernorSettings, govern_all
from headgate.evaluate.run import depends_on
from headgate.evaluate.settings import Settings, SuiteSettings
from headgate.flow.file import read_flow
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rules.reward_series import record_scores
from headgate.rules.reward_states import clear, states

FLOW = """
[flow]
name = "support"
[evaluate.suites.topics]
gate = "gate.jsonl"
[evaluate.governor.thumbs]
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    return StageContext(
        folder=tmp_path, work=tmp_path, outputs={}, quiet=True, now=datetime(2026, 11, 22, tzinfo=UTC),
        flow_name="support",
    )  # fmt: skip


def settings(**governor: Any) -> Settings:
    return Settings(suites={"topics": SuiteSettings(gate="g")}, governor={"thumbs": GovernorSettings(**governor)})


def rules(verdicts: list[Any]) -> list[tuple[str, str]]:
    return [(one.rule, one.outcome.value) for one in verdicts]


def test_a_flow_file_declares_proxy_and_outcome(tmp_path: Path) -> None:
    path = tmp_path / "headgate.toml"
    path.write_text(FLOW + 'proxy = "thumbs"\noutcome = ["solved", "kept"]\nhold-back = 0.05\nform = "rl"\n')
    ((_, section),) = read_flow(path).stages
    table = section.governor["thumbs"]
    assert ("thumbs", ("solved", "kept")) == (table.fields.proxy, table.fields.outcomes)
    assert (0.05, "rl", 12) == (table.terms.hold_back, table.terms.form, table.terms.planned)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('proxy = "solved"\noutcome = "solved"', "outcome is the proxy"),
        ("outcome = []", "without an outcome"),
        ("drop = 0.0", "drop"),
        ("looks = 0", "looks"),
        ("hold-back = 1.0", "hold-back"),
        ('form = "ppo"', "form"),
        ("bugdet = 2", "budget"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, line: str, word: str) -> None:
    path = tmp_path / "headgate.toml"
    path.write_text(FLOW + line + "\n")
    with pytest.raises(Refused, match=word) as error:
        read_flow(path)
    assert "headgate.toml" in str(error.value)


def test_files_are_judged_and_kept(make, truths, written, ledger, context) -> None:
    written(make(*truths["hacked"]))
    found = govern_all(ledger, settings(files="scores.jsonl", suite="tickets").governor, context, None)
    assert ("reward-stop", "fail") == rules(found.verdicts)[0]
    (state,) = states(ledger, "thumbs", "support")
    assert ("STOP", ["tickets"]) == (state.body["state"], state.body["suites"])
    assert {"state": "STOP", "steps": ["0", "1", "2", "3"]} == found.facts["thumbs"]


def test_a_missing_file_is_refused(ledger, context) -> None:
    with pytest.raises(Refused):
        govern_all(ledger, settings(files="nowhere.jsonl").governor, context, None)
    assert [] == states(ledger)


def test_nothing_recorded_cannot_be_told(ledger, context) -> None:
    found = govern_all(ledger, settings().governor, context, None)
    assert [("reward-governor", "unsure")] == rules(found.verdicts)


def test_records_of_the_ledger_are_judged(make, truths, ledger, context) -> None:
    rows = make(*truths["honest"], n=400)
    for step in range(4):
        record_scores(ledger, "thumbs", step, [row for row in rows if row["step"] == step], flow="support")
    found = govern_all(ledger, settings().governor, context, None)
    assert ("reward-governor", "pass") == rules(found.verdicts)[0]


def test_a_new_record_calls_for_another_evaluation(make, truths, ledger, context) -> None:
    given = settings()
    before = depends_on(ledger, given, context)
    assert depends_on(ledger, Settings(suites=given.suites), context) is None
    record_scores(ledger, "thumbs", 0, make([0.1], [0.5], n=30), flow="support")
    assert before != depends_on(ledger, given, context)


def test_another_name_does_not_clear_a_stop(ledger, context, make, truths, written) -> None:  # type: ignore[no-untyped-def]
    """A stopped series that is declared under another name, or not at all, still stops the evaluation of its flow."""
    written(make(*truths["hacked"]))
    told = settings(files="scores.jsonl", suite="tickets")
    assert "reward-stop" in dict(rules(govern_all(ledger, told.governor, context, None).verdicts))
    written(make(*truths["honest"], n=400))
    renamed = Settings(suites=told.suites, governor={"likes": GovernorSettings(files="scores.jsonl", suite="new")})
    for tables in (renamed, Settings(suites=told.suites)):
        assert ("reward-stop", "fail") in rules(govern_all(ledger, tables.governor, context, None).verdicts)
        assert 1 == len(depends_on(ledger, tables, context)["stops"])
    clear(ledger, "thumbs", flow=context.flow_name, by="Ann Lee", reason="mended", suite="new", now=context.now)
    assert [] == [one for one in rules(govern_all(ledger, {}, context, None).verdicts) if one[0] == "reward-stop"]
