"""`headgate fleet migrate accept` and `watch`: whether another stack does the same, and whether an alias still does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_options import store_options

FOLDER = click.Path(path_type=Path)
NEW = click.option("--to", "new", required=True, type=FOLDER, metavar="FOLDER", help="The new base.")
OLD = click.option("--from", "old", required=True, type=FOLDER, metavar="FOLDER", help="The base that it was made for.")


def pair(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--from` (as `old`) and `--to` (as `new`)."""
    return OLD(NEW(command))


@click.command(
    epilog=examples(
        "fleet", "migrate accept --from base --old adapters/s --to base-2 --new adapters/s2 --suite topics=gate.csv",
        "migrate accept --from base --to base-2 --suite topics=gate.csv --suite refusals=safety.csv --json",
    )
)  # fmt: skip
@pair
@click.option("--old", "before", type=FOLDER, help="Adapter of the old stack.")
@click.option("--new", "after", type=FOLDER, help="Adapter of the new stack.")
@click.option("--suite", "suites", multiple=True, required=True, metavar="NAME=FILE", help="Items, safety included.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Names of columns, slices included.")
@click.option("--scorer", default="normalised", show_default=True, help="How answers are compared with targets.")
@click.option("--margin", default=0.02, show_default=True, help="Change on either side that is still none.")
@click.option("--max-tokens", default=64, show_default=True, help="Longest answer.")
@store_options
def accept(store: Path, quiet: bool, as_json: bool, **given: Any) -> int:
    """Asks both stacks the same items: equivalent on every suite, and no slice worse, or not accepted."""
    from headgate.fleet.migration.moving import acceptance
    from headgate.stats.verdict import worst

    return _told("accept", acceptance(store=store, **given), worst, {}, quiet=quiet, as_json=as_json)


@click.command(
    epilog=examples("fleet", "migrate watch support --model http://localhost:8000/v1#support --prompts probe.csv",
                    "migrate watch support --model http://localhost:8000/v1#support --prompts probe.csv --anew --json")
)  # fmt: skip
@click.argument("name")
@click.option("--model", required=True, metavar="MODEL", help="http://host/v1#alias, or local:FOLDER.")
@click.option("--prompts", required=True, type=FOLDER, help="The same file at every look.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Names of columns in the file.")
@click.option("--anew", is_flag=True, help="Begin again: what it answers now is what it shall answer; closes its case.")
@store_options
def watch(
    name: str, model: str, prompts: Path, columns: tuple[str, ...], anew: bool, store: Path, quiet: bool, as_json: bool
) -> int:
    """Asks an alias that somebody else moves; opens a case when its version or its answers changed."""
    from headgate.fleet.migration.moving import watched
    from headgate.stats.verdict import worst

    found = watched(name, model, prompts, columns, store, anew=anew)
    parts = {"first": found.first, "case": found.case}
    return _told("watch", found.verdicts, worst, parts, quiet=quiet, as_json=as_json)


def _told(name: str, verdicts: Any, worst: Any, parts: dict[str, Any], *, quiet: bool, as_json: bool) -> int:
    outcome = worst(verdicts)
    if as_json:
        told = {**parts, "verdicts": [one.as_json() for one in verdicts]}
        print_json(answer(f"fleet migrate {name}", told, outcome))
    elif not quiet:
        lines = [f"{v.outcome.value}: {v.summary}" + (f"; {v.reason}" if v.reason else "") for v in verdicts]
        lines += [f"case {parts['case']}"] if parts.get("case") else []
        click.echo("\n".join(lines or ["recorded; the next look compares"]))
    return int(EXIT_OF[outcome])
