"""Who and what has seen items that decide: a person, a report, an endpoint, a prompt.

An exposed item still scores; what it has shown may come back as training rows, as a prompt that was tuned to it, or as
the training set of whoever keeps what is sent to their endpoint. So every exposure is recorded with when and to whom,
and every evaluation says how many of its items were seen and by whom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from headgate.evaluate.comparing import named
from headgate.evaluate.suites import Suite
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Level, Verdict

KIND, NAME = "trace", "exposure"
PERSON, REPORT, ENDPOINT, PROMPT = HOW = ("person", "report", "endpoint", "prompt")
RULE, FAILURE = "item-exposure", "self-leak"
DEV, DECIDING = "dev", ("gate", "sealed")
MINED = "mined"  # derived and never recorded: the item was asked as a development item
WORDS = {
    PERSON: "shown to", REPORT: "named in", ENDPOINT: "sent to", PROMPT: "in the prompt of",
    MINED: "a development item of",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Items that were seen together."""

    how: str
    where: str  # person, file, host or suite
    items: frozenset[str]  # content ids
    at: str  # ISO 8601
    seq: int  # of its entry in the ledger
    note: str = ""

    @property
    def told(self) -> str:
        """In a few words."""
        return f"{WORDS[self.how]} {self.where}"


def expose(ledger: Ledger, items: Iterable[str], *, how: str, where: str, note: str = "") -> str | None:
    """Records that items were seen; None where there are none. The same again adds nothing.

    Raises:
        Refused: it is not said who or what saw them.
    """
    mine = sorted(set(items))
    if not where.strip():
        raise Refused("an exposure without a name", wanted="the person, file or host that saw the items")
    if not mine:
        return None
    body = {"how": how, "where": where.strip(), "n": len(mine), "note": note.strip()}
    with ledger.transaction():
        return ledger.record(KIND, NAME, {**body, "items": ledger.content.put(canonical_json(mine))})


def exposures(ledger: Ledger) -> list[Exposure]:
    """Every exposure on record, oldest first."""
    out = []
    for node in ledger.find(KIND, NAME):
        if node.erased or not ledger.content.has(node.body["items"]):
            continue
        items = frozenset(orjson.loads(ledger.content.get(node.body["items"])))
        told = {key: str(node.body[key]) for key in ("how", "where", "note")}
        out.append(Exposure(items=items, at=node.at, seq=node.seq, **told))
    return out


def seen_elsewhere(ledger: Ledger, flow: str) -> list[str]:
    """Exposures that no evaluation of the flow and no page of it recorded itself: who was shown items, and how many."""
    return [
        f"{one.told}: {len(one.items)} ({one.seq})"
        for one in exposures(ledger)
        if one.how not in (ENDPOINT, PROMPT) and (one.how, one.where) != (REPORT, f"{flow}.html")
    ]


def mined(ledger: Ledger) -> list[Exposure]:
    """One for each suite whose development pool held items: what was answered to them was in a file, item by item.

    Items that were moved into a deciding pool since, by another file name or by another share, count as seen.
    """
    stood: dict[str, dict[str, Node]] = {}
    for node in ledger.find("item"):
        if not node.erased and node.body.get("pool") == DEV and "row" in node.body:
            stood.setdefault(str(node.body["suite"]), {}).setdefault(str(node.body["row"]), node)
    return [
        Exposure(how=MINED, where=suite, items=frozenset(some), at=first.at, seq=first.seq)
        for suite, some in stood.items()
        for first in (min(some.values(), key=lambda one: one.seq),)
    ]


def host_of(spec: str) -> str:
    """The host of an endpoint; empty for a model that runs here."""
    return "" if spec.startswith("local:") else urlsplit(spec).hostname or ""


def sent(ledger: Ledger, spec: str, items: Iterable[str], own: Collection[str]) -> None:
    """Records that items were sent to an endpoint, unless its host is one of those that keep nothing."""
    host = host_of(spec)
    if host and host not in own:
        expose(ledger, items, how=ENDPOINT, where=host)


def named_items(ledger: Ledger, rows: Iterable[str]) -> set[str]:
    """Those of some row ids and content ids that are items which decide, by content id."""
    wanted, found = set(rows), set[str]()
    if not wanted:
        return found
    for one in ledger.protection.sets():
        if one.pool in DECIDING:
            found |= {item for item, row in zip(one.items, one.rows, strict=True) if wanted & {item, row}}
    return found


def judge_exposure(ledger: Ledger, suites: Sequence[Suite]) -> list[Verdict]:
    """One warning for each suite: how many of its gate and sealed items were seen, and by whom."""
    known = [*exposures(ledger), *mined(ledger)]
    out = []
    for suite in suites:
        mine = {item.id: item for pool in DECIDING for item in suite.pools[pool]}
        if not mine:
            continue
        seen: dict[str, list[Exposure]] = {}
        for one in known:
            for item in one.items & mine.keys():
                seen.setdefault(item, []).append(one)
        by = Counter(told for some in seen.values() for told in {one.told for one in some})
        findings = [
            Finding(
                message=f"item of pool {mine[item].pool}: {some[0].told}, {some[0].at[:10]}",
                place=mine[item].place, row=item, remedy="review",
            )
            for item, some in sorted(seen.items())
        ]  # fmt: skip
        which = ", ".join(f"{count:,} {told}" for told, count in by.most_common(3))
        verdict = judge_share(
            len(seen),
            len(mine),
            name="items that were seen",
            summary=f"{suite.name}: {len(seen):,} of {len(mine):,} gate and sealed items were seen"
            + (f": {which}" if which else ""),
            zero_tolerance=True,
            findings=findings,
            next_step=_step(suite, seen) if seen else "",
            details={"suite": suite.name, "by": dict(by)},
        )
        out.append(named(verdict, RULE, FAILURE, Level.WARN))
    return out


def _step(suite: Suite, seen: Mapping[str, Sequence[Exposure]]) -> str:
    hosts = sorted({one.where for some in seen.values() for one in some if one.how == ENDPOINT})
    if hosts and len(seen) == sum(any(one.how == ENDPOINT for one in some) for some in seen.values()):
        return f'evaluate.own-endpoints = ["{hosts[0]}"] if nothing is kept there; else fresh items in time'
    return f"retire them and bring fresh ones: headgate evaluate pools replace {suite.name} --help"
