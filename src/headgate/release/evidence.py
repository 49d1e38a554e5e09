"""What a release rests on, gathered from the ledger: decision, adapter, base, data, comparisons, checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest, digest_json
from headgate.ledger.gaps import RULE as CLOSURE
from headgate.ledger.gaps import gaps_of_adapter
from headgate.ledger.ledger import DatasetVersion, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext, verdict_from_json
from headgate.ledger.waivers import is_over
from headgate.rules.reward_states import reaching
from headgate.stats.verdict import Level, Outcome, Verdict

OVER = "candidate-over-"
DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source of the training rows, with its terms as they are claimed now."""

    name: str
    licence: str  # as claimed or as its rows state, with commas; empty: neither
    consent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Everything that the record and the card of a release are made from."""

    decision: Node
    adapter: Node
    base: Node
    run: Node
    version: DatasetVersion
    sources: tuple[Source, ...]
    verdicts: tuple[Verdict, ...]  # of the steps that were judged
    decided: tuple[Verdict, ...]  # of the gate itself

    @property
    def waivers(self) -> list[dict[str, Any]]:
        """Waivers that the decision rests on."""
        return list(self.decision.body["waivers"])

    @property
    def comparisons(self) -> list[Verdict]:
        """Comparisons of the candidate with its references."""
        return [one for one in self.verdicts if one.rule.startswith(OVER) and one.measure is not None]

    def digest(self, card: str) -> str:
        """The twelve digits that make the name: over adapter, decision, data, base, run and card."""
        parts = {
            "adapter": self.adapter.body["digest"],
            "decision": self.decision.id,
            "manifest": self.version.manifest_digest,
            "base": self.base.body["fingerprint"]["root"],
            "run": self.run.id,
            "card": digest(card.encode()),
        }
        return digest_json(parts)[3 : 3 + DIGITS]

    def record(self, name: str) -> dict[str, Any]:
        """The record of the release, without its files."""
        return {
            "form": 1,
            "name": name,
            "flow": self.decision.body["flow"],
            "adapter": self.adapter.id,
            "adapter_digest": self.adapter.body["digest"],
            "decision": self.decision.id,
            "dataset": self.version.name,
            "manifest": self.version.manifest_digest,
            "base": {"name": self.base.name, "fingerprint": self.base.body["fingerprint"]},
            "run": self.run.id,
            "plan": self.run.body.get("plan_digest", ""),
            "evidence": self.decision.body["evidence"],
            "waivers": self.waivers,
        }


def gather(ledger: Ledger, context: StageContext) -> Grounds:
    """The grounds of a release.

    Raises:
        Refused: there is no decision, it is no pass, it is about another adapter, a newer one says
            otherwise, or a waiver that it rests on has run out.
    """
    decision = _decision(ledger, context)
    _must_cover(ledger, decision, ledger.node(str(decision.body["adapter"])), context)
    return grounds_of(ledger, decision, context.now)


def grounds_of(ledger: Ledger, decision: Node, now: datetime) -> Grounds:
    """What a decision rests on, whatever it says and whether or not it still holds.

    Raises:
        Refused: its adapter has no base or no run, or its dataset version is not in the ledger.
    """
    adapter = ledger.node(str(decision.body["adapter"]))
    needs = ledger.nodes.many(link.target_id for link in ledger.edges_from(adapter.id, "derived-from"))
    kinds = {node.kind: node for node in needs}
    if "base" not in kinds or "run" not in kinds:
        raise Refused("an adapter without base and run has no closure", found=adapter.name, next_step="headgate train")
    version = ledger.versions.get(str(decision.body["dataset"]))
    judged = ledger.nodes.many(link.target_id for link in ledger.edges_from(decision.id, "judged-by"))
    sources = ledger.closure(version.node_id).of("source")
    return Grounds(
        decision=decision,
        adapter=adapter,
        base=kinds["base"],
        run=kinds["run"],
        version=version,
        sources=tuple(_source(ledger, node.name, version, now) for node in sources),
        verdicts=tuple(verdict_from_json(node.body) for node in judged),
        decided=tuple(verdict_from_json(one) for one in decision.body["verdicts"]),
    )


def _decision(ledger: Ledger, context: StageContext) -> Node:
    name = context.outputs.get("gate", {}).get("decision")
    if not name:
        raise Refused("there is no decision to release on", next_step="add a section [gate], then: headgate gate")
    decision = ledger.node(name)
    if decision.kind != "decision":
        raise Refused("not a decision", found=f"{decision.kind} {decision.name}", next_step="headgate gate")
    if decision.body["outcome"] != Outcome.PASS:
        raise Refused(
            "the decision is not a pass",
            found=f"{decision.body['outcome']} ({decision.id})",
            next_step="headgate gate show",
        )
    return decision


def _must_cover(ledger: Ledger, decision: Node, adapter: Node, context: StageContext) -> None:
    wanted = context.outputs.get("train", {}).get("adapter", adapter.id)
    if wanted != adapter.id or decision.body["adapter_digest"] != adapter.body["digest"]:
        raise Refused(
            "the decision is about another adapter", found=adapter.id, wanted=wanted, next_step="headgate gate"
        )
    if not decision.body["dataset"]:
        raise Refused("the decision names no dataset version", next_step="headgate gate, with a section [curate]")
    _must_be_closed(ledger, decision, adapter)
    later = [one for one in ledger.find("decision", decision.name) if one.body["adapter"] == adapter.id]
    if later and later[-1].seq > decision.seq and later[-1].body["outcome"] != Outcome.PASS:
        raise Refused(
            "a newer decision on this adapter is not a pass",
            found=f"{later[-1].body['outcome']} of {later[-1].at[:10]}",
            next_step="headgate gate",
        )
    for stop in reaching(ledger, adapter.id, context.flow_name):
        series = stop.body["series"]
        raise Refused(
            "a reward that shaped the adapter was stopped since",
            found=f"{series}, on {stop.at[:10]}",
            next_step=f"headgate gate governor clear {series} --help",
        )
    for waiver in decision.body["waivers"]:
        if is_over(waiver["until"], context.now):
            raise Refused(
                "a waiver that the decision rests on has run out",
                found=f"{waiver['rule']}, by {waiver['name']}, until {waiver['until']}",
                next_step="headgate gate",
            )


def _must_be_closed(ledger: Ledger, decision: Node, adapter: Node) -> None:
    """A decision of before the gate looked at closures does not carry an adapter that cannot be made again."""
    gaps = gaps_of_adapter(ledger, adapter)
    if gaps and not any(v["rule"] == CLOSURE and v["level"] != Level.BLOCK for v in decision.body["verdicts"]):
        raise Refused(
            "the adapter cannot be made again from its record",
            found="; ".join(f"{gap.name}: {gap.what}" for gap in gaps[:3]),
            wanted="a whole closure, or a waiver that the decision rests on",
            next_step="headgate gate",
        )


def _source(ledger: Ledger, name: str, version: DatasetVersion, now: datetime) -> Source:
    claims = [ledger.claims.at(f"source:{name}", what, now) for what in ("licence", "consent")]
    licence, consent = (str(claim.value) if claim else "" for claim in claims)
    # What the rows state stands beside what is claimed for the whole source; neither overrules the other.
    stated = version.manifest.get("manifest", {}).get("sources", {}).get(name, {}).get("licences", {})
    return Source(
        name=name, licence=", ".join(dict.fromkeys([*filter(None, [licence]), *sorted(stated)])), consent=consent
    )
