"""Items that several annotators labelled, as rows: the labels are in `side.extra["votes"]`, the right one in `gold`.

Each loader takes the folder of the development data and returns rows in a fixed order.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from clean.loading import Rows, _csv, _lines, _row, banking77, clinc150
from headgate.rows.row import Side

VALID = ("1_full_compliance", "2_full_refusal", "3_partial_refusal")


def xstest_votes(folder: Path) -> Rows:
    """2,250 answers of five models, each labelled by two people, by GPT-4 and by a matcher of strings."""
    rows = []
    for number, one in enumerate(_lines(folder / "xstest" / "labelled_completions.jsonl.gz"), start=1):
        names = {
            "person-1": "annotation_1",
            "person-2": "annotation_2",
            "gpt-4": "gpt4_label",
            "matcher": "strmatch_label",
        }
        votes = {name: one[key] for name, key in names.items() if one[key] in VALID}
        side = Side(
            source="xstest",
            slices={"model": one["model"]},
            group=one["prompt"],
            extra={"votes": votes, "gold": one["final_label"]},
        )
        rows.append(_row("xstest_votes", number, one["prompt"], one["completion"], side))
    return rows


def llmbar_votes(folder: Path) -> Rows:
    """419 pairs of answers, each judged by six models under several prompts and in both orders."""
    votes: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for one in _csv(folder / "llmbar" / "judgements.csv.gz"):
        if one["winner"]:
            name = f"{one['judge']} {one['strategy']} {one['swapped']}"
            votes[one["subset"], int(one["item"])][name] = one["winner"]
    rows = []
    with gzip.open(folder / "llmbar" / "items.jsonl.gz", "rt", encoding="utf-8") as stream:
        for one in map(json.loads, stream):
            if one["subset"].startswith("LLMBar"):
                side = Side(
                    source="llmbar",
                    slices={"subset": one["subset"]},
                    extra={"votes": votes[one["subset"], one["item"]], "gold": str(one["label"])},
                )
                rows.append(_row("llmbar_votes", len(rows) + 1, one["input"], one["output_1"], side))
    return rows


def crowd(name: str) -> Callable[[Path], Rows]:
    """Items of one crowd with a gold label: their labels by worker, the first where one labelled twice."""

    def load(folder: Path) -> Rows:
        gold = {one["item"]: one["label"] for one in _csv(folder / "crowd_labels" / f"{name}_gold.csv")}
        votes: dict[str, dict[str, str]] = defaultdict(dict)
        for one in _csv(folder / "crowd_labels" / f"{name}_labels.csv"):
            if one["item"] in gold:
                votes[one["item"]].setdefault(one["worker"], one["label"])
        return [
            _row(name, number, item, right, Side(source=name, extra={"votes": votes[item], "gold": right}))
            for number, (item, right) in enumerate(gold.items(), start=1)
        ]

    return load


def few(load: Callable[[Path], Rows], labels: int) -> Callable[[Path], Rows]:
    """Rows of the labels that come first by name, so that samples of them hold enough of each."""

    def chosen(folder: Path) -> Rows:
        rows = load(folder)
        kept = set(sorted({row.answer_text for row in rows})[:labels])
        return [row for row in rows if row.answer_text in kept]

    return chosen


def nlupp(folder: Path) -> Rows:
    """3,080 questions to banks and hotels, with the domain as the label."""
    rows = []
    for number, one in enumerate(_lines(folder / "banking77" / "nlupp_multi_intent.jsonl"), start=1):
        if one.get("domain"):
            rows.append(_row("nlupp", number, one["text"], one["domain"], Side(source="nlupp")))
    return rows


LOADERS: Mapping[str, Callable[[Path], Rows]] = {
    "banking77_few": few(banking77, 20),
    "clinc150_few": few(clinc150, 30),
    "nlupp": nlupp,
    "xstest_votes": xstest_votes,
    "llmbar_votes": llmbar_votes,
    "adult2": crowd("adult2"),
    "mozafari": crowd("mozafari"),
    "hitspam": crowd("hitspam_crowdflower"),
}
