"""`headgate judge use` and `headgate judge rotation`: what was shaped by whom, and who is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli.judge_options import opened
from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE
from headgate.kit.errors import Exit


@click.command(
    epilog=examples("judge", "use bob --role reward --on b3:9f3c21", "use --rubric clear --role reward --on support@3")
)
@click.argument("name", required=False)
@click.option("--role", required=True, help="data-selection, reward, model-choice, training-label, gate, monitoring.")
@click.option("--on", "targets", multiple=True, required=True, metavar="NAME", help="Dataset version, run or adapter.")
@click.option("--rubric", help="Rubric that was used.")
@FLOW_FILE
@common_options
def use(
    name: str | None, role: str, targets: tuple[str, ...], rubric: str | None, flow_file: Path, quiet: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Records that a judge or rubric was used outside this flow: what it shaped is out of its reach for good."""
    from headgate.rules.judge_uses import record_use

    with opened(flow_file) as (ledger, known, _):
        on = [ledger.node(target).id for target in targets]
        judge = known.judge(name) if name else None
        node = record_use(ledger, role, on=on, judge=judge, rubric=known.rubric(rubric or ""))
    if as_json:
        print_json(answer("judge use", {"use": node, "role": role, "on": on}))
    elif not quiet:
        click.echo(f"{name or rubric}: {role} of {', '.join(targets)} is recorded, {node[:15]}")


@click.command(epilog=examples("judge", "rotation", "rotation --adapter b3:9f3c21 --json"))
@click.option("--adapter", default="", help="Adapter to decide on; default: the newest.")
@FLOW_FILE
@common_options
def rotation(adapter: str, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Says which judges are unspent, how many decisions are left, and when to take another. Exit code 1: none is."""
    from headgate.evaluate.rotation import standing

    with opened(flow_file) as (ledger, known, now):
        found = standing(ledger, known, now, ledger.node(adapter).id if adapter else "")
    left = sum(one.gates_left for one in found if one.licensed_until)
    told: dict[str, Any] = {"judges": [one.as_json() for one in found], "gates_left": left}
    if as_json:
        print_json(answer("judge rotation", told, "pass" if left else "fail"))
    elif not quiet:
        for one in found:
            click.echo(f"{one.judge} ({one.family or 'family unknown'}): {one.told}")
        click.echo(f"{left} gates are left with licensed, unspent judges")
    return int(Exit.PASS if left else Exit.FAIL)
