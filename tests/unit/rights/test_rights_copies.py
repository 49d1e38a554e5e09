"""Copies that the ledger remembers: erasing reaches them outside of the project too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from erased_person import SECRET, build, run

from headgate.ledger.copies import copies, note_copy
from headgate.ledger.ledger import Ledger


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a ledger, in a project."""
    folder = tmp_path / "project" / ".headgate"
    folder.mkdir(parents=True)
    build(folder)
    return folder


def test_what_can_be_made_again_goes_and_the_rest_is_named(store: Path, tmp_path: Path) -> None:
    """A recorded effect as it was written is deleted, wherever it lies; one that was changed, and a kit, are named."""
    away, project = tmp_path / "elsewhere", store.parent
    (away / "kit").mkdir(parents=True)
    quoting, other = json.dumps({"answer": SECRET}), json.dumps({"answer": "nothing of theirs"})
    for name, text in (("old.effect", quoting), ("changed.effect", quoting), ("other.effect", other)):
        (away / name).write_text(text)
    (away / "kit/rows.jsonl").write_text(quoting + "\n" + other)
    with Ledger.open(store) as ledger:
        for name in ("old.effect", "changed.effect", "other.effect"):
            note_copy(ledger, away / name, project, what="effect", may_go=True)
        note_copy(ledger, away / "kit", project, what="rescue kit", may_go=False)
        assert 4 == len(copies(ledger))
    (away / "changed.effect").write_text(quoting + " ")
    done = run(store, items=True)
    assert {"changed.effect", "other.effect", "kit"} == {path.name for path in away.iterdir()}
    assert ["../elsewhere/old.effect"] == [name for name in done.files if "elsewhere" in name]
    assert {"../elsewhere/changed.effect", "../elsewhere/kit/rows.jsonl", "train.jsonl"} == set(done.yours)
    assert not done.whole


def test_a_copy_that_is_gone_or_moved_is_no_error(store: Path, tmp_path: Path) -> None:
    """There is nothing to look through."""
    (tmp_path / "gone.effect").write_text(json.dumps({"answer": SECRET}))
    with Ledger.open(store) as ledger:
        note_copy(ledger, tmp_path / "gone.effect", store.parent, what="effect", may_go=True)
    (tmp_path / "gone.effect").unlink()
    done = run(store, items=True)
    assert (["train.jsonl"], []) == (done.yours, done.unread)
