"""Three pools of one suite: development, gate and sealed.

Development items may be read and mined. Of gate items only scores are reported. Sealed items answer
with a word, through a Ladder, and every look is counted. Adding items never moves old ones, and items
of one group or person never stand on both sides (`spreading`).

Local sealing keeps sealed items out of reports, prompts and habits, and makes looks auditable.
Whoever holds the files can still read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from headgate.evaluate.extractors import normalised
from headgate.evaluate.settings import POOLS
from headgate.kit.hashing import digest
from headgate.rows.row import Row
from headgate.rules.firewall import Protected
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Place, Verdict
from headgate.text.clusters import components

KINDS = ("group", "conversation", "user")  # what makes items belong together


@dataclass(frozen=True, kw_only=True)
class Item:
    """One evaluation item."""

    id: str  # content address of its row
    suite: str
    pool: str
    messages: tuple[Mapping[str, str], ...]  # as the model is to see them, before system message and examples
    question: str  # what the people in the item say
    target: str
    cluster: str  # items with the same one are not independent
    place: Place | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    row: str = ""  # id of its row, side data included: what a row made from the item names as its parent
    keys: tuple[str, ...] = ()  # everything that it may share with other items: groups, people, opening turn, question
    context: str = ""  # text that holds what answers it, where the file has a column `context`
    reasoning: str = ""  # what is thought before the answer, where the file has it apart
    calls: str = ""  # texts among the arguments of its tool calls


def guarded(item: Item) -> Protected:
    """What the firewall protects of an item."""
    return Protected(
        content=item.id,
        row=item.row,
        question=item.question,
        answer=item.target,
        reasoning=item.reasoning,
        calls=item.calls,
    )


def cluster_of(row: Row) -> str:
    """What makes items belong together: group, conversation or user where known, else the question itself."""
    for kind in KINDS:
        if value := getattr(row.side, kind):
            return f"{kind}:{value}"
    return "question:" + digest(normalised(row.prompt_text).encode())


def clusters_of_items(rows: Sequence[Row]) -> list[str]:
    """The cluster of each row: `cluster_of`, and one for all that share a group, a conversation or a user.

    A person with many conversations is one cluster, and not as many as conversations: error bars go by people.
    """
    first: dict[str, int] = {}
    left, right = [], []
    for place, row in enumerate(rows):
        for kind in KINDS:
            if value := getattr(row.side, kind):
                other = first.setdefault(f"{kind}:{value}", place)
                if other != place:
                    left.append(other)
                    right.append(place)
    joined = components(len(rows), np.array(left, dtype=np.int64), np.array(right, dtype=np.int64))
    names: dict[int, str] = {}
    own = [cluster_of(row) for row in rows]
    for number, name in zip(joined.tolist(), own, strict=True):
        names[number] = min(name, names.get(number, name))
    return [names[number] for number in joined.tolist()]


def pool_of(suite: str, cluster: str, shares: Mapping[str, float]) -> str:
    """The pool of a cluster: a hash of suite and cluster, cut by the shares."""
    total = sum(shares.values())
    place = int(digest(f"{suite}\0{cluster}".encode())[3:19], 16) / 2**64 * total
    for name in POOLS:
        share = shares.get(name, 0.0)
        if place < share:
            return name
        place -= share
    return max(POOLS, key=lambda name: shares.get(name, 0.0))


def judge_apart(items: Sequence[Item]) -> Verdict:
    """Whether no item's group, person or question stands in two pools: what dev has seen, sealed cannot judge."""
    first: dict[tuple[str, str], Item] = {}
    findings = []
    for item in sorted(items, key=lambda one: POOLS.index(one.pool)):
        told = {item.cluster, "question:" + digest(normalised(item.question).encode()), *item.keys}
        keys = {(item.suite, key) for key in told}
        other = next((first[key] for key in sorted(keys) if key in first and first[key].pool != item.pool), None)
        for key in keys:
            first.setdefault(key, item)
        if other is not None:
            message = f"stands in pool {item.pool}; its question, group or person is in pool {other.pool} too"
            finding = Finding(
                message=message,
                place=item.place,
                row=item.id,
                other=other.place,
                other_row=other.id,
                remedy="drop",
            )
            findings.append(finding)
    count, total = len(findings), len(items)
    return judge_share(
        count,
        total,
        name="items in two pools",
        summary=f"{count:,} of {total:,} items stand in more than one pool",
        zero_tolerance=True,
        findings=findings,
        next_step="take them out of all pools but one" if findings else "",
    )
