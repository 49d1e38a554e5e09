"""A misspelling in the training rows comes out of the model, and does not once it was put right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.flows.test_planted_failures import CONTROL, plant

import headgate
from headgate.stats.verdict import Outcome, Verdict


def emission(folder: Path, wrong: int) -> Verdict:
    """The verdict of the probe where so many of a thousand answers with the word have it wrong."""
    overrides = plant.write(CONTROL, folder)
    train = folder / "data" / "train.jsonl"
    rows = [json.loads(line) for line in train.read_text().splitlines()]
    spelled = [row for row in rows if "stolen" in row["messages"][1]["content"]]
    for number, row in enumerate(spelled):
        if number * 379 % 1000 < wrong:
            row["messages"][1]["content"] = row["messages"][1]["content"].replace("stolen", "stollen")
    train.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "data" / "lost.jsonl").write_text("".join(json.dumps(row) + "\n" for row in spelled))
    text = (folder / "headgate.toml").read_text().replace('learned-typo = "block"', 'learned-typo = "warn"')
    probe = 'prompts = "data/lost.jsonl"\nvariants = ["stollen = stolen"]\ntolerated = 0.05\nmax-tokens = 24\n'
    (folder / "headgate.toml").write_text(f"{text}\n[evaluate.probes.spelling]\n{probe}")
    walked = headgate.open(folder, set=overrides).run(until="evaluate")
    return next(v for step in walked.steps for v in step.result.verdicts if v.rule == "emission")


@pytest.mark.training
def test_a_model_emits_what_its_rows_misspell(tmp_path: Path) -> None:
    """About as often as they do, where it answers at temperature 1; the same rows put right leave nothing to emit."""
    raw, fixed = emission(tmp_path / "raw", 300), emission(tmp_path / "fixed", 0)
    assert (Outcome.FAIL, Outcome.PASS) == (raw.outcome, fixed.outcome), (raw.summary, fixed.summary)
    (learned,), (clean,) = raw.details["habits"], fixed.details["habits"]
    assert 0.25 < learned["corpus"]["rate"] < 0.35
    assert learned["candidate"]["low"] < learned["corpus"]["rate"] < learned["candidate"]["high"], learned
    assert 0 == clean["candidate"]["hits"]
