"""Training rows that retell items: of failures that were studied, and of items that a person was shown.

Works without discipline. For each evaluation before a dataset version was frozen, the rows of that version that came
between it and the next one are held against the items that failed in it and those that passed: each batch of rows is
judged once, and what it said holds as long as its rows are there. And for every person who was shown items, the rows
that they wrote afterwards are held against the items they saw and those they did not. Whoever types an item in again
leaves rows that are closer to the ones than to the others (rule failure-copies).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import orjson
from pyroaring import BitMap

from headgate.evaluate.exposure import DECIDING, PERSON, exposures
from headgate.evaluate.pools import Item
from headgate.evaluate.suites import Suite
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.rows.row import Kind, Message, Row, Side
from headgate.rows.stored import stored_rows
from headgate.rules.data.dat014_failure_copies import RUN, failure_copies
from headgate.rules.firewall import trained_rows
from headgate.rules.given import Corpus, Given
from headgate.rules.past_run import PastRun
from headgate.stats.verdict import Outcome, Verdict

TRIAGE = "triage-leak"
OLDER, ADDED = 20_000, 50_000  # rows that were there before and rows that came since, at most
BATCHES = 8  # newest runs whose rows are judged; of older ones those that were found copied
PASSED, FAILED = "pass", "fail"
CANDIDATES = "/gate/candidate"


@dataclass(frozen=True, slots=True)
class Since:
    """Rows of a dataset version, those that came since a moment of the ledger apart."""

    older: tuple[Row, ...]
    added: tuple[Row, ...]


def audit(ledger: Ledger, suites: Sequence[Suite], dataset: str) -> list[Verdict]:
    """The audits that the ledger has grounds for: copies of failures, then rows of people who saw items."""
    version = ledger.versions.get(dataset)
    frozen = ledger.node(version.node_id)
    found: list[Verdict] = []
    for suite in suites:
        runs = runs_before(ledger, suite, frozen.seq)
        failed = failed_before(ledger)
        for place, run in enumerate(runs):
            newest = place == len(runs) - 1
            if place < len(runs) - BATCHES and run.id not in failed:
                continue
            since = rows_since(ledger, dataset, run.seq, None if newest else runs[place + 1].seq)
            verdict = _of_run(ledger, suite, run, since)
            if verdict is not None and (newest or verdict.outcome is Outcome.FAIL):
                details = {**verdict.details, "dataset": version.name}
                found.append(replace(verdict, details=details))
    return found + list(_by_people(ledger, suites, dataset))


def runs_before(ledger: Ledger, suite: Suite, seq: int) -> list[Node]:
    """Scores of candidates on gate items before an entry of the ledger, oldest first, with their outcomes.

    Those of suites of any name count, where an item of this suite was in them; of several between two dataset
    versions the last.
    """
    versions = sorted(ledger.node(ledger.versions.get(name).node_id).seq for name in ledger.versions.names())
    mine = {item.id for item in suite.items}
    found = []
    for node in ledger.find("score"):
        if node.name.endswith(CANDIDATES) and node.seq < seq and not node.erased:
            address = str(node.body.get("outcomes", ""))
            if ledger.content.has(address) and mine & orjson.loads(ledger.content.get(address)).keys():
                found.append(node)
    ends = [node.seq for node in found[1:]] + [seq] * bool(found)
    return [node for node, end in zip(found, ends, strict=True) if any(node.seq < one <= end for one in versions)]


def failed_before(ledger: Ledger) -> set[str]:
    """Runs whose failures were found copied, by what evaluations recorded."""
    told = (node.body for node in ledger.find("verdict", failure_copies.name) if not node.erased)
    return {str(one["details"].get("run", "")) for one in told if one["outcome"] == Outcome.FAIL}


def _of_run(ledger: Ledger, suite: Suite, run: Node, since: Since) -> Verdict | None:
    """Rows that came between a run and the next one against what failed in it; None where nothing can be said."""
    outcomes: Mapping[str, str] = orjson.loads(ledger.content.get(run.body["outcomes"]))
    items = [item for item in suite.items if outcomes.get(item.id) in (PASSED, FAILED)]
    verdict = _judged(items, [item.id for item in items if outcomes[item.id] == FAILED], since.older, since.added)
    if verdict is None:
        return None
    about = {"suite": suite.name, "run": run.id, "run_at": run.at}
    summary = f"{suite.name}, run of {run.at[:10]}: {verdict.summary}"
    return replace(verdict, summary=summary, details={**verdict.details, **about})


def rows_since(ledger: Ledger, dataset: str, seq: int, until: int | None = None) -> Since:
    """The rows that a dataset version trains on, those apart that no version had before an entry of the ledger.

    With `until`, rows that no version had before that later entry either are left out.
    """
    now = trained_rows(ledger, dataset)
    before, then = BitMap(), BitMap()
    for name in ledger.versions.names():
        frozen = ledger.node(ledger.versions.get(name).node_id).seq
        if frozen < seq:
            before |= trained_rows(ledger, name)
        elif until is not None and frozen < until:
            then |= trained_rows(ledger, name)
    fresh = now - before if until is None else (now - before) & then
    added: list[Row] = []
    again: list[Row] = []
    for row in _drawn(ledger, fresh, ADDED):
        # The same words under another name or date were there before.
        (again if ledger.rows.numbers_of_content(row.content_id) & before else added).append(row)
    return Since((*_drawn(ledger, now & before, OLDER), *again), tuple(added))


def _drawn(ledger: Ledger, numbers: BitMap, most: int) -> tuple[Row, ...]:
    """So many of some rows, the same ones each time."""
    places = np.array(numbers.to_array() if len(numbers) else [], dtype=np.int64)
    if len(places) > most:
        places = np.sort(np.random.default_rng(0).choice(places, most, replace=False))
    return tuple(row for _, row in stored_rows(ledger, BitMap(places.tolist())))


def _judged(items: Sequence[Item], failed: Iterable[str], older: Sequence[Row], added: Sequence[Row]) -> Verdict | None:
    """The rule's verdict; None where nothing was added, or every item is on one side."""
    wrong = frozenset(failed)
    right = frozenset(item.id for item in items) - wrong
    if not added or not wrong or not right:
        return None
    run = PastRun(failed=wrong, passed=right, added=frozenset(row.id for row in added))
    rows = Corpus([*older, *added], "training rows")
    return failure_copies.judge(
        Given({"training-rows": rows, "evaluation-items": Corpus([_row(one) for one in items]), RUN: run})
    )


