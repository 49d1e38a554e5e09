"""The chain: what a verification sees when somebody edits the file behind the ledger's back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.kit.hashing import canonical_json, digest, digest_json
from headgate.ledger.chain import GENESIS, entry_hash
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.stats.verdict import Outcome


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ledger with one record of every kind."""
    folder = tmp_path_factory.mktemp("ledger")
    with Ledger.open(folder, create=True) as ledger, ledger.transaction():
        source = ledger.record("source", "desk", {"file": "desk.jsonl"})
        other = ledger.record("source", "synthetic", {"file": "made.jsonl"})
        rows = [
            RowRecord(
                id=digest(b"row %d" % i), content_id=digest(b"words %d" % i), body=b"%d" % i, source_id=source,
                subject="anna",
            )
            for i in range(3)
        ]  # fmt: skip
        ledger.rows.append(rows)
        made = RowRecord(
            id=digest(b"made"), content_id=digest(b"made words"), body=b"made", source_id=other, parents=(rows[0].id,)
        )
        ledger.rows.append([made])
        train, test = BitMap([1, 2, 4]), BitMap([3])
        ledger.versions.freeze("support", numbers=train | test, splits={"train": train, "test": test}, manifest={})
        ledger.record("run", "first", {"seed": 1}, edges=[Edge("trained-on", ledger.versions.get("support").node_id)])
        ledger.claims.assert_("subject:anna", "consent", "training", source="form", observed_at="2026-01-01")
        ledger.content.put(b"a recorded output")
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of that ledger, to be edited."""
    for name in ("ledger.sqlite", "ledger.key"):
        shutil.copy(original / name, tmp_path)
    return tmp_path


def tampered(folder: Path, *statements: str) -> None:
    """Runs SQL on the file as somebody would who knows how to remove the triggers."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, "the statement touched nothing"
        connection.commit()


def test_an_untouched_ledger_passes(folder: Path) -> None:
    """Nothing is reported of a ledger that nobody edited."""
    with Ledger.open(folder) as ledger:
        found = ledger.verify()
        assert (Outcome.PASS, ()) == (found.outcome, found.problems)
        assert ledger.head() == found.head


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE log SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 2", "its own fields were edited"),
        ("UPDATE log SET payload = '{}' WHERE seq = 2", "its payload was edited"),
        ("UPDATE nodes SET name = 'other' WHERE seq = 1", "is not what the log says"),
        ("UPDATE nodes SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", "is not what the log says"),
        ("UPDATE node_bodies SET body = '{}' WHERE seq = 1", "the body of source 'desk' was edited"),
        ("DELETE FROM node_bodies WHERE seq = 1", "is gone and was not erased"),
        ("UPDATE edges SET label = 'derived-from'", "that the log does not have"),
        ("DELETE FROM edges", "were deleted"),
        ("UPDATE rows SET subject = 'bob' WHERE number = 1", "are not the ones that were appended"),
        ("UPDATE rows SET subject = NULL WHERE number = 1", "are not the ones that were appended"),
        ("UPDATE rows SET source = 2 WHERE number = 1", "are not the ones that were appended"),
        ("UPDATE rows SET content_id = zeroblob(32) WHERE number = 1", "are not the ones that were appended"),
        ("UPDATE rows SET id = zeroblob(32) WHERE number = 1", "are not the ones that were appended"),
        ("UPDATE row_bodies SET body = zeroblob(9) WHERE number = 1", "the body of row 1 was edited"),
        ("DELETE FROM row_bodies WHERE number = 1", "the body of row 1 is gone and was not erased"),
        ("DELETE FROM row_parents", "the parents of rows 4 to 4 were edited"),
        (
            "INSERT INTO rows SELECT 99, zeroblob(32), content_id, body_digest, size, source, subject "
            "FROM rows WHERE number = 1",
            "1 rows that the log does not have",
        ),
        ("UPDATE claims SET value = '\"anything\"'", "was edited"),
        ("UPDATE claims SET valid_to = '2030-01-01T00:00:00.000000Z'", "was edited"),
        ("UPDATE claims SET recorded_at = '2020-01-01T00:00:00.000000Z'", "was edited"),
        ("DELETE FROM claims", "the claim of this entry was deleted"),
        ("UPDATE versions SET numbers = (SELECT numbers FROM version_splits LIMIT 1)", "the rows of support@1"),
        ("UPDATE version_splits SET split = 'valid' WHERE split = 'test'", "the splits of support@1"),
        ("DELETE FROM version_splits WHERE split = 'test'", "the splits of support@1"),
        ("UPDATE content_bytes SET bytes = zeroblob(9)", "content was edited"),
        ("DELETE FROM content_bytes", "content is gone and was not erased"),
    ],
)
def test_an_edit_behind_the_ledger_is_reported(folder: Path, statement: str, said: str) -> None:
    """Whatever is changed, added or removed, the report says what it was."""
    tampered(folder, statement)
    with Ledger.open(folder) as ledger:
        found = ledger.verify()
    assert Outcome.FAIL == found.outcome
    assert any(said in problem.what for problem in found.problems), found.problems


