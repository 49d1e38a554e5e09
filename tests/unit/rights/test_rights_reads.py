"""Reads of content about people: one record for each command, who may, and who has looked at whose rows."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger import reads, roles
from headgate.ledger.ledger import Ledger

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Person("Ann Lee", "--by", "ann")


def rows(world, *names: str) -> BitMap:
    """Numbers of named rows."""
    return BitMap(world.numbers[name] for name in names)


def seen(world, by: str, *names: str, at: datetime = NOW, **given) -> str | None:
    """A command that shows some rows."""
    return reads.note(world.ledger, "ledger show", rows(world, *names), by=by, now=at, **given)


def test_one_record_says_who_what_and_for_what(world):
    """The rows as a bitmap, the people by addresses; no key of a person stands in the record."""
    record = seen(world, "Zoe", "ann-1", "bob-1", purpose="case 1")
    (found,) = reads.reads(world.ledger)
    assert (found.record, found.by, found.command, found.purpose) == (record, "Zoe", "ledger show", "case 1")
    assert (found.rows, found.people) == (2, 2)
    assert set(found.subjects) == {roles.key_address(world.ledger, key) for key in ("ann", "bob")}
    body = world.ledger.node(found.record).body
    assert not {"ann", "bob"} & set(map(str, body.values()))
    assert BitMap.deserialize(world.ledger.content.get(found.numbers)) == rows(world, "ann-1", "bob-1")
    assert world.ledger.verify().problems == ()


def test_rows_made_from_a_persons_rows_are_about_them(world):
    """A paraphrase of a paraphrase has no subject of its own; reading it is reading about Ann."""
    assert seen(world, "Zoe", "paraphrase of it") is not None
    (found,) = reads.reads(world.ledger, rows=rows(world, "paraphrase of it"))
    assert found.subjects == (roles.key_address(world.ledger, "ann"),)


def test_what_is_about_nobody_is_not_recorded(world):
    """A record for every row about nobody would bury the others."""
    world.add("about nobody", "forum")
    assert seen(world, "Zoe", "about nobody") is None
    assert reads.reads(world.ledger) == []


def test_who_has_looked_is_found_by_rows_by_name_and_by_day(world):
    """Also after the rows were erased: the numbers stay."""
    roles.adopt(world.ledger, roles.Roles(personal=["*"], also={"Zoe": ["zoe@corp.example"]}), ANN, NOW)
    seen(world, "Zoe", "ann-1")
    seen(world, "Max", "bob-1", at=NOW + timedelta(days=2))
    world.ledger.rows.erase(rows(world, "ann-1", "bob-1"))
    told = [
        [one.by for one in reads.reads(world.ledger, rows=world.ledger.rows.numbers_of_subject("ann"))],
        [one.by for one in reads.reads(world.ledger, by="zoe@corp.example")],
        [one.by for one in reads.reads(world.ledger, since=NOW + timedelta(days=1))],
    ]
    assert told == [["Zoe"], ["Zoe"], ["Max"]]


def test_a_read_wants_the_role_and_where_asked_a_purpose(world, monkeypatch):
    """Refused before anything is shown, and kept."""
    monkeypatch.delenv("HEADGATE_PURPOSE", raising=False)
    roles.adopt(world.ledger, roles.Roles(personal=["Zoe"], purpose=["personal"]), ANN, NOW)
    with pytest.raises(Refused, match="Max may not read the content"):
        seen(world, "Max", "ann-1", purpose="curious")
    with pytest.raises(Refused, match="read for a purpose"):
        seen(world, "Zoe", "ann-1")
    assert [one["why"] for one in roles.refusals(world.ledger)] == ["held by Zoe", "no purpose"]
    assert reads.reads(world.ledger) == []
    monkeypatch.setenv("HEADGATE_PURPOSE", "case 7")
    seen(world, "Zoe", "ann-1")
    assert [one.purpose for one in reads.reads(world.ledger)] == ["case 7"]


def test_a_walk_is_recorded_and_asks_for_no_role(world):
    """What a report quotes is recorded; who runs the flow is not stopped by it."""
    roles.adopt(world.ledger, roles.Roles(personal=["Zoe"]), ANN, NOW)
    assert seen(world, "Max", "ann-1", ask=False) is not None


@contextlib.contextmanager
def unwritable(ledger: Ledger, monkeypatch):
    """As where the file or the folder is read-only."""

    @contextlib.contextmanager
    def refuse():
        raise Refused("the ledger cannot be written")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "transaction", refuse)
        yield


def test_an_unwritable_ledger_is_read_with_a_warning_or_not_at_all(world, monkeypatch, capsys):
    """As the table of roles has it."""
    with unwritable(world.ledger, monkeypatch):
        assert seen(world, "Zoe", "ann-1") is None
    assert "not recorded: the ledger cannot be written" in capsys.readouterr().err
    roles.adopt(world.ledger, roles.Roles(personal=["*"], reads="must-be-logged"), ANN, NOW)
    with unwritable(world.ledger, monkeypatch), pytest.raises(Refused, match="only where the read can be recorded"):
        seen(world, "Zoe", "ann-1")
