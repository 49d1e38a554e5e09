"""Looks at evaluation items as rules are told of them: what was scored on which items, when, under which instructions.

The lines of an access log of sealed pools are looks too: only the line that opened a look counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused

LOOKS = "looks"  # the input that they are
KEYS = ("at", "suite", "candidate", "instructions", "items", "score")
LOGGED = ("time", "candidate", "suite", "look", "answer")  # keys that a line of the access log has
OPENED = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One candidate on the items of one pool."""

    at: datetime
    suite: str  # names the pool: the same name, the same items
    candidate: str  # fingerprint, name or version of what was scored
    instructions: str = ""  # text or digest; empty: not told
    items: frozenset[str] = frozenset()  # addresses, where they are known; pools that share one are one pool
    score: float | None = None  # as it was shown, where it was

    @classmethod
    def of(cls, told: Mapping[str, Any] | Look) -> Look | None:
        """From a JSON object; None for a line of an access log that opens nothing.

        Raises:
            Refused: a key is missing or unknown, or the moment is not ISO 8601.
        """
        if isinstance(told, Look):
            return told
        if all(key in told for key in LOGGED):
            if told["answer"] != OPENED:
                return None
            shown = dict(told.get("detail") or {})
            moment, instructions = parse_moment(str(told["time"])), str(shown.get("instructions", ""))
            return cls(at=moment, suite=told["suite"], candidate=told["candidate"], instructions=instructions)
        unknown = sorted(set(told) - set(KEYS))
        missing = [key for key in KEYS[:3] if not told.get(key)]
        if unknown or missing:
            found = ", ".join([*unknown, *(f"no {key}" for key in missing)])
            raise Refused("not a look", found=found, wanted="at, suite, candidate, and instructions, items, score")
        return cls(
            at=parse_moment(str(told["at"])),
            suite=str(told["suite"]),
            candidate=str(told["candidate"]),
            instructions=str(told.get("instructions") or ""),
            items=frozenset(map(str, told.get("items") or ())),
            score=None if told.get("score") is None else float(told["score"]),
        )


def looks_of(told: Iterable[Any]) -> list[Look]:
    """The input `looks` in the order of time."""
    found = [look for look in map(Look.of, told) if look is not None]
    return sorted(found, key=lambda look: look.at)


def by_pool(looks: Iterable[Look]) -> list[list[Look]]:
    """Looks at the same items together: of one name, or sharing an item."""
    pools: list[tuple[set[str], set[str], list[Look]]] = []  # names, items, looks
    for look in looks:
        kin = [pool for pool in pools if look.suite in pool[0] or pool[1] & look.items]
        names, items, held = {look.suite}, set(look.items), list[Look]()
        for pool in kin:
            names |= pool[0]
            items |= pool[1]
            held += pool[2]
        pools = [pool for pool in pools if not any(pool is one for one in kin)]
        pools.append((names, items, sorted([*held, look], key=lambda one: one.at)))
    return sorted((held for _, _, held in pools), key=lambda held: (held[0].at, held[0].suite))
