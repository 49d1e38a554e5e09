"""`headgate release`: names, cards and aliases; `list`, `show`, `alias` and `rollback` beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES, run_until

if TYPE_CHECKING:
    from headgate.flow.project import Project


BY = click.option("--by", default="", metavar="NAME", help="Who moves it; else HEADGATE_USER, git, the login.")


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    return FLOW_FILE(common_options(command))


def _project(flow_file: Path) -> Project:
    from headgate.flow.project import open_project

    return open_project(flow_file)


@click.group(invoke_without_command=True, epilog=examples("release", "", "list", "rollback"))
@FLOW_FILE
@OVERRIDES
@common_options
@click.pass_context
def command(
    context: click.Context, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool
) -> int | None:
    """Gives the decided adapter an immutable name, a card and an alias.

    Runs the stages of the flow file up to [release]. Without a passing decision on exactly this adapter nothing is
    released.
    """
    if context.invoked_subcommand is not None:
        return None
    return run_until("release", flow_file, overrides, quiet=quiet, as_json=as_json)


@command.command(name="list", epilog=examples("release", "list", "list --json"))
@_where
def list_releases(flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Lists releases, oldest first, with the aliases that point at them and whether their files are whole."""
    from headgate.release.showing import overview

    project = _project(flow_file)
    with project.ledger() as ledger:
        found = overview(ledger, project.folder)
    if as_json:
        print_json(answer("release list", {"releases": found}))
    elif not quiet:
        rows = [f"{r['release']:<40} {r['at'][:16]}  {r['files']:<8} {', '.join(r['aliases'])}" for r in found]
        click.echo("\n".join([*rows, f"{len(found)} releases"]))


@command.command(epilog=examples("release", "show production", "show support-replies@9f3c21aa0b1d --json"))
@click.argument("name")
@_where
def show(name: str, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Shows the card and the record of the release NAME: full name, digest, or alias."""
    from headgate.release.showing import describe

    project = _project(flow_file)
    with project.ledger() as ledger:
        record, card = describe(ledger, project.folder, name)
    if as_json:
        print_json(answer("release show", record))
    elif not quiet:
        click.echo(card)


@command.command(
    epilog=examples("release", "alias staging support-replies@9f3c21aa0b1d", "alias production staging --json")
)
@click.argument("alias")
@click.argument("release")
@BY
@_where
def alias(alias: str, release: str, by: str, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Points ALIAS at RELEASE: a full name, a digest, or another alias."""
    from headgate.kit.clock import now
    from headgate.release.aliases import MOVE, move

    project = _project(flow_file)
    with project.ledger() as ledger:
        moved = move(ledger, alias, release, project=project.folder, how=MOVE, now=now(), by=by)
    _told("alias", moved.as_json(), quiet=quiet, as_json=as_json)


@command.command(epilog=examples("release", "rollback", "rollback staging --json"))
@click.argument("alias", default="production")
@BY
@_where
def rollback(alias: str, by: str, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Points ALIAS (default: production) at the release before the present one."""
    from headgate.kit.clock import now
    from headgate.release.aliases import roll_back

    project = _project(flow_file)
    with project.ledger() as ledger:
        moved = roll_back(ledger, alias, project=project.folder, now=now(), by=by)
    _told("rollback", moved.as_json(), quiet=quiet, as_json=as_json)


def _told(name: str, moved: dict[str, Any], *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json(answer(f"release {name}", moved))
    elif not quiet:
        click.echo(f"{moved['alias']} -> {moved['release']}" + (", before: " + moved["before"]) * bool(moved["before"]))
