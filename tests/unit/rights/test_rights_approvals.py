"""Approvals of erasures: rows, recorded answers, and what a kill leaves of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from headgate.capture.run import import_once
from headgate.capture.settings import Settings
from headgate.kit.clock import now as present
from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger import approvals, roles
from headgate.ledger.ledger import Ledger
from headgate.rights import erasure, periods, retention
from headgate.rights.reach import Target

NOW = present()
ANN = Person("Ann Lee", "--by", "ann")
LATER = NOW + timedelta(days=31)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two rows about ann, a recorded answer, thirty days for each, and two people who erase together."""
    lines = [
        {"prompt": f"old words about a lost card, number {n}", "completion": "ok", "subject": "ann"} for n in (1, 2)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    import_once(tmp_path, Settings(files=["rows.jsonl"], source="desk", licence="CC0-1.0"), quiet=True)
    (tmp_path / "rows.jsonl").unlink()
    with Ledger.open(tmp_path / ".headgate") as opened:
        opened.record("score", "main", {"outcomes": opened.content.put(b'["recorded answer"]')})
        roles.adopt(opened, roles.Roles(erase=["Ann Lee", "B. Kim"], two_people=["erase"]), ANN, NOW)
        yield opened


def keep(ledger: Ledger, *about: str) -> None:
    """Thirty days for rows, or outputs."""
    for one in about:
        periods.set_period(ledger, one, 30, by="Ann Lee", reason="policy", now=NOW)


def approve(ledger: Ledger, at: datetime = LATER) -> None:
    """B. Kim approves everything that is past its period."""
    for about, scope, _ in retention.due_acts(ledger, at):
        approvals.approve(ledger, "erase", about, scope, by="B. Kim", reason="read the list", now=at)


def ran(ledger: Ledger, at: datetime = LATER) -> retention.Done:
    """A run by Ann Lee."""
    found = retention.due(ledger, at, adapter_life=365)
    return retention.run(ledger, found, store=ledger.file.parent, by="Ann Lee", reason="monthly", now=at)


def erase_ann(ledger: Ledger, at: datetime = NOW, **flags: bool) -> erasure.Erased:
    """Ann's rows, erased by Ann Lee."""
    planned = erasure.plan(ledger, Target("subject", "ann"), **flags)
    return erasure.erase(ledger, planned, store=ledger.file.parent, by="Ann Lee", reason="case 1", now=at)


def killed(*_: object, **__: object) -> None:
    """What a kill looks like from inside."""
    raise KeyboardInterrupt


def test_two_people_erase_rows_and_recorded_answers(ledger: Ledger) -> None:
    """The second one approves exactly what goes; without the answers' approval not even a row goes."""
    keep(ledger, "kind:rows", "kind:outputs")
    with pytest.raises(Refused, match="nobody approved it"):
        ran(ledger)
    (rows, _) = retention.due_acts(ledger, LATER)
    approvals.approve(ledger, "erase", rows[0], rows[1], by="B. Kim", reason="read the rows", now=LATER)
    with pytest.raises(Refused, match="nobody approved it"):
        ran(ledger)
    assert len(list(ledger.rows.bodies([1, 2]))) == 2
    approve(ledger)
    done = ran(ledger)
    assert (done.erased and done.erased.rows, done.outputs) == (2, 1)
    assert retention.due(ledger, LATER, adapter_life=365).outputs == []


def test_an_approval_of_answers_is_for_the_answers_that_were_there(ledger: Ledger) -> None:
    """One more that grew old since wants another approval; the approval of somebody alone is none."""
    keep(ledger, "kind:outputs")
    approve(ledger)
    ledger.record("score", "second", {"outcomes": ledger.content.put(b'["another answer"]')})
    later = LATER + timedelta(minutes=1)
    with pytest.raises(Refused, match="not what it was then"):
        ran(ledger, later)
    for about, scope, _ in retention.due_acts(ledger, later):
        approvals.approve(ledger, "erase", about, scope, by="Ann Lee", reason="mine", now=later)
    with pytest.raises(Refused, match="not what it was then"):
        ran(ledger, later)


@pytest.mark.parametrize("where", ["_erase_files", "_erase_records", "remaining"])
def test_an_erasure_that_was_cut_off_goes_on_under_its_approval(ledger: Ledger, monkeypatch, where: str) -> None:
    """Wherever it was cut off, however late it goes on; nothing else rests on that approval, and once done, nothing."""
    planned = erasure.plan(ledger, Target("subject", "ann"))
    approvals.approve(ledger, "erase", "subject:ann", planned.scope, by="B. Kim", reason="read it", now=NOW)
    with monkeypatch.context() as cut:
        cut.setattr(erasure, where, killed)
        with pytest.raises(KeyboardInterrupt):
            erase_ann(ledger)
    assert len(ledger.find("decision", approvals.SPENT)) == 1
    with pytest.raises(Refused, match="not what it was then"):
        erase_ann(ledger, items=True)
    done = erase_ann(ledger, NOW + timedelta(days=30))
    assert done.rows + done.before == 2
    assert list(ledger.rows.bodies([1, 2])) == []
    with pytest.raises(Refused, match="nobody approved it"):
        erase_ann(ledger)


def test_an_erasure_that_left_words_in_a_file_is_looked_at_again_under_its_approval(ledger: Ledger) -> None:
    """Until nothing is left the same act goes on; then the approval is spent for good."""
    file = ledger.file.parent.parent / "mine.jsonl"
    file.write_text("old words about a lost card, number 1")
    planned = erasure.plan(ledger, Target("subject", "ann"))
    approvals.approve(ledger, "erase", "subject:ann", planned.scope, by="B. Kim", reason="read it", now=NOW)
    assert [erase_ann(ledger).yours, erase_ann(ledger).yours] == [["mine.jsonl"]] * 2
    file.unlink()
    assert erase_ann(ledger).whole
    with pytest.raises(Refused, match="nobody approved it"):
        erase_ann(ledger)


@pytest.mark.parametrize("where", ["_erase_files", "remaining"])
def test_a_run_that_was_cut_off_is_brought_to_its_end_by_the_next(ledger: Ledger, monkeypatch, where: str) -> None:
    """Also where no row is past its period any more, because their words were gone when it was cut off."""
    keep(ledger, "kind:rows")
    approve(ledger)
    with monkeypatch.context() as cut:
        cut.setattr(erasure, where, killed)
        with pytest.raises(KeyboardInterrupt):
            ran(ledger)
    done = ran(ledger, LATER + timedelta(days=1))
    assert done.erased is not None
    assert done.erased.record
    assert erasure.unfinished(ledger) == []
    assert ran(ledger, LATER + timedelta(days=2)).erased is None


def test_answers_that_went_as_a_run_was_cut_off_are_swept_by_the_next(ledger: Ledger, monkeypatch) -> None:
    """They go in one transaction with the approval; what no sweep had reached is swept by the next run."""
    keep(ledger, "kind:outputs")
    approve(ledger)
    with monkeypatch.context() as cut:
        cut.setattr(Ledger, "sweep", killed)
        with pytest.raises(KeyboardInterrupt):
            ran(ledger)
    assert [node.body["target"] for node in erasure.unfinished(ledger)] == [retention.ANSWERED]
    assert ran(ledger).outputs == 0
    assert erasure.unfinished(ledger) == []
