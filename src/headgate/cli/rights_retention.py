"""`headgate rights retention`: how long content is kept, what is past that, holds, and alarms before loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli import rights_holds
from headgate.cli.output import examples
from headgate.cli.rights_cases import moment
from headgate.cli.rights_options import by_option, store_options
from headgate.cli.rights_retention_told import claimed, looked, opened, told

CONTENT = ("rows", "signals", "traces", "outputs")
BY = by_option("Who says so.")
REASON = click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the ledger.")
SOURCE = click.option("--source", metavar="NAME", help="Rows of a source.")


@click.group()
def retention() -> None:
    """Periods after which rows, signals, traces and recorded answers go; legal holds; alarms before loss."""


@retention.command(name="list", epilog=examples("rights", "retention list", "retention list --json"))
@store_options
def list_(store: Path, quiet: bool, as_json: bool) -> int:
    """Shows periods, holds, what is past its period, and adapters in use that outlive their rows.

    Exit code 1 where there is an alarm or something is past its period. Erases nothing.
    """
    with opened(store) as (ledger, life):
        return told("list", *looked(ledger, life), None, quiet=quiet, as_json=as_json)


@retention.command(
    epilog=examples(
        "rights",
        'retention run --by "A. Vos" --reason "monthly"',
        'retention run --by "A. Vos" --reason "monthly" --yes --json',
    )
)
@BY
@REASON
@click.option("--yes", is_flag=True, help="Erase and open cases; without it, only say what would go.")
@store_options
def run(by: str, reason: str, yes: bool, store: Path, quiet: bool, as_json: bool) -> int:
    """Erases what is past its period; of rows that a model in use was made from, opens a case instead.

    Without --yes it shows what would go. What a legal hold keeps stays. Exit code 1 where an alarm or a case is left.
    """
    from headgate.rights import retention as desk

    with opened(store) as (ledger, life):
        found, holds = looked(ledger, life)
        silent = quiet or as_json
        act = desk.run if yes else None
        beside = ledger.file.parent
        done = act(ledger, found, store=beside, by=by, reason=reason, now=moment(), quiet=silent) if act else None
        return told("run", found, holds, done, quiet=quiet, as_json=as_json)


@retention.command(
    name="set",
    epilog=examples(
        "rights",
        'retention set --source forum --days 365 --by "A. Vos" --reason "contract"',
        'retention set --of traces --days 30 --by "A. Vos" --reason "policy"',
    ),
)
@SOURCE
@click.option("--group", metavar="NAME", help="Rows of a group, or of a slice such as region=eu.")
@click.option("--of", "content", type=click.Choice(CONTENT), help="A kind of content.")
@click.option("--days", type=int, required=True, help="How long it is kept; 0: no period any more.")
@rights_holds.AHEAD
@BY
@REASON
@store_options
def set_(source: str | None, group: str | None, content: str | None, days: int, **asked: Any) -> None:
    """Sets the period of a source, a group or a kind of content, as a dated claim."""
    from headgate.ledger.roles import RETENTION
    from headgate.rights import periods

    about = periods.about_of(source, group, content)
    said = {"by": asked["by"], "reason": asked["reason"], "now": moment(), "ahead": asked["ahead"]}
    claimed(asked, "set", RETENTION, about, lambda ledger: periods.set_period(ledger, about, days or None, **said))


for verb in (rights_holds.hold, rights_holds.lift):
    retention.add_command(verb)
