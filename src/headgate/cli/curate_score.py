"""`headgate curate score`: how hard each row is for the model as it is now."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.arguments import columns_of
from headgate.cli.output import answer, common_options, examples, print_json

EXAMPLES = examples(
    "curate",
    "score train.jsonl --model local:base -o scored.jsonl",
    "score train.jsonl --model local:base --adapter adapters/support-3 -o scored.jsonl --json",
)


@click.command(epilog=EXAMPLES)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("--model", required=True, metavar="MODEL", help="local:FOLDER of the model that will be trained on.")
@click.option("--adapter", type=click.Path(path_type=Path), help="Folder of the adapter that it has now.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--key", default="loss", show_default=True, help="Name of the score; hardness of [curate] names it too.")
@click.option("--format", "format_", metavar="FORMAT", help="Format of IN, where detection should not decide.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS,...", help="Column mapping of IN; may be given again.")
@common_options
def score(
    source: Path, model: str, adapter: Path | None, output: Path, key: str, format_: str | None,
    columns: tuple[str, ...], quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Writes the rows of IN with the loss of the current model on each answer.

    Capture OUT in place of IN: near-duplicates then keep the harder one, quotas and `curate diff` know easy, middle
    and hard rows by this loss, and lost-register says when the hard ones went. Scores go to OUT.headgate.jsonl.
    """
    from headgate.curate.scoring import score_file

    tally, report = score_file(
        source, output, model, adapter=adapter, key=key, format=format_, columns=columns_of(columns),
        quiet=quiet or as_json,
    )  # fmt: skip
    told = {
        "output": str(output),
        "side_car": str(report.side_car) if report.side_car else None,
        "key": key,
        "scored": tally.scored,
        "without_an_answer": tally.unanswered,
        "too_long": tally.too_long,
        "loss": tally.quantiles(),
    }
    if as_json:
        print_json(answer("curate score", told))
    elif not quiet:
        click.echo(f"{tally.scored:,} rows scored, written to {output} and {report.side_car}")
        click.echo("  loss, nats a token: " + ", ".join(f"{name} {at:.3f}" for name, at in tally.quantiles().items()))
        for count, why in ((tally.unanswered, "without an answer"), (tally.too_long, "too long for the model")):
            if count:
                click.echo(f"  {count:,} rows {why} have no score")
    return 0
