"""Rows that stay on disk: a corpus that answers rules from what the scans of its shards left.

The answers are those of a `Corpus` in memory, byte for byte. Single rows are read again where a
finding or a check of candidates wants them; all else comes from flat arrays, a few hundred bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.check.packets import Part
from headgate.check.scanning import LOOKED_IN, Plan, reader_of, reference, same_value, value_of
from headgate.check.seeking import LookAgain, answered
from headgate.check.surroundings import Surroundings, among, likely
from headgate.kit.errors import Broken
from headgate.rows.row import Row
from headgate.rows.spans import TEXTS, SpanReader, read_spots, read_texts, stored_row
from headgate.rules.corpus import KEY_NAMES, OPENING, Coded, Corpus, Fact, Keys
from headgate.rules.questions import Question
from headgate.text.coverage import Coverage, N, boilerplate, coverage_of
from headgate.text.definitions import NAMES, definitions, near
from headgate.text.edited import candidates
from headgate.text.ngrams import distinct as distinct_grams
from headgate.text.ngrams import exact_hashes, sorted_distinct, word_ngrams
from headgate.text.redundancy import Redundant
from headgate.text.shards import merged_counts, redundant_in_shards
from headgate.text.tape import Hashes, Mask, Positions, Tape, tape_of

LOOKED_AT_ONCE = 4096  # rows read again for the definitions of a leak
MERGED_AT_ONCE = 32  # parts whose word counts are merged at a time


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part with its place among all rows."""

    part: Part
    shard: int
    first: int  # number of its first row
    line: int  # lines of the file before its shard

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self.part.facts["rows"])


def pieces_of(plan: Plan, parts: Sequence[Sequence[Part]]) -> list[Piece]:
    """The parts of all shards in order, with the rows and lines before them."""
    pieces, rows = [], 0
    lines = dict.fromkeys(range(len(plan.files)), 0)
    for number, (shard, own) in enumerate(zip(plan.shards, parts, strict=True)):
        for part in own:
            pieces.append(Piece(part, number, rows, lines[shard.file]))
            rows += int(part.facts["rows"])
        lines[shard.file] += sum(int(part.facts["lines"]) for part in own)
    return pieces


