"""Counts over the rows of a version: who is in it, what the rows are, who wrote them. No text is kept."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import orjson
from pyroaring import BitMap
from sqlalchemy import select

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.ledger import schema
from headgate.ledger.ledger import Ledger
from headgate.rights.evidence.facts import RowFacts
from headgate.rights.evidence.shielding import PEOPLE, Shield, consent, languages


class Tally:
    """What is counted while rows pass by."""

    def __init__(self) -> None:
        self.readable = self.size = self.synthetic = self.dated = 0
        self.kinds: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.generators: Counter[str] = Counter()
        self.licences: Counter[str] = Counter()
        self.first = self.last = ""

    def add(self, body: bytes) -> None:
        """Counts one row."""
        row = orjson.loads(body)
        side: dict[str, Any] = row.get("side", {})
        self.readable += 1
        self.size += len(body)
        self.kinds[str(row.get("kind", ""))] += 1
        for name, counts in (("language", self.languages), ("licence", self.licences), ("generator", self.generators)):
            if side.get(name):
                counts[str(side[name])] += 1
        self.synthetic += bool(side.get("generator")) or bool(side.get("depth"))
        if day := _day(side.get("created_at")):
            self.dated += 1
            self.first = min(self.first or day, day)
            self.last = max(self.last, day)

    def take(self, other: Tally) -> None:
        """Adds what another counted."""
        self.readable += other.readable
        self.size += other.size
        self.synthetic += other.synthetic
        self.dated += other.dated
        self.kinds.update(other.kinds)
        self.languages.update(other.languages)
        self.generators.update(other.generators)
        self.licences.update(other.licences)
        self.first = min(filter(None, (self.first, other.first)), default="")
        self.last = max(self.last, other.last)


def tally(ledger: Ledger, numbers: BitMap) -> Tally:
    """Counts over some rows."""
    out = Tally()
    for _, _, body in ledger.rows.bodies(numbers):
        out.add(body)
    return out


def row_facts(ledger: Ledger, numbers: BitMap, counted: Tally, at: datetime, shield: Shield) -> RowFacts:
    """What the rows of a version are; `counted` is the tally over them."""
    about = _subjects(ledger, numbers)
    people = set(about)
    claims = ledger.claims.current("consent", at)
    said = Counter(consent(str(claims[PEOPLE + key].value)) for key in people if PEOPLE + key in claims)
    return RowFacts(
        readable=counted.readable,
        erased=len(numbers) - counted.readable,
        size=counted.size,
        about_people=sum(about.values()),
        people=len(people),
        consent=dict(sorted(said.items())),
        kinds=shield.names(counted.kinds),
        languages=languages(counted.languages),
        generators=shield.names(counted.generators),
        synthetic=counted.synthetic,
        first=counted.first,
        last=counted.last,
        dated=counted.dated,
    )


def _subjects(ledger: Ledger, numbers: BitMap) -> Counter[str]:
    """Rows of each person among some rows."""
    table = schema.rows.c
    query = select(table.number, table.subject).where(table.subject.is_not(None))
    with ledger.snapshot() as connection:
        return Counter(row.subject for row in connection.execute(query) if row.number in numbers)


def _day(text: Any) -> str:
    if not isinstance(text, str) or not text:
        return ""
    try:
        return parse_moment(text).date().isoformat()
    except Refused:
        return ""
