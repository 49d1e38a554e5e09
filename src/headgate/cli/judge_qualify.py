"""`headgate judge qualify` and `headgate judge panel`."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.arguments import columns_of
from headgate.cli.judge_options import opened, print_verdicts
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE
from headgate.kit.errors import Refused

PATHS = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "judge",
        "qualify ann --anchors pairs.jsonl",
        "qualify ann --anchors pairs.jsonl --rubric clear --days 90 --json",
        "qualify gpt-4 --anchors pairs.jsonl --answers said.csv",
    )
)
@click.argument("name")
@click.option("--anchors", "files", multiple=True, required=True, type=PATHS, help="Pairs with people's answer.")
@click.option("--answers", type=PATHS, help="Recorded answers (item, swapped, winner) instead of asking.")
@click.option("--rubric", default="", help="Rubric to judge by; default: a plain preference.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Columns of the anchors.")
@click.option("--probes", default=50, show_default=True, help="Answers to dress up in each cue; 0: none.")
@click.option("--repeats", default=1, show_default=True, help="How often each pair is asked in each order.")
@click.option("--days", default=180, show_default=True, help="Days for which a licence holds.")
@click.option("--least", default=100, show_default=True, help="Anchors that are needed; half of them adversarial.")
@FLOW_FILE
@common_options
def qualify(
    name: str, files: tuple[Path, ...], answers: Path | None, rubric: str, columns: tuple[str, ...], probes: int,
    repeats: int, days: int, least: int, flow_file: Path, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Measures a judge on pairs that people have judged, and licenses it for a time, or refuses it.

    Accuracy beside judges that do not read, order, length and place tells, slices, agreement with people, canaries and
    cues without substance. Exit code 0: licensed; 1: refused; 3: cannot tell. An interrupted run is resumed.
    """
    from headgate.evaluate.anchors import read_anchors, read_recorded
    from headgate.evaluate.cards import lines
    from headgate.evaluate.qualification import qualify_asked, qualify_recorded
    from headgate.evaluate.qualifying import Limits
    from headgate.models.judges.asking import JudgeDesk

    if days < 1 or probes < 0 or repeats < 1 or least < 1:
        raise Refused("days, repeats and least are 1 or more, probes 0 or more")
    read = read_anchors(files, columns_of(columns) if columns else None)
    limits = Limits(days=days, anchors=least, adversarial=max(least // 2, 1))
    with opened(flow_file) as (ledger, known, now):
        judge, by = known.judge(name), known.rubric(rubric)
        if answers is not None:
            card = qualify_recorded(ledger, judge, by, read, read_recorded(answers, read), limits, now)
        else:
            desk = JudgeDesk(ledger, judge, quiet=quiet or as_json)
            card = qualify_asked(ledger, desk, by, read, limits, now, probes=probes, repeats=repeats)
    if as_json:
        print_json(answer("judge qualify", card.as_json(), card.outcome))
    elif not quiet:
        click.echo("\n".join(lines(card)))
    return int(EXIT_OF[card.outcome])


@click.command(epilog=examples("judge", "panel ann bob carl", "panel ann bob --rubric clear --json"))
@click.argument("names", nargs=-1, required=True)
@click.option("--rubric", default="", help="Rubric of the cards; default: a plain preference.")
@FLOW_FILE
@common_options
def panel(names: tuple[str, ...], rubric: str, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Says what the votes of judges are worth together, from the anchors that all of them were asked.

    Effective votes, errors that they share, the anchored vote beside majority and the best single judge, and whether
    a consensus without anchors may be believed. Exit code 3: agreement of unknown cause.
    """
    from headgate.evaluate.cards import cards_of
    from headgate.evaluate.panels import columns_of as said_of
    from headgate.evaluate.panels import judge_panel, panel_of
    from headgate.rules.judge_uses import family_of
    from headgate.stats.verdict import worst

    with opened(flow_file) as (ledger, known, _):
        judges = {name: known.judge(name) for name in dict.fromkeys(names)}
        cards = {name: cards_of(ledger, node, known.rubric(rubric)) for name, node in judges.items()}
        if without := [name for name, found in cards.items() if not found]:
            step = f"headgate judge qualify {without[0]} --anchors FILE"
            raise Refused("a judge without a card", found=", ".join(without), next_step=step)
        newest = [found[-1] for found in cards.values()]
        found = panel_of(*said_of(ledger, newest))
    families = {name: family_of(node.body) for name, node in judges.items()}
    verdicts = judge_panel(found, families, [card.judge for card in newest if card.licensed])
    outcome = worst(verdicts)
    if as_json:
        parts = {"panel": found.as_json(), "verdicts": [one.as_json() for one in verdicts]}
        print_json(answer("judge panel", parts, outcome))
    elif not quiet:
        print_verdicts(verdicts)
        for first, second, phi in found.related:
            click.echo(f"  {first} and {second} err together, correlation {phi:.2f}")
    return int(EXIT_OF[outcome])
