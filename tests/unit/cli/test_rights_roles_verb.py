"""The verbs of roles on the command line: the table of the project file, refusals, approvals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import main
from headgate.ledger.ledger import Ledger

ROLES = """
[flow]
name = "support"

[roles]
case = ["Ann Lee"]
erase = ["Ann Lee", "B. Kim"]
roles = ["Ann Lee"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    """A project with one row about ann, and a table of roles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADGATE_USER", "Ann Lee")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "my card is lost", "completion": "ok", "who": "ann"}))
    (tmp_path / "headgate.toml").write_text(ROLES)
    run("capture import rows.jsonl --source desk --licence CC0-1.0 --columns subject=who --quiet")
    return tmp_path


def run(line: str | list[str]) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(line.split() if isinstance(line, str) else line)
    return int(ended.value.code or 0)


def opened(by: str) -> list[str]:
    """A case opened by somebody."""
    return ["rights", "case", "open", "--subject", "ann", "--reason", "mail", "--by", by]


def test_a_case_wants_the_role_and_the_refusal_is_kept(project, capsys):
    """Exit code 2, no case, one refusal; who holds the role opens it."""
    assert run(opened("Mallory")) == 2
    assert "the role case, which Ann Lee holds" in capsys.readouterr().err
    with Ledger.open(project / ".headgate") as ledger:
        assert ledger.find("case") == []
    assert run("rights roles --refused --json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["verb"], one["by"]) for one in told["refused"]] == [("case", "Mallory")]
    assert told["table"]["erase"] == ["Ann Lee", "B. Kim"]
    assert run(opened("Ann Lee")) == 0


def test_a_table_is_changed_by_who_may_and_stays_in_force_otherwise(project, capsys, monkeypatch):
    """The file alone changes nothing: the table in force says who may bring another."""
    assert run("rights roles") == 0
    (project / "headgate.toml").write_text(ROLES.replace('case = ["Ann Lee"]', 'case = ["*"]'))
    monkeypatch.setenv("HEADGATE_USER", "Mallory")
    assert run(opened("Mallory")) == 2
    assert "Ann Lee may change and Mallory may not" in capsys.readouterr().err
    assert run("rights roles --take --by Mallory --reason mine") == 2
    assert run(["rights", "roles", "--take", "--by", "Ann Lee", "--reason", "all may"]) == 0
    assert run(opened("Mallory")) == 0


def test_a_table_that_left_the_file_stays_until_it_is_lifted(project, capsys):
    """Deleting the table opens nothing by itself."""
    assert run("rights roles --quiet") == 0
    assert run(["rights", "roles", "--lift", "--by", "Ann Lee", "--reason", "too early"]) == 2
    (project / "headgate.toml").write_text('[flow]\nname = "support"\n')
    assert run(opened("Mallory")) == 2
    assert run(["rights", "roles", "--lift", "--by", "Ann Lee", "--reason", "small again"]) == 0
    assert "everyone may do everything" in capsys.readouterr().out
    assert run(opened("Mallory")) == 0


def test_roles_may_stand_in_a_file_of_their_own_but_not_in_two(project, capsys):
    """headgate.roles.toml may belong to other people than the flow."""
    (project / "headgate.roles.toml").write_text('case = ["C. Own"]\n')
    assert run("rights roles") == 2
    assert "roles stand in two files" in capsys.readouterr().err
    (project / "headgate.toml").write_text('[flow]\nname = "support"\n')
    assert run("rights roles") == 0
    assert "C. Own" in capsys.readouterr().out


def test_a_wrong_table_is_told_with_file_and_line(project, capsys):
    """As every section: file, line, what was found and what is near."""
    (project / "headgate.toml").write_text(ROLES.replace("erase", "eraze"))
    assert run("rights roles") == 2
    told = capsys.readouterr().err
    assert "headgate.toml:7" in told
    assert "eraze" in told


def test_set_changes_no_role(project, capsys):
    """Who types a command line does not give themselves a role."""
    (project / "headgate.toml").write_text(ROLES + '\n[capture]\nfiles = ["rows.jsonl"]\nsource = "desk"\n')
    assert run(["capture", "--set", 'roles.case=["Mallory"]']) == 2
    assert "--set changes nothing in [roles]" in capsys.readouterr().err


def test_two_people_erase_by_the_command_line(project, capsys):
    """One approves, another erases; alone it is refused."""
    (project / "headgate.toml").write_text(ROLES + 'two-people = ["erase"]\n')
    erase = ["rights", "erase", "--subject", "ann", "--by", "Ann Lee", "--reason", "case 1", "--yes"]
    assert run(erase) == 2
    assert "headgate rights approve erase" in capsys.readouterr().err
    approve = ["rights", "approve", "erase", "--subject", "ann", "--reason", "read it", "--by"]
    assert run([*approve, "Mallory"]) == 2
    assert run([*approve, "B. Kim"]) == 0
    assert "B. Kim approves to erase 1 rows of subject:ann" in capsys.readouterr().out
    assert run(erase) == 1  # rows.jsonl still holds the words
    assert "erased: 1 row bodies" in capsys.readouterr().out


def test_who_looked_at_whose_rows_is_told(project, capsys):
    """Showing a row and exporting the ledger are reads; a record that quotes nobody is none."""
    with Ledger.open(project / ".headgate") as ledger:
        ((_, row),) = ledger.rows.ids(ledger.rows.all_numbers())
    (project / "headgate.toml").write_text(ROLES + 'personal = ["Ann Lee"]\n')
    assert run(["ledger", "show", row, "--purpose", "case 1"]) == 0
    assert run("ledger export out.jsonl --quiet") == 0
    assert run("ledger show desk --quiet") == 0
    capsys.readouterr()
    assert run("rights reads --subject ann --json") == 0
    told = [(one["command"], one["by"], one["rows"]) for one in json.loads(capsys.readouterr().out)["reads"]]
    assert told == [("ledger show", "Ann Lee", 1), ("ledger export", "Ann Lee", 1)]
    assert run("rights reads --by Nobody") == 0
    assert "0 reads" in capsys.readouterr().out


def test_who_may_not_read_sees_nothing(project, capsys, monkeypatch):
    """Exit code 2, no word of the row on the screen and no file."""
    with Ledger.open(project / ".headgate") as ledger:
        ((_, row),) = ledger.rows.ids(ledger.rows.all_numbers())
    assert run("rights roles --quiet") == 0
    monkeypatch.setenv("HEADGATE_USER", "Mallory")
    assert run(["ledger", "show", row]) == 2
    assert run("ledger export out.jsonl") == 2
    assert "my card is lost" not in capsys.readouterr().out
    assert not (project / "out.jsonl").exists()


PERIODS = """
[flow]
name = "support"

[retention]
adapter-life = 100

[retention.sources]
desk = 30
"""


def test_retention_runs_by_the_project_file(project, capsys):
    """A dry run says what would go and takes nothing; --yes takes it; a hold keeps it."""
    (project / "rows.jsonl").unlink()
    (project / "old.jsonl").write_text(
        json.dumps({"prompt": "an old complaint about fees", "completion": "ok", "created_at": "2020-01-01"})
    )
    run("capture import old.jsonl --source desk --licence CC0-1.0 --quiet")
    (project / "old.jsonl").unlink()
    (project / "headgate.toml").write_text(PERIODS)
    act = ["rights", "retention", "run", "--by", "Ann Lee", "--reason", "monthly"]
    assert run([*act, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["past"], told["erasable"], told["erased"]) == ({"source:desk": 1}, 1, None)
    hold = ["--source", "desk", "--by", "Ann Lee", "--reason"]
    assert run(["rights", "retention", "hold", *hold, "suit", "--until", "2099-01-01"]) == 0
    assert run([*act, "--yes"]) == 0
    assert "1 of them are kept by a legal hold" in capsys.readouterr().out
    assert run(["rights", "retention", "lift", *hold, "settled"]) == 0
    assert run([*act, "--yes"]) == 0
    assert "erased: 1 row bodies" in capsys.readouterr().out
    assert run("rights retention list") == 0


def test_a_period_wants_the_role(project, capsys):
    """With a table, who sets a period or a hold has the role retention."""
    (project / "headgate.toml").write_text(ROLES + 'retention = ["Ann Lee"]\n')
    assert run("rights roles --quiet") == 0
    wanted = ["rights", "retention", "set", "--of", "traces", "--days", "30", "--reason", "policy", "--by"]
    assert run([*wanted, "Mallory"]) == 2
    assert run([*wanted, "Ann Lee"]) == 0
    assert run("rights retention list") == 0
    assert "kind:traces" in capsys.readouterr().out
