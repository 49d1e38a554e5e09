"""Erasure: the words are in no file, everything else stands, and a kill changes nothing at the end."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
import zstandard
from erased_person import (
    ANN,
    BOB,
    COMMON,
    NOW,
    PARAPHRASE,
    SECRET,
    as_written,
    build,
    killed_after,
    run,
    short_family,
    state,
    words,
)
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest
from headgate.ledger import holds
from headgate.ledger.ledger import Ledger, RowRecord
from headgate.rights import erasure, traces
from headgate.rights.cases import open_case
from headgate.rights.reach import ROW, Target, reach
from headgate.rights.traces import Traces, pieces_of
from headgate.rows.row import Kind, Message, Row, Side, from_bytes, to_bytes


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a ledger."""
    build(tmp_path / ".headgate")
    return tmp_path / ".headgate"


def test_an_item_that_quotes_them_holds_everything_up(store: Path) -> None:
    """Whole or not at all: afterwards nobody could look for the words again; with --items it goes through."""
    before = state(store)
    held = run(store)
    assert (0, 1, "") == (held.rows, len(held.left), held.record)
    assert before == state(store)
    done = run(store, items=True)
    assert (3, ["train.jsonl"]) == (done.rows, done.yours)
    assert (1, []) == (done.restated, done.left)
    again = run(store, items=True)
    assert (["train.jsonl"], False) == (again.yours, again.whole)  # nobody could look for the words any more
    (store.parent / "train.jsonl").write_text("{}\n")
    assert [] == run(store, items=True).yours
    again = run(store, items=True)
    assert (0, 0, 3) == (again.rows, again.restated, again.before)
    assert "had been erased before" in " ".join(told(store, again))


def told(store: Path, done: erasure.Erased) -> list[str]:
    """What is printed."""
    with Ledger.open(store) as ledger:
        return erasure.lines(erasure.plan(ledger, ANN), done)


def test_names_and_keys_are_no_words_of_a_person(tmp_path: Path) -> None:
    """A long subject key stands in a case and in a source's name; both stay readable."""
    from headgate.rights import cases

    store, key = tmp_path / ".headgate", "maria.jansen@example.com"
    store.mkdir()
    with Ledger.open(store, create=True, clock=lambda: NOW) as ledger:
        source = ledger.record("source", "community-forum-2024", {"name": "community-forum-2024"})
        side = {"subject": key, "source": "community-forum-2024", "extra": {"note": "called about the blue gate"}}
        body = json.dumps({"messages": [{"role": "user", "content": SECRET}], "side": side}).encode()
        ledger.rows.append(
            [RowRecord(id=digest(b"1"), content_id=digest(b"2"), body=body, source_id=source, subject=key)]
        )
        ledger.record("verdict", "check", {"examples": ["called about the blue gate"]})
        target = Target("subject", key)
        cases.open_case(ledger, "withdrawal", target, reason="mail", source="A", now=NOW)
        done = erasure.erase(ledger, erasure.plan(ledger, target), store=store, by="A", reason="rights/1", now=NOW)
        assert (1, 1, True) == (done.rows, len(done.records), done.whole)
        assert [key] == [case.target.key for case in cases.all_cases(ledger)]
        assert [False] == [node.erased for node in ledger.find("source")]


def test_an_erased_verdict_is_a_doubt_that_blocks(store: Path) -> None:
    """It may have been a failure."""
    from headgate.ledger.steps import verdict_from_json

    run(store, items=True)
    with Ledger.open(store) as ledger:
        (verdict,) = [verdict_from_json(node.body) for node in ledger.find("verdict")]
    assert ("missing-evidence", True) == (verdict.rule, verdict.blocks)


def test_what_cannot_be_searched_is_said(store: Path, tmp_path: Path) -> None:
    """A linked folder is named; a file that a person put beside the ledger is named and not deleted."""
    (store / "mine.jsonl").write_text(json.dumps({"text": SECRET}))
    (tmp_path / "elsewhere").mkdir()
    (store / "work" / "linked").symlink_to(tmp_path / "elsewhere")
    done = run(store, items=True)
    assert ["work/linked: a link"] == done.unread
    assert {"mine.jsonl", "train.jsonl"} == set(done.yours)
    assert (store / "mine.jsonl").exists()
    assert not done.whole


