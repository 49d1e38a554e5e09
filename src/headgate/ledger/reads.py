"""Who read what: one record for each command that shows or exports the content of rows about people.

A record holds who, when, with which command and for what; the numbers of the rows as a bitmap in the content of the
ledger, and the people by addresses that only this ledger makes. It is a record like any other: append-only, and in the
chain that `ledger verify` proves. Whoever opens the database with another program is not seen here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyroaring import BitMap
from sqlalchemy import select

from headgate.kit.clock import parse_moment
from headgate.kit.errors import HeadgateError, Refused
from headgate.kit.people import acting, plain_name
from headgate.ledger import schema
from headgate.ledger.among import among, parts
from headgate.ledger.claims import Moment
from headgate.ledger.ledger import Ledger
from headgate.ledger.roles import LOGGED, PERSONAL, in_force, key_address, record_refusal, require

KIND, NAME = "trace", "read"
VARIABLE = "HEADGATE_PURPOSE"
LISTED = 100  # people whose addresses stand in a record; of more, their number, and the rows tell
ADDRESS = re.compile(r"b3:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One command that showed or exported content."""

    at: str
    by: str
    how: str
    login: str
    command: str
    purpose: str
    rows: int
    numbers: str  # address of the bitmap in the content of the ledger
    people: int
    subjects: tuple[str, ...]  # addresses of their keys
    record: str

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {name: getattr(self, name) for name in self.__slots__}


def note(
    ledger: Ledger, command: str, numbers: BitMap, *, purpose: str = "", by: str = "", ask: bool = True, now: datetime
) -> str | None:
    """Records that a command is about to show the content of rows; None where they are about nobody.

    Call it before anything is shown. Without `ask` nobody is refused for want of the role: what is shown quotes a few
    words at most. Where the record cannot be written the read goes on with a warning, unless the table of roles says
    that reads must be logged.

    Raises:
        Refused: who acts may not read content about people, gives no purpose where one is wanted, or the read cannot
            be recorded and must be.
    """
    people = _people(ledger, numbers)
    if not people:
        return None
    about = f"{len(numbers)} rows by {command}"
    person = require(ledger, PERSONAL, by=by, about=about, now=now) if ask else acting(by)
    table, why = in_force(ledger, now), purpose.strip() or os.environ.get(VARIABLE, "").strip()
    if ask and table is not None and PERSONAL in table.purpose and not why:
        record_refusal(ledger, PERSONAL, person, about, "no purpose", now)
        raise Refused("content about people is read for a purpose", wanted=f"--purpose TEXT, or {VARIABLE}")
    said = {"command": command, "purpose": why, "rows": len(numbers), "people": len(people), **person.as_json()}
    try:
        with ledger.transaction():
            listed = sorted(key_address(ledger, key) for key in people) if len(people) <= LISTED else []
            said |= {"numbers": ledger.content.put(numbers.serialize()), "subjects": listed}
            return ledger.record(KIND, NAME, said, at=now)
    except HeadgateError as error:
        if table is not None and table.reads == LOGGED:
            raise Refused(
                "content about people is shown only where the read can be recorded", found=error.what,
                wanted='a ledger that can be written; [roles] has reads = "must-be-logged"',
            ) from error  # fmt: skip
        print(f"warning: this read of rows about people is not recorded: {error.what}", file=sys.stderr)
        return None


def quoted_rows(ledger: Ledger, value: Any) -> BitMap:
    """The rows that a JSON value names by address: a record that points at rows may quote them."""
    return ledger.rows.numbers_of(set(_addresses(value)))


def reads(ledger: Ledger, *, rows: BitMap | None = None, by: str = "", since: Moment | None = None) -> list[Read]:
    """What was read, oldest first: of some rows, by somebody, since a moment."""
    after = parse_moment(since) if since else None
    table = in_force(ledger, parse_moment("9999-12-31"))
    same = table.canonical if table else plain_name
    out = []
    for node in ledger.find(KIND, NAME):
        if node.erased or (after and parse_moment(node.body["at"]) < after):
            continue
        if by and same(by) not in (same(node.body["by"]), same(node.body["login"])):
            continue
        if rows is not None and rows.isdisjoint(BitMap.deserialize(ledger.content.get(node.body["numbers"]))):
            continue
        fields = {name: node.body[name] for name in Read.__slots__ if name in node.body}
        out.append(Read(**fields | {"subjects": tuple(node.body["subjects"]), "record": node.id}))
    return out


def _people(ledger: Ledger, numbers: BitMap) -> set[str]:
    """The keys of everyone that rows, or the rows they were made from, are about."""
    known, newest = BitMap(numbers), BitMap(numbers)
    while newest:
        newest = ledger.rows.parents_of(newest) - known
        known |= newest
    table, out = schema.rows.c, set[str]()
    with ledger.snapshot() as connection:
        for part in parts(known):
            query = select(table.subject).where(among(table.number, part), table.subject.is_not(None)).distinct()
            out.update(connection.scalars(query))
    return out


def _addresses(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from ADDRESS.findall(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _addresses(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _addresses(one)
