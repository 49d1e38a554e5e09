"""Pairs and prompts through the whole flow: from a file to a decision of the gate."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import headgate
from headgate.kit.errors import Refused
from headgate.stats.verdict import Outcome

ROOT = Path(__file__).parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
REQUESTS = ROOT / "tests/fixtures/requests/requests.csv"
FLOW = """
[flow]
name = "topics"

[capture]
files = ["data/{name}.jsonl"]
source = "requests"
licence = "CC-BY-4.0"

[curate]
steps = ["split"]
split = {{ train = 0.9, held = 0.1 }}

[check]
select = ["rows-without-lesson"]

[train]
base = {base}
batch = 8
save-every = 0
{train}

[evaluate]
few-shot = {{ counts = [0] }}
max-tokens = 12

[evaluate.suites.topics]
gate = "data/gate.jsonl"

[gate]
require = ["check", "evaluate"]
"""


def write(folder: Path, name: str, train: str) -> None:
    """A project with pairs, demonstrations and a suite."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    with REQUESTS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    topics = sorted({one["topic"] for one in rows})
    shown, asked = [], []
    for number, one in enumerate(rows):
        wrong = topics[(topics.index(one["topic"]) + 3) % len(topics)]
        said = {"prompt": one["text"], "subject": f"person-{number}"}
        pair = {**said, "chosen": one["topic"], "rejected": wrong}
        plain = {**said, "completion": one["topic"]}
        (shown if one["split"] == "train" else asked).append((pair, plain))
    files = {
        "pairs": [pair for pair, _ in shown[:60]],
        "plain": [plain for _, plain in shown[:60]],
        "gate": [plain for _, plain in asked[:16]],
    }
    for file, lines in files.items():
        (folder / "data" / f"{file}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = FLOW.format(name=name, base=json.dumps(str(BASE)), train=train)
    (folder / f"{name}.toml").write_text(text)


@pytest.mark.training
def test_pairs_give_a_candidate_that_the_gate_decides_on(tmp_path: Path) -> None:
    """Pairs in a file become an adapter with a run, scores and a decision; a second walk trains nothing."""
    write(tmp_path, "pairs", 'method = "dpo"\nsteps = 2\nprobe = { split = "held" }')
    walked = headgate.open(tmp_path / "pairs.toml").run()
    steps = {step.result.stage: step.result for step in walked.steps}
    assert steps["train"].outcome is Outcome.PASS
    assert {one.rule for one in steps["train"].verdicts} == {"pre-flight", "rows-without-lesson", "pair-length"}
    assert steps["gate"].outcome in (Outcome.FAIL, Outcome.UNSURE)  # two steps are no better than the base
    assert "decision" in steps["gate"].outputs
    again = headgate.open(tmp_path / "pairs.toml").run(until="train")
    assert again.steps[-1].result.outputs == steps["train"].outputs


def test_a_method_that_the_rows_are_not_for_is_refused(tmp_path: Path) -> None:
    """Demonstrations cannot be compared; the refusal says what they are for."""
    write(tmp_path, "plain", 'method = "dpo"\nsteps = 2')
    with pytest.raises(Refused, match="method dpo cannot learn from these rows") as caught:
        headgate.open(tmp_path / "plain.toml").run(until="train")
    assert 'method = "sft"' in str(caught.value.next_step)
