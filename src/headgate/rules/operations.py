"""What is done about a habit: the wording mended, the row dropped, the words kept, or kept out of the loss.

A table names habits and says what to do: a word or phrase, a kind of act ("concession"), or a rule, which
stands for all that it found. Only what the assistant says is touched; inputs stay as people wrote them.
A masked span stays in the row as context and gets no weight in the loss (`masked` of a message).
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.rows.masking import Replacement, applied, moved
from headgate.rows.row import Message, Row
from headgate.rules.habits import KINDS, LISTED, MAY, NEEDLESS, SHORTHAND, Habits
from headgate.stats.verdict import Verdict
from headgate.text.behaviours import acts as acts_of
from headgate.text.behaviours import aggrieved, unexplained
from headgate.text.phrases import QUOTED

NORMALISE, DROP, KEEP, MASK = "normalise", "drop", "keep", "mask"
WANTED = '"keep", "drop", "mask", "normalise", or "normalise: the right words"'
SPELLING, ACTS, PHRASES = "learned-typo", "inherited-habits", "house-phrases"  # rules that a table may name
TERMS = "mixed-terms"
NAMED = (SPELLING, TERMS, ACTS, PHRASES)
JUDGED = ("concession", "escalation", "action")  # kinds whose acts may be backed by a tool or allowed


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done where a habit shows."""

    what: str  # NORMALISE, DROP, KEEP or MASK
    right: str = ""  # for NORMALISE


@dataclass(frozen=True, slots=True)
class Operated:
    """A row after the operations; None where it goes."""

    row: Row | None
    counts: Mapping[str, int] = field(default_factory=dict)  # "mask: kindly do the needful" -> spans
    reason: str = ""  # why it goes


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    name: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Operations:
    """A table of decisions, ready to be carried out on rows."""

    table: Mapping[str, Operation]  # by lower-case habit
    habits: Habits = field(default_factory=lambda: Habits((), ()))  # what the model may do

    def on(self, row: Row) -> Operated:
        """The row with all decisions carried out; the same row where no habit shows."""
        asked, called = row.prompt_text, list[str]()
        calm = not aggrieved(asked)
        counts: Counter[str] = Counter()
        turns: dict[str, tuple[Message, ...]] = {}
        for part in ("messages", "chosen"):
            out = []
            for turn in getattr(row, part):
                called += [call.name for call in turn.tool_calls]
                spans = self._spans(turn.content, calm, called, asked) if turn.role == "assistant" else []
                for one in spans:
                    if one.operation.what == DROP:
                        return Operated(None, {f"{DROP}: {one.name}": 1}, f"says {one.name!r}")
                    counts[f"{one.operation.what}: {one.name}"] += 1
                out.append(_changed(turn, spans))
            turns[part] = tuple(out)
        if not counts:
            return Operated(row)
        if _nothing_left([*turns["messages"], *turns["chosen"]]):
            return Operated(None, dict(counts), "nothing is left to learn")
        return Operated(replace(row, messages=turns["messages"], chosen=turns["chosen"]), dict(counts))

    def _spans(self, text: str, calm: bool, called: Sequence[str], asked: str) -> list[_Span]:
        """What is to be done in one answer: acts by sentence; words where no quotation or code holds them."""
        found = [_Span(act[0], act[1], act[2], self.table[act[2]]) for act in self._acts(text, calm, called, asked)]
        if (pattern := _pattern(tuple(name for name in self.table if name not in (*KINDS, NEEDLESS)))) is not None:
            quoted = [hit.span() for hit in QUOTED.finditer(text)]
            for hit in pattern.finditer(text):
                if not any(start < hit.end() and hit.start() < end for start, end in quoted):
                    name = " ".join(hit[0].lower().split())
                    found.append(_Span(hit.start(), hit.end(), name, self.table[name]))
        return [one for one in found if one.operation.what != KEEP]

    def _acts(self, text: str, calm: bool, called: Sequence[str], asked: str) -> Iterable[tuple[int, int, str]]:
        wanted = [kind for kind in self.table if kind in KINDS]
        among = [kind for kind in KINDS if kind in wanted or (kind == "apology" and NEEDLESS in wanted)]
        for act in acts_of(text, [kind for kind in among if kind != NEEDLESS], asked):
            if act.kind in JUDGED and self.habits.allows(act.kind, called) == MAY:
                continue
            kind = NEEDLESS if act.kind == "apology" and NEEDLESS in wanted and calm and unexplained(text) else act.kind
            if kind in wanted:
                yield act.start, act.end, kind


@dataclass(frozen=True, slots=True)
class Decisions:
    """A table as somebody wrote it, and what the model may do."""

    table: Mapping[str, str]
    habits: Habits


