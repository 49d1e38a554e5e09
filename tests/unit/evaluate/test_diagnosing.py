"""The diagnosis tells planted gaps apart: an answer that is rarely first, one that is absent, and missing facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.evaluate.gaps import reading_of_context, reading_of_passes, reading_of_spread
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Ledger
from headgate.testing.fake_endpoint import FakeEndpoint, Request

N = 40
FACTS = {f"Which code opens door {i}?": f"code {i * 37 % 101}" for i in range(N)}


def chance(request: Request) -> float:
    """A number from 0 to 1 that question and seed fix."""
    return int(digest(f"{request.text}{request.body['seed']}".encode())[3:11], 16) / 16**8


def wrong(request: Request) -> str:
    return f"code {200 + int(chance(request) * 50)}"


def asked(request: Request) -> str:
    return next(answer for question, answer in FACTS.items() if question in request.text)


def rarely(request: Request) -> str:
    """Right in about three answers of ten: the answer is there and rarely first."""
    return asked(request) if chance(request) < 0.3 else wrong(request)


def reader(request: Request) -> str:
    """Right where the facts are in view, and never otherwise."""
    return asked(request) if "The code of door" in request.text else wrong(request)


def stubborn(request: Request) -> str:
    """Always the same wrong answer, whatever is in view."""
    return "code 999"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [
        {"prompt": question, "completion": answer, "context": f"The code of door {i} is {answer}."}
        for i, (question, answer) in enumerate(FACTS.items())
    ]
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "headgate.toml").write_text(
        '[flow]\nname = "doors"\n[evaluate]\nmax-tokens = 16\nattempts = 1\n'
        '[evaluate.suites.doors]\ndev = "dev.jsonl"\nscorer = "exact"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diagnosed(capsys: Any, server: FakeEndpoint, *more: str) -> tuple[int, Any, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "diagnose", "--model", server.spec("m"), "--json", *more])
    out = capsys.readouterr()
    return int(ended.value.code or 0), json.loads(out.out) if out.out else None, out.err


def test_an_answer_that_is_rarely_first(project, capsys):
    """A preference gap: pass@16 far above pass@1; each part is a score node, and a second run asks nothing."""
    with FakeEndpoint(rarely) as server:
        code, told, _ = diagnosed(capsys, server)
        first = len(server.journal)
        _, again, _ = diagnosed(capsys, server)
        assert (N * 32, N * 32) == (first, len(server.journal))
    assert 0 == code
    passes = told["parts"]["pass-at-k"]
    assert 0.25 < passes["pass_at"]["1"]["value"] < 0.35
    assert passes["pass_at"]["16"]["low"] > 0.9
    assert "rarely first" in passes["suggests"]
    assert told["scores"] == again["scores"]
    with Ledger.open(project / ".headgate") as ledger:
        bodies = {name: ledger.node(node).body for name, node in told["scores"].items()}
    assert {"pass-at-k", "agreement", "oracle-context"} == set(bodies)
    assert passes == bodies["pass-at-k"]["diagnosis"]
    assert {"dev"} == {body["pool"] for body in bodies.values()}


def test_missing_facts(project, capsys):
    """A knowledge gap: nothing without the facts, everything with them."""
    with FakeEndpoint(reader) as server:
        _, told, _ = diagnosed(capsys, server)
    parts = told["parts"]
    assert 0 == parts["pass-at-k"]["pass_at"]["16"]["value"]
    assert "not in the model at all" in parts["pass-at-k"]["suggests"]
    assert (1.0, N) == (
        parts["oracle-context"]["comparison"]["d"],
        parts["oracle-context"]["failing_items_mended"]["n"],
    )
    assert "facts are what is missing" in parts["oracle-context"]["suggests"]
    assert "answers scatter" in parts["agreement"]["suggests"]


def test_a_behaviour_that_facts_do_not_mend(project, capsys):
    """A behaviour gap: of one mind and wrong, with the facts in view as without."""
    with FakeEndpoint(stubborn) as server:
        _, told, _ = diagnosed(capsys, server)
    parts = told["parts"]
    assert "of one mind and wrong" in parts["agreement"]["suggests"]
    assert (1.0, 0.0) == (parts["agreement"]["modal_share"]["value"], parts["agreement"]["entropy_bits"]["value"])
    assert "facts are not what is missing" in parts["oracle-context"]["suggests"]


def test_refusals(project, capsys):
    """No model, a suite without development items, no temperature."""
    with FakeEndpoint(stubborn) as server:
        code, _, err = diagnosed(capsys, server, "--temperature", "0")
        assert (2, True) == (code, "answers that are drawn need a temperature" in err)
        code, _, err = diagnosed(capsys, server, "--suite", "other")
        assert (2, True) == (code, "no such suite" in err)
        (project / "dev.jsonl").write_text((project / "dev.jsonl").read_text().splitlines()[0] + "\n")
        code, _, err = diagnosed(capsys, server)
        assert (2, True) == (code, "has 1 development items" in err)
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "diagnose"])
    assert (2, True) == (ended.value.code, "no model" in capsys.readouterr().err)


def shown(low: float, high: float, n: int = 50) -> dict[str, Any]:
    return {"value": (low + high) / 2, "low": low, "high": high, "n": n}


def test_nothing_is_said_that_the_interval_does_not_carry():
    """Between thresholds, and with fewer than sixteen answers, the answer is that it is not known."""
    assert "undecided" in reading_of_passes(shown(0.3, 0.5), shown(0.6, 0.8), 16)
    assert "16 are needed" in reading_of_passes(shown(0.1, 0.2), shown(0.8, 0.9), 8)
    assert "little that choosing" in reading_of_passes(shown(0.6, 0.8), shown(0.9, 1.0), 16)
    assert "undecided" in reading_of_spread(shown(0.7, 0.9), shown(0.4, 0.6))
    assert "mixed or undecided" in reading_of_context({"high": 0.4}, shown(0.3, 0.7))
    assert "makes answers worse" in reading_of_context({"high": -0.1}, shown(0.0, 0.1))
    assert "nothing to mend" in reading_of_context({"high": 0.1}, shown(0.0, 1.0, 0))
