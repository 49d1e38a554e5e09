"""`headgate gate governor record` and `show`: series of rewards in the ledger of a project, and their states."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.gate_waivers import flow_options, project_of
from headgate.cli.output import answer, examples, print_json


@click.command(epilog=examples("gate governor", "record thumbs week-47.jsonl", "record thumbs week-47.jsonl --json"))
@click.argument("series")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--proxy", default="proxy", show_default=True, help="Field of what was optimised.")
@click.option("--outcome", "outcomes", multiple=True, default=("outcome",), show_default=True, help="Its outcomes.")
@click.option("--keyword", "keywords", multiple=True, help="Word whose stuffing is watched.")
@click.option("--suite", default="", help="Name of the outcome suite.")
@click.option("--take", default="", help="Which run of the loop: only steps of the newest are judged.")
@click.option("--on", "targets", multiple=True, metavar="NAME", help="Run, adapter or dataset version it is about.")
@flow_options
def record(
    series: str, files: tuple[Path, ...], proxy: str, outcomes: tuple[str, ...], keywords: tuple[str, ...],
    suite: str, take: str, targets: tuple[str, ...], flow: str | None, flow_file: Path, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Records steps of SERIES from files of scores, for [evaluate.governor.SERIES] to judge.

    Of answers only features are kept, no text.
    """
    from headgate.kit.names import must_be_name
    from headgate.rules.reward_series import Fields, keep, read_lines

    must_be_name(series, "SERIES")
    fields = Fields(proxy=proxy, outcomes=outcomes, keywords=keywords)
    batches = read_lines(files, fields)
    project = project_of(flow_file)
    place = flow or project.flow.settings.name
    with project.ledger() as ledger, ledger.transaction():
        on = [ledger.node(name).id for name in targets]
        nodes = [keep(ledger, series, one, fields, flow=place, suite=suite, on=on, take=take) for one in batches]
    if as_json:
        print_json(answer("gate governor record", {"series": series, "scores": nodes}))
    elif not quiet:
        click.echo(f"{series}: {len(batches)} steps, {sum(len(one.prompts) for one in batches):,} scores")


@click.command(epilog=examples("gate governor", "show", "show thumbs --json"))
@click.argument("series", required=False)
@flow_options
def show(series: str | None, flow: str | None, flow_file: Path, quiet: bool, as_json: bool) -> None:
    """Shows the states of all series, or of one, and who noted or cleared what."""
    from headgate.rules import reward_states
    from headgate.rules.reward_series import series_in

    with project_of(flow_file).ledger() as ledger:
        found = reward_states.states(ledger, series, flow)
        stops = {one.id for one in reward_states.open_stops(ledger)}
        acts = [n for name in (reward_states.NOTE, reward_states.CLEARED) for n in ledger.find("decision", name)]
        acts = [one for one in acts if one.body and series in (None, one.body["series"])]
        known = series_in(ledger)
    if as_json:
        told = [one.as_json() | {"open": one.id in stops} for one in found]
        print_json(answer("gate governor show", {"series": known, "states": told, "acts": [a.as_json() for a in acts]}))
        return
    if quiet:
        return
    for one in found:
        mark = ", not cleared" if one.id in stops else ""
        click.echo(
            f"{one.at[:16]}  {one.body['state']:<5} {one.body['series']} in {one.body['flow'] or 'no flow'}{mark}"
        )
        for reason in one.body["reasons"]:
            click.echo(f"    {reason['state']:<5} {reason['said']}")
    for act in acts:
        word = "cleared" if "stops" in act.body else "noted"
        click.echo(f"{act.at[:16]}  {act.body['series']} {word} by {act.body['by']}: {act.body['reason']}")
    waiting = sorted(set(known) - {one.body["series"] for one in found})
    click.echo(
        f"{len(found)} states, {len(stops)} stops stand" + (f"; never judged: {', '.join(waiting)}" * bool(waiting))
    )
