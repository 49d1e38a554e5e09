"""`headgate rights`: who is in a model, by what right, and how to get them out."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli import (
    rights_approve,
    rights_cases,
    rights_erase,
    rights_evidence,
    rights_licence,
    rights_membership,
    rights_reads,
    rights_remedies,
    rights_retention,
    rights_roles,
    rights_signatures,
    rights_terms,
)
from headgate.cli.output import answer, examples, print_json
from headgate.cli.rights_options import store_options, target_options


@click.group()
def command() -> None:
    """Answers for people and sources: what was made from their rows, what changed, what was done about it."""


@command.command(epilog=examples("rights", "impact --subject user-17", "impact --source forum --json"))
@target_options
@store_options
def impact(subject: str | None, source: str | None, row: str | None, store: Path, quiet: bool, as_json: bool) -> None:
    """Lists everything made from the rows of a person or source, or from one row.

    Rows made from rows, dataset versions by split, runs, adapters, merges, releases and deployments, and what share
    of the rows and learned tokens of each run they were. Answers from the lineage, so also after an erasure.
    """
    from headgate.ledger.ledger import Ledger
    from headgate.rights import exposure, reach

    with Ledger.open(store) as ledger:
        found = reach.reach(ledger, reach.target_of(subject, source, row))
        exposed, moved = exposure.exposure(ledger, found, store), reach.moved_on(ledger, found)
    if as_json:
        more = {"exposure": [one.as_json() for one in exposed], "aliases_moved_on": sorted(moved)}
        print_json(answer("rights impact", found.as_json() | more))
    elif not quiet:
        click.echo("\n".join([*reach.lines(found, moved), *exposure.lines(exposed)]))


for part in (rights_remedies.show, rights_remedies.remedy, rights_remedies.close):
    rights_cases.case.add_command(part)
command.add_command(rights_cases.case)
command.add_command(rights_erase.erase)
command.add_command(rights_membership.membership)
command.add_command(rights_retention.retention)
for verb in (rights_evidence.export, rights_evidence.bundle, rights_signatures.sign, rights_signatures.verify):
    command.add_command(verb)
for look in (
    rights_terms.terms,
    rights_licence.licence,
    rights_roles.roles,
    rights_approve.approve,
    rights_reads.reads,
):
    command.add_command(look)
