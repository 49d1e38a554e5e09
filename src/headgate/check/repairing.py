"""`--repair-inputs`: the inputs of a training file repaired by its reference, and written where they stood.

A repaired input replaces the one value of its record that is that input. Where a record holds the same text twice,
or the input is put together from several values, the row stays as it was written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.check.auditing import Audit
from headgate.check.streamed import StreamedCorpus
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.progress import progress
from headgate.rows.row import Row
from headgate.rules.input_repairs import Change, How, Repairs, repair_inputs
from headgate.rules.word_pairs import read_pairs

INPUTS = "inputs"  # reason given for a repaired input
DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class RepairedInputs:
    """Repairs of one file, by the line on which the row begins."""

    repairs: Repairs
    by_line: Mapping[int, Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRepairs:
    """What was written of them."""

    repairs: Repairs
    changes: str  # file with one line a row: line, operators, before, after
    written: int  # rows
    not_written: int  # rows whose format has no one place for the input

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        told = {"changes": self.changes, "written": self.written, "not_written": self.not_written}
        return self.repairs.as_json() | told


def how_of(asked: Mapping[str, Any]) -> How | None:
    """What the options of the command line ask for; None where they ask for nothing.

    Raises:
        Refused: there is nothing to write, nothing real to repair by, or the words to mix cannot be read.
    """
    for name in ("cut_sentences", "mix_words", "join_labels"):
        if asked[name] and not asked["repair_inputs"]:
            option = name.replace("_", "-")
            raise Refused(f"--{option} says how inputs are repaired", wanted="--repair-inputs")
    if not asked["repair_inputs"]:
        return None
    if asked["fix"] is None:
        raise Refused("repaired inputs are written to a copy", found="--repair-inputs", wanted="--fix OUT")
    if not asked["reference"]:
        raise Refused("inputs are repaired by real ones", found="--repair-inputs", wanted="--reference REAL")
    mixes = read_pairs(asked["mix_words"]) if asked["mix_words"] else {}
    return How(cut=asked["cut_sentences"], mixes=mixes, joined=asked["join_labels"] or "")


def repaired_inputs(audit: Audit, path: str, how: How, *, quiet: bool) -> RepairedInputs:
    """The repairs of one training file.

    Raises:
        Refused: too few inputs on a side, or rows that were read in shards.
    """
    if isinstance(audit.training, StreamedCorpus):
        raise Refused(
            "inputs are repaired with all rows in memory", file=path, wanted="a file below the size of shards"
        )
    rows = [row for row in audit.training if row.place is not None and row.place.file == path]
    with progress("repair inputs", None, quiet=quiet) as advance:
        repairs = repair_inputs(rows, list(audit.reference or ()), how, advance=advance)
    return RepairedInputs(repairs, {_line(one.before): one for one in repairs.changes})


def _line(row: Row) -> int:
    return row.place.line if row.place else 0


def list_changes(target: Path, source: str, found: RepairedInputs, written: set[int]) -> ListedRepairs:
    """Writes `TARGET.inputs.jsonl`, one line for each row whose input was replaced."""
    path = target.with_name(target.name + ".inputs.jsonl")
    with atomic_write(path) as stream:
        for line in sorted(written):
            one = found.by_line[line]
            told = {
                "file": source,
                "line": line,
                "operators": list(one.operators),
                "before": one.before.prompt_text,
                "after": one.after.prompt_text,
            }
            if one.before.answer_text != one.after.answer_text:
                told["answer"] = one.after.answer_text
            stream.write(orjson.dumps(told) + b"\n")
    left = len(found.by_line) - len(written)
    return ListedRepairs(repairs=found.repairs, changes=str(path), written=len(written), not_written=left)


def with_input(body: bytes, change: Change) -> bytes:
    """The record with the input replaced, and nothing else; the same record where that cannot be done."""
    turns = zip(change.before.messages, change.after.messages, strict=True)
    swaps = [(old.content, new.content) for old, new in turns if old.content != new.content]
    if len({old for old, _ in swaps}) < len(swaps):
        return body
    out = body
    for old, new in swaps:
        changed = _one_value(out, old, new)
        if changed is None:
            return body
        out = changed
    return out


def _one_value(body: bytes, old: str, new: str) -> bytes | None:
    """The record with one value replaced; None where not exactly one value is the old text."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _one_field(body, old, new)
    if _count(tree, old) != 1:
        return None
    form, other = orjson.dumps(old), orjson.dumps(new)
    if body.count(form) == 1:
        return body.replace(form, other)
    return orjson.dumps(_with(tree, old, new)) + (b"\n" if body.endswith(b"\n") else b"")


def _one_field(body: bytes, old: str, new: str) -> bytes | None:
    """The same for a record of a table."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    for delimiter in DELIMITERS:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        if len(records) != 1 or records[0].count(old) != 1:
            continue
        for form in (f'"{old.replace(chr(34), chr(34) * 2)}"', old):
            if text.count(form) == 1:
                quoted = '"' + new.replace('"', '""') + '"'
                plain = form == old and not any(sign in new for sign in f'{delimiter}"\n\r')
                made = text.replace(form, new if plain else quoted)
                again = list(csv.reader(io.StringIO(made, newline=""), delimiter=delimiter))
                if again == [[new if field == old else field for field in records[0]]]:
                    return made.encode()
    return None


def _count(value: Any, text: str) -> int:
    if isinstance(value, dict):
        return sum(_count(inner, text) for inner in value.values())
    if isinstance(value, list):
        return sum(_count(inner, text) for inner in value)
    return int(value == text) if isinstance(value, str) else 0


def _with(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _with(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, old, new) for inner in value]
    return new if value == old else value
