"""`headgate gate governor`: a proxy held against its outcome, and who answers for what came of it."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.gate_rewards import clear, note
from headgate.cli.gate_series import record, show
from headgate.cli.judge_options import print_verdicts
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.kit.errors import Refused

PATHS = click.Path(path_type=Path)


@click.group(epilog=examples("gate governor", "judge scores.jsonl", "show", "clear helpful --help"))
def governor() -> None:
    """Holds a reward against an outcome that nothing optimises: OK, WATCH, HOLD or STOP.

    It tells what has happened, step by step; it warns of nothing before it has happened. In a flow the same is a
    table [evaluate.governor.NAME].
    """


@governor.command(
    epilog=examples(
        "gate governor",
        "judge scores.jsonl",
        "judge best-of-n.jsonl --proxy judge --outcome solved --outcome refunded --budget 2 --json",
    )
)
@click.argument("files", nargs=-1, required=True, type=PATHS)
@click.option("--proxy", default="proxy", show_default=True, help="Field of what was optimised.")
@click.option("--outcome", "outcomes", multiple=True, default=("outcome",), show_default=True, help="Its outcomes.")
@click.option("--form", type=click.Choice(["best-of-n", "rl"]), default="best-of-n", show_default=True,
              help="Which curve of reward against sqrt(KL) is fitted.")  # fmt: skip
@click.option("--budget", default=0.0, help="Largest divergence from the first step, in nats.")
@click.option("--looks", default=0, help="Steps over the life of the loop; default: as many as the files hold.")
@click.option("--drop", default=0.03, show_default=True, help="Fall of the outcome that matters, as a share.")
@click.option("--hold-back", default=0.0, help="Share of prompts that the optimiser may never see.")
@click.option("--keyword", "keywords", multiple=True, help="Word whose stuffing is watched.")
@common_options
def judge(
    files: tuple[Path, ...], proxy: str, outcomes: tuple[str, ...], form: str, budget: float, looks: int, drop: float,
    hold_back: float, keywords: tuple[str, ...], quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Judges a series from FILES of per-prompt scores, without a project.

    FILES are JSON lines: prompt, step, the proxy, the outcome, and where known answer, prompt_text, reference,
    cluster, kl or n. Exit code 1: STOP or answers that are none; 3: HOLD, which a person answers, or too little to
    tell; 0: OK and WATCH.
    """
    from headgate.rules.reward_governing import Terms, govern
    from headgate.rules.reward_series import Fields, read_lines
    from headgate.stats.governed import State
    from headgate.stats.governing import FORMS
    from headgate.stats.verdict import Outcome, worst

    if budget < 0 or looks < 0 or not 0 < drop < 1 or not 0 <= hold_back < 1:
        raise Refused("budget and looks are 0 or more, drop and hold-back shares")
    batches = read_lines(files, Fields(proxy=proxy, outcomes=outcomes, keywords=keywords))
    terms = Terms(
        outcomes=outcomes, form=FORMS[form == "rl"], budget=budget, planned=looks, drop=drop, hold_back=hold_back
    )
    found = govern(files[0].stem, batches, terms)
    outcome = worst(found.verdicts)
    if outcome is Outcome.PASS and found.state is State.HOLD:
        outcome = Outcome.UNSURE
    state = found.state.value if found.steps else None  # where nothing could be judged
    if as_json:
        parts = {"state": state, "verdicts": [one.as_json() for one in found.verdicts]}
        print_json(answer("gate governor judge", parts, outcome))
    elif not quiet:
        click.echo(f"{state}  {', '.join(found.steps)}" if state else "no state: too little to tell")
        print_verdicts(found.verdicts)
        for reason in found.reasons:
            click.echo(f"  {reason.state.value:<5} {reason.said}")
        for name, choice in found.choices.items():
            steps = " and ".join(dict.fromkeys(found.steps[at] for at in choice.steps))
            told = f"{choice.outcome:.3g} ({choice.low:.3g} to {choice.high:.3g})"
            click.echo(f"  best step by {name}: {steps}; on prompts that did not choose it {told}")
    return int(EXIT_OF[outcome])


for verb in (record, show, note, clear):
    governor.add_command(verb)
