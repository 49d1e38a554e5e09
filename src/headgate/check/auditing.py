"""Audits files with no project: reads them, runs the rules, keeps what is needed to report and mend."""

from __future__ import annotations

import random
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headgate import __version__
from headgate.check.besides import besides, with_judge
from headgate.check.labelled import are_labels, labels_and_files, speaking
from headgate.check.sharding import LOCAL, Sharded, engine_named, streamable
from headgate.check.stamps import must_be_unchanged, stamp_of
from headgate.check.streamed import StreamedCorpus
from headgate.check.workplace import remove
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.garbage import without_collection
from headgate.kit.progress import progress
from headgate.rows.labels import Labels
from headgate.rows.reading import RowReader, read_rows
from headgate.rows.row import Row
from headgate.rules import selection as rule_selection
from headgate.rules.given import Corpus, Given
from headgate.rules.lineage.lin001_unsourced_rows import terms_of, unsourced_rows
from headgate.rules.running import run_rules
from headgate.rules.shape import Rule
from headgate.stats.verdict import Level, Outcome, Verdict, remedies_of, worst

INPUT = {
    "evaluation": "evaluation-items",
    "reference": "reference-rows",
    "before": "before-rows",
    "earlier": "earlier-rows",
    "prompts": "few-shot-prompts",
}  # by role
MENDS = ("drop", "mend")  # remedies that `--fix` carries out
BAD_LINES_SHOWN = 50
SHOWN_AT_ONCE = 1000  # rows by which a bar goes on
IN_MEMORY = 128 << 20  # bytes of training files, which take up to thirty times as much; more are read in shards
PACKED, TIMES_PACKED = (".gz", ".zst", ".zstd", ".parquet"), 4  # what a packed file unpacks to, about
WHOLE = ("array", "parquet")  # containers whose rows do not stand on lines of their own

Ways = Mapping[str, tuple[str | None, Mapping[str, str] | None]]  # role -> format, columns


