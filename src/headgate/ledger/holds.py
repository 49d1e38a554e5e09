"""Legal holds: until a day nothing of a source, of a person, or of the whole ledger is erased. A hold is a claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pyroaring import BitMap

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.ledger.cases import rows_of
from headgate.ledger.claims import Claim
from headgate.ledger.known import must_be_known
from headgate.ledger.ledger import Ledger

WHAT, ALL = "hold", "ledger"
KINDS = ("source", "subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold that stands."""

    about: str  # "source:NAME", "subject:KEY" or "ledger"
    reason: str
    by: str
    until: str  # its last day

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {name: getattr(self, name) for name in self.__slots__}


def put(ledger: Ledger, about: str, *, reason: str, by: str, until: date, now: datetime, ahead: bool = False) -> None:
    """Records a hold up to and with a day; `ahead`: also on what the ledger does not know yet.

    Raises:
        Refused: no reason, no name, a day that is over, or no such source or person.
    """
    if not reason.strip() or not by.strip() or not (reason + by).isprintable():
        raise Refused("a hold needs a name and a reason, each in one line", wanted="--by NAME --reason TEXT")
    end = parse_moment(until) + timedelta(days=1)
    if end <= now:
        raise Refused("the end of a hold lies in the future", found=str(until), wanted=f"{now.date()} or later")
    if not ahead:
        must_be_known(ledger, about)
    ledger.claims.assert_(
        about, WHAT, {"reason": reason.strip()}, source=by.strip(), observed_at=now, valid_from=now, valid_to=end
    )


def lift(ledger: Ledger, about: str, *, reason: str, by: str, now: datetime) -> None:
    """Ends a hold before its day.

    Raises:
        Refused: there is none.
    """
    if ledger.claims.at(about, WHAT, now) is None:
        raise Refused("no hold stands there", found=about, wanted=", ".join(one.about for one in standing(ledger, now)))
    ledger.claims.assert_(about, WHAT, None, source=f"{by.strip()}: {reason.strip()}", observed_at=now, valid_from=now)


def standing(ledger: Ledger, now: datetime) -> list[Hold]:
    """Every hold that counts now."""
    return [_read(claim) for claim in ledger.claims.current(WHAT, now).values() if claim.value]


def held(ledger: Ledger, now: datetime) -> BitMap:
    """The rows that nothing is erased of."""
    return BitMap.union(BitMap(), *(_under(ledger, hold) for hold in standing(ledger, now)))


def kept(ledger: Ledger, now: datetime) -> BitMap:
    """Rows under a hold and the rows that they were made from: an erasure takes with a row what was made from it."""
    return _with_parents(ledger, held(ledger, now))


def must_not_be_held(ledger: Ledger, rows: BitMap, now: datetime) -> None:
    """Refuses to erase what a hold keeps.

    Raises:
        Refused: a hold stands on any of the rows, or on rows that were made from them.
    """
    stay = kept(ledger, now) & rows
    if stay:
        told = "; ".join(
            f"{one.about} until {one.until}, says {one.by}: {one.reason}"
            for one in standing(ledger, now)
            if not rows.isdisjoint(_with_parents(ledger, _under(ledger, one)))
        )
        raise Refused(
            f"a legal hold keeps {len(stay):,} of the rows", found=told,
            next_step="wait for its end, or headgate rights retention lift",
        )  # fmt: skip


def _under(ledger: Ledger, hold: Hold) -> BitMap:
    kind, _, key = hold.about.partition(":")
    return ledger.rows.all_numbers() if hold.about == ALL else rows_of(ledger, kind, key)


def _with_parents(ledger: Ledger, rows: BitMap) -> BitMap:
    out = newest = rows
    while newest:
        newest = ledger.rows.parents_of(newest) - out
        out = out | newest
    return out


def _read(claim: Claim) -> Hold:
    last = parse_moment(str(claim.valid_to)) - timedelta(days=1)
    return Hold(about=claim.about, reason=claim.value["reason"], by=claim.source, until=last.date().isoformat())
