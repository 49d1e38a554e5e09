"""`headgate gate governor note` and `clear`: who answers for a HOLD, and who ends a STOP."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.gate_waivers import flow_options, project_of
from headgate.cli.output import answer, examples, print_json

BY = click.option("--by", default="", help="Who answers for it.")
REASON = click.option("--reason", default="", help="Why it is right to go on.")


@click.command(
    epilog=examples(
        "gate governor",
        'note thumbs --by "Ann Lee" --reason "longer answers were asked for"',
        'note thumbs --by "Ann Lee" --reason "longer answers were asked for" --json',
    )
)
@click.argument("series")
@BY
@REASON
@flow_options
def note(series: str, by: str, reason: str, flow: str | None, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Records that a person looked at the HOLD of SERIES and answers for going on.

    Other evidence wants another note.
    """
    from headgate.kit.clock import now
    from headgate.rules import reward_states

    project = project_of(flow_file)
    with project.ledger() as ledger:
        found = reward_states.note(
            ledger, series, flow=flow or project.flow.settings.name, by=by, reason=reason, now=now()
        )
    if as_json:
        print_json(answer("gate governor note", dict(found.body)))
    elif not quiet:
        click.echo(f"{series}: noted by {found.body['by']}: {found.body['reason']}")


@click.command(
    epilog=examples(
        "gate governor",
        'clear thumbs --by "Ann Lee" --reason "reward mended" --suite tickets-2',
        'clear thumbs --by "Ann Lee" --reason "reward mended" --suite tickets-2 --json',
    )
)
@click.argument("series")
@BY
@REASON
@click.option("--suite", default="", help="The new outcome suite; none that the series ever used.")
@flow_options
def clear(
    series: str, by: str, reason: str, suite: str, flow: str | None, flow_file: Path, quiet: bool, as_json: bool
) -> None:
    """Clears the STOP of SERIES: from now on only new scores count, of prompts that the stopped ones never used."""
    from headgate.kit.clock import now
    from headgate.rules import reward_states

    project = project_of(flow_file)
    with project.ledger() as ledger:
        found = reward_states.clear(
            ledger, series, flow=flow or project.flow.settings.name, by=by, reason=reason, suite=suite, now=now()
        )
    if as_json:
        print_json(answer("gate governor clear", dict(found.body)))
    elif not quiet:
        click.echo(f"{series}: cleared by {found.body['by']}; next outcome suite {suite}")
