"""`headgate gate`: decides from recorded evidence; `waive`, `waivers` and `show` beside it."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.gate_governor import governor
from headgate.cli.gate_selftest import self_test
from headgate.cli.gate_waivers import flow_options, project_of, waive, waivers
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES, run_until


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


@command.command(epilog=examples("gate", "show", "show b3:9f3c21 --json"))
@click.argument("decision", required=False)
@flow_options
def show(decision: str | None, flow: str | None, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Shows a decision (default: the newest of the flow): its verdicts, waivers and evidence."""
    from headgate.flow.withholding import may_read, withheld_json
    from headgate.gate.showing import find_decision, lines
    from headgate.kit.clock import now
    from headgate.ledger import reads
    from headgate.stats.verdict import Outcome, unquoted

    project = project_of(flow_file)
    with project.ledger() as ledger:
        found = find_decision(ledger, decision, flow or project.flow.settings.name)
        verdicts, may = found.body["verdicts"], may_read(ledger, now())
        if as_json and may:
            reads.note(ledger, "gate show", reads.quoted_rows(ledger, verdicts), ask=False, now=now())
    if as_json:
        shown = verdicts if may else [withheld_json(one) for one in verdicts]
        node = found.as_json()
        parts = {"verdicts": shown, "decision": node | {"body": {**found.body, "verdicts": shown}}}
        print_json(answer("gate show", parts, found.body["outcome"]))
    elif not quiet:
        told = "\n".join(lines(found))
        click.echo(told if may else unquoted(told))
    return int(EXIT_OF[Outcome(found.body["outcome"])])


for verb in (waive, waivers, self_test, governor):
    command.add_command(verb)
