"""`headgate evaluate pools show` and `expose`: acts on the items of pools, each of them on record."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import evaluate_pools
from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES
from headgate.kit.errors import Refused

pools = evaluate_pools.pools


@pools.command(
    epilog=examples(
        "evaluate",
        'pools show b3:9f3c21a0 --by "Ann Lee" --reason "a customer disputes it"',
        'pools show b3:9f3c21a0 --by ann --reason "scorer looks wrong" --json',
    )
)
@click.argument("item")
@click.option("--by", required=True, help="The person who reads it.")
@click.option("--reason", required=True, help="Why it is read.")
@FLOW_FILE
@OVERRIDES
@common_options
def show(
    item: str, by: str, reason: str, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool
) -> None:
    """Shows one ITEM of any pool; that it was read is recorded first, for a gate or sealed item as an exposure."""
    from headgate.evaluate.exposure import DECIDING, PERSON, expose
    from headgate.ledger.roles import SEALED, require

    with evaluate_pools.pools_of(flow_file, overrides) as (ledger, suites, _, context):
        found = [one for suite in suites for one in suite.items if one.id.startswith(item)]
        if len({one.id for one in found}) != 1 or len(item) < len("b3:") + 4:
            raise Refused("not one item", found=f"{len(found)} of {item!r}", wanted="an address, or its beginning")
        one = found[0]
        if one.pool == "sealed":
            require(ledger, SEALED, by=by, about=f"suite:{one.suite}/sealed", now=context.now)
        if one.pool in DECIDING:
            expose(ledger, [one.id], how=PERSON, where=by, note=reason)
    told = {"item": one.id, "suite": one.suite, "pool": one.pool, "question": one.question, "target": one.target}
    if as_json:
        print_json(answer("evaluate pools show", told))
    elif not quiet:
        click.echo(f"{one.suite}/{one.pool} {one.id}\n{one.question}\n-> {one.target}")


@pools.command(
    epilog=examples(
        "evaluate",
        'pools expose b3:9f3c21a0 --to "Ann Lee"',
        'pools expose suite:topics/gate --how report --to "talk of 3 May" --json',
    )
)
@click.argument("items", nargs=-1, required=True)
@click.option("--to", "where", required=True, help="The person, report or host that saw them.")
@click.option(
    "--how", type=click.Choice(["person", "report", "endpoint", "prompt"]), default="person", show_default=True,
    help="What saw them.",
)  # fmt: skip
@click.option("--note", default="", help="Anything worth remembering.")
@FLOW_FILE
@OVERRIDES
@common_options
def expose(
    items: tuple[str, ...], where: str, how: str, note: str, flow_file: Path, overrides: tuple[str, ...], quiet: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Records that ITEMS (addresses, or suite:NAME/POOL) were seen outside this flow; every verdict warns of it."""
    from headgate.evaluate.exposure import expose as exposed
    from headgate.rules.firewall import items_named

    with evaluate_pools.pools_of(flow_file, overrides) as (ledger, _, _settings, _context):
        named = items_named(ledger, items)
        node = exposed(ledger, named, how=how, where=where, note=note)
    if as_json:
        print_json(answer("evaluate pools expose", {"items": named, "exposure": node}))
    elif not quiet:
        click.echo(f"{len(named):,} items are recorded as seen by {where.strip()}")
