"""Whatever is done to the access log is noticed."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.evaluate.access_log import ORIGIN, AccessLog
from headgate.kit.errors import Refused

NOW = datetime(2026, 11, 21, tzinfo=UTC)
COUNT = 6


def filled(path: Path) -> AccessLog:
    log = AccessLog(path)
    for i in range(COUNT):
        log.append(
            actor="ada",
            candidate=f"b3:{i}",
            suite="b3:suite",
            purpose="release",
            look=f"look {i // 2}",
            answer="pass" if i % 2 else "opened",
            bits=i % 2 * 3.5,
            detail={"best": 0.5},
            at=NOW,
        )
    return log


def test_a_whole_log_has_no_problems(tmp_path: Path) -> None:
    """Written and read back, chained from the origin, with its head known."""
    log = filled(tmp_path / "log")
    again = AccessLog(tmp_path / "log")
    assert again.entries == log.entries and again.entries[0].previous == ORIGIN
    assert again.problems(log.head) == []
    assert again.looks("b3:suite") == ["look 0", "look 1", "look 2"]
    assert (again.bits("b3:suite"), again.bits("b3:other")) == (10.5, 0.0)
    answer = again.answer_to("look 1")
    assert answer is not None and answer.seq == 4 and again.answer_to("look 9") is None


def test_every_edit_of_every_field_is_noticed(tmp_path: Path) -> None:
    """All twelve fields of all entries, each changed alone."""
    path = tmp_path / "log"
    head = filled(path).head
    lines = path.read_text().splitlines()
    unnoticed = []
    for number, name in itertools.product(range(COUNT), json.loads(lines[0])):
        entry = json.loads(lines[number])
        value = entry[name]
        entry[name] = (
            value + 1 if isinstance(value, int | float) else {"best": 0.6} if name == "detail" else value + "x"
        )
        path.write_text("\n".join([*lines[:number], json.dumps(entry), *lines[number + 1 :]]) + "\n")
        if not AccessLog(path).problems(head):
            unnoticed.append((number, name))
    assert unnoticed == []


def test_every_deletion_order_and_cut_is_noticed(tmp_path: Path) -> None:
    """Each entry deleted, each two swapped, each doubled, each tail cut off, and the whole file emptied."""
    path = tmp_path / "log"
    head = filled(path).head
    lines = path.read_text().splitlines()
    changed = [lines[:i] + lines[i + 1 :] for i in range(COUNT)]
    changed += [lines[:i] for i in range(COUNT)]
    changed += [[*lines[: i + 1], *lines[i:]] for i in range(COUNT)]
    for i, j in itertools.combinations(range(COUNT), 2):
        swapped = list(lines)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        changed.append(swapped)
    quiet = []
    for version in changed:
        path.write_text("".join(line + "\n" for line in version))
        if not AccessLog(path).problems(head):
            quiet.append(version)
    assert quiet == [] and len(changed) == 33


def test_a_log_written_anew_is_noticed_by_its_head(tmp_path: Path) -> None:
    """A forged chain is whole in itself and does not have the hash that the ledger remembers."""
    head = filled(tmp_path / "log").head
    forged = AccessLog(tmp_path / "forged")
    for entry in filled(tmp_path / "again").entries:
        forged.append(
            actor="eve",
            candidate=entry.candidate,
            suite=entry.suite,
            purpose=entry.purpose,
            look=entry.look,
            answer=entry.answer,
            at=NOW,
        )
    assert forged.problems() == []
    assert forged.problems(head) == [f"entry {COUNT} is not the one that the ledger remembers"]


def test_one_entry_after_the_remembered_head_is_no_problem_and_two_are(tmp_path: Path) -> None:
    """A run that ended between log and ledger leaves one entry more; entries that somebody added are no such thing."""
    log = filled(tmp_path / "log")
    fifth, fourth = log.entries[4], log.entries[3]
    assert log.problems((fifth.seq, fifth.hash)) == []
    assert log.problems((fourth.seq, fourth.hash)) == ["2 entries follow the last one that the ledger remembers"]
    assert log.answer_to("look 2") is not None and log.answer_to("look 2", 5) is None


def test_a_torn_line_is_named_and_stops_writing(tmp_path: Path) -> None:
    """Half a line is a problem; nothing is appended behind it."""
    path = tmp_path / "log"
    filled(path)
    path.write_text(path.read_text()[:-40])
    log = AccessLog(path)
    assert log.problems() == [f"line {COUNT} is no entry"]
    with pytest.raises(Refused, match="damaged"):
        log.append(actor="a", candidate="c", suite="s", purpose="p", look="l", answer="opened", at=NOW)
