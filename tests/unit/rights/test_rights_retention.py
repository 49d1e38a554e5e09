"""Retention that acts: what goes, what a hold or a model in use keeps, and alarms before loss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.capture.run import import_once
from headgate.capture.settings import Settings
from headgate.kit.clock import now as present
from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger import holds
from headgate.ledger.ledger import Edge, Ledger
from headgate.rights import cases, erasure, periods, remedies, retention
from headgate.rights.reach import Target

ANN = Person("Ann Lee", "--by", "ann")
NOW = present()
ROWS = [
    ("old forum words about a lost card and a fee", "forum", 400, {}),
    ("new forum words about a blocked card and a pin", "forum", 10, {}),
    ("old desk words about a transfer that never came", "desk", 400, {}),
    ("old words that somebody corrected after a complaint", "desk", 400, {"signal": "edit"}),
    ("old words of the group of people in the union", "desk", 400, {"group": "eu"}),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Rows of two sources, of several ages."""
    for source in ("forum", "desk"):
        lines = [
            {"prompt": text, "completion": "ok", "subject": "s", "created_at": _ago(days).isoformat(), **more}
            for text, of, days, more in ROWS
            if of == source
        ]
        file = tmp_path / f"{source}.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in lines))
        import_once(tmp_path, Settings(files=[file.name], source=source, licence="CC0-1.0"), quiet=True)
        file.unlink()
    with Ledger.open(tmp_path / ".headgate") as opened:
        yield opened


def _ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def said(ledger: Ledger, numbers: BitMap) -> list[str]:
    """The first words of rows that are still there."""
    return sorted(json.loads(body)["messages"][0]["content"][:14] for _, _, body in ledger.rows.bodies(numbers))


def keep(ledger: Ledger, about: str, days: int | None) -> None:
    """A period, from now on."""
    periods.set_period(ledger, about, days, by="Ann Lee", reason="policy", now=NOW)


def due(ledger: Ledger, life: int = 365) -> retention.Due:
    """What is past its period."""
    return retention.due(ledger, NOW, adapter_life=life)


def ran(ledger: Ledger) -> retention.Done:
    """A run that erases."""
    store = ledger.file.parent
    return retention.run(ledger, due(ledger), store=store, by="Ann Lee", reason="monthly", now=NOW)


def released(ledger: Ledger, words: str) -> None:
    """An adapter made from the row that begins so, released and in use."""
    every = ledger.rows.all_numbers()
    numbers = BitMap(n for n, _, body in ledger.rows.bodies(every) if words in body.decode())
    name = ledger.versions.freeze("support", numbers=numbers, splits={"train": numbers}, manifest={})
    version = ledger.versions.get(name).node_id
    run = ledger.record("run", "run", {}, edges=[Edge("trained-on", version)])
    adapter = ledger.record("adapter", "support@1f", {}, edges=[Edge("derived-from", run)])
    release = ledger.record("release", "replies@1f", {}, edges=[Edge("derived-from", adapter)])
    moved = {"alias": "production", "release": "replies@1f", "before": "", "how": "release", "number": 1, "at": "x"}
    ledger.record("deployment", "production", moved, edges=[Edge("served-as", release)])


def test_without_a_period_everything_stays(ledger):
    """Nothing goes that nobody gave an end."""
    assert (due(ledger).past, ran(ledger).erased) == ({}, None)


@pytest.mark.parametrize(
    ("about", "gone"),
    [
        ("source:forum", ["old forum word"]),
        ("kind:rows", ["old desk words", "old forum word", "old words of t"]),
        ("kind:signals", ["old words that"]),
        ("group:eu", ["old words of t"]),
        ("kind:traces", []),
    ],
)
def test_what_is_past_its_period_goes_and_nothing_else(ledger, about, gone):
    """By source, by group, by kind of content; a run ends with the words nowhere."""
    keep(ledger, about, 365)
    every = ledger.rows.all_numbers()
    before = said(ledger, every)
    done = ran(ledger)
    assert sorted(set(before) - set(said(ledger, every))) == gone
    assert (done.erased.whole if done.erased else True) is True
    assert due(ledger).erasable == BitMap()
    assert ledger.verify().problems == ()


