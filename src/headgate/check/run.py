"""The stage check: a frozen dataset version against the rules, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyroaring import BitMap

from headgate.check.besides import besides, with_judge
from headgate.check.labelled import NEED
from headgate.check.settings import Settings
from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.ledger.versions import DatasetVersion
from headgate.ledger.waivers import let_through
from headgate.rows.labels import Labels, read_labels
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows
from headgate.rules.ancestry import ancestry, erased_above
from headgate.rules.claimed import claims_about, claims_as_of
from headgate.rules.given import Corpus, Given
from headgate.rules.licences import record_licences
from headgate.rules.running import run_rules
from headgate.rules.selection import select
from headgate.rules.series_history import evidence_of, varieties
from headgate.rules.shape import Rule
from headgate.rules.teacher_history import lines_in
from headgate.rules.teachers import LINES
from headgate.stats.verdict import Outcome, Verdict, worst

STAGE = "check"
ABOVE = "curate"
FOLLOWING = {"own-teacher", "narrowing-series"}  # rules that follow versions and models through the ledger
BESIDES = ("instructions", "looks", "registry")  # settings that name files of something besides rows


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Runs the selected rules over the training split of the version that `curate` froze.

    Raises:
        Refused: there is no version, it lacks the split, or an evaluation file cannot be read.
    """
    name = context.outputs.get(ABOVE, {}).get("dataset")
    if name is None:
        raise Refused("there is no dataset version to check", wanted="a section [curate] above [check]")
    version = ledger.versions.get(name)
    if settings.split not in version.splits:
        raise Refused(
            f"{name} has no split {settings.split!r}",
            found=", ".join(version.splits),
            next_step=f'write split = "{next(iter(version.splits), "train")}" into [check] of the flow file',
        )
    rows = _rows(ledger, version.splits[settings.split], context.quiet)
    items = [row for split in settings.held for row in _rows(ledger, version.splits[split], context.quiet)]
    items += _read(settings.eval, settings, context)
    rows, above = ancestry(ledger, rows)
    erased = erased_above(ledger, rows)
    training = Corpus(rows, name=f"{name} ({settings.split})")
    evaluation = Corpus(items, name=", ".join(settings.eval)) if settings.eval or settings.held else None
    chosen = [
        rule for rule in select(settings.select, ignore=settings.ignore) if settings.labels or NEED not in rule.needs
    ]
    given = Given(
        {
            "training-rows": training,
            "evaluation-items": evaluation,
            "reference-rows": _corpus(settings.reference, settings, context),
            "before-rows": _corpus(settings.before, settings, context),
            "few-shot-prompts": _corpus(settings.prompts, settings, context),
            **_besides(settings, context),
            "labels": _labels(settings, context),
            "claims": claims_about(ledger, [*rows, *above, *erased], context.now),
            "known-rows": Corpus(above, name="the ledger"),
            "erased-rows": Corpus(erased, name="the ledger"),
            **_followed(ledger, version, training, settings, chosen, context),
        }
    )
    verdicts = run_rules(chosen, given, settings.rules, settings.level, quiet=context.quiet)
    for verdict in verdicts:
        record_licences(ledger, verdict, source=f"labels of {', '.join(settings.labels)}", at=context.now)
    verdicts = let_through(ledger, [_in_a_flow(verdict) for verdict in verdicts], context)
    return StepResult(
        stage=STAGE,
        outcome=worst(verdicts),
        summary=_summary(verdicts, len(rows), len(items)),
        verdicts=tuple(verdicts),
        outputs={"dataset": name},
        facts={"rows": len(rows), "items": len(items), "rules": [rule.name for rule in chosen]},
    )


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> object:  # noqa: ARG001 - one shape for all
    """What decides beside settings and files: the claims, and the day on which they are asked."""
    return claims_as_of(ledger, context.now)


def _rows(ledger: Ledger, numbers: BitMap, quiet: bool) -> list[Row]:
    out = []
    with progress("check: read rows", len(numbers), quiet=quiet) as advance:
        for _, row in stored_rows(ledger, numbers):
            out.append(row)
            advance(1)
    return out


def _read(files: Sequence[str], settings: Settings, context: StageContext) -> list[Row]:
    items: list[Row] = []
    for file in files:
        path = context.folder / file
        items += read_rows(path, format=settings.format or None, columns=settings.columns or None, strict=True)
    return items


def _corpus(files: Sequence[str], settings: Settings, context: StageContext) -> Corpus | None:
    return Corpus(_read(files, settings, context), name=", ".join(files)) if files else None


def _labels(settings: Settings, context: StageContext) -> Labels | None:
    if not settings.labels:
        return None
    files, gold = ([context.folder / file for file in each] for each in (settings.labels, settings.gold))
    return read_labels(files, gold=gold, strict=True)[0]


def _besides(settings: Settings, context: StageContext) -> dict[str, Any]:
    files = {name: [context.folder / file for file in getattr(settings, name)] for name in BESIDES}
    read = besides(past_run=context.folder / settings.past_run if settings.past_run else None, **files)
    return read | with_judge(settings.judge, context.work / "check", quiet=context.quiet)


def _followed(
    ledger: Ledger,
    version: DatasetVersion,
    training: Corpus,
    settings: Settings,
    chosen: Sequence[Rule],
    context: StageContext,
) -> dict[str, Any]:
    """What rules that follow versions and models ask the ledger for; measured only where one of them is selected."""
    if not FOLLOWING & {rule.name for rule in chosen}:
        return {}
    *earlier, this = evidence_of(ledger, version, settings.split, training)
    lines = lines_in(ledger, context.flow_name, earlier)
    return {"earlier-versions": varieties(earlier) or None, "this-version": this.variety, LINES: lines}


def _in_a_flow(verdict: Verdict) -> Verdict:
    """The verdict with a next step that a flow file can follow: it has keys where `headgate check` has options."""
    if "--columns" not in verdict.next_step or verdict.outcome is Outcome.SKIPPED:
        return verdict
    step = 'columns = { subject = "THEIR_COLUMN" } in [capture] and in [check] says whose row it is (or conversation, '
    step += f'group); where no column does: level = {{ {verdict.rule} = "warn" }} in [check]'
    return replace(verdict, next_step=step)


def _summary(verdicts: Sequence[Verdict], rows: int, items: int) -> str:
    stopping = [verdict.summary for verdict in verdicts if verdict.blocks]
    if stopping:
        return "; ".join(stopping)
    asked = sum(verdict.outcome is not Outcome.SKIPPED for verdict in verdicts)
    warn = [verdict.rule for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    told = f"; warnings: {', '.join(warn)}" if warn else ""
    return f"{asked} rules over {rows:,} rows and {items:,} evaluation items{told}"
