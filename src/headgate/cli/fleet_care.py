"""`headgate fleet rescue`, `adopt` and `retire`: what is done before an adapter is an orphan."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.fleet_drill import environment_options, told
from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options

PATH = click.Path(path_type=Path)
BY = click.option("--by", default="", metavar="NAME", help="Who does it; else HEADGATE_USER, git, the login.")


@click.command(
    epilog=examples(
        "fleet", "rescue production --to rescue/support", "rescue support@1f2e3d --to kit --environment linked --json"
    )
)
@click.argument("name")
@click.option("--to", "out", required=True, type=PATH, help="Folder of the kit; not there yet.")
@click.option("--effect", type=PATH, help="A recorded effect to put into the kit; see fleet compat --record.")
@BY
@environment_options
@store_options
def rescue(
    name: str, out: Path, effect: Path | None, by: str, kind: str, store: Path, quiet: bool, as_json: bool
) -> int:
    """Writes a kit with everything that a rebuild of NAME needs, and proves it by a drill from the kit alone."""
    from headgate.fleet.finding import member, project_of
    from headgate.fleet.rescue import rescue as save
    from headgate.flow.governing import open_ledger
    from headgate.kit import clock
    from headgate.kit.people import acting

    with open_ledger(store) as ledger:
        found = save(
            ledger, member(ledger, name), project_of(store), out, kind=kind, by=acting(by).name,
            now=clock.now(), effect=effect,
        )  # fmt: skip
    return told(found, quiet=quiet, as_json=as_json)


@click.command(epilog=examples("fleet", "adopt production --owner 'B. Lund'", "adopt production --owner bl --json"))
@click.argument("name")
@click.option("--owner", required=True, metavar="NAME", help="Who owns it from now on.")
@BY
@store_options
def adopt(name: str, owner: str, by: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Gives NAME a new owner, who has shown by a drill of their own that they can make it again."""
    from headgate.fleet.finding import member
    from headgate.fleet.rescue import adopt as give
    from headgate.flow.governing import open_ledger
    from headgate.kit import clock
    from headgate.kit.people import acting

    with open_ledger(store) as ledger:
        one = member(ledger, name)
        claim = give(ledger, one, owner=owner, by=acting(by).name, now=clock.now())
    if as_json:
        print_json(answer("fleet adopt", {"adapter": one.adapter.id, "owner": owner, "claim": claim}))
    elif not quiet:
        click.echo(f"{one.name} belongs to {owner}")


@click.command(
    epilog=examples(
        "fleet", "retire production --reason 'a prompt does as well since May'",
        "retire support@1f2e3d --reason 'base is gone' --json",
    )
)  # fmt: skip
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why; at least ten characters.")
@BY
@store_options
def retire(name: str, reason: str, by: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Takes NAME out of use for good; its aliases point at nothing until another release stands under them."""
    from headgate.fleet.finding import member
    from headgate.fleet.rescue import retire as end
    from headgate.flow.governing import open_ledger
    from headgate.kit import clock
    from headgate.kit.people import acting

    with open_ledger(store) as ledger:
        one = member(ledger, name)
        aliases = end(ledger, one, reason=reason, by=acting(by).name, now=clock.now())
    if as_json:
        print_json(answer("fleet retire", {"adapter": one.adapter.id, "name": one.name, "aliases": aliases}))
    elif not quiet:
        click.echo(f"{one.name} is retired" + (f"; {', '.join(aliases)} points at nothing now" if aliases else ""))
