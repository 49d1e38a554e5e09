"""`headgate gate self-test`: the gate's own false alarms and power."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES


@click.command(
    "self-test",
    epilog=examples("gate", "self-test", "self-test --items 400 --accuracy 0.8 --discordance 0.15 --effects 2,5"),
)
@click.option("--effects", default="-5,0,2,5,10", show_default=True, help="True differences to try, in points.")
@click.option("--draws", default=2_000, show_default=True, help="Decisions for each of them.")
@click.option("--items", default=0, help="Items of each suite; without it, as many as were evaluated.")
@click.option("--accuracy", type=float, help="For a suite that does not exist yet: share that the base passes.")
@click.option("--discordance", default=0.15, show_default=True, help="And share of items on which two models differ.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draws.")
@FLOW_FILE
@OVERRIDES
@common_options
def self_test(
    effects: str, draws: int, items: int, accuracy: float | None, discordance: float, seed: int,
    flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Tells how often this gate lets through what is no better, and how large a gain it sees.

    Draws the outcomes of the last evaluation again with a known true difference, and decides as [gate] says, with all
    its claims and their correction. With --accuracy neither evaluation nor flow file is needed. Exit code 1: more than
    5 % of what is no better is let through.
    """
    from headgate.flow.project import open_project
    from headgate.gate import selftest
    from headgate.gate.settings import Settings
    from headgate.kit.errors import Refused

    try:
        wanted = [float(one) / 100 for one in effects.split(",")]
    except ValueError:
        raise Refused("not true differences", found=effects, wanted="points with commas, such as 2,5,10") from None
    if draws < 1:
        raise Refused("--draws", found=str(draws), wanted="1 or more")
    alone = accuracy is not None and not flow_file.exists() and not overrides
    project = None if alone else open_project(flow_file, set=overrides)
    stages = project.flow.stages if project else ()
    settings = next((one for stage, one in stages if stage.name == "gate"), None) or Settings()
    if accuracy is not None:
        benches = selftest.supposed(settings, items=items, accuracy=accuracy, discordance=discordance, seed=seed)
    else:
        assert project is not None
        with project.ledger() as ledger:
            benches = selftest.recorded(ledger, settings)
    found = selftest.self_test(
        benches, settings, effects=wanted, draws=draws, items=items, seed=seed, quiet=quiet or as_json
    )
    if as_json:
        print_json(answer("gate self-test", found.as_json(), found.verdict.outcome.value))
    elif not quiet:
        click.echo("\n".join(selftest.lines(found)))
    return int(EXIT_OF[found.verdict.outcome])