def test_the_words_are_in_no_file_and_the_rest_stands(store: Path) -> None:
    """Ann's rows and the paraphrase of one go; what Bob says too and what was also made from his stays."""
    with Ledger.open(store) as ledger:
        before = reach(ledger, ANN).as_json()
    done = run(store, items=True)
    bodies, files, verdicts, rows, verified = state(store)
    assert [3, 4, 6] == [number for number, _ in bodies]
    assert ["kept.jsonl", "other.shard"] == files
    assert [("check", True)] == verdicts
    assert (6, "pass") == (rows, verified)
    assert (3, 1, 2, []) == (done.rows, done.content, len(done.records), done.remaining)
    assert ["train.jsonl"] == done.yours
    with Ledger.open(store) as ledger:
        assert before == reach(ledger, ANN).as_json()
        assert BOB in ledger.content.get(ledger.seal.address(words(BOB))).decode()


def test_a_byte_search_of_the_test_itself_finds_nothing(store: Path) -> None:
    """Not by the code that erased: every file, raw, and every blob unpacked."""
    assert [] == run(store, items=True).remaining
    wanted = [SECRET[:30].encode(), json.dumps(SECRET)[1:31].encode(), PARAPHRASE[20:50].encode(), b"harbour \\u2013"]
    hay = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    with sqlite3.connect(store / "ledger.sqlite") as connection:
        for table, column in (("row_bodies", "body"), ("content_bytes", "bytes")):
            hay += [zstandard.decompress(one[0]) for one in connection.execute(f"select {column} from {table}")]
    connection.close()
    assert [] == [one for one in wanted if one in b"".join(hay)]


def test_nobody_can_try_texts_against_what_stays(store: Path) -> None:
    """Texts of two letters, in a row that a verdict, a removed list and a file name: no plain address is left."""
    row = Row(
        kind=Kind.DEMONSTRATION, messages=(Message("user", "no"), Message("assistant", "ok")), side=Side(subject="ann")
    )
    with Ledger.open(store, clock=lambda: NOW) as ledger:
        record = RowRecord(
            id=row.id,
            content_id=row.content_id,
            body=to_bytes(row),
            source_id=ledger.find("source")[0].id,
            subject="ann",
        )
        ledger.rows.append([record])
        ledger.record("verdict", "near", {"findings": [{"row": row.id}]})
        ledger.content.put(canonical_json([{"content_id": row.content_id}]))
        open_case(ledger, "takedown", Target(ROW, row.id), reason="asked", source="A. Vos", now=NOW)
    (store / "work" / "named.json").write_text(json.dumps({"row": row.id}))
    assert [] == run(store, items=True).remaining
    hay = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    with closing(sqlite3.connect(store / "ledger.sqlite")) as connection:
        hay += [zstandard.decompress(one[0]) for one in connection.execute("select bytes from content_bytes")]
    plain = [row.id, row.content_id, digest(to_bytes(row))]
    wanted = [form for one in plain for form in (one[3:].encode(), bytes.fromhex(one[3:]))]
    assert [] == [one for one in wanted if one in b"".join(hay)]


def test_nobody_can_try_texts_against_a_merged_row_that_stays(store: Path) -> None:
    """Neither against the parents that it names, nor against its own address or that of what was made from it."""
    guesses = short_family(store)
    with Ledger.open(store) as ledger:
        before = reach(ledger, ANN).as_json()
    done = run(store, items=True)
    assert (4, [], []) == (done.restated, done.left, done.remaining)
    hay = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    with closing(sqlite3.connect(store / "ledger.sqlite")) as connection:
        for query in ("select body from row_bodies", "select bytes from content_bytes"):
            hay += [zstandard.decompress(one[0]) for one in connection.execute(query)]
    assert [] == [one for one in as_written(guesses) if one in b"".join(hay)]
    with Ledger.open(store) as ledger:
        assert before == reach(ledger, ANN).as_json()
        assert "pass" == ledger.verify().outcome.value
        both, masked, by_words = (from_bytes(body) for _, _, body in list(ledger.rows.bodies(range(9, 12))))
        kept = dict(ledger.rows.kept(range(7, 12)))
        plain = dict(ledger.rows.ids([8]))
        assert (kept[7], plain[8]) == both.side.parents
        assert (kept[9],) == masked.side.parents
        assert plain[8] == by_words.side.parents[1]
        (decision,) = ledger.find("decision", "support/near-duplicates")
        assert sorted([kept[7], kept[9]]) == decision.body["accept"]
        assert BitMap([7, 8]) == ledger.rows.parents_of([9])
    again = run(store, items=True)
    assert (0, []) == (again.restated, again.remaining)


