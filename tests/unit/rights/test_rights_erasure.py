"""Erasure: the words are in no file, everything else stands, and a kill changes nothing at the end."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest
import zstandard
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.rights import erasure, traces
from headgate.rights.cases import open_case
from headgate.rights.reach import ROW, Target, reach
from headgate.rights.traces import Traces, pieces_of
from headgate.rows.row import Kind, Message, Row, Side, to_bytes

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Target("subject", "ann")
SECRET = 'My neighbour\'s "blue" gate was left open on the 3rd of May, and the dog ran into the harbour – nobody paid.'
PARAPHRASE = (
    "On 3 May the dog of a neighbour escaped through an open blue gate towards the harbour and was never paid for."
)
COMMON = "Where can I see the transactions of last month?"
BOB = "The card that you sent to me in April does not work abroad at all."
MERGED = f"{BOB} Also, there was a matter about a harbour that somebody else had raised before."


def words(row: str) -> bytes:
    """The body of a row that says something."""
    return json.dumps({"messages": [{"role": "user", "content": row}, {"role": "assistant", "content": "ok"}]}).encode()


def build(store: Path) -> None:
    """Ann's row, one that Bob says too, a paraphrase, a merge with Bob's; and quotes of them in many places."""
    store.mkdir()
    with Ledger.open(store, create=True, clock=lambda: NOW) as ledger:
        source = ledger.record("source", "desk", {})
        ids = [digest(f"row {number}".encode()) for number in range(6)]
        said = [SECRET, COMMON, COMMON, BOB, PARAPHRASE, MERGED]
        whose = ["ann", "ann", "bob", "bob", None, None]
        parents = [(), (), (), (), (ids[0],), (ids[0], ids[3])]
        ledger.rows.append(
            [
                RowRecord(
                    id=ids[n],
                    content_id=digest(said[n].encode()),
                    body=words(said[n]),
                    source_id=source,
                    subject=whose[n],
                    parents=parents[n],
                )
                for n in range(6)
            ]
        )
        every = BitMap(range(1, 7))
        ledger.versions.freeze("support", numbers=every, splits={"train": every}, manifest={})
        run = ledger.record("run", "run", {}, edges=[Edge("trained-on", ledger.versions.get("support").node_id)])
        ledger.record("adapter", "adapter", {}, edges=[Edge("derived-from", run)])
        ledger.record("verdict", "check", {"examples": [SECRET[10:70]]})
        ledger.record("item", "topics/gate", {"question": SECRET})
        ledger.content.put(json.dumps({"transcript": SECRET}).encode())
        ledger.content.put(words(BOB))
    work = store / "work"
    work.mkdir()
    (work / "removed.jsonl").write_text(json.dumps({"text": SECRET}) + "\n")
    (work / "kept.jsonl").write_text(json.dumps({"text": BOB}) + "\n")
    (work / "packed.jsonl.gz").write_bytes(gzip.compress(words(PARAPHRASE)))
    (work / "report.html").write_text(f"<p>{escape(SECRET)}</p>")
    (work / "asked.shard").write_bytes(shard(ids[0]))
    (work / "other.shard").write_bytes(shard(ids[3]))
    (store.parent / "train.jsonl").write_text(json.dumps({"text": SECRET}, ensure_ascii=False) + "\n")


def shard(row_id: str) -> bytes:
    """A shard of one row, as the trainer reads it."""
    import numpy as np

    from headgate.train.shard import Shard

    none = np.zeros(0, dtype=np.int32)
    return Shard(
        row_ids=(row_id,), offsets=np.zeros(2, dtype=np.int64), tokens=none, weights=none.astype(np.float32)
    ).to_bytes()


def run(store: Path, **more: bool) -> erasure.Erased:
    """An erasure of Ann."""
    with Ledger.open(store, clock=lambda: NOW) as ledger:
        planned = erasure.plan(ledger, ANN, **more)
        return erasure.erase(ledger, planned, store=store, by="A. Vos", reason="case 1", now=NOW)


def state(store: Path) -> tuple[object, ...]:
    """What can be told afterwards."""
    with Ledger.open(store) as ledger:
        every = ledger.rows.all_numbers()
        bodies = [(number, body) for number, _, body in ledger.rows.bodies(every)]
        files = sorted(path.name for path in (store / "work").iterdir())
        verdicts = [(node.name, node.erased) for node in ledger.find("verdict")]
        return bodies, files, verdicts, len(every), ledger.verify().outcome.value


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
    assert (3, [], ["train.jsonl"]) == (done.rows, done.left, done.yours)
    again = run(store, items=True)
    assert (0, 3) == (again.rows, again.before)
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


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from headgate.ledger import ledger as module
import test_rights_erasure as tests

left = int(sys.argv[2])
def counted(function):
    def called(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return called
Path.unlink = counted(Path.unlink)
module.Ledger.sweep = counted(module.Ledger.sweep)
from headgate.ledger.chain import Writing
Writing.append = counted(Writing.append)
tests.run(Path(sys.argv[1]), items=True)
"""


@pytest.mark.parametrize("steps", range(10))
def test_a_kill_at_any_moment_and_another_run_end_alike(tmp_path: Path, steps: int) -> None:
    """Killed before a file, a record, a commit or a sweep; the second run goes on to the same end."""
    whole, killed = tmp_path / "whole" / ".headgate", tmp_path / "killed" / ".headgate"
    for one in (whole, killed):
        one.parent.mkdir()
        build(one)
    command = [sys.executable, "-c", KILLED, str(killed), str(steps), str(Path(__file__).parent)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=False)
    assert -signal.SIGKILL == ended.returncode
    run(whole, items=True)
    done = run(killed, items=True)
    assert [] == done.remaining
    assert state(whole) == state(killed)


def test_pieces_overlap_so_that_a_quote_holds_one_whole() -> None:
    """Wherever a quote of 48 characters begins."""
    text = "".join(chr(ord("a") + number * 7 % 26) + str(number) for number in range(60))
    looked_for = Traces.of([text], [])
    assert all(looked_for.hits([text[start : start + 48] for start in range(len(text) - 48)]))
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


def test_what_others_say_is_not_looked_for() -> None:
    """A piece that a surviving text has is no trace of the person."""
    assert [False, True] == Traces.of([COMMON, SECRET], [f"{COMMON} Thank you."]).hits([COMMON, SECRET])
