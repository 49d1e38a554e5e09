"""Whether a model still tells rows that it was to forget from rows that it never saw.

A model that was trained on a row finds its answer more likely than the base does, and than it finds answers to other
rows of the same kind. So rows are scored by how much likelier the adapter makes each token of their answer, compared
with its base, and held against rows of the same dataset that no run was trained on: the area under the ROC curve is
0.5 where nothing tells them apart (Yeom et al. 2018; difference to the base after Carlini et al. 2022). A model that
was trained without the rows must lie within 0.5 +- 0.05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from headgate.kit.clock import stamp
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger.ledger import Edge, Ledger, Node
from headgate.models.model import Scorer
from headgate.models.opening import open_model
from headgate.rights.reach import Target, as_kept, reach
from headgate.rows.row import Kind, Message, Row
from headgate.rows.stored import stored_rows
from headgate.stats.judging import judge_count, judge_interval
from headgate.stats.resampling import sign_flip
from headgate.stats.two_sample import Separation, separation
from headgate.stats.verdict import Measure, Verdict

Vector = NDArray[np.float64]

NEAR = 0.05  # how far from 0.5 the area may lie
LEAST_P = 0.05  # of the test against another adapter
LEAST = 100  # rows below which that test says nothing
BATCH = 64  # rows scored between two steps of the progress bar
CONTROLS = 20  # rows for each row that is tested, at most; more add little


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows that were to be forgotten, and rows that no run saw."""

    rows: tuple[Row, ...]
    controls: tuple[Row, ...]


def membership(
    ledger: Ledger,
    adapter: str,
    target: Target,
    *,
    store: Path,
    now: datetime,
    against: str = "",
    controls: Sequence[Row] | None = None,
    quiet: bool = True,
) -> list[Verdict]:
    """Tests an adapter on the rows of a target that any run was trained on, and records the verdicts.

    `store`: the folder of the ledger, in its project. `against`: an adapter that never saw them, for one that was
    made to forget by other means: both must score the rows alike. `controls`: rows of the same kind, of which those are
    left out that say what a run was trained on; None: rows of held-out splits.

    Raises:
        Refused: no such adapter or target, no rows or no controls are left, `against` saw the rows, or a folder of
            weights is gone.
    """
    node = _adapter(ledger, adapter)
    asked = _asked(ledger, target, controls)
    other = _never_saw(ledger, against, node, target) if against else None
    gains = [_gain(ledger, node, one, store, quiet) for one in (asked.rows, asked.controls)]
    fit = [~np.isnan(one) for one in gains]
    strata = [one[kept] for one, kept in zip(_strata(asked), fit, strict=True)]
    told = separation(gains[0][fit[0]], gains[1][fit[1]], strata=(strata[0], strata[1]))
    about = {
        "adapter": node.id,
        "target": str(as_kept(ledger, target)),
        "controls": int(fit[1].sum()),
        "too_long": sum(int((~one).sum()) for one in fit),
    }
    verdicts = [_apart(told, node, about)]
    if other is not None:
        differ = (gains[0] - _gain(ledger, other, asked.rows, store, quiet))[fit[0]]
        verdicts.append(_unlike(differ, node, other, about | {"against": other.id}))
    for verdict in verdicts:
        body = verdict.as_json() | {"at": stamp(now)}
        ledger.record("verdict", f"membership/{node.name}", body, edges=[Edge("derived-from", node.id)])
    return verdicts


def _adapter(ledger: Ledger, name: str) -> Node:
    node = ledger.node(name)
    if node.kind != "adapter":
        raise Refused("not an adapter", found=f"{node.kind} {node.name}", wanted="an adapter: headgate ledger log")
    return node


def _never_saw(ledger: Ledger, name: str, adapter: Node, target: Target) -> Node:
    """The adapter to hold another one against: by its lineage, it was made from none of the rows."""
    other = _adapter(ledger, name)
    seen = ledger.closure(other.id).rows & reach(ledger, target).rows
    if other.id == adapter.id or seen:
        found = f"{other.name}: made from {len(seen):,} of the rows" if seen else "the adapter itself"
        raise Refused("nothing to hold it against", found=found, wanted="--against an adapter that never saw the rows")
    return other


def _asked(ledger: Ledger, target: Target, controls: Sequence[Row] | None) -> Asked:
    found = reach(ledger, target)
    seen = BitMap()  # by any run
    held: dict[str, BitMap] = {}
    for run in ledger.find("run"):
        data = run.body.get("plan", {}).get("data")
        if data is None:
            continue  # stopped before its first step
        version = ledger.versions.get(str(data["dataset"]))
        split = version.splits[str(data["split"])]
        seen |= split
        if not split.isdisjoint(found.rows):
            held[version.name] = version.numbers
    rows = _scorable(ledger, seen & found.rows)
    if not rows:
        gone = "their words were erased" if seen & found.rows else "no run was trained on them"
        raise Refused("there is nothing to test", found=f"{target}: {gone}", wanted="rows that a run was trained on")
    others = BitMap.union(BitMap(), *held.values()) - seen - found.rows
    unseen = _scorable(ledger, others)[: CONTROLS * len(rows)] if controls is None else _unseen(ledger, controls, seen)
    if not unseen:
        nothing = f"{', '.join(held)} hold nothing out" if controls is None else "none in the file of controls"
        raise Refused("no rows that no run saw", found=nothing, wanted="--controls FILE")
    return Asked(rows, unseen)


