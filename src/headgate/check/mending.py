"""Writes a mended copy of a training file and a diff that a person can review and undo.

Nothing is changed in place. The diff is a unified diff against the original's text whose hunk
headings carry the reason, so that `patch --reverse` brings every removed row back.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from headgate.check.auditing import MENDS, Audit
from headgate.check.repairing import INPUTS, ListedRepairs, list_changes, repaired_inputs, with_input
from headgate.check.stamps import must_be_unchanged
from headgate.check.streamed import StreamedCorpus
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, must_be_target
from headgate.rows.lines import Overlong, compression_of, pieces, whole_lines
from headgate.rows.reading import MAX_LINE_BYTES
from headgate.rows.row import Row, to_bytes
from headgate.rows.sinks import packed
from headgate.rules.corpus import Corpus
from headgate.rules.input_repairs import Change, How
from headgate.rules.operations import NORMALISE, SPELLING, TERMS, Decisions, Operations, operations
from headgate.stats.verdict import Outcome, remedies_of
from headgate.text.tape import Positions

HABITS = "habits"  # reason given for what a table decided
Record = tuple[int, list[bytes | Overlong]]  # number of the first line (0: before the first row), and the lines
Sink = IO[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What `--fix` wrote."""

    target: str
    diff: str
    kept: int
    dropped: int
    changed: int
    reasons: Mapping[str, int]  # rule (or "unreadable") -> rows dropped or changed for it
    inputs: ListedRepairs | None = None  # what became of inputs, where that was asked for

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        names = ("target", "diff", "kept", "dropped", "changed")
        told = {name: getattr(self, name) for name in names} | {"reasons": dict(self.reasons)}
        return told | ({"inputs": self.inputs.as_json()} if self.inputs else {})


@dataclass(slots=True)
class Plan:
    """What is to be done to the records of one file, by line number."""

    drops: dict[int, tuple[str, str]] = field(default_factory=dict)  # line -> (rule, reason)
    rows: dict[int, tuple[str, Row, Row]] = field(default_factory=dict)  # line -> (reason, before, after)
    mends: dict[int, tuple[str, dict[str, str]]] = field(default_factory=dict)  # line -> (rule, wrong -> right)
    inputs: Mapping[int, Change] = field(default_factory=dict)  # line -> its repaired input
    repaired: set[int] = field(default_factory=set)  # lines on which one was written


def plan_of(audit: Audit, path: str, decisions: Decisions | None = None) -> Plan:
    """Drops and spelling mends that the audit proposes for one training file, and decisions about habits."""
    plan = Plan()
    for bad in audit.bad_lines:
        if bad.file == path:
            plan.drops[bad.line] = ("unreadable", bad.what)
    for verdict in audit.verdicts:
        if verdict.outcome is not Outcome.FAIL or not remedies_of(verdict.findings).intersection(MENDS):
            continue
        for finding in verdict.findings:
            if finding.place is None or finding.place.file != path:
                continue
            if finding.remedy == "drop":
                plan.drops.setdefault(finding.place.line, (verdict.rule, finding.message))
            elif finding.remedy == "mend" and finding.replacement:
                _, known = plan.mends.setdefault(finding.place.line, (verdict.rule, {}))
                known.update(finding.replacement)
    if decisions:
        _decided(plan, audit, path, decisions)
    for line in plan.drops:
        plan.mends.pop(line, None)
    return plan


def _decided(plan: Plan, audit: Audit, path: str, decisions: Decisions) -> None:
    """Adds what a table says about habits; words that it leaves out are put right as proposed."""
    proposed = {line: _proposed(replacement) for line, (_, replacement) in plan.mends.items()}
    plan.mends.clear()
    told = {" ".join(name.lower().split()): what for name, what in decisions.table.items()}
    left = {wrong for rule in (SPELLING, TERMS) if rule in told for wrong in _wrongs(audit, rule)}

    @cache
    def todo(pairs: tuple[tuple[str, str], ...]) -> Operations:
        own = {wrong: what for wrong, what in pairs if wrong not in left}
        return operations(own | told, audit.verdicts, decisions.habits)

    canonical = all(one.format == "headgate" for one in audit.files if one.path == path)
    for row in audit.training:
        if row.place is None or row.place.file != path or row.place.line in plan.drops:
            continue
        done = todo(proposed.get(row.place.line, ())).on(row)
        if done.row is None:
            plan.drops[row.place.line] = (HABITS, done.reason)
        elif done.counts:
            if not canonical and any(turn.masked for turn in (*done.row.messages, *done.row.chosen)):
                convert = shlex.join(["headgate", "convert", path, "--to", "headgate", "-o", "rows.jsonl"])
                raise Refused(
                    "the format of this file has no place for masks",
                    file=path,
                    next_step=f"{convert}, then check rows.jsonl with --fix and --habits",
                )
            plan.rows[row.place.line] = (", ".join(done.counts), row, done.row)


