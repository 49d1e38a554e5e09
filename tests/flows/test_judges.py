"""A judge from its first table to a verdict: refused unqualified, qualified, asked, spent, refused again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.ledger.ledger import Edge, Ledger
from headgate.models.judges.canaries import canaries
from headgate.testing.fake_endpoint import FakeEndpoint, Request
from headgate.testing.judges import judge, knowing

FLOW = """[flow]
name = "sums"
[judges.ann]
endpoint = "{judge}"
model = "claude-3"
[judges.bob]
model = "gpt-4o"
roles = ["reward"]
[evaluate]
base = "{models}#base"
candidate = "{models}#candidate"
few-shot = {{ counts = [0] }}
[evaluate.suites.sums]
gate = "items.jsonl"
[evaluate.judged.replies]
gate = "questions.jsonl"
judges = ["ann"]
"""
RIGHT = {f"What is 7 times {i}?": f"It is {i * 7}." for i in range(100)}
KNOWN = {**{one.pair.prompt: one.pair.first for one in canaries()}, **RIGHT}


def models(request: Request) -> str:
    """The candidate is right; the base says something of its own."""
    return RIGHT.get(request.text, "?") if request.model == "candidate" else f"I wonder about {request.text}"


def write(path: Path, rows: list[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--json"])
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


def verdicts(told: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one["rule"]: one for one in told["verdicts"]}


def test_from_an_unqualified_judge_to_a_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command that a verdict names gets the flow one step further, and a use ends it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "items.jsonl", [{"prompt": q, "completion": a} for q, a in list(RIGHT.items())[:20]])
    write(tmp_path / "questions.jsonl", [{"prompt": q} for q in list(RIGHT)[20:50]])
    pairs = []
    for i, (question, answer) in enumerate(list(RIGHT.items())[50:90]):
        wrong = f"It is {i}, which anybody can see who has learned the tables at school." if i % 2 else f"It is {i}."
        right = answer if i % 2 else f"{answer} That is seven that many times over."
        texts = (right, wrong) if i % 3 else (wrong, right)
        row = {"item": f"p{i}", "prompt": question, "first": texts[0], "second": texts[1]}
        pairs.append({**row, "label": "A" if i % 3 else "B", "adversarial": bool(i % 2)})
    write(tmp_path / "pairs.jsonl", pairs)
    with FakeEndpoint(models) as asked, FakeEndpoint(judge(knowing(KNOWN))) as judging:
        (tmp_path / "headgate.toml").write_text(FLOW.format(judge=judging.url, models=asked.url))
        code, told = run(capsys, "evaluate")
        assert (3, "unsure") == (code, verdicts(told)["judge-licence"]["outcome"])
        assert "headgate judge qualify ann --anchors FILE" == verdicts(told)["judge-licence"]["try"]
        assert [] == judging.journal
        code, told = run(
            capsys, "judge", "qualify", "ann", "--anchors", "pairs.jsonl", "--least", "40", "--probes", "20"
        )
        assert (0, True) == (code, told["licensed"]), [v for v in told["verdicts"] if v["outcome"] != "pass"]
        code, told = run(capsys, "evaluate")
        claim = verdicts(told)["preferred-over-base"]
        assert (0, "pass", 1.0) == (code, claim["outcome"], claim["measure"]["value"])
        assert [0.0] == [one["unscored"] for one in claim["details"]["judges"]]
        assert "panel-families" in verdicts(told)
    with Ledger.open(tmp_path / ".headgate") as ledger:
        run_node = ledger.record("run", "tuned", {})
        adapter = ledger.record("adapter", "tuned", {}, edges=[Edge("derived-from", run_node)])
    code, told = run(capsys, "judge", "rotation", "--adapter", adapter)
    assert (0, 5) == (code, told["gates_left"])
    assert 0 == run(capsys, "judge", "use", "ann", "--role", "model-choice", "--on", run_node)[0]
    code, told = run(capsys, "judge", "rotation", "--adapter", adapter)
    assert (1, 0) == (code, told["gates_left"])
