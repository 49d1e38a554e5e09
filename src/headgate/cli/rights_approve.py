"""`headgate rights approve`: the second of two people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_cases import moment
from headgate.cli.rights_options import by_option, store_options, target_options
from headgate.kit.errors import Refused

TARGETS = ("subject", "source", "row")


@click.command(
    epilog=examples(
        "rights",
        'approve erase --subject user-17 --by "B. Kim" --reason "read case 3"',
        'approve release --adapter support@1f2e3d --by "B. Kim" --reason "read the card" --json',
    )
)
@click.argument("act", type=click.Choice(["erase", "release"]))
@target_options
@click.option("--adapter", metavar="NAME", help="With release: the adapter that is to be released.")
@click.option("--due", is_flag=True, help="With erase: what is past its retention period.")
@click.option("--merged", is_flag=True, help="With erase: as the erasure will be asked for.")
@click.option("--items", is_flag=True, help="With erase: as the erasure will be asked for.")
@by_option("Who approves: another person than who acts.")
@click.option("--reason", required=True, metavar="TEXT", help="What was looked at.")
@store_options
def approve(act: str, store: Path, quiet: bool, as_json: bool, **asked: Any) -> None:
    """Records that a second person approves an erasure or a release, as [roles] two-people wants.

    It counts for what was looked at: rows that were added since want another approval. It is spent by the act.
    """
    from headgate.flow.governing import open_ledger
    from headgate.ledger import approvals
    from headgate.rights import erasure
    from headgate.rights.reach import target_of
    from headgate.rights.retention import due_acts

    with open_ledger(store) as ledger:
        if act == "erase" and asked["due"]:
            acts = due_acts(ledger, moment())
        elif act == "erase":
            wanted = target_of(*map(asked.get, TARGETS))
            acts = [erasure.plan(ledger, wanted, merged=asked["merged"], items=asked["items"]).act]
        else:
            node = ledger.node(asked["adapter"]) if asked["adapter"] else None
            if node is None or node.kind != "adapter":
                raise Refused("a release is approved by its adapter", wanted="--adapter NAME")
            acts = [(node.id, node.id, node.name)]
        said = {"by": asked["by"], "reason": asked["reason"], "now": moment()}
        made = [approvals.approve(ledger, act, about, scope, **said) for about, scope, _ in acts]
    if as_json:
        more = {"approvals": [{"approval": one.id, **one.body} for one in made]}
        print_json(answer("rights approve", {"approval": made[0].id, **made[0].body} | more))
    elif not quiet:
        click.echo("\n".join(f"{asked['by']} approves to {act} {shown}" for *_, shown in acts))
