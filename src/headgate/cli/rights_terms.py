"""`headgate rights terms`: what the licences of a dataset version or a source allow together."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_cases import moment
from headgate.cli.rights_options import store_options
from headgate.kit.errors import Exit, Refused

USES = ("commercial", "research")


@click.command(epilog=examples("rights", "terms support@3 --use commercial", "terms --source forum", "terms --due"))
@click.argument("version", required=False)
@click.option("--source", metavar="NAME", help="Every row of a source, instead of a dataset version.")
@click.option("--use", type=click.Choice(USES), help="What the model is for (not said, if left out).")
@click.option("--own", multiple=True, metavar="ID=TERMS", help="Terms of a text of your own, as a person read them.")
@click.option("--due", is_flag=True, help="List licences not looked up for long; exit code 1 where there are any.")
@click.option("--days", default=30, show_default=True, help="With --due: how long.")
@store_options
def terms(version: str | None, **asked: Any) -> int:
    """Shows the licences of a dataset version by source, the terms of the mixture, and what conflicts.

    Exit code 1 where licences conflict with each other or with the use, 3 where too little is known to tell. An
    unknown licence is never read as permission. TERMS are words such as "commercial=no derivatives share-alike=no".
    """
    from headgate.ledger.ledger import Ledger
    from headgate.rights import terms as rights

    if [bool(version), bool(asked["source"]), asked["due"]].count(True) != 1:
        raise Refused("the terms of what?", wanted="one of VERSION, --source NAME, --due")
    with Ledger.open(asked["store"]) as ledger:
        if asked["due"]:
            return _due(ledger, asked)
        own = dict(_own(one) for one in asked["own"])
        named = asked["source"] or str(version)
        look = rights.of_source if asked["source"] else rights.of_version
        table = look(ledger, named, now=moment(), use=asked["use"] or "", own=own)
    if asked["as_json"]:
        print_json(answer("rights terms", table.as_json(), table.outcome))
    elif not asked["quiet"]:
        click.echo("\n".join(rights.lines(table)))
    return int(EXIT_OF[table.outcome])


def _due(ledger: Any, asked: dict[str, Any]) -> int:
    from headgate.rights import terms as rights

    found = rights.due(ledger, now=moment(), days=asked["days"])
    if asked["as_json"]:
        told = {"due": [one.as_json() for one in found], "days": asked["days"]}
        print_json(answer("rights terms", told, "fail" if found else "pass"))
    elif not asked["quiet"]:
        click.echo("\n".join(rights.due_lines(found, asked["days"])))
    return int(Exit.FAIL if found else Exit.PASS)


def _own(text: str) -> tuple[str, str]:
    name, is_set, told = text.partition("=")
    if not is_set or not name.strip() or not told.strip():
        raise Refused(
            "not the terms of a text", found=repr(text), wanted='ID=TERMS, such as LicenseRef-x="commercial=no"'
        )
    return name.strip(), told
