"""`headgate probe`: what was asked of models once and can be asked of any model again."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import EXIT_OF, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE


@click.group(epilog=examples("probe", "list", "run habits --model local:base --adapter adapters/support"))
def command() -> None:
    """Asks a frozen set of prompts of any model and counts what its answers have: habits, refusals.

    Probes are made by [evaluate.probes.NAME], [evaluate.safety] and [train.probe] of the flow file and kept in the
    ledger.
    """


@command.command("list", epilog=examples("probe", "list", "list --json"))
@FLOW_FILE
@common_options
def list_probes(flow_file: Path, quiet: bool, as_json: bool) -> int:
    """Lists the probes of the ledger, and the models that they were asked of."""
    from headgate.evaluate.replaying import standing
    from headgate.flow.project import open_project

    with open_project(flow_file).ledger() as ledger:
        found = standing(ledger)
    if as_json:
        print_json({"probes": found})
    elif not quiet:
        for one in found:
            counts = f"{one['habits']:,} habits" if one["metric"] == "emission" else one["metric"]
            click.echo(f"{one['probe']}: {one['prompts']:,} prompts, {counts}, asked {one['at']}")
            for arm in one["asked"]:
                click.echo(f"  {arm['arm']}: {arm['model']}")
        if not found:
            click.echo("no probes yet; [evaluate.probes.NAME] of the flow file makes one")
    return 0


@command.command(
    epilog=examples(
        "probe",
        "run habits --model local:base --adapter adapters/support",
        "run habits --model http://localhost:8000/v1#support --json",
    )
)
@click.argument("name")
@click.option("--model", required=True, metavar="MODEL", help="local:FOLDER or http://host/v1#name.")
@click.option("--adapter", type=click.Path(path_type=Path), help="Folder of an adapter, for a local model.")
@click.option("--reference", metavar="MODEL", help="Model to hold it against; without it, the base of the last run.")
@click.option("--times", default=2.0, show_default=True, help="How many times the rate of the reference it may have.")
@click.option("--tolerated", default=0.01, show_default=True, help="Share allowed above that.")
@click.option("--labels", type=click.Path(path_type=Path), multiple=True, help="Labels of answers, JSON lines; safety.")
@FLOW_FILE
@common_options
def run(
    name: str, model: str, adapter: Path | None, reference: str | None, times: float, tolerated: float,
    labels: tuple[Path, ...], flow_file: Path, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Asks a probe of a model, holds what it counts against a reference, and records both."""
    from headgate.evaluate.emission import Limits
    from headgate.evaluate.replaying import replay
    from headgate.flow.project import open_project
    from headgate.stats.verdict import worst

    project = open_project(flow_file)
    with project.ledger() as ledger:
        verdicts = replay(
            ledger, name, project.context(quiet=quiet or as_json), model=model, adapter=adapter,
            reference=reference, limits=Limits(times=times, tolerated=tolerated), labels=labels,
        )  # fmt: skip
    outcome = worst(verdicts)
    if as_json:
        print_json({"outcome": outcome.value, "verdicts": [verdict.as_json() for verdict in verdicts]})
    elif not quiet:
        for verdict in verdicts:
            click.echo(f"{verdict.outcome.value}: {verdict.summary}")
            for told in verdict.details.get("habits", ()):
                rates = " ".join(f"{arm} {told[arm]['rate']:.2%}" for arm in ("base", "candidate"))
                corpus = f" corpus {told['corpus']['rate']:.2%}" if told["corpus"] else ""
                click.echo(f"  {told['outcome']:7} {told['habit']}:{corpus} {rates}")
            if verdict.reason:
                click.echo(f"  {verdict.reason}")
    return int(EXIT_OF[outcome])
