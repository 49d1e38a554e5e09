"""What the verbs under `headgate judge` share: the project opened, its judges declared, one moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from headgate.ledger.ledger import Ledger
    from headgate.models.judges.declared import Declared
    from headgate.stats.verdict import Verdict


@contextlib.contextmanager
def opened(flow_file: Path) -> Iterator[tuple[Ledger, Declared, datetime]]:
    """The ledger of a project, the judges and rubrics that its flow file declares, and the present moment."""
    from headgate.flow.judging import declare_judges
    from headgate.flow.project import open_project

    project = open_project(flow_file)
    with project.ledger() as ledger:
        context = project.context(quiet=True)
        yield ledger, declare_judges(ledger, project.flow.judging, context.work), context.now


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Verdicts for a person, one a line; below a failure or a doubt why, the first few places and the next step."""
    from headgate.check.reports.screen import where
    from headgate.stats.verdict import Level, Outcome

    for one in verdicts:
        mild = one.outcome is Outcome.FAIL and one.level is not Level.BLOCK
        click.echo(f"{one.level.value if mild else one.outcome.value:<7} {one.rule}: {one.summary}")
        if one.reason:
            click.echo(f"        {one.reason}")
        if one.outcome in (Outcome.FAIL, Outcome.UNSURE):
            for place in where(one):
                click.echo(f"        {place}")
            if one.next_step:
                click.echo(f"        try {one.next_step}")