def test_a_removed_entry_is_named_by_its_number(folder: Path) -> None:
    """A gap in the middle of the log is reported where it is."""
    tampered(folder, "DELETE FROM log WHERE seq = 3")
    with Ledger.open(folder) as ledger:
        problems = ledger.verify().problems
    assert (4, "entries 3 to 3 are missing") in [(problem.seq, problem.what) for problem in problems]


def test_entries_that_changed_places_are_reported(folder: Path) -> None:
    """Swapping two entries breaks the chain at both."""
    swap = ("UPDATE log SET seq = -1 WHERE seq = 3", "UPDATE log SET seq = 3 WHERE seq = 4")
    tampered(folder, *swap, "UPDATE log SET seq = 4 WHERE seq = -1")
    with Ledger.open(folder) as ledger:
        found = {problem.seq for problem in ledger.verify().problems}
    assert {3, 4} <= found


def test_an_entry_rewritten_with_a_fitting_hash_breaks_the_link_to_the_next(folder: Path) -> None:
    """Whoever recomputes the hash of one entry and edits its record to fit would have to rewrite all that follow."""
    with Ledger.open(folder) as ledger:
        claim = next(entry for entry in ledger.log() if entry.action == "claim")
    payload = {**claim.payload, "recorded_at": "2020-01-01T00:00:00.000000Z"}
    told = digest_json(payload)
    hashed = entry_hash(claim.previous, claim.seq, claim.at, claim.action, told)
    text = canonical_json(payload).decode()
    tampered(
        folder,
        f"UPDATE claims SET recorded_at = '{payload['recorded_at']}'",
        f"UPDATE log SET payload = '{text}', payload_digest = x'{told[3:]}', hash = x'{hashed[3:]}' "
        f"WHERE seq = {claim.seq}",
    )
    with Ledger.open(folder) as ledger:
        problems = ledger.verify().problems
    assert [claim.seq + 1] == [problem.seq for problem in problems]
    assert "does not follow the entry before it" in problems[0].what


def test_a_cut_end_shows_only_against_the_expected_head(folder: Path) -> None:
    """A tail removed with everything it spoke for is consistent; only the head written down elsewhere tells."""
    with Ledger.open(folder) as ledger:
        head = ledger.head()
        assert Outcome.PASS == ledger.verify(head.hash).outcome
    tampered(folder, "DELETE FROM content_bytes", "DELETE FROM content", f"DELETE FROM log WHERE seq = {head.seq}")
    with Ledger.open(folder) as ledger:
        assert Outcome.PASS == ledger.verify().outcome
        cut = ledger.verify(head.hash)
    assert Outcome.FAIL == cut.outcome
    assert "entries were cut off or replaced" in cut.problems[0].what


def test_an_older_head_is_still_in_the_chain(folder: Path) -> None:
    """Growing the ledger does not invalidate a head that was written down before."""
    with Ledger.open(folder) as ledger:
        earlier = ledger.head().hash
        ledger.record("source", "later", {})
        assert Outcome.PASS == ledger.verify(earlier).outcome


def test_each_hash_follows_from_the_one_before(folder: Path) -> None:
    """The chain starts at the genesis hash and every entry can be recomputed from its fields."""
    with Ledger.open(folder) as ledger:
        entries = ledger.log()
    previous = GENESIS
    for number, entry in enumerate(entries, start=1):
        assert number == entry.seq
        assert previous == entry.previous
        assert entry_hash(previous, entry.seq, entry.at, entry.action, entry.payload_digest) == entry.hash
        previous = entry.hash


@pytest.mark.parametrize("table", ["log", "nodes", "edges", "claims", "rows", "versions", "content"])
def test_triggers_refuse_edits(folder: Path, table: str) -> None:
    """Plain SQL on an append-only table is stopped by the database itself."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


def test_bodies_may_be_deleted_and_never_changed(folder: Path) -> None:
    """What can be erased can still not be rewritten."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        for table in ("node_bodies", "row_bodies", "content_bytes"):
            column = "bytes" if table == "content_bytes" else "body"
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"UPDATE {table} SET {column} = {column}")