def read_table(path: Path) -> dict[str, str]:
    """Decisions from a TOML or JSON file; a flow file's [curate.habits] is one.

    Raises:
        Refused: the file cannot be read, or is no table of texts.
    """
    try:
        data = path.read_bytes()
        body = orjson.loads(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except OSError as error:
        raise Refused("the file of decisions cannot be read", file=str(path), found=str(error.strerror)) from None
    except ValueError as error:
        raise Refused("the file of decisions cannot be read", file=str(path), found=str(error)) from None
    curate = body.get("curate") if isinstance(body, dict) else None
    if isinstance(curate, dict):
        body = curate.get("habits", {})
    if not isinstance(body, dict) or not body or not all(isinstance(value, str) for value in body.values()):
        raise Refused("not a table of decisions", file=str(path), found=str(body)[:80], wanted='"needful" = "mask"')
    must_be_decisions(body, str(path))
    return body


def operations(
    table: Mapping[str, str], verdicts: Iterable[Verdict] = (), habits: Habits | None = None, *, file: str | None = None
) -> Operations:
    """A table of decisions, with the rules in it replaced by what their verdicts found.

    Raises:
        Refused: an unknown decision, or a wording that nobody knows the right form of.
    """
    asked = {" ".join(name.lower().split()): _operation(name, told, file) for name, told in table.items()}
    known = {verdict.rule: verdict.details for verdict in verdicts}
    spelt, terms = (_rights(known.get(rule, {})) for rule in (SPELLING, TERMS))
    right = terms | spelt
    out: dict[str, Operation] = {}
    for rule, names in _found(known, spelt, terms).items():
        if rule in asked:
            out |= dict.fromkeys(names, asked[rule])
    out |= {name: told for name, told in asked.items() if name not in NAMED}
    for name, told in out.items():
        if told.what != NORMALISE or told.right:
            continue
        if name not in right:
            wanted = f'"{name}" = "normalise: the right words", or mask, drop or keep'
            raise Refused("nobody says what the right words are", file=file, found=name, wanted=wanted)
        out[name] = Operation(NORMALISE, right[name])
    return Operations(out, habits or Habits((), ()))


def must_be_decisions(table: Mapping[str, str], file: str | None = None) -> None:
    """Looks at a table before anything is read.

    Raises:
        Refused: an unknown decision.
    """
    for name, told in table.items():
        _operation(" ".join(name.lower().split()), told, file)


def rules_named(table: Mapping[str, str]) -> list[str]:
    """The rules whose findings a table needs: those it names, and the spelling of what is to be put right."""
    bare = any(told.strip() == NORMALISE for told in table.values())
    return [rule for rule in NAMED if rule in table or (bare and rule in (SPELLING, TERMS))]


def _rights(details: Mapping[str, Any]) -> dict[str, str]:
    return {one["wrong"].lower(): one["right"] for one in details.get("variants", ())}


def _found(
    known: Mapping[str, Mapping[str, Any]], spelt: Mapping[str, str], terms: Mapping[str, str]
) -> dict[str, list[str]]:
    acts = known.get(ACTS, {})
    shown = acts.get("behaviours", {})
    kinds = [kind for kind in KINDS if kind in shown and (kind in LISTED or kind in acts.get("may_not", ()))]
    kinds += ["action"] if acts.get("actions_judged") else []
    kinds += [NEEDLESS] if acts.get("apology_habit") else []
    kinds += [SHORTHAND] if acts.get("shorthand_habit") else []
    phrases = list(known.get(PHRASES, {}).get("counted", ()))
    return {SPELLING: list(spelt), TERMS: list(terms), ACTS: kinds, PHRASES: phrases}


def _operation(name: str, told: str, file: str | None) -> Operation:
    what, colon, right = (part.strip() for part in told.partition(":"))
    if what not in (NORMALISE, DROP, KEEP, MASK) or bool(colon) != bool(right) or (right and what != NORMALISE):
        raise Refused(f"no such decision about {name!r}", file=file, found=told, wanted=WANTED)
    if what == NORMALISE and name in (*KINDS, ACTS):
        raise Refused(f"{name!r} is a kind of sentence, which no other words replace", file=file, wanted="mask or drop")
    return Operation(what, right)


def _pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    if not names:
        return None
    words = "|".join(r"\s+".join(map(re.escape, name.split())) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def _changed(turn: Message, spans: Sequence[_Span]) -> Message:
    """A turn with its words put right first, and then the masks laid over what stands there now."""
    swaps = [
        Replacement(one.start, one.end, _cased(turn.content[one.start : one.end], one.operation.right), one.name)
        for one in sorted(spans, key=lambda one: one.start)
        if one.operation.what == NORMALISE
    ]
    masks = [*turn.masked, *((one.start, one.end) for one in spans if one.operation.what == MASK)]
    text = applied(turn.content, swaps)
    return replace(turn, content=text, masked=_merged(moved(span, swaps) for span in masks)) if spans else turn


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def _nothing_left(turns: Iterable[Message]) -> bool:
    said = [turn for turn in turns if turn.role == "assistant" and (turn.content.strip() or turn.tool_calls)]
    return all(not turn.tool_calls and _all_masked(turn) for turn in said)


def _all_masked(turn: Message) -> bool:
    rest = list(turn.content)
    for start, end in turn.masked:
        rest[start:end] = " " * (end - start)
    return not any(sign.isalnum() for sign in rest)


def _cased(written: str, right: str) -> str:
    if written.isupper() and len(written) > 1:
        return right.upper()
    if not right.islower():  # a name has its own capitals
        return right
    return right[:1].upper() + right[1:] if written[:1].isupper() else right
