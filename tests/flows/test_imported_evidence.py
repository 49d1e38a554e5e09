"""A flow that asks no model itself: logs of lm-evaluation-harness of base and candidate decide its gate."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.flows.test_planted_failures import CONTROL, plant

import headgate
from headgate.cli.main import main
from headgate.evaluate.logs.writing import Results, Told, write_lm_eval
from headgate.evaluate.scorers import Mark, Scored
from headgate.stats.verdict import Outcome

SAMPLING = {"temperature": 0.0, "max_tokens": 64, "seed": 0, "stop": []}


def log(folder: Path, arm: str, ended: str) -> str:
    """A samples file of one arm."""
    marks = {"1": Scored(Mark.PASS), "0": Scored(Mark.FAIL)}
    items = [
        Told(id=str(i), question=f"How much is {i} plus {i * i}, in Roman numerals?", target=f"t{i}", scored=marks[bit])
        for i, bit in enumerate(ended)
    ]
    at = datetime.now(UTC)
    told = Results(suite="romans", pool="gate", arm=arm, model=arm, items=items, at=at, sampling=SAMPLING)
    return str(write_lm_eval(folder / arm, told)[1])


def imports(*arguments: str) -> None:
    """`headgate evaluate import`, which passes."""
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", "import", *arguments, "--by", "ann", "--quiet"])
    assert not ended.value.code


@pytest.mark.training
def test_imported_logs_decide_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without logs it stops; with a log of some model it stops; said to be this adapter it is released."""
    folder = tmp_path / "p"
    overrides = plant.write(CONTROL, folder, steps=4)
    text = (folder / "headgate.toml").read_text()
    start, end = text.index("[evaluate]"), text.index("[gate]")
    text = f'{text[:start]}[evaluate]\nimported = ["romans"]\n\n{text[end:]}'.replace(
        "[gate]", '[gate]\ncompare = ["base"]'
    )
    (folder / "headgate.toml").write_text(text)
    monkeypatch.chdir(folder)
    project = headgate.open(folder, set=overrides)
    without = project.run()
    assert ("evaluate", Outcome.UNSURE) == (without.steps[-1].stage.name, without.outcome)
    assert "no log of base and of candidate was imported" in without.summary

    imports(log(folder, "base", "0011" * 40), "--arm", "base")
    imports(log(folder, "candidate", "0111" * 40), "--arm", "candidate")
    unnamed = project.run()
    assert Outcome.UNSURE is unnamed.outcome
    assert "nothing says that it is the adapter" in unnamed.summary

    imports(log(folder, "candidate", "0111" * 40), "--arm", "candidate", "--adapter", "latest")
    passed = project.run()
    assert Outcome.PASS is passed.outcome, passed.summary
    assert passed.release
    assert {"evaluate", "gate", "release"} == {step.stage.name for step in passed.steps if not step.reused}
    cards = list(folder.rglob("README.md")) + list(folder.rglob("*card*.md"))
    assert any("Measured elsewhere and imported" in one.read_text() for one in cards), json.dumps(
        [str(c) for c in cards]
    )

    imports(log(folder, "worse", "0001" * 40), "--arm", "candidate", "--adapter", "latest")
    assert Outcome.FAIL is project.run().outcome
