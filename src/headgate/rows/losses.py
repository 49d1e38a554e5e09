"""What a conversion loses: a row compared with itself as it will be read back from the target.

The comparison is made on every row, with the target's own reader, so that the report cannot forget
a loss that a writer was not told to count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.rows.row import SIDE_NAMES, Message, Row, Side, ToolCall

MEANING = {
    "kind": "rows that become another kind (a preference becomes a demonstration, ...)",
    "label": "labels good or bad",
    "steps": "labelled steps",
    "tools": "rows whose tool schemas go",
    "tools-spelling": "rows whose tool schemas are spelled differently (spaces, escapes)",
    "rejected-answers": "rejected answers, beyond the first where one is held",
    "prompt-split": "rows whose prompt and answer run together or are parted elsewhere",
    "system-turns": "system turns beyond what the format holds",
    "turns": "turns that have no place, or are joined with another",
    "answers": "answers, in a format of prompts",
    "tool-calls": "tool calls",
    "tool-results": "tool results that go or are joined",
    "call-ids": "ids of tool calls (gone, made up or replaced by the tool's name)",
    "call-pairing": "results that no longer say which call they answer",
    "arguments": "arguments of tool calls whose value changes",
    "argument-spelling": "arguments of tool calls that are spelled differently (spaces, escapes)",
    "roles": "turns that change their role (developer becomes system, ...)",
    "content": "turns whose words change",
    "names": "names of speakers",
    "weights": "loss weights of turns",
    "masks": "masked spans",
    "reasoning": "reasoning texts",
    "parts": "turns with images or other parts that are not text",
    "other": "rows that differ otherwise",
}
UNWRITABLE_KEPT = 10_000  # listed in a report; all are counted
UNWRITABLE_SHOWN = 50  # listed in JSON


@dataclass(frozen=True, slots=True)
class Unwritable:
    """A row that the target cannot hold at all, and why."""

    row: str  # address
    reason: str
    file: str | None = None
    line: int | None = None


@dataclass(slots=True)
class LossReport:
    """What became of the rows of one conversion."""

    path: Path
    format: str
    rows: int = 0  # given
    written: int = 0
    lost: Counter[str] = field(default_factory=Counter)  # things, by the names of MEANING or "side.NAME"
    lost_rows: Counter[str] = field(default_factory=Counter)  # rows that lose at least one of them
    carried: Counter[str] = field(default_factory=Counter)  # rows whose side data the side-car holds, by field
    reasons: Counter[str] = field(default_factory=Counter)  # why rows could not be written
    unwritable: list[Unwritable] = field(default_factory=list)
    side_car: Path | None = None
    dataset_info: Path | None = None

    @property
    def unwritable_total(self) -> int:
        """Rows that could not be written."""
        return self.reasons.total()

    def count(self, losses: Counter[str]) -> None:
        """Adds the losses of one row."""
        self.lost.update(losses)
        self.lost_rows.update(losses.keys())

    def refuse(self, row: Row, reason: str) -> None:
        """Counts a row that cannot be written."""
        self.reasons[reason] += 1
        if len(self.unwritable) < UNWRITABLE_KEPT:
            place = row.place
            file, line = (place.file, place.line) if place else (None, None)
            self.unwritable.append(Unwritable(row_address(row), reason, file, line))

    def as_json(self) -> dict[str, Any]:
        """The report as every surface prints it."""
        return {
            "file": str(self.path),
            "format": self.format,
            "rows": self.rows,
            "written": self.written,
            "lost": dict(sorted(self.lost.items())),
            "lost_rows": dict(sorted(self.lost_rows.items())),
            "carried": dict(sorted(self.carried.items())),
            "unwritable_total": self.unwritable_total,
            "unwritable_reasons": dict(self.reasons.most_common()),
            "unwritable": [
                {name: value for name in ("file", "line", "row", "reason") if (value := getattr(one, name)) is not None}
                for one in self.unwritable[:UNWRITABLE_SHOWN]
            ],
            "side_car": str(self.side_car) if self.side_car else None,
            "dataset_info": str(self.dataset_info) if self.dataset_info else None,
        }


def row_address(row: Row) -> str:
    """The address of a row; empty for one whose words have no UTF-8 form."""
    try:
        return row.id
    except TypeError:
        return ""


def content_losses(before: Row, after: Row) -> Counter[str]:
    """Everything in the content of a row that its re-read form does not have; empty for equal content."""
    found: Counter[str] = Counter()
    if before.content_id == after.content_id:
        return found
    found["kind"] = before.kind is not after.kind
    found["label"] = before.label != after.label
    found["steps"] = before.steps != after.steps
    if before.tools != after.tools:
        found["tools-spelling" if after.tools else "tools"] = 1
    found["rejected-answers"] = max(0, len(before.rejected) - len(after.rejected))
    here, there = before.messages + before.chosen, after.messages + after.chosen
    if before.kind is after.kind and _run_together(here, there):
        found["prompt-split"] = 1
        found["system-turns"] = sum(turn.role in ("system", "developer") for turn in here)
    else:
        found["prompt-split"] = before.kind is after.kind and _parted_elsewhere(before, after)
        answers_only = len(there) < len(here) and after.kind.value == "prompt"
        _compare(here, there, found, "answers" if answers_only else "turns")
        for one, other in zip(before.rejected, after.rejected, strict=False):
            _compare(one, other, found, "turns")
    found = +found
    return found or Counter({"other": 1})


def side_losses(before: Side, held: Side) -> Counter[str]:
    """Fields of side data that the written row does not have, as "side.NAME"."""
    return Counter(
        f"side.{name}"
        for name in SIDE_NAMES
        if (value := getattr(before, name)) not in (None, (), {}) and getattr(held, name) != value
    )


def _run_together(here: Sequence[Message], there: Sequence[Message]) -> bool:
    spoken = [turn.content for turn in here if turn.role not in ("system", "developer")]
    return len(spoken) > len(there) == 1 and "".join(spoken) == there[0].content


def _parted_elsewhere(before: Row, after: Row) -> bool:
    if bool(before.chosen) != bool(after.chosen):
        return True
    same_length = len(before.messages) + len(before.chosen) == len(after.messages) + len(after.chosen)
    return bool(before.chosen) and same_length and len(before.messages) != len(after.messages)


def _compare(here: Sequence[Message], there: Sequence[Message], found: Counter[str], gone: str) -> None:
    pairs, alone, added = _aligned(here, there)
    for turn, other in pairs:
        _compare_turns(turn, other, found)
    for turn in alone:
        if turn.role in ("system", "developer"):
            found["system-turns"] += 1
        elif turn.role == "tool":
            found["tool-results"] += 1
        elif turn.tool_calls:
            found["tool-calls"] += len(turn.tool_calls)
            found[gone] += bool(turn.content)
        else:
            found[gone] += 1
    if added and not alone:
        found["turns"] += len(added)


Aligned = tuple[list[tuple[Message, Message]], list[Message], list[Message]]


def _aligned(here: Sequence[Message], there: Sequence[Message]) -> Aligned:
    """Turns that belong together, in order: by role, by words where there is a choice (longest common subsequence)."""
    if len(here) == len(there):
        return list(zip(here, there, strict=True)), [], []
    best = [[0] * (len(there) + 1) for _ in range(len(here) + 1)]
    for i in range(len(here) - 1, -1, -1):
        for j in range(len(there) - 1, -1, -1):
            together = best[i + 1][j + 1] + _likeness(here[i], there[j])
            best[i][j] = max(best[i + 1][j], best[i][j + 1], together)
    pairs, alone, added = [], [], []
    i = j = 0
    while i < len(here) and j < len(there):
        alike = _likeness(here[i], there[j])
        if alike and best[i][j] == best[i + 1][j + 1] + alike:
            pairs.append((here[i], there[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            alone.append(here[i])
            i += 1
        else:
            added.append(there[j])
            j += 1
    return pairs, [*alone, *here[i:]], [*added, *there[j:]]


def _likeness(one: Message, other: Message) -> int:
    same = one.role == other.role or {one.role, other.role} == {"system", "developer"}
    if not same:
        return 0
    return 1 + 2 * (one.content == other.content) + (bool(one.tool_calls) == bool(other.tool_calls))


def _compare_turns(turn: Message, other: Message, found: Counter[str]) -> None:
    found["roles"] += turn.role != other.role
    found["content"] += turn.content != other.content
    if (turn.name, turn.tool_call_id) != (other.name, other.tool_call_id):
        if turn.role != "tool" and turn.tool_call_id == other.tool_call_id:
            found["names"] += 1
        else:
            found["call-ids" if other.name or other.tool_call_id else "call-pairing"] += 1
    found["tool-calls"] += abs(len(turn.tool_calls) - len(other.tool_calls))
    for call, again in zip(turn.tool_calls, other.tool_calls, strict=False):
        _compare_calls(call, again, found)
    found["weights"] += turn.weight != other.weight
    if turn.masked != other.masked:
        found["masks"] += max(1, len(turn.masked) - len(other.masked))
    found["reasoning"] += turn.reasoning != other.reasoning
    found["parts"] += turn.parts != other.parts


def _compare_calls(call: ToolCall, again: ToolCall, found: Counter[str]) -> None:
    found["tool-calls"] += call.name != again.name
    found["call-ids"] += call.id != again.id
    if call.arguments != again.arguments:
        try:
            same = json.loads(call.arguments or "{}") == json.loads(again.arguments or "{}")
        except (ValueError, RecursionError):
            same = False
        found["argument-spelling" if same else "arguments"] += 1
