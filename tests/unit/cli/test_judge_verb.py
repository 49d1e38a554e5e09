"""`headgate judge`: from anchors and grades to cards, uses and rotation, with the exit codes of verdicts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.ledger.ledger import Edge, Ledger
from headgate.models.judges.canaries import canaries
from headgate.testing.fake_endpoint import FakeEndpoint
from headgate.testing.judges import judge, knowing, longest

KNOWN = {one.pair.prompt: one.pair.first for one in canaries()}
RIGHT = {**KNOWN, **{f"What is 7 times {i}?": f"It is {i * 7}." for i in range(60)}}


def anchors(path: Path, count: int = 30) -> Path:
    rows = []
    for i in range(count):
        good, bad = f"It is {i * 7}.", f"It is {i * 7 + 1}."
        good, bad = (good, bad + " That is well known to all.") if i % 2 else (good + " That is well known.", bad)
        pair = (good, bad) if i % 3 else (bad, good)
        row = {"item": f"p{i}", "prompt": f"What is 7 times {i}?", "first": pair[0], "second": pair[1]}
        rows.append({**row, "label": "A" if i % 3 else "B", "adversarial": bool(i % 2)})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def make(endpoint: str = "http://127.0.0.1:9/v1", extra: str = "") -> Path:
        text = f'[flow]\nname = "support"\n[judges.ann]\nendpoint = "{endpoint}"\nmodel = "claude-3"\nattempts = 1\n'
        (tmp_path / "headgate.toml").write_text(text + extra)
        (tmp_path / ".headgate").mkdir(exist_ok=True)
        anchors(tmp_path / "pairs.jsonl")
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as ended:
        main(["judge", *arguments, "--json"])
    out = capsys.readouterr().out
    return int(ended.value.code or 0), json.loads(out) if out.strip() else None


QUALIFY = ("qualify", "ann", "--anchors", "pairs.jsonl", "--probes", "0", "--least", "30")


def test_qualify_show_and_rotation(project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A licensed judge is shown with its card; a refused one exits with 1; rotation says what is left."""
    with FakeEndpoint(judge(knowing(RIGHT))) as server:
        project(server.url)
        code, told = run(capsys, *QUALIFY)
        assert (0, True) == (code, told["licensed"])
    code, told = run(capsys, "show", "ann")
    assert (0, "ann") == (code, told["cards"][0]["judge"])
    code, told = run(capsys, "rotation")
    assert (0, 5, "claude") == (code, told["gates_left"], told["judges"][0]["family"])
    with FakeEndpoint(judge(longest)) as server:
        project(server.url)
        code, told = run(capsys, *QUALIFY)
        assert (1, False) == (code, told["licensed"])
    assert (1, 0) == ((code := run(capsys, "rotation"))[0], code[1]["gates_left"])


