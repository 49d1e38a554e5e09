"""`headgate curate firewall` and `retire`: what is protected from training, and what no longer is."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE


@click.command(epilog=examples("curate", "firewall", "firewall --json"))
@FLOW_FILE
@common_options
def firewall(flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Lists the protected items, and holds the newest version of each dataset against what was protected since."""
    from headgate.flow.project import open_project
    from headgate.rules.firewall import reopen, standing

    project = open_project(flow_file)
    with project.ledger() as ledger:
        sets = standing(ledger)
        found = reopen(ledger, quiet=quiet or as_json)
    if as_json:
        reopened = [{"version": one.version, "rows": sorted({m.number for m in one.matches})} for one in found]
        print_json(answer("curate firewall", {"protected": sets, "reopened": reopened}))
    elif not quiet:
        for one in sets:
            click.echo(f"{one['name']:<48} {one['items']:>7,} items, {one['retired']:,} retired")
        click.echo(f"{sum(one['items'] for one in sets):,} items in {len(sets):,} sets are protected")
        for version in found:
            rows = len({match.number for match in version.matches})
            click.echo(f"{version.version}: {rows:,} training rows match" + ("; next: headgate curate" if rows else ""))


@click.command(
    epilog=examples(
        "curate",
        'retire b3:9f3c21a0 --name "Ann Lee" --reason "it was quoted in a talk"',
        'retire suite:topics/dev --name "Ann Lee" --reason "the development pool is mined for training" --json',
    )
)
@click.argument("items", nargs=-1, required=True)
@click.option("--name", required=True, help="The person who answers for it.")
@click.option("--reason", required=True, help="Why the item may be trained on from now on.")
@FLOW_FILE
@common_options
def retire(items: tuple[str, ...], name: str, reason: str, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Moves ITEMS (addresses, or a suite and pool) to the development pool: they no longer keep rows out."""
    from headgate.flow.project import open_project
    from headgate.kit.clock import now
    from headgate.ledger.roles import RETIRE, require
    from headgate.rules.firewall import items_named

    project = open_project(flow_file)
    with project.ledger() as ledger:
        require(ledger, RETIRE, by=name, about=", ".join(items), now=now())
        named = items_named(ledger, items)
        claims = ledger.protection.retire(named, name=name, reason=reason)
    if as_json:
        print_json(answer("curate retire", {"items": named, "claims": claims}))
    elif not quiet:
        click.echo(f"{len(named):,} items are retired, says {name.strip()}: {reason.strip()}")
