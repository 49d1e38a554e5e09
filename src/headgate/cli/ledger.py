"""`headgate ledger`: show, log, verify, export and query what is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli import ledger_closure, ledger_content, ledger_sweep
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.place import ledger_option
from headgate.kit.hashing import short

if TYPE_CHECKING:
    from headgate.ledger.ledger import Ledger


def _store(command: Callable[..., Any]) -> Callable[..., Any]:
    return ledger_option(common_options(command))


def _open(store: Path) -> Ledger:
    from headgate.flow.governing import open_ledger

    return open_ledger(store)


@click.group()
def command() -> None:
    """Shows, verifies, exports and queries the ledger: everything that is known, append-only."""


@command.command(epilog=examples("ledger", "log --limit 20", "log --since 100 --kind release --json"))
@click.option("--limit", default=30, show_default=True, help="Newest entries shown.")
@click.option("--since", default=0, help="Only entries after this number.")
@click.option("--kind", help="Only records of this kind, such as release.")
@_store
def log(limit: int, since: int, kind: str | None, store: Path, quiet: bool, as_json: bool) -> None:
    """Lists the newest entries of the record log."""
    with _open(store) as ledger:
        entries = ledger.log(since=since, limit=limit, newest=True, kind=kind)
    if as_json:
        print_json(answer("ledger log", {"entries": [entry.as_json() for entry in entries]}))
    elif not quiet:
        from headgate.ledger.showing import entry_line

        click.echo("\n".join(map(entry_line, entries)) or "no entries")


@command.command(epilog=examples("ledger", "verify", "verify --head b3:9f3c21..."))
@click.option("--head", help="Hash of an entry that must be in the chain; shows whether its end was cut off.")
@_store
def verify(head: str | None, store: Path, quiet: bool, as_json: bool) -> int:
    """Recomputes the hash chain and every address; proves that nothing was edited.

    Words that were erased and are there again, from an older copy of the ledger, are a problem too.
    """
    from headgate.ledger.verifying import with_problems
    from headgate.rights.came_back import come_back

    with _open(store) as ledger:
        back = [f"{one}, erased on {at[:10]}, has words again" for one, at in come_back(ledger, ledger.file.parent)]
        found = with_problems(ledger.verify(head), back)
    if as_json:
        print_json(answer("ledger verify", found.as_json()))
    elif not quiet:
        from headgate.ledger.showing import verification_lines

        click.echo("\n".join(verification_lines(found)))
    return int(EXIT_OF[found.outcome])


@command.command(epilog=examples("ledger", "query impact b3:9f3c21", "query closure support-topics@1 --json"))
@click.argument("question", type=click.Choice(["impact", "closure"]))
@click.argument("name")
@_store
def query(question: str, name: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Asks what is downstream of a record (impact) or everything that it needs (closure).

    NAME is an address, a name, or subject:KEY for all rows about a person.
    """
    from headgate.ledger.showing import ask

    with _open(store) as ledger:
        found = ask(ledger, question, name)
    if as_json:
        print_json(answer("ledger query", {"question": question, "of": name, **found.as_json()}))
    elif not quiet:
        for node in found.nodes:
            click.echo(f"{node.kind:<16} {node.name:<32} {short(node.id)}")
        click.echo(f"{question} of {name}: {len(found.nodes):,} records, {len(found.rows):,} rows")


for part in (ledger_content.show, ledger_content.export, ledger_closure.closure):
    command.add_command(part)
command.add_command(ledger_sweep.sweep)
