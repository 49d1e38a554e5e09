"""Real files of other people, and the pieces that files come in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars
import pytest

from headgate.rows.arrays import ArraySplitter
from headgate.rows.formats import FORMATS
from headgate.rows.lines import Overlong, numbered_lines
from headgate.rows.reading import read_rows
from headgate.rows.row import Kind, Message, ToolCall
from headgate.rows.writing import write_rows

FIXTURES = Path(__file__).parents[2] / "fixtures"
BANKING, GSM8K = FIXTURES / "banking77" / "train_100.csv", FIXTURES / "gsm8k" / "test_20.jsonl"


def test_banking77_is_read_by_the_names_of_its_columns() -> None:
    """Text asks, category answers; cells that begin with a line feed keep it."""
    reader = read_rows(BANKING)
    rows = list(reader)
    assert (len(rows), reader.bad_lines, reader.detected.container) == (100, [], "csv")
    assert dict(reader.detected.columns) == {"prompt": "text", "completion": "category"}
    assert (rows[0].prompt_text, rows[0].answer_text) == ("I am still waiting on my card?", "card_arrival")
    assert sum(row.prompt_text.startswith("\n") for row in rows) == 3
    assert [row.place.line for row in rows if row.place] == sorted({row.place.line for row in rows if row.place})


def test_a_column_may_be_content_and_slice_at_once() -> None:
    """The category is the answer and the slice by which rules report."""
    columns = {"prompt": "text", "completion": "category", "slice.intent": "category"}
    rows = list(read_rows(BANKING, columns=columns, side={"licence": "CC-BY-4.0"}))
    assert {row.side.slices["intent"] == row.answer_text for row in rows} == {True}
    assert {row.side.licence for row in rows} == {"CC-BY-4.0"}


def test_gsm8k_is_read_as_questions_and_answers() -> None:
    """Twenty problems with worked answers."""
    rows = list(read_rows(GSM8K))
    assert (len(rows), {row.kind for row in rows}) == (20, {Kind.DEMONSTRATION})
    assert rows[0].answer_text.endswith("#### 18")


DEMONSTRATION_FORMATS = [
    "openai-sft",
    "trl-messages",
    "trl-prompt-completion",
    "trl-prompt-completion-text",
    "alpaca",
    "sharegpt",
    "ms-swift",
    "jsonl",
    "csv",
    "tsv",
    "parquet",
    "headgate",
]


@pytest.mark.parametrize("format", DEMONSTRATION_FORMATS)
@pytest.mark.parametrize("source", [BANKING, GSM8K], ids=["banking77", "gsm8k"])
def test_real_questions_and_answers_pass_through_every_format_unchanged(
    tmp_path: Path, source: Path, format: str
) -> None:
    """Nothing is lost, and every address is the same after the round."""
    rows = list(read_rows(source, side={"source": "published"}))
    path = tmp_path / f"out.{format if format in ('csv', 'tsv', 'parquet') else 'jsonl'}"
    report = write_rows(path, rows, format=format)
    assert (dict(report.lost), report.unwritable_total) == ({}, 0)
    assert [row.id for row in rows] == [row.id for row in read_rows(path)]


def test_every_format_is_in_the_table_under_its_own_name() -> None:
    """Twenty-three formats; keys and titles are filled."""
    assert [(name, True) for name in FORMATS] == [(one.name, bool(one.title and one.keys)) for one in FORMATS.values()]
    assert len(FORMATS) == 23


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_do_not_depend_on_the_pieces_they_come_in(size: int) -> None:
    """Over-long lines, empty lines and a last line without an end."""
    data = b"a\nbb\n\nccccccccc\nd\n" + b"e" * 30 + b"\nlast"
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert list(numbered_lines(pieces, 8)) == [
        (1, b"a"),
        (2, b"bb"),
        (3, b""),
        (4, Overlong(9)),
        (5, b"d"),
        (6, Overlong(30)),
        (7, b"last"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_array_elements_do_not_depend_on_the_pieces_they_come_in(size: int) -> None:
    """Brackets, quotes and backslashes inside texts; nested arrays; an element over the limit."""
    elements = [rb'{"a":"]},{\\\"["}', rb'["x",["\\"],{}]', rb'{"long":"' + b"y" * 40 + rb'\\\\"}', rb'"\""', b"7"]
    data = b" [\n" + b" ,\n\n".join(elements) + b"\n]\n"
    splitter = ArraySplitter(30)
    found = list(splitter.elements(data[at : at + size] for at in range(0, len(data), size)))
    lines = [2, 4, 6, 8, 10]
    expected = [element if len(element) <= 30 else Overlong(len(element)) for element in elements]
    assert found == list(zip(lines, expected, strict=True))
    assert splitter.closed


def test_parquet_with_lists_of_messages_is_read_as_the_rows_it_holds(tmp_path: Path) -> None:
    """Struct fields that a message does not have come as nulls; moments become text; lines are row numbers."""
    call = {"id": "c1", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "hi", "tool_calls": None},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    path = tmp_path / "data"
    columns = {"messages": [turns] * 2, "created_at": [datetime(2026, 1, 2)] * 2, "scan": [[{"bytes": b"\xff"}]] * 2}
    polars.DataFrame(columns).write_parquet(path)
    reader = read_rows(path)
    rows = list(reader)
    assert (reader.detected.format, reader.detected.container, reader.bad_lines) == ("openai-sft", "parquet", [])
    assert rows[0].messages == (Message("user", "hi"), Message("assistant", tool_calls=(ToolCall("f", "{}", "c1"),)))
    assert ([row.place.line for row in rows if row.place], rows[0].side.created_at) == ([1, 2], "2026-01-02T00:00:00")
    assert (rows[0].side.extra, rows[0].id == rows[1].id) == ({"scan": [{"bytes": "/w=="}]}, True)
