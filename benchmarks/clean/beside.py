"""Real rows that hold something beside the words of their turns: tool calls, descriptions of tools, reasoning."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from clean.loading import Rows, _lines, banking77, gsm8k
from headgate.rows.row import Kind, Message, Row, Side, ToolCall


def tool_calls(folder: Path) -> Rows:
    """BFCL: requests, the tools that were offered, and the calls that answer them; 1,911 rows."""
    rows = []
    for name in ("simple_python.jsonl", "multiple.jsonl", "live_simple.jsonl", "live_multiple.jsonl.gz"):
        for one in _lines(folder / "bfcl" / name):
            asked = "\n".join(turn["content"] for turns in one["question"] for turn in turns if turn["role"] == "user")
            calls = tuple(
                ToolCall(
                    tool, json.dumps({key: values[0] for key, values in given.items() if values[:1] not in ([], [""])})
                )
                for call in one["ground_truth"]
                for tool, given in call.items()
            )
            tools = json.dumps([{"type": "function", "function": tool} for tool in one["function"]])
            turns = (Message("user", asked), Message("assistant", "", tool_calls=calls))
            side = Side(id=one["id"], source="bfcl")
            rows.append(Row(kind=Kind.DEMONSTRATION, messages=turns, tools=tools, side=side))
    return rows


def api_calls(folder: Path) -> Rows:
    """Gorilla: questions about libraries, and what one model answered as the argument of a call; 1,600 rows or so."""
    rows = []
    for name in ("responses_huggingface.jsonl.gz", "responses_tensorflowhub.jsonl.gz", "responses_torchhub.jsonl"):
        seen = set[str]()
        for one in _lines(folder / "gorilla_api" / name):
            if one["question"] in seen:
                continue
            seen.add(one["question"])
            call = ToolCall("answer", json.dumps({"question_id": one["question_id"], "text": one["response"]}))
            turns = (
                Message("user", one["question"].replace("\\n", " ").strip()),
                Message("assistant", "", tool_calls=(call,)),
            )
            side = Side(id=f"{one['hub']} {one['question_id']}", source="gorilla")
            rows.append(Row(kind=Kind.DEMONSTRATION, messages=turns, side=side))
    return rows


def reasoned(folder: Path) -> Rows:
    """GSM8K: the worked solution as reasoning, and the number as the answer; 7,473 rows."""
    rows = []
    for number, row in enumerate(gsm8k(folder)):
        thought, _, said = row.answer_text.rpartition("####")
        turns = (row.messages[0], Message("assistant", said.strip(), reasoning=thought.strip()))
        rows.append(replace(row, messages=turns, side=Side(id=f"gsm8k {number}", source="gsm8k")))
    return rows


def repeated(folder: Path) -> Rows:
    """banking77: reasoning that says the question again before it says the label; 10,003 rows."""
    rows = []
    for number, row in enumerate(banking77(folder)):
        thought = f'The customer asks: "{row.prompt_text}" This is about {row.answer_text.replace("_", " ")}.'
        turns = (row.messages[0], Message("assistant", row.answer_text, reasoning=thought))
        rows.append(replace(row, messages=turns, side=Side(id=f"banking77 {number}", source="banking77")))
    return rows


LOADERS: Mapping[str, Callable[[Path], Rows]] = {
    "tool_calls": tool_calls,
    "api_calls": api_calls,
    "reasoned": reasoned,
    "repeated": repeated,
}
