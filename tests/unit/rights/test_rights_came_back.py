"""Ledgers that are brought back from copies made before an erasure, and what killed commands leave behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from erased_person import ANN, NOW, SECRET, build, run

from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY
from headgate.kit.hashing import digest_file
from headgate.ledger.ledger import Ledger
from headgate.rights import erasure
from headgate.rights.came_back import come_back, must_not_have_come_back
from headgate.rights.reach import Target


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a ledger."""
    build(tmp_path / ".headgate")
    return tmp_path / ".headgate"


def test_a_ledger_brought_back_from_before_an_erasure_is_noticed(store: Path, tmp_path: Path) -> None:
    """It verifies in itself, and has the words again; erased once more it is as it was."""
    backup = tmp_path / "backup.sqlite"
    shutil.copy(store / "ledger.sqlite", backup)
    run(store, items=True)
    with Ledger.open(store) as ledger:
        assert [] == come_back(ledger, store)
    shutil.copy(backup, store / "ledger.sqlite")
    with Ledger.open(store) as ledger:
        assert "pass" == ledger.verify().outcome.value
        assert [(ANN, NOW.strftime("%Y-%m-%d"))] == [(one, at[:10]) for one, at in come_back(ledger, store)]
        with pytest.raises(Refused, match="erased are in the ledger again") as refused:
            must_not_have_come_back(ledger, store)
        assert f"rights erase --subject {ANN.key} " in str(refused.value.next_step)
    run(store, items=True)
    with Ledger.open(store) as ledger:
        must_not_have_come_back(ledger, store)


def test_a_note_that_is_no_note_is_refused(store: Path) -> None:
    """Nobody can say whom it was about."""
    run(store, items=True)
    (note,) = (store / "erased").iterdir()
    note.write_text("{")
    with Ledger.open(store) as ledger, pytest.raises(Refused, match="a note of an erasure cannot be read"):
        come_back(ledger, store)


def test_what_a_killed_command_left_half_written_is_named(store: Path) -> None:
    """It is hidden, and stands where the file would have stood."""
    left = store.parent / f"{TEMPORARY}x1"
    left.write_text(SECRET)
    assert left.name in run(store, items=True).yours


def test_no_digest_of_a_shard_is_kept(store: Path) -> None:
    """Whoever has all rows of a split but one could try texts for it against the name of a shard that went."""
    asked = store / "work" / "asked.shard"
    name = digest_file(asked).removeprefix("b3:")
    asked.rename(asked.with_name(f"{name}.shard"))
    done = run(store, items=True)
    (said,) = [one for one in done.files if one.endswith(".shard")]
    with Ledger.open(store) as ledger:
        kept = ledger.seal.of(f"b3:{name}").removeprefix("b3:")
        assert f"work/{kept}.shard" == said
        assert not any(name in str(node.body) for node in ledger.find("decision", "erasure"))


@pytest.mark.parametrize("by, reason", [("A\nB", "case 1"), ("A", "case 1\n2026-01-01 erased by B")])
def test_who_and_why_are_one_line(store: Path, by: str, reason: str) -> None:
    """Nobody forges a line of the log."""
    with Ledger.open(store) as ledger, pytest.raises(Refused, match="in one line"):
        erasure.erase(
            ledger, erasure.plan(ledger, Target("subject", ANN.key)), store=store, by=by, reason=reason, now=NOW
        )
