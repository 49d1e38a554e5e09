"""`headgate curate`: the flow up to a frozen dataset version; reviewing and protecting beside it."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import curate_diff, curate_protection, curate_review, curate_score
from headgate.cli.output import common_options, examples
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES, run_until


@click.group(invoke_without_command=True, epilog=examples("curate", "", "--file headgate.toml --json", "review --help"))
@FLOW_FILE
@OVERRIDES
@common_options
@click.pass_context
def command(
    context: click.Context, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool
) -> int | None:
    """Selects, redacts, splits and deduplicates rows, and freezes a dataset version.

    Runs the stages of the flow file up to [curate]; stages whose inputs have not changed are skipped. Every removed
    row is listed with the reason and its survivor under .headgate/work/curate.
    """
    if context.invoked_subcommand is not None:
        return None
    return run_until("curate", flow_file, overrides, quiet=quiet, as_json=as_json)


for part in (
    curate_diff.diff,
    curate_score.score,
    curate_review.review,
    curate_review.restore,
    curate_protection.firewall,
    curate_protection.retire,
):
    command.add_command(part)
