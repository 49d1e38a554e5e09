"""Bad files: each is refused in words, or its bad lines are reported and the rest is read."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import polars
import pytest
import zstandard

from headgate.kit.errors import Refused
from headgate.rows.reading import RowReader, read_rows

GOOD = b'{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]}\n'


def file_of(folder: Path, content: bytes, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, **asked: Any) -> RowReader:
    reader = read_rows(path, **asked)
    for _ in reader:
        pass
    return reader


def refusal(path: Path, **asked: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        read(path, **asked)
    return caught.value


@pytest.mark.parametrize("content", [b"", b"\n\n", b" \n\t\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing, blanks, or only a byte-order mark."""
    assert refusal(file_of(tmp_path, content)).what == "the file is empty"


def test_missing_folder_and_dangling_link_are_refused(tmp_path: Path) -> None:
    """Each says which of the three it is."""
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "gone.jsonl")
    found = [refusal(path).what for path in (tmp_path / "no.jsonl", tmp_path, link)]
    assert found == ["no such file", "a directory, not a file", "dangling link"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_utf_16_and_utf_32_are_named_with_the_command_that_converts(tmp_path: Path, encoding: str) -> None:
    """With a byte-order mark or by the pattern of null bytes."""
    refused = refusal(file_of(tmp_path, GOOD.decode().encode(encoding)))
    family = encoding.upper()[:6]
    assert refused.what.startswith(f"the file is {family}")
    assert (refused.next_step or "").startswith(f"iconv -f {family}")
    assert (refused.next_step or "").endswith("rows.utf8.jsonl")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest", "a ZIP archive or a spreadsheet, not rows"),
        (b"BZh91AY", "a bzip2 stream, not rows"),
        (b"\x80\x04\x95rest", "a Python pickle, not rows"),
        (b"abc\x00def\n" * 9, "not text"),
    ],
)
def test_other_binary_files_are_named(tmp_path: Path, content: bytes, what: str) -> None:
    """What is not rows is named instead of parsed."""
    assert refusal(file_of(tmp_path, content)).what == what


BAD_LINES = [
    (b'{"messages":[{"role":"user","content":"caf\xe9"}]}', "not UTF-8", "byte 0xe9"),
    (b'{"messages":[', "broken JSON", "unexpected end of data"),
    (b"[1, 2]", "not a JSON object", "an array"),
    (b'"text"', "not a JSON object", "'text'"),
    (b'{"messages":[{"role":"user","content":NaN}]}', "broken JSON", "near"),
    (b'{"messages":[{"role":"user","content":"\\ud800"}]}', "broken JSON", "surrogate"),
    (b'{"messages":' + b"[" * 3000 + b"]" * 3000 + b"}", "broken JSON", "depth limit"),
    (b'{"x":' + b"[" * 300 + b"]" * 300 + b',"messages":[]}', "nested too deeply", "250 levels"),
    (b'{"messages":"hi"}', "`messages` is not a list of messages", "'hi'"),
    (b'{"messages":[]}', "no messages in `messages`", "an empty list"),
    (b'{"turns":"hi"}', "no `messages`", "keys turns"),
    (b'{"messages":["hi"]}', "`messages.0` is not a message", "'hi'"),
    (b'{"messages":[{"role":"wizard","content":"hi"}]}', "unknown role in `messages.0`", "'wizard'"),
    (b'{"messages":[{"role":["user"],"content":"hi"}]}', "unknown role in `messages.0`", "an array"),
    (b'{"messages":[{"role":"user","content":7}]}', "content of `messages.0` is not text", "a number, 7"),
    (b'{"messages":[{"role":"user"}]}', "`messages.0` says nothing", "no content"),
    (b'{"messages":[{"role":"user","content":"a","weight":2}]}', "weight of `messages.0` is not a share", "2"),
    (b'{"messages":[{"role":"user","content":"a","name":7}]}', "`name` of `messages.0` is not text", "7"),
    (
        b'{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{a"}}]}]}',
        "tool-call arguments in `messages.0` are not JSON",
        "'{a'",
    ),
    (
        b'{"messages":[{"role":"assistant","tool_calls":[{"function":{}}]}]}',
        "a tool call of `messages.0` has no name",
        "an object",
    ),
    (b'{"messages":[{"role":"user","content":"a"}],"tools":"{"}', "`tools` is not JSON", "'{'"),
]


