"""The stage curate: from rows to a frozen dataset version.

Steps run in one order: select, redact, split, remove; then every row is held against the protected
items. Splits come before removal, so that what is evaluated keeps its variants; removal touches
training rows only. Each step reports counts and reasons, and each row that leaves is on a list with
the reason and the row that speaks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from headgate.curate import departures, reviews, steps
from headgate.curate.admission import hold_firewall, protects
from headgate.curate.freezing import freeze, part_twins, previous, recalled
from headgate.curate.habits import mend_habits
from headgate.curate.inputs import repair_bench
from headgate.curate.lineage import judge_lineage
from headgate.curate.loading import load, numbers_to_curate
from headgate.curate.losing import judge_losses
from headgate.curate.quotas import Quotas
from headgate.curate.settings import Settings
from headgate.curate.shape import Shape
from headgate.curate.splitting import Memory
from headgate.curate.thinned import drop_near
from headgate.curate.thinning import judge_thinning
from headgate.curate.working import Bench, Removed
from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.hashing import digest_json
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.ledger.waivers import let_through
from headgate.rows.row import Row
from headgate.rules.claimed import claims_as_of
from headgate.stats.verdict import Outcome, Verdict, worst

__all__ = ["depends_on", "protects", "run"]

STAGE = "curate"
KEY_DIGITS = 12  # of the folder with the lists for people


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Takes the steps of the settings and freezes what is left, unless a verdict blocks.

    Raises:
        Refused: there are no rows, a filter or key names a field that no row has, a file cannot be read.
    """
    name = settings.name or context.flow_name
    protects(ledger, settings, context)
    numbers = numbers_to_curate(ledger, settings, context.outputs)
    with progress("curate: read rows", len(numbers), quiet=context.quiet) as advance:
        bench = Bench(load(ledger, numbers, whole=_whole(context.outputs), advance=advance))
    if not bench.items:
        raise Refused("every row was erased or is a redacted form", found=f"{len(numbers):,} rows")
    shape = Shape(bench.items, settings.near_duplicates.hardness, settings.quota.scale)
    quotas = Quotas(settings.quota, shape)
    if settings.takes("select"):
        steps.select(bench, settings, quotas)
    selected = bench.rows()
    verdicts = let_through(ledger, judge_lineage(ledger, bench, settings, context.now), context)
    assigned: Memory | None = None
    if not _stopped(verdicts):
        assigned = _shape(ledger, name, bench, settings, quotas, context, verdicts)
    diff = departures.diff_of(bench, shape, quotas.restored, settings.splitting.train)
    outputs: dict[str, str] = {}
    folder = _lists(context.work, name, numbers.serialize(), settings, bench)
    if not _stopped(verdicts):
        version, _ = freeze(ledger, name, bench, settings, assigned, selected)
        outputs = {"dataset": version}
    return StepResult(
        stage=STAGE,
        outcome=worst(verdicts),
        summary=_summary(bench, verdicts, outputs.get("dataset", "")),
        verdicts=tuple(verdicts),
        outputs=outputs,
        facts=_facts(bench, folder, selected)
        | _proposed(ledger, name, bench)
        | {"diff": departures.record(ledger, name, diff)},
    )


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> Any:
    """What decides beside the settings: claims, what has run out by now, rows erased since, what is
    protected, and what people said about near-duplicates.
    """
    numbers = numbers_to_curate(ledger, settings, context.outputs)
    return {
        "claims": digest_json(claims_as_of(ledger, context.now)),
        "rows": digest_json([number for number, _, _ in ledger.rows.bodies(numbers)]),
        "protected": ledger.protection.state(),
        "reviews": reviews.state(ledger, settings.name or context.flow_name),
    }


