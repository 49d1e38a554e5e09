"""What rules about annotators say of real panels, and how good each consensus is; writes the tables of their pages.

python benchmarks/planted/panels/real_panels.py FOLDER
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).parents[2]))

from clean.panels import LOADERS
from headgate.kit.files import atomic_write
from headgate.rows.labels import Labels
from headgate.rows.row import Row
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.given import Given
from headgate.rules.shape import Rule
from headgate.stats.consensus import anchored_vote, dawid_skene, majority
from headgate.stats.votes import Integers
from planted.panel import labels_from, voted

RULES = {rule.name: rule for rule in CATALOGUE}
JUDGES = ("ChatGPT", "LLaMA2", "Falcon", "PaLM2", "GPT-4")
ANCHORS, DRAWS = (10, 20, 40, 80), 100


def panel(rows: Sequence[Row], keep: Callable[[str], bool] = bool) -> Labels:
    kinds = dict.fromkeys(("person-1", "person-2", "matcher"), "human")
    return labels_from(rows, voted(rows, keep), gold=True, kinds=kinds)


def plain(name: str) -> bool:
    return name.split()[1:] == ["Vanilla", "0"]


def reference(name: str) -> bool:
    return name.split()[1:] == ["Metrics_Reference", "0"]


def said(rule: Rule, labels: Labels) -> tuple[str, ...]:
    verdict = rule.judge(Given({"labels": labels}))
    measure = verdict.measure
    number = f"{measure.value:.2f} ({measure.low:.2f} to {measure.high:.2f})" if measure else ""
    return verdict.outcome.value, number, verdict.summary


def right(found: Integers, gold: Integers) -> float:
    return float((found == gold)[gold >= 0].mean())


def anchored(labels: Labels, count: int) -> list[float]:
    """Share right of items that are no anchors, over draws of anchors: the anchored vote and anchored Dawid-Skene."""
    shares = []
    for seed in range(DRAWS):
        drawn = np.random.default_rng(seed).choice(len(labels.gold), count, replace=False)
        gold = np.full(len(labels.gold), -1, dtype=np.int64)
        gold[drawn] = labels.gold[drawn]
        rest = gold < 0
        shares.append(float((anchored_vote(labels.votes, gold).labels == labels.gold)[rest].mean()))
    return shares


def tables(folder: Path) -> dict[str, Any]:
    rows = {name: load(folder) for name, load in LOADERS.items()}
    panels = {
        "XSTest, two people": panel(rows["xstest_votes"], lambda name: name.startswith("person")),
        "XSTest, GPT-4 and a string matcher": panel(rows["xstest_votes"], lambda name: not name.startswith("person")),
        "LLMBar, six models, plain prompt": panel(rows["llmbar_votes"], plain),
        "LLMBar, six models, metrics and reference": panel(rows["llmbar_votes"], reference),
        "adult2, crowd": panel(rows["adult2"]),
        "mozafari, crowd": panel(rows["mozafari"]),
        "hitspam, crowd": panel(rows["hitspam"]),
    }
    out = {}
    for rule in ("low-agreement", "shared-errors", "unanimous-errors"):
        lines = [[name, *said(RULES[rule], labels)] for name, labels in panels.items()]
        title = {"title": "Real panels", "text": "Nothing planted: what the rule says of labels as they were given."}
        out[rule] = [{**title, "columns": ["panel", "outcome", "measured", "summary"], "rows": lines}]
    pools = {
        "five judges, plain prompt, both orders": lambda n: n.split()[0] in JUDGES and n.split()[1] == "Vanilla",
        "five judges, all prompts, both orders": lambda n: n.split()[0] in JUDGES,
    }
    lines = []
    for name, keep in pools.items():
        labels = panel(rows["llmbar_votes"], keep)
        free = (
            f"{right(majority(labels.votes).labels, labels.gold):.3f}",
            f"{right(dawid_skene(labels.votes).labels, labels.gold):.3f}",
        )
        lines.append([name, *free, *(f"{np.mean(anchored(labels, count)):.3f}" for count in ANCHORS)])
    for name in ("adult2", "mozafari"):
        labels = panel(rows[name])
        free = (
            f"{right(majority(labels.votes).labels, labels.gold):.3f}",
            f"{right(dawid_skene(labels.votes).labels, labels.gold):.3f}",
        )
        lines.append([f"{name}, crowd", *free, *(f"{np.mean(anchored(labels, count)):.3f}" for count in ANCHORS)])
    out["shared-errors"].append(
        {
            "title": "Which consensus is right",
            "text": "Share of items labelled right: by majority, by Dawid-Skene without gold, and by the anchored "
            f"vote on items that are no anchors (mean of {DRAWS} draws of anchors).",
            "columns": ["labels", "majority", "Dawid-Skene", *(f"{count} anchors" for count in ANCHORS)],
            "rows": lines,
        }
    )
    people = panel(rows["xstest_votes"], lambda name: name != "matcher")
    judged = RULES["unlicensed-annotator"]
    lines = [
        [f"GPT-4 on XSTest, epsilon {epsilon}", *_licence(judged, people, epsilon)] for epsilon in (0.1, 0.15, 0.2)
    ]
    text = "Real labels of two people and GPT-4 on 2,250 answers."
    out["unlicensed-annotator"] = [
        {"title": "A real model", "text": text, "columns": ["model", "outcome", "measured", "summary"], "rows": lines}
    ]
    return out


def _licence(rule: Rule, labels: Labels, epsilon: float) -> tuple[str, ...]:
    verdict = rule.judge(Given({"labels": labels}), rule.options(epsilon=epsilon))
    assert verdict.measure is not None
    measure = verdict.measure
    return verdict.outcome.value, f"{measure.value:.2f} ({measure.low:.2f} to {measure.high:.2f})", verdict.summary


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="development data")
    for name, held in tables(parser.parse_args().folder).items():
        file = Path(sys.modules[RULES[name].module].__file__ or "")
        with atomic_write(file.with_name(f"{file.stem}_tables.json")) as stream:
            stream.write(orjson.dumps({"tables": held}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        for table in held:
            for line in table["rows"]:
                print(name, line)


if __name__ == "__main__":
    main()