@pytest.mark.parametrize(("line", "what", "found"), BAD_LINES, ids=[what for _, what, _ in BAD_LINES])
def test_a_bad_line_is_reported_and_the_next_is_read(tmp_path: Path, line: bytes, what: str, found: str) -> None:
    """The seventh line is bad: nine rows come out and the report says what, where and what was found."""
    reader = read(file_of(tmp_path, GOOD * 6 + line + b"\n" + GOOD * 3))
    (bad,) = reader.bad_lines
    assert (reader.rows_read, bad.line, bad.what) == (9, 7, what)
    assert found in bad.found
    assert bad.file == str(tmp_path / "rows.jsonl")


@pytest.mark.parametrize("line", [line for line, _, _ in BAD_LINES])
def test_strict_reading_stops_at_the_first_bad_line(tmp_path: Path, line: bytes) -> None:
    """The refusal names file and line."""
    path = file_of(tmp_path, GOOD * 2 + line + b"\n" + GOOD)
    refused = refusal(path, strict=True)
    assert refused.where == f"{path}:3"


def test_a_file_of_bad_lines_only_is_refused_with_the_first_few(tmp_path: Path) -> None:
    """Nothing readable is no empty result."""
    refused = refusal(file_of(tmp_path, b'{"messages": 1\n{"a"\n[}\n{"b"\n'))
    assert refused.what == "no row can be read"
    assert "line 1: broken JSON" in (refused.found or "")
    assert "line 4" in (refused.found or "") or "line 3" in (refused.found or "")


def test_rows_that_are_all_wrong_under_a_given_format_are_refused(tmp_path: Path) -> None:
    """JSON that parses but has another shape."""
    refused = refusal(file_of(tmp_path, GOOD * 4), format="alpaca")
    assert refused.what == "no row can be read"
    assert "line 1: no `instruction`" in (refused.found or "")
    assert "the row looks like openai-sft" in (refused.found or "")


def test_a_used_id_names_both_lines(tmp_path: Path) -> None:
    """The second row with an id is reported, the first is kept."""
    rows = [{"id": name, "text": name} for name in ("a", "b", "a")]
    reader = read(file_of(tmp_path, b"\n".join(orjson.dumps(row) for row in rows)))
    (bad,) = reader.bad_lines
    assert (reader.rows_read, bad.line, bad.found) == (2, 3, "lines 1 and 3")


def test_a_long_line_is_skipped_and_reported_with_its_length(tmp_path: Path) -> None:
    """Reading goes on behind it."""
    long = b'{"text":"' + b"x" * 5000 + b'"}'
    reader = read(file_of(tmp_path, b'{"text":"a"}\n' + long + b'\n{"text":"b"}\n'), max_line_bytes=1000)
    (bad,) = reader.bad_lines
    assert (reader.rows_read, bad.line, bad.what, bad.found) == (2, 2, "the line is too long", "5,011 bytes")


