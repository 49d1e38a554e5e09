"""Plain columns: one column asks, one answers. JSONL, CSV, TSV and Parquet alike.

Columns are named by the user (`prompt=text,completion=category,slice.intent=category`) or found by
well-known names. Nothing else is guessed: a table without such names is refused with the option to type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.rows.formats.shape import Body, CannotHold, Format, Loose, Parts, Wrong, keys_of, shown, truth_of
from headgate.rows.formats.trl import as_text, split_at
from headgate.rows.formats.turns import asked_of, dialogue_of, judged_of, pair_of
from headgate.rows.row import SIDE_NAMES, Kind, Message, Row

ASKING = ("prompt", "instruction", "question", "query", "utterance", "input", "text")  # first found is the question
SAYING = ("completion", "response", "output", "answer", "target", "label", "intent", "category")
CONTENT = ("prompt", "completion", "text", "system", "chosen", "rejected", "label")  # names of ours that are content
TABLES = ("jsonl", "csv", "tsv", "parquet")
PLAIN = {"prompt": "prompt", "completion": "completion"}


def well_known(names: Iterable[str]) -> dict[str, str]:
    """The mapping that well-known column names give; empty when no column asks."""
    by_lower = {name.lower(): name for name in reversed(list(names))}
    asking = next((by_lower[name] for name in ASKING if name in by_lower), None)
    saying = next((by_lower[name] for name in SAYING if name in by_lower), None)
    if asking is None:
        return {}
    return {"prompt": asking} | ({"completion": saying} if saying else {})


def checked(columns: Mapping[str, str]) -> dict[str, str]:
    """A mapping whose names of ours are all known.

    Raises:
        Refused: a name is unknown.
    """
    known = (*CONTENT, *SIDE_NAMES)
    for name in columns:
        if name not in known and not name.startswith("slice."):
            raise Refused(
                f"unknown name {name!r} in the column mapping",
                wanted=", ".join(sorted(set(known) - {"slices", "extra", "parents"})) + ", slice.NAME",
                next_step="--columns prompt=THEIR_COLUMN,completion=THEIR_COLUMN",
            )
    return dict(columns)


def must_ask(columns: Mapping[str, str], path: Path | None = None, advice: str | None = None) -> None:
    """Checks that a mapping says what asks and, of a pair, names both.

    Raises:
        Refused: it does not.
    """
    file = str(path) if path else None
    if "prompt" not in columns and "text" not in columns:
        raise Refused("the column mapping names no `prompt`", file=file, next_step=advice)
    if "prompt" in columns and "text" in columns:
        raise Refused("the column mapping names `prompt` and `text`", file=file, wanted="one of the two")
    if ("chosen" in columns) != ("rejected" in columns):
        raise Refused("the column mapping names one of `chosen` and `rejected`", file=file, wanted="both")
    if "label" in columns and "completion" not in columns:
        raise Refused(
            "the column mapping names `label` without `completion`", file=file, wanted="both", next_step=advice
        )


def reader(name: str, columns: Mapping[str, str]) -> Format:
    """The format of plain columns under a mapping; its keys are the columns that are content."""
    content = {ours: theirs for ours, theirs in columns.items() if ours in CONTENT}

    def read(body: Body, loose: Loose) -> Parts:  # noqa: ARG001 - the signature of every reader
        return _read(body, content)

    return Format(
        name=name, title="plain columns", keys=frozenset(content.values()), read=read, write=writer(columns), index={}
    )


def writer(columns: Mapping[str, str]) -> Any:
    """The function that writes plain columns under a mapping."""

    def write(row: Row) -> Body:
        body = _content(row, columns)
        held = {theirs: body.get(ours) for ours, theirs in columns.items() if ours in CONTENT}
        for ours, theirs in columns.items():
            if ours not in CONTENT:
                held[theirs] = _side(row, ours) if held.get(theirs) is None else held[theirs]
        return held

    return write


def _read(body: Body, content: Mapping[str, str]) -> Parts:
    if "text" in content and "prompt" not in content:
        return {"kind": Kind.TEXT, "messages": (Message("user", _cell(body, content["text"])),)}
    asked = [Message("user", _cell(body, content["prompt"]))]
    if "system" in content and body.get(content["system"]):
        asked.insert(0, Message("system", _cell(body, content["system"])))
    if "chosen" in content:
        return {
            "kind": Kind.PREFERENCE,
            "messages": tuple(asked),
            "chosen": (Message("assistant", _cell(body, content["chosen"])),),
            "rejected": ((Message("assistant", _cell(body, content["rejected"])),),),
        }
    if "completion" not in content:
        return {"kind": Kind.PROMPT, "messages": tuple(asked)}
    said = Message("assistant", _cell(body, content["completion"]))
    if "label" in content:
        label = _label(body, content["label"])
        return {"kind": Kind.UNPAIRED, "messages": tuple(asked), "chosen": (said,), "label": label}
    return {"kind": Kind.DEMONSTRATION, "messages": (*asked, said)}


def _cell(body: Body, column: str) -> str:
    value = body.get(column)
    if type(value) is str:
        return value
    if value is None:
        raise Wrong(f"no value in column `{column}`", found="keys " + keys_of(body), wanted=f"text under `{column}`")
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in (int, float):
        return str(value)
    raise Wrong(f"column `{column}` is not text", found=shown(value), wanted="text or a number")


def _label(body: Body, column: str) -> bool:
    value = body.get(column)
    known = {"true": True, "1": True, "false": False, "0": False}
    if type(value) is str and value.lower() in known:
        return known[value.lower()]
    return truth_of(body, column)


def _content(row: Row, columns: Mapping[str, str]) -> Body:
    if "prompt" not in columns:
        if row.kind is not Kind.TEXT:
            raise CannotHold("a dialogue needs a `prompt` column in the mapping")
        return {"text": row.text}
    body: Body = {}
    if "chosen" in columns:
        asked, (chosen, rejected) = row.messages, pair_of(row)
        body = {"chosen": as_text(chosen), "rejected": as_text(rejected)}
    elif "label" in columns:
        asked, said, label = judged_of(row)
        body = {"completion": as_text(said), "label": "true" if label else "false"}
    elif "completion" in columns:
        turns = dialogue_of(row)
        start = split_at(turns)
        asked, body = turns[:start], {"completion": as_text(turns[start:])}
    else:
        asked = asked_of(row)
    systems = [turn.content for turn in asked if turn.role in ("system", "developer")]
    return body | {"prompt": as_text(asked), "system": systems[0] if systems else ""}


def _side(row: Row, name: str) -> Any:
    if name.startswith("slice."):
        return row.side.slices.get(name.removeprefix("slice."))
    value = getattr(row.side, name)
    return value if value is None or isinstance(value, str | int) else None


TITLES = {
    "jsonl": "plain JSON lines with a column mapping",
    "csv": "comma-separated columns with a header",
    "tsv": "tab-separated columns with a header",
    "parquet": "Parquet with plain columns",
}
FORMATS = tuple(
    Format(
        name=name,
        title=title,
        keys=frozenset(PLAIN.values()),
        read=reader(name, PLAIN).read,
        write=writer(PLAIN),
        index={"columns": {"prompt": "prompt", "response": "completion"}} if name != "tsv" else {},
    )
    for name, title in TITLES.items()
)
