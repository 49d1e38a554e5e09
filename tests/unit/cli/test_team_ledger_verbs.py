"""The verbs on a ledger that a team shares: the project file or HEADGATE_LEDGER says where it lies."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from postgres_server import holding

from headgate.cli.main import main
from headgate.kit.errors import Exit

PEOPLE = ("ann", "bob")
SAID = "The blue gate at the harbour was left open and nobody of the house has ever paid for the dog"
FLOW = """
[flow]
name = "desk"

[ledger]
url = "{url}"
content = "{content}"

[capture]
files = ["chats.jsonl"]
source = "desk"
licence = "CC0-1.0"
subject = "customer"
consent = "training"
columns = {{ prompt = "question", completion = "answer" }}

[curate]
steps = ["select", "split", "exact-duplicates"]
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and everything printed of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


@pytest.fixture(params=["postgres", "postgres+s3"])
def project(request: pytest.FixtureRequest, place_of: Any, tmp_path: Path, monkeypatch: Any, cluster: Any) -> Any:
    """A project with some chats, whose file names the places of a team."""
    place = place_of(request.param, tmp_path / "elsewhere")
    url = str(place.where).replace(f":{cluster.password}", "")
    (tmp_path / "headgate.toml").write_text(FLOW.format(url=url, content=place.content or ""))
    rows = [
        {"question": f"{SAID}, says {who} for the {n}. time?", "answer": f"Answer {n} to {who}.", "customer": who}
        for who in PEOPLE
        for n in range(12)
    ]
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSWORD", cluster.password)
    return place


def test_a_flow_and_its_questions(project: Any, capsys: Any, tmp_path: Path, cluster: Any, objects: Any) -> None:
    """Capture, freeze, verify, impact, a case, an export and an erasure: as with a file, and no file is made."""
    code, said = run(capsys, "curate")
    assert (Exit.PASS, True) == (code, "desk@1" in said), said
    assert not (tmp_path / ".headgate" / "ledger.sqlite").exists()
    assert (Exit.PASS, True) == (run(capsys, "ledger", "verify")[0], (tmp_path / ".headgate" / "ledger.key").exists())
    code, said = run(capsys, "rights", "impact", "--subject", "ann", "--json")
    assert (Exit.PASS, True) == (code, "desk@1" in said)
    who = ("--by", "A. Vos", "--reason", "mail of 3 May")
    assert Exit.PASS == run(capsys, "rights", "case", "open", "--subject", "ann", *who)[0]
    code, said = run(capsys, "ledger", "export", "out.jsonl")
    assert Exit.PASS == code, said
    assert cluster.password not in Path("out.jsonl").read_text()
    Path("out.jsonl").unlink()
    Path("chats.jsonl").unlink()
    code, said = run(capsys, "rights", "erase", "--subject", "ann", *who, "--yes", "--items", "--json")
    told = json.loads(said)["erased"]
    assert (Exit.PASS, 12, [], [], []) == (code, told["rows"], told["remaining"], told["unreached"], told["unseen"])
    assert Exit.PASS == run(capsys, "ledger", "verify")[0]
    assert (Exit.PASS, True) == (run(capsys, "ledger", "sweep")[0], True)
    assert [] == holding(cluster.files(), b"says ann for the 3. time")
    if project.bucket:
        assert all(objects.pieces(project.bucket).values())


def test_the_environment_and_the_option_name_a_place(project: Any, capsys: Any, monkeypatch: Any, cluster: Any) -> None:
    """The option wins over the variable, the variable over the file; a password in the file is refused."""
    Path("headgate.toml").unlink()
    code, said = run(capsys, "ledger", "log")
    assert (Exit.WRONG_USE, True) == (code, "no ledger here" in said)
    monkeypatch.setenv("HEADGATE_LEDGER", str(project.where))
    columns = ("--columns", "prompt=question,completion=answer")
    taken = ("capture", "import", "chats.jsonl", "--source", "desk", "--licence", "CC0-1.0", "--consent", "training")
    code, said = run(capsys, *taken, "--subject", "customer", *columns)
    assert Exit.PASS == code, said
    assert (Exit.PASS, True) == (run(capsys, "ledger", "verify")[0], Path(".headgate/ledger.key").exists())
    monkeypatch.setenv("HEADGATE_LEDGER", "nowhere")
    assert Exit.PASS == run(capsys, "ledger", "verify", "--ledger", str(project.where))[0]
    monkeypatch.delenv("HEADGATE_LEDGER")
    Path("headgate.toml").write_text(FLOW.format(url=project.where, content=""))
    code, said = run(capsys, "ledger", "verify")
    assert (Exit.WRONG_USE, True) == (code, "a password in the project file" in said)
    assert cluster.password not in said


def test_the_key_is_asked_for_where_it_is_not(project: Any, capsys: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """A second machine of the team needs the key of the first: from the bucket, in a file or in the environment."""
    assert Exit.PASS == run(capsys, "capture")[0]
    key = Path(".headgate/ledger.key")
    secret = key.read_text().strip()
    key.unlink()
    code, said = run(capsys, "ledger", "verify")
    if project.bucket:
        assert (Exit.PASS, False) == (code, key.exists())
    else:
        assert (Exit.WRONG_USE, True) == (code, "the key of the ledger is missing" in said)
    monkeypatch.setenv("HEADGATE_LEDGER_KEY", secret)
    code, said = run(capsys, "ledger", "verify")
    assert (Exit.PASS, False) == (code, secret in said)


def test_servers_that_are_cut_off_end_no_verb_in_a_traceback(
    project: Any, capsys: Any, cluster: Any, objects: Any
) -> None:
    """While the verb runs, or before it: exit code 2, what to do, and the same command again goes through."""

    def strike() -> None:
        time.sleep(0.25)
        cluster.kill()

    striking = threading.Thread(target=strike)
    striking.start()
    code, said = run(capsys, "capture")
    striking.join()
    assert code in (Exit.PASS, Exit.WRONG_USE), said
    code, said = run(capsys, "ledger", "verify")
    assert (Exit.WRONG_USE, True, False) == (code, "does not answer" in said, "Traceback" in said)
    cluster.start()
    assert Exit.PASS == run(capsys, "capture")[0]
    if project.bucket:
        objects.cut()
        code, said = run(
            capsys, "rights", "erase", "--subject", "ann", "--by", "A", "--reason", "r", "--yes", "--items"
        )
        assert (Exit.WRONG_USE, True) == (code, "the object store does not answer" in said)
        objects.mend()
    code, said = run(capsys, "rights", "erase", "--subject", "ann", "--by", "A", "--reason", "r", "--yes", "--items")
    assert (Exit.FAIL, True) == (code, "still in a file of yours: chats.jsonl" in said), said
    assert Exit.PASS == run(capsys, "ledger", "verify")[0]
