"""Honest data of several kinds, as rows: what false alarms are measured on and failures are planted in.

Each loader takes the folder of the development data and returns rows in a fixed order.
Nothing here is shipped with the package; origins and licences are in the README of that folder.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.rows.row import Kind, Message, Row, Side
from headgate.stats.verdict import Place

Rows = list[Row]

# What a wizard says in STAR; a draft that only asks for suggestions never reaches the user.
SPOKEN = {"utter": "typed", "pick_suggestion": "picked"}


def banking77(folder: Path) -> Rows:
    """Bank-support questions and their intent: 10,003 rows, 77 slices."""
    return _labelled("banking77", _csv(folder / "banking77" / "train.csv"), text="text", label="category")


def banking77_test(folder: Path) -> Rows:
    """The test half of banking77: 3,080 rows."""
    return _labelled("banking77", _csv(folder / "banking77" / "test.csv"), text="text", label="category")


def clinc150(folder: Path) -> Rows:
    """Questions to an assistant and their intent: 15,000 training rows, 150 slices."""
    records = [one for one in _csv(folder / "clinc150" / "full.csv.gz") if one["split"] == "train"]
    return _labelled("clinc150", records, text="text", label="intent", also=("domain",))


def clinc150_test(folder: Path) -> Rows:
    """The test part of clinc150: 4,500 rows."""
    records = [one for one in _csv(folder / "clinc150" / "full.csv.gz") if one["split"] == "test"]
    return _labelled("clinc150", records, text="text", label="intent", also=("domain",))


def gsm8k(folder: Path) -> Rows:
    """School arithmetic with worked answers: 7,473 rows."""
    return _answered("gsm8k", _lines(folder / "gsm8k" / "train.jsonl.gz"))


def gsm8k_test(folder: Path) -> Rows:
    """The test half of gsm8k: 1,319 rows."""
    return _answered("gsm8k", _lines(folder / "gsm8k" / "test.jsonl"))


def gsm8k_rephrased(folder: Path) -> Rows:
    """GSM8K train, and the 1,319 test questions with a published rephrasing in `side.extra["rephrased"]`."""
    pairs = [
        _row("gsm8k_rephrased", number, one["original"], one["answer"], Side(extra={"rephrased": one["rephrased"]}))
        for number, one in enumerate(_lines(folder / "rephrased_tests" / "gsm8k_pairs.jsonl"), start=1)
    ]
    return [*gsm8k(folder), *pairs]


def gsm8k_failures(folder: Path) -> Rows:
    """As `gsm8k_rephrased`; `side.extra["failed"]` of a test question: whether the strongest graded model failed."""
    graded = _lines(folder / "gsm8k" / "graded_model_solutions.jsonl.gz")
    failed = {one["question"].strip(): not one["is_correct"] for one in graded if one["model"] == "175b_verification"}
    return [
        row.with_side(extra={**row.side.extra, "failed": failed[row.prompt_text.strip()]})
        if "rephrased" in row.side.extra
        else row
        for row in gsm8k_rephrased(folder)
    ]


def star(folder: Path) -> Rows:
    """Customer dialogues: each reply that a wizard typed freely, after what the user said before it."""
    return [row for row in _star(folder) if row.side.slices["reply"] == "typed"]


def star_all(folder: Path) -> Rows:
    """Customer dialogues: every reply of a wizard, typed freely or picked from the list."""
    return list(_star(folder))


def star_users(folder: Path) -> Rows:
    """What STAR's customers said before each reply, typed or picked."""
    return list(_star(folder))


def bfcl_live(folder: Path) -> Rows:
    """Requests of real users for function calls, and (slice `author` = benchmark) requests that its authors wrote."""
    files = {
        "user": ("live_simple.jsonl", "live_multiple.jsonl.gz"),
        "benchmark": ("simple_python.jsonl", "multiple.jsonl"),
    }
    rows = []
    for author, names in files.items():
        for number, record in enumerate((one for name in names for one in _lines(folder / "bfcl" / name)), start=1):
            asked = "\n".join(
                turn["content"] for turns in record["question"] for turn in turns if turn["role"] == "user"
            )
            side = Side(source=f"bfcl {author}", slices={"author": author})
            rows.append(_row("bfcl_live", number, asked, "call", side))
    return rows


