"""Asks a probe of the ledger again, of any model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headgate.evaluate.emission import Emitted, Limits, emitted, judge_emission
from headgate.evaluate.probes import KIND, Probe, known_probe, record_emission, recorded
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.models.journal import Journal
from headgate.models.model import identity
from headgate.models.opening import open_model
from headgate.stats.verdict import Level, Verdict

REPLAYED, REFERENCE = "replayed", "reference"  # arms of a probe that is asked again


def standing(ledger: Ledger) -> list[dict[str, Any]]:
    """Every probe, newest of each name, with the models that it was asked of."""
    newest = {node.name: node for node in ledger.find(KIND)}
    out = []
    for name, node in newest.items():
        scores = [ledger.node(link.source_id) for link in ledger.edges_to(node.id, "judged-by")]
        asked = [
            {"arm": one.body["arm"], "model": one.body["model"], "at": one.at, "rates": one.body["rates"]}
            for one in scores
        ]
        out.append(
            {
                "probe": name,
                "at": node.at,
                "prompts": node.body["n"],
                "habits": len(node.body["habits"]),
                "source": node.body["source"],
                "asked": asked,
            }
        )
    return out


def replay(
    ledger: Ledger,
    name: str,
    context: StageContext,
    *,
    model: str,
    adapter: Path | None = None,
    reference: str | None = None,
    limits: Limits,
) -> Sequence[Verdict]:
    """Asks the newest probe of a name of a model, and of a reference where one is given; records what came.

    Raises:
        Refused: there is no such probe or model, or nothing to hold it against.
    """
    probe = known_probe(ledger, name)
    if reference is None:
        known = recorded(ledger, probe, "base")
        if known is None:
            raise Refused(
                f"the base was never asked probe {name!r}", next_step="give --reference, or run headgate evaluate"
            )
        before = known[1]
    else:
        before = _asked(ledger, probe, context, REFERENCE, reference, None)
    found = _asked(ledger, probe, context, REPLAYED, model, adapter)
    return judge_emission(name, probe.habits, before, found, limits, Level.BLOCK)


def _asked(ledger: Ledger, probe: Probe, context: StageContext, arm: str, spec: str, adapter: Path | None) -> Emitted:
    model = open_model(spec, adapter=adapter)
    try:
        journal = Journal.of(context.work / "journals", model.fingerprint)
        try:
            with progress(f"probe {probe.name}: {arm}", len(probe.prompts), quiet=context.quiet) as advance:
                said = asyncio.run(
                    model.complete(probe.prompts, settings=probe.sampling, journal=journal, advance=advance)
                )
        finally:
            journal.close()
        texts = [one.text if one.outcome == "ok" else None for one in said]
        found = emitted(probe.habits, probe.asked, texts)
        with ledger.transaction():
            record_emission(ledger, probe, arm, identity(model.fingerprint, said), found)
    finally:
        model.close()
    return found
