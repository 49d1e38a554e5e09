"""Asks a probe of the ledger again, of any model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headgate.evaluate.comparing import Limits as Coverage
from headgate.evaluate.drifting import METRICS, replay_drift
from headgate.evaluate.emission import Emitted, Limits, emitted, judge_emission
from headgate.evaluate.probes import KIND, Probe, known_probe, record_emission, recorded
from headgate.evaluate.safety import battery as safety
from headgate.evaluate.safety.judging import Read, Sides, judge_axis
from headgate.evaluate.safety.labels import read_labels, write_sheet
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.models.journal import Journal
from headgate.models.model import Completion, Prompt, Sampling, identity
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
                "habits": len(node.body.get("habits", ())),
                "metric": node.body["metric"],
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
    labels: Sequence[Path] = (),
) -> Sequence[Verdict]:
    """Asks the newest probe of a name of a model, and of a reference where one is given; records what came.

    Raises:
        Refused: there is no such probe or model, or nothing to hold it against.
    """
    node = ledger.latest(KIND, name)
    if node is not None and node.body["metric"] == safety.METRIC:
        return _safety(ledger, safety.known(ledger, node), context, model, adapter, reference, labels)
    if node is not None and node.body["metric"] in METRICS:
        return [replay_drift(ledger, node, model, adapter)]
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


def _safety(
    ledger: Ledger,
    probe: safety.Probe,
    context: StageContext,
    model: str,
    adapter: Path | None,
    reference: str | None,
    labels: Sequence[Path],
) -> Sequence[Verdict]:
    """An axis of the safety battery, asked again; what still needs a label goes to the sheet."""
    if reference is None:
        before = safety.recorded(ledger, probe, "base")
        if before is None:
            raise Refused(
                f"the base was never asked {probe.axis.rule}", next_step="give --reference, or run headgate evaluate"
            )
    else:
        before = _read(ledger, probe, context, REFERENCE, reference, None)
    found = _read(ledger, probe, context, REPLAYED, model, adapter)
    sides = Sides(axis=probe.axis, cases=probe.cases, base=before, candidate=found)
    verdict, wanted = judge_axis(
        sides,
        read_labels(labels),
        margin=probe.margin,
        sample=probe.sample,
        coverage=Coverage().coverage,
        level=Level.BLOCK,
    )
    write_sheet(context.work / "evaluate" / safety.SHEET, wanted)
    return [verdict]


def _read(
    ledger: Ledger, probe: safety.Probe, context: StageContext, arm: str, spec: str, adapter: Path | None
) -> list[Read | None]:
    prompts = probe.prompts()
    with _said(context, f"{probe.axis.rule}: {arm}", spec, adapter, prompts, probe.sampling) as (fingerprint, said):
        found = probe.read(said)
        safety.record(ledger, probe, arm, identity(fingerprint, said), found, None)
    return found


def _asked(ledger: Ledger, probe: Probe, context: StageContext, arm: str, spec: str, adapter: Path | None) -> Emitted:
    with _said(context, f"probe {probe.name}: {arm}", spec, adapter, probe.prompts, probe.sampling) as (mark, said):
        texts = [one.text if one.outcome == "ok" else None for one in said]
        found = emitted(probe.habits, probe.asked, texts)
        with ledger.transaction():
            record_emission(ledger, probe, arm, identity(mark, said), found)
    return found


@contextlib.contextmanager
def _said(
    context: StageContext, title: str, spec: str, adapter: Path | None, prompts: Sequence[Prompt], sampling: Sampling
) -> Iterator[tuple[str, list[Completion]]]:
    """Fingerprint and answers of a model, which stays open until they are on record."""
    model = open_model(spec, adapter=adapter)
    try:
        journal = Journal.of(context.work / "journals", model.fingerprint)
        try:
            with progress(title, len(prompts), quiet=context.quiet) as advance:
                said = asyncio.run(model.complete(prompts, settings=sampling, journal=journal, advance=advance))
        finally:
            journal.close()
        yield model.fingerprint, said
    finally:
        model.close()
