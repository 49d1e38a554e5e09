"""`headgate gate`: decides from recorded evidence; `waive`, `waivers` and `show` beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.gate_selftest import self_test
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES, run_until

if TYPE_CHECKING:
    from headgate.flow.project import Project


def _flow(command: Callable[..., Any]) -> Callable[..., Any]:
    name = click.option("--flow", help="Name of the flow; default: the one in the flow file.")
    return FLOW_FILE(name(common_options(command)))


def _project(flow_file: Path) -> Project:
    from headgate.flow.project import open_project

    return open_project(flow_file)


@click.group(invoke_without_command=True, epilog=examples("gate", "", "--json", "waive self-leak --help"))
@FLOW_FILE
@OVERRIDES
@common_options
@click.pass_context
def command(
    context: click.Context, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool
) -> int | None:
    """Decides from recorded evidence whether the candidate may be released.

    Runs the stages of the flow file up to [gate]. Missing or expired evidence stops, and is named with the command
    that gets it. Exit code 0: pass; 1: fail; 3: cannot tell.
    """
    if context.invoked_subcommand is not None:
        return None
    return run_until("gate", flow_file, overrides, quiet=quiet, as_json=as_json)


@command.command(
    epilog=examples(
        "gate",
        'waive learned-typo --name "Ann Lee" --reason "house spelling" --until 2026-12-31',
        'waive DAT004 --name "Ann Lee" --reason "house spelling" --until 2026-12-31 --flow support --json',
    )
)
@click.argument("rule")
@click.option("--name", required=True, help="The person who answers for it.")
@click.option("--reason", required=True, help="Why it is right to go on.")
@click.option("--until", required=True, help="Last day on which it counts, such as 2026-12-31.")
@_flow
def waive(
    rule: str, name: str, reason: str, until: str, flow: str | None, flow_file: Path, quiet: bool, as_json: bool
) -> None:
    """Records that a person answers for the failure RULE in one flow until a day."""
    from headgate.gate.waivers import give
    from headgate.kit.clock import now

    project = _project(flow_file)
    place = flow or project.flow.settings.name
    with project.ledger() as ledger:
        waiver = give(ledger, rule=rule, flow=place, name=name, reason=reason, until=until, now=now())
    if as_json:
        print_json(answer("gate waive", waiver.as_json()))
    elif not quiet:
        click.echo(f"{waiver.rule} in {waiver.flow} is waived by {waiver.name} until {waiver.until}: {waiver.reason}")


@command.command(epilog=examples("gate", "waivers", "waivers --flow support --json"))
@_flow
def waivers(flow: str | None, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Lists waivers, standing and expired."""
    from headgate.gate.waivers import all_waivers
    from headgate.kit.clock import now

    with _project(flow_file).ledger() as ledger:
        found = all_waivers(ledger, flow)
    moment = now()
    if as_json:
        listed = [waiver.as_json() | {"stands": waiver.stands(moment)} for waiver in found]
        print_json(answer("gate waivers", {"waivers": listed}))
    elif not quiet:
        for one in found:
            word = "until" if one.stands(moment) else "expired"
            click.echo(f"{one.rule:<28} {one.flow:<20} {word} {one.until}  {one.name}: {one.reason}")
        click.echo(f"{len(found)} waivers, {sum(one.stands(moment) for one in found)} standing")


@command.command(epilog=examples("gate", "show", "show b3:9f3c21 --json"))
@click.argument("decision", required=False)
@_flow
def show(decision: str | None, flow: str | None, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Shows a decision (default: the newest of the flow): its verdicts, waivers and evidence."""
    from pyroaring import BitMap

    from headgate.gate.showing import find_decision, lines
    from headgate.kit.clock import now
    from headgate.ledger import reads
    from headgate.stats.verdict import Outcome

    project = _project(flow_file)
    with project.ledger() as ledger:
        found = find_decision(ledger, decision, flow or project.flow.settings.name)
        quoted = reads.quoted_rows(ledger, found.body["verdicts"]) if as_json else BitMap()
        reads.note(ledger, "gate show", quoted, ask=False, now=now())
    if as_json:
        parts = {"verdicts": found.body["verdicts"], "decision": found.as_json()}
        print_json(answer("gate show", parts, found.body["outcome"]))
    elif not quiet:
        click.echo("\n".join(lines(found)))
    return int(EXIT_OF[Outcome(found.body["outcome"])])


command.add_command(self_test)
