"""Verbs that walk the flow up to one stage: `curate`, `train`, `evaluate`, `run` and their like."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from headgate.cli.output import EXIT_OF, common_options, examples, print_json

FLOW_FILE = click.option(
    "--file", "-f", "flow_file", type=click.Path(path_type=Path), default=Path("headgate.toml"), show_default=True,
    help="The flow file.",
)  # fmt: skip
OVERRIDES = click.option(
    "--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting of the flow file."
)


def run_until(stage: str | None, flow_file: Path, overrides: Sequence[str], *, quiet: bool, as_json: bool) -> int:
    """Walks the flow up to a stage (None: to its end), reports on every surface, returns the exit code."""
    from headgate.flow.project import open_project
    from headgate.flow.reporting import as_json as walked_json
    from headgate.flow.reporting import ending, line, write_page
    from headgate.flow.walking import Walk, walk
    from headgate.flow.withholding import may_read, withheld_step, withheld_walk
    from headgate.kit.clock import now

    project = open_project(flow_file, set=overrides)
    silent = quiet or as_json
    colour = sys.stdout.isatty()
    if not silent:
        click.echo(f"{project.flow.settings.name} ({project.flow.path})")

    with project.ledger() as ledger:
        may = may_read(ledger, now())

    def told(step: Walk) -> None:
        if not silent:
            click.echo(line(step if may else withheld_step(step), colour=colour))

    walked = walk(project, until=stage, quiet=silent, told=told)
    walked = walked if may else withheld_walk(walked)
    report = write_page(walked, project, now())
    if as_json:
        print_json(walked_json(walked, stage or "run", report))
    elif not quiet:
        click.echo(ending(walked, report, colour=colour))
    return int(EXIT_OF[walked.outcome])


def stage_command(stage: str | None, sentence: str, paragraph: str, shown: Sequence[str]) -> click.Command:
    """A verb that walks the flow up to one stage."""

    @click.command(help=f"{sentence}\n\n{paragraph}", epilog=examples(stage or "run", *shown))
    @FLOW_FILE
    @OVERRIDES
    @common_options
    def command(flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool) -> int:
        return run_until(stage, flow_file, overrides, quiet=quiet, as_json=as_json)

    return command
