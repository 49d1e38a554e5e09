"""`headgate gate waive` and `waivers`: who answers for what, and until when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE

if TYPE_CHECKING:
    from headgate.flow.project import Project


def flow_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --flow, the flow file, --json and --quiet."""
    name = click.option("--flow", help="Name of the flow; default: the one in the flow file.")
    return FLOW_FILE(name(common_options(command)))


def project_of(flow_file: Path) -> Project:
    """The project of a flow file."""
    from headgate.flow.project import open_project

    return open_project(flow_file)


@click.command(
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
@flow_options
def waive(
    rule: str, name: str, reason: str, until: str, flow: str | None, flow_file: Path, quiet: bool, as_json: bool
) -> None:
    """Records that a person answers for the failure RULE in one flow until a day."""
    from headgate.gate.waivers import give
    from headgate.kit.clock import now

    project = project_of(flow_file)
    place = flow or project.flow.settings.name
    with project.ledger() as ledger:
        waiver = give(ledger, rule=rule, flow=place, name=name, reason=reason, until=until, now=now())
    if as_json:
        print_json(answer("gate waive", waiver.as_json()))
    elif not quiet:
        click.echo(f"{waiver.rule} in {waiver.flow} is waived by {waiver.name} until {waiver.until}: {waiver.reason}")


@click.command(epilog=examples("gate", "waivers", "waivers --flow support --json"))
@flow_options
def waivers(flow: str | None, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Lists waivers, standing and expired."""
    from headgate.gate.waivers import all_waivers
    from headgate.kit.clock import now

    with project_of(flow_file).ledger() as ledger:
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
