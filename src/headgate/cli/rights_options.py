"""Options that the verbs under `headgate rights` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from headgate.cli.output import common_options
from headgate.cli.place import ledger_option


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--ledger` (as `store`), `--json` and `--quiet`."""
    return ledger_option(common_options(command))


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--subject`, `--source` and `--row`, of which one is to be given."""
    command = click.option("--row", metavar="ADDRESS", help="One row, by its address.")(command)
    command = click.option("--source", metavar="NAME", help="A source of rows.")(command)
    return click.option("--subject", metavar="KEY", help="A person, by the `subject` of their rows.")(command)


def by_option(who: str) -> Callable[..., Any]:
    """`--by`: who acts; left out, whom the machine names, as for every other verb."""
    told = f"{who.rstrip('.')}; else HEADGATE_USER, git, the login."
    return click.option("--by", default=None, callback=_acting, metavar="NAME", help=told)


def _acting(context: click.Context, option: click.Parameter, given: str | None) -> str:  # noqa: ARG001 - click's shape
    from headgate.kit.people import acting

    return acting().name if given is None else given