def test_the_shortest_of_several_periods_counts(ledger):
    """A contract about a source is not lengthened by a general period."""
    keep(ledger, "kind:rows", 10_000)
    keep(ledger, "source:forum", 5)
    assert {about: len(rows) for about, rows in due(ledger).past.items()} == {"source:forum": 2}


def test_a_row_without_a_date_counts_from_its_capture(ledger, tmp_path):
    """What nobody dated is as old as its record."""
    (tmp_path / "undated.jsonl").write_text(json.dumps({"prompt": "undated words of nobody", "completion": "ok"}))
    import_once(tmp_path, Settings(files=["undated.jsonl"], source="log", licence="CC0-1.0"), quiet=True)
    keep(ledger, "source:log", 30)
    assert due(ledger).past == {}
    later = retention.due(ledger, present() + timedelta(days=31), adapter_life=365)
    assert len(later.past["source:log"]) == 1


def test_a_hold_keeps_rows_from_a_run_and_from_an_erasure(ledger):
    """Until its last day, or until it is lifted."""
    keep(ledger, "source:forum", 365)
    holds.put(ledger, "source:forum", reason="suit 17/26", by="Ann Lee", until=date(2099, 1, 1), now=NOW)
    found = due(ledger)
    assert (len(found.held), len(found.erasable)) == (1, 0)
    planned = erasure.plan(ledger, Target("source", "forum"))
    with pytest.raises(Refused, match="a legal hold keeps 2 of the rows"):
        erasure.erase(ledger, planned, store=ledger.file.parent, by="Ann Lee", reason="x", now=NOW)
    holds.lift(ledger, "source:forum", reason="settled", by="Ann Lee", now=NOW + timedelta(seconds=1))
    later = retention.due(ledger, NOW + timedelta(seconds=2), adapter_life=365)
    assert (len(later.held), len(later.erasable)) == (0, 1)


def test_a_refusal_names_the_holds_that_matter(ledger):
    """Of several holds those that keep one of the rows, and no others."""
    said = {"by": "Ann Lee", "until": date(2099, 1, 1), "now": NOW}
    holds.put(ledger, "source:forum", reason="suit 17/26", **said)
    holds.put(ledger, "source:desk", reason="audit", **said)
    with pytest.raises(Refused) as refused:
        erasure.erase(
            ledger, erasure.plan(ledger, Target("source", "forum")), store=ledger.file.parent, by="Ann Lee",
            reason="x", now=NOW,
        )  # fmt: skip
    assert "suit 17/26" in str(refused.value.found)
    assert "audit" not in str(refused.value.found)


def test_a_period_of_the_project_file_that_no_row_is_under_is_told(ledger):
    """A file may be written before the first row comes, so it is taken, and told with the nearest name."""
    settings = periods.RetentionSettings(sources={"forun": 30, "forum": 30}, groups={"eu": 40, "uk": 50})
    periods.take_over(ledger, settings, ANN, NOW)
    assert due(ledger).unknown == ["source:forun (nearest: forum)", "group:uk"]


def test_a_hold_ends_by_itself_and_begins_in_the_future_only(ledger):
    """Its end date is part of it."""
    with pytest.raises(Refused, match="lies in the future"):
        holds.put(ledger, "ledger", reason="x", by="Ann Lee", until=date(2020, 1, 1), now=NOW)
    day = NOW.date() + timedelta(days=3)
    holds.put(ledger, "ledger", reason="audit", by="Ann Lee", until=day, now=NOW)
    kept = [len(holds.held(ledger, NOW + timedelta(days=days))) for days in (1, 5)]
    assert kept == [5, 0]


def test_what_a_model_in_use_needs_becomes_a_case(ledger):
    """The rows stay, the gate is stopped, another run opens no second case; retired, the next run erases."""
    keep(ledger, "source:forum", 365)
    released(ledger, "old forum")
    done = ran(ledger)
    assert done.erased is None
    assert done.case is not None
    assert (done.case.kind, [one["name"] for one in done.case.touched if one["kind"] == "adapter"]) == (
        "retention", ["support@1f"],
    )  # fmt: skip
    assert ran(ledger).case is None
    assert "old forum word" in said(ledger, ledger.rows.all_numbers())
    remedies.apply(ledger, done.case, "support@1f", "retire", by="Ann Lee", now=NOW)
    assert ran(ledger).erased is not None
    assert "old forum word" not in said(ledger, ledger.rows.all_numbers())


