"""The scan of a shard: rows in, flat arrays out, with nothing known of any other shard.

A pure function of a plan and the number of a shard, which every engine runs: what it writes decides
every answer, so that it cannot matter where and in which order shards were scanned.
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.check.packets import parts_of, write_part
from headgate.check.seeking import found_in
from headgate.kit.garbage import without_collection
from headgate.rows.beside import characters
from headgate.rows.detection import Detection
from headgate.rows.row import Row, to_bytes
from headgate.rows.side_car import SideCar
from headgate.rows.spans import Span, SpanReader, Spot
from headgate.rows.turn_parts import BESIDE, FIELDS, turn_parts_of
from headgate.rules.corpus import KEYS, LEAKS, REDUNDANCY, Corpus, Fact, key_hash, keys_of
from headgate.text.coverage import N, hits
from headgate.text.joining import Joins, split, tapes_of
from headgate.text.ngrams import exact_hashes
from headgate.text.shards import LONG, SHORT, scan_fields, word_counts
from headgate.text.tape import Hashes, Mask, Tape

VERSION = 6  # of what a scan writes; goes up with any change of it
LOOKED_IN = ("text", "beside")  # fields of a row in which fields of an item are looked for
SOUGHT = ("prompt", "answer")  # these fields
SOUGHT_TOO = ("reasoning", "calls")  # and these where an item has them
BLOCK_CHARACTERS, BLOCK_ROWS = 32 << 20, 65_536  # of a file that is one shard, scanned at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """A span of one of the files."""

    file: int  # place in `Plan.files`
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a scan needs to know; the same for every shard."""

    files: tuple[str, ...]  # as whole paths, since workers stand in other folders
    detected: tuple[Detection, ...]
    beside: tuple[bool, ...]  # whether a side-car is beside the file
    shards: tuple[Shard, ...]
    asks: tuple[str, ...]  # questions, and facts as "module:function"
    kind: str  # the fact in which rows must agree before one makes another redundant; empty: nobody asks
    short_threshold: float
    opening_words: int | None
    known: Mapping[str, Hashes]  # n-grams of the items' fields that are looked for
    questions: tuple[str, ...] = ()  # as `headgate.rules.questions` writes them
    again: bool = False  # a further look at rows whose places are known
    left_out: Mapping[str, Sequence[int]] = field(default_factory=dict)  # shard -> lines whose id an earlier row has

    def write(self, stream: IO[bytes]) -> None:
        """As a file that workers read."""
        write_part(stream, {**asdict(replace(self, known={}))}, self.known)

    @classmethod
    def read(cls, path: Path) -> Plan:
        """The plan that `write` wrote."""
        (part,) = parts_of(path)
        facts = dict(part.facts)
        return cls(
            files=tuple(facts["files"]),
            detected=tuple(Detection(**one) for one in facts["detected"]),
            beside=tuple(facts["beside"]),
            shards=tuple(Shard(file=one["file"], span=Span(**one["span"])) for one in facts["shards"]),
            asks=tuple(facts["asks"]),
            kind=facts["kind"],
            short_threshold=facts["short_threshold"],
            opening_words=facts["opening_words"],
            known={name: part.array(name) for name in part.places},
            questions=tuple(facts["questions"]),
            again=facts["again"],
            left_out=facts["left_out"],
        )


@without_collection()
def scan(plan: Plan, number: int, out: IO[bytes]) -> None:
    """Scans one shard and writes its parts."""
    shard = plan.shards[number]
    reader = reader_of(plan, shard)
    blocks = _blocks(reader, shard.span.last is None, frozenset(plan.left_out.get(str(number), ())))
    block = next(blocks, [])
    while block:
        following = next(blocks, [])
        _write(plan, shard, block, reader if not following else None, out)
        block = following
    if not out.tell():
        _write(plan, shard, [], reader, out)


def reader_of(plan: Plan, shard: Shard, path: Path | None = None) -> SpanReader:
    """What reads the rows of a shard; `path` is the file as it is to be named."""
    path = path or Path(plan.files[shard.file])
    side_car = _side_car(path) if plan.beside[shard.file] else None
    return SpanReader(path, plan.detected[shard.file], shard.span, side_car=side_car)


def reference(fact: Fact) -> str:
    """A fact as text that any process understands."""
    return f"{fact.__module__}:{fact.__qualname__}"


def fact_of(text: str) -> Fact:
    """The fact that a text names."""
    module, _, name = text.partition(":")
    found: Fact = getattr(importlib.import_module(module), name)
    return found


@lru_cache(maxsize=4)
def _side_car(path: Path) -> SideCar | None:
    return SideCar.beside(path)


def _blocks(reader: SpanReader, whole: bool, left_out: frozenset[int]) -> Iterator[list[tuple[Row, Spot]]]:
    block: list[tuple[Row, Spot]] = []
    held = 0
    for row, spot in reader.spots():
        if spot.line in left_out:
            continue
        block.append((row, spot))
        if whole:
            held += characters(row)
            if held >= BLOCK_CHARACTERS or len(block) >= BLOCK_ROWS:
                yield block
                block, held = [], 0
    if block:
        yield block


