"""The firewall: no row enters a dataset version that was not held against every protected item, and no copy of one.

Protected are the items of every suite in the ledger, whichever flow brought it, and files that were
named. Whatever stage brings rows calls `admit` before it freezes; `ledger.versions.freeze` refuses
rows without it. A row that was admitted is only held against what was protected since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.protection import ALIKE, COPY, Match, ProtectedSet
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows
from headgate.rules.ancestry import ancestry
from headgate.rules.row_views import CONTAINING, Hit, Views
from headgate.text.protected import FORMAT, TextIndex, index_of
from headgate.text.protection import PHRASE_WORDS, Sieve

QUESTION, ANSWER, REASONING, CALLS = "question", "answer", "reasoning", "calls"
BOTH = "both"  # of a short question, which many rows may ask, with its answer
LONG_ANSWER = 13  # words; shorter answers, such as labels, are shared by many items
LONG_CALL, COVERED = 20, 0.75  # words of reasoning or of a call, and their share: calls of one tool are much alike
MADE_FROM = "made-from"  # the definition of a row whose parent, or a parent's parent, is an item
BLOCK_ROWS = 20_000  # held against the items at a time, and recorded: what a killed check keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A dataset version whose rows were held against items that were protected after it was frozen."""

    version: str
    matches: tuple[Match, ...]  # with items in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """What the firewall looks at in one evaluation item."""

    content: str  # content id of its row
    row: str  # id of its row
    question: str
    answer: str
    reasoning: str = ""  # that stands apart from the answer
    calls: str = ""  # texts among the arguments of tool calls

    @classmethod
    def of(cls, row: Row) -> Protected:
        """A row as an item."""
        return cls(
            content=row.content_id,
            row=row.id,
            question=row.prompt_text or row.text,
            answer=row.answer_text,
            reasoning=row.reasoning_text,
            calls=row.calls_text,
        )


def protect(
    ledger: Ledger, origin: str, items: Iterable[Protected], *, pool: str = "", suite: str | None = None
) -> int:
    """Protects the items that the ledger does not protect yet; returns how many are new.

    Items whose hashes another version of headgate made are protected anew: words are compared otherwise now.
    `origin` is "suite:NAME" or "file:PATH", `suite` the suite's node where there is one.
    """
    known = {item for one in ledger.protection.sets() if one.format == FORMAT for item in one.items}
    new = list({item.content: item for item in items if item.content not in known}.values())
    texts, entries = [], []
    for place, item in enumerate(new):
        for part, text in parts_of(item):
            texts.append(text)
            entries.append((place, part))
    if new:
        with ledger.transaction():
            named = [(item.content, item.row) for item in new]
            index, parents = index_of(texts).to_bytes(), [suite] if suite else []
            ledger.protection.add(origin, pool, named, entries, index, parents, format=FORMAT)
    return len(new)


def parts_of(item: Protected) -> Iterator[tuple[str, str]]:
    """The texts of an item that are protected, each with its part."""
    if item.question.strip():
        yield QUESTION, item.question
    parts = ((ANSWER, item.answer, LONG_ANSWER), (REASONING, item.reasoning, LONG_CALL), (CALLS, item.calls, LONG_CALL))
    for part, text, least in parts:
        if len(text.split()) >= least:
            yield part, text
    if item.question.strip() and item.answer.strip() and len(item.question.split()) < PHRASE_WORDS:
        yield BOTH, f"{item.question}\n{item.answer}"


def protect_files(
    ledger: Ledger, files: Iterable[str], folder: Path, *, columns: Mapping[str, str], format: str = ""
) -> int:
    """Protects every row of evaluation files; returns how many are new.

    Raises:
        Refused: a file cannot be read.
    """
    count = 0
    for name in files:
        rows = read_rows(must_be_file(folder / name), columns=dict(columns) or None, format=format or None)
        count += protect(ledger, f"file:{name}", map(Protected.of, rows))
    return count


def admit(ledger: Ledger, rows: BitMap | Iterable[int], *, quiet: bool = True) -> list[Match]:
    """Holds rows against every protected item that they were not held against; returns all matches with items in force.

    Rows go through in blocks, and each block is recorded when it is done, so that a killed check goes on.
    """
    wanted = BitMap(rows)
    sets = ledger.protection.sets()
    checked = ledger.protection.checked()
    lacking = {one.id: wanted - checked.get(one.id, BitMap()) for one in sets}
    todo = BitMap.union(BitMap(), *lacking.values())
    with progress("firewall", len(todo), quiet=quiet) as advance:
        for group, numbers in _groups(lacking, todo):
            sieves = {one.id: _sieve(ledger, one) for one in sets if one.id in group}
            ordered = list(numbers)
            for first in range(0, len(ordered), BLOCK_ROWS):
                part = BitMap(ordered[first : first + BLOCK_ROWS])
                _check(ledger, [one for one in sets if one.id in group], sieves, part)
                advance(len(part))
    retired = ledger.protection.retired()
    return [match for match in ledger.protection.matches(wanted) if match.item not in retired]


def reopen(ledger: Ledger, *, quiet: bool = True) -> list[Reopened]:
    """Holds the training rows of every dataset's newest version against what was protected since it was frozen."""
    newest = {name.rpartition("@")[0]: name for name in ledger.versions.names()}
    out = []
    for name in newest.values():
        version = ledger.versions.get(name)
        matches = admit(ledger, trained_rows(ledger, name), quiet=quiet)
        out.append(Reopened(version=version.name, matches=tuple(matches)))
    return out


