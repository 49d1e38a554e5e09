"""The step decontaminate: training rows that resemble evaluation items go, by any of several definitions.

Across this border matching is bold where inside training it is timid: same words, half of an item's
word 4-grams inside a row, or a near-duplicate even when a number or a negation differs, because a
model that has seen the twin of an item has seen the item. What the rules self-leak and group-leak
point at goes too, so that a set that was decontaminated passes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.kit.files import must_be_file
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import select
from headgate.text.coverage import coverage
from headgate.text.near_duplicates import near_duplicate_pairs
from headgate.text.ngrams import exact_hashes
from headgate.text.tape import Tape, joined, tape_of

SAME = "has the words of an evaluation item"
COVERS = "holds a large part of an evaluation item"
BESIDE = "holds a large part of an evaluation item in its reasoning or tool calls"
ALIKE = "is a near-duplicate of an evaluation item"
RULES = ("self-leak", "group-leak")
SHORT_ITEM = 12  # words; half of the 4-grams of shorter items is a common phrase, and `ALIKE` sees them


@dataclass(frozen=True, slots=True)
class Leak:
    """A training row, the item that it gives away, by which definition and how much of it."""

    position: int
    item: int
    reason: str
    share: float  # of the item, or similarity


def items_of(files: Sequence[str], folder: Path, *, columns: dict[str, str], format: str) -> list[Row]:
    """Every item of the evaluation files.

    Raises:
        Refused: a file cannot be read.
    """
    found: list[Row] = []
    for name in files:
        found += read_rows(must_be_file(folder / name), columns=columns or None, format=format or None)
    return found


def leaks(rows: Sequence[Row], items: Sequence[Row], *, share: float, threshold: float) -> list[Leak]:
    """For every row that resembles an item the strongest such resemblance, in the order of the rows."""
    given, sought = Corpus(rows, "training rows"), Corpus(items, "evaluation items")
    asked = _prompts(sought)
    prompts = _prompts(given)
    found = [
        *_same(prompts, asked),
        *_covering(given.text, asked, share, COVERS),
        *(_covering(given.beside, asked, share, BESIDE) if given.holds_beside else ()),
        *_alike(prompts, asked, threshold),
        *_by_rules(given, sought),
    ]
    best: dict[int, Leak] = {}
    for leak in found:
        held = best.get(leak.position)
        if held is None or leak.share > held.share:
            best[leak.position] = leak
    return [best[position] for position in sorted(best)]


def _prompts(corpus: Corpus) -> Tape:
    """What is asked; the whole text where nobody asks."""
    whole = [row.prompt_text or row.text for row in corpus]
    return corpus.prompt if all(row.prompt_text for row in corpus) else tape_of(whole)


def _by_rules(rows: Corpus, items: Corpus) -> list[Leak]:
    places: dict[str | None, list[int]] = {}
    for position, row in enumerate(rows):
        places.setdefault(row.id, []).append(position)
    numbers = {item.id: place for place, item in enumerate(items)}
    verdicts = run_rules(select(RULES), Given({"training-rows": rows, "evaluation-items": items}))
    return [
        Leak(position, numbers.get(finding.other_row or "", 0), f"{verdict.rule} points at it", 0.0)
        for verdict in verdicts
        for finding in verdict.findings
        for position in places.get(finding.row, ())
    ]


def _same(rows: Tape, items: Tape) -> list[Leak]:
    first: dict[int, int] = {}
    for place, (key, words) in enumerate(zip(exact_hashes(items).tolist(), items.lengths.tolist(), strict=True)):
        if words:
            first.setdefault(key, place)
    keys = exact_hashes(rows).tolist()
    return [Leak(place, first[key], SAME, 1.0) for place, key in enumerate(keys) if key in first]


def _covering(rows: Tape, items: Tape, share: float, reason: str) -> list[Leak]:
    found = coverage(rows, items)
    told = (found.share >= share) & (items.lengths[found.items] >= SHORT_ITEM)
    return [
        Leak(int(row), int(item), reason, float(part))
        for row, item, part in zip(found.rows[told], found.items[told], found.share[told], strict=True)
    ]


def _alike(rows: Tape, items: Tape, threshold: float) -> list[Leak]:
    # Items come first, so that a row with the words of several rows is still linked to its item.
    pairs = near_duplicate_pairs(joined([items, rows]), threshold=threshold, short_threshold=threshold)
    size = len(items)
    across = (pairs.left < size) & (pairs.right >= size)
    return [
        Leak(int(row) - size, int(item), ALIKE, float(score))
        for item, row, score in zip(pairs.left[across], pairs.right[across], pairs.similarity[across], strict=True)
    ]
