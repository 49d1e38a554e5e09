"""`headgate fleet drill` and `rescue`: make an adapter again from its closure alone, and keep what that needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_options import store_options

if TYPE_CHECKING:
    from headgate.fleet.drill import Drilled

FOLDER = click.Path(path_type=Path)


def environment_options(command: click.decorators.FC) -> click.decorators.FC:
    """Adds `--environment`."""
    return click.option(
        "--environment", "kind", type=click.Choice(["fresh", "linked", "current"]), default="fresh", show_default=True,
        help="fresh: installed by pip from the lock. linked: new too, of links to what is installed here, no network. "
        "current: the interpreter that runs now.",
    )(command)  # fmt: skip


@click.command(
    epilog=examples(
        "fleet", "drill support@1f2e3d", "drill production --environment linked --json", "drill --kit rescue/support"
    )
)
@click.argument("name", required=False)
@click.option("--kit", type=FOLDER, help="Rebuild from this rescue kit; needs no ledger.")
@click.option("--keep", type=FOLDER, help="Keep the rebuilt adapters in this new folder.")
@click.option("--by", default="", metavar="NAME", help="Who drills; else HEADGATE_USER, git, the login.")
@environment_options
@store_options
def drill(
    name: str | None, kit: Path | None, keep: Path | None, by: str, kind: str, store: Path, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Makes NAME (an adapter, a release or an alias) again from its closure alone and compares bit by bit.

    On a clean checkout of the recorded commit with the recorded patch, in a new environment made from the lock, with no
    network but for installing it. A failure names its cause. With a ledger the drill is recorded.
    """
    import tempfile

    from headgate.fleet.drill import drill as rebuild
    from headgate.kit.errors import Refused

    if (name is None) == (kit is None):
        raise Refused("name an adapter, or a kit with --kit")
    if kit is not None:
        found = rebuild(kit, kind=kind, keep=keep)
        return told(found, quiet=quiet, as_json=as_json)
    from headgate.fleet.drill import remember
    from headgate.fleet.finding import member, project_of
    from headgate.fleet.kit import pack
    from headgate.flow.governing import open_ledger
    from headgate.kit import clock
    from headgate.kit.people import acting

    with open_ledger(store) as ledger, tempfile.TemporaryDirectory(prefix="headgate-kit-") as place:
        one = member(ledger, name or "")
        pack(ledger, one.run, project_of(store), Path(place) / "kit")
        found = rebuild(Path(place) / "kit", kind=kind, keep=keep)
        remember(ledger, found, by=acting(by).name, now=clock.now())
    return told(found, quiet=quiet, as_json=as_json)


def told(found: Drilled, *, quiet: bool, as_json: bool) -> int:
    """Prints how a drill ended; its exit code."""
    verdict = found.verdict
    if as_json:
        print_json(answer("fleet drill", {"verdicts": [verdict.as_json()], **found.as_json()}, verdict.outcome))
    elif not quiet:
        click.echo(f"{verdict.outcome.value}: {verdict.summary}")
        for one in found.causes:
            click.echo(f"  {one.name}: {one.what}")
        for one in found.notes:
            click.echo(f"  note: {one.name}: {one.what}")
        if verdict.reason:
            click.echo(f"  {verdict.reason}")
        click.echo(f"{found.wall_s:.0f} s in a {found.kind} environment")
    return int(EXIT_OF[verdict.outcome])
