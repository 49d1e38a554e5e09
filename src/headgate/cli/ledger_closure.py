"""`headgate ledger closure`: everything that an adapter, a release or any other record was made from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options
from headgate.kit.hashing import short

BESIDE = ("verdict", "step")  # counted, for they are many


@click.command(epilog=examples("ledger", "closure support@1f2e3d", "closure production --json"))
@click.argument("name")
@store_options
def closure(name: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Lists what NAME needs: runs, bases, dataset versions, rows by source, and the people they are about.

    NAME is an adapter, a release, a dataset version, or the address of any record. People are counted, not named.
    """
    from headgate.ledger.ledger import Ledger
    from headgate.ledger.showing import ask

    with Ledger.open(store) as ledger:
        found = ask(ledger, "closure", name)
        sources = Counter[str]()
        for node in found.of("source"):
            sources[node.name] += len(ledger.rows.numbers_of_source(node.id) & found.rows)
        people = ledger.rows.subjects_of(found.rows)
    told = {"of": name, **found.as_json(), "rows_by_source": dict(sources), "people": people}
    if as_json:
        print_json(answer("ledger closure", told))
    elif not quiet:
        for node in found.nodes:
            if node.kind in BESIDE:
                continue
            click.echo(f"{node.kind:<16} {node.name:<36} {short(node.id)}")
        for source, count in sources.items():
            click.echo(f"{'rows':<16} {source:<36} {count:,}")
        beside = Counter(node.kind for node in found.nodes if node.kind in BESIDE)
        for kind, count in beside.items():
            click.echo(f"{kind + 's':<16} {count:,} (--json lists them)")
        click.echo(f"{name} was made from {len(found.rows):,} rows about {people:,} people")
