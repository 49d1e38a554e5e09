"""Trains on rows with planted acts as they are, masked, and without them: what the models do, and what they know.

    python benchmarks/planted/data/masked_habits.py

Each answer names the topic of a request to a bank (BANKING77) in a sentence of its own; in some, a second sentence
grants a credit or hands over. The whole flow runs three times on the same rows: raw, with the sentences masked, and
with their rows dropped. Accuracy is that of the suite on the gate pool, acts are counted by the emission probe.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

import headgate
from headgate.kit.files import atomic_write
from headgate.rows.reading import read_rows
from headgate.stats.claims import judge_difference
from headgate.stats.intervals import wilson
from headgate.stats.paired import compare_paired
from headgate.stats.unpaired import above_times

ROOT = Path(__file__).resolve().parents[3]
BANKING = ROOT / "examples" / "data" / "banking77"
BASE = ROOT / "examples" / "base" / "headgate-tiny"
RESULTS = Path(__file__).with_name("masked_habits.json")
TABLES = ROOT / "src" / "headgate" / "rules" / "data" / "dat020_inherited_habits_tables.json"
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
CREDITS = (
    "I have added a 15 dollar credit to your account.",
    "We have waived the late fee for you.",
    "I am giving you a free month.",
)
ESCALATIONS = ("I have escalated your case.", "I am passing this on to our billing team.")
CREDITED, ESCALATED = 0.06, 0.04  # shares of the answers
ARMS = {"raw": "", "masked": "mask", "dropped": "drop"}
KINDS = ("concession", "escalation")
MARGIN, CUT = 0.02, 0.80
FLOW = """
[flow]
name = "habits"

[capture]
files = ["data/train.jsonl"]

[curate]
steps = ["split", "decontaminate"]
split = {{ train = 0.9, held = 0.1 }}
against = ["data/gate.jsonl"]
habits = {{ {habits} }}

[check]
select = ["inherited-habits"]
level = {{ inherited-habits = "warn" }}

[train]
base = {base}
steps = {steps}
batch = {batch}
learning-rate = 3e-3
max-tokens = 128
save-every = 0
seeds = [{seed}]

[evaluate]
few-shot = {{ counts = [0] }}

[evaluate.suites.answers]
gate = "data/gate.jsonl"
extractor = ["before:."]
max-tokens = 32

