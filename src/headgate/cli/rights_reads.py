"""`headgate rights reads`: who has looked at the content of rows about people, and at sealed pools."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options


@click.command(epilog=examples("rights", "reads --subject user-17", 'reads --by "Ann Lee" --since 2026-11-01 --json'))
@click.option("--subject", metavar="KEY", help="Whose content was read: their rows, and rows made from them.")
@click.option("--by", default="", metavar="NAME", help="Who read: a name, another name of theirs, or a login.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Reads of that day and later.")
@store_options
def reads(subject: str | None, by: str, since: datetime | None, store: Path, quiet: bool, as_json: bool) -> None:
    """Lists the commands that showed or exported the content of rows about people, and looks at sealed pools.

    Answers also after the rows were erased. Looks at sealed pools are left out with --subject: their items are about
    nobody that the ledger knows.
    """
    from headgate.flow.governing import open_ledger
    from headgate.ledger import reads as log
    from headgate.rights.reach import SUBJECT, Target, reach

    with open_ledger(store) as ledger:
        rows = reach(ledger, Target(SUBJECT, subject)).rows if subject else None
        found = log.reads(ledger, rows=rows, by=by, since=since)
    looks = [] if subject else _looks(ledger.file.parent, by, since)
    if as_json:
        told: dict[str, Any] = {"reads": [one.as_json() for one in found], "sealed": looks}
        print_json(answer("rights reads", told))
    elif not quiet:
        for one in found:
            why = f", for {one.purpose}" if one.purpose else ""
            click.echo(
                f"{one.at[:19]}  {one.by} ({one.login})  {one.command}: {one.rows:,} rows, {one.people:,} people{why}"
            )
        for look in looks:
            click.echo(
                f"{look['time'][:19]}  {look['actor']}  sealed {look['answer']}, for {look['purpose'] or 'no purpose'}"
            )
        click.echo(f"{len(found):,} reads" + (f", {len(looks):,} entries about sealed pools" if looks else ""))


def _looks(store: Path, by: str, since: datetime | None) -> list[dict[str, Any]]:
    from headgate.evaluate.access_log import AccessLog
    from headgate.evaluate.sealed import FILE
    from headgate.kit.clock import parse_moment, stamp
    from headgate.kit.people import plain_name

    log = AccessLog(store / FILE)
    after = stamp(parse_moment(since)) if since else ""
    fields = ("time", "actor", "suite", "candidate", "purpose", "answer")
    return [
        {name: getattr(one, name) for name in fields}
        for one in log.entries
        if one.time >= after and plain_name(by) in ("", plain_name(one.actor))
    ]
