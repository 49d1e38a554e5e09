"""`headgate judge`: who may decide, what that rests on, and what they were used for."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import judge_overfit, judge_qualify, judge_uses
from headgate.cli.judge_options import opened
from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE
from headgate.kit.errors import Exit, Refused


@click.group(epilog=examples("judge", "list", "qualify ann --anchors pairs.jsonl"))
def command() -> None:
    """Qualifies judges, keeps count of what they shaped, and says which may still decide.

    Judges and rubrics stand in the flow file as [judges.NAME] and [rubrics.NAME].
    """


@command.command("list", epilog=examples("judge", "list", "list --json"))
@FLOW_FILE
@common_options
def list_judges(flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Lists judges and rubrics with their roles and every use on record."""
    from headgate.rules.judge_uses import all_uses, family_of

    with opened(flow_file) as (ledger, known, _):
        uses = all_uses(ledger)
    judges = [
        {"judge": name, "model": node.body["model"], "family": family_of(node.body), "roles": node.body["roles"]}
        for name, node in sorted(known.judges.items())
    ]
    rubrics = [{"rubric": name, "roles": node.body["roles"]} for name, node in sorted(known.rubrics.items())]
    if as_json:
        told = [{"role": one.role, "at": one.at, "told": one.told, "node": one.node} for one in uses]
        print_json(answer("judge list", {"judges": judges, "rubrics": rubrics, "uses": told}))
    elif not quiet:
        for one in judges:
            click.echo(
                f"{one['judge']}: {one['model']}, {one['family'] or 'family unknown'}, {', '.join(one['roles'])}"
            )
        for one in rubrics:
            click.echo(f"rubric {one['rubric']}: {', '.join(one['roles'])}")
        for use in uses:
            click.echo(f"  {use.at[:10]}  {use.told}")
        if not judges:
            click.echo("no judges yet; [judges.NAME] of the flow file makes one")


@command.command(epilog=examples("judge", "show ann", "show ann --json"))
@click.argument("name")
@FLOW_FILE
@common_options
def show(name: str, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Shows the newest cards of a judge, one a rubric."""
    from headgate.evaluate.cards import cards_of, lines

    with opened(flow_file) as (ledger, known, _):
        cards = {card.rubric: card for card in cards_of(ledger, known.judge(name), any_rubric=True)}
    if not cards:
        raise Refused(
            f"judge {name!r} was never qualified as it is declared now",
            next_step=f"headgate judge qualify {name} --anchors FILE",
        )
    if as_json:
        print_json(answer("judge show", {"cards": [card.as_json() for card in cards.values()]}))
    elif not quiet:
        click.echo("\n".join(line for card in cards.values() for line in lines(card)))
    return int(Exit.PASS)


for part in (
    judge_qualify.qualify, judge_qualify.panel, judge_overfit.overfit, judge_overfit.probe, judge_uses.use,
    judge_uses.rotation,
):  # fmt: skip
    command.add_command(part)
