"""`headgate evaluate pools replace`: fresh items in the place of a pool."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import evaluate_pool_items
from headgate.cli.evaluate_pools import pools_of
from headgate.cli.judge_options import print_verdicts
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES
from headgate.kit.errors import Refused

pools = evaluate_pool_items.pools


@pools.command(
    epilog=examples(
        "evaluate",
        'pools replace topics --with sealed-2.jsonl --name "Ann Lee" --reason "budget spent"',
        'pools replace topics --pool gate --with gate-2.jsonl --name ann --reason "shown in a talk" --json',
    )
)
@click.argument("suite")
@click.option("--with", "fresh", required=True, metavar="FILE", help="Items nobody has seen.")
@click.option("--pool", type=click.Choice(["gate", "sealed"]), default="sealed", show_default=True, help="Which pool.")
@click.option("--name", required=True, help="The person who answers for it.")
@click.option("--reason", required=True, help="Why the old items are given up.")
@FLOW_FILE
@OVERRIDES
@common_options
def replace(
    suite: str, fresh: str, pool: str, name: str, reason: str, flow_file: Path, overrides: tuple[str, ...],
    quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Puts fresh items in the place of a pool of SUITE; the old ones become development items and stay in the ledger.

    Exit code 1: items of the file repeat old ones or stand in training rows, and nothing was replaced.
    """
    from headgate.evaluate.renewing import renew
    from headgate.ledger.roles import RETIRE, require

    with pools_of(flow_file, overrides) as (ledger, suites, _, context):
        mine = next((one for one in suites if one.name == suite), None)
        if mine is None:
            raise Refused("no such suite", found=suite, wanted=", ".join(one.name for one in suites))
        require(ledger, RETIRE, by=name, about=f"suite:{suite}/{pool}", now=context.now)
        done = renew(ledger, mine, fresh, context.folder, pool=pool, name=name, reason=reason)
    if as_json:
        print_json(answer("evaluate pools replace", done.as_json(), done.verdict.outcome.value))
    elif not quiet:
        print_verdicts([done.verdict])
        if done.node:
            click.echo(f"{done.old:,} items of {suite}/{pool} are development items; {done.fresh:,} take their place:")
            click.echo(f'[evaluate.suites.{suite}]\n{pool} = "{fresh}"')
    return int(EXIT_OF[done.verdict.outcome])