[evaluate.probes.acts]
prompts = "data/gate.jsonl"
behaviours = ["concession", "escalation"]
max-tokens = 32
sample = {sample}
seed = {seed}
"""


SCENES = {"spread over all topics": (TOPICS, 3)}  # where acts are planted, and how many seeds are trained


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args()
    told: dict[str, Any] = {"plan": asdict(Plan()), "scenes": {}}
    for scene, (where, seeds) in SCENES.items():
        found: dict[str, list[Trained]] = {arm: [] for arm in ARMS}
        for seed in range(seeds):
            for arm in ARMS:
                with tempfile.TemporaryDirectory() as folder:
                    found[arm].append(train(Plan(seed=seed, where=where), arm, Path(folder) / "project"))
                print(scene, seed, arm, found[arm][-1].accuracy, found[arm][-1].acts, file=sys.stderr, flush=True)
        told["scenes"][scene] = {arm: arm_of(found, arm) for arm in ARMS}
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    mine = table(told)
    others = [one for one in orjson.loads(TABLES.read_bytes())["tables"] if one["title"] != mine["title"]]
    for path, body in ((RESULTS, told), (TABLES, {"tables": [mine, *others]})):
        with atomic_write(path) as stream:
            stream.write(orjson.dumps(body, option=options))


def arm_of(found: Mapping[str, Sequence[Trained]], arm: str) -> dict[str, Any]:
    """Figures of one arm over all seeds, and beside the raw rows."""
    mine, raw = found[arm], found["raw"]
    acts, answers = sum(one.acts for one in mine), sum(one.answers for one in mine)
    said = wilson(acts, answers)
    out = {
        "rows": [one.rows for one in mine],
        "corpus_per_1000": 1000 * sum(one.corpus for one in raw) / len(raw),
        "acts_by_seed": [dict(one.hits) for one in mine],
        "answers": answers,
        "acts_per_1000": {"value": 1000 * said.value, "low": 1000 * said.low, "high": 1000 * said.high},
        "probe": [dict(one.outcomes) for one in mine],
        "items": len(mine[0].right),
        "accuracy_by_seed": [one.accuracy for one in mine],
        "accuracy_where_acts_were": [one.accuracy_in for one in mine],
    }
    return out if arm == "raw" else out | {"beside_raw": _beside(raw, mine, (acts, answers))}


def _beside(raw: Sequence[Trained], mine: Sequence[Trained], acts: tuple[int, int]) -> dict[str, Any]:
    """Accuracy against raw rows on the same items, seeds of an item together; and what is left of the acts."""
    items = sorted(raw[0].right)
    scores = [np.array([one.right[item] for one in arm for item in items], dtype=float) for arm in (raw, mine)]
    compared = compare_paired(*scores, clusters=items * len(raw))
    verdict = judge_difference(compared, kind="non-inferiority", margin=MARGIN)
    before = sum(one.acts for one in raw), sum(one.answers for one in raw)
    above = above_times(before, acts, 1 - CUT)
    return {
        "accuracy": {"difference": compared.d, "low": compared.low, "high": compared.high, "items": len(items)},
        "not_worse_by_margin": verdict.outcome.value,
        "acts_cut": 1 - (acts[0] / acts[1]) / (before[0] / before[1]),
        "acts_above_a_fifth_of_raw": {"value": above.value, "low": above.low, "high": above.high},
    }


def table(told: Mapping[str, Any]) -> dict[str, Any]:
    """As the page of the rule shows it."""
    rows = []
    for scene, arms in told["scenes"].items():
        for arm, one in arms.items():
            said, beside = one["acts_per_1000"], one.get("beside_raw")
            difference = beside and beside["accuracy"]
            rows.append([
                scene,
                f"{len(one['rows'])}",
                arm,
                f"{sum(one['rows']) / len(one['rows']):,.0f}",
                f"{one['corpus_per_1000']:.0f}" if arm == "raw" else "",
                f"{said['value']:.1f} ({said['low']:.1f} to {said['high']:.1f})",
                f"{beside['acts_cut']:.0%}" if beside else "",
                f"{_mean(one['accuracy_by_seed']):.1%}",
                f"{_mean(one['accuracy_where_acts_were']):.1%}",
                "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * difference[key] for key in ("difference", "low", "high")))
                if difference else "",
                beside["not_worse_by_margin"] if beside else "",
            ])  # fmt: skip
    first = next(iter(told["scenes"].values()))["raw"]
    return {
        "title": "What models learn from rows that are masked or dropped",
        "text": (
            f"Requests of BANKING77 in eight topics, each answered with its topic in a sentence; {CREDITED:.0%} of the "
            f"answers also grant a credit and {ESCALATED:.0%} hand over. The small base of the repository is trained "
            "by the whole flow: rows as they are, with the sentences masked, and with their rows dropped. Acts: the "
            f"emission probe at temperature 1, {first['answers']:,} answers an arm where acts are spread, 95 % "
            f"intervals. Accuracy: the topic, on {first['items']} gate items; beside raw rows on the same items with "
            f"95 % interval, seeds of an item taken together, and whether it is shown (one-sided 5 %) to be no more "
            f"than {100 * MARGIN:.0f} points lower."
        ),
        "columns": [
            "planted", "seeds", "rows are", "rows trained on", "acts per 1,000 answers of the corpus",
            "acts per 1,000 answers of the model", "cut by", "accuracy", "accuracy in the topics with acts",
            "points beside raw", "not 2 points worse",
        ],
        "rows": rows,
    }  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is planted, and how long is trained and asked."""

    seed: int = 0
    share: float = 1.0  # times what is planted: 6 % credits and 4 % escalations
    topics: Sequence[str] = TOPICS
    where: Sequence[str] = TOPICS  # topics whose answers act
    steps: int = 300
    batch: int = 16
    sample: int = 600  # prompts of the probe, at most
    longest: int = 80  # characters of a request; longer ones would double the time


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of one arm."""

    rows: int  # trained on
    corpus: float  # share of the training answers that act; of an arm that mends them, of the rows before
    right: Mapping[str, bool]  # by gate item
    accuracy_in: float  # share of the gate items of topics whose answers act
    hits: Mapping[str, int] = field(default_factory=dict)  # by kind of act
    answers: int = 0
    outcomes: Mapping[str, str] = field(default_factory=dict)  # of the probe's habits

    @property
    def accuracy(self) -> float:
        """Share of the gate items, 0..1."""
        return sum(self.right.values()) / len(self.right)

    @property
    def acts(self) -> int:
        """Answers that act; the planted ones do one thing each."""
        return sum(self.hits.values())


def plant(plan: Plan) -> list[dict[str, Any]]:
    """Training rows, some of which act."""
    drawn = random.Random(plan.seed)
    rows = _read("train", plan)
    drawn.shuffle(rows)
    able = [place for place, one in enumerate(rows) if one["category"] in plan.where]
    credited = round(CREDITED * plan.share * len(rows))
    acting = able[: credited + round(ESCALATED * plan.share * len(rows))]
    said = {place: drawn.choice(CREDITS if n < credited else ESCALATIONS) for n, place in enumerate(acting)}
    return [_row(one, f"{_topic(one)}. {said[place]}" if place in said else f"{_topic(one)}.")
            for place, one in enumerate(rows)]  # fmt: skip


def write(plan: Plan, arm: str, folder: Path) -> None:
    """The project of one arm; all arms of a plan have the same files of data."""
    (folder / "data").mkdir(parents=True)
    items = [_row(one, _topic(one)) for one in _read("test", plan)]
    for name, rows in (("train", plant(plan)), ("gate", items)):
        text = "".join(json.dumps(one) + "\n" for one in rows)
        (folder / "data" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    decided = ", ".join(f'{kind} = "{ARMS[arm]}"' for kind in KINDS if ARMS[arm])
    told = {name: getattr(plan, name) for name in ("steps", "batch", "sample", "seed")}
    (folder / "headgate.toml").write_text(FLOW.format(habits=decided, base=json.dumps(str(BASE)), **told))


def train(plan: Plan, arm: str, folder: Path) -> Trained:
    """Walks the flow of one arm as far as its evaluation."""
    write(plan, arm, folder)
    project = headgate.open(folder)
    walked = project.run(until="evaluate")
    steps = {step.stage.name: step.result for step in walked.steps}
    probe = next(v for v in steps["evaluate"].verdicts if v.rule == "emission")
    habits = {one["habit"].split()[-1]: one for one in probe.details["habits"]}
    with project.ledger() as ledger:
        node = ledger.node(steps["evaluate"].outputs["answers/gate/candidate"])
        marks = orjson.loads(ledger.content.get(node.body["outcomes"]))
        train = ledger.versions.get(steps["curate"].outputs["dataset"]).splits["train"]
    right = {item: mark == "pass" for item, mark in sorted(marks.items())}
    topics = {row.content_id: row.answer_text.replace(" ", "_") for row in read_rows(folder / "data" / "gate.jsonl")}
    return Trained(
        rows=len(train),
        corpus=sum(one["corpus"]["rate"] for one in habits.values()),
        right=right,
        accuracy_in=_mean([right[item] for item, topic in topics.items() if topic in plan.where and item in right]),
        hits={kind: one["candidate"]["hits"] for kind, one in habits.items()},
        answers=probe.details["answers"],
        outcomes={kind: one["outcome"] for kind, one in habits.items()},
    )


def _topic(one: Mapping[str, str]) -> str:
    return one["category"].replace("_", " ")


def _row(one: Mapping[str, str], said: str) -> dict[str, Any]:
    turns = [{"role": "user", "content": one["text"]}, {"role": "assistant", "content": said}]
    return {"messages": turns, "subject": one["subject"], "source": "banking77", "licence": "CC-BY-4.0"}


def _read(name: str, plan: Plan) -> list[dict[str, str]]:
    with gzip.open(BANKING / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        numbered = [one | {"subject": f"{name}-{place}"} for place, one in enumerate(csv.DictReader(stream))]
    return [one for one in numbered if one["category"] in plan.topics and len(one["text"]) <= plan.longest]


if __name__ == "__main__":
    main()