def test_an_adapter_that_outlives_its_rows_raises_an_alarm(ledger):
    """Before the loss: the row is 10 days old, goes in 20, and the adapter is meant to live for a year."""
    released(ledger, "new forum")
    assert due(ledger).alarms == []
    keep(ledger, "source:forum", 30)
    (alarm,) = due(ledger).alarms
    assert (alarm.adapter, alarm.rows) == ("support@1f", 1)
    assert alarm.first == (_ago(10) + timedelta(days=30)).date().isoformat()
    assert due(ledger, life=15).alarms == []


def test_recorded_answers_go_by_a_period_of_their_own(ledger):
    """Of records that are old enough; the record stays, and says where they were."""
    answers = ledger.content.put(b'["recorded answer"]')
    score = ledger.record("score", "main", {"outcomes": answers})
    keep(ledger, "kind:outputs", 30)
    assert due(ledger).outputs == []
    found = retention.due(ledger, present() + timedelta(days=31), adapter_life=365)
    done = retention.run(ledger, found, store=ledger.file.parent, by="Ann Lee", reason="monthly", now=NOW)
    assert (done.outputs, ledger.content.has(answers), ledger.node(score).name) == (1, False, "main")


def test_periods_of_the_project_file_are_dated_claims(ledger):
    """Taken over once; what a person sets stays until the file changes; what leaves the file holds no more."""
    settings = periods.RetentionSettings(traces=30, sources={"forum": 365})
    assert periods.take_over(ledger, settings, ANN, NOW) == 2
    assert periods.take_over(ledger, settings, ANN, NOW) == 0
    later = NOW + timedelta(days=1)
    periods.set_period(ledger, "source:forum", 90, by="Ann Lee", reason="contract", now=later)
    assert periods.take_over(ledger, settings, ANN, later) == 0
    assert {one.about: one.days for one in periods.periods(ledger, later)} == {"kind:traces": 30, "source:forum": 90}
    last = NOW + timedelta(days=2)
    assert periods.take_over(ledger, periods.RetentionSettings(sources={"forum": 200}), ANN, last) == 2
    assert {one.about: one.days for one in periods.periods(ledger, last)} == {"source:forum": 200}
    assert [one.days for one in periods.periods(ledger, later) if one.about == "source:forum"] == [90]


@pytest.mark.parametrize("given", [{"rows": -1}, {"sources": {"forum": 40_000}}, {"adapter_life": 0}])
def test_wrong_periods_are_refused(given):
    """Below a day, above a hundred years."""
    with pytest.raises(Refused):
        periods.RetentionSettings(**given)


def test_a_case_about_rows_is_read_like_any_other(ledger):
    """Its kind is known, and its target is found by the address of the numbers."""
    target = retention.target_of(ledger, BitMap([1, 2]))
    case = cases.open_case(ledger, cases.RETENTION, target, reason="past", source="Ann Lee", now=NOW)
    assert cases.get(ledger, case.name).body["rows"] == 2


@pytest.mark.parametrize("made", ["02.01.2020", "yesterday", "2099-01-01", "20260230"])
def test_a_date_that_nobody_can_read_or_that_lies_ahead_counts_from_the_capture(ledger, tmp_path, made) -> None:
    """A slip of the pen keeps no row for ever, and whoever sets a period is told how many such rows there are."""
    line = {"prompt": "words with another date", "completion": "ok", "subject": "s", "created_at": made}
    (tmp_path / "odd.jsonl").write_text(json.dumps(line))
    import_once(tmp_path, Settings(files=["odd.jsonl"], source="odd", licence="CC0-1.0"), quiet=True)
    keep(ledger, "source:odd", 30)
    found = due(ledger)
    assert (1, []) == (found.undated, [*found.past])
    assert "count from their capture" in " ".join(retention.lines(found, None))
    later = retention.due(ledger, NOW + timedelta(days=31), adapter_life=1)
    assert ["source:odd"] == [*later.past]