def test_uses_from_the_command_line(project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A use outside the flow spends the judge for the adapters below, and is listed."""
    folder = project()
    with Ledger.open(folder / ".headgate", create=True) as ledger:
        run_node = ledger.record("run", "old", {})
        adapter = ledger.record("adapter", "old", {}, edges=[Edge("derived-from", run_node)])
    assert 0 == run(capsys, "use", "ann", "--role", "reward", "--on", run_node[:12])[0]
    code, told = run(capsys, "list")
    assert (0, ["reward"]) == (code, [use["role"] for use in told["uses"]])
    code, told = run(capsys, "rotation", "--adapter", adapter)
    assert 1 == code
    assert told["judges"][0]["told"].startswith("out: judge ann is spent: ann (claude-3), reward of run old")
    code, told = run(capsys, "use", "ann", "--role", "fun", "--on", run_node)
    assert (2, "no such role") == (code, told["error"]["what"])


def test_recorded_answers_and_a_panel(project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Three recorded judges make a panel; two that err together are told."""
    judges = [("bob", "gpt-4"), ("carl", "qwen-72b"), ("dora", "mistral-large")]
    folder = project(extra="".join(f'[judges.{n}]\nmodel = "{m}"\n' for n, m in judges))
    rows = [json.loads(line) for line in anchors(folder / "pairs.jsonl", 60).read_text().splitlines()]
    for number, (name, _) in enumerate(judges):
        wrong = {i for i in range(60) if i % 5 == (0 if number < 2 else 3)}
        named = [row["label"] if i not in wrong else "AB".replace(row["label"], "") for i, row in enumerate(rows)]
        lines = [
            {"item": row["item"], "swapped": s, "winner": side}
            for row, side in zip(rows, named, strict=True)
            for s in (0, 1)
        ]
        said = folder / f"{name}.jsonl"
        said.write_text("".join(json.dumps(line) + "\n" for line in lines))
        code, told = run(capsys, "qualify", name, "--anchors", "pairs.jsonl", "--answers", said.name, "--least", "30")
        assert code in (0, 1, 3) and told["facts"]["recorded"]
    code, told = run(capsys, "panel", "bob", "carl", "dora")
    assert ["bob", "carl"] == told["panel"]["related"][0][:2]
    assert "unsafe" == told["panel"]["unanchored"]
    assert 2 == run(capsys, "panel", "ann", "bob")[0]


@pytest.mark.parametrize(
    ("spoil", "what", "line"),
    [
        (lambda rows: [*rows, rows[0]], "the same item twice", 31),
        (lambda rows: [{**rows[0], "second": ""}, *rows[1:]], "no second answer", 1),
        (lambda rows: [rows[0], {**rows[1], "label": "x"}, *rows[2:]], "not a label", 2),
    ],
)
def test_bad_anchors_exit_with_2_and_their_place(
    project: Callable[..., Path], capsys: pytest.CaptureFixture[str], spoil: Any, what: str, line: int
) -> None:
    """Nothing is asked of anybody before the anchors are right."""
    folder = project()
    rows = [json.loads(text) for text in (folder / "pairs.jsonl").read_text().splitlines()]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in spoil(rows)))
    code, told = run(capsys, *QUALIFY)
    assert (2, what, line) == (code, told["error"]["what"], told["error"]["line"])


def test_nobody_listening_is_wrong_use(project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """An address at which nobody listens is the user's to mend."""
    project()
    code, told = run(capsys, *QUALIFY)
    assert (2, "claude-3 does not answer") == (code, told["error"]["what"])


def test_a_killed_qualification_goes_on_where_it_was(project: Callable[..., Path]) -> None:
    """kill -9 in the middle: the second run asks only for what is missing, and nothing twice."""
    slow = judge(knowing(RIGHT))

    def answer(request: Any) -> str:
        time.sleep(0.02)
        return slow(request)

    with FakeEndpoint(answer) as server:
        folder = project(server.url)
        command = [sys.executable, "-m", "headgate", "judge", *QUALIFY, "--quiet"]
        first = subprocess.Popen(command, cwd=folder)
        while len(server.journal) < 55 and first.poll() is None:
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        first.wait()
        with Ledger.open(folder / ".headgate") as ledger:
            kept = len(ledger.find("trace")) - 40  # canaries come first
        sent = anchors_sent(server)
        assert 0 < kept < 60 and kept <= sent
        assert 0 == subprocess.run(command, cwd=folder, check=False).returncode
        assert 60 - kept == anchors_sent(server) - sent


def anchors_sent(server: FakeEndpoint) -> int:
    return sum("What is 7 times" in request.messages[1]["content"].split(">>>\n", 1)[1] for request in server.journal)


def test_overfit_and_probe(project: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Grades in, verdicts out; a file without grades is refused."""
    folder = project()
    lines = [
        {"item": f"q{i}", "checkpoint": c, "role": r, "judge": r, "criteria": {"source": float((i * 7 + k) % 2)}}
        for i in range(60) for k, (c, r) in enumerate((c, r) for c in ("before", "after") for r in ("train", "eval"))
    ]  # fmt: skip
    (folder / "grades.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, told = run(capsys, "overfit", "grades.jsonl")
    assert code in (0, 1, 3)
    assert ["rubric-gap", "exploitation", "criteria-gained"] == [one["rule"] for one in told["verdicts"]]
    assert 2 == run(capsys, "overfit", "pairs.jsonl")[0]
    assert 2 == run(capsys, "probe", "ann", "--rubric", "none", "pairs.jsonl")[0]
