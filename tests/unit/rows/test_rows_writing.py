"""Writing: what goes into the file, what is counted as lost, what stands beside it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from headgate.kit.errors import Refused
from headgate.rows.losses import LossReport
from headgate.rows.reading import read_rows
from headgate.rows.row import Kind, Message, Row, Side, ToolCall
from headgate.rows.side_car import path_of
from headgate.rows.writing import write_rows
from headgate.stats.verdict import Place

USER, SAID, WORSE = Message("user", "Where?"), Message("assistant", "Here."), Message("assistant", "No.")
CALL = ToolCall("track", '{"order": 7}', "c1")
TOOLS = '[{"type":"function","function":{"name":"track"}}]'
SHOWN = Row(kind=Kind.DEMONSTRATION, messages=(USER, SAID))
WITH_TOOLS = Row(
    kind=Kind.DEMONSTRATION,
    messages=(USER, Message("assistant", tool_calls=(CALL,)), Message("tool", "late", tool_call_id="c1"), SAID),
    tools=TOOLS,
)
PAIR = Row(kind=Kind.PREFERENCE, messages=(USER,), chosen=(SAID,), rejected=((WORSE,), (Message("assistant", "?"),)))
PROMPT = Row(kind=Kind.PROMPT, messages=(USER,))


def written(
    folder: Path, *rows: Row, format: str, name: str = "out.jsonl", **asked: Any
) -> tuple[LossReport, list[Any]]:
    path = folder / name
    report = write_rows(path, rows, format=format, **asked)
    return report, [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_openai_rows_have_arguments_as_text_and_ids(tmp_path: Path) -> None:
    """Nothing is lost, and the keys are those of the format alone."""
    report, (body,) = written(tmp_path, WITH_TOOLS, format="openai-sft")
    assert dict(report.lost) == {}
    assert list(body) == ["messages", "tools"]
    (call,) = body["messages"][1]["tool_calls"]
    assert call == {"id": "c1", "type": "function", "function": {"name": "track", "arguments": '{"order": 7}'}}
    assert body["messages"][1]["content"] is None
    assert body["messages"][2] == {"role": "tool", "content": "late", "tool_call_id": "c1"}


def test_trl_rows_have_arguments_as_an_object_and_names_for_ids(tmp_path: Path) -> None:
    """The id and the spelling of the arguments are counted."""
    report, (body,) = written(tmp_path, WITH_TOOLS, format="trl-messages")
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "track", "arguments": {"order": 7}}
    assert body["messages"][2] == {"role": "tool", "content": "late", "name": "track"}
    assert dict(report.lost) == {"call-ids": 2, "argument-spelling": 1}


def test_openai_ids_that_the_row_lacks_are_made_up_and_counted(tmp_path: Path) -> None:
    """Call and result get the same id, because the API refuses rows without."""
    turns = (
        USER,
        Message("assistant", tool_calls=(ToolCall("f", "{}"), ToolCall("g", "{}"))),
        Message("tool", "1"),
        Message("tool", "2"),
        SAID,
    )
    report, (body,) = written(tmp_path, Row(kind=Kind.DEMONSTRATION, messages=turns), format="openai-sft")
    calls = [call["id"] for call in body["messages"][1]["tool_calls"]]
    assert calls == [turn["tool_call_id"] for turn in body["messages"][2:4]] == ["call_1", "call_2"]
    assert dict(report.lost) == {"call-ids": 4}


def test_openai_preference_rows_have_one_assistant_message_on_each_side(tmp_path: Path) -> None:
    """What follows the choice and the second rejected answer are counted; the older names are never written."""
    row = Row(kind=Kind.PREFERENCE, messages=(USER,), chosen=(SAID, USER, SAID), rejected=PAIR.rejected)
    report, (body,) = written(tmp_path, row, format="openai-dpo")
    assert body == {
        "input": {"messages": [{"role": "user", "content": "Where?"}]},
        "preferred_output": [{"role": "assistant", "content": "Here."}],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }
    assert dict(report.lost) == {"turns": 2, "rejected-answers": 1}


def test_weights_masks_reasoning_and_parts_are_counted_where_they_go(tmp_path: Path) -> None:
    """One row, three targets: what each of them holds is not counted."""
    turn = Message("assistant", "Here.", weight=1.0, masked=((0, 2),), reasoning="look")
    row = Row(kind=Kind.DEMONSTRATION, messages=(Message("user", "Where?", parts='[{"type":"image"}]'), turn))
    found = {
        name: dict(written(tmp_path, row, format=name)[0].lost) for name in ("openai-sft", "trl-messages", "alpaca")
    }
    assert found == {
        "openai-sft": {"masks": 1, "reasoning": 1},
        "trl-messages": {"weights": 1, "masks": 1},
        "alpaca": {"weights": 1, "masks": 1, "reasoning": 1, "parts": 1},
    }


def test_a_weight_between_zero_and_one_is_counted_for_openai(tmp_path: Path) -> None:
    """The format knows 0 and 1 only."""
    half, whole = (
        Row(kind=Kind.DEMONSTRATION, messages=(USER, Message("assistant", "a", weight=w))) for w in (0.5, 0.0)
    )
    report, bodies = written(tmp_path, half, whole, format="openai-sft")
    assert [body["messages"][1].get("weight") for body in bodies] == [None, 0]
    assert (report.lost["weights"], report.lost_rows["weights"]) == (1, 1)


def test_turns_that_weigh_nothing_become_the_prompt_of_a_completion(tmp_path: Path) -> None:
    """A row that supervises its last answer only is held without loss; others are counted."""
    first = Message("assistant", "Hello.", weight=0.0)
    held = Row(kind=Kind.DEMONSTRATION, messages=(USER, first, USER, SAID))
    report, (body,) = written(tmp_path, held, format="trl-prompt-completion")
    assert (len(body["prompt"]), len(body["completion"]), dict(report.lost)) == (3, 1, {})
    counted = Row(kind=Kind.DEMONSTRATION, messages=(USER, SAID, USER, SAID))
    assert dict(written(tmp_path, counted, format="trl-prompt-completion")[0].lost) == {"weights": 1}


def test_sharegpt_joins_results_and_counts_what_is_lost(tmp_path: Path) -> None:
    """Questions and answers alternate, as LLaMA-Factory wants them."""
    calls = (CALL, ToolCall("track", '{"order":8}', "c2"))
    turns = (
        Message("system", "Be kind."),
        USER,
        Message("assistant", "Let me look.", tool_calls=calls),
        Message("tool", "late", tool_call_id="c1"),
        Message("tool", "lost", tool_call_id="c2"),
        SAID,
    )
    report, (body,) = written(tmp_path, Row(kind=Kind.DEMONSTRATION, messages=turns, tools=TOOLS), format="sharegpt")
    assert [item["from"] for item in body["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert (
        body["conversations"][1]["value"]
        == '[{"name":"track","arguments":{"order":7}},{"name":"track","arguments":{"order":8}}]'
    )
    assert (body["system"], body["tools"]) == ("Be kind.", TOOLS)
    assert dict(report.lost) == {
        "content": 2,  # the words beside the call; the first result, joined with the second
        "call-ids": 2,
        "call-pairing": 1,
        "tool-results": 1,
        "argument-spelling": 1,
    }


def test_alpaca_keeps_one_system_turn_and_history(tmp_path: Path) -> None:
    """A second system turn and tool calls are counted."""
    turns = (Message("system", "Be kind."), Message("system", "Be brief."), *WITH_TOOLS.messages, USER, SAID)
    report, (body,) = written(tmp_path, Row(kind=Kind.DEMONSTRATION, messages=turns), format="alpaca")
    assert body == {
        "instruction": "Where?",
        "input": "",
        "system": "Be kind.",
        "history": [["Where?", "Here."]],
        "output": "Here.",
    }
    assert dict(report.lost) == {"system-turns": 1, "tool-calls": 1, "tool-results": 1}


def test_rows_that_cannot_be_written_are_listed_with_a_reason(tmp_path: Path) -> None:
    """Never dropped in silence: each with its place."""
    unwritable = Row(kind=Kind.PROMPT, messages=(USER,), place=Place(file="in.jsonl", line=3))
    text = Row(kind=Kind.TEXT, messages=(USER,))
    bad = Row(kind=Kind.UNPAIRED, messages=(USER,), chosen=(SAID,), label=False)
    report, bodies = written(tmp_path, SHOWN, unwritable, text, bad, format="openai-sft")
    assert (len(bodies), report.rows, report.written, report.unwritable_total) == (1, 4, 1, 3)
    assert [one.reason for one in report.unwritable] == [
        "it is a prompt without an answer",
        "plain text has no turns",
        "its answer is labelled bad",
    ]
    assert (report.unwritable[0].file, report.unwritable[0].line) == ("in.jsonl", 3)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (Row(kind=Kind.DEMONSTRATION, messages=(USER, Message("assistant", "\ud800"))), "JSON has no form for it"),
        (Row(kind=Kind.DEMONSTRATION, messages=(USER, Message("wizard", "a"), SAID)), "it would not be read back"),
        (
            Row(kind=Kind.DEMONSTRATION, messages=(USER, Message("assistant", tool_calls=(ToolCall("f", "{"),)))),
            "not JSON",
        ),
    ],
)
def test_rows_made_in_code_that_no_reader_would_take_are_counted(tmp_path: Path, row: Row, reason: str) -> None:
    """A lone surrogate, an unknown role, arguments that are not JSON."""
    report, bodies = written(tmp_path, row, SHOWN, format="openai-sft")
    assert (len(bodies), report.unwritable_total) == (1, 1)
    assert reason in report.unwritable[0].reason


def test_nothing_written_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """No empty file that passes for an export; the former content stays."""
    (tmp_path / "out.jsonl").write_bytes(b"before")
    with pytest.raises(Refused) as caught:
        write_rows(tmp_path / "out.jsonl", [PROMPT, PROMPT], format="openai-sft")
    assert caught.value.found == "2 × it is a prompt without an answer"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert (tmp_path / "out.jsonl").read_bytes() == b"before"


def test_side_data_goes_to_the_side_car_and_comes_back(tmp_path: Path) -> None:
    """Counted as carried, keyed by the address of the re-read row, with the original address and the split."""
    side = Side(id="r1", source="mail", licence="MIT", subject="s1", consent="training", slices={"intent": "track"})
    row = Row(kind=Kind.DEMONSTRATION, messages=WITH_TOOLS.messages, side=side)
    path = tmp_path / "out.jsonl"
    report = write_rows(path, [row], format="trl-messages", manifest={"dataset": "support@3"}, split="train")
    assert dict(report.carried) == {
        f"side.{name}": 1 for name in ("id", "source", "licence", "subject", "consent", "slices")
    }
    heading, entry = [orjson.loads(line) for line in path_of(path).read_bytes().splitlines()]
    assert (heading["dataset"], heading["format"]) == ("support@3", "trl-messages")
    (bare,) = read_rows(path, side_car=False)
    assert (entry["content_id"], entry["id"], entry["original_content_id"]) == (bare.content_id, row.id, row.content_id)
    assert bare.side == Side()
    reader = read_rows(path)
    (again,) = reader
    assert (again.side, reader.restored) == (row.with_side(extra={"split": "train"}).side, 1)


def test_without_a_side_car_side_data_is_lost_and_counted(tmp_path: Path) -> None:
    """The same fields under `lost`."""
    report, _ = written(tmp_path, SHOWN.with_side(licence="MIT", subject="s"), format="alpaca", with_side_car=False)
    assert (dict(report.lost), report.side_car) == ({"side.licence": 1, "side.subject": 1}, None)
    assert not path_of(tmp_path / "out.jsonl").exists()


def test_the_same_words_from_two_people_keep_their_people(tmp_path: Path) -> None:
    """Told apart by their lines; in an edited file, only what both agree on is restored."""
    rows = [SHOWN.with_side(subject=subject, licence="MIT") for subject in ("ann", "bob")]
    path = tmp_path / "out.jsonl"
    write_rows(path, rows, format="openai-sft")
    assert [row.side.subject for row in read_rows(path)] == ["ann", "bob"]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"\n\n" + lines[0])
    (left,) = read_rows(path)
    assert (left.side.subject, left.side.licence) == (None, "MIT")


def test_a_side_car_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Consent must not vanish in silence."""
    path = tmp_path / "out.jsonl"
    write_rows(path, [SHOWN], format="openai-sft")
    path_of(path).write_bytes(b'{"side_car":1}\n{"line":1}\n')
    with pytest.raises(Refused) as caught:
        read_rows(path)
    assert caught.value.where == f"{path_of(path)}:2"


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.jsonl.zst", "out.json", "out.json.gz"])
def test_the_name_says_how_the_file_is_packed_and_laid_out(tmp_path: Path, name: str) -> None:
    """Packed by suffix, an array for .json; the same rows give the same bytes."""
    path = tmp_path / name
    write_rows(path, [SHOWN, SHOWN], format="openai-sft")
    once = path.read_bytes()
    write_rows(path, [SHOWN, SHOWN], format="openai-sft")
    assert once == path.read_bytes()
    unpack = {"gz": gzip.decompress, "st": lambda raw: zstandard.ZstdDecompressor().decompressobj().decompress(raw)}
    plain = unpack.get(name[-2:], bytes)(once)
    assert plain.startswith(b"[\n{" if ".json" in name and ".jsonl" not in name else b"{")
    assert [row.content_id for row in read_rows(path)] == [SHOWN.content_id] * 2


