"""`headgate judge overfit` and `headgate judge probe`: what was learned of a rubric, and what can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli.judge_options import opened, print_verdicts
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE
from headgate.kit.errors import Refused

if TYPE_CHECKING:
    from headgate.stats.verdict import Verdict

PATHS = click.Path(path_type=Path)


@click.command(epilog=examples("judge", "overfit grades.jsonl", "overfit grades.jsonl --rubric reward --json"))
@click.argument("grades", nargs=-1, required=True, type=PATHS)
@click.option("--rubric", default="", help="Rubric with weights and aspects of the criteria.")
@FLOW_FILE
@common_options
def overfit(grades: tuple[Path, ...], rubric: str, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Says from grades before and after training whether the rubric was learned instead of the task.

    GRADES are JSON lines: item, checkpoint (before, after), role (train, eval), judge, criteria. The gap between the
    two rubrics, the share of newly credited criteria that other judges reject, and which criteria gained or fell.
    """
    from headgate.evaluate.overfitting import judge_overfit, read_grades

    read = read_grades(grades)
    with opened(flow_file) as (_, known, _now):
        node = known.rubric(rubric)
    return _told("judge overfit", judge_overfit(read, node.body["criteria"] if node else {}), quiet, as_json)


@click.command(
    epilog=examples(
        "judge", "probe bob --rubric reward answers.jsonl", "probe bob --rubric reward answers.jsonl --json"
    )
)
@click.argument("name")
@click.argument("answers", type=PATHS)
@click.option("--rubric", required=True, help="Rubric whose criteria are probed.")
@click.option("--most", default=200, show_default=True, help="Answers that are dressed up.")
@FLOW_FILE
@common_options
def probe(name: str, answers: Path, rubric: str, most: int, flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Dresses answers up without adding anything, and says which criteria of a rubric that moves.

    A criterion that a cue moves by more than 2 points is gameable. ANSWERS is a file of rows with prompt and answer.
    """
    from headgate.evaluate.overfitting import gameable
    from headgate.models.judges.asking import JudgeDesk
    from headgate.rows.reading import read_rows

    rows = [(row.content_id, row.prompt_text, row.answer_text) for row in read_rows(answers, strict=True)][:most]
    if not rows:
        raise Refused("no answers", file=str(answers), wanted="rows with a prompt and an answer")
    with opened(flow_file) as (ledger, known, _):
        node = known.rubric(rubric)
        if node is None:
            raise Refused("which rubric?", wanted="--rubric NAME")
        verdicts = gameable(JudgeDesk(ledger, known.judge(name), quiet=quiet or as_json), node, rows)
    return _told("judge probe", verdicts, quiet, as_json)


def _told(command: str, verdicts: Sequence[Verdict], quiet: bool, as_json: bool) -> int:
    from headgate.stats.verdict import worst

    outcome = worst(verdicts)
    if as_json:
        print_json(answer(command, {"verdicts": [one.as_json() for one in verdicts]}, outcome))
    elif not quiet:
        print_verdicts(verdicts)
    return int(EXIT_OF[outcome])