def _write(
    plan: Plan, shard: Shard, block: Sequence[tuple[Row, Spot]], done: SpanReader | None, out: IO[bytes]
) -> None:
    """One part; the last of a shard tells how many lines there were and which were bad."""
    rows = [row for row, _ in block]
    if plan.again:
        return write_part(out, {"rows": len(rows)}, found_in(Corpus(rows), plan.questions))
    whole = shard.span.last is None
    arrays: dict[str, NDArray[Any]] = {"line": np.array([spot.line for _, spot in block], dtype=np.uint32)}
    facts: dict[str, Any] = {"rows": len(rows), "values": {}, "lines": 0, "bad": []}
    if whole:
        bodies = [to_bytes(row) for row in rows]
        arrays["begin"] = np.cumsum([0, *map(len, bodies)], dtype=np.int64)[:-1]
        arrays["size"] = np.array([len(body) for body in bodies], dtype=np.uint32)
        arrays["body"] = np.frombuffer(b"".join(bodies), dtype=np.uint8)
    else:
        arrays["begin"] = np.array([spot.begin for _, spot in block], dtype=np.int64)
        arrays["size"] = np.array([spot.size for _, spot in block], dtype=np.uint32)
    if any(row.side.id is not None for row in rows):
        ids = (key_hash(row.side.id) if row.side.id is not None else 0 for row in rows)
        arrays["id"] = np.fromiter(ids, dtype=np.uint64, count=len(rows))
    for ask in plan.asks:
        if ":" in ask:
            arrays[f"fact:{ask}"], facts["values"][ask] = _coded(rows, fact_of(ask))
    corpus = Corpus(rows)
    arrays |= _of_words(plan, corpus, arrays)
    if KEYS in plan.asks:
        keys = keys_of(rows, plan.opening_words)
        arrays |= {f"key:{name}": hashes for name, hashes in keys.hashes.items() if hashes.any()}
    arrays |= found_in(corpus, plan.questions)
    if done is not None:
        facts["lines"] = done.lines
        facts["bad"] = [[bad.line, bad.what, bad.found, bad.wanted] for bad in done.bad_lines]
    write_part(out, facts, arrays)


def _coded(rows: Sequence[Row], fact: Fact) -> tuple[NDArray[np.uint32], list[Any]]:
    known: dict[Hashable, int] = {}
    codes = [known.setdefault(fact(row), len(known)) for row in rows]
    return np.array(codes, dtype=np.uint32), list(known)


def _of_words(plan: Plan, rows: Corpus, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the words of each field."""
    found: dict[str, Any] = {}
    alike, leaks = REDUNDANCY in plan.asks, LEAKS in plan.asks
    if not (alike or leaks):
        return found
    made = turn_parts_of(rows)
    wanted = {"text": True, "prompt": True, "answer": alike, BESIDE: leaks}
    fields = {name: Joins(*joins) for name, joins in made.made_of.items() if wanted[name]}
    tapes = tapes_of(made.parts, fields)
    if plan.questions:
        vars(rows).update(tapes)  # for the questions to the same rows
    if alike:
        kinds = arrays[f"fact:{plan.kind}"].astype(np.int64) if plan.kind else None
        found |= _signed(tapes, split(*(fields[name] for name in FIELDS)), kinds, plan.short_threshold)
        found["words"], counts = word_counts(tapes["text"])
        found["texts"] = counts.astype(np.uint32)
    else:
        found["prompt.exact"] = exact_hashes(tapes["prompt"])
        found["prompt.lengths"] = tapes["prompt"].lengths.astype(np.uint32)
    if BESIDE in tapes:
        found["beside.lengths"] = tapes[BESIDE].lengths.astype(np.uint32)
    for own in LOOKED_IN if leaks else ():
        for theirs, known in plan.known.items() if own in tapes else ():
            row, gram = hits(tapes[own], known, N)
            found |= {f"hit.rows:{own}:{theirs}": row.astype(np.uint32)}
            found |= {f"hit.grams:{own}:{theirs}": gram.astype(np.uint32)}
    return found


def _signed(
    tapes: Mapping[str, Tape], split: Mask, kinds: NDArray[np.int64] | None, short_threshold: float
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    whole, prompt, answer = (tapes[name] for name in FIELDS)
    scans = scan_fields(whole, prompt, answer, split, apart=kinds, short_threshold=short_threshold)
    for name, made in zip(FIELDS, scans, strict=True):
        found[f"{name}.lengths"] = made.lengths.astype(np.uint32)
        found |= {f"{name}.exact": made.exact, f"{name}.guards": made.guards}
        for kind in (LONG, SHORT):
            signed = made.signed[kind]
            found[f"{name}.{kind}.texts"] = signed.texts.astype(np.uint32)
            found[f"{name}.{kind}.keys"] = signed.keys
            found[f"{name}.{kind}.sketches"] = signed.sketches
    return found


def value_of(value: Any) -> Any:
    """A value of a fact as it was before it was written as JSON."""
    return tuple(map(value_of, value)) if isinstance(value, list) else value


def same_value(value: Any) -> bytes:
    """A key under which equal values of facts of several parts meet."""
    return orjson.dumps(value)
