"""One audit on every surface: screen, mended copy, HTML page, SARIF file."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headgate.check.agreed import Agreed, write_agreed
from headgate.check.auditing import Audit, FileRead
from headgate.check.mending import Mended, mend
from headgate.check.repairing import ListedRepairs
from headgate.check.reports import habits as habits_page
from headgate.check.reports import page as html_page
from headgate.check.reports import screen
from headgate.check.reports.sarif import write_sarif
from headgate.kit.clock import now
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, write_text
from headgate.rules.habits import Habits
from headgate.rules.input_repairs import How
from headgate.rules.operations import ACTS, Decisions, read_table
from headgate.rules.options import read_options
from headgate.rules.selection import find
from headgate.stats.verdict import Level, Outcome

BAD_SHOWN = 5


def must_be_writable(targets: Iterable[Path | None], read: Iterable[Path] = ()) -> None:
    """Looks at the targets, before hours of work end in a refusal or a report is written over somebody's rows.

    Raises:
        Refused: a folder is missing, a file that is read would be written over, or two targets are one file.
    """
    there = [path for path in read if path.exists()]
    taken = dict[Path, Path]()
    for target in targets:
        if target is None:
            continue
        if not target.parent.is_dir():
            raise Refused(
                "the folder is not there",
                file=str(target),
                next_step=f"mkdir -p {shlex.quote(str(target.parent))}",
            )
        if target.exists() and (same := [path for path in there if target.samefile(path)]):
            raise Refused(
                "the target is a file that is read",
                file=str(target),
                found="" if same[0] == target else f"the same file as {same[0]}",
                wanted="another name; nothing is changed in place",
            )
        if taken.setdefault(place := target.resolve(), target) is not target:
            raise Refused(
                "two targets are one file", file=str(target), found=str(taken[place]), wanted="a name for each"
            )


def decisions_of(habits: Path | None, targets: bool, options: Mapping[str, Mapping[str, Any]]) -> Decisions | None:
    """Decisions about habits from a file, and what the model may do by the options of inherited-habits.

    Raises:
        Refused: there is nothing to mend with them, or they cannot be read.
    """
    if habits is None:
        return None
    if not targets:
        raise Refused(
            "decisions about habits say what --fix does and what --habits-page shows",
            found=f"--habits {habits}",
            wanted="--fix OUT",
        )
    table = read_table(habits)
    return Decisions(table, Habits.of(read_options(find(ACTS), options.get(ACTS))))


def write_reports(
    audit: Audit,
    *,
    fix: Path | None,
    page: Path | None,
    sarif: Path | None,
    people: Path | None = None,
    consensus: Path | None = None,
    command: str,
    habits: Decisions | None = None,
    inputs: How | None = None,
    quiet: bool = True,
) -> dict[str, Mended | Agreed]:
    """Writes the files that were asked for; each appears whole or not at all. What was mended or agreed, by name.

    Raises:
        Refused: a target cannot be written.
    """
    written: dict[str, Mended | Agreed] = {}
    if consensus:
        written["consensus"] = write_agreed(audit, consensus)
    if fix:
        written["fixed"] = mend(audit, fix, habits, inputs, quiet=quiet)
    if page:
        section = html_page.Section(
            title="Rules", outcome=audit.outcome, summary=_files(audit), verdicts=audit.verdicts, facts=_facts(audit)
        )
        title = "headgate check " + ", ".join(Path(one.path).name for one in audit.files)
        text = html_page.html(
            title=title,
            outcome=audit.outcome,
            summary=summary(audit),
            sections=[section],
            at=now(),
            command=f"headgate {command}",
        )
        write_text(page, text)
    if people:
        write_text(people, _habits_page(audit, habits))
    if sarif:
        with atomic_write(sarif) as stream:
            write_sarif(stream, audit.verdicts, audit.bad_lines, file=audit.files[0].path)
    return written


def _habits_page(audit: Audit, habits: Decisions | None) -> str:
    names = ", ".join(Path(one.path).name for one in audit.files if one.role == "training")
    rows = sum(one.rows for one in audit.files if one.role == "training")
    decided = habits.table if habits else {}
    return habits_page.html(audit.verdicts, decided, title=f"Habits in {names}", rows=rows, at=now())


def show(audit: Audit, written: Mapping[str, Mended | Agreed], *, colour: bool) -> str:
    """The report for a person, in one screen."""
    lines = [_files(audit), *unread(audit)]
    lines += [screen.report(audit.verdicts, colour=colour), "", summary(audit)]
    for one in written.values():
        lines += one.lines() if isinstance(one, Agreed) else _mended(one)
    return "\n".join(lines)


def _mended(mended: Mended) -> list[str]:
    why = ", ".join(f"{count} for {name}" for name, count in mended.reasons.items()) or "nothing to mend"
    counts = f"{mended.kept:,} rows kept, {mended.dropped:,} dropped, {mended.changed:,} changed"
    shown = f"      {mended.diff} shows each change; patch --reverse undoes it"
    return [f"wrote {mended.target}: {counts} ({why})", shown, *(_repairs(mended.inputs) if mended.inputs else [])]


def unread(audit: Audit) -> list[str]:
    """The lines that could not be read, which no report is too quiet for."""
    lines, bad = [], audit.bad_lines
    for line in bad[:BAD_SHOWN]:
        wanted = f"; wanted {line.wanted}" if line.wanted else ""
        lines.append(f"BAD  {line.file}:{line.line} {line.what}" + (f": {line.found}" if line.found else "") + wanted)
    if len(bad) > BAD_SHOWN:
        lines.append(f"     and {len(bad) - BAD_SHOWN:,} more lines that could not be read (--json lists them)")
    return lines


def _repairs(inputs: ListedRepairs) -> list[str]:
    """What became of inputs, for a person."""
    found = inputs.repairs
    before, after = (f"{one.auc:.2f} ({one.low:.2f} to {one.high:.2f})" for one in (found.before, found.after))
    taken = ", ".join(f"{one.name} {one.changed:,}" for one in found.tried if one.share) or "no operator lowers the gap"
    back = sum(found.kept_as_written.values()) + inputs.not_written
    lines = [
        f"inputs: AUC against real ones {before} before, {after} after, by {found.real[2]:,} real inputs kept aside",
        f"        {inputs.written:,} of {found.looked_at:,} repaired ({taken}); {back:,} taken back; {inputs.changes}",
    ]
    return lines


def summary(audit: Audit) -> str:
    """One sentence: how many rules said what."""
    counts = {outcome: sum(v.outcome is outcome for v in audit.verdicts) for outcome in Outcome}
    stop = sum(v.outcome is Outcome.FAIL and v.level is Level.BLOCK for v in audit.verdicts)
    parts = [
        f"{stop} of {len(audit.verdicts)} rules stop{'s' if stop == 1 else ''} this data"
        if stop
        else f"none of {len(audit.verdicts)} rules stops this data"
    ]
    spoken = Counter(v.level for v in audit.verdicts if v.outcome is Outcome.FAIL)
    for level, word in ((Level.WARN, "warn"), (Level.NOTE, "note")):
        if count := spoken[level]:
            parts.append(f"{count} {word}{'s' if count == 1 else ''}")
    if counts[Outcome.UNSURE]:
        parts.append(f"{counts[Outcome.UNSURE]} cannot tell")
    if counts[Outcome.SKIPPED]:
        parts.append(f"{counts[Outcome.SKIPPED]} skipped")
    if audit.bad_lines:
        lines = len(audit.bad_lines)
        parts.append(f"{lines:,} line{'s' if lines > 1 else ''} could not be read")
    return "; ".join(parts)


def _files(audit: Audit) -> str:
    return ", ".join(f"{one.path}: {_rows(one)} ({one.format})" for one in audit.files)


def _rows(one: FileRead) -> str:
    return f"{one.rows:,} {one.role} row{'' if one.rows == 1 else 's'}"


def _facts(audit: Audit) -> dict[str, object]:
    facts: dict[str, object] = {one.path: f"{_rows(one)}, {one.format}" for one in audit.files}
    for line in audit.bad_lines[:50]:
        facts[f"{line.file}:{line.line}"] = f"could not be read: {line.what}"
    return facts