def trained_rows(ledger: Ledger, name: str) -> BitMap:
    """Rows of a dataset version that are there to be trained on: all but those of splits that were held out."""
    version = ledger.versions.get(name)
    settings = version.manifest.get("manifest", {}).get("settings", {}).get("split", {})
    split = settings.get("train", "train")
    return version.splits.get(split, version.numbers)


def items_named(ledger: Ledger, names: Iterable[str]) -> list[str]:
    """Content ids of protected items, by id, by the beginning of one, or by the origin of their set (a whole pool).

    Raises:
        Refused: nothing protected has that name.
    """
    sets = ledger.protection.sets()
    found: dict[str, None] = {}
    for name in names:
        mine = [
            item
            for one in sets
            for item in one.items
            if name in (one.name, one.origin, item)
            or (name.startswith("b3:") and len(name) >= 7 and item.startswith(name))
        ]
        if not mine:
            raise Refused("no protected item of that name", found=name, next_step="headgate curate firewall")
        found.update(dict.fromkeys(mine))
    return list(found)


def standing(ledger: Ledger) -> list[dict[str, Any]]:
    """Every protected set: its name, how many items it has, how many of them are retired, and since when."""
    retired = ledger.protection.retired()
    return [
        {"name": one.name, "items": len(one.items), "retired": len(retired & set(one.items)), "at": one.at}
        for one in ledger.protection.sets()
    ]


def _groups(lacking: dict[str, BitMap], todo: BitMap) -> Iterable[tuple[frozenset[str], BitMap]]:
    """Rows that lack the same sets, together, so that a row's words are cut once."""
    rest = todo.copy()
    while rest:
        first = rest.min()
        group = frozenset(name for name, rows in lacking.items() if first in rows)
        mine = rest.copy()
        for name, rows in lacking.items():
            mine = mine & rows if name in group else mine - rows
        yield group, mine
        rest -= mine


def _sieve(ledger: Ledger, one: ProtectedSet) -> Sieve:
    try:
        index = TextIndex.from_bytes(ledger.protection.index(one))
    except ValueError as error:
        raise Refused(
            f"{one.name} was protected by another version of headgate",
            found=str(error),
            wanted="hashes of this version",
            next_step="headgate run, or import the suite again: its items are then protected anew",
        ) from None
    parts = [np.frombuffer(data, dtype="<u8") for data in ledger.protection.common(one.id)]
    common = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *parts])).astype(np.uint64)
    asked, both = (np.array([part == name for _, part in one.entries], dtype=bool) for name in (QUESTION, BOTH))
    items = np.array([item for item, _ in one.entries], dtype=np.int64)
    return Sieve(index, asked, common, both=both, answered=asked & np.isin(items, items[both]))


def _check(ledger: Ledger, sets: Sequence[ProtectedSet], sieves: dict[str, Sieve], numbers: BitMap) -> None:
    loaded = list(stored_rows(ledger, numbers))
    rows = [row for _, row in loaded]
    views = Views(rows)
    found: dict[tuple[int, str], list[Hit]] = {}
    common = {}
    for one in sets:
        sieve = sieves[one.id]
        before = len(sieve.common)
        for hit in views.hits(sieve):
            part = one.entries[hit.text][1]
            if part in (REASONING, CALLS) and not (hit.definition in CONTAINING and hit.share >= COVERED):
                continue
            found.setdefault((loaded[hit.row][0], one.items[one.entries[hit.text][0]]), []).append(hit)
        if len(sieve.common) > before:
            common[one.id] = sieve.common.astype("<u8").tobytes()
    for number, item in _made_from(ledger, loaded, sets):
        found.setdefault((number, item), []).append(Hit(0, 0, MADE_FROM, 1.0, copy=True, where=""))
    made = [_match(number, item, hits) for (number, item), hits in sorted(found.items(), key=lambda one: one[0])]
    # Erased rows are among the numbers: there is nothing of them left to hold against anything.
    with ledger.transaction():
        ledger.protection.admit([one.id for one in sets], numbers, made, common)


def _match(number: int, item: str, hits: Sequence[Hit]) -> Match:
    """What all matches of a row with an item come to; where the strongest stands, what turns say first."""
    how: dict[str, float] = {}
    for hit in hits:
        how[hit.definition] = max(hit.share, how.get(hit.definition, 0.0))
    first = max(hits, key=lambda hit: (hit.copy, hit.share, not hit.where))
    grade = COPY if first.copy else ALIKE
    return Match(number=number, item=item, grade=grade, definitions=how, where=first.where)


def _made_from(
    ledger: Ledger, loaded: Sequence[tuple[int, Row]], sets: Sequence[ProtectedSet]
) -> list[tuple[int, str]]:
    """Rows with an item among their parents, or the parents of those, as far as the ledger knows them."""
    known = {name: one.items[place] for one in sets for place, name in enumerate(one.rows)}
    known |= {item: item for one in sets for item in one.items}
    rows, above = ancestry(ledger, [row for _, row in loaded])
    made_of = {row.id: row.side.parents for row in (*above, *rows)}
    out = []
    for (number, _), row in zip(loaded, rows, strict=True):
        seen: set[str] = set()
        level = set(row.side.parents)
        while level:
            out += [(number, known[parent]) for parent in sorted(level) if parent in known]
            seen |= level
            level = {parent for one in level for parent in made_of.get(one, ())} - seen
    return list(dict.fromkeys(out))
