"""`headgate ledger` as a user runs it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pyroaring import BitMap

from headgate.cli.ledger import command
from headgate.cli.main import main
from headgate.kit.errors import Exit
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a source, rows, a version, a run and a claim."""
    folder = tmp_path_factory.mktemp("project") / ".headgate"
    folder.mkdir()
    with Ledger.open(folder, create=True) as ledger, ledger.transaction():
        source = ledger.record("source", "desk", {"file": "desk.jsonl"})
        ids = [digest(b"%d" % i) for i in range(3)]
        body = b'{"kind":"text"}'
        ledger.rows.append([RowRecord(id=i, content_id=i, body=body, source_id=source, subject="anna") for i in ids])
        ledger.versions.freeze("support", numbers=BitMap([1, 2]), splits={}, manifest={})
        ledger.record("run", "first", {"seed": 1}, edges=[Edge("trained-on", ledger.node("support@1").id)])
        ledger.claims.assert_("source:desk", "licence", "MIT", source="file", observed_at="2026-01-01")
    return folder


def run(folder: Path, *arguments: str) -> Result:
    """A command on that ledger."""
    done = CliRunner().invoke(command, [*arguments, "--ledger", str(folder)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


def told(folder: Path, *arguments: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    answer: dict[str, Any] = json.loads(run(folder, *arguments, "--json").stdout)
    return answer


def test_show_gives_edges_both_ways_and_claims(folder: Path) -> None:
    """By name or by the beginning of an address, for people and for scripts."""
    version = told(folder, "show", "support@1")["record"]
    assert ["run first"] == [edge["what"] for edge in version["needed_by"]]
    run_node = told(folder, "show", "first")["record"]
    assert [("trained-on", "dataset-version support@1")] == [(e["label"], e["what"]) for e in run_node["needs"]]
    assert ["MIT"] == [claim["value"] for claim in told(folder, "show", "desk")["record"]["claims"]]
    assert run_node["id"] in run(folder, "show", run_node["id"][:12]).stdout
    assert "licence = MIT" in run(folder, "show", "desk").stdout


def test_show_of_a_row_names_the_versions_that_hold_it(folder: Path) -> None:
    """A row is shown by its address."""
    shown = told(folder, "show", digest(b"1"))["record"]
    assert (2, ["support@1"], {"kind": "text"}) == (shown["number"], shown["versions"], shown["body"])


def test_log_lists_the_newest_entries(folder: Path) -> None:
    """A limit, a start, and a kind."""
    entries = told(folder, "log", "--limit", "2")["entries"]
    assert ["edges", "claim"] == [entry["action"] for entry in entries]
    assert ["first"] == [entry["payload"]["name"] for entry in told(folder, "log", "--kind", "run")["entries"]]
    since = told(folder, "log", "--since", "3")["entries"]
    assert 4 == since[0]["seq"]
    text = run(folder, "log").stdout
    assert "3 rows" in text
    assert "dataset-version support@1" in text


def test_verify_ends_with_0_or_1(folder: Path, tmp_path: Path) -> None:
    """The exit code tells an edited ledger from an untouched one, and so does the printed head."""
    passed = run(folder, "verify")
    assert Exit.PASS == passed.return_value
    head = told(folder, "verify")["head"]
    assert head in passed.stdout
    assert Exit.PASS == run(folder, "verify", "--head", head).return_value
    assert Exit.FAIL == run(folder, "verify", "--head", digest(b"another")).return_value
    for name in ("ledger.sqlite", "ledger.key"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("DROP TRIGGER nodes_no_update")
        connection.execute("UPDATE nodes SET name = 'other' WHERE kind = 'run'")
        connection.commit()
    failed = run(tmp_path, "verify")
    assert Exit.FAIL == failed.return_value
    assert "is not what the log says" in failed.stdout


def test_export_writes_a_file_and_says_how_much(folder: Path, tmp_path: Path) -> None:
    """The count is that of the lines."""
    answer = told(folder, "export", str(tmp_path / "out.jsonl"))
    assert answer["records"] == len((tmp_path / "out.jsonl").read_bytes().splitlines())
    assert answer["head"] == told(folder, "verify")["head"]


def test_query_answers_impact_and_closure(folder: Path) -> None:
    """Of a record, of a row, of a person."""
    down = told(folder, "query", "impact", "desk")
    assert (["support@1", "first"], 3) == ([node["name"] for node in down["nodes"]], down["rows"])
    up = told(folder, "query", "closure", "first")
    assert ({"desk", "support@1"}, 2) == ({node["name"] for node in up["nodes"]}, up["rows"])
    person = told(folder, "query", "impact", "subject:anna")
    assert (["support@1", "first"], 3) == ([node["name"] for node in person["nodes"]], person["rows"])
    assert "impact of desk: 2 records, 3 rows" in run(folder, "query", "impact", "desk").stdout


@pytest.mark.parametrize(
    "arguments", [["show", "nobody"], ["query", "impact", "subject:nobody"], ["query", "closure", "subject:anna"]]
)
def test_what_is_not_there_is_wrong_use(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a reason, never a traceback."""
    with pytest.raises(SystemExit) as ended:
        main(["ledger", *arguments, "--ledger", str(folder)])
    assert Exit.WRONG_USE == ended.value.code
    assert capsys.readouterr().err.startswith("refused: ")


def test_no_ledger_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file and the next step; asking makes none."""
    with pytest.raises(SystemExit) as ended:
        main(["ledger", "log", "--ledger", str(tmp_path)])
    assert Exit.WRONG_USE == ended.value.code
    assert "headgate init" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["show", "log", "verify", "export", "query"])
def test_every_help_has_two_examples(verb: str) -> None:
    """They start with the command as it is typed."""
    text = CliRunner().invoke(command, [verb, "--help"]).stdout
    assert 2 == text.count(f"  headgate ledger {verb}")
