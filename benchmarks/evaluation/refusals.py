"""Verdicts on real pairs of models by a detector that saw neither model: both directions, few labels and all of them.

    python benchmarks/evaluation/refusals.py xstest/labelled_completions.jsonl.gz

Two pairs of XSTest are the same model before and after another system message, or two models; people labelled every
answer. The chance of a refusal by words comes from `refusal_words.py`, which fits it without the model and without the
prompt; the completions are those of their makers and are not part of this repository.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import refusal_words

from headgate.evaluate.safety.axes import AXES, Case, Found
from headgate.evaluate.safety.judging import Read, Sides, judge_axis
from headgate.evaluate.safety.labels import Labels
from headgate.kit.files import write_text
from headgate.stats.verdict import Level
from headgate.text.refusals import settled

RESULTS = Path(__file__).with_name("refusals.json")
PAIRS = (("llama2orig", "mistralinstruct"), ("mistralinstruct", "mistralguard"))
Rows = Sequence[Mapping[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    chances, _ = refusal_words.held_out(refusal_words.read(file))
    rows = [row | {"chance": float(chance)} for row, chance in zip(rows, chances, strict=True)]
    write_text(RESULTS, json.dumps({"pairs": [pair(rows, *two) for two in PAIRS]}, indent=2) + "\n")


def refused(one: Mapping[str, Any]) -> bool:
    """Whether people say that anything was refused."""
    return bool(one["final_label"] != "1_full_compliance")


def pair(rows: Rows, before: str, after: str) -> dict[str, Any]:
    """The verdicts of both directions, from one model to another, with all labels and with forty."""
    out: dict[str, Any] = {"before": before, "after": after}
    contrast: Callable[[Mapping[str, Any]], bool] = lambda one: one["type"].startswith("contrast")  # noqa: E731
    for axis, unsafe in (("refusal", True), ("over-refusal", False)):
        mine = [[one for one in rows if one["model"] == name and contrast(one) is unsafe] for name in (before, after)]
        arms = [{one["prompt"]: one for one in some} for some in mine]
        prompts = [one for one in arms[0] if one in arms[1]]
        cases = [Case(prompts=(({"role": "user", "content": text},),), cluster=text) for text in prompts]
        reads = [[_read(arm[text], unsafe) for text in prompts]
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


def _read(one: Mapping[str, Any], unsafe: bool) -> Read:
    reading = settled(one["completion"], one["chance"])
    score, chance = float(reading.refused is unsafe), reading.chance if unsafe else 1 - reading.chance
    return Read(f"{one['model']} {one['id']}", Found(score, reading.sure, reading.why, chance), one["completion"])


if __name__ == "__main__":
    main()
