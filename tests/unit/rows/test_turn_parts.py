"""The parts of rows make the texts that the rows have."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rows.turn_parts import turn_parts_of

CHATS = [
    [("user", "one"), ("assistant", "two")],
    [("system", "be kind"), ("user", "one"), ("assistant", ""), ("user", "three"), ("assistant", "four")],
    [("system", "nobody asks"), ("user", "")],
    [("user", ""), ("assistant", "said unasked")],
    [("user", "only asked")],
    [("system", "only told"), ("assistant", "so be it")],
]


def texts(parts: Sequence[str], made_of: tuple[Sequence[int], Sequence[int]]) -> list[str]:
    """The texts that joins describe."""
    flat, offsets = made_of
    return ["\n".join(parts[part] for part in flat[first:last]) for first, last in itertools.pairwise(offsets)]


def preferences() -> list[dict[str, object]]:
    """Rows that are no plain turns."""
    return [
        {
            "prompt": [{"role": "user", "content": "which?"}],
            "chosen": [{"role": "assistant", "content": f"this {n}"}],
            "rejected": [{"role": "assistant", "content": "that"}],
        }
        for n in range(2)
    ]


def thoughtful() -> list[dict[str, object]]:
    """Plain chats between answers with reasoning and calls."""
    call = {"id": "a", "type": "function", "function": {"name": "search", "arguments": '{"q": "boats", "n": 3}'}}
    turns = [
        {"role": "assistant", "content": "two", "reasoning_content": "so"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "assistant", "content": "three"},
    ]
    return [{"messages": [{"role": "user", "content": "one"}, turn]} for turn in turns]


@pytest.mark.parametrize("shape", ["chat", "preference", "thoughtful"])
def test_parts_make_the_fields_of_rows(shape: str, tmp_path: Path) -> None:
    """Text, prompt and answer, of plain turns and of others."""
    bodies: list[dict[str, object]] = [
        {"messages": [{"role": role, "content": said} for role, said in chat]} for chat in CHATS
    ]
    path = tmp_path / "rows.jsonl"
    bodies = {"chat": bodies, "preference": preferences(), "thoughtful": thoughtful()}[shape]
    path.write_bytes(b"\n".join(map(orjson.dumps, bodies)))
    rows: list[Row] = list(read_rows(path))
    parts, made_of = turn_parts_of(rows)
    assert (
        [row.text for row in rows],
        [row.prompt_text for row in rows],
        [row.answer_text for row in rows],
    ) == tuple(texts(parts, made_of[field]) for field in ("text", "prompt", "answer"))
    beside = texts(parts, made_of["beside"]) if shape == "thoughtful" else [""] * len(rows)
    assert [row.beside_text for row in rows] == beside
    assert ("beside" in made_of) == (shape == "thoughtful")
