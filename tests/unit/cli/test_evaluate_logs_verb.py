"""`headgate evaluate import` and `export`: logs of other tools in and out, with the exit codes of verbs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.ledger.ledger import Ledger
from headgate.testing.fake_endpoint import FakeEndpoint

LOGS = Path(__file__).parents[2] / "fixtures" / "evaluation_logs"
LM_EVAL = str(LOGS / "lm_eval" / "samples_sums_cot_2026-11-18T10-00-00.000001.jsonl")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "headgate.toml").write_text('[flow]\nname = "support"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *arguments])
    out = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(out.out) if "--json" in arguments and out.out else out.out, out.err


def test_import_tells_what_was_taken(project, capsys):
    """Counts by ending and the reasons, in text and in JSON; the score node is in the ledger with who brought it."""
    given = ("import", LM_EVAL, "--arm", "base", "--metric", "exact_match,strict-match", "--by", "ann")
    code, text, _ = run(capsys, *given)
    assert 0 == code
    assert "sums_cot, gate: base, 5 items from lm-eval" in text
    assert "2 pass, 1 fail, 2 unscored" in text
    assert "1 x empty answer" in text
    assert 'imported = ["sums_cot"]' in text
    code, told, _ = run(capsys, *given, "--json")
    assert (0, True, {"pass": 2, "fail": 1, "unscored": 2, "error": 0}) == (
        code, told["known"], {name: told[name] for name in ("pass", "fail", "unscored", "error")},
    )  # fmt: skip
    with Ledger.open(project / ".headgate") as ledger:
        assert "ann" == ledger.node(told["score"]).body["imported"]["by"]


def test_refusals_name_file_and_next_step(project, capsys):
    """Several metrics, an unknown file, an adapter that is none."""
    code, _, err = run(capsys, "import", LM_EVAL, "--arm", "base")
    assert 2 == code
    assert "--metric exact_match,strict-match" in err
    (project / "x.json").write_text('{"a": 1}')
    code, _, err = run(capsys, "import", "x.json", "--arm", "base")
    assert (2, True) == (code, "no log that is known" in err and "x.json" in err)
    code, _, err = run(
        capsys, "import", LM_EVAL, "--arm", "candidate", "--adapter", "latest", "--metric", "exact_match,strict-match"
    )
    assert (2, True) == (code, "no adapter is recorded" in err)


def test_quiet_says_nothing(project, capsys):
    """Exit code alone."""
    code, text, _ = run(capsys, "import", str(LOGS / "inspect.eval"), "--arm", "base", "--quiet")
    assert (0, "") == (code, text)


def test_export_writes_what_import_reads(project, capsys):
    """An arm of ours goes out in each form; a suite that is not in the flow file, or was never measured, does not."""
    rows = [{"prompt": f"What is {i} and {i}?", "completion": str(2 * i)} for i in range(12)]
    (project / "gate.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = '[flow]\nname = "support"\n[evaluate]\nattempts = 1\nfew-shot.counts = [0]\n[evaluate.suites.sums]\n'
    with FakeEndpoint(
        lambda request: str(2 * int(request.text.split()[-1][:-1]) + (request.model == "base"))
    ) as server:
        models = f'base = "{server.spec("base")}"\ncandidate = "{server.spec("candidate")}"\n'
        (project / "headgate.toml").write_text(text.replace("attempts", models + "attempts") + 'gate = "gate.jsonl"\n')
        code, _, err = run(capsys, "export", "logs", "--to", "inspect", "--suite", "sums")
        assert (2, True) == (code, "nothing was measured" in err)
        code, _, err = run(capsys, "export", "logs", "--to", "inspect", "--suite", "other")
        assert (2, True) == (code, "no such suite in the flow file" in err)
        assert 3 >= run(capsys, "--quiet")[0]
    code, text, _ = run(capsys, "export", "logs", "--to", "lm-eval", "--suite", "sums", "--arm", "candidate")
    assert (0, True) == (code, "sums, gate: candidate, 12 items" in text)
    code, told, _ = run(capsys, "export", "logs.json", "--to", "promptfoo", "--suite", "sums", "--json")
    assert (0, ["base", "candidate"]) == (code, [one["arm"] for one in told["arms"]])
    given = ("import", "logs.json", "--arm", "base", "--model", "base", "--suite", "again", "--json")
    code, told, _ = run(capsys, *given)
    assert (0, 12, 0) == (code, told["fail"], told["pass"])
    code, _, err = run(capsys, "export", "gate.jsonl", "--to", "inspect", "--suite", "sums")
    assert (2, True) == (code, "not a folder" in err)
