"""Audits files with no project: reads them, runs the rules, keeps what is needed to report and mend."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.rows.reading import RowReader, read_rows
from headgate.rows.row import Row
from headgate.rules import selection as rule_selection
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.shape import Rule
from headgate.stats.verdict import Level, Outcome, Verdict, worst

MENDS = ("drop", "mend")  # remedies that `--fix` carries out
BAD_LINES_SHOWN = 50
WHOLE = ("array", "parquet")  # containers whose rows do not stand on lines of their own


@dataclass(frozen=True, slots=True)
class FileRead:
    """What reading one file gave."""

    path: str
    role: str  # "training" or "evaluation"
    format: str
    rows: int
    bad: tuple[Any, ...] = ()  # BadLine
    by_line: bool = True  # whether each row stands on lines of its own, so that --fix can mend the file
    stamp: tuple[int, int, int] = (0, 0, 0)  # of the file just before it was read

    def as_json(self) -> dict[str, Any]:
        """As printed; bad lines are listed apart."""
        return {
            "file": self.path,
            "role": self.role,
            "format": self.format,
            "rows": self.rows,
            "bad_lines": len(self.bad),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The answer of `headgate check FILE...`."""

    verdicts: tuple[Verdict, ...]
    files: tuple[FileRead, ...]
    training: Corpus = field(repr=False)
    evaluation: Corpus | None = field(repr=False, default=None)

    @property
    def bad_lines(self) -> list[Any]:
        """Every line that could not be read, in file order."""
        return [line for one in self.files for line in one.bad]

    @property
    def outcome(self) -> Outcome:
        """The worst of the verdicts; lines that could not be read fail."""
        return Outcome.FAIL if self.bad_lines else worst(self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """The shape that every surface prints."""
        bad = self.bad_lines
        return {
            "headgate": __version__,
            "command": "check",
            "outcome": self.outcome.value,
            "verdicts": [verdict.as_json() for verdict in self.verdicts],
            "files": [one.as_json() for one in self.files],
            "bad_lines": [
                {"file": line.file, "line": line.line, "what": line.what, "found": line.found, "wanted": line.wanted}
                for line in bad[:BAD_LINES_SHOWN]
            ],
            "bad_lines_total": len(bad),
        }


def audit(
    paths: Sequence[str | Path] | str | Path,
    *,
    eval: Sequence[str | Path] | str | Path = (),
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    eval_format: str | None = None,
    eval_columns: Mapping[str, str] | None = None,
    select: Sequence[str] = ("all",),
    ignore: Sequence[str] = (),
    levels: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    strict: bool = False,
    quiet: bool = True,
) -> Audit:
    """Reads training files (and evaluation files) and runs every selected rule that has its inputs.

    `format` and `columns` say how files are to be read; `eval_format` and `eval_columns` say it of the
    evaluation files, where these look different.

    Raises:
        Refused: a file cannot be read at all, a rule or option has no such name, or, with
            `strict`, a line is bad.
    """
    rules = chosen_rules(select, ignore)
    ways = {"training": (format, columns), "evaluation": (eval_format or format, eval_columns or columns)}
    corpora: dict[str, list[Row]] = {"training": [], "evaluation": []}
    files: list[FileRead] = []
    with progress("reading", None, quiet=quiet) as advance:
        for role, listed in (("training", _paths(paths)), ("evaluation", _paths(eval))):
            for path in listed:
                reader = _opened(path, *ways[role], strict, shared=role == "evaluation" and not eval_columns)
                stamp = stamp_of(path)
                for row in reader:
                    corpora[role].append(row)
                    advance(1)
                files.append(_file_read(reader, role, stamp))
    if not corpora["training"]:
        raise Refused("no training file given", wanted="one or more files", next_step="headgate check train.jsonl")
    training = Corpus(corpora["training"], name=_names(files, "training"))
    evaluation = Corpus(corpora["evaluation"], name=_names(files, "evaluation")) if _paths(eval) else None
    given = Given({"training-rows": training, "evaluation-items": evaluation})
    levels = {**_default_levels(training, rules), **(levels or {})}
    verdicts = run_rules(rules, given, options or {}, levels, quiet=quiet)
    again = _command(files, ways)
    return Audit(
        verdicts=tuple(_with_next_step(verdict, again) for verdict in verdicts),
        files=tuple(files),
        training=training,
        evaluation=evaluation,
    )


def chosen_rules(selected: Sequence[str], ignored: Sequence[str]) -> list[Rule]:
    """Rules by name, code, shelf or failure, less the ignored ones.

    Raises:
        Refused: an expression fits no rule; the nearest name is proposed.
    """
    return list(rule_selection.select(selected, ignore=ignored))


def _file_read(reader: RowReader, role: str, stamp: tuple[int, int, int]) -> FileRead:
    return FileRead(
        str(reader.path),
        role,
        reader.detected.format,
        reader.rows_read,
        tuple(reader.bad_lines),
        by_line=reader.detected.container not in WHOLE,
        stamp=stamp,
    )


def stamp_of(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written over or replaced: inode, size in bytes, time in nanoseconds."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _default_levels(training: Corpus, rules: Sequence[Rule]) -> dict[str, Level]:
    # A file on its own rarely says where its rows come from; that is worth a note to a newcomer.
    # Once any row names a source or licence, a row without one is a gap. A subject alone tells nothing
    # about origin: its column is named so that rows about one person can be kept on one side.
    told = any(row.side.source or row.side.licence for row in training)
    return {} if told else {rule.name: Level.NOTE for rule in rules if rule.name == "unsourced-rows"}


def _paths(given: Sequence[str | Path] | str | Path) -> list[Path]:
    return [Path(given)] if isinstance(given, str | Path) else [Path(one) for one in given]


def _names(files: Sequence[FileRead], role: str) -> str:
    return ", ".join(one.path for one in files if one.role == role)


def _opened(
    path: Path, format: str | None, columns: Mapping[str, str] | None, strict: bool, *, shared: bool
) -> RowReader:
    try:
        return read_rows(path, format=format, columns=columns, strict=strict)
    except Refused as refused:
        if shared and columns and refused.what.startswith("no such column"):
            raise replace(refused, next_step="--eval-columns prompt=THEIR_COLUMN,completion=THEIR_COLUMN") from None
        raise


def _command(files: Sequence[FileRead], ways: Mapping[str, tuple[str | None, Mapping[str, str] | None]]) -> str:
    """The command that mends, or the one that makes a file that can be mended."""
    training = [one for one in files if one.role == "training"]
    if len(training) > 1:
        return "check each training file on its own with --fix; a mended copy is made of one file"
    source, told = training[0], _told(*ways["training"], "")
    if not source.by_line:
        converted = Path(source.path).stem + ".jsonl"
        to = shlex.join(["headgate", "convert", source.path, *told, "--to", "headgate", "-o", converted])
        return f"{to}, then check {shlex.quote(converted)} with --fix"
    words = ["headgate", "check", source.path, *told]
    items = [one.path for one in files if one.role == "evaluation"]
    if items and ways["evaluation"] != ways["training"]:
        words += _told(*ways["evaluation"], "eval-")
    words += [word for path in items for word in ("--eval", path)]
    return shlex.join([*words, "--fix", "clean" + "".join(Path(source.path).suffixes[-2:])])


def _told(format: str | None, columns: Mapping[str, str] | None, side: str) -> list[str]:
    said = [f"--{side}format", format] if format else []
    mapping = ",".join(f"{ours}={theirs}" for ours, theirs in (columns or {}).items())
    return [*said, f"--{side}columns", mapping] if mapping else said


def _with_next_step(verdict: Verdict, command: str) -> Verdict:
    mendable = verdict.outcome is Outcome.FAIL and any(finding.remedy in MENDS for finding in verdict.findings)
    return replace(verdict, next_step=command) if mendable else verdict