def _proposed(replacement: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((wrong.lower(), f"{NORMALISE}: {right}") for wrong, right in replacement.items()))


def _wrongs(audit: Audit, rule: str) -> set[str]:
    """The ways of writing that a rule found."""
    found = (one for verdict in audit.verdicts if verdict.rule == rule for one in verdict.details.get("variants", ()))
    return {one["wrong"].lower() for one in found}


def mend(
    audit: Audit, target: Path, decisions: Decisions | None = None, how: How | None = None, *, quiet: bool = True
) -> Mended:
    """Writes the mended copy and `TARGET.diff`, each in one step; with `how`, inputs are repaired as well.

    Raises:
        Refused: more than one training file, the target is the original, a format whose rows do not
            stand on lines of their own, or the target cannot be written.
    """
    sources = [one for one in audit.files if one.role == "training"]
    if len(sources) != 1:
        raise Refused("--fix mends one file at a time", found=f"{len(sources)} training files")
    source = Path(sources[0].path)
    must_be_target(target)
    must_be_apart(target, audit)
    if not sources[0].by_line:
        convert = shlex.join(["headgate", "convert", str(source), "--to", "headgate", "-o", "rows.jsonl"])
        raise Refused(
            "--fix works on files with one row a line",
            file=str(source),
            found="Parquet" if sources[0].format == "parquet" or source.suffix == ".parquet" else "one JSON array",
            next_step=f"{convert}, then check rows.jsonl with --fix",
        )
    if audit.sample is not None:
        raise Refused("a sample cannot be mended", next_step="leave --sample out")
    must_be_unchanged(sources[0].stamp, source)
    plan = plan_of(audit, str(source), decisions)
    inputs = repaired_inputs(audit, str(source), how, quiet=quiet) if how else None
    plan.inputs = inputs.by_line if inputs else {}
    lines, row_at = _rows_of(audit.training, str(source))
    starts = np.union1d(lines, np.array(sorted(plan.drops), dtype=np.int64))
    diff = diff_of(target)
    with atomic_write(target) as stream, packed(stream, target) as out, atomic_write(diff) as hunks:
        hunks.write(b"--- %s\n+++ %s\n" % (os.fsencode(source), os.fsencode(target)))
        kept, changed = _copy(_records(source, starts), plan, lines, row_at, out, hunks)
        must_be_unchanged(sources[0].stamp, source)
    named = [one[0] for one in (*plan.drops.values(), *plan.mends.values())] + [HABITS] * len(plan.rows)
    return Mended(
        target=str(target),
        diff=str(diff),
        kept=kept,
        dropped=len(plan.drops),
        changed=changed,
        reasons=_count(named + [INPUTS] * len(plan.repaired)),
        inputs=list_changes(target, str(source), inputs, plan.repaired) if inputs else None,
    )


def must_be_apart(target: Path, audit: Audit) -> None:
    """Refuses a copy that would be written, or have its diff written, over a file of the audit.

    Raises:
        Refused: it would.
    """
    for path in filter(Path.exists, (target, diff_of(target))):
        for one in audit.files:
            if Path(one.path).exists() and path.samefile(one.path):
                what = "the target is the original" if one.role == "training" else f"the target holds {one.role} rows"
                raise Refused(what, file=str(path), wanted="another name; nothing is changed in place")


def diff_of(target: Path) -> Path:
    """Where the diff of a mended copy stands."""
    return target.with_name(target.name + ".diff")


def _rows_of(rows: Corpus, file: str) -> tuple[Positions, Callable[[int], Row]]:
    """The lines on which rows of a file begin, ascending, and what gives the row that begins on one."""
    if isinstance(rows, StreamedCorpus):
        places, lines = rows.places_of(file)
        return lines, lambda line: rows[int(places[np.searchsorted(lines, line)])]
    held = {row.place.line: row for row in rows if row.place and row.place.file == file}
    return np.array(sorted(held), dtype=np.int64), held.__getitem__


def _copy(
    records: Iterable[Record], plan: Plan, lines: Positions, row_at: Callable[[int], Row], out: Sink, hunks: Sink
) -> tuple[int, int]:
    """Writes what is kept to `out` and what is not to `hunks`; how many rows were kept, and changed."""
    kept = changed = written = 0
    rows = iter(lines.tolist())
    coming = next(rows, None)
    for first, lines_of in records:
        is_row = first == coming
        coming = next(rows, None) if is_row else coming
        if first in plan.drops:
            rule, reason = plan.drops[first]
            hunks.write(_hunk(first, lines_of, written, [], f"{rule}: {reason}"))
            continue
        body = b"".join(line for line in lines_of if isinstance(line, bytes))
        if is_row:
            new, why = _mended(first, body, plan, row_at)
            if new != body:
                changed += 1
                hunks.write(_hunk(first, lines_of, written, new.splitlines(keepends=True), why))
                body = new
        kept += is_row
        out.write(body)
        written += body.count(b"\n") + (not body.endswith(b"\n"))
    return kept, changed


