"""Training rows that retell items: of failures that were studied, and of items that a person was shown.

Works without discipline. For the last evaluation before a dataset version was frozen, the rows that came into that
version since are held against the items that failed in it and those that passed; and for every person who was shown
items, the rows that they wrote afterwards against the items they saw and those they did not. Whoever types an item in
again leaves rows that are closer to the ones than to the others (rule failure-copies).
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
from headgate.stats.verdict import Verdict

TRIAGE = "triage-leak"
OLDER, ADDED = 20_000, 50_000  # rows that were there before and rows that came since, at most
PASSED, FAILED = "pass", "fail"


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
        run = last_run(ledger, suite, before=frozen.seq)
        if run is None:
            continue
        outcomes: Mapping[str, str] = orjson.loads(ledger.content.get(run.body["outcomes"]))
        since = rows_since(ledger, dataset, run.seq)
        items = [item for item in suite.items if outcomes.get(item.id) in (PASSED, FAILED)]
        failed = [item.id for item in items if outcomes[item.id] == FAILED]
        verdict = _judged(items, failed, since.older, since.added)
        if verdict is not None:
            about = {"suite": suite.name, "run": run.id, "run_at": run.at, "dataset": version.name}
            out = replace(verdict, summary=f"{suite.name}, run of {run.at[:10]}: {verdict.summary}")
            found.append(replace(out, details={**verdict.details, **about}))
    return found + list(_by_people(ledger, suites, dataset))


def last_run(ledger: Ledger, suite: Suite, *, before: int) -> Node | None:
    """The last score of a candidate on gate items of a suite before an entry of the ledger, with its outcomes."""
    for node in reversed(ledger.find("score", f"{suite.name}/gate/candidate")):
        if node.seq < before and not node.erased and ledger.content.has(str(node.body.get("outcomes", ""))):
            return node
    return None


def rows_since(ledger: Ledger, dataset: str, seq: int) -> Since:
    """The rows that a dataset version trains on, those apart that no version had before an entry of the ledger."""
    now = trained_rows(ledger, dataset)
    before = BitMap()
    for name in ledger.versions.names():
        if ledger.node(ledger.versions.get(name).node_id).seq < seq:
            before |= trained_rows(ledger, name)
    added: list[Row] = []
    again: list[Row] = []
    for row in _drawn(ledger, now - before, ADDED):
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
