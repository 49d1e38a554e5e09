"""`headgate rights erase`: the words of a person, a source or a row, gone."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import by_option, store_options, target_options
from headgate.kit.errors import Exit


@click.command(
    epilog=examples(
        "rights",
        'erase --subject user-17 --by "A. Vos" --reason "case 3"',
        'erase --subject user-17 --by "A. Vos" --reason "case 3" --yes --json',
    )
)
@target_options
@by_option("Who answers for it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the ledger.")
@click.option("--merged", is_flag=True, help="Take rows that were made from rows of others too.")
@click.option("--items", is_flag=True, help="Take evaluation items and frozen prompts that quote them too.")
@click.option("--yes", is_flag=True, help="Erase; without it, only say what would go.")
@store_options
def erase(
    subject: str | None,
    source: str | None,
    row: str | None,
    by: str,
    reason: str,
    merged: bool,
    items: bool,
    yes: bool,
    store: Path,
    quiet: bool,
    as_json: bool,
) -> int:
    """Erases the words of rows for good: from the ledger, its content, shards, work files and reports.

    Addresses, edges and dataset versions stay, and `ledger verify` passes. Afterwards every file of the ledger is
    searched again; exit code 1 where words are left, in records that a person decides about or in files of yours.
    Rows that stay though they were also made from these name them by keyed addresses, which nobody can try texts on.
    An erasure that was killed is run again and goes on.
    """
    from headgate.flow.governing import open_ledger
    from headgate.kit.clock import now
    from headgate.rights import erasure
    from headgate.rights.reach import alike, alike_lines, target_of

    erasure.must_be_answered_for(by, reason)
    target = target_of(subject, source, row)
    with open_ledger(store) as ledger:
        planned, others = erasure.plan(ledger, target, merged=merged, items=items), alike(ledger, target)
        beside = ledger.file.parent
        done = (
            erasure.erase(ledger, planned, store=beside, by=by, reason=reason, now=now(), quiet=quiet or as_json)
            if yes
            else None
        )
    left = done is not None and not done.whole
    if as_json:
        parts = {"of": str(target), "rows": len(planned.rows), "merged": len(planned.merged), "alike": others}
        told = parts | {"erased": done.as_json() if done else None}
        print_json(answer("rights erase", told, "fail" if left else "pass"))
    elif not quiet:
        click.echo("\n".join([*erasure.lines(planned, done), *alike_lines(others)]))
    return int(Exit.FAIL if left else Exit.PASS)
