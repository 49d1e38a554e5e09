"""What a file is, by its content: encoding, compression, container, format.

The first rows decide, never the name. A file whose rows fit two formats, or whose rows fit
different ones, is refused with the option that says which is meant.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.rows.formats import FORMATS
from headgate.rows.formats.shape import Body, keys_of
from headgate.rows.formats.side import KEYS as SIDE_KEYS
from headgate.rows.formats.swift import ROLES as SWIFT_ROLES
from headgate.rows.formats.tabular import CONTENT, TABLES, must_ask, well_known
from headgate.rows.lines import compression_of, pieces
from headgate.rows.records import Problem, records, separator_of
from headgate.rows.row import Kind

SAMPLE = 20  # rows looked at
HEAD = 1 << 16  # bytes looked at for encoding and container
KINDS = frozenset(kind.value for kind in Kind)
ANSWERED = frozenset(("trl-prompt-completion", "trl-unpaired"))
PREFERRED = ("preferred_output", "preferred_completion", "non_preferred_output", "non_preferred_completion")
MAGIC = {
    b"PK\x03\x04": ("a ZIP archive or a spreadsheet", "unpack it, or save the sheet as CSV"),
    b"SQLite format 3": ("an SQLite database", "export the table as CSV"),
    b"ARROW1": ("an Arrow file", "write it as Parquet"),
    b"BZh": ("a bzip2 stream", "bunzip2 {name}"),
    b"\xfd7zXZ": ("an xz stream", "unxz {name}"),
    b"%PDF": ("a PDF document", "extract the rows first"),
    b"\x80\x04": ("a Python pickle", "write it as JSON lines; pickles are never opened"),
}
MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file was found to be."""

    format: str  # name in FORMATS
    container: str  # jsonl, array, csv, tsv, parquet
    compression: str  # none, gzip, zstd
    evidence: str  # one line for people
    columns: Mapping[str, str]  # ours -> theirs, where rows are plain columns


def detect(
    path: Path, *, format: str | None = None, columns: Mapping[str, str] | None = None, limit: int = 64 << 20
) -> Detection:
    """Looks at the first rows of a file.

    Raises:
        Refused: not a readable file of rows, no format fits, or two do.
    """
    compression = compression_of(path)
    container, encoded = _container(path, compression)
    if container != "parquet" and format in ("csv", "tsv"):
        container = format
    bodies: list[Body] = []
    lines: list[int] = []
    wrong: list[tuple[int, Problem]] = []
    for number, body in records(path, container, compression, limit):
        if isinstance(body, Problem):
            wrong = [*wrong[:2], (number, body)]
        else:
            bodies.append(body)
            lines.append(number)
            if len(bodies) == SAMPLE:
                break
    if not bodies:
        raise nothing_readable(path, wrong, container)
    found, mapping, why = _format_of(path, bodies, lines, container, format, dict(columns or {}))
    told = f"{why} in the first {len(bodies)} rows; {CONTAINERS[container]}, {encoded}"
    return Detection(found, container, compression, told, mapping)


CONTAINERS = {
    "jsonl": "one JSON object a line",
    "array": "one JSON array",
    "csv": "a table with a header",
    "tsv": "a tab-separated table with a header",
    "parquet": "Parquet",
}


def formats_of(body: Mapping[str, Any]) -> list[str]:
    """Names of the formats that one row fits; two names mean that the row itself is ambiguous."""
    has = {key for key, value in body.items() if value is not None}
    if (
        type(body.get("kind")) is str
        and body["kind"] in KINDS
        and has <= FORMATS["headgate"].keys
        and has & {"messages", "steps", "chosen"}
    ):
        return ["headgate"]
    found = []
    if type(body.get("input")) is dict and has.intersection(PREFERRED):
        found.append("openai-dpo")
    if "conversations" in has and type(body["conversations"]) is list:
        found.append("sharegpt")
    if "messages" in has and type(body["messages"]) is list:
        found.append(_chat_dialect(body))
    if "instruction" in has and has & {"output", "chosen", "rejected"}:
        found.append("alpaca")
    elif shape := _trl_shape(body, has):
        found.append(shape)
    if found:
        return found
    mapping = well_known(key for key in has if type(body[key]) in (str, int, float, bool))
    if len(mapping) == 2:
        return ["jsonl"]
    if type(body.get("text")) is str:
        return ["trl-text"]
    return ["jsonl"] if mapping else []


def nothing_readable(path: Path, wrong: Iterable[tuple[int, Any]], container: str) -> Refused:
    """The refusal of a file without one readable row, with its first few bad lines."""
    bad = list(wrong)
    told = "; ".join(f"line {number}: {one.what}" + (f" ({one.found})" if one.found else "") for number, one in bad)
    hint = try_this = None
    if any(one.what == "not UTF-8" for _, one in bad):
        hint, try_this = "UTF-8 text", _recode("LATIN1", path)
    elif container == "jsonl" and told:
        hint = "one whole JSON object on every line; a pretty-printed file must be a JSON array"
        try_this = f"jq -c . {shlex.quote(str(path))} > {shlex.quote(path.stem + '.lines.jsonl')}"
    elif container == "csv" and told:
        hint = "a table whose rows have as many cells as its header, or one JSON object a line"
    return Refused(
        "no row can be read", file=str(path), found=told or "a header and no rows", wanted=hint, next_step=try_this
    )


