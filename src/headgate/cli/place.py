"""The option `--ledger`: the folder of a ledger, or the database of a team."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class Place(click.ParamType[Any]):
    """A folder, a file, or an address, which a path would spoil."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """A path, or the address as it is."""
        return value if isinstance(value, Path) or "://" in value else Path(value)


def _of_project() -> Any:
    from headgate.flow.governing import where_of

    return where_of(Path())


def ledger_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--ledger` (as `store`): by default what HEADGATE_LEDGER or the project file says, or .headgate."""
    return click.option(
        "--ledger", "store", type=Place(), default=_of_project, show_default=".headgate", envvar="HEADGATE_LEDGER",
        metavar="PLACE", help="Its folder, or postgresql://USER@HOST/DATABASE.",
    )(command)  # fmt: skip
