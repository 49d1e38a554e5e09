"""The licence to annotate as a dated claim in the ledger: measured once, for a time, and gone when it ends.

A claim `judge-licence` about `annotator:NAME` has the value `licensed` or `refused`, is valid for the days that the
rule's options say, and carries the digest of the verdict that it rests on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.stats.verdict import Verdict

WHAT = "judge-licence"
LICENSED, REFUSED = "licensed", "refused"


def record_licences(ledger: Ledger, verdict: Verdict, *, source: str, at: datetime) -> dict[str, str]:
    """Writes one claim for each model that an `unlicensed-annotator` verdict speaks of; ids of claims by annotator.

    `source` names who vouches for the labels: task and prompt belong in it, for the licence holds for no others.
    """
    found = {}
    for name, told in verdict.details.get("licences", {}).items():
        found[name] = ledger.claims.assert_(
            f"annotator:{name}",
            WHAT,
            LICENSED if told["licensed"] else REFUSED,
            source=source,
            observed_at=at,
            valid_from=at,
            valid_to=at + timedelta(days=told["days"]),
            evidence=digest_json(verdict.as_json()),
        )
    return found


def is_licensed(ledger: Ledger, annotator: str, when: datetime) -> bool | None:
    """Whether an annotator is licensed at a moment; None where no claim holds, because it ended or was never made."""
    claim = ledger.claims.at(f"annotator:{annotator}", WHAT, when)
    return None if claim is None else claim.value == LICENSED
