"""`headgate curate review` and `restore`: what a person lets go, and what comes back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.output import PURPOSE, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE

if TYPE_CHECKING:
    from headgate.curate.reviews import Proposal
    from headgate.ledger.ledger import Ledger

NAME = click.option("--name", default="", help="The person who decides.")
REASON = click.option("--reason", default="", help="Why.")


def _flow(command: Callable[..., Any]) -> Callable[..., Any]:
    return FLOW_FILE(NAME(REASON(common_options(command))))


@click.command(
    epilog=examples(
        "curate",
        "review",
        'review --accept all --name "Ann Lee"',
        'review --accept 1f3c9a2b --keep b3:9f3c21 --name "Ann Lee" --reason "read them all" --json',
    )
)
@click.option("--accept", multiple=True, metavar="WHAT", help="all, none, a cluster, a row, or a JSON file of both.")
@click.option("--keep", multiple=True, metavar="WHAT", help="A cluster or a row that stays whatever is accepted.")
@click.option("--first", default=20, show_default=True, help="Clusters shown; 0: all of them.")
@PURPOSE
@_flow
def review(
    accept: tuple[str, ...], keep: tuple[str, ...], first: int, purpose: str, name: str, reason: str, flow_file: Path,
    quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Shows near-duplicates cluster by cluster, with their differences, and takes the decision of a person.

    On a terminal it asks; with --accept or --keep it records. Accepted rows leave at the next `headgate curate`.
    """
    from headgate.curate import reviewing, reviews
    from headgate.flow.project import open_project
    from headgate.kit.clock import now
    from headgate.ledger import reads

    project = open_project(flow_file)
    with project.ledger() as ledger:
        proposed = reviews.proposal(ledger, project.dataset)
        choice = None
        if not (accept or keep or as_json or quiet):  # otherwise no word of a row is shown
            shown = [*proposed.clusters[: first or None], *proposed.mixed]
            reads.note(ledger, "curate review", reads.quoted_rows(ledger, shown), purpose=purpose, by=name, now=now())
        if accept or keep:
            choice = reviewing.chosen(proposed, accept, keep)
        elif not as_json and not quiet and sys.stdin.isatty() and sys.stdout.isatty():
            choice = _asked(ledger, proposed, first)
        elif not as_json and not quiet:
            click.echo("\n".join(reviewing.lines(ledger, proposed, first, colour=sys.stdout.isatty())))
        decision = None
        if choice is not None and (choice.accept or choice.keep):
            decision = reviewing.record(ledger, proposed, choice, name=name, reason=reason, at=now())
    if as_json:
        told = reviewing.as_json(proposed, choice) | {"decision": decision}
        print_json(answer("curate review", told))
    elif decision and not quiet and choice:
        click.echo(f"{len(choice.accept):,} rows may go, {len(choice.keep):,} stay, says {name}; next: headgate curate")


@click.command(
    epilog=examples(
        "curate",
        'restore b3:9f3c21a0 --name "Ann Lee" --reason "the only row about a frozen card"',
        'restore b3:9f3c21a0 b3:77aa01c2 --name "Ann Lee" --reason "both are needed" --json',
    )
)
@click.argument("rows", nargs=-1, required=True)
@_flow
def restore(rows: tuple[str, ...], name: str, reason: str, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Brings rows back that the newest version left out as duplicates, at the next curation."""
    from headgate.curate import reviewing
    from headgate.flow.project import open_project
    from headgate.kit.clock import now

    project = open_project(flow_file)
    with project.ledger() as ledger:
        version = ledger.versions.get(project.dataset)
        decision, kept = reviewing.restore(ledger, version, rows, name=name, reason=reason, at=now())
    if as_json:
        print_json(answer("curate restore", {"decision": decision, "rows": kept}))
    elif not quiet:
        click.echo(f"{len(kept):,} rows come back, says {name}; next: headgate curate")


def _asked(ledger: Ledger, proposed: Proposal, first: int) -> Any:
    """Asks about each cluster that nobody has decided about: accept, keep, skip or quit."""
    from headgate.curate import reviewing

    accepted: list[str] = []
    kept: list[str] = []
    click.echo("\n".join(reviewing.top(ledger, proposed)))
    for cluster, text in reviewing.undecided(ledger, proposed, first, colour=True):
        click.echo("\n" + "\n".join(text))
        word = click.prompt("accept, keep, skip or quit", type=click.Choice(list("aksq")), default="s")
        if word == "q":
            break
        (accepted if word == "a" else kept if word == "k" else []).extend(one.row for one in cluster.goes)
    return reviewing.Choice(tuple(accepted), tuple(kept))
