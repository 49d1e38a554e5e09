"""`headgate rights retention hold` and `lift`: until a day nothing of a source, a person or the ledger is erased."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.output import examples
from headgate.cli.rights_cases import DAY, moment
from headgate.cli.rights_options import by_option, store_options
from headgate.cli.rights_retention_told import claimed, of_hold

BY = by_option("Who says so.")
REASON = click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the ledger.")
SOURCE = click.option("--source", metavar="NAME", help="Rows of a source.")
AHEAD = click.option("--ahead", is_flag=True, help="Also on a name that the ledger does not know yet.")


@click.command(
    epilog=examples(
        "rights",
        'retention hold --source forum --until 2027-06-30 --by "A. Vos" --reason "suit 17/26"',
        'retention hold --all --until 2027-06-30 --by "A. Vos" --reason "audit"',
    )
)
@SOURCE
@click.option("--subject", metavar="KEY", help="Rows about a person.")
@click.option("--all", "every", is_flag=True, help="The whole ledger.")
@click.option("--until", type=DAY, required=True, metavar="DATE", help="Its last day.")
@AHEAD
@BY
@REASON
@store_options
def hold(source: str | None, subject: str | None, every: bool, until: Any, **asked: Any) -> None:
    """Puts a legal hold on rows: until its last day neither a period nor `rights erase` takes them."""
    from headgate.ledger import holds
    from headgate.ledger.roles import RETENTION

    about = of_hold(source, subject, every)
    said = {
        "by": asked["by"],
        "reason": asked["reason"],
        "until": until.date(),
        "now": moment(),
        "ahead": asked["ahead"],
    }
    claimed(asked, "hold", RETENTION, about, lambda ledger: holds.put(ledger, about, **said))


@click.command(
    epilog=examples(
        "rights",
        'retention lift --source forum --by "A. Vos" --reason "settled"',
        'retention lift --all --by "A. Vos" --reason "audit over" --json',
    )
)
@SOURCE
@click.option("--subject", metavar="KEY", help="Rows about a person.")
@click.option("--all", "every", is_flag=True, help="The whole ledger.")
@BY
@REASON
@store_options
def lift(source: str | None, subject: str | None, every: bool, **asked: Any) -> None:
    """Ends a legal hold before its day."""
    from headgate.ledger import holds
    from headgate.ledger.roles import RETENTION

    about = of_hold(source, subject, every)
    said = {"by": asked["by"], "reason": asked["reason"], "now": moment()}
    claimed(asked, "lift", RETENTION, about, lambda ledger: holds.lift(ledger, about, **said))
