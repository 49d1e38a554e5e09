"""Labels that annotators gave to items: one record for each label, from JSON lines, a table or Parquet.

A record names an item, an annotator and a label; beside these a gold label, the kind of annotator (human or
model), the model that wrote the item, and slices. A record whose annotator is `gold` gives a gold label. A
label that is empty is an abstention.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headgate.kit.errors import Refused
from headgate.rows.detection import container_of
from headgate.rows.formats.shape import keys_of, shown
from headgate.rows.reading import MAX_LINE_BYTES, BadLine
from headgate.rows.records import Problem, records
from headgate.stats.verdict import Place
from headgate.stats.votes import Integers, Votes

FORMAT = "labels"
NAMES: Mapping[str, tuple[str, ...]] = {  # ours -> names that files use, the first found counts
    "item": ("item", "item_id", "example_id", "task_id", "unit", "unit_id", "question_id"),
    "annotator": ("annotator", "annotator_id", "worker", "worker_id", "rater", "rater_id", "judge", "labeler", "coder"),
    "label": ("label", "rating", "category", "winner", "judgement", "judgment", "annotation", "vote"),
    "gold": ("gold", "gold_label", "true_label"),
    "kind": ("annotator_kind", "annotator_type", "kind"),
    "generator": ("generator",),
}
NEEDED = ("item", "annotator", "label")
ROWS = frozenset({"messages", "prompt", "completion", "conversations", "chosen", "instruction", "text", "question"})
KINDS = {"human": "human", "person": "human", "expert": "human", "model": "model", "llm": "model", "code": "model"}
GOLD = "gold"
UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """All labels of some files; A annotators, N items, V labels."""

    votes: Votes
    items: tuple[str, ...]  # (N,) names
    annotators: tuple[str, ...]  # (A,) names
    labels: tuple[str, ...]  # names of the labels
    gold: Integers  # (N,): label that is right, -1 where unknown
    kinds: Mapping[str, str] = field(default_factory=dict)  # annotator -> "human" or "model", where it is known
    generators: tuple[str, ...] = ()  # (N,): model that wrote the item, empty where unknown
    slices: Mapping[str, Mapping[int, str]] = field(default_factory=dict)  # name -> item -> value
    lines: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # (V,): line of each label
    files: tuple[tuple[int, str], ...] = ()  # first label of each file, and the file
    abstained: int = 0  # labels that were empty

    def place(self, vote: int) -> Place | None:
        """Where a label was read from."""
        file = next((name for first, name in reversed(self.files) if first <= vote), None)
        return Place(file=file, line=int(self.lines[vote])) if file is not None else None

    def item_place(self, item: int) -> Place | None:
        """Where the first label of an item was read from."""
        found = np.flatnonzero(self.votes.items == item)
        return self.place(int(found[0])) if len(found) else None


class Gathered:
    """Labels that are being read, before they are numbered for good."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {"item": {}, "annotator": {}, "label": {}}
        self._votes: list[tuple[int, int, int]] = []
        self._lines: list[int] = []
        self._files: list[tuple[int, str]] = []
        self._gold: dict[int, int] = {}
        self._kinds: dict[str, str] = {}
        self._generators: dict[int, str] = {}
        self._slices: dict[str, dict[int, str]] = {}
        self._abstained = 0

    def begin(self, file: str) -> None:
        """Says which file the next labels are from."""
        self._files.append((len(self._votes), file))

    def add(self, record: Mapping[str, Any], line: int = 0) -> None:
        """Takes one record, under our names.

        Raises:
            ValueError: the item, the annotator or the label is missing or no plain value; or two gold labels differ.
        """
        item = self._number("item", _plain(record, "item"))
        for name, value in (record.get("slices") or {}).items():
            self._slices.setdefault(name, {})[item] = str(value)
        if generator := record.get("generator"):
            self._generators[item] = str(generator)
        if record.get("gold") not in (None, ""):
            self._told(item, _plain(record, "gold"))
        if record.get("label") in (None, ""):
            self._abstained += 1
            return
        label = _plain(record, "label")
        annotator = str(record.get("annotator") or "") if record.get(GOLD_ONLY) else _plain(record, "annotator")
        if record.get(GOLD_ONLY) or annotator.lower() == GOLD:
            self._told(item, label)
            return
        if kind := KINDS.get(str(record.get("kind") or "").lower()):
            self._kinds[annotator] = kind
        self._votes.append((item, self._number("annotator", annotator), self._number("label", label)))
        self._lines.append(line)

    def done(self) -> Labels:
        """The labels; names of labels are in order, so that it does not matter which came first."""
        items, annotators, labels = (tuple(self._numbers[name]) for name in ("item", "annotator", "label"))
        ordered = sorted(labels)
        place = np.array([ordered.index(label) for label in labels] or [0], dtype=np.int64)
        columns = np.array(self._votes, dtype=np.int64).reshape(-1, 3)
        gold = np.full(len(items), UNKNOWN, dtype=np.int64)
        for item, label in self._gold.items():
            gold[item] = place[label]
        shape = (len(items), len(annotators), len(labels))
        return Labels(
            votes=Votes.of(columns[:, 0], columns[:, 1], place[columns[:, 2]], shape),
            items=items,
            annotators=annotators,
            labels=tuple(ordered),
            gold=gold,
            kinds=self._kinds,
            generators=tuple(self._generators.get(item, "") for item in range(len(items))),
            slices=self._slices,
            lines=np.array(self._lines, dtype=np.int64),
            files=tuple(self._files),
            abstained=self._abstained,
        )

    def _number(self, what: str, name: str) -> int:
        known = self._numbers[what]
        return known.setdefault(name, len(known))

    def _told(self, item: int, label: str) -> None:
        number = self._number("label", label)
        if self._gold.setdefault(item, number) != number:
            raise ValueError("two gold labels for one item")