def test_a_restated_row_is_known_again_and_what_is_made_from_it_is_linked(store: Path) -> None:
    """The file that it came from adds nothing; a new row that names it by the address that is left hangs below it."""
    short_family(store)
    with Ledger.open(store) as ledger:
        (number,) = ledger.rows.children_of([7]) & ledger.rows.children_of([8]) - BitMap([11])
        original = [body for _, _, body in ledger.rows.bodies([number])]
        plain = dict(ledger.rows.ids([number]))[number]
    run(store, items=True)
    with Ledger.open(store, clock=lambda: NOW) as ledger:
        source = ledger.find("source")[0].id
        again = RowRecord(id=plain, content_id=plain, body=original[0], source_id=source)
        assert (0, 1) == (ledger.rows.append([again]).new, ledger.rows.append([again]).known)
        (address,) = (address for _, address in ledger.rows.ids([number]))
        assert address != plain
        made = RowRecord(id=digest(b"new"), content_id=digest(b"new"), body=b"{}", source_id=source, parents=(address,))
        (new,) = ledger.rows.append([made]).numbers
        assert BitMap([number]) == ledger.rows.parents_of([new])
        assert new in reach(ledger, ANN).derived


def test_a_body_put_in_the_place_of_a_restated_one_is_noticed(store: Path) -> None:
    """The log has the digest of the new body too; and that the row has no plain address any more."""
    run(store, items=True)
    other = zstandard.compress(words("Bob never said so."))
    for change, found in (("body = ?", "the body of row 6 was edited"), ("id = ?", "has its plain address again")):
        with closing(sqlite3.connect(store / "ledger.sqlite")) as connection:
            connection.execute("drop trigger if exists row_bodies_keep_bytes")
            triggers = connection.execute(
                "select name from sqlite_master where tbl_name = 'row_bodies' and type = 'trigger'"
            )
            for (name,) in triggers.fetchall():
                connection.execute(f"drop trigger {name}")
            (before,) = connection.execute("select body from row_bodies where number = 6").fetchone()
            connection.execute(
                f"update row_bodies set {change} where number = 6", (other if "body" in change else bytes(32),)
            )
            connection.commit()
        with Ledger.open(store) as ledger:
            assert [True] == [found in one.what for one in ledger.verify().problems]
        with closing(sqlite3.connect(store / "ledger.sqlite")) as connection:
            connection.execute("update row_bodies set body = ?, id = null where number = 6", (before,))
            connection.commit()


def test_a_merged_row_goes_with_the_last_of_its_parents(store: Path) -> None:
    """Bob withdraws after Ann: nothing is left that the merged row could stay for."""
    run(store, items=True)
    with Ledger.open(store) as ledger:
        planned = erasure.plan(ledger, Target("subject", "bob"), items=True)
        assert BitMap([3, 4, 6]) == planned.rows
        assert not planned.merged


def test_a_hold_on_a_merged_row_keeps_its_parents(store: Path) -> None:
    """What a held row was made from is kept with it, also from an erasure that would leave the row itself."""
    with Ledger.open(store) as ledger:
        (merged,) = ledger.rows.children_of([4])
        source = ledger.record("source", "merges", {})
        made = RowRecord(
            id=digest(b"made"), content_id=digest(b"made words"), body=words("made"), source_id=source,
            parents=(digest(b"row 0"), digest(b"row 3")),
        )  # fmt: skip
        ledger.rows.append([made])
        holds.put(ledger, "source:merges", reason="suit 17/26", by="A. Vos", until=date(2099, 1, 1), now=NOW)
        planned = erasure.plan(ledger, ANN, items=True)
        assert merged in planned.merged
        with pytest.raises(Refused, match="a legal hold keeps 1 of the rows"):
            erasure.erase(ledger, planned, store=store, by="A. Vos", reason="case 1", now=NOW)


def test_with_merged_rows_too(store: Path) -> None:
    """What was made from Ann's and Bob's goes, if it is asked for."""
    done = run(store, merged=True, items=True)
    assert [3, 4] == [number for number, _ in state(store)[0]]
    assert 4 == done.rows


def test_nobody_answers_for_it(store: Path) -> None:
    """A name and a reason are wanted, and nothing is gone."""
    with Ledger.open(store) as ledger:
        planned = erasure.plan(ledger, ANN)
        with pytest.raises(Refused, match="without a name"):
            erasure.erase(ledger, planned, store=store, by=" ", reason="case", now=NOW)
    assert 6 == len(state(store)[0])


