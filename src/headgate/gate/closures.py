"""The closure at the gate: what cannot be made again is not let out, unless a named person answers for it."""

from __future__ import annotations

from dataclasses import replace

from headgate.gate.evidence import FAILURE
from headgate.ledger.gaps import RULE, gaps_of_adapter
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.stats.judging import judge_count
from headgate.stats.verdict import Finding, Level, Verdict


def gaps_in_closure(ledger: Ledger, adapter: Node) -> list[Verdict]:
    """The verdict where the closure of the candidate lacks something; empty: it is whole."""
    gaps = gaps_of_adapter(ledger, adapter)
    if not gaps:
        return []
    first = {gap.name: gap.what for gap in reversed(gaps)}
    named = ", ".join(f"{name} ({first[name]})" for name in dict.fromkeys(gap.name for gap in gaps))
    verdict = judge_count(
        len(gaps),
        name="gaps in the closure",
        unit="gaps",
        looked_at=1,
        at_most=0,
        summary=f"the adapter cannot be made again from its record: {named}",
        findings=[Finding(message=f"{gap.name}: {gap.what}") for gap in gaps],
        next_step=f"mend what is named and train again, or answer for it: headgate gate waive {RULE} --help",
        details={"gaps": [gap.as_json() for gap in gaps]},
    )
    return [replace(verdict, rule=RULE, failure=FAILURE, level=Level.BLOCK)]
