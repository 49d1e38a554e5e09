"""Reading training files in shards: plan, scan on an engine, and a corpus that answers from the scans."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from headgate import __version__
from headgate.check.doors import DOORS
from headgate.check.engines import local
from headgate.check.packets import parts_of
from headgate.check.scanning import SOUGHT, SOUGHT_TOO, VERSION, Plan, Shard, reference
from headgate.check.seeking import looking_again
from headgate.check.streamed import Piece, StreamedCorpus, pieces_of
from headgate.check.workplace import work_folder
from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.hashing import PREFIX, digest_json
from headgate.kit.progress import Advance, progress
from headgate.rows.detection import nothing_readable
from headgate.rows.reading import MOST_BAD_LINES, BadLine, RowReader, used_before
from headgate.rows.spans import Span, spans_of
from headgate.rules.corpus import KEYS, LEAKS, REDUNDANCY, Corpus
from headgate.rules.options import read_options
from headgate.rules.questions import asked_by
from headgate.rules.shape import Rule
from headgate.text.coverage import N
from headgate.text.near_duplicates import BANDS, SHORT_THRESHOLD
from headgate.text.ngrams import distinct, sorted_distinct, word_ngrams

SHARD_BYTES = 32 << 20
SHARD_SETTING = "HEADGATE_SHARD_BYTES"
LOCAL = "local"
NOT_IN_SHARDS = "needs all rows in memory, and these were read in shards; --sample 100000 runs it on some of them"
STEPS = 3 * 2 * BANDS  # of the search for near-duplicates: three fields, words and characters


def engine_named(name: str) -> Any:
    """The module of an engine.

    Raises:
        Refused: there is none of that name.
        Unavailable: what it needs is not installed.
    """
    if name == LOCAL:
        return local
    if name not in DOORS:
        raise Refused(f"no engine named {name!r}", wanted=" or ".join([LOCAL, *DOORS]), next_step="--engine local")
    return open_door(DOORS[name])


class Sharded:
    """Training files as a corpus that was scanned in shards, with what was found wrong on the way."""

    def __init__(
        self,
        readers: Sequence[RowReader],
        stamps: Sequence[tuple[int, int, int]],
        rules: Sequence[Rule],
        options: Mapping[str, Any],
        items: Corpus | None,
    ) -> None:
        self.readers = readers
        self.bad: list[list[BadLine]] = [[] for _ in readers]
        self._plan = plan_of(readers, rules, options, items)
        self._key = digest_json(
            [__version__, VERSION, stamps, asdict(replace(self._plan, known={})), _told(self._plan)]
        )

    def scanned(self, engine: Any, cache: Path | None, *, quiet: bool) -> StreamedCorpus:
        """The corpus, once every shard is scanned; a shard that was finished before is not scanned again.

        Raises:
            Refused: a file cannot be read, or has no readable row or far too many bad lines.
            Retryable: workers or nodes died again and again.
        """
        self.folder = work_folder(cache, self._key.removeprefix(PREFIX)[:32])
        plan = self._plan
        with progress("scanning shards", len(plan.shards), quiet=quiet) as advance:
            pieces = self._pieces(plan, engine, advance)
        repeated = self._repeated(plan, pieces)
        if repeated:
            left_out = {str(number): sorted(lines) for number, lines in sorted(repeated.items())}
            plan = replace(plan, left_out=left_out)
            with progress("rows with an id used before", len(repeated), quiet=quiet) as advance:
                pieces = self._pieces(plan, engine, advance)
        self._tell_bad(plan, pieces)
        look = looking_again(plan, self.folder, engine, quiet=quiet)
        return StreamedCorpus(plan, pieces, [reader.path for reader in self.readers], look_again=look)

    def rows_of(self, corpus: StreamedCorpus, file: int) -> int:
        """How many rows one file has."""
        return sum(piece.rows for piece in corpus.pieces if corpus.plan.shards[piece.shard].file == file)

    def _pieces(self, plan: Plan, engine: Any, advance: Advance) -> list[Piece]:
        plan_file = self.folder / f"plan-{digest_json(plan.left_out).removeprefix(PREFIX)[:16]}"
        with atomic_write(plan_file) as stream:
            plan.write(stream)
        targets = [self.folder / _name(plan, number) for number in range(len(plan.shards))]
        wanted = [(number, target) for number, target in enumerate(targets) if not target.exists()]
        advance(len(targets) - len(wanted))
        if wanted:
            engine.run(plan, plan_file, wanted, advance)
        return pieces_of(plan, [list(parts_of(target)) for target in targets])

    def _repeated(self, plan: Plan, pieces: Sequence[Piece]) -> dict[int, set[int]]:
        """Lines (in their shard) of rows whose id an earlier row of the file has; they become bad lines."""
        found: dict[int, set[int]] = defaultdict(set)
        for file in range(len(plan.files)):
            own = [piece for piece in pieces if plan.shards[piece.shard].file == file and "id" in piece.part.places]
            hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *(piece.part.array("id") for piece in own)])
            ordered = np.sort(hashes[hashes != 0])
            twice = ordered[1:][ordered[1:] == ordered[:-1]]
            if not len(twice):
                continue
            corpus, first = StreamedCorpus(plan, pieces, [reader.path for reader in self.readers]), dict[str, int]()
            for piece in own:
                places = np.flatnonzero(np.isin(piece.part.array("id"), twice))
                lines = piece.part.array("line")[places].tolist()
                for line, row in zip(lines, corpus.read(places + piece.first), strict=True):
                    at, id = line + piece.line, str(row.side.id)
                    if (before := first.setdefault(id, at)) != at:
                        found[piece.shard].add(line)
                        told = used_before(id, before, at)
                        self.bad[file].append(BadLine(str(self.readers[file].path), at, *told))
        return dict(found)

    def _tell_bad(self, plan: Plan, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            file = plan.shards[piece.shard].file
            name = str(self.readers[file].path)
            bad = piece.part.facts["bad"]
            self.bad[file] += [
                BadLine(name, line + piece.line, what, found, wanted) for line, what, found, wanted in bad
            ]
        for file, (bad, reader) in enumerate(zip(self.bad, self.readers, strict=True)):
            bad.sort(key=lambda one: one.line)
            if len(bad) >= MOST_BAD_LINES:
                found = f"{MOST_BAD_LINES:,} of them by line {bad[MOST_BAD_LINES - 1].line:,}"
                raise Refused("too many bad lines", file=str(reader.path), found=found)
            if not any(piece.rows for piece in pieces if plan.shards[piece.shard].file == file):
                raise nothing_readable(reader.path, [(one.line, one) for one in bad[:3]], reader.detected.container)


def plan_of(
    readers: Sequence[RowReader], rules: Sequence[Rule], options: Mapping[str, Any], items: Corpus | None
) -> Plan:
    """What to scan, and for which questions of which rules."""
    asks: dict[str, None] = {}
    questions: dict[str, None] = {}
    kind, short, opening = "", SHORT_THRESHOLD, None
    for rule in rules:
        if rule.asks is None or (items is None and "evaluation-items" in rule.needs):
            continue
        names = [ask if isinstance(ask, str) else reference(ask) for ask in rule.asks if not isinstance(ask, type)]
        asks |= dict.fromkeys(names)
        told: Any = read_options(rule, options.get(rule.name, options.get(rule.code)))
        questions |= dict.fromkeys(asked_by(rule.asks, told))
        if REDUNDANCY in names:
            kind, short = next(name for name in names if ":" in name), told.short_threshold
        if KEYS in names and told.opening_turn:
            opening = told.opening_words
    known = {}
    if items is not None and LEAKS in asks:
        grams = {name: word_ngrams(getattr(items, name), N) for name in (*SOUGHT, *SOUGHT_TOO)}
        there = {name: own for name, own in grams.items() if name in SOUGHT or len(own.hashes)}
        known = {name: sorted_distinct(distinct(own).hashes) for name, own in there.items()}
    beside = tuple(reader.has_side_car for reader in readers)
    return Plan(
        files=tuple(str(reader.path.absolute()) for reader in readers),
        detected=tuple(reader.detected for reader in readers),
        beside=beside,
        shards=tuple(shard for file, reader in enumerate(readers) for shard in _shards(file, reader)),
        asks=tuple(asks),
        kind=kind,
        short_threshold=short,
        opening_words=opening,
        questions=tuple(questions),
        known=known,
    )


def _shards(file: int, reader: RowReader) -> list[Shard]:
    detected = reader.detected
    if detected.container != "jsonl" or detected.compression != "none":
        return [Shard(file=file, span=Span())]
    asked = os.environ.get(SHARD_SETTING, "")
    size = int(asked) if asked.isdecimal() and int(asked) else SHARD_BYTES
    return [Shard(file=file, span=span) for span in spans_of(reader.path, size, count_lines=reader.has_side_car)]


def _name(plan: Plan, number: int) -> str:
    left_out = plan.left_out.get(str(number))
    return f"shard-{number:06}" + (f"-{digest_json(left_out).removeprefix(PREFIX)[:16]}" if left_out else "")


def _told(plan: Plan) -> list[Any]:
    return [[name, digest_json(grams.tolist())] for name, grams in sorted(plan.known.items())]


def streamable(rule: Rule, there: set[str]) -> Rule:
    """The rule, or one that says why it was not run over rows that are read in shards."""
    if rule.asks is not None or "training-rows" not in rule.needs:
        return rule
    if not there.issuperset(rule.needs):
        return rule  # skipped for want of an input
    told = rule.skipped(NOT_IN_SHARDS)
    return replace(rule, check=lambda *_: told)
