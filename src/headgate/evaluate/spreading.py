"""Items spread over the pools of a suite: by cluster, by person and by time, and so that no item ever moves.

Rows that share a group, a conversation, a person, an opening turn or nearly their words hang together and go to one
pool. Which one depends on nothing but themselves, or on the newest of them where the suite says from when on items
are gate or sealed items. An item that has a pool keeps it: rows that come later join the pool of what they hang
together with, and a row that would join two pools is left out, because what one of them has shown the other must not
judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from headgate.evaluate.extractors import normalised
from headgate.evaluate.pools import cluster_of, pool_of
from headgate.evaluate.settings import POOLS
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.rows.row import Row
from headgate.text.clusters import components
from headgate.text.near_duplicates import near_duplicate_pairs

CLOSE = 0.8  # likeness of two questions from which on they hang together; lower, whole topics are one cluster
NAMES = ("group", "conversation", "user", "subject")


@dataclass(frozen=True, slots=True)
class Spread:
    """Where rows went."""

    pools: tuple[str, ...]  # of each row; empty: left out, it joins two pools
    clusters: int

    @property
    def bridges(self) -> list[int]:
        """Rows that were left out."""
        return [place for place, pool in enumerate(self.pools) if not pool]


def keys_of(row: Row, *, subjects: bool = True) -> Iterator[str]:
    """Everything that rows of one cluster may share: groups, people, the opening turn, the question itself.

    Without `subjects`, of the people only those who typed a row.
    """
    for name in NAMES if subjects else NAMES[:-1]:
        if value := getattr(row.side, name):
            # The person who typed a row and the one it is about are one person under either key.
            yield f"{'person' if name in NAMES[2:] else name}:{value}"
    opening = next((message.content for message in row.prompt if message.role == "user"), row.prompt_text)
    yield "opening:" + digest(normalised(opening).encode())
    yield "question:" + digest(normalised(row.prompt_text).encode())


def spread(
    suite: str,
    rows: Sequence[Row],
    shares: Mapping[str, float],
    since: Mapping[str, str],
    known: Mapping[str, str] | None = None,
) -> Spread:
    """The pool of each row; `known` are pools of items that were spread before, by content id.

    Raises:
        Refused: pools are told by time, and a row does not say when it was made.
    """
    if not rows:
        return Spread((), 0)
    cluster = clusters_of(rows)
    moments = _moments(suite, rows) if since else None
    members: dict[int, list[int]] = {}
    for place, number in enumerate(cluster):
        members.setdefault(number, []).append(place)
    pools = [""] * len(rows)
    for places in members.values():
        held = {known[rows[i].content_id] for i in places if known and rows[i].content_id in known}
        if moments is not None and not held:
            held = {_by_time(max(moments[i] for i in places), since)}
        fresh = held or {pool_of(suite, min(cluster_of(rows[i]) for i in places), shares)}
        for i in places:
            own = known.get(rows[i].content_id) if known else None
            pools[i] = own or (next(iter(fresh)) if len(fresh) == 1 else "")
    return Spread(tuple(pools), len(members))


def clusters_of(rows: Sequence[Row]) -> list[int]:
    """The cluster of each row, by number."""
    left, right = [], []
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        for key in keys_of(row):
            other = first.setdefault(key, place)
            if other != place:
                left.append(other)
                right.append(place)
    pairs = near_duplicate_pairs([normalised(row.prompt_text) for row in rows], threshold=CLOSE, short_threshold=CLOSE)
    ends = (
        np.concatenate([np.array(some, dtype=np.int64), more])
        for some, more in ((left, pairs.left), (right, pairs.right))
    )
    return [int(one) for one in components(len(rows), *ends)]


def must_be_moments(since: Mapping[str, str]) -> None:
    """Refuses pools by time that are not in order.

    Raises:
        Refused: an unknown pool, a text that is no moment, or sealed items that begin before gate items.
    """
    if unknown := sorted(set(since) - set(POOLS[1:])):
        raise Refused("pools by time", found=unknown[0], wanted="gate, sealed or both")
    moments = [parse_moment(since[name]) for name in POOLS[1:] if name in since]
    if moments != sorted(moments):
        raise Refused("sealed items begin before gate items", found=str(dict(since)), wanted="the newest items sealed")


def _by_time(newest: datetime, since: Mapping[str, str]) -> str:
    reached = [name for name in POOLS if name in since and newest >= parse_moment(since[name])]
    return reached[-1] if reached else POOLS[0]


def _moments(suite: str, rows: Sequence[Row]) -> list[datetime]:
    out = []
    for row in rows:
        if not row.side.created_at:
            file, line = (row.place.file, row.place.line) if row.place else (None, None)
            raise Refused(
                f"suite {suite!r}: an item without a time", file=file, line=line,
                wanted="created_at in every item, because evaluate.suites.NAME.since tells pools by time",
            )  # fmt: skip
        out.append(parse_moment(row.side.created_at))
    return out
