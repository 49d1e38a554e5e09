"""`headgate evaluate compare`: files of scores against each other, without a project."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.arguments import columns_of
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.kit.errors import Refused
from headgate.stats.verdict import Outcome


@click.command(
    epilog=examples(
        "evaluate",
        "compare base.jsonl candidate.jsonl",
        "compare base.csv candidate.csv --claim non-inferiority --margin 0.03 --looks 5 --json",
        "compare candidate.jsonl --columns score=refused,label=person",
    )
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--claim", type=click.Choice(["superiority", "non-inferiority", "equivalence"]), default="superiority",
              show_default=True, help="What is to be shown of the second file.")  # fmt: skip
@click.option("--margin", default=0.0, help="In units of the score: 0.03 are three points.")
@click.option("--metric", type=click.Choice(["mean", "median", "p90"]), default="mean", show_default=True)
@click.option("--looks", default=1, show_default=True, help="Declared looks at data that grow; they share 5 %.")
@click.option("--any-time", is_flag=True, help="Looks that nobody counted: a confidence sequence in order of lines.")
@click.option(
    "--effect",
    default=0.05,
    show_default=True,
    help="Difference for which items with repeats are told, and halves of one file.",
)
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Names of item, score, cluster and label.")
@common_options
def compare(
    files: tuple[Path, ...], claim: str, margin: float, metric: str, looks: int, any_time: bool, effect: float,
    columns: tuple[str, ...], quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Compares two FILES of scores item by item, or describes one.

    A line holds item and score, and where known cluster and label (what a person says of the same answer). Several
    lines of one item are repeats; an empty score is unscored. Exit code 0: shown; 1: the contrary; 3: cannot tell.
    """
    from dataclasses import replace

    from headgate.evaluate.score_comparison import Comparison, Terms, compare_scores, halves_of, lines, one_system
    from headgate.evaluate.score_files import Columns, read_scores

    known = set(Columns.__dataclass_fields__)
    names = columns_of(columns) if columns else {}
    if wrong := sorted(set(names) - known):
        raise Refused(f"--columns {wrong[0]}", wanted=", ".join(sorted(known)))
    if len(files) > 2 or looks < 1 or effect <= 0:
        raise Refused("one file or two, looks of 1 or more, and an effect above 0")
    terms = Terms(kind=claim, margin=margin, metric=metric, looks=looks, any_time=any_time, effect=effect)  # type: ignore[arg-type]
    read = [read_scores(one, Columns(**names)) for one in files]
    if len(read) == 2:
        if read[0].name == read[1].name:
            read[0].name, read[1].name = map(str, files)
        found = compare_scores(read[0], read[1], terms)
    else:
        alone = replace(one_system(read[0], terms.metric), halves=halves_of(read[0], terms.metric, effect))
        found = Comparison(sides=(alone,))
    outcome = found.verdict.outcome if found.verdict else Outcome.PASS
    if as_json:
        parts = {"systems": [one.as_json() for one in found.sides]}
        verdicts = [found.verdict.as_json()] if found.verdict else []
        print_json(answer("evaluate compare", {**parts, "verdicts": verdicts, "shown_from": found.settled}, outcome))
    elif not quiet:
        click.echo("\n".join(lines(found, terms)))
    return int(EXIT_OF[outcome])
