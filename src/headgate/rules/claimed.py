"""The claims that rules ask for, read from the ledger: about the sources, subjects and teachers of some rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from headgate.kit.clock import parse_moment, stamp
from headgate.ledger.claims import Claim
from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row
from headgate.rules.given import Claims, Fact

ASKED = ("consent", "licence", "provider-policy")


def claims_about(ledger: Ledger, rows: Collection[Row], at: datetime) -> Claims:
    """Every claim of consent, licence or policy about what rows name, asked at one moment."""
    named = {f"teacher:{teacher}" for teacher in {row.side.generator for row in rows} if teacher}
    named |= {f"source:{source}" for source in {row.side.source for row in rows} if source}
    named |= {f"subject:{subject}" for subject in {row.side.subject for row in rows} if subject}
    return claims_on(ledger, named, at)


def claims_on(ledger: Ledger, named: Collection[str], at: datetime) -> Claims:
    """Every claim of consent, licence or policy about some subjects, sources and teachers."""
    claims = [claim for what in ASKED for claim in ledger.claims.all(what)]
    superseded = {claim.supersedes for claim in claims if claim.supersedes}
    asked = [claim for claim in claims if claim.about in named and claim.id not in superseded]
    # The order in which the ledger lets claims speak; what was observed last speaks.
    asked.sort(key=lambda claim: (claim.observed_at, claim.valid_from or "", claim.seq))
    return Claims([_fact(claim) for claim in asked], at)


def claims_as_of(ledger: Ledger, at: datetime) -> dict[str, list[str]]:
    """Ids of the claims that rules may ask for, and of those that hold: what an answer that read them rests on."""
    claims = [claim for what in ASKED for claim in ledger.claims.all(what)]
    moment = stamp(at)
    return {"claims": [claim.id for claim in claims], "holding": [claim.id for claim in claims if claim.holds(moment)]}


def _fact(claim: Claim) -> Fact:
    return Fact(
        about=claim.about,
        what=claim.what,
        value=claim.value,
        observed_at=parse_moment(claim.observed_at),
        valid_from=parse_moment(claim.valid_from) if claim.valid_from else None,
        valid_to=parse_moment(claim.valid_to) if claim.valid_to else None,
        source=claim.source,
    )