class StreamedCorpus(Corpus):
    """Rows of files that were scanned in shards."""

    in_memory = False

    def __init__(
        self,
        plan: Plan,
        pieces: Sequence[Piece],
        files: Sequence[Path],
        advance: Callable[[int], object] = lambda _: None,
        look_again: LookAgain | None = None,
    ) -> None:
        super().__init__((), ", ".join(map(str, files)))
        self.files = files  # as they are named in findings
        self.plan = plan
        self.pieces = pieces
        self._firsts = np.array([piece.first for piece in pieces], dtype=np.int64)
        self._count = pieces[-1].first + pieces[-1].rows if pieces else 0
        self._held: dict[int, Row] = {}
        self._readers: dict[int, SpanReader] = {}
        self._advance = advance
        self._look_again = look_again

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list(self.read(np.arange(self._count)[index]))
        place = range(self._count)[int(index)]
        found = self._held.get(place)
        return next(self.read(np.array([place]))) if found is None else found

    def __iter__(self) -> Iterator[Row]:
        for first in range(0, self._count, 4096):
            yield from self.read(np.arange(first, min(first + 4096, self._count)))

    def fetch(self, places: Iterable[int]) -> None:
        """Reads rows that are wanted next in one go."""
        wanted = np.unique(np.fromiter(places, dtype=np.int64))
        self._held = dict(zip(wanted.tolist(), self.read(wanted), strict=True))

    def rows_at(self, places: Positions) -> list[Row]:
        """The rows at ascending places."""
        return list(self.read(places))

    def read(self, places: Positions) -> Iterator[Row]:
        """Rows at ascending places, from their file or from what the scan kept of them."""
        for piece, spots in self._spots_of(places):
            if "body" in piece.part.places:
                yield from self._kept(piece, spots)
            else:
                yield from read_spots(self._reader(piece.shard), spots)

    def texts(self, places: Positions, field: str) -> Iterator[str]:
        """The `text`, `prompt`, `answer` or `beside` of rows at ascending places."""
        for piece, spots in self._spots_of(places):
            if "body" in piece.part.places:
                yield from (getattr(row, TEXTS[field]) for row in self._kept(piece, spots))
            else:
                yield from read_texts(self._reader(piece.shard), spots, field)

    def _spots_of(self, places: Positions) -> Iterator[tuple[Piece, list[tuple[int, int, int]]]]:
        """The part of each run of places, and where its rows stand: line, first byte, size."""
        of_piece = np.searchsorted(self._firsts, places, side="right") - 1
        # A part without rows begins where the next one does; the last of those that begin there has the row.
        for number in np.unique(of_piece).tolist():
            piece = self.pieces[number]
            inside = places[of_piece == number] - piece.first
            begin, size = self._begin(number)[inside], self._size(number)[inside]
            lines = self._line(number)[inside].astype(np.int64) + piece.line
            yield piece, list(zip(lines.tolist(), begin.tolist(), size.tolist(), strict=True))

    def _kept(self, piece: Piece, spots: Iterable[tuple[int, int, int]]) -> Iterator[Row]:
        """Rows whose bytes the scan kept."""
        file = str(self._file(piece))
        for line, at, long in spots:
            yield stored_row(piece.part.piece("body", at, at + long), file, line)

    @property
    def text(self) -> Tape:
        """Not in memory."""
        raise _not_in_memory("text")

    @property
    def prompt(self) -> Tape:
        """Not in memory."""
        raise _not_in_memory("prompt")

    @property
    def answer(self) -> Tape:
        """Not in memory."""
        raise _not_in_memory("answer")

    @property
    def beside(self) -> Tape:
        """Not in memory."""
        raise _not_in_memory("beside")

    def slices(self, name: str) -> list[str | None]:
        """Not in memory."""
        raise _not_in_memory(f"slices {name!r}")

    def lengths(self, field: str) -> Positions:
        """Words of each row's field."""
        return self.array(f"{field}.lengths", np.int64)

    def coded(self, fact: Fact) -> Coded:
        """A fact of every row, if the scan was told to look at it."""
        if fact not in self._coded:
            name = reference(fact)
            if name not in self.plan.asks:
                raise _not_in_memory(name)
            known: dict[bytes, int] = {}
            values: list[Any] = []
            codes = [np.zeros(0, dtype=np.int64)]
            for piece in self.pieces:
                told = piece.part.facts["values"][name]
                places = [known.setdefault(same_value(value), len(known)) for value in told]
                values += [value for value, place in zip(told, places, strict=True) if place >= len(values)]
                codes.append(np.array(places, dtype=np.int64)[piece.part.array(f"fact:{name}")])
            self._coded[fact] = Coded(np.concatenate(codes), tuple(map(value_of, values)))
        return self._coded[fact]

    def ask_all(self, questions: Sequence[Question]) -> list[Any]:
        """The answers from what the scan found, or from another look at every row."""
        return answered(questions, self.plan, [piece.part for piece in self.pieces], self._look_again)

    def redundant(self, kind: Fact, *, threshold: float, short_threshold: float) -> Redundant:
        """Rows that another row of the same kind makes redundant."""
        counts: list[Any] = []
        for piece in self.pieces:
            counts.append((piece.part.array("words"), piece.part.array("texts").astype(np.int64)))
            if len(counts) >= MERGED_AT_ONCE:
                counts = [merged_counts(counts)]
        return redundant_in_shards(
            StreamedField(self, "text"),
            StreamedField(self, "prompt"),
            StreamedField(self, "answer"),
            self.coded(kind).codes,
            merged_counts(counts),
            threshold=threshold,
            short_threshold=short_threshold,
            advance=self._advance,
        )

    def around(self, items: Corpus, least: float) -> Corpus:
        """The rows in which some definition finds an item, or that ask the same: all that a leak can be found in."""
        own = [name for name in LOOKED_IN if name == "text" or self.holds_beside]
        found = {(name, theirs): self._coverage(name, items, theirs) for name in own for theirs in self.plan.known}
        kept = {sought: likely(pairs, least) for sought, pairs in found.items()}
        for name in own:
            kept[name, "prompt"] |= candidates(found[name, "prompt"], items.prompt.lengths)
        asked = found["text", "prompt"]
        kept["text", "prompt"] |= self._defined(asked, ~kept["text", "prompt"] & near(asked), items)
        same = np.isin(self.array("prompt.exact", np.uint64), exact_hashes(items.prompt)[items.prompt.lengths > 0])
        places = [found[sought].rows[mask] for sought, mask in kept.items()]
        rows = np.unique(np.concatenate([*places, np.flatnonzero(same & (self.lengths("prompt") > 0))]))
        here = {sought: among(found[sought], mask, rows) for sought, mask in kept.items()}
        return Surroundings(list(self.read(rows)), self.name, here)

    def _defined(self, pairs: Coverage, doubtful: Mask, items: Corpus) -> Mask:
        """Of the doubtful pairs one for each item and each published definition that calls it a leak.

        Definitions are told by item, so one row will do. Rows are read again a few at a time.
        """
        out = np.zeros(len(pairs.rows), dtype=bool)
        known = np.zeros((len(items), len(NAMES)), dtype=bool)
        order = np.flatnonzero(doubtful)[np.argsort(pairs.rows[doubtful], kind="stable")]
        rows = np.unique(pairs.rows[order])
        for first in range(0, len(rows), LOOKED_AT_ONCE):
            some = rows[first : first + LOOKED_AT_ONCE]
            begin, end = np.searchsorted(pairs.rows[order], [some[0], some[-1] + 1])
            # By item, then row, as definitions are used to have pairs.
            here = np.sort(order[begin:end])
            one = replace(
                pairs,
                rows=np.searchsorted(some, pairs.rows[here]),
                items=pairs.items[here],
                shared=pairs.shared[here],
                run=pairs.run[here],
            )
            tape = tape_of(list(self.texts(some, "text")))
            says = definitions(tape, items.prompt, one).says
            for definition, said in enumerate(says.T):
                new = np.flatnonzero(said & ~known[one.items, definition])
                _, once = np.unique(one.items[new], return_index=True)
                out[here[new[once]]] = True
                known[one.items[new], definition] = True
        return out

    def keys(self, opening_words: int | None = None) -> Keys:
        """What rows belong to."""
        if opening_words != self.plan.opening_words:
            raise _not_in_memory(f"openings from {opening_words} words on")
        names = (*KEY_NAMES, *((OPENING,) if opening_words is not None else ()))
        there = [name for name in names if any(f"key:{name}" in piece.part.places for piece in self.pieces)]
        return Keys(names, {name: self.array(f"key:{name}", np.uint64) for name in there}, self._count)

    def array(self, name: str, kind: Any) -> NDArray[Any]:
        """One array of all rows; zeros where a part has none."""
        out = np.zeros(self._count, dtype=kind)
        for piece in self.pieces:
            if name in piece.part.places:
                out[piece.first : piece.first + piece.rows] = piece.part.array(name)
        return out

    def places_of(self, file: str) -> tuple[Positions, Positions]:
        """The places of the rows of one file, and the lines on which they begin; both ascending."""
        own = [piece for piece in self.pieces if str(self._file(piece)) == file]
        none = np.zeros(0, dtype=np.int64)
        lines = [piece.part.array("line").astype(np.int64) + piece.line for piece in own]
        places = [np.arange(piece.first, piece.first + piece.rows) for piece in own]
        return np.concatenate([none, *places]), np.concatenate([none, *lines])

    def _coverage(self, field: str, items: Corpus, item_field: str) -> Coverage:
        order = word_ngrams(getattr(items, item_field), N)
        own = distinct_grams(order)
        known = sorted_distinct(own.hashes)
        counts = np.zeros(len(known), dtype=np.int64)
        sought = f"{field}:{item_field}"
        pieces = [piece for piece in self.pieces if f"hit.rows:{sought}" in piece.part.places]
        for piece in pieces:
            counts += np.bincount(piece.part.array(f"hit.grams:{sought}"), minlength=len(known))
        common = boilerplate(counts, self._count)
        rows, grams = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for piece in pieces:
            gram = piece.part.array(f"hit.grams:{sought}").astype(np.int64)
            kept = ~common[gram]
            grams.append(gram[kept])
            rows.append(piece.part.array(f"hit.rows:{sought}").astype(np.int64)[kept] + piece.first)
        found = np.concatenate(rows), np.concatenate(grams)
        return coverage_of(*found, own, known, self._count, counts=counts, order=order)

    def _file(self, piece: Piece) -> Path:
        return self.files[self.plan.shards[piece.shard].file]

    def _reader(self, shard: int) -> SpanReader:
        if shard not in self._readers:
            file = self.files[self.plan.shards[shard].file]
            self._readers[shard] = reader_of(self.plan, self.plan.shards[shard], file)
        return self._readers[shard]

    @cached_property
    def _spots(self) -> dict[tuple[int, str], NDArray[Any]]:
        return {}

    def _begin(self, number: int) -> NDArray[Any]:
        return self._spot(number, "begin")

    def _size(self, number: int) -> NDArray[Any]:
        return self._spot(number, "size")

    def _line(self, number: int) -> NDArray[Any]:
        return self._spot(number, "line")

    def _spot(self, number: int, name: str) -> NDArray[Any]:
        if (number, name) not in self._spots:
            self._spots[number, name] = self.pieces[number].part.array(name)
        return self._spots[number, name]


