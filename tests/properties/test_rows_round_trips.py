"""Every format loses what its report says, and nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.kit.errors import Refused
from headgate.rows.arrays import ArraySplitter
from headgate.rows.formats import FORMATS
from headgate.rows.reading import read_rows
from headgate.rows.row import Kind, Message, Row, Side, ToolCall
from headgate.rows.writing import write_rows

TEXTS = st.text(st.sampled_from('ab é"\\\n\r\t,:{}[]語\u2028😀\x00'), max_size=8)
WORDS = st.text(st.sampled_from("abc,\n\t\"' 語"), min_size=1, max_size=6)
NAMES = st.sampled_from(["", "", "ann", "get_order"])
IDS = st.sampled_from(["", "call_1", "call_2", "x"])
WEIGHTS = st.sampled_from([None, None, 0.0, 1.0, 0.5])
PARTS = st.sampled_from(["", "", '[{"type":"image_url","image_url":{"url":"a.png"}}]', '[{"b": 1, "type": "audio"}]'])
ARGUMENTS = st.sampled_from(
    ["{}", '{"a":1}', '{"a": 1}', '{"n":[1,"x"]}', "", "not json", '{"big":123456789012345678901234}']
)
GOOD_ARGUMENTS = st.sampled_from(["{}", '{"a":1}', '{"a": 1}', '{"a":{"b":[]}}'])
TOOLS = st.sampled_from(["", "", '[{"type":"function","function":{"name":"f"}}]', '[{"name": "g"}]'])
CALLS = st.lists(st.builds(ToolCall, st.sampled_from(["f", "g"]), ARGUMENTS, IDS), max_size=2).map(tuple)

SPOKEN = st.builds(Message, st.just("assistant"), TEXTS, weight=WEIGHTS, name=NAMES)
PLAIN_TURNS = {role: st.builds(Message, st.just(role), TEXTS) for role in ("system", "developer", "user")}
PLAIN_TURNS["assistant"] = st.one_of(st.builds(Message, st.just("assistant"), TEXTS), SPOKEN)
RICH_TURNS = st.one_of(
    st.builds(Message, st.sampled_from(["user", "system"]), TEXTS, name=NAMES, weight=WEIGHTS, parts=PARTS),
    st.builds(Message, st.just("assistant"), TEXTS, tool_calls=CALLS, weight=WEIGHTS, reasoning=NAMES),
    st.builds(Message, st.just("assistant"), st.just("abc"), masked=st.sampled_from([(), ((0, 2),), ((0, 1), (2, 3))])),
    st.builds(Message, st.just("tool"), TEXTS, name=NAMES, tool_call_id=IDS),
)


@st.composite
def dialogues(draw: Any, *, answered: bool = True) -> tuple[Message, ...]:
    """Turns in good order, or in any."""
    if draw(st.integers(0, 2)) == 0:
        return tuple(draw(st.lists(RICH_TURNS, min_size=1, max_size=5)))
    if draw(st.integers(0, 3)) == 0:
        calls = draw(st.lists(st.builds(ToolCall, st.just("f"), GOOD_ARGUMENTS, IDS), min_size=1, max_size=2))
        turns = [
            draw(PLAIN_TURNS["user"]),
            Message("assistant", draw(st.sampled_from(["", "a"])), tool_calls=tuple(calls)),
        ]
        turns += [Message("tool", draw(WORDS), tool_call_id=call.id, name=draw(NAMES)) for call in calls]
        answer = draw(st.builds(Message, st.just("assistant"), TEXTS, weight=WEIGHTS, reasoning=NAMES))
        return tuple([*turns, answer] if answered else [*turns, answer, Message("user", "b")])
    turns = [draw(PLAIN_TURNS[draw(st.sampled_from(["system", "developer"]))])] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 2))):
        turns += [draw(PLAIN_TURNS["user"]), draw(PLAIN_TURNS["assistant"])]
    return tuple(turns if answered else turns[:-1])


SIDES = st.builds(
    Side,
    id=st.none(),
    source=st.none() | WORDS,
    licence=st.sampled_from([None, "CC-BY-4.0"]),
    subject=st.sampled_from([None, "s1", "s2"]),
    slices=st.sampled_from([{}, {"intent": "lost_card"}]),
    depth=st.sampled_from([None, 0, 2]),
    parents=st.sampled_from([(), ("b3:1",)]),
    extra=st.sampled_from([{}, {"score": 0.5}, {"tags": ["a", {"b": None}]}]),
)
ANSWERS = st.one_of(
    PLAIN_TURNS["assistant"].map(lambda turn: (turn,)),
    st.lists(st.one_of(PLAIN_TURNS["assistant"], RICH_TURNS), min_size=1, max_size=2).map(tuple),
)
ONE_QUESTION = st.builds(Message, st.just("user"), TEXTS).map(lambda turn: (turn,))
QUESTIONS = st.one_of(ONE_QUESTION, dialogues(answered=False))
SHORT = st.tuples(st.builds(Message, st.just("user"), TEXTS), PLAIN_TURNS["assistant"])
DEMONSTRATIONS = st.builds(
    Row,
    kind=st.sampled_from([Kind.DEMONSTRATION, Kind.DEMONSTRATION, Kind.TRACE, Kind.ITEM]),
    messages=st.one_of(SHORT, dialogues()),
    tools=TOOLS,
    side=SIDES,
)
PREFERENCES = st.builds(
    Row,
    kind=st.just(Kind.PREFERENCE),
    messages=QUESTIONS,
    chosen=ANSWERS,
    rejected=st.lists(ANSWERS, min_size=1, max_size=2).map(tuple),
    tools=TOOLS,
    side=SIDES,
)
UNPAIRED = st.builds(
    Row, kind=st.just(Kind.UNPAIRED), messages=QUESTIONS, chosen=ANSWERS, label=st.booleans(), tools=TOOLS, side=SIDES
)
PROMPTS = st.builds(Row, kind=st.just(Kind.PROMPT), messages=QUESTIONS, tools=TOOLS, side=SIDES)
STEPS = st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=3).map(tuple)
STEPWISE = st.builds(Row, kind=st.just(Kind.STEPWISE), messages=ONE_QUESTION, steps=STEPS, side=SIDES)
PLAIN_TEXT = st.builds(Row, kind=st.just(Kind.TEXT), messages=ONE_QUESTION, side=SIDES)
ROWS = st.one_of(DEMONSTRATIONS, PREFERENCES, UNPAIRED, PROMPTS, STEPWISE, PLAIN_TEXT)
MADE_FOR = {  # formats that are not for demonstrations alone
    "headgate": ROWS,
    "openai-dpo": PREFERENCES,
    "trl-text": PLAIN_TEXT,
    "trl-prompt-only": st.one_of(PROMPTS, DEMONSTRATIONS),
    "trl-prompt-only-text": st.one_of(PROMPTS, DEMONSTRATIONS),
    "trl-preference": PREFERENCES,
    "trl-preference-text": PREFERENCES,
    "trl-implicit-preference": PREFERENCES,
    "trl-implicit-preference-text": PREFERENCES,
    "trl-unpaired": UNPAIRED,
    "trl-unpaired-text": UNPAIRED,
    "trl-stepwise": STEPWISE,
    "alpaca": st.one_of(DEMONSTRATIONS, PREFERENCES, UNPAIRED),
    "sharegpt": st.one_of(DEMONSTRATIONS, PREFERENCES, UNPAIRED),
    "ms-swift": st.one_of(DEMONSTRATIONS, PREFERENCES, UNPAIRED),
}

TURNS_GONE = {"turns", "answers", "system-turns", "tool-results", "tool-calls", "prompt-split", "rejected-answers"}
EXPLAINED_BY = {  # an aspect that differs must be counted under one of these names, and each name needs such an aspect
    "kind": {"kind"},
    "label": {"label"},
    "steps": {"steps"},
    "tools": {"tools", "tools-spelling"},
    "rejected": {"rejected-answers"},
    "split": {"prompt-split", "kind"} | TURNS_GONE,
    "roles": {"roles"} | TURNS_GONE,
    "content": {"content"} | TURNS_GONE,
    "names": {"names", "call-ids", "call-pairing"} | TURNS_GONE,
    "result ids": {"call-ids", "call-pairing"} | TURNS_GONE,
    "calls": {"tool-calls", "turns"} | TURNS_GONE,
    "call ids": {"call-ids"} | TURNS_GONE,
    "arguments": {"arguments", "argument-spelling"} | TURNS_GONE,
    "weights": {"weights"} | TURNS_GONE,
    "masks": {"masks"} | TURNS_GONE,
    "reasoning": {"reasoning"} | TURNS_GONE,
    "parts": {"parts"} | TURNS_GONE,
}


def aspects(row: Row) -> dict[str, Any]:
    """A row taken apart, without any code of the loss report."""
    turns = [*row.messages, *row.chosen, *(turn for one in row.rejected for turn in one)]
    calls = [call for turn in turns for call in turn.tool_calls]
    return {
        "kind": row.kind,
        "label": row.label,
        "steps": row.steps,
        "tools": row.tools,
        "rejected": len(row.rejected),
        "split": (len(row.messages), len(row.chosen)),
        "roles": [turn.role for turn in turns],
        "content": [turn.content for turn in turns],
        "names": [turn.name for turn in turns],
        "result ids": [turn.tool_call_id for turn in turns],
        "calls": [call.name for call in calls],
        "call ids": [call.id for call in calls],
        "arguments": [call.arguments for call in calls],
        "weights": [turn.weight for turn in turns],
        "masks": [turn.masked for turn in turns],
        "reasoning": [turn.reasoning for turn in turns],
        "parts": [turn.parts for turn in turns],
    }


def written_and_read(row: Row, format: str, folder: Path) -> tuple[Any, Row | None]:
    """The loss report of one row and the row as it is read back; None where it cannot be written."""
    path = folder / ("rows.parquet" if format == "parquet" else "rows.data")
    try:
        report = write_rows(path, [row], format=format, with_index=False)
    except Refused as refused:
        assert refused.what.startswith("not one of 1 rows can be written")
        return None, None
    (again,) = read_rows(path)
    (asked,) = read_rows(path, format=format)
    assert again.content_id == asked.content_id  # detection and the given format agree
    return report, again


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_round_trip_loses_what_the_report_says(format: str) -> None:
    """Each aspect that differs is counted, nothing else is, and no loss means the same content address."""
    written = 0

    @settings(max_examples=40 if format == "parquet" else 50, deadline=None, derandomize=True, database=None)
    @given(row=st.integers(0, 4).flatmap(lambda choice: MADE_FOR.get(format, DEMONSTRATIONS) if choice else ROWS))
    def loses_what_it_says(row: Row) -> None:
        nonlocal written
        written += check_round_trip(row, format)

    loses_what_it_says()
    assert written >= 8  # the rows made for a format are not all refused


def check_round_trip(row: Row, format: str) -> bool:
    """Writes and reads one row and compares; False where it could not be written."""
    with tempfile.TemporaryDirectory() as folder:
        report, again = written_and_read(row, format, Path(folder))
    if again is None:
        return False
    before, after = aspects(row), aspects(again)
    differing = {name for name in before if before[name] != after[name]}
    lost = set(report.lost)
    assert {name for name in differing if not lost & EXPLAINED_BY[name]} == set()
    assert {name for name in lost if not any(name in EXPLAINED_BY[aspect] for aspect in differing)} == set()
    assert (not lost) == (row.content_id == again.content_id)
    assert again.side == row.side
    return True


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(row=ROWS)
def test_our_own_format_loses_nothing(row: Row) -> None:
    """A canonical row comes back with the same two addresses, also without the side-car."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl.zst"
        report = write_rows(path, [row], format="headgate", with_side_car=False)
        (again,) = read_rows(path)
    assert (row.id, row.content_id, {}) == (again.id, again.content_id, dict(report.lost))


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=8),
    format=st.sampled_from(["openai-sft", "alpaca", "trl-preference", "parquet"]),
)
def test_every_row_is_written_or_counted(rows: list[Row], format: str) -> None:
    """Rows given are rows written and rows listed as unwritable; all written ones are read back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("out.parquet" if format == "parquet" else "out.jsonl")
        try:
            report = write_rows(path, rows, format=format)
        except Refused:
            assert list(Path(folder).iterdir()) == []
            return
        reader = read_rows(path)
        again = list(reader)
    assert len(rows) == report.written + report.unwritable_total
    assert (report.written, 0) == (len(again), len(reader.bad_lines))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "from", "value", "name", "function", "arguments", "type"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
KEYS = sorted({key for one in FORMATS.values() for key in one.keys} | {"id", "slices", "metadata", "depth", "answer"})


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(
    body=st.dictionaries(st.sampled_from(KEYS), JSON, min_size=1, max_size=5),
    format=st.none() | st.sampled_from(list(FORMATS)),
)
def test_no_json_object_breaks_a_reader(body: dict[str, Any], format: str | None) -> None:
    """Whatever a line says, it is a row with two addresses or it is refused in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(orjson.dumps(body) + b"\n")
        try:
            rows = list(read_rows(path, format=format))
        except Refused as refused:
            assert refused.file == str(path)
            return
    assert [True] == [row.id.startswith("b3:") and row.content_id.startswith("b3:") for row in rows]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text(st.sampled_from('a,"\n\r\t[{}]:\\'), max_size=40).map(str.encode)
)
def test_no_bytes_break_a_reader(content: bytes) -> None:
    """Whatever a file holds, it is rows or it is refused in words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(content)
        try:
            reader = read_rows(path)
            assert len(list(reader)) == reader.rows_read
        except Refused as refused:
            assert refused.file == str(path)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(values=st.lists(JSON, min_size=1, max_size=4), size=st.sampled_from([1, 2, 5, 17, 1000]), indent=st.booleans())
def test_an_array_is_cut_into_the_elements_it_holds(values: list[Any], size: int, indent: bool) -> None:
    """Whatever the elements, the layout, and the pieces in which the file comes."""
    data = orjson.dumps(values, option=orjson.OPT_INDENT_2 if indent else 0)
    splitter = ArraySplitter(1 << 20)
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert [orjson.loads(element) for _, element in splitter.elements(pieces)] == values
    assert splitter.closed