def _shape(
    ledger: Ledger,
    name: str,
    bench: Bench,
    settings: Settings,
    quotas: Quotas,
    context: StageContext,
    verdicts: list[Verdict],
) -> Memory | None:
    """The steps after selection; adds the verdict on thinning, returns what to remember of splits."""
    train = settings.splitting.train
    assigned: Memory | None = None
    version = previous(ledger, name)
    if settings.takes("redact"):
        steps.redact(bench, settings, ledger)
    if settings.takes("split"):
        assigned = steps.split(bench, settings, recalled(ledger, version))
    else:
        steps.whole(bench, train)
    before = bench.rows(train)
    if settings.habits:
        mend_habits(bench, settings, ledger)
    if settings.repair_inputs.reference:
        repair_bench(bench, settings, ledger, context.folder, quiet=context.quiet)
    said = reviews.decided(ledger, name)
    if settings.takes("exact-duplicates"):
        steps.drop_exact(ledger, bench, train, [row for row, one in said.items() if one.what == reviews.KEEP])
    if settings.takes("near-duplicates") or settings.near_duplicates.propose:
        drop_near(ledger, bench, settings, said, quotas, apply=settings.takes("near-duplicates"))
    # A person read these; that they carry no slice is no doubt about what became of the slices.
    read = {one.row.id for one in bench.removed if one.decision and not one.row.side.slices}
    before = [row for row in before if row.id not in read]
    verdicts += let_through(
        ledger,
        [judge_thinning(before, bench.rows(train), settings), judge_losses(bench, quotas.shape, settings)],
        context,
    )
    if settings.takes("decontaminate"):
        steps.decontaminate(bench, settings, context.folder, ledger)
    if settings.takes("split"):
        part_twins(bench, settings.splitting)
    # Nobody waives the firewall: an item that may be trained on is retired, with a name and a reason.
    verdicts.append(hold_firewall(ledger, bench, settings, version, quiet=context.quiet))
    return assigned


def _stopped(verdicts: Sequence[Verdict]) -> bool:
    return worst(verdicts) is not Outcome.PASS


def _whole(outputs: Mapping[str, Mapping[str, str]]) -> bool:
    return not any("rows" in one for one in outputs.values())


def _lists(work: Path, name: str, numbers: bytes, settings: Settings, bench: Bench) -> Path:
    """Writes what left and what is proposed, one line each, for people to read."""
    key = digest_json([name, numbers.hex(), settings.plain()])[3 : 3 + KEY_DIGITS]
    folder = work / STAGE / key
    folder.mkdir(parents=True, exist_ok=True)
    for file, records in (("removed.jsonl", bench.removed), ("proposals.jsonl", bench.proposals)):
        _write(folder / file, records)
    return folder


def _write(path: Path, records: Sequence[Removed]) -> None:
    with atomic_write(path) as stream:
        for record in records:
            stream.write(orjson.dumps(record.for_people()) + b"\n")


def _summary(bench: Bench, verdicts: Sequence[Verdict], version: str) -> str:
    stopping = [verdict.summary for verdict in verdicts if verdict.blocks]
    if stopping:
        return "; ".join(stopping)
    sizes = steps.sizes(bench.items)
    splits = ", ".join(f"{count:,} {name}" for name, count in sizes.items())
    return f"{version}: {splits}; {len(bench.removed):,} rows left out, each with a reason"


def _proposed(ledger: Ledger, name: str, bench: Bench) -> dict[str, Any]:
    """The record of what is proposed, for `headgate curate review` and the report."""
    if bench.proposal is None or not (bench.proposal["clusters"] or bench.proposal["mixed"]):
        return {}
    return {"proposal": reviews.propose(ledger, name, bench.proposal)}


def _facts(bench: Bench, folder: Path, selected: Sequence[Row]) -> dict[str, Any]:
    return {
        "rows": len(bench.items),
        "selected": len(selected),
        "splits": steps.sizes(bench.items),
        "steps": [report.as_json() for report in bench.reports],
        "removed": len(bench.removed),
        "proposals": len(bench.proposals),
        "lists": str(folder),
    }