class StreamedField:
    """One field of all rows, for the kernels that merge blocks."""

    def __init__(self, rows: StreamedCorpus, name: str) -> None:
        self._rows = rows
        self._name = name
        self.lengths = rows.lengths(name)
        self._facts: dict[str, Hashes] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def fact(self, name: str, made: Callable[[Any], Hashes]) -> Hashes:  # noqa: ARG002 - was made by the scan
        """The hashes named "exact" or "guards" of each row's field."""
        if name not in self._facts:
            self._facts[name] = self._rows.array(f"{self._name}.{name}", np.uint64)
        return self._facts[name]

    def signed(self, kind: str) -> tuple[Positions, NDArray[np.uint8]]:
        """Rows with a signature of that kind, and their sketches."""
        prefix = f"{self._name}.{kind}"
        texts = [piece.part.array(f"{prefix}.texts").astype(np.int64) + piece.first for piece in self._rows.pieces]
        places = [np.zeros(0, dtype=np.int64), *texts]
        sizes = list(accumulate(map(len, texts), initial=0))
        width = max((piece.part.places[f"{prefix}.sketches"][1][1] for piece in self._rows.pieces), default=1)
        sketches = np.empty((sizes[-1], width), dtype=np.uint8)
        for piece, first, last in zip(self._rows.pieces, sizes, sizes[1:], strict=False):
            sketches[first:last] = piece.part.array(f"{prefix}.sketches")
        return np.concatenate(places), sketches

    def keys(self, kind: str, band: int) -> NDArray[np.uint32]:
        """The keys of one band of those rows."""
        name = f"{self._name}.{kind}.keys"
        none = np.zeros(0, dtype=np.uint32)
        return np.concatenate([none, *(piece.part.line(name, band) for piece in self._rows.pieces)])

    def tape(self, chosen: Positions) -> Tape:
        """The tape of some rows' field, read again."""
        return tape_of(list(self._rows.texts(chosen, self._name)))


def _not_in_memory(what: str) -> Broken:
    return Broken(f"a rule asks for what the scan did not keep: {what}", wanted="the question in `asks` of the rule")
