"""What a ledger remembers of access logs: of this project's log that it is whole, of all others their looks.

Several projects may share a ledger, each with an access log in its own folder. A log is known by the hash of its first
entry. A look at a pool counts in every project whose pool shares an item with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.evaluate.access_log import OPENED, AccessLog, Entry
from headgate.ledger.ledger import Ledger

KIND, HEAD = "trace", "access-log"  # of the ledger's nodes that remember a head


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An entry of another project's log: what it said of a pool, not what it showed."""

    suite: str
    look: str
    answer: str
    bits: float


@dataclass(frozen=True, slots=True)
class Heads:
    """What the ledger remembers, seen from one log."""

    own: tuple[int, str] | None  # number and hash of the last entry
    others: tuple[Elsewhere, ...]
    missing: tuple[str, ...]  # logs of this flow that are not the one at hand

    def problems(self, log: AccessLog) -> list[str]:
        """What is wrong with the log, by its own chain and by what is remembered of it."""
        return [*self.missing, *log.problems(self.own)]

    def looks(self, pool: str) -> list[str]:
        """Looks that other projects opened at a pool, in order."""
        return list(dict.fromkeys(one.look for one in self.others if one.suite == pool and one.answer == OPENED))

    def prices(self, pools: Iterable[str]) -> list[float]:
        """Bits of what other projects were told about pools."""
        known = set(pools)
        return [one.bits for one in self.others if one.suite in known]


def heads_of(ledger: Ledger, log: AccessLog, flow: str) -> Heads:
    """Reads the heads of all logs on a ledger; a head of this flow that belongs to another log is a break."""
    mine = _name(log)
    bodies = [node.body for node in ledger.find(KIND, HEAD)]

    def is_own(body: Mapping[str, Any]) -> bool:
        # A head that names no log was written when a ledger had only one; a log that is gone is told by its flow.
        return "log" not in body or (body["log"] == mine if mine else body["flow"] == flow)

    own, others = [one for one in bodies if is_own(one)], [one for one in bodies if not is_own(one)]
    lost: dict[str, int] = {}
    for one in others:
        if one["flow"] == flow:
            lost[one["log"]] = max(lost.get(one["log"], 0), int(one["seq"]))
    missing = [
        f"the ledger remembers {n} entries of this flow, {flow}, in a log that is not here" for n in lost.values()
    ]
    return Heads(
        own=max(((int(one["seq"]), str(one["hash"])) for one in own), default=None),
        others=tuple(Elsewhere(one["suite"], one["look"], one["answer"], float(one["bits"])) for one in others),
        missing=tuple(missing),
    )


def remember(ledger: Ledger, log: AccessLog, entry: Entry, flow: str) -> None:
    """Records the newest entry of a log: its place in the chain, and what it gave away."""
    body: dict[str, Any] = {name: getattr(entry, name) for name in ("seq", "hash", "suite", "look", "answer", "bits")}
    ledger.record(KIND, HEAD, {**body, "log": _name(log), "flow": flow})


def _name(log: AccessLog) -> str:
    entries: Sequence[Entry] = log.entries
    return entries[0].hash if entries else ""
