"""Planted tells and planted uses: how often each is found, and how often an honest one is accused.

python benchmarks/judges/planted_judges.py FOLDER     (items.jsonl.gz of LLMBar)

Judges are simulated: no model is asked. A tell of strength s takes the dressed-up answer in a share s of the pairs and
is otherwise even-handed with noise (15 % of equal pairs get a winner by chance). Lineages are random graphs of 30
nodes; the truth is a walk of its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from real_judges import anchors_of

from headgate.evaluate.anchors import Anchors
from headgate.evaluate.cues import CUES
from headgate.evaluate.qualification import dressed
from headgate.evaluate.qualifying import Limits, Marks, qualify
from headgate.ledger.ledger import Edge, Ledger
from headgate.models.judges.asking import Answer
from headgate.models.judges.protocol import Call, orders
from headgate.models.judges.settings import ROLES, SPENDING, JudgeSettings
from headgate.rules.judge_fitness import bench_of, judge_fit
from headgate.rules.judge_uses import record_use

RUNS, PROBES, NOISE = 40, 50, 0.15
STRENGTHS = (0.0, 0.25, 0.5, 1.0)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-3", "mistral-large", "qwen-72b", "llama-3-70b")


class Simulated:
    """A judge by chance: what it says of dressed-up answers."""

    name = "simulated"

    def __init__(self, cue: str, strength: float, seed: int) -> None:
        self.cue, self.strength, self.rng = cue, strength, np.random.default_rng(seed)

    def answers(self, calls: Sequence[Call], title: str = "") -> list[Answer]:  # noqa: ARG002 - the shape of a desk
        out = []
        for call in calls:
            if call.item.startswith(self.cue + ":") and not call.swapped:
                self.moved = self.rng.random() < self.strength
            if call.item.startswith(self.cue + ":") and self.moved:
                out.append(Answer(outcome="scored", better="second"))
            elif self.rng.random() < NOISE:
                out.append(Answer(outcome="scored", better=("first", "second")[int(self.rng.integers(2))]))
            else:
                out.append(Answer(outcome="scored", better="tie"))
        return out


def cues(anchors: Anchors) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for strength in STRENGTHS:
        failed = accused = unsure = 0
        tried = [cue for cue in CUES if cue != "identical"]
        for run in range(RUNS):
            cue = tried[run % len(tried)]
            lines = {v.rule: v.outcome.value for v in dressed(Simulated(cue, strength, run), anchors, "", PROBES)}
            failed += lines[f"tell-{cue}"] == "fail"
            unsure += lines[f"tell-{cue}"] == "unsure"
            accused += sum(outcome == "fail" for rule, outcome in lines.items() if rule != f"tell-{cue}")
        found[f"strength {strength:g}"] = {
            "refused for it": failed / RUNS, "unsure": unsure / RUNS, "refused for another cue": accused / (RUNS * 9)
        }  # fmt: skip
    return found


def choices(anchors: Anchors) -> dict[str, Any]:
    """Judges that are right in 85 % of pairs, or follow length or place in a share of them."""
    found: dict[str, Any] = {}
    for tell in ("none", "length", "place"):
        for strength in (0.0,) if tell == "none" else (0.3, 0.6):
            refused = 0
            for run in range(RUNS):
                rng = np.random.default_rng([run, int(strength * 100), len(tell)])
                calls = [call for pair in anchors.pairs[:300] for call in orders(pair)]
                labels = {one.pair.item: one for one in anchors.anchors[:300]}
                answers = []
                for call in calls:
                    one = labels[call.item]
                    if rng.random() < strength:
                        longer = "first" if len(one.pair.first) > len(one.pair.second) else "second"
                        placed = "second" if call.swapped else "first"
                        answers.append(Answer(outcome="scored", better=longer if tell == "length" else placed))
                    else:
                        wrong = "first" if one.label == "second" else "second"
                        answers.append(Answer(outcome="scored", better=one.label if rng.random() < 0.9 else wrong))
                marks = Marks(
                    anchors=Anchors(anchors=anchors.anchors[:300], marked=True),
                    calls=tuple(calls),
                    answers=tuple(answers),
                )
                lines = {v.rule: v.outcome.value for v in qualify(marks, Limits(), "m", "")}
                refused += (
                    lines.get(f"{tell}-tell") == "fail"
                    if tell != "none"
                    else any(lines[f"{name}-tell"] == "fail" for name in ("length", "place"))
                )
            found[f"{tell}, {strength:g}"] = refused / RUNS
    return found


def lineages(count: int = 300) -> dict[str, int]:
    """Random lineages: is a judge found spent exactly where a spending use lies above the adapter?"""
    told = {"lineages": count, "spent and found": 0, "spent and missed": 0, "unspent and let through": 0, "accused": 0}
    for seed in range(count):
        rng = np.random.default_rng(seed)
        with tempfile.TemporaryDirectory() as place, Ledger.open(place, create=True) as ledger:
            nodes, above = [], {}
            for number in range(30):
                kind = ("source", "run", "adapter")[int(rng.integers(3))] if number < 29 else "adapter"
                parents = [nodes[i] for i in rng.choice(number, min(number, 2), replace=False)] if number else []
                node = ledger.record(
                    kind, f"n{number}", {"n": number}, edges=[Edge("derived-from", p) for p in parents]
                )
                above[node] = {node}.union(*(above[p] for p in parents))
                nodes.append(node)
            judges = [
                ledger.node(ledger.record("judge", f"j{i}", JudgeSettings(endpoint="", model=model).body()))
                for i, model in enumerate(MODELS)
            ]
            spent = set()
            for _ in range(4):
                judge, role = judges[int(rng.integers(len(judges)))], ROLES[int(rng.integers(len(ROLES)))]
                target = nodes[int(rng.integers(30))]
                record_use(ledger, role, on=[target], judge=judge)
                if role in SPENDING and target in above[nodes[-1]]:
                    spent.add(judge.name)
            bench = bench_of(ledger, nodes[-1])
            for judge in judges:
                found = any(v.rule == "spent-judge" for v in judge_fit(ledger, bench, judge, None, NOW))
                truth = judge.name in spent
                name = (
                    ("spent and found" if found else "spent and missed")
                    if truth
                    else ("accused" if found else "unspent and let through")
                )
                told[name] += 1
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    anchors = anchors_of(parser.parse_args().folder)
    print(json.dumps({"cues": cues(anchors), "choices": choices(anchors), "lineages": lineages()}, indent=1))


if __name__ == "__main__":
    main()