@pytest.mark.parametrize(("as_array", "size"), [(False, 200 << 20), (True, 60 << 20)])
def test_an_enormous_line_costs_no_memory(tmp_path: Path, as_array: bool, size: int) -> None:
    """200 MB as one line, 60 MB as one element of an array: the limit and a little more is ever held."""
    path = tmp_path / "huge.json"
    small = b",\n".join([b'{"text":"' + b"a" * 200 + b'"}'] * 40)
    with path.open("wb") as stream:
        stream.write(b"[" + small + b",\n" if as_array else small.replace(b",\n", b"\n") + b"\n")
        stream.write(b'{"text":"')
        stream.seek(size, 1)  # a hole of null bytes takes no room on disk
        stream.write(b'"},\n{"text":"end"}]' if as_array else b'"}\n{"text":"end"}\n')
    tracemalloc.start()
    reader = read(path, max_line_bytes=8 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found = [(bad.line, bad.found) for bad in reader.bad_lines]
    assert (reader.rows_read, found) == (41, [(41, f"{size + 11:,} bytes")])
    assert peak < 25 << 20


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [1, 9, 200])
def test_a_cut_off_stream_is_refused(tmp_path: Path, kind: str, cut: int) -> None:
    """Wherever it is cut, the rows before the cut do not pass for the whole."""
    rows = b"".join(b'{"text":"%d"}\n' % (number * 7919 % 10007) for number in range(4000))
    packed = gzip.compress(rows) if kind == "gzip" else zstandard.compress(rows)
    assert refusal(file_of(tmp_path, packed[:-cut])).what == f"the {kind} stream is cut off"


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_damaged_stream_is_refused(tmp_path: Path, kind: str) -> None:
    """A flipped byte in the middle is found by the stream's own check."""
    rows = b"".join(b'{"text":"%d"}\n' % (number * 7919 % 10007) for number in range(4000))
    packing = zstandard.ZstdCompressor(write_checksum=True)
    packed = bytearray(gzip.compress(rows) if kind == "gzip" else packing.compress(rows))
    packed[len(packed) // 2] ^= 0x55
    assert refusal(file_of(tmp_path, bytes(packed))).what == f"the {kind} stream is damaged"


def test_tables_report_bad_lines_with_the_line_on_which_the_record_begins(tmp_path: Path) -> None:
    """A cell may span lines; a wrong number of cells, bad quoting and bad bytes are each reported."""
    table = b'text,label\n"two\nlines",a\nonly one\n"x"y,b\ncaf\xe9,c\nok,d\n'
    reader = read(file_of(tmp_path, table, "t.csv"))
    assert [(bad.line, bad.what) for bad in reader.bad_lines] == [
        (4, "another number of cells than the header"),
        (5, "broken quoting"),
        (6, "not UTF-8"),
    ]
    assert reader.rows_read == 2


def test_a_quote_that_never_closes_swallows_one_line(tmp_path: Path) -> None:
    """The lines behind it are read again as rows of their own."""
    reader = read(file_of(tmp_path, b'text,label\na,1\n"b,2\nc,3\nd,4\n', "t.csv"))
    assert [(bad.line, bad.what) for bad in reader.bad_lines] == [(3, "broken quoting")]
    assert reader.rows_read == 3


def test_headers_are_checked(tmp_path: Path) -> None:
    """Two columns of one name, or a header without rows."""
    assert refusal(file_of(tmp_path, b"text,text\na,b\n")).found == "'text'"
    assert refusal(file_of(tmp_path, b"text,label\n")).found == "a header and no rows"


def test_a_missing_column_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    """In tables and in JSON."""
    table = file_of(tmp_path, b"a,b\n1,2\n", "t.csv")
    refused = refusal(table, columns={"prompt": "a", "completion": "c"})
    assert (refused.what, refused.found) == ("no such column: c", "columns a, b")
    plain = file_of(tmp_path, b'{"a":"1","b":"2"}\n')
    assert refusal(plain, columns={"prompt": "x"}).found == "columns a, b"


def test_columns_without_well_known_names_are_refused_with_the_option_to_type(tmp_path: Path) -> None:
    """The message holds the names that were found."""
    refused = refusal(file_of(tmp_path, b"id,mail,reply\n1,a,b\n", "t.csv"))
    assert refused.found == "columns id, mail, reply"
    assert refused.next_step == "--columns prompt=mail,completion=reply"


def test_a_table_with_answers_under_an_unknown_name_is_not_read_as_questions(tmp_path: Path) -> None:
    """`text` is known and `topic` is not: the user must say what `topic` is."""
    refused = refusal(file_of(tmp_path, b"text,topic\na,b\n", "t.csv"))
    assert refused.next_step == "--columns prompt=text,completion=topic"


def test_an_unknown_name_in_the_mapping_is_refused(tmp_path: Path) -> None:
    """A name of ours that does not exist."""
    refused = refusal(file_of(tmp_path, b"a,b\n1,2\n", "t.csv"), columns={"question": "a"})
    assert refused.what == "unknown name 'question' in the column mapping"


def test_a_file_that_mixes_formats_says_so(tmp_path: Path) -> None:
    """With the number of rows of each and the option that decides."""
    alpaca = b'{"instruction":"a","input":"","output":"b"}\n'
    refused = refusal(file_of(tmp_path, GOOD * 3 + alpaca))
    assert refused.found == "3 rows fit openai-sft, 1 rows fit alpaca"
    assert refused.next_step == "--format openai-sft or --format alpaca to say which is meant"


def test_a_row_that_fits_two_formats_says_so(tmp_path: Path) -> None:
    """Keys of two formats in one row."""
    row = {"prompt": "a", "completion": "b", "messages": [{"role": "user", "content": "a"}]}
    refused = refusal(file_of(tmp_path, orjson.dumps(row)))
    assert refused.found == "row 1 fits openai-sft and trl-prompt-completion"


def test_rows_of_another_format_behind_the_first_twenty_are_bad_lines(tmp_path: Path) -> None:
    """The report says what they look like."""
    alpaca = b'{"instruction":"a","input":"","output":"b"}\n'
    reader = read(file_of(tmp_path, GOOD * 30 + alpaca))
    assert [(bad.line, "alpaca" in bad.found) for bad in reader.bad_lines] == [(31, True)]


def test_unknown_formats_are_refused_with_the_nearest(tmp_path: Path) -> None:
    """A slip of the keyboard gets a proposal."""
    assert refusal(file_of(tmp_path, GOOD), format="openai-stf").next_step == "did you mean openai-sft?"


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b'[{"text":"a"},\n{"text":,\n"b"},\n{"text":"c"}]', 2, "broken JSON"),
        (b'[{"text":"a"},\n7,\n{"text":"c"}]', 2, "not a JSON object"),
        (b'[{"text":"a"},\n{"text":"b"}\n', 3, "the JSON array is not closed"),
        (b'[{"text":"a"},\n{"text":"b"}]\nrest', 3, "broken JSON"),
    ],
)
def test_elements_of_an_array_have_lines_too(tmp_path: Path, content: bytes, line: int, what: str) -> None:
    """A bad element is reported with the line on which it begins; the others are read."""
    reader = read(file_of(tmp_path, content, "rows.json"))
    assert [(bad.line, bad.what) for bad in reader.bad_lines] == [(line, what)]
    assert reader.rows_read == 2


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    """Cut off in the middle, or packed once more."""
    path = tmp_path / "rows.parquet"
    polars.DataFrame({"prompt": ["a"] * 50, "completion": ["b"] * 50}).write_parquet(path)
    whole = path.read_bytes()
    assert refusal(file_of(tmp_path, whole[:-30])).what == "not a readable Parquet file"
    assert refusal(file_of(tmp_path, gzip.compress(whole))).what == "a Parquet file inside another compression"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_a_table_is_read_whatever_parts_its_cells(tmp_path: Path, sign: str) -> None:
    """A byte-order mark, Windows line ends, quoted line breaks and separators inside quotes do not matter."""
    header = sign.join(["question", '"answer"', '"a,b;c|d"'])
    lines = [header, sign.join([f'"Where{sign} please?\r\nAnd when?"', "Here.", "x"]), sign.join(["Why?", "So.", "y"])]
    path = file_of(tmp_path, b"\xef\xbb\xbf" + "\r\n".join(lines).encode(), "tickets.csv")
    reader = read_rows(path)
    rows = list(reader)
    assert [f"Where{sign} please?\r\nAnd when?", "Why?"] == [row.messages[0].content for row in rows]
    assert ["Here.", "So."] == [row.messages[1].content for row in rows]
    assert [] == reader.bad_lines
    assert ("tsv" if sign == "\t" else "csv") == reader.detected.format