def api_docs(folder: Path) -> Rows:
    """Answers that restate one API document each; the document is in `side.extra["document"]`, its name in `group`."""
    rows = []
    for file in ("api_huggingface.jsonl", "api_tensorflowhub.jsonl", "api_torchhub.jsonl"):
        for number, one in enumerate(_lines(folder / "gorilla_api" / file), start=1):
            told = f"{one['description']} Call {one['api_call']}. Measured: {json.dumps(one.get('performance'))}."
            side = Side(source="gorilla_api", group=f"{file}:{number}", extra={"document": json.dumps(one)})
            rows.append(_row("api_docs", len(rows) + 1, f"What is there for {one['functionality']}?", told, side))
    return rows


def qa_corrected(folder: Path) -> Rows:
    """Answers to questions over passages, as people corrected them; the passages are in `side.extra["document"]`."""
    rows = []
    for number, one in enumerate(_lines(folder / "qa_feedback" / "dev_feedback.jsonl.gz"), start=1):
        passages = " ".join(sentence for passage in one["passages"] for sentence in passage)
        side = Side(source="qa_feedback", group=f"question {number}", extra={"document": passages})
        rows.append(_row("qa_corrected", number, one["question"], one["feedback"]["corrected-prediction"], side))
    return rows


def gpteacher(folder: Path) -> Rows:
    """Instructions with answers written by a model: 7,673 rows."""
    records = _lines(folder / "gpteacher" / "toolformer_similarity_tiers.jsonl.gz")
    return [
        _row("gpteacher", n, "\n".join(filter(None, (one["instruction"], one["input"]))), one["output"])
        for n, one in enumerate(records, start=1)
    ]


def roleplay(folder: Path) -> Rows:
    """Role play written by a model: 3,146 rows of varied prose."""
    records = _lines(folder / "gpteacher" / "roleplay.jsonl.gz")
    return [
        _row("roleplay", n, "\n".join(filter(None, (one["instruction"], one.get("input")))), _said(one))
        for n, one in enumerate(records, start=1)
    ]


LOADERS: Mapping[str, Callable[[Path], Rows]] = {
    "banking77": banking77,
    "clinc150": clinc150,
    "gsm8k": gsm8k,
    "gsm8k_rephrased": gsm8k_rephrased,
    "gsm8k_failures": gsm8k_failures,
    "star": star,
    "star_all": star_all,
    "star_users": star_users,
    "bfcl_live": bfcl_live,
    "api_docs": api_docs,
    "qa_corrected": qa_corrected,
    "gpteacher": gpteacher,
    "roleplay": roleplay,
}


def _said(record: Mapping[str, Any]) -> str:
    return str(record.get("output") or record.get("response") or "")


def _star(folder: Path) -> Iterator[Row]:
    """One row for each wizard reply that follows something the user said."""
    number = 0
    for dialogue in _lines(folder / "star" / "dialogues.jsonl.gz"):
        said = ""
        for event in dialogue["events"]:
            text = (event.get("text") or "").strip()
            if event["agent"] == "User" and text:
                said = f"{said}\n{text}".strip()
            elif event["agent"] == "Wizard" and event["action"] in SPOKEN and text and said:
                number += 1
                slices = {"reply": SPOKEN[event["action"]]}
                side = Side(
                    source="star",
                    licence="MIT",
                    conversation=str(dialogue["id"]),
                    annotator=str(dialogue["wizard_worker"]),
                    slices=slices,
                )
                yield _row("star", number, said, text, side)
                said = ""


def _labelled(name: str, records: list[dict[str, str]], *, text: str, label: str, also: tuple[str, ...] = ()) -> Rows:
    rows = []
    for number, record in enumerate(records, start=1):
        slices = {"intent": record[label], **{key: record[key] for key in also}}
        rows.append(_row(name, number, record[text], record[label], Side(source=name, slices=slices)))
    return rows


def _answered(name: str, records: Iterator[dict[str, Any]]) -> Rows:
    return [_row(name, number, one["question"], one["answer"]) for number, one in enumerate(records, start=1)]


def _row(name: str, number: int, user: str, assistant: str, side: Side | None = None) -> Row:
    return Row(
        kind=Kind.DEMONSTRATION,
        messages=(Message("user", user), Message("assistant", assistant)),
        side=side or Side(source=name),
        place=Place(file=name, line=number),
    )


def _csv(path: Path) -> list[dict[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)
