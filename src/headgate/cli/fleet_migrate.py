"""`headgate fleet migrate`: an adapter's skill on another base: roads, a candidate, acceptance, alias watch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headgate.cli.fleet_accept import FOLDER, accept, pair, watch
from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options


@click.group()
def migrate() -> None:
    """Moves an adapter's skill to another base, or says that it cannot be moved."""


@migrate.command(
    epilog=examples("fleet", "migrate plan adapters/support --from base --to base-2",
                    "migrate plan adapters/support --from base --to base-2 --prompts stored.csv --json")
)  # fmt: skip
@click.argument("adapter", type=FOLDER)
@pair
@click.option("--prompts", type=FOLDER, help="Stored prompts that may be used.")
@store_options
def plan(adapter: Path, old: Path, new: Path, prompts: Path | None, store: Path, quiet: bool, as_json: bool) -> int:
    """Says how near the bases are and which roads to try, in order: copy, rebuild, distil, retire."""
    from headgate.fleet.migration.moving import planned

    told = planned(adapter, old, new, store, prompts=prompts is not None)
    if as_json:
        print_json(answer("fleet migrate plan", told))
    elif not quiet:
        near = told["nearness"]
        fits = f"overlap {near['overlap']:.3f}" if near["fits"] else f"does not fit: {near['why_not']}"
        click.echo(f"differs in {', '.join(near['differing']) or 'nothing'}; {fits}")
        click.echo("\n".join(f"{n}. {one['road']}: {one['why']}" for n, one in enumerate(told["roads"], 1)))
    return 0


@migrate.command(
    epilog=examples(
        "fleet", "migrate make adapters/support --from base --to base-2 --road copy --out adapters/support-2",
        "migrate make adapters/support --from base --to base-2 --road distil --seeds examples.csv --out adapters/s2",
        "migrate make adapters/support --from base --to base-2 --road rebuild --kit rescue/support --out adapters/s3",
    )
)  # fmt: skip
@click.argument("adapter", type=FOLDER)
@pair
@click.option("--road", required=True, type=click.Choice(["copy", "rebuild", "distil"]), help="Which road.")
@click.option("--prompts", type=FOLDER, help="Stored prompts to distil from.")
@click.option("--seeds", type=FOLDER, help="Five examples or more, to make prompts from.")
@click.option("--count", default=400, show_default=True, help="Prompts to make.")
@click.option("--suite", "suites", multiple=True, metavar="NAME=FILE", help="Items that no prompt may be.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Names of columns in the files.")
@click.option("--kit", type=FOLDER, help="Rebuild from this rescue kit: neither the ledger nor its rows are needed.")
@click.option("--steps", default=200, show_default=True, help="Steps of a distillation.")
@click.option("--cold", is_flag=True, help="Distil from a fresh adapter, where the old one fits too.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the candidate.")
@store_options
def make(
    adapter: Path, old: Path, new: Path, road: str, out: Path, store: Path, quiet: bool, as_json: bool, **more: Any
) -> int:
    """Makes a candidate for the new base. It is not promoted: `migrate accept` says whether it may be."""
    from headgate.fleet.migration.moving import made

    told = made(adapter, old, new, road, out, store, **more)
    if as_json:
        print_json(answer("fleet migrate make", told))
    elif not quiet:
        click.echo(
            f"{road}: {told['adapter']} in {out}"
            + (f", {told['prompts']} prompts" if told["prompts"] else "")
            + (", begun with the old adapter's tensors" if told["warm"] else "")
        )
    return 0


migrate.add_command(accept)
migrate.add_command(watch)
