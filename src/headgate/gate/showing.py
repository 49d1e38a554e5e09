"""A decision for people to read."""

from __future__ import annotations

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node


def find_decision(ledger: Ledger, address: str | None, flow: str) -> Node:
    """A decision by address, or the newest of a flow.

    Raises:
        Refused: there is none, or the address is that of something else.
    """
    found = ledger.node(address) if address else ledger.latest("decision", flow)
    if found is None:
        raise Refused(f"no decision in flow {flow!r}", next_step="headgate gate")
    if found.kind != "decision":
        raise Refused("not a decision", found=f"{found.kind} {found.name}", next_step="headgate gate show")
    return found


def lines(decision: Node) -> list[str]:
    """A decision on one screen."""
    body = decision.body
    out = [f"{body['outcome']}  decision {decision.id}", f"  flow      {body['flow']}, {decision.at[:16]} UTC"]
    out.append(f"  adapter   {body['adapter_digest'] or body['adapter']}")
    out.append(f"  dataset   {body['dataset'] or 'none'}")
    for one in body["verdicts"]:
        waived = one.get("details", {}).get("waived")
        mark = f", waived by {waived['name']} until {waived['until']}" if waived else ""
        out.append(f"  {one['outcome']:<8} {one['rule']}: {one['summary']}{mark}")
        if one.get("reason"):
            out.append(f"           {one['reason']}")
        if one.get("try") and one["outcome"] != "pass":
            out.append(f"           try: {one['try']}")
    out += [f"  evidence  {stage} of {one['at'][:16]}" for stage, one in body["evidence"].items()]
    return out