def test_what_is_advised_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    """Column and file names with blanks and brackets are quoted; Latin-1 and pretty-printed JSON have a way out."""
    odd = refusal(file_of(tmp_path, b"Text (customer);Our reply\nHi;Yo\n", "my tickets.csv"))
    assert "--columns 'prompt=Text (customer),completion=Our reply'" == odd.next_step
    latin = refusal(file_of(tmp_path, "question,answer\ngrün?,ja\n".encode("latin-1"), "my tickets.csv"))
    assert latin.next_step == f"iconv -f LATIN1 -t UTF-8 '{tmp_path}/my tickets.csv' > 'my tickets.utf8.csv'"
    pretty = refusal(file_of(tmp_path, orjson.dumps(orjson.loads(GOOD), option=orjson.OPT_INDENT_2), "one.json"))
    assert pretty.next_step == f"jq -c . {tmp_path}/one.json > one.lines.jsonl"


def test_one_answer_that_is_null_is_a_bad_line_wherever_it_stands(tmp_path: Path) -> None:
    """Among the first rows, by which the format is told, as well as behind them."""
    for place in (3, 40):
        lines = [b'{"prompt": "hi", "completion": "yo"}\n'] * 50
        lines[place] = b'{"prompt": "hi", "completion": null}\n'
        reader = read(file_of(tmp_path, b"".join(lines)))
        assert "trl-prompt-completion" == reader.detected.format
        (bad,) = reader.bad_lines
        assert (place + 1, True) == (bad.line, bad.what.startswith("`completion` is null"))


def test_prompts_among_answers_are_still_two_formats(tmp_path: Path) -> None:
    """Rows without a place for an answer are no rows whose answer is missing."""
    mixed = b'{"prompt": "hi", "completion": "yo"}\n{"prompt": "hi"}\n'
    assert refusal(file_of(tmp_path, mixed)).what == "the file fits more than one format"


def test_a_label_that_is_a_number_is_an_answer(tmp_path: Path) -> None:
    """It was left out in silence, and the rows were taken for prompts."""
    path = file_of(tmp_path, b'{"prompt": "hi", "completion": 1}\n{"prompt": "ho", "completion": 0}\n')
    assert ["1", "0"] == [row.answer_text for row in read_rows(path)]


def test_the_line_with_which_spreadsheets_name_their_separator_is_named(tmp_path: Path) -> None:
    """It stands before the header, and a table of one column came of it."""
    refused = refusal(file_of(tmp_path, b"sep=;\r\nquestion;answer\r\nhi;yo\r\n", "rows.csv"))
    assert ("the first line is for a spreadsheet, not for reading", 1) == (refused.what, refused.line)
    assert "tail -n +2" in (refused.next_step or "")
