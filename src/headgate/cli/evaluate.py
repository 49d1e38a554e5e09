"""`headgate evaluate`: the flow up to scores of base, best few-shot prompt and candidate; foreign logs beside it."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import evaluate_compare, evaluate_diagnose, evaluate_logs, evaluate_pool_renewal
from headgate.cli.output import common_options, examples
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES, run_until


@click.group(
    invoke_without_command=True, epilog=examples("evaluate", "", "--set evaluate.max-tokens=16", "import --help")
)
@FLOW_FILE
@OVERRIDES
@common_options
@click.pass_context
def command(
    context: click.Context, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool
) -> int | None:
    """Scores the base, the best few-shot prompt and the candidate on the same items.

    Runs the stages of the flow file up to [evaluate]. Completions are journalled, so an interrupted evaluation asks
    nothing twice. The sealed pool answers with verdicts only and counts its looks.
    """
    if context.invoked_subcommand is not None:
        return None
    return run_until("evaluate", flow_file, overrides, quiet=quiet, as_json=as_json)


for part in (
    evaluate_logs.import_logs,
    evaluate_logs.export_logs,
    evaluate_diagnose.diagnose,
    evaluate_compare.compare,
    evaluate_pool_renewal.pools,
):
    command.add_command(part)
