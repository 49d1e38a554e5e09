"""The stage capture: from signals in files to rows of the flow.

Rows are stored as they are read. They become rows of the flow only when the rules of this
transition let them: a row that nobody could find again, for want of source, licence or subject, is
stopped here, and the file it came from is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from headgate.capture.importing import Imported, files_of, import_files
from headgate.capture.settings import Settings
from headgate.capture.terms import SETTINGS, Asserted, assert_terms
from headgate.kit.clock import now, stamp
from headgate.kit.files import as_refusal
from headgate.kit.hashing import digest_file, digest_json
from headgate.ledger.known import all_written_alike
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult, record_step
from headgate.ledger.waivers import let_through
from headgate.rows.reading import BadLine
from headgate.rules.claimed import claims_about
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import select
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Level, Outcome, Place, Verdict, worst

STAGE = "capture"
STORE = ".headgate"  # folder of the ledger in a project
IMPORT = "import"  # name of the flow that a single import is
RULES = ("unsourced-rows",)  # judged from signal to row; consent is judged where a dataset is made
NAMED = 3  # keys named in a summary
SHOWN = 100  # bad lines listed in the facts


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Reads the files, stores their rows and terms, and judges whether they may enter the flow.

    Raises:
        Refused: a file cannot be read, the claims cannot be read, or (strict) a line is bad.
    """
    files = files_of(settings, context.folder)
    asserted = assert_terms(ledger, settings, context.folder, context.now)
    imported = import_files(ledger, settings, files, folder=context.folder, quiet=context.quiet)
    claims = claims_about(ledger, imported.rows, context.now)
    given = Given({"training-rows": Corpus(imported.rows, "captured rows"), "claims": claims})
    verdicts = [_bad_lines(imported, settings)]
    verdicts += run_rules(select(RULES), given, settings.rules, settings.level)
    verdicts = let_through(ledger, verdicts, context)
    alike = all_written_alike(ledger, asserted.withheld)
    outcome = worst(verdicts)
    outputs = {"rows": ledger.content.put(imported.numbers.serialize())} if outcome is Outcome.PASS else {}
    return StepResult(
        stage=STAGE,
        outcome=outcome,
        summary=_summary(imported, verdicts) + _otherwise(alike),
        verdicts=tuple(verdicts),
        outputs=outputs,
        facts=_facts(imported, asserted) | {"withheld-alike": dict(list(alike.items())[:SHOWN])},
    )


def import_once(
    project: Path,
    settings: Settings,
    *,
    quiet: bool,
    where: str | Path | None = None,
    content: str | None = None,
) -> tuple[StepResult, str]:
    """Runs the stage outside of a flow, on the ledger of a project folder; returns the result and the step's id.

    `where` is the place of the ledger, if not that folder, and `content` that of its content when it is new.

    Raises:
        Refused: as `run`, and when the folder cannot be written.
    """
    work = project / STORE / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise as_refusal(error, work) from error
    context = StageContext(folder=project, work=work, outputs={}, quiet=quiet, now=now(), flow_name=IMPORT)
    with Ledger.open(where or project / STORE, create=True, content=content, beside=project / STORE) as ledger:
        result = run(ledger, settings, context=context)
        files = {name: digest_file(Path(name)) for name in result.facts["files"]}
        step = record_step(ledger, result, digest_json([str(settings), files]), flow=IMPORT)
    return result, step


def depends_on(ledger: Ledger, settings: Settings, context: StageContext) -> Any:
    """What decides beside the settings: the files behind patterns, and claims on sources that others made."""
    files = {str(path): digest_file(path) for path in files_of(settings, context.folder) if path.is_file()}
    on_sources = [claim for claim in ledger.claims.all() if claim.about.startswith("source:")]
    own = (SETTINGS, settings.licence_source)
    return {
        "files": files,
        "claims": [claim.id for claim in on_sources if claim.source not in own],
        "ended": [claim.id for claim in on_sources if claim.valid_to and claim.valid_to <= stamp(context.now)],
    }


def _bad_lines(imported: Imported, settings: Settings) -> Verdict:
    bad, rows = imported.bad_lines, imported.new + imported.known
    verdict = judge_share(
        len(bad),
        len(bad) + rows,
        name="bad lines",
        at_most=settings.bad_lines_at_most,
        summary=f"{len(bad):,} of {len(bad) + rows:,} lines are no rows" if bad else "every line is a row",
        findings=[_finding(one) for one in bad],
        next_step="mend the lines, or set bad-lines-at-most" if bad else "",
        zero_tolerance=not settings.bad_lines_at_most,
        census=True,
    )
    return replace(verdict, rule="bad-lines", failure="bad-lines", level=Level.BLOCK)


def _finding(bad: BadLine) -> Finding:
    parts = [bad.what, f"found {bad.found}" if bad.found else "", f"wanted {bad.wanted}" if bad.wanted else ""]
    return Finding(message="; ".join(filter(None, parts)), place=Place(file=bad.file, line=bad.line), remedy="review")


def _summary(imported: Imported, verdicts: Sequence[Verdict]) -> str:
    stopping = [verdict.summary for verdict in verdicts if verdict.blocks]
    if stopping:
        return "; ".join(stopping)
    rows, repeated = len(imported.numbers), _repeated(imported)
    sources = ", ".join(sorted(imported.sources))
    twice = f", lines that repeat a row: {repeated:,}" if repeated else ""
    bad = f", {len(imported.bad_lines):,} bad lines left out" if imported.bad_lines else ""
    hidden = ", ".join(f"{count:,} {kind}" for kind, count in sorted(imported.masked.items()))
    masked = f", masked: {hidden}" if hidden else ""
    keys = f", rows with personal data in a key: {imported.in_keys.total():,}" if imported.in_keys else ""
    lost = f", parents that no row is called: {imported.orphans:,}" if imported.orphans else ""
    adopted = f", rows of earlier imports made from these: {imported.adopted:,}" if imported.adopted else ""
    return f"{rows:,} rows from {sources} ({imported.new:,} new){twice}{bad}{masked}{keys}{lost}{adopted}"


def _otherwise(alike: Mapping[str, Mapping[str, int]]) -> str:
    """People whose consent the file of claims says is gone, and whom rows may call by another key: nothing hears it."""
    told = [f"{key!r} (rows have {', '.join(map(repr, others))})" for key, others in alike.items()]
    more = f" and {len(told) - NAMED:,} more" if len(told) > NAMED else ""
    return f"; consent is gone of keys that read like others: {', '.join(told[:NAMED])}{more}" if told else ""


def _repeated(imported: Imported) -> int:
    """Lines that say what another line says, words and side data alike: one row, stored once."""
    return imported.new + imported.known - len(imported.numbers)


def _facts(imported: Imported, asserted: Asserted) -> dict[str, Any]:
    return {
        "rows": len(imported.numbers),
        "new": imported.new,
        "known": imported.known,
        "repeated": _repeated(imported),
        "sources": dict(imported.sources),
        "rows-by-source": dict(imported.by_source),
        "files": imported.by_file,
        "bad-lines": [bad.as_json() for bad in imported.bad_lines[:SHOWN]],
        "bad-lines-total": len(imported.bad_lines),
        "masked": dict(sorted(imported.masked.items())),
        "personal-keys": dict(sorted(imported.in_keys.items())),
        "unknown-parents": imported.orphans,
        "links-to-earlier": imported.adopted,
        "claims": {"new": dict(asserted.new), "known": asserted.known},
    }
