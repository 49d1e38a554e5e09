"""`headgate rights roles`: who may what, and what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_cases import moment
from headgate.cli.rights_options import store_options
from headgate.kit.errors import Refused


@click.command(
    epilog=examples("rights", "roles", "roles --on 2026-11-21 --json", 'roles --lift --by "A. Vos" --reason "moved"')
)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The table of that day (its end, UTC).")
@click.option("--refused", is_flag=True, help="List the acts that were refused.")
@click.option("--take", is_flag=True, help="Bring the table of the project file into force, as --by.")
@click.option("--lift", is_flag=True, help="Take the table out of force; the project file must hold none.")
@click.option("--by", default="", metavar="NAME", help="With --take and --lift: who does.")
@click.option("--reason", default="", metavar="TEXT", help="With --take and --lift: why.")
@store_options
def roles(store: Path, quiet: bool, as_json: bool, **asked: Any) -> None:
    """Shows who may waive, erase, release, work on cases, look at sealed answers and personal content.

    The table stands in [roles] of headgate.toml, or in headgate.roles.toml; every change of it is a dated claim.
    Without a table everyone may do everything.
    """
    from datetime import timedelta

    from headgate.flow import governing
    from headgate.kit.people import acting
    from headgate.ledger import roles as table

    with governing.open_ledger(store) as ledger:
        if asked["lift"] or asked["take"]:
            if not asked["by"].strip() or not asked["reason"].strip():
                raise Refused("a table is changed by somebody, for a reason", wanted="--by NAME --reason TEXT")
            written = governing.table(governing.folder_of(store), "roles")
            if bool(asked["take"]) != (written is not None):
                step = "--lift, or write [roles]" if asked["take"] else "take [roles] out of it first"
                raise Refused(
                    "the project file says otherwise", found=f"{'no' * (not written)} [roles]", next_step=step
                )
            table.adopt(ledger, written, acting(asked["by"]), moment(), reason=asked["reason"].strip())
        when = asked["on"] + timedelta(days=1, microseconds=-1) if asked["on"] else moment()
        found = table.in_force(ledger, when)
        changes = [one.as_json() for one in table.history(ledger)]
        refused = list(table.refusals(ledger)) if asked["refused"] else []
    if as_json:
        told = {"table": found.as_json() if found else None, "changes": changes, "refused": refused}
        print_json(answer("rights roles", told))
    elif not quiet:
        click.echo("\n".join(_lines(found, changes, refused)))


def _lines(found: Any, changes: list[dict[str, Any]], refused: list[dict[str, Any]]) -> list[str]:
    from headgate.ledger.roles import EVERYONE, TWICE, VERBS

    if found is None:
        out = ["no table of roles: everyone may do everything"]
    else:
        named = {verb: ["everyone"] if EVERYONE in found.holders(verb) else found.holders(verb) for verb in VERBS}
        twice = {verb: " (two people)" for verb in TWICE if verb in found.two_people}
        out = [f"{verb:<10} {', '.join(who) or 'nobody'}{twice.get(verb, '')}" for verb, who in named.items()]
    out += [f"  table of {one['recorded_at'][:19]}, says {one['source']}" for one in changes]
    return out + [
        f"  refused {one['at'][:19]}  {one['verb']} {one['about']}: {one['by']}; {one['why']}" for one in refused
    ]
