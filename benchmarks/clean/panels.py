"""Items that several annotators labelled, as rows: the labels are in `side.extra["votes"]`, the right one in `gold`.

Each loader takes the folder of the development data and returns rows in a fixed order.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from clean.loading import Rows, _csv, _lines, _row, banking77, clinc150, gsm8k_test, star_all
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


def late(load: Callable[[Path], Rows], labels: int) -> Callable[[Path], Rows]:
    """As `few`, of the labels that come last by name."""

    def chosen(folder: Path) -> Rows:
        rows = load(folder)
        kept = set(sorted({row.answer_text for row in rows})[-labels:])
        return [row for row in rows if row.answer_text in kept]

    return chosen


def nlupp(folder: Path) -> Rows:
    """3,080 questions to banks and hotels, with the domain as the label."""
    rows = []
    for number, one in enumerate(_lines(folder / "banking77" / "nlupp_multi_intent.jsonl"), start=1):
        if one.get("domain"):
            rows.append(_row("nlupp", number, one["text"], one["domain"], Side(source="nlupp")))
    return rows


def qa_signals(folder: Path) -> Rows:
    """Answers to questions over passages, as people corrected them, with the answer before; empty ones are left out."""
    rows = []
    for one in _lines(folder / "qa_feedback" / "dev_feedback.jsonl.gz"):
        after, before = one["feedback"]["corrected-prediction"].strip(), one["prediction 1"]
        if after and after != before.strip():
            side = Side(source="qa_feedback", extra={"original_answer": before})
            rows.append(_row("qa_signals", len(rows) + 1, one["question"], after, side))
    return rows


def star_signals(folder: Path) -> Rows:
    """Replies that STAR's wizards typed freely, each in the place of a reply from the approved list."""
    replies = star_all(folder)
    typed = [row for row in replies if row.side.slices["reply"] == "typed"]
    picked = [row for row in replies if row.side.slices["reply"] == "picked"]
    return [
        row.with_side(extra={"original_answer": picked[n * 7 % len(picked)].answer_text}) for n, row in enumerate(typed)
    ]


def gsm8k_signals(folder: Path) -> Rows:
    """Worked answers of school arithmetic, each in the place of a model's wrong one."""
    right = {row.prompt_text.strip(): row.answer_text for row in gsm8k_test(folder)}
    rows = []
    for one in _lines(folder / "gsm8k" / "graded_model_solutions.jsonl.gz"):
        if one["model"] == "175b_verification" and not one["is_correct"]:
            side = Side(source="gsm8k", extra={"original_answer": one["solution"]})
            asked = one["question"].strip()
            rows.append(_row("gsm8k_signals", len(rows) + 1, asked, right[asked].partition("####")[2].strip(), side))
    return rows


def relabelled(folder: Path) -> Rows:
    """The right intent of a question in the place of another: corrections of one word or two."""
    rows = clinc150(folder)
    return [
        row.with_side(extra={"original_answer": rows[n * 7919 % len(rows)].answer_text.replace("_", " ")})
        for n, row in enumerate(rows)
        if rows[n * 7919 % len(rows)].answer_text != row.answer_text
    ]


LOADERS: Mapping[str, Callable[[Path], Rows]] = {
    "banking77_few": few(banking77, 20),
    "clinc150_few": few(clinc150, 30),
    "banking77_late": late(banking77, 20),
    "clinc150_late": late(clinc150, 30),
    "nlupp": nlupp,
    "gsm8k_signals": gsm8k_signals,
    "relabelled": relabelled,
    "qa_signals": qa_signals,
    "star_signals": star_signals,
    "xstest_votes": xstest_votes,
    "llmbar_votes": llmbar_votes,
    "adult2": crowd("adult2"),
    "mozafari": crowd("mozafari"),
    "hitspam": crowd("hitspam_crowdflower"),
}
