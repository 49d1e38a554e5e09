"""`headgate ledger show` and `export`: what shows or writes the content of rows, and is recorded as a read."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import PURPOSE, answer, examples, print_json
from headgate.cli.rights_options import store_options


@click.command(epilog=examples("ledger", "show support-topics@1", "show b3:9f3c21 --json"))
@click.argument("name")
@PURPOSE
@store_options
def show(name: str, purpose: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Shows a record by name, address or beginning of an address: its body, edges and claims."""
    from headgate.flow.governing import open_ledger
    from headgate.flow.withholding import may_read, withheld_record
    from headgate.kit.clock import now
    from headgate.ledger import reads
    from headgate.ledger.showing import describe, lines

    with open_ledger(store) as ledger:
        record = describe(ledger, name)
        if record["body"] is not None:
            shown = record["id"] if record["kind"] == "row" else record["body"]
            numbers = reads.quoted_rows(ledger, shown)
            reads.note(ledger, "ledger show", numbers, purpose=purpose, now=now())
            if not may_read(ledger, now(), purpose):
                record["body"] = withheld_record(record["kind"], record["body"])
    if as_json:
        print_json(answer("ledger show", {"record": record}))
    elif not quiet:
        click.echo("\n".join(lines(record)))


@click.command(epilog=examples("ledger", "export ledger.jsonl", "export ledger.jsonl.zst --json"))
@click.argument("target", type=click.Path(path_type=Path))
@PURPOSE
@store_options
def export(target: Path, purpose: str, store: Path, quiet: bool, as_json: bool) -> None:
    """Writes every record to TARGET, one JSON object a line; .gz and .zst compress."""
    from headgate.flow.governing import open_ledger
    from headgate.kit.clock import now
    from headgate.ledger import reads

    with open_ledger(store) as ledger:
        reads.note(ledger, "ledger export", ledger.rows.all_numbers(), purpose=purpose, now=now())
        count, head = ledger.export(target), ledger.head().hash
    if as_json:
        print_json(answer("ledger export", {"file": str(target), "records": count, "head": head}))
    elif not quiet:
        click.echo(f"wrote {count:,} records to {target}; head {head}")
