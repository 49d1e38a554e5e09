"""`headgate evaluate diagnose`: what kind of gap a model has, on development items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES
from headgate.kit.errors import Exit, Refused


@click.command(
    epilog=examples(
        "evaluate",
        "diagnose --suite topics --model local:base",
        "diagnose --suite topics --model http://localhost:8000/v1#support --samples 32 --json",
    )
)
@click.option("--suite", default="", help="Suite of the flow file; default: the only one.")
@click.option(
    "--model", default="", metavar="MODEL", help="local:FOLDER or http://host/v1#name; default: evaluate.base."
)
@click.option("--adapter", type=click.Path(path_type=Path), help="Folder of an adapter, for a local model.")
@click.option("--samples", default=16, show_default=True, help="Answers to each item.")
@click.option("--temperature", default=0.8, show_default=True, help="At which they are drawn.")
@click.option("--items", default=200, show_default=True, help="Development items at most.")
@FLOW_FILE
@OVERRIDES
@common_options
def diagnose(
    suite: str, model: str, adapter: Path | None, samples: int, temperature: float, items: int, flow_file: Path,
    overrides: tuple[str, ...], quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Draws many answers to each development item: pass@1 and pass@16, agreement, and what context mends.

    Items with a column `context` are asked with it and without it. Each part is recorded as a score, for `decide`.
    An interrupted run asks nothing twice.
    """
    from headgate.evaluate.asking import Asker, address_of
    from headgate.evaluate.diagnosing import Manner, diagnose, lines
    from headgate.evaluate.protecting import suites_of
    from headgate.evaluate.settings import Settings
    from headgate.flow.project import open_project

    project = open_project(flow_file, set=overrides)
    settings = next((s for stage, s in project.flow.stages if stage.name == "evaluate"), None)
    if not isinstance(settings, Settings) or not settings.suites:
        raise Refused("no suites", file=str(flow_file), wanted="[evaluate.suites.NAME] with development items")
    context = project.context(quiet=quiet or as_json)
    if not suite and len(settings.suites) > 1:
        raise Refused(
            "several suites", found=", ".join(settings.suites), next_step=f"--suite {next(iter(settings.suites))}"
        )
    suite = suite or next(iter(settings.suites))
    if suite not in settings.suites:
        raise Refused("no such suite", found=suite, wanted=", ".join(settings.suites))
    manner = Manner(samples=samples, temperature=temperature, items=items)
    address = address_of(model or settings.base, adapter, context)
    with project.ledger() as ledger, Asker(settings, context) as asker:
        (loaded,) = suites_of(ledger, replace(settings, suites={suite: settings.suites[suite]}), context)
        found = diagnose(ledger, loaded, settings, manner, asker, address)
    if as_json:
        print_json(answer("evaluate diagnose", found))
    elif not quiet:
        click.echo("\n".join(lines(found)))
    return int(Exit.PASS)
