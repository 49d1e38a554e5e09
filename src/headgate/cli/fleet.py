"""`headgate fleet`: adapters in use, whether they still belong, can be rebuilt, combined, and for how long."""

from __future__ import annotations

import click

from headgate.cli import fleet_care, fleet_compat, fleet_compose, fleet_doctor, fleet_drill, fleet_migrate


@click.group()
def command() -> None:
    """Looks after adapters in use: whether they belong to a base, can be rebuilt, and what is lost first."""


for part in (fleet_doctor.doctor, fleet_compat.compat, fleet_drill.drill):
    command.add_command(part)
for part in (fleet_care.rescue, fleet_care.adopt, fleet_care.retire, fleet_doctor.claim):
    command.add_command(part)
command.add_command(fleet_compose.compose)
command.add_command(fleet_migrate.migrate)
