"""What is protected from training, and which rows were held against it: the memory of the firewall.

A protected set is a group of evaluation items, known here by their ids and by an index of hashes that
the text layer makes and reads. An admission is one check: these rows against these sets, with every
match that was found. Both are records; nothing is ever unchecked. An item stops blocking when a person
retires it to the development pool, which is a dated claim with a reason; its matches stay known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import orjson
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger.claims import Claims
from headgate.ledger.content import Content
from headgate.ledger.nodes import Edge, Nodes

SET, ADMISSION, RETIRED = "protection", "admission", "retired"
COPY, ALIKE = "copy", "alike"  # a copy repeats an item and is refused; what is alike may be a sibling: a person looks


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedSet:
    """Items that were protected together."""

    id: str
    origin: str  # "suite:NAME" or "file:PATH"
    pool: str  # "dev", "gate", "sealed", or empty for files
    items: tuple[str, ...]  # content ids, one of each item
    rows: tuple[str, ...]  # row ids of the same items: what a row made from one names as its parent
    entries: tuple[tuple[int, str], ...]  # for each text of the index: its item, and the part of it
    index: str  # address of the hashes
    format: int  # of these hashes; what nobody can read any more is protected anew
    at: str

    @property
    def name(self) -> str:
        """As it is printed: the origin, and the pool where there is one."""
        return f"{self.origin}/{self.pool}".rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A row that matches a protected item."""

    number: int  # of the row
    item: str  # content id
    grade: str  # COPY or ALIKE
    definitions: Mapping[str, float]  # by which definitions, each with its share or similarity
    where: str = ""  # the place beside the words, such as "the reasoning of turn 2"; empty: in what turns say

    @property
    def strongest(self) -> tuple[str, float]:
        """The definition with the highest share."""
        return max(self.definitions.items(), key=lambda one: (one[1], one[0]))


