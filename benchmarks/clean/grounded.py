"""Rows whose answers restate one record of real data each, with the identifiers that the record itself names.

`side.extra` has the text of the record (`document`) and its identifiers as the fields of the record have them
(`identifiers`), so that what is planted does not depend on how a text is read. `api_small` (two hubs) is what
rules are developed on; on the others nothing is chosen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clean.loading import Rows, _lines, _row
from headgate.rows.row import Row, Side

QUOTED = re.compile(r"'([^'\s]{4,})'")


def api_small(folder: Path) -> Rows:
    """Models of two hubs, each restated from its page: 801 rows."""
    return [*_hub(folder, "tensorflowhub"), *_hub(folder, "torchhub")]


def api_large(folder: Path) -> Rows:
    """Models of the largest hub, each restated from its page: 925 rows."""
    return list(_hub(folder, "huggingface"))


def function_calls(folder: Path) -> Rows:
    """Calls of functions as they are right, each beside the description of its function."""
    rows: Rows = []
    for file in ("simple_python.jsonl", "multiple.jsonl", "live_simple.jsonl", "live_multiple.jsonl.gz"):
        for one in _lines(folder / "bfcl" / file):
            called = (one.get("ground_truth") or [{}])[0]
            if not called:
                continue
            (name, arguments), *_ = called.items()
            told = ", ".join(
                f"{key}={json.dumps(values[0], ensure_ascii=False)}" for key, values in arguments.items() if values
            )
            question = "\n".join(turn["content"] for turns in one["question"] for turn in turns)
            document = json.dumps(one["function"], ensure_ascii=False)
            rows.append(_made("function_calls", rows, question, f"Call {name}({told}).", document, [name, *arguments]))
    return rows


def dataset_records(folder: Path) -> Rows:
    """Data sets and where they stand: addresses and names of models."""
    rows: Rows = []
    for one in _lines(folder / "dataset_licences" / "records.jsonl.gz"):
        told = f"It is part of {one['collection']}, see {one['collection_url']}, and stands at {one['dataset_url']}."
        if one.get("derived_from"):
            told += f" It was made from {', '.join(map(str, one['derived_from'][:4]))}."
        if one.get("model_generated"):
            told += f" Written by {', '.join(map(str, one['model_generated'][:4]))}."
        held = [one["collection_url"], one["dataset_url"], *(one.get("derived_from") or [])[:4]]
        question = f"Where is the data set {one['name']}?"
        rows.append(_made("dataset_records", rows, question, told, json.dumps(one, ensure_ascii=False), held))
    return rows


def priced_models(folder: Path) -> Rows:
    """Models and what they cost: codes of products and quantities."""
    rows: Rows = []
    for one in _lines(folder / "model_prices" / "current.jsonl"):
        name = one["model"]
        told = f"Ask for {name} of {one.get('litellm_provider')}: it takes {one.get('max_input_tokens')} tokens and "
        told += f"writes {one.get('max_output_tokens')}, at {one.get('input_cost_per_token')} dollars a token."
        rows.append(
            _made(
                "priced_models",
                rows,
                "Which model, and at what price?",
                told,
                json.dumps(one, ensure_ascii=False),
                [name],
            )
        )
    return rows


def human_programs(folder: Path) -> Rows:
    """Functions written by people: what each is called and what it imports and calls."""
    rows: Rows = []
    for one in _lines(next((folder / "humaneval").glob("*.jsonl*"))):
        program = one["prompt"] + one["canonical_solution"]
        called = sorted({hit for hit in re.findall(r"[A-Za-z_]\w*_\w+(?=\()|\w+\.\w+(?=\()", program) if len(hit) > 5})
        told = f"Call {one['entry_point']}(...). Inside, it calls {', '.join(called) or 'nothing else'}."
        rows.append(_made("human_programs", rows, "What does it call?", told, program, [one["entry_point"], *called]))
    return rows


def unused_functions(folder: Path) -> Rows:
    """Functions that no row calls, each restated from its description, with its arguments."""
    rows: Rows = []
    for file in ("irrelevance.jsonl", "live_irrelevance.jsonl.gz", "live_relevance.jsonl"):
        for one in _lines(folder / "bfcl" / file):
            for function in one["function"][:1]:
                held = list(function.get("parameters", {}).get("properties", {}))
                called = ", ".join(f"{key}=..." for key in held)
                told = f"{function.get('description', '')} Call {function['name']}({called})."
                document = json.dumps(function, ensure_ascii=False)
                rows.append(_made("unused_functions", rows, "Which call?", told, document, [function["name"], *held]))
    return rows


def qa_even(folder: Path) -> Rows:
    """Every other question over passages, with the answer as people corrected it."""
    return _answers(folder)[0::2]


def qa_odd(folder: Path) -> Rows:
    """The other questions."""
    return _answers(folder)[1::2]


def _answers(folder: Path) -> Rows:
    rows: Rows = []
    for one in _lines(folder / "qa_feedback" / "dev_feedback.jsonl.gz"):
        passages = "\n\n".join(" ".join(passage) for passage in one["passages"])
        answer = one["feedback"]["corrected-prediction"]
        rows.append(_made("qa", rows, one["question"], answer, passages, []))
    return rows


def _hub(folder: Path, hub: str) -> Iterator[Row]:
    rows: Rows = []
    for one in _lines(folder / "gorilla_api" / f"api_{hub}.jsonl"):
        told = f"{one['description']} Call {one['api_call']}. Measured: {json.dumps(one.get('performance'))}."
        held = [one["api_name"], *QUOTED.findall(one["api_call"])]
        question = f"What is there for {one['functionality']}?"
        rows.append(_made(hub, rows, question, told, json.dumps(one, ensure_ascii=False), held))
        yield rows[-1]


def _made(source: str, rows: Rows, question: str, answer: str, document: str, held: list[Any]) -> Row:
    names = sorted({str(one) for one in held if one and str(one) in answer and len(str(one)) > 3})
    extra = {"document": document, "identifiers": names}
    side = Side(source=source, group=f"{source} {len(rows) + 1}", extra=extra)
    return _row(source, len(rows) + 1, question, answer, side)


LOADERS: Mapping[str, Callable[[Path], Rows]] = {
    "api_small": api_small,
    "api_large": api_large,
    "function_calls": function_calls,
    "dataset_records": dataset_records,
    "priced_models": priced_models,
    "human_programs": human_programs,
    "unused_functions": unused_functions,
    "qa_even": qa_even,
    "qa_odd": qa_odd,
}