def _trl_shape(body: Mapping[str, Any], has: set[str]) -> str:
    sides = (str, list)
    if {"chosen", "rejected"} <= has and type(body["chosen"]) in sides:
        return "trl-preference" if "prompt" in has else "trl-implicit-preference"
    if "prompt" not in has or type(body["prompt"]) not in sides:
        return ""
    if {"completions", "labels"} <= has:
        return "trl-stepwise"
    if "completion" in has and type(body["completion"]) in sides:
        judged = type(body.get("label")) is bool or (type(body.get("label")) is int and body["label"] in (0, 1))
        return "trl-unpaired" if judged else "trl-prompt-completion"
    said = (key for key in has if type(body[key]) in (str, int, float, bool))  # a label may be a number
    plain = type(body["prompt"]) is str and len(well_known(said)) == 2
    return "jsonl" if plain else "trl-prompt-only"


def _chat_dialect(body: Mapping[str, Any]) -> str:
    turns = [turn for turn in body["messages"] if type(turn) is dict]
    if body.get("rejected_response") is not None or any(turn.get("role") in SWIFT_ROLES for turn in turns):
        return "ms-swift"
    if type(body.get("label")) is bool and turns and turns[-1].get("role") == "assistant":
        return "ms-swift"
    for turn in turns:
        for call in turn.get("tool_calls") or ():
            function = call.get("function", call) if type(call) is dict else {}
            if type(function) is dict and type(function.get("arguments")) is dict:
                return "trl-messages"
        if "thinking" in turn:
            return "trl-messages"
    return "openai-sft"


def _format_of(
    path: Path, bodies: list[Body], lines: list[int], container: str, format: str | None, columns: dict[str, str]
) -> tuple[str, dict[str, str], str]:
    plain = container if container in TABLES else "jsonl"
    content = {ours: theirs for ours, theirs in columns.items() if ours in CONTENT}
    names = list(dict.fromkeys(key for body in bodies for key in body))
    _must_have(path, columns.values(), names)
    if content and (format is None or format in TABLES):
        must_ask(content, path, _columns_option(names))
        return plain, columns, "columns " + ", ".join(f"{ours}={theirs}" for ours, theirs in content.items())
    if format in TABLES:
        return plain, _named(path, names, columns), "columns by their names"
    if format is not None:
        return format, columns, "the format was given"
    votes: Counter[str] = Counter()
    for index, body in enumerate(bodies):
        fits = formats_of(body)
        if len(fits) > 1:
            raise _two_formats(path, lines[index], f"row {index + 1} fits {' and '.join(fits)}", fits)
        votes.update(fits or ["none"])
    fits = _settled(votes)
    if ANSWERED.intersection(fits) and _unanswered(bodies):
        fits = [name for name in fits if name != "trl-prompt-only"]
    if len(fits) > 1:
        told = ", ".join(f"{votes[name]} rows fit {name}" for name in fits)
        odd = next(line for line, body in zip(lines, bodies, strict=True) if fits[-1] in formats_of(body))
        raise _two_formats(path, odd, told, fits)
    if not fits:
        raise _no_format(path, bodies, names, container)
    if fits == ["jsonl"] or (container in ("csv", "tsv") and fits == ["trl-text"]):
        mapping = _named(path, names, columns)
        told = ", ".join(f"{ours}={theirs}" for ours, theirs in mapping.items())
        if container in ("csv", "tsv"):
            _nothing_else(path, mapping, names)
        if mapping == {"prompt": "text"} | columns:
            return "trl-text", columns, "text"
        return plain, mapping, f"columns {told}"
    return fits[0], columns, f"keys {keys_of(bodies[0])}"


def _settled(votes: Counter[str]) -> list[str]:
    """Formats that got a vote, dialects of the same shape taken together."""
    fits = [name for name, _ in votes.most_common() if name != "none"]
    for special in ("ms-swift", "trl-messages"):
        if special in fits:
            fits = [name for name in fits if name == special or name not in ("openai-sft", "trl-messages")]
    if "jsonl" in fits and "trl-text" in fits:
        fits.remove("trl-text")
    return fits


def _unanswered(bodies: Iterable[Body]) -> bool:
    """Whether every row that fits prompts alone has a place for an answer, with null in it: an answer is missing."""
    return all("completion" in body for body in bodies if formats_of(body) == ["trl-prompt-only"])


def _named(path: Path, names: list[str], columns: dict[str, str]) -> dict[str, str]:
    mapping = well_known(names)
    if not mapping:
        raise _no_columns(path, names)
    return mapping | columns


