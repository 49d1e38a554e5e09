"""`headgate evaluate import` and `headgate evaluate export`: logs of other evaluation tools."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE
from headgate.kit.errors import Exit, Refused

PATHS = click.Path(path_type=Path)
ARMS = click.Choice(["base", "few-shot", "candidate"])


@click.command(
    "import",
    epilog=examples(
        "evaluate",
        "import logs/base.eval --suite arithmetic --arm base",
        "import samples_gsm8k_2026-11-01.jsonl --arm candidate --adapter b3:9f3c21 --metric exact_match,strict-match",
    ),
)
@click.argument("files", nargs=-1, required=True, type=PATHS, metavar="FILE...")
@click.option("--arm", required=True, type=ARMS, help="What the log is evidence of.")
@click.option("--suite", default="", help="Suite that it counts for; default: the task of the log.")
@click.option("--pool", type=click.Choice(["gate", "dev"]), default="gate", show_default=True)
@click.option("--adapter", default="", metavar="ID", help="You say that this adapter was evaluated; or `latest`.")
@click.option("--metric", default="", help="Scorer, metric or metric,filter where the log has several.")
@click.option("--model", default="", help="Provider, where the log has several.")
@click.option("--task", default="", help="Task, or label of the prompt, where the log has several.")
@click.option("--by", default="", metavar="NAME", help="Who imports; default: HEADGATE_USER, git, the login.")
@FLOW_FILE
@common_options
def import_logs(
    files: tuple[Path, ...], arm: str, suite: str, pool: str, adapter: str, metric: str, model: str, task: str,
    by: str, flow_file: Path, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Takes logs of Inspect, lm-evaluation-harness or promptfoo as evidence for one arm.

    The format is told by the content. Errors, empty and cut-off answers are no scores. The gate compares two
    arms on the items that both logs hold, once the flow file has evaluate.imported = ["SUITE"].
    """
    from headgate.evaluate.importing import Purpose, adapter_named, lines, take
    from headgate.evaluate.logs.shape import Wanted
    from headgate.flow.project import open_project
    from headgate.kit.people import acting

    with open_project(flow_file).ledger() as ledger:
        purpose = Purpose(arm=arm, suite=suite, pool=pool, adapter=adapter_named(ledger, adapter) if adapter else "")
        taken = take(ledger, files, Wanted(task=task, model=model, metric=metric), purpose, acting(by))
    if as_json:
        print_json(answer("evaluate import", taken.as_json()))
    elif not quiet:
        click.echo("\n".join(lines(taken)))
        if pool == "gate":
            click.echo(f'  it counts once the flow file says: [evaluate] imported = ["{taken.arm.suite}"]')
    return int(Exit.PASS)


@click.command(
    "export",
    epilog=examples(
        "evaluate",
        "export logs --to inspect --suite topics",
        "export topics.json --to promptfoo --suite topics --pool dev",
    ),
)
@click.argument("path", type=PATHS)
@click.option("--to", "form", required=True, type=click.Choice(["inspect", "lm-eval", "promptfoo"]))
@click.option("--suite", required=True, help="Suite of the flow file.")
@click.option("--pool", type=click.Choice(["gate", "dev"]), default="gate", show_default=True)
@click.option("--arm", "arms", multiple=True, type=ARMS, help="Only this arm; may be given again.")
@FLOW_FILE
@common_options
def export_logs(
    path: Path, form: str, suite: str, pool: str, arms: tuple[str, ...], flow_file: Path, quiet: bool, as_json: bool
) -> int:
    """Writes our newest results as logs of Inspect, lm-evaluation-harness or promptfoo.

    PATH is a file for promptfoo and a folder for the others. Answers to gate items are withheld; a sealed pool is
    not written at all.
    """
    from headgate.evaluate.logs.ours import results_of, write
    from headgate.evaluate.settings import Settings
    from headgate.flow.project import open_project

    project = open_project(flow_file)
    settings = next((s for stage, s in project.flow.stages if stage.name == "evaluate"), None)
    if not isinstance(settings, Settings):
        raise Refused("no stage [evaluate]", file=str(flow_file), wanted="[evaluate.suites.NAME]")
    with project.ledger() as ledger:
        found = results_of(ledger, settings, project.context(quiet=True), suite=suite, pool=pool, arms=arms)
    written = [str(one) for one in write(path, form, found)]
    told = [{"arm": one.arm, "items": len(one.items), "model": one.model} for one in found]
    if as_json:
        print_json(answer("evaluate export", {"files": written, "arms": told}))
    elif not quiet:
        for one in told:
            click.echo(f"{suite}, {pool}: {one['arm']}, {one['items']:,} items")
        click.echo("\n".join(f"  {name}" for name in written))
    return int(Exit.PASS)
