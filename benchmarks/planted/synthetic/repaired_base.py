"""Tunes the small base on written-up inputs, on the same repaired, and as people typed them; scores it on real ones.

    python benchmarks/planted/synthetic/repaired_base.py --data FOLDER

The whole flow, `[curate.repair-inputs]` included, on eight topics of BANKING77: half of the training rows are real
inputs to repair by, the others are written up as the planter of input-gap does. Items are the test half as it is.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
sys.path.insert(0, str(HERE))

from input_repairs import TARGET, with_tables  # noqa: E402
from repaired_training import ARMS, beside, points  # noqa: E402
from syn001_input_gap import plant  # noqa: E402

import headgate  # noqa: E402
from clean.loading import banking77, banking77_test  # noqa: E402
from headgate.kit.files import atomic_write  # noqa: E402
from headgate.rows.row import Row  # noqa: E402

SEEDS = 3
BASE = HERE.parents[2] / "examples" / "base" / "headgate-tiny"
RESULTS = Path(__file__).with_suffix(".json")
LONGEST = 120  # characters of a request; the few longer ones would double the time
TOPICS = (
    "activate_my_card",
    "age_limit",
    "card_arrival",
    "card_swallowed",
    "change_pin",
    "edit_personal_details",
    "lost_or_stolen_card",
    "terminate_account",
)
FLOW = """
[flow]
name = "repaired"

[capture]
files = ["data/train.jsonl"]

[curate]
steps = ["split", "decontaminate"]
split = {{ train = 1.0 }}
against = ["data/gate.jsonl"]
{repair}
[check]
select = ["input-gap"]

[train]
base = {base}
steps = 200
batch = 16
learning-rate = 3e-3
max-tokens = 160
save-every = 0
seeds = [{seed}]

[evaluate]
few-shot = {{ counts = [0] }}

[evaluate.suites.topics]
gate = "data/gate.jsonl"
max-tokens = 12
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    drawn = [scored(asked.data, seed) for seed in range(asked.seeds)]
    auc = [one.pop("auc") for one in drawn]
    told = {"seeds": asked.seeds, **beside(drawn), "auc": auc}
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    mine = table(told)  # its only line begins with a figure, so that no line of before is known by it
    others = {"tables": [one for one in with_tables(TARGET, [])["tables"] if one["title"] != mine["title"]] + [mine]}
    for path, body in ((RESULTS, told), (TARGET, others)):
        with atomic_write(path) as stream:
            stream.write(orjson.dumps(body, option=options))


def scored(data: Path, seed: int) -> dict[str, Any]:
    """Right or wrong on each item, by what was trained on; and the gap before and after."""
    rows = [row for row in banking77(data) if row.answer_text in TOPICS and len(row.prompt_text) <= LONGEST]
    random.Random(seed).shuffle(rows)
    planted = plant(rows, 1.0, 2 * seed)  # an even seed leaves the topics as they are on both sides
    typed, real = rows[len(rows) // 2 :], list(planted.inputs["reference-rows"])
    items = [row for row in banking77_test(data) if row.answer_text in TOPICS and len(row.prompt_text) <= LONGEST]
    out: dict[str, Any] = {}
    for arm in ARMS:
        with tempfile.TemporaryDirectory() as folder:
            marks, gap = tuned(typed if arm == "typed" else planted.rows, real, items, Path(folder), arm, seed)
        out[arm], out["auc"] = marks, {**out.get("auc", {}), **gap}
        print(seed, arm, marks.mean(), gap, file=sys.stderr, flush=True)
    return out


def tuned(
    rows: Sequence[Row], real: Sequence[Row], items: Sequence[Row], folder: Path, arm: str, seed: int
) -> tuple[np.ndarray, Mapping[str, float]]:
    """Walks the flow as far as its evaluation: 1.0 or 0.0 for each item, and the gap as repair found it."""
    (folder / "data").mkdir()
    for name, some in (("train", rows), ("real", real), ("gate", items)):
        text = "".join(json.dumps(_line(row, f"{name}-{place}")) + "\n" for place, row in enumerate(some))
        (folder / "data" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    repair = '\n[curate.repair-inputs]\nreference = ["data/real.jsonl"]\n' if arm == "repaired" else ""
    (folder / "headgate.toml").write_text(FLOW.format(repair=repair, base=json.dumps(str(BASE)), seed=seed))
    project = headgate.open(folder)
    steps = {step.stage.name: step.result for step in project.run(until="evaluate").steps}
    with project.ledger() as ledger:
        node = ledger.node(steps["evaluate"].outputs["topics/gate/candidate"])
        marks = orjson.loads(ledger.content.get(node.body["outcomes"]))
    notes = [one["notes"] for one in steps["curate"].facts["steps"] if one["step"] == "repair-inputs"]
    gap = {name: notes[0][name]["value"] for name in ("auc_before", "auc_after")} if notes else {}
    return np.array([float(marks[item] == "pass") for item in sorted(marks)]), gap


def table(told: Mapping[str, Any]) -> dict[str, Any]:
    """As the page of the rule shows it."""
    falls = [one["auc_before"] - one["auc_after"] for one in told["auc"]]
    return {
        "title": "The small base tuned on repaired inputs, scored on real ones",
        "text": (
            f"The whole flow on eight topics of banking77, {told['seeds']} seeds: half of the training rows are real "
            "inputs to repair by, the others are rewritten by the planter and repaired by `[curate.repair-inputs]`. "
            f"The base of 0.4 million parameters is tuned and asked for the topic of {told['items']} real test inputs. "
            "Columns as above."
        ),
        "columns": [
            "fall of the AUC", "written", "repaired", "typed", "points by repair", "over draws", "least to most",
            "gain shown",
        ],
        "rows": [[f"{np.mean(falls):.3f}", *points(told)]],
    }  # fmt: skip


def _line(row: Row, subject: str) -> dict[str, Any]:
    turns = [
        {"role": "user", "content": row.prompt_text},
        {"role": "assistant", "content": row.answer_text.replace("_", " ")},
    ]
    return {"messages": turns, "subject": subject, "source": "banking77", "licence": "CC-BY-4.0"}


if __name__ == "__main__":
    main()
