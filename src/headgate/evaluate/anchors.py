"""Anchors: pairs of answers whose better one people have named, and answers of judges that were recorded.

Unlike training files, these are not read in part: what is wrong with one line stops with its number, because a
qualification over the lines that happened to be readable is one over other anchors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.models.judges.asking import Answer
from headgate.models.judges.protocol import Pair
from headgate.rows.detection import container_of
from headgate.rows.reading import MAX_LINE_BYTES
from headgate.rows.records import Problem, records
from headgate.stats.verdict import Place

NAMES: Mapping[str, tuple[str, ...]] = {  # ours -> names that files use, the first found counts
    "item": ("item", "item_id", "id", "pair_id"),
    "prompt": ("prompt", "input", "instruction", "question"),
    "first": ("first", "output_1", "answer_1", "answer_a", "response_a", "response_1"),
    "second": ("second", "output_2", "answer_2", "answer_b", "response_b", "response_2"),
    "label": ("label", "gold", "winner", "better", "preference"),
    "adversarial": ("adversarial",),
    "first_by": ("generator_1", "model_1", "model_a", "first_by"),
    "second_by": ("generator_2", "model_2", "model_b", "second_by"),
}
NEEDED = ("item", "prompt", "first", "second", "label")
SIDES = {
    "1": "first", "a": "first", "first": "first", "model_a": "first", "output_1": "first",
    "2": "second", "b": "second", "second": "second", "model_b": "second", "output_2": "second",
    "tie": "tie", "0": "tie", "both": "tie", "equal": "tie", "same": "tie", "c": "tie",
}  # fmt: skip
YES = frozenset({"1", "true", "yes", "y"})
HUMAN, SLICE = "human.", "slice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One pair and the people's answer."""

    pair: Pair
    label: str  # "first", "second" or "tie"
    adversarial: bool = False  # whether the worse answer looks better
    slices: Mapping[str, str] = field(default_factory=dict)
    humans: Mapping[str, str] = field(default_factory=dict)  # person -> "first", "second" or "tie"
    writers: tuple[str, str] = ("", "")  # models that wrote the answers, where known
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """All anchors of some files."""

    anchors: tuple[Anchor, ...]
    marked: bool  # whether the file itself says which are adversarial

    @property
    def pairs(self) -> list[Pair]:
        """The pairs alone."""
        return [one.pair for one in self.anchors]


def read_anchors(paths: Sequence[Path], columns: Mapping[str, str] | None = None) -> Anchors:
    """Anchors of files of pairs.

    Raises:
        Refused: a line that is no anchor, an item that occurs twice, an answer or label that is missing; with file
            and line.
    """
    seen: dict[str, Place] = {}
    found: list[Anchor] = []
    marked = False
    for path in paths:
        for line, body in _bodies(path):
            mapping = _mapping(path, line, body, columns or {}, NAMES, NEEDED)
            anchor = _anchor(path, line, body, mapping)
            if anchor.pair.item in seen:
                first = seen[anchor.pair.item]
                raise Refused(
                    "the same item twice", file=str(path), line=line,
                    found=f"{anchor.pair.item!r}, first at {first.file}:{first.line}", wanted="each item once",
                )  # fmt: skip
            seen[anchor.pair.item] = Place(file=str(path), line=line)
            marked = marked or "adversarial" in mapping
            found.append(anchor)
    if not found:
        raise Refused(
            "no anchors", file=", ".join(map(str, paths)), wanted="pairs of answers with the better one named"
        )
    if not marked:
        found = [_by_length(one) for one in found]
    return Anchors(anchors=tuple(found), marked=marked)


def _anchor(path: Path, line: int, body: Mapping[str, Any], mapping: Mapping[str, str]) -> Anchor:
    texts = {}
    for name in ("item", "prompt", "first", "second"):
        value = body.get(mapping[name])
        text = "" if value is None else str(value)
        if not text.strip():
            raise Refused(f"no {_called(name)}", file=str(path), line=line, found=repr(value), wanted=mapping[name])
        texts[name] = text
    own = {f"{key}.{name}": value for key in ("human", "slice") for name, value in _table(body, key).items()}
    flat = {**body, **own}
    return Anchor(
        pair=Pair(item=texts["item"].strip(), prompt=texts["prompt"], first=texts["first"], second=texts["second"]),
        label=_side(path, line, body.get(mapping["label"]), "label"),
        adversarial=str(body.get(mapping.get("adversarial", ""), "")).strip().lower() in YES,
        slices={name.removeprefix(SLICE): str(v) for name, v in flat.items() if name.startswith(SLICE) and v},
        humans={
            name.removeprefix(HUMAN): _side(path, line, value, f"label of {name}")
            for name, value in flat.items()
            if name.startswith(HUMAN) and value not in (None, "")
        },
        writers=(str(body.get(mapping.get("first_by", ""), "")), str(body.get(mapping.get("second_by", ""), ""))),
        place=Place(file=str(path), line=line),
    )


