"""`headgate rights case`: open, list, show, remedy and close a case."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import by_option, store_options, target_options
from headgate.kit.errors import Exit

KINDS = ("withdrawal", "licence-change", "takedown")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def case() -> None:
    """Cases: what somebody asked for, what it touches, what was done, and the evidence that it is over."""


@case.command(
    name="open",
    epilog=examples(
        "rights",
        'case open --subject user-17 --reason "mail of 3 May" --by "A. Vos"',
        'case open --kind takedown --source forum --reason "lawyer" --by "A. Vos" --evidence letter.pdf',
    ),
)
@click.option("--kind", type=click.Choice(KINDS), default="withdrawal", show_default=True, help="What happened.")
@target_options
@click.option("--reason", required=True, metavar="TEXT", help="What was asked, or what changed.")
@by_option("Who says so.")
@click.option("--since", type=DAY, metavar="DATE", help="From when on consent is gone (default: now).")
@click.option("--days", default=30, show_default=True, help="Until it is due; at most 3650.")
@click.option("--evidence", type=FILE, help="What was received; kept in the ledger.")
@store_options
def open_(**asked: Any) -> None:
    """Opens a case with a clock, and claims from then on that consent is gone.

    Of an open case of the same kind about the same person, source or row, what is new is kept with it.
    """
    from headgate.flow.governing import open_ledger
    from headgate.ledger.roles import CASE, require
    from headgate.rights.cases import open_case
    from headgate.rights.reach import alike, target_of

    target = target_of(asked["subject"], asked["source"], asked["row"])
    with open_ledger(asked["store"]) as ledger:
        require(ledger, CASE, by=asked["by"], about=str(target), now=moment())
        with ledger.transaction():
            opened = open_case(
                ledger,
                asked["kind"],
                target,
                reason=asked["reason"],
                source=asked["by"],
                now=moment(),
                since=asked["since"],
                days=asked["days"],
                evidence=stored(ledger, asked["evidence"]),
            )
        others = alike(ledger, target)
    told("open", opened, quiet=asked["quiet"], as_json=asked["as_json"], others=others)


@case.command(name="list", epilog=examples("rights", "case list", "case list --all --json"))
@click.option("--all", "every", is_flag=True, help="Closed cases too.")
@store_options
def list_(every: bool, store: Path, quiet: bool, as_json: bool) -> int:
    """Lists open cases with the days that are left; exit code 1 where one is overdue.

    So is a closed one whose quarantine or justification is over."""
    from headgate.ledger.ledger import Ledger
    from headgate.rights.cases import CLOSED, all_cases, clock_of

    with Ledger.open(store) as ledger:
        known = all_cases(ledger)
    now = moment()
    late = [one for one in known if one.overdue(now)]
    found = [one for one in known if every or one.state != CLOSED or one in late]
    if as_json:
        told_of = {"cases": [one.as_json() for one in found], "overdue": [one.name for one in late]}
        print_json(answer("rights case list", told_of, "fail" if late else "pass"))
    elif not quiet:
        listed = [f"{one.name}  {one.kind} of {one.target}  {clock_of(one, now)}" for one in found]
        click.echo("\n".join(listed) or "no open case")
    return int(Exit.FAIL if late else Exit.PASS)


def moment() -> datetime:
    """The present moment."""
    from headgate.kit.clock import now

    return now()


def stored(ledger: Any, file: Path | None) -> str | None:
    """The address of a file in the content of a ledger; None of no file."""
    return ledger.content.put(file.read_bytes()) if file else None


def told(name: str, found: Any, *, quiet: bool, as_json: bool, others: dict[str, int] | None = None) -> None:
    """Prints a case as it stands after a verb; `others`: keys of people that read like that of the case."""
    from headgate.rights.cases import lines
    from headgate.rights.reach import alike_lines

    if as_json:
        more = {} if others is None else {"alike": others}
        print_json(answer(f"rights case {name}", found.as_json() | more))
    elif not quiet:
        click.echo("\n".join([*lines(found, moment()), *alike_lines(others or {})]))
