"""Options that the verbs under `headgate rights` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import common_options


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--ledger` (as `store`), `--json` and `--quiet`."""
    where = click.Path(path_type=Path)
    store = click.option(
        "--ledger", "store", type=where, default=Path(".headgate"), show_default=True, help="Its folder."
    )
    return store(common_options(command))


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--subject`, `--source` and `--row`, of which one is to be given."""
    command = click.option("--row", metavar="ADDRESS", help="One row, by its address.")(command)
    command = click.option("--source", metavar="NAME", help="A source of rows.")(command)
    return click.option("--subject", metavar="KEY", help="A person, by the `subject` of their rows.")(command)