def test_tables_are_written_under_a_mapping(tmp_path: Path) -> None:
    """Side data gets columns of its own; other things of the row are counted."""
    path = tmp_path / "out.csv"
    row = SHOWN.with_side(subject="s1", slices={"intent": "track, find"})
    columns = {"prompt": "question", "completion": "answer", "subject": "who", "slice.intent": "intent"}
    report = write_rows(path, [row, WITH_TOOLS], format="csv", columns=columns, with_side_car=False)
    assert path.read_bytes() == b'question,answer,who,intent\r\nWhere?,Here.,s1,"track, find"\r\n'
    assert (dict(report.lost), report.unwritable_total) == ({}, 1)
    (again,) = read_rows(path, columns=columns)
    assert (again.id, again.side.subject) == (row.id, "s1")


@pytest.mark.parametrize(
    ("format", "name", "columns", "what"),
    [
        ("alpaca", "out.csv", None, "the name says csv, the format is alpaca"),
        ("alpaca", "out.jsonl", {"prompt": "a"}, "alpaca has fixed keys"),
        ("csv", "out.csv", {"prompt": "a", "completion": "a"}, "two things in one column: a"),
        ("csv", "out.csv", {"completion": "a"}, "the column mapping names no `prompt`"),
        ("parquet", "out.parquet.gz", None, "Parquet compresses itself"),
        ("openai", "out.jsonl", None, "no format named 'openai'"),
        ("alpaca", "no/out.jsonl", None, "the folder is not there"),
    ],
)
def test_wrong_use_is_refused(tmp_path: Path, format: str, name: str, columns: Any, what: str) -> None:
    """Before anything is written."""
    with pytest.raises(Refused) as caught:
        write_rows(tmp_path / name, [SHOWN], format=format, columns=columns)
    assert caught.value.what == what
    assert list(tmp_path.iterdir()) == []


