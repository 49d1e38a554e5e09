"""Takes logs of other tools into the ledger: one arm of one pool, marked as imported, with who and when.

A sample that ended in an error, was cut off or came back empty is no score. An item that was asked
several times is averaged first; where one of its answers has no score, the item has none. Items are
known by their question and target, never by their place in the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.evaluate.comparing import Arm
from headgate.evaluate.extractors import normalised
from headgate.evaluate.logs.detecting import open_log
from headgate.evaluate.logs.shape import Entry, Log, Wanted
from headgate.evaluate.pools import Item, guarded
from headgate.evaluate.recording import facts_of
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import POOLS
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest, digest_json, short
from headgate.kit.people import Person
from headgate.ledger.ledger import Edge, Ledger
from headgate.rows.row import Kind, Message, Row
from headgate.rules.firewall import protect

ARMS = ("base", "few-shot", "candidate")
OPEN_POOLS = ("gate", "dev")
SCORED = (Mark.PASS, Mark.FAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An arm that was imported."""

    node: str
    arm: Arm
    log: Log
    repeats: int  # answers beyond the first of an item
    alike: int  # items that the log counts apart and whose question and target are the same
    known: bool  # the same log was imported before

    def as_json(self) -> dict[str, Any]:
        """For reports."""
        return {
            "score": self.node,
            "suite": self.arm.suite,
            "pool": self.arm.pool,
            "arm": self.arm.name,
            "model": self.arm.model,
            **facts_of(self.arm),
            "repeats": self.repeats,
            "same_question": self.alike,
            "known": self.known,
            "log": self.log.about(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What an imported log is to be evidence of."""

    arm: str
    suite: str = ""  # empty: the task of the log
    pool: str = "gate"
    adapter: str = ""  # node of the adapter that a person says was evaluated

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise Refused("no such arm", found=repr(self.arm), wanted=", ".join(ARMS))
        if self.pool == "sealed":
            raise Refused("a sealed pool cannot be imported", found="whoever has the log has read its items",
                          wanted="--pool gate or --pool dev")  # fmt: skip
        if self.pool not in OPEN_POOLS:
            raise Refused("no such pool", found=repr(self.pool), wanted="gate or dev")
        if self.adapter and self.arm != "candidate":
            raise Refused("only a candidate is an adapter", found=f"--adapter with --arm {self.arm}")


def take(ledger: Ledger, files: Sequence[Path], wanted: Wanted, purpose: Purpose, person: Person) -> Taken:
    """Reads the logs of one arm and records them as one score node.

    Raises:
        Refused: a file is no whole log, logs of one arm are of different models, tasks or metrics, or the log
            has no item twice over.
    """
    logs = _distinct([open_log(path, wanted) for path in files])
    log = _as_one(logs)
    entries = [entry for one in logs for entry in _whole(one)]
    if not entries:
        raise Refused("a log without samples", file=log.file)
    suite = purpose.suite or log.task
    if not suite:
        raise Refused("a log without a task", file=log.file, next_step="--suite NAME")
    groups = _grouped(entries, log)
    items = tuple(_item(group[0], suite, purpose.pool) for group in groups.values())
    scored = tuple(_folded(group) for group in groups.values())
    outcomes = {
        item.id: _told(item, one, group) for item, one, group in zip(items, scored, groups.values(), strict=True)
    }
    arm = Arm(
        name=purpose.arm, suite=suite, pool=purpose.pool, items=items, scored=scored, model=log.model or "not told",
        transcript=digest_json(outcomes),
    )  # fmt: skip
    alike = sum(len({entry.key for entry in group}) - 1 for group in groups.values())
    with ledger.transaction():
        before = {node.id for node in ledger.find("score", f"{suite}/{purpose.pool}/{purpose.arm}")}
        node = _record(ledger, arm, log, outcomes, purpose, person)
    return Taken(node=node, arm=arm, log=log, repeats=len(entries) - len(items), alike=alike, known=node in before)


def _distinct(logs: Sequence[Log]) -> list[Log]:
    """Each log once: a results file and its samples file name the same log."""
    found: dict[str, Log] = {}
    for one in logs:
        found.setdefault(one.files[one.file], one)
    return list(found.values())


def _as_one(logs: Sequence[Log]) -> Log:
    first = logs[0]
    for one in logs[1:]:
        for name in ("format", "task", "model", "metric", "task_version", "sampling", "shots", "manner"):
            if getattr(one, name) != getattr(first, name):
                raise Refused(f"logs of one arm differ in their {name.replace('_', ' ')}", file=one.file,
                              found=f"{getattr(one, name)}, and {getattr(first, name)} in {first.file}",
                              next_step="import them as arms of their own")  # fmt: skip
    return replace(first, files={name: address for one in logs for name, address in one.files.items()})


def _whole(log: Log) -> list[Entry]:
    """The entries, once no sample stands twice.

    Raises:
        Refused: two samples have one id and one number of repeat.
    """
    found: dict[tuple[str, int], Entry] = {}
    for entry in log.entries:
        if other := found.get((entry.key, entry.repeat)):
            raise Refused("an item stands twice in a log", file=log.file,
                          found=f"{entry.key!r}, repeat {entry.repeat}, at {other.where} and {entry.where}",
                          wanted="each repeat of an item once")  # fmt: skip
        found[entry.key, entry.repeat] = entry
    return list(found.values())


def _grouped(entries: Iterable[Entry], log: Log) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if not entry.question.strip():
            raise Refused("a sample without its question", file=log.file, found=entry.where,
                          wanted="questions: items of two arms are matched by them",
                          next_step="evaluate again with the samples logged whole")  # fmt: skip
        groups.setdefault(digest_json([normalised(entry.question), entry.target]), []).append(entry)
    return groups


def _item(entry: Entry, suite: str, pool: str) -> Item:
    turns = [Message("user", entry.question)]
    if entry.target.strip():
        turns.append(Message("assistant", entry.target))
    row = Row(kind=Kind.DEMONSTRATION, messages=tuple(turns))
    question = "question:" + digest(normalised(entry.question).encode())
    return Item(
        id=row.content_id, suite=suite, pool=pool, messages=({"role": "user", "content": entry.question},),
        question=entry.question, target=entry.target, cluster=entry.cluster or question, row=row.id,
    )  # fmt: skip


def _folded(group: Sequence[Entry]) -> Scored:
    """One ending of all answers to an item."""
    without = [entry for entry in group if entry.mark not in SCORED]
    if without:
        mark = Mark.UNSCORED if any(one.mark is Mark.UNSCORED for one in without) else Mark.ERROR
        reason = Counter(one.reason for one in without).most_common(1)[0][0]
        return Scored(mark, reason if len(group) == 1 else f"{reason}, in {len(without)} of {len(group)} answers")
    value = sum(entry.value or 0.0 for entry in group) / len(group)
    answer = group[0].answer if len(group) == 1 else ""
    return Scored(Mark.PASS if value >= 0.5 else Mark.FAIL, "", answer, value)


def _told(item: Item, scored: Scored, group: Sequence[Entry]) -> dict[str, Any]:
    """What is kept of an item: addresses and an ending, no words."""
    told: dict[str, Any] = {
        "mark": scored.mark.value,
        "question": digest(normalised(item.question).encode()),
        "target": digest(item.target.encode()),
    }
    if scored.mark in SCORED and scored.value not in (0.0, 1.0):
        told["value"] = scored.value
    if scored.reason:
        told["reason"] = scored.reason
    if not item.cluster.startswith("question:"):
        told["cluster"] = digest(item.cluster.encode())
    if all(entry.prompt for entry in group):
        told["prompt"] = digest_json(sorted({entry.prompt for entry in group}))
    if len(group) > 1:
        told["repeats"] = len(group)
    return told


def _record(
    ledger: Ledger, arm: Arm, log: Log, outcomes: dict[str, Any], purpose: Purpose, person: Person
) -> str:  # fmt: skip
    pools = {pool: sorted(outcomes) if pool == arm.pool else [] for pool in POOLS}
    body = {"suite": arm.suite, "pools": pools, "digests": {arm.pool: digest_json(pools)}, "imported": log.format}
    suite = ledger.record("suite", arm.suite, body)
    protect(ledger, f"suite:{arm.suite}", map(guarded, arm.items), pool=arm.pool, suite=suite)
    # An item that the ledger knows no cluster of is one of its own.
    for item in (one for one in arm.items if not one.cluster.startswith("question:")):
        told = {"row": item.id, "suite": arm.suite, "pool": arm.pool, "cluster": digest(item.cluster.encode())}
        ledger.record("item", f"{arm.suite}/{arm.pool}", told, edges=[Edge("member-of", suite)])
    endings = {item: one["mark"] for item, one in outcomes.items()}
    kept = {
        "suite": suite, "pool": arm.pool, "arm": arm.name, "model": arm.model, "versions": [], "prompt": "",
        "n": len(arm.items), "transcript": arm.transcript, "counts": arm.counts, "coverage": arm.coverage,
        "accuracy": arm.accuracy(), "outcomes": ledger.content.put(canonical_json(endings)),
        "answers": ledger.content.put(canonical_json(outcomes)),
        "imported": {**log.about(), **person.as_json(), "adapter": purpose.adapter},
    }  # fmt: skip
    edges = [Edge("judged-by", suite)]
    if purpose.adapter:
        edges.append(Edge("derived-from", purpose.adapter))
    return ledger.record("score", f"{arm.suite}/{arm.pool}/{arm.name}", kept, edges=edges)


def adapter_named(ledger: Ledger, name: str) -> str:
    """The node of an adapter by id or name; `latest` is the one that was recorded last.

    Raises:
        Refused: there is none, or the name is that of something else.
    """
    if name == "latest":
        adapters = ledger.find("adapter")
        if not adapters:
            raise Refused("no adapter is recorded", next_step="headgate train")
        return adapters[-1].id
    node = ledger.node(name)
    if node.kind != "adapter":
        raise Refused("not an adapter", found=f"{node.kind} {node.name}", wanted="an adapter")
    return node.id


def lines(taken: Taken) -> list[str]:
    """What a person is told of an import."""
    arm, counts, log = taken.arm, taken.arm.counts, taken.log
    n = len(arm.items)
    told = [
        f"{arm.suite}, {arm.pool}: {arm.name}, {n:,} items from {log.format}, {short(taken.node)}"
        + (" (known already)" if taken.known else ""),
        f"  model {arm.model}; task {log.task} {log.task_version}; metric {log.metric}",
        "  " + ", ".join(f"{count:,} {name}" for name, count in counts.items() if count),
    ]
    told += [f"  {count:,} x {reason}" for reason, count in arm.reasons.items()]
    if taken.repeats:
        told.append(f"  {taken.repeats:,} more answers to the same items, averaged item by item")
    if taken.alike:
        told.append(f"  {taken.alike:,} of them stand in the log as items of their own with the same question")
    return told