def _row(item: Item) -> Row:
    turns = (Message("user", item.question), Message("assistant", item.target))
    return Row(kind=Kind.ITEM, messages=turns, side=Side(id=item.id, slices=dict(item.slices)), place=item.place)


def _by_people(ledger: Ledger, suites: Sequence[Suite], dataset: str) -> Iterator[Verdict]:
    """For each person who was shown items: whether their later rows retell what they saw."""
    items = [item for suite in suites for item in suite.items]
    deciding = {item.id for item in items if item.pool in DECIDING}
    seen: dict[str, tuple[int, set[str]]] = {}
    for one in exposures(ledger):
        if one.how == PERSON and one.items & deciding:
            first, before = seen.get(one.where, (one.seq, set()))
            seen[one.where] = (min(first, one.seq), before | (one.items & deciding))
    for person, (seq, shown) in sorted(seen.items()):
        since = rows_since(ledger, dataset, seq)
        own = [row for row in since.added if row.side.annotator == person]
        others = [row for row in since.added if row.side.annotator != person]
        verdict = _judged([item for item in items if item.id in deciding], shown, [*since.older, *others], own)
        if verdict is None:
            continue
        yield _of_person(verdict, person, len(shown), len(own))


def _of_person(verdict: Verdict, person: str, shown: int, rows: int) -> Verdict:
    """The rule's verdict as one on somebody who saw items, where it knows failures."""
    hits, p = verdict.details.get("failed_items_with_excess", 0), verdict.measure.value if verdict.measure else 1.0
    text = f"{person} was shown {shown:,} items and wrote {rows:,} rows since; {hits:,} of them retold, p {p:.4f}"
    told = (replace(f, message=f.message.replace(", which failed", f", which {person} saw")) for f in verdict.findings)
    details = {**verdict.details, "person": person, "shown": shown, "rows": rows}
    return replace(verdict, rule=TRIAGE, code="", summary=text, findings=tuple(told), details=details)
