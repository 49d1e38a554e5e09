"""The short way of reading gives what the long way gives: rows, addresses, bad lines."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from headgate.rows import reading
from headgate.rows.reading import read_rows
from headgate.rows.row import Kind, Message, Row, Side, from_bytes, row_of_turns, to_bytes

ASKED, SAID = {"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "On its way."}
DEEP = json.loads("[" * 210 + "]" * 210)
LINES: dict[str, list[Any]] = {
    "openai-sft": [
        {"messages": [ASKED, SAID]},
        {"messages": [{"role": "system", "content": "Be brief."}, ASKED, SAID, ASKED, SAID]},
        {"messages": [ASKED]},
        {"messages": [ASKED, SAID], "source": "shop", "id": "a", "other": 3, "none": None},
        {"messages": [ASKED, SAID], "id": "a"},
        {"messages": [ASKED, SAID | {"weight": 0}]},
        {"messages": [ASKED, SAID], "tools": [{"type": "function", "function": {"name": "find"}}]},
        {"messages": [ASKED, SAID], "functions": None},
        {"messages": [ASKED, SAID], "metadata": {"subject": "s1", "left": [1]}},
        {"messages": [ASKED, SAID], "deep": DEEP},
        {"messages": [ASKED | {"role": "cat"}, SAID]},
        {"messages": [ASKED | {"content": None}, SAID]},
        {"messages": []},
        {"messages": "none"},
        {"text": "stray"},
    ],
    "headgate": [
        {"kind": "demonstration", "messages": [ASKED, SAID]},
        {"kind": "demonstration", "messages": [ASKED, SAID], "side": {"id": "1", "slices": {"a": "b"}, "depth": 2}},
        {"kind": "demonstration", "messages": [ASKED, SAID], "side": {"parents": ["b3:0"], "extra": {"k": DEEP[0]}}},
        {"kind": "demonstration", "messages": [ASKED, SAID], "side": {"slices": {"a": 1}}},
        {"kind": "demonstration", "messages": [ASKED, SAID], "side": {"nonsense": 1}},
        {"kind": "text", "messages": [ASKED]},
        {"kind": "trace", "messages": [ASKED, SAID]},
        {"kind": "prompt", "messages": [ASKED], "label": True},
    ],
    "alpaca": [
        {"instruction": "Add.", "input": "1 and 2", "output": "3"},
        {"instruction": "Add.", "input": "", "output": "3"},
        {"instruction": "", "input": "1", "output": "3"},
        {"instruction": "Add.", "output": "3", "language": "en"},
        {"instruction": "Add.", "input": None, "output": "3"},
        {"instruction": "Add.", "output": "3", "system": "Be brief.", "history": [["a", "b"]]},
        {"instruction": "Add.", "chosen": "3", "rejected": "4"},
        {"instruction": "Add.", "output": "3", "kto_tag": True},
        {"instruction": 7, "output": "3"},
    ],
    "trl-prompt-completion": [
        {"prompt": "a", "completion": "b"},
        {"prompt": "a", "completion": "b", "tools": []},
        {"prompt": [ASKED], "completion": [SAID]},
        {"prompt": "a", "completion": "b", "licence": "MIT", "created_at": 3},
        {"prompt": "a"},
    ],
    "jsonl": [{"question": "a", "answer": "b"}, {"question": "a", "answer": 3}, {"question": "a", "answer": None}],
    "trl-text": [{"text": "once"}, {"text": "twice", "source": "x"}, {"text": 3}],
}


def written(folder: Path, rows: list[Any]) -> Path:
    """A file with one object a line, blank and broken lines among them."""
    path = folder / "rows.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join([lines[0], "", "{broken", *lines[1:]]) + "\n", encoding="utf-8")
    return path


def read(path: Path, format: str | None) -> tuple[list[Row], list[Any]]:
    """Rows and bad lines."""
    reader = read_rows(path, format=format)
    return list(reader), reader.bad_lines


@pytest.mark.parametrize("format", LINES)
def test_both_ways_read_the_same(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, their addresses, texts and places, and every bad line."""
    path = written(tmp_path, LINES[format])
    rows, bad = read(path, format)
    assert any(getattr(row, "_texts", None) is not None for row in rows)
    monkeypatch.setattr(reading, "quick_of", lambda *_: None)
    plain, plain_bad = read(path, format)
    assert bad == plain_bad
    assert rows == plain
    for one, other in zip(rows, plain, strict=True):
        assert (other.id, other.content_id, other.place) == (one.id, one.content_id, one.place)
        assert (other.text, other.prompt_text, other.answer_text) == (one.text, one.prompt_text, one.answer_text)
        assert (other.prompt, other.answer, other.tools) == (one.prompt, one.answer, one.tools)


def test_columns_named_by_the_user_are_read_the_short_way(tmp_path: Path) -> None:
    """A slice column goes into side data, and the two content columns into turns."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"q": "Hi there", "a": "Hello.", "k": "greeting"}\n')
    (row,) = read_rows(path, columns={"prompt": "q", "completion": "a", "slice.intent": "k"})
    assert (Message("user", "Hi there"), Message("assistant", "Hello.")) == row.messages
    assert {"intent": "greeting"} == row.side.slices


def test_a_row_of_turns_is_a_row() -> None:
    """It compares, copies, pickles and is stored like the row made from the same parts."""
    side = Side(source="shop")
    turns = (Message("user", "a"), Message("assistant", "b"))
    light = row_of_turns(Kind.DEMONSTRATION, ("user", "assistant"), ("a", "b"), side, "f", 3)
    full = Row(kind=Kind.DEMONSTRATION, messages=turns, side=side)
    assert full == light
    assert hash(full.id) == hash(light.id)
    assert full == pickle.loads(pickle.dumps(light))
    assert full == from_bytes(to_bytes(light))
    assert full.with_side(source="bank") == light.with_side(source="bank")
    assert dataclasses.replace(full, kind=Kind.TRACE) == dataclasses.replace(light, kind=Kind.TRACE)
    assert ((), (), None, (), "") == (light.chosen, light.rejected, light.label, light.steps, light.tools)
    with pytest.raises(AttributeError):
        light.nonsense  # noqa: B018 - the access is the test