def _unseen(ledger: Ledger, controls: Sequence[Row], seen: BitMap) -> tuple[Row, ...]:
    """Of given rows those that say what no row says that a run was trained on."""
    return tuple(
        row for row in controls if scorable(row) and ledger.rows.numbers_of_content(row.content_id).isdisjoint(seen)
    )


def _scorable(ledger: Ledger, numbers: BitMap) -> tuple[Row, ...]:
    return tuple(row for _, row in stored_rows(ledger, numbers) if scorable(row))


def scorable(row: Row) -> bool:
    """Whether a row has an answer of words to a prompt."""
    return row.kind is Kind.DEMONSTRATION and bool(row.messages) and _is_answer(row.messages[-1])


def _is_answer(message: Message) -> bool:
    return message.role == "assistant" and bool(message.content) and not message.tool_calls


def _strata(asked: Asked) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows with the same answer are held against each other, for some labels are likelier than others."""
    own, other = ([row.messages[-1].content for row in rows] for rows in (asked.rows, asked.controls))
    shared = sorted(set(own) & set(other))
    if not shared:
        return np.zeros(len(own), dtype=np.int64), np.zeros(len(other), dtype=np.int64)
    place = {answer: number for number, answer in enumerate(shared)}
    alone = len(shared)  # answers that one side lacks are compared with each other
    return (
        np.array([place.get(answer, alone) for answer in own], dtype=np.int64),
        np.array([place.get(answer, alone) for answer in other], dtype=np.int64),
    )


def _gain(ledger: Ledger, adapter: Node, rows: Sequence[Row], store: Path, quiet: bool) -> Vector:
    """(N,): by how many nats a token the adapter makes the answer of each row likelier than its base."""
    base = _base(ledger, adapter, store.parent)
    folder = store / "work" / str(adapter.body["folder"])
    gain: Vector = _scores(base, folder, rows, quiet) - _scores(base, None, rows, quiet)
    return gain


def _base(ledger: Ledger, adapter: Node, project: Path) -> Path:
    needs = ledger.nodes.many(link.target_id for link in ledger.edges_from(adapter.id, "derived-from"))
    found = next((node for node in needs if node.kind == "base" and "folder" in node.body), None)
    if found is None:
        raise Refused("the ledger does not know the base of the adapter", found=adapter.name)
    return project / str(found.body["folder"])


def _scores(base: Path, adapter: Path | None, rows: Sequence[Row], quiet: bool) -> Vector:
    model = cast(Scorer, open_model(f"local:{base}", adapter=adapter))
    out: list[float] = []
    try:
        with progress(f"scoring with {adapter.name if adapter else base.name}", len(rows), quiet=quiet) as advance:
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                out += _scored(model, [(_prompt(row), row.messages[-1].content) for row in part])
                advance(len(part))
    finally:
        model.close()
    return np.array(out)


def _scored(model: Scorer, pairs: list[tuple[tuple[Mapping[str, str], ...], str]]) -> list[float]:
    """Mean over the tokens of each answer; not a number where prompt and answer do not fit the context."""
    try:
        return [float(np.mean(logs)) for logs in model.log_probabilities(pairs)]
    except Refused:
        if len(pairs) == 1:
            return [float("nan")]
        return [score for pair in pairs for score in _scored(model, [pair])]


def _prompt(row: Row) -> tuple[Mapping[str, str], ...]:
    return tuple({"role": message.role, "content": message.content} for message in row.messages[:-1])


def _apart(told: Separation, adapter: Node, about: dict[str, Any]) -> Verdict:
    rows = min(told.n)
    measure = Measure(
        name="area under the ROC curve",
        value=told.auc,
        low=told.low,
        high=told.high,
        unit="area",
        n=rows,
        smallest_visible=(told.high - told.low) / 2,
    )
    summary = (
        f"{adapter.name} tells {told.n[0]:,} rows from {told.n[1]:,} that no run saw with an area of {told.auc:.3f} "
        f"({told.low:.3f} to {told.high:.3f})"
    )
    step = "headgate rights case remedy NAME --how retrain-without"
    return judge_interval(
        measure, summary=summary, at_least=0.5 - NEAR, at_most=0.5 + NEAR, next_step=step, details=about,
        counted="rows on each side",
    )  # fmt: skip


def _unlike(differ: Vector, adapter: Node, other: Node, about: dict[str, Any]) -> Verdict:
    p = sign_flip(differ)
    apart = f"{differ.mean():+.4f} nats a token apart (p {p:.3f})"
    summary = f"{adapter.name} and {other.name} score {len(differ):,} rows {apart}"
    return judge_count(
        p,
        name="chance of a difference as large",
        summary=summary,
        looked_at=len(differ),
        unit="probability",
        at_least=LEAST_P,
        minimum=LEAST,
        details=about | {"mean": float(differ.mean())},
    )
