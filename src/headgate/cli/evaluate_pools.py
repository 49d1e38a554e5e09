"""`headgate evaluate pools`: the state of pools, their access log, who saw which items, audits and fresh items."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.judge_options import print_verdicts
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES
from headgate.kit.errors import Exit, Refused

if TYPE_CHECKING:
    from headgate.evaluate.settings import Settings
    from headgate.evaluate.suites import Suite
    from headgate.ledger.ledger import Ledger
    from headgate.ledger.steps import StageContext


@contextlib.contextmanager
def pools_of(
    flow_file: Path, overrides: tuple[str, ...]
) -> Iterator[tuple[Ledger, list[Suite], Settings, StageContext]]:
    """The ledger, the suites of the flow file with their pools as they stand, and the section [evaluate]."""
    from headgate.evaluate.protecting import suites_of
    from headgate.evaluate.settings import Settings
    from headgate.flow.project import open_project

    project = open_project(flow_file, set=overrides)
    settings = next((one for stage, one in project.flow.stages if stage.name == "evaluate"), None)
    if not isinstance(settings, Settings) or not settings.suites:
        raise Refused("no suites", file=str(flow_file), wanted="[evaluate.suites.NAME]")
    context = project.context(quiet=True)
    with project.ledger() as ledger:
        yield ledger, suites_of(ledger, settings, context), settings, context


@click.group(epilog=examples("evaluate", "pools list", "pools log --json"))
def pools() -> None:
    """Looks after the pools of suites: what was seen, what was given away, what retells it, and what comes after it."""


@pools.command("list", epilog=examples("evaluate", "pools list", "pools list --json"))
@FLOW_FILE
@OVERRIDES
@common_options
def list_pools(flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool) -> None:
    """Lists every pool: items, how many were seen, decisions, bits given away, and whether it tells models apart."""
    from headgate.evaluate.pool_state import pool_states

    with pools_of(flow_file, overrides) as (ledger, suites, settings, context):
        found = pool_states(ledger, suites, settings, context)
    if as_json:
        print_json(answer("evaluate pools list", {"pools": [one.as_json() for one in found]}))
    elif not quiet:
        click.echo("\n".join(one.told for one in found))


@pools.command(epilog=examples("evaluate", "pools log", "pools log --file headgate.toml --json"))
@FLOW_FILE
@OVERRIDES
@common_options
def log(flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool) -> int:
    """Prints the log of looks at sealed pools and verifies its chain. Exit code 1: it was changed, cut or reordered."""
    from dataclasses import asdict

    from headgate.evaluate.sealed import SealedPools, judge_log

    with pools_of(flow_file, overrides) as (ledger, _, settings, context):
        room = SealedPools(ledger, settings, context)
    verdict = judge_log(room.log, room.problems)
    shown: list[dict[str, Any]] = [{k: v for k, v in asdict(one).items() if k != "detail"} for one in room.log.entries]
    if as_json:
        verdicts = [verdict.as_json()] if verdict else []
        outcome = verdict.outcome.value if verdict else "pass"
        print_json(answer("evaluate pools log", {"entries": shown, "verdicts": verdicts}, outcome))
    elif not quiet:
        for one in shown:
            what = f"{one['answer']}, {one['bits']:.1f} bits"
            click.echo(f"{one['seq']:>4}  {one['time'][:16]}  {one['actor']}: {what}, for {one['purpose']}")
        print_verdicts([verdict] if verdict else [])
        if verdict is None:
            click.echo("no sealed pool was ever looked at")
    return int(EXIT_OF[verdict.outcome]) if verdict else int(Exit.PASS)


@pools.command(epilog=examples("evaluate", "pools audit", "pools audit --dataset support@3 --json"))
@click.option("--dataset", default="", help="Dataset version; default: the newest.")
@FLOW_FILE
@OVERRIDES
@common_options
def audit(dataset: str, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool) -> int:
    """Asks whether rows that were added retell items that failed, or that those who wrote the rows were shown."""
    from headgate.evaluate.exposure import judge_exposure
    from headgate.evaluate.triage import audit as audited
    from headgate.stats.verdict import worst

    with pools_of(flow_file, overrides) as (ledger, suites, _, _context):
        names = ledger.versions.names()
        if not names:
            raise Refused("there is no dataset version to audit", next_step="headgate curate")
        newest = max(names, key=lambda name: ledger.node(ledger.versions.get(name).node_id).seq)
        found = [*audited(ledger, suites, dataset or newest), *judge_exposure(ledger, suites)]
    outcome = worst(found)
    if as_json:
        print_json(answer("evaluate pools audit", {"verdicts": [one.as_json() for one in found]}, outcome.value))
    elif not quiet:
        print_verdicts(found)
    return int(EXIT_OF[outcome])
