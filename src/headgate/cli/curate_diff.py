"""`headgate curate diff`: what each step of the newest curation took away."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE


@click.command(epilog=examples("curate", "diff", "diff --step select --first 0", "diff --json"))
@click.option("--step", default="", metavar="STEP", help="One step only, such as select or near-duplicates.")
@click.option("--first", default=8, show_default=True, help="Classes shown of each kind; 0: all of them.")
@FLOW_FILE
@common_options
def diff(step: str, first: int, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Shows what each step removed and kept, by register, difficulty, length and slice.

    Also after a curation that was stopped: the diff says what it would have lost. Values of slices, which come from
    rows, are told to those who may read rows about people.
    """
    from headgate.curate import departures
    from headgate.flow.project import open_project
    from headgate.flow.withholding import may_read, withheld_diff
    from headgate.kit.clock import now

    project = open_project(flow_file)
    with project.ledger() as ledger:
        found = departures.newest(ledger, project.dataset)
        if not may_read(ledger, now()):
            found = withheld_diff(found)
    told = departures.lines(found, step, first)
    if as_json:
        steps = [one for one in found["steps"] if step in ("", one["step"])]
        print_json(answer("curate diff", found | {"steps": steps}))
    elif not quiet:
        click.echo("\n".join(told))
