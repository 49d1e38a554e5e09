"""`headgate fleet`: adapters in use, whether they still belong, can be rebuilt, and for how long."""

from __future__ import annotations

import click

from headgate.cli import fleet_compat, fleet_compose, fleet_migrate


@click.group()
def command() -> None:
    """Looks after adapters in use: whether they belong to a base, can be rebuilt, and what is lost first."""


command.add_command(fleet_compat.compat)
command.add_command(fleet_compose.compose)
command.add_command(fleet_migrate.migrate)