def _table(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = body.get(f"{key}s")
    return value if isinstance(value, dict) else {}


def _called(name: str) -> str:
    return {"first": "first answer", "second": "second answer"}.get(name, name)


def _side(path: Path, line: int, value: Any, what: str) -> str:
    text = str("" if value is None else value).strip().lower()
    if text not in SIDES:
        raise Refused(f"not a {what}", file=str(path), line=line, found=repr(value), wanted="1 or 2, A or B, or tie")
    return SIDES[text]


def _by_length(anchor: Anchor) -> Anchor:
    """An anchor of a file that marks none: adversarial where the worse answer is the longer one."""
    longer = "first" if len(anchor.pair.first) > len(anchor.pair.second) else "second"
    names = {name: getattr(anchor, name) for name in Anchor.__slots__}
    return Anchor(**{**names, "adversarial": anchor.label not in ("tie", longer)})


def read_recorded(
    path: Path, anchors: Anchors, columns: Mapping[str, str] | None = None
) -> dict[tuple[str, bool], Answer]:
    """Answers that a judge gave elsewhere, by item and order: columns item, swapped (0 or 1) and winner.

    The winner is named in the order of the anchors and not in that in which they were shown; an empty one means that
    nothing readable was said.

    Raises:
        Refused: a line that is no answer, an item that is no anchor, the same answer twice; with file and line.
    """
    names = {"item": NAMES["item"], "swapped": ("swapped", "order"), "winner": ("winner", "label", "better")}
    known = {one.pair.item for one in anchors.anchors}
    found: dict[tuple[str, bool], Answer] = {}
    for line, body in _bodies(path):
        mapping = _mapping(path, line, body, columns or {}, names, tuple(names))
        item, swapped = (
            str(body.get(mapping["item"], "")).strip(),
            str(body.get(mapping["swapped"], "")).strip().lower(),
        )
        if item not in known:
            raise Refused("not an item of the anchors", file=str(path), line=line, found=repr(item))
        if swapped not in ("0", "1", "true", "false"):
            raise Refused("which order?", file=str(path), line=line, found=repr(swapped), wanted="swapped = 0 or 1")
        key = (item, swapped in ("1", "true"))
        if key in found:
            raise Refused("the same answer twice", file=str(path), line=line, found=f"{item}, swapped {swapped}")
        value = body.get(mapping["winner"])
        if value in (None, ""):
            found[key] = Answer(outcome="unscored", why="nothing readable is recorded")
        else:
            found[key] = Answer(outcome="scored", better=_side(path, line, value, "winner"))
    return found


def _bodies(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    must_be_file(path)
    for line, body in records(path, *container_of(path), MAX_LINE_BYTES):
        if isinstance(body, Problem):
            raise Refused(body.what, file=str(path), line=line, found=body.found or None, wanted=body.wanted or None)
        if not isinstance(body, dict):
            raise Refused("not a JSON object", file=str(path), line=line)
        yield line, body


def _mapping(
    path: Path,
    line: int,
    body: Mapping[str, Any],
    given: Mapping[str, str],
    names: Mapping[str, Sequence[str]],
    needed: Sequence[str],
) -> dict[str, str]:
    by_lower = {name.lower(): name for name in reversed(list(body))}
    mapping = {ours: next((by_lower[one] for one in theirs if one in by_lower), "") for ours, theirs in names.items()}
    mapping = {ours: theirs for ours, theirs in mapping.items() if theirs} | dict(given)
    for name in needed:
        if name not in mapping or mapping[name] not in body:
            raise Refused(
                f"which column is the {_called(name)}?", file=str(path), line=line, found="columns " + ", ".join(body),
                wanted=" or ".join(names[name]), next_step=f"--columns {name}=THEIR_COLUMN",
            )  # fmt: skip
    return mapping