class Protection:
    """The protected items of one ledger, and the admissions of its rows."""

    def __init__(self, nodes: Nodes, content: Content, claims: Claims, clock: Callable[[], datetime]) -> None:
        self._nodes, self._content, self._claims, self._clock = nodes, content, claims, clock

    def add(
        self,
        origin: str,
        pool: str,
        items: Sequence[tuple[str, str]],
        entries: Sequence[tuple[int, str]],
        index: bytes,
        part_of: Iterable[str] = (),
        *,
        format: int = 1,
    ) -> str:
        """Protects items, given as (content id, row id); returns the id of the set. `format` is that of the index."""
        listed = {"items": [list(one) for one in items], "entries": [list(one) for one in entries]}
        body = {
            "origin": origin,
            "pool": pool,
            "items": len(items),
            "list": self._content.put(canonical_json(listed)),
            "index": self._content.put(index),
            "format": format,
        }
        return self._nodes.record(
            SET, f"{origin}/{pool}".rstrip("/"), body, [Edge("member-of", one) for one in part_of]
        )

    def sets(self) -> list[ProtectedSet]:
        """Every protected set whose hashes were not erased, oldest first.

        One of an older format counts only as long as not all of its items were protected anew.
        """
        out = []
        for node in self._nodes.find(SET):
            if node.erased or not self._content.has(node.body["index"]) or not self._content.has(node.body["list"]):
                continue
            listed = orjson.loads(self._content.get(node.body["list"]))
            out.append(
                ProtectedSet(
                    id=node.id,
                    origin=node.body["origin"],
                    pool=node.body["pool"],
                    items=tuple(content for content, _ in listed["items"]),
                    rows=tuple(row for _, row in listed["items"]),
                    entries=tuple((int(item), str(part)) for item, part in listed["entries"]),
                    index=node.body["index"],
                    format=int(node.body.get("format", 1)),
                    at=node.at,
                )
            )
        newest = max((one.format for one in out), default=1)
        anew = {item for one in out if one.format == newest for item in one.items}
        return [one for one in out if one.format == newest or not anew.issuperset(one.items)]

    def index(self, one: ProtectedSet) -> bytes:
        """The hashes of a set."""
        return self._content.get(one.index)

    def retire(self, items: Iterable[str], *, name: str, reason: str) -> list[str]:
        """Records that items belong to the development pool from now on, who says so and why; returns the claims.

        Raises:
            Refused: name or reason is empty, or an item is not protected.
        """
        wanted = list(dict.fromkeys(items))
        for what, text in (("name", name), ("reason", reason)):
            if not any(sign.isalpha() for sign in text):
                raise Refused(f"retiring an item needs a {what}", found=repr(text), wanted=f'--{what} "..."')
        known = {item for one in self.sets() for item in one.items}
        if unknown := [item for item in wanted if item not in known]:
            raise Refused("not a protected item", found=", ".join(unknown[:3]), next_step="headgate curate firewall")
        now = self._clock()
        value = {"pool": "dev", "reason": reason.strip()}
        return [
            self._claims.assert_(item, RETIRED, value, source=name.strip(), observed_at=now, valid_from=now)
            for item in wanted
        ]

    def retired(self) -> frozenset[str]:
        """Content ids of the items that no longer block."""
        return frozenset(self._claims.current(RETIRED, self._clock()))

    def in_force(self) -> list[ProtectedSet]:
        """Sets with at least one item that blocks."""
        retired = self.retired()
        return [one for one in self.sets() if not retired.issuperset(one.items)]

    def state(self) -> str:
        """Address of what is protected: it changes when an item comes in or retires."""
        return digest_json([sorted(one.id for one in self.sets()), sorted(self.retired())])

    def admit(
        self, sets: Collection[str], rows: BitMap, matches: Sequence[Match], common: Mapping[str, bytes] | None = None
    ) -> str:
        """Records one check of rows against sets: all its matches, and what it found to be boilerplate, by set."""
        lines = [
            [m.number, m.item, m.grade, {k: round(v, 4) for k, v in m.definitions.items()}, *filter(None, [m.where])]
            for m in matches
        ]
        body = {
            "sets": sorted(sets),
            "rows": self._content.put(rows.serialize()),
            "checked": len(rows),
            "matched": len({m.number for m in matches}),
            "matches": self._content.put(canonical_json(lines)) if lines else "",
            "common": {one: self._content.put(data) for one, data in sorted((common or {}).items())},
        }
        return self._nodes.record(ADMISSION, "firewall", body, [Edge("judged-by", one) for one in sorted(sets)])

    def checked(self) -> dict[str, BitMap]:
        """For each set the rows that were held against it."""
        out: dict[str, BitMap] = {}
        for node in self._nodes.find(ADMISSION):
            rows = BitMap.deserialize(self._content.get(node.body["rows"]))
            for one in node.body["sets"]:
                out[one] = out.get(one, BitMap()) | rows
        return out

    def common(self, one: str) -> list[bytes]:
        """What checks against a set found to be boilerplate."""
        found = [node.body["common"].get(one) for node in self._nodes.find(ADMISSION)]
        return [self._content.get(address) for address in dict.fromkeys(found) if address]

    def matches(self, rows: BitMap) -> list[Match]:
        """Every recorded match of some rows, retired items included; of one row and item the last check's."""
        found: dict[tuple[int, str], Match] = {}
        for node in self._nodes.find(ADMISSION):
            if not node.body["matches"]:
                continue
            for number, item, grade, definitions, *where in orjson.loads(self._content.get(node.body["matches"])):
                if number in rows:
                    found[number, item] = Match(
                        number=number, item=item, grade=grade, definitions=definitions, where="".join(where)
                    )
        return [found[key] for key in sorted(found)]

    def must_be_admitted(self, rows: BitMap, trained: BitMap, name: str) -> None:
        """Holds the gate: every row was held against every protected item, and none that is trained on copies one.

        Raises:
            Refused: a row was never checked, or copies a protected item.
        """
        sets = self.in_force()
        if not sets:
            return
        checked = self.checked()
        unchecked = rows - reduce(BitMap.intersection, (checked.get(one.id, BitMap()) for one in sets))
        step = "headgate curate"
        if unchecked:
            raise Refused(
                f"rows of {name} were never held against the protected items",
                found=f"{len(unchecked):,} of {len(rows):,} rows, {len(sets)} protected sets",
                wanted="an admission of every row before it enters a dataset version",
                next_step=step,
            )
        retired = self.retired()
        found = self.matches(trained)
        refused = {match.number for match in found if match.grade == COPY and match.item not in retired}
        if refused:
            raise Refused(
                f"rows of {name} copy protected items",
                found=f"{len(refused):,} of {len(trained):,} rows, such as row number {min(refused)}",
                next_step=step,
            )