@pytest.mark.parametrize("steps", range(10))
def test_a_kill_at_any_moment_and_another_run_end_alike(tmp_path: Path, steps: int) -> None:
    """Killed before a file, a record, a commit or a sweep; the second run goes on to the same end."""
    whole, killed = tmp_path / "whole" / ".headgate", tmp_path / "killed" / ".headgate"
    for one in (whole, killed):
        one.parent.mkdir()
        build(one)
    assert -signal.SIGKILL == killed_after(steps, killed)
    run(whole, items=True)
    done = run(killed, items=True)
    assert [] == done.remaining
    assert state(whole) == state(killed)


def test_pieces_overlap_so_that_a_quote_holds_one_whole() -> None:
    """Wherever a quote of 32 characters begins."""
    text = "".join(chr(ord("a") + number * 7 % 26) + str(number) for number in range(60))
    looked_for = Traces.of([text], [])
    assert all(looked_for.hits([text[start : start + 32] for start in range(len(text) - 32)]))
    assert [] == list(pieces_of("yes please"))


@pytest.mark.parametrize("small", [0, 1 << 22])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_is_cut_off_is_searched_as_far_as_it_goes(tmp_path, monkeypatch, small, pack) -> None:
    """Alone or together with others; one that was never packed is read as it is."""
    filling = "".join(chr(97 + number * number % 26) for number in range(400_000)).encode()
    (tmp_path / "cut").write_bytes(pack(SECRET.encode() + os.urandom(1 << 18) + filling)[:-40])
    (tmp_path / "plain").write_bytes(filling + SECRET.encode())
    (tmp_path / "other").write_bytes(filling)
    monkeypatch.setattr(traces, "SMALL", small)
    unread: list[str] = []
    found = Traces.of([SECRET], []).in_files(sorted(tmp_path.iterdir()), unread)
    assert (["cut", "plain"], []) == ([path.name for path in found], unread)


def test_short_texts_are_looked_for_as_whole_values() -> None:
    """In JSON, in JSON inside of JSON and in HTML; not inside of longer texts, nor what others or records say."""
    looked_for = Traces.of(["Caf\u00e9 Uno", "PIN 4711", "yes", "Thanks!", "Ann Lee"], ["I said", "Thanks!"])
    looked_for = looked_for.without_values_in(['{"by":"Ann Lee"}'])
    assert ("Caf\u00e9 Uno", "PIN 4711") == looked_for.values
    found = [
        '{"text":"Caf\\u00e9 Uno"}', '["PIN 4711"]', '{"json":"{\\"a\\": \\"PIN 4711\\"}"}', "<td>PIN 4711</td>",
    ]  # fmt: skip
    assert [True] * 4 == looked_for.hits(found)
    assert [False] * 5 == looked_for.hits(["my PIN 4711 is", '"yes"', '"Thanks!"', '{"by":"Ann Lee"}', "PIN 4711"])


def test_a_short_text_in_a_verdict_and_a_file_goes_and_its_row_alone_says_it(tmp_path: Path) -> None:
    """The verdict that quotes it is erased, the work file too; a decision of somebody of that name stays."""
    store = tmp_path / ".headgate"
    (store / "work").mkdir(parents=True)
    (store / "work" / "kept.jsonl").write_text(json.dumps({"answer": "PIN 47119 is mine"}))
    (store / "work" / "gone.jsonl").write_text(json.dumps({"answer": "PIN 4711"}))
    with Ledger.open(store, create=True, clock=lambda: NOW) as ledger:
        source = ledger.record("source", "desk", {"name": "desk"})
        row = Row(
            kind=Kind.DEMONSTRATION, messages=(Message("user", "PIN 4711"), Message("assistant", "A. Vos")),
            side=Side(subject="ann"),
        )  # fmt: skip
        ledger.rows.append(
            [RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=source, subject="ann")]
        )
        ledger.record("verdict", "check", {"details": {"examples": ["PIN 4711"]}})
        ledger.record("verdict", "other", {"details": {"examples": ["PIN 47110"]}})
        ledger.record("decision", "gate", {"by": "A. Vos"})
        planned = erasure.plan(ledger, Target("subject", "ann"))
        done = erasure.erase(ledger, planned, store=store, by="A. Vos", reason="case 1", now=NOW)
        assert (1, ["work/gone.jsonl"], True) == (len(done.records), done.files, done.whole)
        assert [True, False] == [node.erased for node in ledger.find("verdict")]


def test_what_others_say_is_not_looked_for() -> None:
    """A piece that a surviving text has is no trace of the person."""
    assert [False, True] == Traces.of([COMMON, SECRET], [f"{COMMON} Thank you."]).hits([COMMON, SECRET])
