"""`headgate curate review`, `restore`, `firewall` and `retire`, typed as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main

FLOW = """\
[flow]
name = "support"

[capture]
files = ["train.jsonl"]
source = "shop"
licence = "MIT"
consent = "training"

[curate]
steps = ["split", "exact-duplicates"]
split = { train = 1.0 }

[evaluate.suites.topics]
gate = "gate.jsonl"
"""
TEXTS = (
    "my card was swallowed by the machine at the station this morning",
    "my card was swallowed by the machine at the station this morning!",
    "how long does a transfer to an account in Norway take these days?",
    "how long does a transfer to an account in Norway take these days",
    "which of my two cards may I use at a petrol station in Portugal?",
    "please tell me who signs the letter about the interest on my savings",
)
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb in a project whose rows were curated once; gives the exit code and the JSON, or the text."""
    monkeypatch.chdir(tmp_path)
    Path("headgate.toml").write_text(FLOW)
    rows = [{"prompt": text, "completion": "ok", "slices": {"intent": "card"}} for text in TEXTS]
    Path("train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("gate.jsonl").write_text(json.dumps({"prompt": "who may sign for my mother's account?", "completion": "ok"}))

    def called(*words: str, plain: bool = False) -> tuple[int, Any]:
        with pytest.raises(SystemExit) as ended:
            main(["curate", *words, *([] if plain else ["--json"])])
        out = capsys.readouterr().out
        return int(ended.value.code or 0), out if plain else json.loads(out)

    assert 0 == called()[0]
    return called


def test_review_accept_and_restore(run: Run) -> None:
    """Shown, accepted by a person, gone from the next version, and brought back."""
    code, shown = run("review")
    assert (0, 2, []) == (code, len(shown["clusters"]), shown["accepted"])
    code, decided = run("review", "--accept", "all", "--name", "Ann Lee", "--reason", "read")
    assert (0, 2) == (code, len(decided["accepted"]))
    assert decided["decision"].startswith("b3:")
    blocked = run("--set", 'curate.level={"erased-slice"="warn"}')[1]
    assert {"train": 4} == blocked["stages"][-1]["facts"]["splits"]
    code, back = run("restore", decided["accepted"][0][:12], "--name", "Ann Lee", "--reason", "needed after all")
    assert (0, [decided["accepted"][0]]) == (code, back["rows"])
    again = run("--set", 'curate.level={"erased-slice"="warn"}')[1]
    assert {"train": 5} == again["stages"][-1]["facts"]["splits"]


def test_review_on_the_terminal(run: Run) -> None:
    """Without a terminal to ask on it shows everything and decides nothing."""
    code, text = run("review", plain=True)
    assert 0 == code
    assert "intent=card" in text
    assert "may go" in text
    assert "proposed" in text


def test_a_decision_without_a_name_is_refused(run: Run) -> None:
    """Exit code 2, and what is missing."""
    code, told = run("review", "--accept", "all")
    assert (2, "a decision needs a name") == (code, told["error"]["what"])


def test_firewall_and_retire(run: Run, tmp_path: Path) -> None:
    """What is protected is listed; a new item that a training row copies is reported; a retired one no longer."""
    code, told = run("firewall")
    assert (0, ["suite:topics/gate"]) == (code, [one["name"] for one in told["protected"]])
    assert [{"version": "support@1", "rows": []}] == told["reopened"]
    item = json.dumps({"prompt": TEXTS[4].upper(), "completion": "ok"})
    Path("gate.jsonl").write_text(Path("gate.jsonl").read_text() + "\n" + item)
    assert {"train": 5} == run()[1]["stages"][-1]["facts"]["splits"]
    code, retired = run("retire", "suite:topics/gate", "--name", "Ann Lee", "--reason", "quoted in a talk")
    assert (0, 2) == (code, len(retired["items"]))
    assert {"train": 6} == run()[1]["stages"][-1]["facts"]["splits"]
    text = run("firewall", plain=True)[1]
    assert "2 items in 2 sets are protected" in text
    assert 2 == run("retire", "suite:nobody", "--name", "Ann Lee", "--reason", "quoted")[0]


def test_the_report_shows_the_same_differences(run: Run) -> None:
    """The HTML report holds the clusters with their marked words and how to decide."""
    page = Path(".headgate/reports/support.html").read_text()
    assert "<del>" in page or "<ins>" in page
    assert "headgate curate review" in page


def test_diff_shows_what_each_step_took(run: Run) -> None:
    """As text and as JSON, also for one step; an unknown step is refused with exit code 2."""
    run("review", "--accept", "all", "--name", "Ann Lee", "--reason", "read")
    run("--set", 'curate.level={"erased-slice"="warn"}')
    code, told = run("diff")
    assert (0, "curate diff", ["near-duplicates"]) == (code, told["command"], [one["step"] for one in told["steps"]])
    taken = [(one["before"], one["removed"]) for one in told["steps"][0]["classes"] if one["class"] == "intent=card"]
    assert [(6, 2)] == taken
    code, text = run("diff", "--step", "near-duplicates", plain=True)
    assert (0, True) == (code, "near-duplicates: 2 of 6 rows went" in text)
    assert 2 == run("diff", "--step", "select")[0]
