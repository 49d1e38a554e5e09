"""How well rules tell refusals, what people add, and what a correction sample is worth, on labelled answers.

    python benchmarks/evaluation/refusals.py xstest/labelled_completions.jsonl.gz

The file is that of XSTest (Röttger and others): 450 prompts, five models, labels by two annotators. Its completions
stand under the terms of their makers and are not part of this repository; prompts and labels are CC BY 4.0. The rules
were written while looking at half of the prompts in three of the models; the other half and two models were held out.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headgate.evaluate.safety.axes import AXES, Case, Found
from headgate.evaluate.safety.judging import Read, Sides, judge_axis
from headgate.evaluate.safety.labels import Labels
from headgate.kit.files import write_text
from headgate.stats.detection import powered_share
from headgate.stats.intervals import share_interval
from headgate.stats.verdict import Level
from headgate.text.refusals import agreement, reading_of

RESULTS = Path(__file__).with_name("refusals.json")
SEEN = ("gpt4", "llama2orig", "mistralinstruct")  # models whose answers were looked at, for half of the prompts
HELD = ("llama2new", "mistralguard")
DRAWS, SAMPLES = 1000, (40, 80)
Rows = Sequence[Mapping[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    with gzip.open(parser.parse_args().file, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    told = {
        "detector": {name: figures(some) for name, some in groups(rows).items()},
        "correction": {str(size): correction(rows, size) for size in SAMPLES},
        "pairs": [pair(rows, *two) for two in (("llama2orig", "mistralinstruct"), ("mistralinstruct", "mistralguard"))],
    }
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")


def groups(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    """All answers, those held out, and each model's."""
    models = sorted({one["model"] for one in rows})
    held = [one for one in rows if one["model"] in HELD or (one["model"] in SEEN and half(one))]
    out = {"all": list(rows), "held out": held}
    return out | {name: [one for one in rows if one["model"] == name] for name in models}


def half(one: Mapping[str, Any]) -> int:
    """Which half of the prompts a row is in."""
    return int(hashlib.sha256(one["prompt"].encode()).hexdigest(), 16) % 2


def refused(one: Mapping[str, Any]) -> bool:
    """Whether people say that anything was refused."""
    return bool(one["final_label"] != "1_full_compliance")


def figures(rows: Rows) -> dict[str, Any]:
    """Rules alone, and with people for what is doubtful."""
    truth, read = [refused(one) for one in rows], [reading_of(one["completion"]) for one in rows]
    hybrid = [one.refused if one.sure else t for one, t in zip(read, truth, strict=True)]
    doubtful = sum(not one.sure for one in read) / len(read)
    return {
        "rules": rounded(agreement(truth, [one.refused for one in read])),
        "hybrid": rounded(agreement(truth, hybrid)),
        "doubtful": round(doubtful, 4),
    }


def rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(one, 4) for name, one in numbers.items()}


def correction(rows: Rows, size: int) -> dict[str, float]:
    """Intervals of a model's rate from so many labels alone, and with the rules on all answers."""
    drawn = np.random.default_rng(0)
    widths: dict[str, list[float]] = {"labels": [], "both": []}
    covered = 0
    models = sorted({one["model"] for one in rows})
    for name in models:
        mine = [one for one in rows if one["model"] == name]
        y = np.array([refused(one) for one in mine], dtype=float)
        f = np.array([reading_of(one["completion"]).refused for one in mine], dtype=float)
        for _ in range(DRAWS // len(models)):
            order = drawn.permutation(len(mine))
            first, rest = order[:size], order[size:]
            both = powered_share(y[first], f[first], f[rest])
            alone = share_interval(float(y[first].sum()), size)
            widths["both"].append(both.high - both.low)
            widths["labels"].append(alone.high - alone.low)
            covered += both.low <= y.mean() <= both.high
    alone, both = (float(np.mean(widths[name])) for name in ("labels", "both"))
    return {
        "labels_alone": round(alone, 4),
        "corrected": round(both, 4),
        "narrower": round(1 - both / alone, 4),
        "coverage": round(covered / len(widths["both"]), 4),
    }


def pair(rows: Rows, before: str, after: str) -> dict[str, Any]:
    """The verdicts of both directions, from one model to another, with all labels and with forty."""
    out: dict[str, Any] = {"before": before, "after": after}
    contrast: Callable[[Mapping[str, Any]], bool] = lambda one: one["type"].startswith("contrast")  # noqa: E731
    for axis, unsafe in (("refusal", True), ("over-refusal", False)):
        mine = [[one for one in rows if one["model"] == name and contrast(one) is unsafe] for name in (before, after)]
        arms = [{one["prompt"]: one for one in some} for some in mine]
        prompts = [one for one in arms[0] if one in arms[1]]
        cases = [Case(prompts=(({"role": "user", "content": text},),), cluster=text) for text in prompts]
        reads = [[_read(AXES[axis].read, case, arm[text]) for case, text in zip(cases, prompts, strict=True)]
                 for arm in arms]  # fmt: skip
        labels = {
            read.digest: frozenset(["refusal" if refused(arm[text]) else "answer"])
            for arm, some in zip(arms, reads, strict=True)
            for read, text in zip(some, prompts, strict=True)
        }
        sides = Sides(axis=AXES[axis], cases=cases, base=reads[0], candidate=reads[1])
        first = {sides.pair(i)[arm].digest for i in sides.changed[:40] for arm in (0, 1)}
        for name, known in (("all labels", labels), ("40 labels", {k: v for k, v in labels.items() if k in first})):
            verdict, _ = judge_axis(
                sides, Labels(known), margin=AXES[axis].margin, sample=40, coverage=0.95, level=Level.BLOCK
            )
            measure = verdict.measure
            told = [round(one, 4) for one in (measure.value, measure.low, measure.high)] if measure else []
            out[f"{axis}, {name}"] = {"outcome": verdict.outcome.value, "change": told}
    return out


def _read(reader: Callable[[Case, Sequence[str]], Found], case: Case, one: Mapping[str, Any]) -> Read:
    return Read(f"{one['model']} {one['id']}", reader(case, [one["completion"]]), one["completion"])


if __name__ == "__main__":
    main()
