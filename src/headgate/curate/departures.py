"""The curation diff: what each step took away and left, by slice, register, length and difficulty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from headgate.curate.shape import Class, Shape
from headgate.curate.working import Bench, Passed, Removed
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Ledger

CASE = "case"
SLICES_KEPT = 200  # slices of one step in the record, those that lost most
SHOWN = 8  # classes of a kind on the terminal
HALF = 0.5  # a step that took more than this of a class is marked
KINDS = ("register", "difficulty", "length", "slice")


def diff_of(bench: Bench, shape: Shape, restored: Sequence[Removed], train: str) -> dict[str, Any]:
    """The diff of a curation, as it is recorded: counts and addresses, no words."""
    steps = [_step(step, parts, shape) for step, parts in _by_step(bench.trail).items()]
    left = [item.root for item in bench.items if item.split in ("", train)]
    elsewhere = {item.root for item in bench.items} - set(left)
    begun = [root for root in shape.rows if root not in elsewhere]
    whole = _table(shape, begun, set(begun) - set(left)) if steps else []
    return {
        "steps": steps,
        "whole": {"before": len(begun), "removed": len(begun) - len(left), "classes": whole},
        "difficulty-from": shape.classes.hardness if steps else "",
        "restored": [one.as_json() for one in restored],
    }


def record(ledger: Ledger, dataset: str, body: dict[str, Any]) -> str:
    """Records a diff; the same one again adds nothing. Returns its id."""
    with ledger.transaction():
        told = {"dataset": dataset, "steps": len(body["steps"]), "list": ledger.content.put(canonical_json(body))}
        return ledger.record(CASE, _name(dataset), told)


def newest(ledger: Ledger, dataset: str) -> dict[str, Any]:
    """The diff of the newest curation of a dataset.

    Raises:
        Refused: it was never curated.
    """
    node = ledger.latest(CASE, _name(dataset))
    if node is None:
        raise Refused(f"{dataset} has no curation diff", next_step="headgate curate")
    return read(ledger, node.id)


def read(ledger: Ledger, node: str) -> dict[str, Any]:
    """A diff from its record."""
    found = ledger.node(node)
    body: dict[str, Any] = orjson.loads(ledger.content.get(found.body["list"]))
    return {"dataset": found.body["dataset"], "diff": found.id, **body}


def lines(diff: dict[str, Any], step: str = "", first: int = SHOWN) -> list[str]:
    """A diff for the terminal: each step with what it took most of, then all of them together.

    Raises:
        Refused: no such step took rows away.
    """
    names = [one["step"] for one in diff["steps"]]
    if step and step not in names:
        raise Refused("no such step took rows away", found=step, wanted=", ".join(names) or "nothing was taken away")
    whole = [] if step else [{"step": "training rows, from first to last", **diff["whole"]}]
    if not names:
        return [f"{diff['dataset']}: no step took a row away"]
    out = [f"{diff['dataset']}: difficulty is {diff['difficulty-from']}"]
    for one in [*(s for s in diff["steps"] if step in ("", s["step"])), *whole]:
        out += ["", f"{one['step']}: {one['removed']:,} of {one['before']:,} rows went"]
        for kind in KINDS:
            mine = [line for line in one["classes"] if line["kind"] == kind]
            out += [_line(line) for line in mine[: first or None]]
            if first and len(mine) > first:
                out.append(f"  and {len(mine) - first:,} more of kind {kind} that lost less: --first 0 shows all")
    if diff["restored"]:
        out += ["", f"{len(diff['restored']):,} rows were put back by quota:"]
        out += [f"  {one['row'][:15]}  {one['step']}  {one['reason']}" for one in diff["restored"][: first or None]]
    return out


def _line(line: dict[str, Any]) -> str:
    kept = line["before"] - line["removed"]
    mark = "  more than half went" if line["removed"] > HALF * line["before"] else ""
    share = f"{kept / line['before']:.0%} kept"
    return f"  {line['kind']:<11}{line['class']:<32} {line['before']:>8,} to {kept:>8,} rows, {share}{mark}"


def _by_step(trail: Iterable[Passed]) -> dict[str, list[Passed]]:
    out: dict[str, list[Passed]] = {}
    for one in trail:
        if one.gone:
            out.setdefault(one.step, []).append(one)
    return out


def _step(name: str, parts: Sequence[Passed], shape: Shape) -> dict[str, Any]:
    before, gone = parts[0].before, {root for part in parts for root in part.gone}
    return {"step": name, "before": len(before), "removed": len(gone), "classes": _table(shape, before, gone)}


def _table(shape: Shape, before: Sequence[int], gone: set[int]) -> list[dict[str, Any]]:
    was: Counter[Class] = shape.counts(before)
    lost = shape.counts(sorted(gone))
    table: list[dict[str, Any]] = [
        {"kind": kind, "class": name, "before": count, "removed": lost[kind, name]}
        for (kind, name), count in was.items()
    ]
    table.sort(key=lambda line: (-int(line["removed"]) / int(line["before"]), line["kind"], line["class"]))
    slices = [line for line in table if line["kind"] == "slice"]
    return [line for line in table if line["kind"] != "slice"] + slices[:SLICES_KEPT]


def _name(dataset: str) -> str:
    return f"{dataset}/curation-diff"