GOLD_ONLY = "gold only"  # key of a record that comes from a file of gold labels; no file can have it as a column


def labels_of(
    bodies: Iterable[Mapping[str, Any]], gold: Mapping[str, str] | None = None, *, file: str = FORMAT
) -> Labels:
    """Labels from records under our names, and gold labels by item.

    Raises:
        ValueError: a record lacks its item, annotator or label, or two gold labels of an item differ.
    """
    gathered = Gathered()
    gathered.begin(file)
    for line, body in enumerate(bodies, start=1):
        gathered.add(body, line)
    for item, label in (gold or {}).items():
        gathered.add({"item": item, "label": label, GOLD_ONLY: True})
    return gathered.done()


def is_labels(path: Path, format: str | None = None, columns: Mapping[str, str] | None = None) -> bool:
    """Whether a file holds labels: it is said to, or its first record names item, annotator and label and asks nothing.

    A file that cannot be read at all is no such file; the reader of rows says why.
    """
    if format is not None or columns:
        return format == FORMAT or (format is None and "item" in (columns or {}))
    try:
        first = next((body for _, body in records(path, *container_of(path), MAX_LINE_BYTES) if type(body) is dict), {})
    except Refused:
        return False
    return not ROWS & {key.lower() for key in first} and set(NEEDED) <= set(_mapping(first, {}))


def read_labels(
    paths: Sequence[Path], *, columns: Mapping[str, str] | None = None, gold: Sequence[Path] = (), strict: bool = False
) -> tuple[Labels, list[tuple[Path, int, list[BadLine]]]]:
    """Labels of some files, and of each file its records and bad lines; `gold` are files of items and right labels.

    Raises:
        Refused: a file cannot be read, lacks a column, or holds no label; with `strict`, a bad line.
    """
    gathered, told = Gathered(), []
    for path in (*paths, *gold):
        only_gold = path in gold and path not in paths
        gathered.begin(str(path))
        count, bad = 0, []
        for line, body in _bodies(path, columns or {}, ("item", "label") if only_gold else NEEDED):
            try:
                if isinstance(body, Problem):
                    raise ValueError(body.what)
                gathered.add(body | ({GOLD_ONLY: True} if only_gold else {}), line)
                count += 1
            except ValueError as error:
                bad.append(BadLine(str(path), line, str(error), "", "an item, an annotator and a label"))
                if strict:
                    raise Refused(str(error), file=str(path), line=line, wanted=bad[-1].wanted) from None
        if not count:
            raise Refused("no label can be read", file=str(path), found=bad[0].what if bad else "a header and no rows")
        told.append((path, count, bad))
    return gathered.done(), told


def _bodies(path: Path, columns: Mapping[str, str], needed: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """Records under our names."""
    mapping: dict[str, str] = {}
    sliced: dict[str, str] = {}
    for line, body in records(path, *container_of(path), MAX_LINE_BYTES):
        if type(body) is not dict:
            yield line, body
            continue
        if not mapping:
            mapping = _mapping(body, columns)
            _must_have(path, body, mapping, needed)
            known = {theirs: ours for ours, theirs in mapping.items()}
            sliced = {
                theirs: ours.removeprefix("slice.") for theirs, ours in known.items() if ours.startswith("slice.")
            }
            sliced |= {name: name.removeprefix("slice.") for name in body if name.startswith("slice.")}
        record = {ours: body.get(theirs) for ours, theirs in mapping.items()}
        own = body["slices"] if type(body.get("slices")) is dict else {}
        record["slices"] = own | {name: body[theirs] for theirs, name in sliced.items() if body.get(theirs)}
        yield line, record


def _mapping(body: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    by_lower = {name.lower(): name for name in reversed(list(body))}
    found = {
        ours: next(by_lower[name] for name in names if name in by_lower)
        for ours, names in NAMES.items()
        if any(name in by_lower for name in names)
    }
    return found | dict(columns)


def _must_have(path: Path, body: Mapping[str, Any], mapping: Mapping[str, str], needed: Sequence[str]) -> None:
    unknown = [name for name in mapping if name not in NAMES and not name.startswith("slice.")]
    absent = [name for name in needed if name not in mapping]
    lost = [theirs for theirs in mapping.values() if theirs not in body]
    if not (unknown or absent or lost):
        return
    what = f"unknown name {unknown[0]!r} in the column mapping" if unknown else ""
    what = what or ("no such column: " + ", ".join(lost) if lost else f"which column is the {absent[0]}?")
    raise Refused(
        what,
        file=str(path),
        found="columns " + keys_of(body),
        wanted=", ".join((*NAMES, "slice.NAME")) if unknown else "names of columns that the file has",
        next_step="--columns " + ",".join(f"{name}=THEIR_COLUMN" for name in needed),
    )


def _plain(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None or value == "":
        raise ValueError(f"no {name}")
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) not in (str, int, float):
        raise ValueError(f"the {name} is no plain value: {shown(value)}")
    return str(value).strip()