def _mended(first: int, body: bytes, plan: Plan, row_at: Callable[[int], Row]) -> tuple[bytes, str]:
    """The record of a row after all that is planned for it, and why it is another."""
    why = []
    if first in plan.mends:
        rule, wrong_right = plan.mends[first]
        row = row_at(first)
        said = {turn.content for turn in (*row.messages, *row.chosen) if turn.role == "assistant"}
        new = _replaced(body, said, wrong_right)
        if new != body:
            why.append(f"{rule}: " + ", ".join(f"{wrong} -> {right}" for wrong, right in wrong_right.items()))
    elif first in plan.rows:
        told, before, after = plan.rows[first]
        new = _after(body, before, after)
        if new != body:
            why.append(f"{HABITS}: {told}")
    else:
        new = body
    if first in plan.inputs:
        repaired = with_input(new, plan.inputs[first])
        if repaired != new:
            plan.repaired.add(first)
            why.append(f"{INPUTS}: {', '.join(plan.inputs[first].operators)}")
            new = repaired
    return new, "; ".join(why)


def _records(source: Path, starts: Positions) -> Iterator[Record]:
    """(first line, its lines) of each record; a record runs to the start of the next, and one may stand before all."""
    lines: list[bytes | Overlong] = []
    first, coming = 0, map(int, starts)
    following = next(coming, None)
    for number, line in enumerate(whole_lines(pieces(source, compression_of(source)), MAX_LINE_BYTES), 1):
        if number == following:
            if lines:
                yield first, lines
            first, lines, following = number, [], next(coming, None)
        lines.append(line)
    if lines:
        yield first, lines


def _hunk(first: int, old: Sequence[bytes | Overlong], written: int, new: Sequence[bytes], reason: str) -> bytes:
    # A hunk that adds nothing points at the line before which it stands, as diff(1) does.
    at = written + 1 if new else written
    head = f"@@ -{first},{len(old)} +{at},{len(new)} @@ {reason}".replace("\n", " ").encode()
    return b"\n".join([head, *_marked(b"-", old), *_marked(b"+", new)]) + b"\n"


def _marked(sign: bytes, lines: Sequence[bytes | Overlong]) -> Iterable[bytes]:
    for line in lines:
        if isinstance(line, Overlong):
            yield sign + b"(%d bytes, too long to be shown)" % line.length
            continue
        yield sign + line.rstrip(b"\n") if line.endswith(b"\n") else sign + line + b"\n\\ No newline at end of file"


def _replaced(body: bytes, said: set[str], wrong_right: Mapping[str, str]) -> bytes:
    """The record with wrong spellings mended inside what the assistant says, and nowhere else."""
    return _swapped(body, {text: mended_text(text, wrong_right) for text in said})


def _after(body: bytes, before: Row, after: Row) -> bytes:
    """The record of a row after decisions about its habits; masks are written in our own format only."""
    turns = list(zip((*before.messages, *before.chosen), (*after.messages, *after.chosen), strict=True))
    if any(old.masked != new.masked for old, new in turns):
        return to_bytes(after) + (b"\n" if body.endswith(b"\n") else b"")
    return _swapped(body, {old.content: new.content for old, new in turns})


def _swapped(body: bytes, old_new: Mapping[str, str]) -> bytes:
    for text, new in old_new.items():
        if new == text:
            continue
        for old_form, new_form in ((orjson.dumps(text)[1:-1], orjson.dumps(new)[1:-1]), (text.encode(), new.encode())):
            if old_form in body:
                body = body.replace(old_form, new_form)
                break
        else:
            body = _through_json(body, text, new)
    return body


def mended_text(text: str, wrong_right: Mapping[str, str]) -> str:
    """Whole words replaced, with the capital of the word kept."""
    import re

    rights = {word.lower(): better for word, better in wrong_right.items()}

    def right(found: re.Match[str]) -> str:
        word = found[0]
        better = rights[word.lower()]
        if word.isupper():
            return better.upper()
        if not better.islower():  # a name has its own capitals
            return better
        return better[:1].upper() + better[1:] if word[:1].isupper() else better

    words = "|".join(re.escape(word) for word in sorted(wrong_right, key=len, reverse=True))
    return re.sub(rf"\b(?:{words})\b", right, text, flags=re.IGNORECASE)


def _through_json(body: bytes, old: str, new: str) -> bytes:
    """For rows whose text is written with other escapes than ours."""

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return new if value == old else value
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return orjson.dumps(walk(tree)) + (b"\n" if body.endswith(b"\n") else b"")


def _count(names: Iterable[str]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for name in names:
        totals[name] = totals.get(name, 0) + 1
    return dict(sorted(totals.items()))
