"""`headgate rights membership`: whether a model still knows rows that it was to forget."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_cases import moment
from headgate.cli.rights_options import store_options, target_options


@click.command(
    epilog=examples(
        "rights", "membership base@9c8b7a --source forum", "membership base@9c8b7a --subject user-17 --json"
    )
)
@click.argument("adapter")
@target_options
@click.option("--against", default="", metavar="ADAPTER", help="One that never saw them; both must score them alike.")
@click.option(
    "--controls",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Rows of the same kind that no run saw; without it, held-out splits.",
)
@store_options
def membership(
    adapter: str, subject: str | None, source: str | None, row: str | None, against: str, controls: Path | None,
    store: Path, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Tests whether an adapter still tells rows of a person or source from rows that no run saw.

    By how much likelier than its base it finds their answers. An adapter that was trained without them must lie
    within 0.5 +- 0.05 of the area under the ROC curve. Test before the rows are erased: it needs their words.
    """
    from headgate.flow.governing import open_ledger
    from headgate.rights.membership import membership as test
    from headgate.rights.reach import target_of
    from headgate.rows.reading import read_rows
    from headgate.stats.verdict import worst

    target = target_of(subject, source, row)
    given = list(read_rows(controls)) if controls else None
    with open_ledger(store) as ledger:
        verdicts = test(
            ledger, adapter, target, store=ledger.file.parent.absolute(), now=moment(), against=against, controls=given,
            quiet=quiet or as_json,
        )  # fmt: skip
    outcome = worst(verdicts)
    if as_json:
        told = {"verdicts": [verdict.as_json() for verdict in verdicts]}
        print_json(answer("rights membership", told, outcome.value))
    elif not quiet:
        for verdict in verdicts:
            click.echo(f"{verdict.outcome.value}: {verdict.summary}")
            if verdict.reason:
                click.echo(f"  {verdict.reason}")
    return int(EXIT_OF[outcome])
