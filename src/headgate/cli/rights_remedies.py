"""`headgate rights case show`, `remedy` and `close`: what a case touches, and what is done about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_cases import DAY, FILE, moment, stored, told
from headgate.cli.rights_options import by_option, store_options
from headgate.kit.errors import Exit

REMEDIES = ("retrain-without", "retire", "quarantine", "justify")


@click.command(epilog=examples("rights", "case show 1", "case show rights/1 --json"))
@click.argument("name")
@store_options
def show(name: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Shows a case: what it touches, the remedy of each model, the clock."""
    from headgate.ledger.ledger import Ledger
    from headgate.rights.cases import get

    with Ledger.open(store) as ledger:
        found = get(ledger, name)
    told("show", found, quiet=quiet, as_json=as_json)


@click.command(
    epilog=examples(
        "rights",
        'case remedy 1 --on base@1f2e3d --how retire --by "A. Vos"',
        'case remedy 1 --on base@1f2e3d --how retrain-without --replacement base@9c8b7a --by "A. Vos"',
    )
)
@click.argument("name")
@click.option("--on", required=True, metavar="ADAPTER", help="Which adapter: name, or beginning of its address.")
@click.option("--how", type=click.Choice(REMEDIES), required=True, help="What is done about it.")
@by_option("Who answers for it.")
@click.option("--replacement", default="", metavar="ADAPTER", help="With retrain-without: what takes its place.")
@click.option("--reason", default="", metavar="TEXT", help="With justify: why it may stay.")
@click.option("--until", type=DAY, metavar="DATE", help="With quarantine and justify: the last day.")
@click.option("--evidence", type=FILE, help="A document that bears it out; kept in the ledger. Justify needs one.")
@store_options
def remedy(name: str, **asked: Any) -> None:
    """Records what is done about one adapter that a case touches.

    Retiring and quarantine take every alias off its releases, and no release or move brings them back. A replacement
    is taken only where its lineage holds none of the rows.
    """
    from headgate.flow.governing import open_ledger
    from headgate.ledger.roles import CASE, RETIRE, require
    from headgate.rights.cases import get
    from headgate.rights.remedies import apply

    with open_ledger(asked["store"]) as ledger:
        for role in (CASE, RETIRE) if asked["how"] in ("retire", "quarantine") else (CASE,):
            require(ledger, role, by=asked["by"], about=f"{asked['on']} in {name}", now=moment())
        with ledger.transaction():
            found = apply(
                ledger,
                get(ledger, name),
                asked["on"],
                asked["how"],
                by=asked["by"],
                now=moment(),
                reason=asked["reason"],
                until=asked["until"].date() if asked["until"] else None,
                replacement=asked["replacement"],
                evidence=stored(ledger, asked["evidence"]),
            )
    told("remedy", found, quiet=asked["quiet"], as_json=asked["as_json"])


@click.command(epilog=examples("rights", 'case close 1 --by "A. Vos"', 'case close rights/1 --by "A. Vos" --json'))
@click.argument("name")
@by_option("Who closes it.")
@store_options
def close(name: str, by: str, store: Path, quiet: bool, as_json: bool) -> int:
    """Closes a case that the ledger bears out; otherwise lists what is missing, with exit code 1."""
    from headgate.flow.governing import open_ledger
    from headgate.ledger.roles import CASE, require
    from headgate.rights import remedies
    from headgate.rights.cases import get

    with open_ledger(store) as ledger:
        require(ledger, CASE, by=by, about=name, now=moment())
        found, lacking = remedies.close(ledger, get(ledger, name), by=by, now=moment())
    if as_json:
        print_json(answer("rights case close", found.as_json() | {"missing": lacking}, "fail" if lacking else "pass"))
    elif lacking and not quiet:
        click.echo("\n".join([f"{found.name} stays open:", *(f"  {one}" for one in lacking)]))
    else:
        told("close", found, quiet=quiet, as_json=False)
    return int(Exit.FAIL if lacking else Exit.PASS)
