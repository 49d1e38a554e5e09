"""Claims: dated facts with a source. Two times are kept apart: when a fact holds, and when it was known.

A claim is valid from `valid_from` up to, and without, `valid_to`; either may be open. What was known
at a moment is what had been recorded by then. Of several claims that hold, the one observed last
speaks; of those, the one that began to hold last; of those, the one recorded last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from headgate.kit.clock import parse_moment, stamp
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger import schema
from headgate.ledger.nodes import Begin, Reading

WHAT = (
    "licence", "consent", "price", "owner", "base-end-of-life", "retention", "provider-policy", "judge-licence",
    "retired", "roles", "hold", "hardware", "dependency",
)  # fmt: skip
# What a claim on consent says where there is none.
WITHHELD = frozenset(
    {
        *("withdrawn", "revoked", "refused", "denied", "declined", "rejected", "objected", "expired"),
        *("no", "n", "false", "f", "0", "none", "not given", "opt out", "opted out", "optout"),
    }
)
# What says neither that there is consent nor that there is none, such as an empty cell.
UNSAID = frozenset({"", "unknown", "unclear", "pending", "not asked", "tbd", "?", "n/a", "na", "null", "nan"})
Moment = str | date | datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One dated fact."""

    id: str
    about: str  # node id, "subject:KEY" or "source:NAME"
    what: str
    value: Any
    source: str  # who says so
    observed_at: str
    recorded_at: str
    valid_from: str | None
    valid_to: str | None
    evidence: str | None
    supersedes: str | None
    seq: int

    def as_json(self) -> dict[str, Any]:
        """As printed and exported."""
        return {name: getattr(self, name) for name in self.__slots__}

    def holds(self, when: str) -> bool:
        """Whether the claim is valid at a moment (ISO 8601 in UTC)."""
        return (self.valid_from is None or self.valid_from <= when) and (self.valid_to is None or when < self.valid_to)


class Claims:
    """The claims of one ledger."""

    def __init__(self, reading: Reading, begin: Begin) -> None:
        self._reading = reading
        self._begin = begin

    def assert_(
        self,
        about: str,
        what: str,
        value: Any,
        *,
        source: str,
        observed_at: Moment,
        valid_from: Moment | None = None,
        valid_to: Moment | None = None,
        evidence: str | None = None,
        supersedes: str | None = None,
    ) -> str:
        """Records a claim; the same claim again is not recorded again. Returns its id.

        Raises:
            Refused: an unknown kind of claim, a date that is none, an end before the beginning, or
                `supersedes` names no claim on the same matter.
        """
        if what not in WHAT:
            raise Refused("unknown kind of claim", found=what, wanted=", ".join(WHAT))
        fields = {
            "about": about,
            "what": what,
            "value": value,
            "source": source,
            "observed_at": stamp(parse_moment(observed_at)),
            "valid_from": stamp(parse_moment(valid_from)) if valid_from else None,
            "valid_to": stamp(parse_moment(valid_to)) if valid_to else None,
            "evidence": evidence,
            "supersedes": supersedes,
        }
        if fields["valid_from"] and fields["valid_to"] and fields["valid_to"] <= fields["valid_from"]:
            found = f"{fields['valid_from']} to {fields['valid_to']}"
            raise Refused(f"a claim on {what} of {about} ends before it begins", found=found)
        address = digest_json(fields)
        with self._begin() as writing:
            if writing.connection.scalar(select(schema.claims.c.seq).where(schema.claims.c.id == address)) is None:
                self._must_match(writing.connection, supersedes, about, what)
                recorded_at = writing.now()
                said = {"id": address, "about": about, "what": what, "recorded_at": recorded_at}
                row = fields | {"value": canonical_json(value).decode(), "id": address, "recorded_at": recorded_at}
                writing.connection.execute(insert(schema.claims), row | {"seq": writing.append("claim", said)})
        return address

    def _must_match(self, connection: Connection, supersedes: str | None, about: str, what: str) -> None:
        if supersedes is None:
            return
        table = schema.claims.c
        query = select(table.about, table.what).where(table.id == supersedes)
        earlier = connection.execute(query).first() if schema.is_address(supersedes) else None
        if earlier is None or (earlier.about, earlier.what) != (about, what):
            found = f"{earlier.what} of {earlier.about}" if earlier else f"no claim {supersedes}"
            raise Refused("a claim corrects only one on the same matter", found=found, wanted=f"{what} of {about}")

    def at(self, about: str, what: str, when: Moment, known_at: Moment | None = None) -> Claim | None:
        """The claim that holds at `when`, by what was known at `known_at` (None: now)."""
        return speaking(self.history(about, what), when, known_at)

    def history(self, about: str, what: str | None = None) -> list[Claim]:
        """Every claim about something, in order of recording."""
        table = schema.claims.c
        query = select(schema.claims).where(table.about == about).order_by(table.seq)
        if what is not None:
            query = query.where(table.what == what)
        with self._reading() as connection:
            return [_claim(row) for row in connection.execute(query)]

    def all(self, what: str | None = None) -> list[Claim]:
        """Every claim (of a kind), in order of recording."""
        query = select(schema.claims).order_by(schema.claims.c.seq)
        if what is not None:
            query = query.where(schema.claims.c.what == what)
        with self._reading() as connection:
            return [_claim(row) for row in connection.execute(query)]

    def current(self, what: str, when: Moment) -> dict[str, Claim]:
        """For everything that has a claim of a kind: the one that holds at `when`."""
        by_about: dict[str, list[Claim]] = {}
        for claim in self.all(what):
            by_about.setdefault(claim.about, []).append(claim)
        spoken = {about: speaking(claims, when) for about, claims in by_about.items()}
        return {about: claim for about, claim in spoken.items() if claim is not None}


def is_withheld(value: Any) -> bool:
    """Whether what is said of consent is that there is none."""
    return consent_word(value) in WITHHELD


def is_unsaid(value: Any) -> bool:
    """Whether what is said of consent says nothing."""
    return consent_word(value) in UNSAID


def consent_word(value: Any) -> str:
    """What is said of consent as it is compared: a word, a purpose, true or false, or the `state` of an object."""
    said = value.get("state", "given") if isinstance(value, dict) else value
    return " ".join(str(said).replace("-", " ").replace("_", " ").lower().split())


def speaking(claims: Iterable[Claim], when: Moment, known_at: Moment | None = None) -> Claim | None:
    """Of claims about one thing, the one that speaks for `when` by what was known at `known_at`."""
    moment = stamp(parse_moment(when))
    known = list(claims)
    if known_at is not None:
        until = stamp(parse_moment(known_at))
        known = [claim for claim in known if claim.recorded_at <= until]
    superseded = {claim.supersedes for claim in known if claim.supersedes}
    holding = [claim for claim in known if claim.id not in superseded and claim.holds(moment)]
    return max(holding, key=lambda claim: (claim.observed_at, claim.valid_from or "", claim.seq), default=None)


def _claim(row: Any) -> Claim:
    fields = {name: getattr(row, name) for name in Claim.__slots__ if name != "value"}
    return Claim(value=orjson.loads(row.value), **fields)
