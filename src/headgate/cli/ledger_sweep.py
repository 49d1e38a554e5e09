"""`headgate ledger sweep`: what cut-off commands left behind, gone."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.place import ledger_option
from headgate.kit.errors import Exit


@click.command(epilog=examples("ledger", "sweep", "sweep --ledger postgresql://keeper@db.example/ledger --json"))
@ledger_option
@common_options
def sweep(store: Path, quiet: bool, as_json: bool) -> int:
    """Makes deleted bytes go from the files of the database, and objects that no record names from the store.

    Every erasure ends with a sweep. Run it after a command that was cut off while it stored or erased. Exit code 1
    where something is left that only an administrator can remove.
    """
    from headgate.flow.governing import open_ledger

    with open_ledger(store) as ledger:
        swept = ledger.sweep()
    if as_json:
        told = {"left": swept.left, "unseen": swept.unseen}
        print_json(answer("ledger sweep", told, "fail" if swept.left else "pass"))
    elif not quiet:
        out = [f"not reached: {one}" for one in swept.left] + [f"not looked at: {one}" for one in swept.unseen]
        click.echo("\n".join([*out, "swept, but for these" if swept.left else "swept"]))
    return int(Exit.FAIL if swept.left else Exit.PASS)