@dataclass(frozen=True, slots=True)
class FileRead:
    """What reading one file gave."""

    path: str
    role: str  # "training", "evaluation", "reference", "before", "earlier", "prompts", "label" or "gold"
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
    reference: Corpus | None = field(repr=False, default=None)
    labels: Labels | None = field(repr=False, default=None)  # in place of rows
    sample: int | None = None  # training rows that the rules looked at, where not all of them
    work: Path | None = field(repr=False, default=None)  # where the scans of shards are kept

    @property
    def bad_lines(self) -> list[Any]:
        """Every line that could not be read, in file order."""
        return [line for one in self.files for line in one.bad]

    def close(self) -> None:
        """Removes the scans of shards; rows of a file that was read in shards cannot be looked at afterwards."""
        if self.work is not None:
            remove(self.work)

    @property
    def outcome(self) -> Outcome:
        """The worst of the verdicts; lines that could not be read fail."""
        return Outcome.FAIL if self.bad_lines else worst(self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """The shape that every surface prints."""
        return {
            "headgate": __version__,
            "command": "check",
            "outcome": self.outcome.value,
            "verdicts": [verdict.as_json() for verdict in self.verdicts],
            "files": [one.as_json() for one in self.files],
            **({"sample": self.sample} if self.sample is not None else {}),
            "bad_lines": [
                {"file": line.file, "line": line.line, "what": line.what, "found": line.found, "wanted": line.wanted}
                for line in self.bad_lines[:BAD_LINES_SHOWN]
            ],
            "bad_lines_total": len(self.bad_lines),
        }


def audit(  # size: half of it is the signature
    paths: Sequence[str | Path] | str | Path,
    *,
    eval: Sequence[str | Path] | str | Path = (),
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    eval_format: str | None = None,
    eval_columns: Mapping[str, str] | None = None,
    reference: Sequence[str | Path] | str | Path = (),
    before: Sequence[str | Path] | str | Path = (),
    earlier: Sequence[str | Path] | str | Path = (),
    registry: Sequence[str | Path] | str | Path = (),
    prompts: Sequence[str | Path] | str | Path = (),
    past_run: str | Path | None = None,
    instructions: Sequence[str | Path] | str | Path = (),
    looks: Sequence[str | Path] | str | Path = (),
    base: str | None = None,
    judge: str | None = None,
    select: Sequence[str] = ("all",),
    ignore: Sequence[str] = (),
    levels: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    strict: bool = False,
    quiet: bool = True,
    engine: str | None = None,
    cache: str | Path | None = None,
    sample: int | None = None,
) -> Audit:
    """Reads training files (and evaluation files) and runs every selected rule that has its inputs.

    `format` and `columns` say how files are to be read; `eval_format` and `eval_columns` do of evaluation files.
    `reference` are real rows to hold the training rows against, `before` those that they were rewritten from, `earlier`
    those of earlier versions, oldest first, and `prompts` few-shot prompts; they are read like training files.
    `past_run`, `instructions`, `looks` and `registry` are files of what rules need besides rows (`check.besides`),
    `base` names the model to be trained, `judge` a model that is shown likely pairs. With an `engine` ("local", "ray"),
    and from some size on, training files are read in shards whose scans stand in the folder `cache` until
    `Audit.close`. With `sample`, the rules look at so many training rows, drawn evenly.
    Files of labels (item, annotator, label) are detected; `reference` are then files of gold labels (item, label).

    Raises:
        Refused: a file cannot be read at all, a rule or option has no such name, or, with
            `strict`, a line is bad.
        Unavailable: the engine needs a library that is not installed.
    """
    rules = chosen_rules(select, ignore)
    ways = dict.fromkeys(("training", *INPUT), (format, columns))
    ways["evaluation"] = (eval_format or format, eval_columns or columns)
    if not (listed := _paths(paths)):
        raise Refused("no training file given", wanted="one or more files", next_step="headgate check train.jsonl")
    if are_labels(listed, format, columns):
        extra = {"--eval": eval, "--prompts": prompts, "--past-run": past_run, "--engine": engine, "--sample": sample}
        read = labels_and_files(listed, _paths(reference), columns, strict, extra)
        return _of_labels(*read, speaking(rules, select), options, levels, quiet)
    opened = _engine_for(listed, engine, sample)
    asked = {role: _paths(one) for role, one in zip(INPUT, (eval, reference, before, earlier, prompts), strict=True)}
    files_besides = {"instructions": instructions, "looks": looks, "registry": registry}
    more = besides(past_run=past_run, **{name: _paths(paths) for name, paths in files_besides.items()})
    more |= with_judge(judge, Path(cache) if cache else None, quiet=quiet)
    others, held = _others(asked, ways, strict, quiet, shared=not eval_columns)
    evaluation = others.get(INPUT["evaluation"])
    training, files, work = _training(
        listed, ways, rules, options or {}, evaluation, opened, cache, strict, quiet, sample
    )
    if opened:
        rules = [streamable(rule, {"training-rows", *others, *more}) for rule in rules]
    files += held
    levels = {**_default_levels(training, rules), **(levels or {})}
    given = Given({"training-rows": training, "base": base, **others, **more})
    verdicts = run_rules(rules, given, options or {}, levels, quiet=quiet)
    return Audit(
        verdicts=tuple(_with_next_step(verdict, _command(files, ways)) for verdict in verdicts),
        files=tuple(files),
        training=training,
        evaluation=evaluation,
        reference=others.get(INPUT["reference"]),
        sample=len(training) if sample is not None else None,
        work=work,
    )


def _of_labels(
    labels: Labels,
    read: Sequence[tuple[str, str, int, tuple[Any, ...]]],
    rules: Sequence[Rule],
    options: Mapping[str, Any] | None,
    levels: Mapping[str, str] | None,
    quiet: bool,
) -> Audit:
    files = tuple(FileRead(path, role, "labels", count, bad, by_line=False) for path, role, count, bad in read)
    verdicts = run_rules(rules, Given({"labels": labels}), options or {}, levels or {}, quiet=quiet)
    return Audit(verdicts=tuple(verdicts), files=files, training=Corpus([]), labels=labels)


def _training(
    paths: Sequence[Path],
    ways: Ways,
    rules: Sequence[Rule],
    options: Mapping[str, Any],
    evaluation: Corpus | None,
    engine: Any,
    cache: str | Path | None,
    strict: bool,
    quiet: bool,
    sample: int | None,
) -> tuple[Corpus, list[FileRead], Path | None]:
    """Training files in shards where there is an engine, in memory otherwise."""
    if engine:
        folder = Path(cache) if cache else None
        return _in_shards(paths, ways, rules, options, evaluation, engine, folder, strict, quiet)
    rows, files = _in_memory(paths, "training", ways, strict, quiet, sample=sample)
    return Corpus(rows, name=_names(files, "training")), files, None


def _engine_for(paths: Sequence[Path], engine: str | None, sample: int | None) -> Any:
    """The engine that reads the training files in shards; None where they are read into memory."""
    if sample is not None:
        if engine or sample < 1:
            found = f"{sample} {engine or ''}"
            raise Refused("--sample is a number of rows, and is read without an engine", found=found)
        return None
    return engine_named(engine or LOCAL) if engine or _is_large(paths) else None


def _others(
    asked: Mapping[str, Sequence[Path]], ways: Ways, strict: bool, quiet: bool, *, shared: bool
) -> tuple[dict[str, Corpus], list[FileRead]]:
    """Rows of the roles besides training, by the name of the input that rules know them by."""
    inputs: dict[str, Corpus] = {}
    files: list[FileRead] = []
    for role, paths in asked.items():
        if paths:
            rows, read = _in_memory(paths, role, ways, strict, quiet, shared=shared and role == "evaluation")
            inputs[INPUT[role]] = Corpus(rows, name=_names(read, role))
            files += read
    return inputs, files


def _in_memory(
    paths: Sequence[Path],
    role: str,
    ways: Ways,
    strict: bool,
    quiet: bool,
    *,
    shared: bool = False,
    sample: int | None = None,
) -> tuple[list[Row], list[FileRead]]:
    """All rows of some files, or an even sample of them in their order."""
    rows: list[Row] = []
    numbers: list[int] = []  # of the rows of a sample, which are not in order while it is drawn
    files: list[FileRead] = []
    seen, draw = 0, random.Random(0)
    with progress("reading", None, quiet=quiet) as advance, without_collection():
        for path in paths:
            reader = _opened(path, *ways[role], strict, shared=shared)
            stamp = stamp_of(path)
            for row in reader:
                if sample is None or seen < sample:
                    rows.append(row)
                    numbers.append(seen)
                elif (place := draw.randrange(seen + 1)) < sample:  # each row so far is as likely as any other
                    rows[place], numbers[place] = row, seen
                seen += 1
                if not seen % SHOWN_AT_ONCE:
                    advance(SHOWN_AT_ONCE)
            files.append(_file_read(reader, role, stamp))
    if sample is not None:
        rows = [row for _, row in sorted(zip(numbers, rows, strict=True), key=lambda one: one[0])]
    return rows, files


def _in_shards(
    paths: Sequence[Path],
    ways: Ways,
    rules: Sequence[Rule],
    options: Mapping[str, Any],
    evaluation: Corpus | None,
    engine: Any,
    cache: Path | None,
    strict: bool,
    quiet: bool,
) -> tuple[StreamedCorpus, list[FileRead], Path]:
    """Training files as a corpus that stays on disk."""
    readers = [_opened(path, *ways["training"], strict, shared=False) for path in paths]
    stamps = [stamp_of(path) for path in paths]
    sharded = Sharded(readers, stamps, rules, options, evaluation)
    corpus = sharded.scanned(engine, cache, quiet=quiet)
    files = []
    for place, (reader, stamp, bad) in enumerate(zip(readers, stamps, sharded.bad, strict=True)):
        must_be_unchanged(stamp, reader.path)
        if strict and bad:
            one = bad[0]
            raise Refused(one.what, file=one.file, line=one.line, found=one.found or None, wanted=one.wanted or None)
        reader.rows_read, reader.bad_lines = sharded.rows_of(corpus, place), bad
        files.append(_file_read(reader, "training", stamp))
    return corpus, files, sharded.folder


def _is_large(paths: Sequence[Path]) -> bool:
    size = 0
    for path in paths:
        packed = must_be_file(path).suffix in PACKED
        size += path.stat().st_size * (TIMES_PACKED if packed else 1)
    return size > IN_MEMORY


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


def _default_levels(training: Corpus, rules: Sequence[Rule]) -> dict[str, Level]:
    # A file on its own rarely says where its rows come from; that is worth a note to a newcomer.
    # Once any row names a source or licence, a row without one is a gap. A subject alone tells nothing
    # about origin: its column is named so that rows about one person can be kept on one side.
    if not any(rule.name == unsourced_rows.name for rule in rules):
        return {}
    told = any(source or licence for source, licence, _ in training.coded(terms_of).values)
    return {} if told else {unsourced_rows.name: Level.NOTE}


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


def _command(files: Sequence[FileRead], ways: Ways) -> str:
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
    mendable = verdict.outcome is Outcome.FAIL and bool(remedies_of(verdict.findings).intersection(MENDS))
    return replace(verdict, next_step=command) if mendable else verdict