def _nothing_else(path: Path, mapping: Mapping[str, str], names: list[str]) -> None:
    # A table whose answers stand in a column of unknown name must not pass for questions without answers.
    if "completion" in mapping:
        return
    if [name for name in names if name not in mapping.values() and name.lower() not in SIDE_KEYS]:
        raise _no_columns(path, names)


def _must_have(path: Path, wanted: Iterable[str], names: list[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        raise Refused(
            "no such column: " + ", ".join(dict.fromkeys(missing)),
            file=str(path),
            found="columns " + ", ".join(names),
            wanted="names of columns that the file has",
        )


def _columns_option(names: list[str]) -> str:
    free = [name for name in names if name.lower() not in SIDE_KEYS] or names or ["THEIR_COLUMN"]
    mapping = f"prompt={free[0]},completion={free[1] if len(free) > 1 else 'THEIR_COLUMN'}"
    return f"--columns {shlex.quote(mapping)}"


def _no_columns(path: Path, names: list[str]) -> Refused:
    return Refused(
        "which column asks and which answers?",
        file=str(path),
        found="columns " + ", ".join(names),
        wanted="well-known names (text, question, prompt, ...; label, answer, completion, ...) or a mapping",
        next_step=_columns_option(names),
    )


def _no_format(path: Path, bodies: list[Body], names: list[str], container: str) -> Refused:
    if container in ("csv", "tsv", "parquet"):
        return _no_columns(path, names)
    return Refused(
        "the rows fit no known format",
        file=str(path),
        found="keys " + keys_of(bodies[0]),
        wanted="one of " + ", ".join(FORMATS),
        next_step=_columns_option(names),
    )


def _two_formats(path: Path, line: int, told: str, names: Iterable[str]) -> Refused:
    return Refused(
        "the file fits more than one format",
        file=str(path),
        line=line,
        found=told,
        wanted="one format in a file",
        next_step=" or ".join(f"--format {name}" for name in names) + " to say which is meant",
    )


def container_of(path: Path) -> tuple[str, str]:
    """Container and compression of a file, by its first bytes.

    Raises:
        Refused: not a readable file of rows.
    """
    compression = compression_of(path)
    return _container(path, compression)[0], compression


def _container(path: Path, compression: str) -> tuple[str, str]:
    """Container and encoding by the first bytes."""
    packed = "not compressed" if compression == "none" else compression
    head = b"".join(islice(pieces(path, compression), 1))[:HEAD]
    if head[:4] == b"PAR1":
        if compression != "none":
            raise Refused("a Parquet file inside another compression", file=str(path), next_step="unpack it first")
        return "parquet", packed
    _must_be_text(path, head)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise Refused("the file is empty", file=str(path), found=f"{len(head)} bytes of blanks" if head else "0 bytes")
    lines = [line.strip() for line in text.split(b"\n") if line.strip()][:SAMPLE]
    if lines[0][:4].lower() == b"sep=" and len(lines[0]) == 5:
        raise Refused(
            "the first line is for a spreadsheet, not for reading",
            file=str(path),
            line=1,
            found=lines[0].decode("utf-8", "replace"),
            wanted="the names of the columns",
            next_step=f"tail -n +2 {shlex.quote(str(path))} > {shlex.quote(path.stem + '.table' + path.suffix)}",
        )
    if text[:1] == b"[":
        return "array", packed
    if text[:1] == b"{" or sum(line[:1] == b"{" for line in lines) * 2 > len(lines):
        return "jsonl", packed
    return "tsv" if separator_of(lines[0]) == "\t" else "csv", packed


def _must_be_text(path: Path, head: bytes) -> None:
    for magic, (told, cure) in MAGIC.items():
        if head.startswith(magic):
            raise Refused(f"{told}, not rows", file=str(path), next_step=cure.format(name=path))
    encoding = next((name for mark, name in MARKS if head.startswith(mark)), None) or _by_nulls(head)
    if encoding:
        raise Refused(
            f"the file is {encoding}, not UTF-8",
            file=str(path),
            wanted="UTF-8",
            next_step=_recode(encoding, path),
        )
    if b"\x00" in head[:1024]:
        raise Refused("not text", file=str(path), found="null bytes", wanted="JSON lines, CSV, TSV or Parquet")


def _recode(encoding: str, path: Path) -> str:
    target = f"{path.stem}.utf8{path.suffix}"
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(target)}"


def _by_nulls(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: most text is Latin, so its zero bytes stand in a pattern."""
    sample = head[: min(len(head), 4096) // 4 * 4]
    if len(sample) < 8:
        return None
    quarter = len(sample) // 4
    nulls = [sample[start::4].count(0) / quarter for start in range(4)]
    most = [share > 0.6 for share in nulls]
    patterns = {
        (False, True, True, True): "UTF-32LE",
        (True, True, True, False): "UTF-32BE",
        (False, True, False, True): "UTF-16LE",
        (True, False, True, False): "UTF-16BE",
    }
    return patterns.get(tuple(most))  # type: ignore[arg-type]