def test_the_index_names_the_columns_that_the_file_has(tmp_path: Path) -> None:
    """An entry is added to an index that is there; another file of the same short name keeps its entry."""
    index = tmp_path / "dataset_info.json"
    index.write_bytes(b'{"mine": {"file_name": "mine.json"}, "out": {"file_name": "other.json"}}')
    report = write_rows(tmp_path / "out.jsonl", [PAIR], format="alpaca")
    entries = orjson.loads(index.read_bytes())
    assert report.dataset_info == index
    assert list(entries) == ["mine", "out", "out.jsonl"]
    assert entries["out.jsonl"] == {
        "file_name": "out.jsonl",
        "columns": {"prompt": "instruction", "query": "input", "chosen": "chosen", "rejected": "rejected"},
        "ranking": True,
        "num_samples": 1,
    }


def test_a_broken_index_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """The user's file is not overwritten."""
    (tmp_path / "dataset_info.json").write_bytes(b"{")
    with pytest.raises(Refused):
        write_rows(tmp_path / "out.jsonl", [SHOWN], format="alpaca")
    assert [path.name for path in tmp_path.iterdir()] == ["dataset_info.json"]


def test_formats_that_llama_factory_cannot_load_get_no_entry(tmp_path: Path) -> None:
    """A wrong entry would be worse than none."""
    report, _ = written(tmp_path, PAIR, format="openai-dpo")
    assert (report.dataset_info, (tmp_path / "dataset_info.json").exists()) == (None, False)


def test_rows_of_two_files_may_share_an_id(tmp_path: Path) -> None:
    """The second goes without it, which is counted, because a file has each id once."""
    rows = [SHOWN.with_side(id="1"), WITH_TOOLS.with_side(id="1")]
    path = tmp_path / "out.jsonl"
    report = write_rows(path, rows, format="headgate")
    assert dict(report.carried) == {"side.id": 1}
    reader = read_rows(path, side_car=False)
    assert ([row.side.id for row in reader], reader.bad_lines) == (["1", None], [])


def test_a_refusal_goes_back_under_its_own_key(tmp_path: Path) -> None:
    """OpenAI's `refusal` and `parallel_tool_calls` survive a round through our rows."""
    body = {
        "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "refusal": "I cannot."}],
        "parallel_tool_calls": False,
    }
    source = tmp_path / "in.jsonl"
    source.write_bytes(orjson.dumps(body))
    _, (again,) = written(tmp_path, *read_rows(source), format="openai-sft")
    assert again == body
