"""`headgate rights export` and `bundle`: what the ledger knows, in the formats of other houses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options

FORMATS = ("croissant", "spdx", "cyclonedx", "slsa", "openlineage", "dataset-card", "model-card", "eu-sheet", "all")
AT = click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE",
    help="Moment for which claims are read, in UTC (default: now); the same moment gives the same bytes.",
)
OUT = click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="Where to write.")


@click.command(epilog=examples("rights", "export production --out evidence", "export support@3 --format spdx --out ."))
@click.argument("name")
@click.option(
    "--format", "formats", type=click.Choice(FORMATS), multiple=True, default=("all",), show_default=True,
    help="Which documents; may be given again.",
)  # fmt: skip
@OUT
@AT
@store_options
def export(name: str, formats: tuple[str, ...], **asked: Any) -> None:
    """Writes documents of evidence about NAME: a release, an alias, an adapter or a dataset version.

    Counts, digests, licences and claims with who says so; no text of a row and no key of a person. What nobody stated
    is NOASSERTION or unknown.
    """
    from headgate.ledger.ledger import Ledger
    from headgate.rights.evidence import gathering, writing

    with Ledger.open(asked["store"]) as ledger:
        facts = gathering.gather(ledger, name, _moment(asked["at"]))
    _told("export", facts.name, writing.export(facts, asked["out"], formats), asked)


@click.command(epilog=examples("rights", "bundle production --out evidence-2026-11"))
@click.argument("name")
@OUT
@AT
@store_options
def bundle(name: str, **asked: Any) -> None:
    """Writes every document about NAME into one new folder, with a manifest of BLAKE3 and SHA-256 digests.

    The folder appears whole or not at all; `headgate rights sign` signs it.
    """
    from headgate.ledger.ledger import Ledger
    from headgate.rights.evidence import gathering, writing

    with Ledger.open(asked["store"]) as ledger:
        facts = gathering.gather(ledger, name, _moment(asked["at"]))
        head = ledger.head().hash
    _told("bundle", facts.name, writing.bundle(facts, asked["out"], head), asked)


def _moment(at: datetime | None) -> datetime:
    from headgate.kit.clock import now, parse_moment

    return parse_moment(at) if at else now()


def _told(verb: str, name: str, written: Any, asked: dict[str, Any]) -> None:
    if asked["as_json"]:
        print_json(answer(f"rights {verb}", {"of": name, **written.as_json()}))
    elif not asked["quiet"]:
        lines = [f"{written.folder / file}" for file in written.files.values()]
        lines += [f"left out: {one}, as {why}" for one, why in written.left_out.items()]
        click.echo("\n".join(lines))
