"""`headgate fleet compat`: whether an adapter belongs on a base, before it is loaded."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import EXIT_OF, answer, examples, print_json
from headgate.cli.rights_options import store_options

FOLDER = click.Path(path_type=Path)
FILE = click.Path(path_type=Path)


@click.command(
    epilog=examples(
        "fleet",
        "compat adapters/support --base bases/small-instruct",
        "compat adapters/support --base bases/small-instruct --record support.effect --prompts requests.jsonl",
        "compat adapters/support --base bases/small-instruct-2 --effect support.effect --json",
    )
)
@click.argument("adapter", type=FOLDER)
@click.option("--base", required=True, type=FOLDER, metavar="FOLDER", help="Folder of the base that is to serve.")
@click.option("--effect", type=FILE, help="Replay this recorded effect, where the tensors fit.")
@click.option("--record", type=FILE, help="Record the adapter's effect on its own base to this file.")
@click.option("--prompts", type=FILE, help="Rows whose prompts are asked for --record; the first 128.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS", help="Names of columns in --prompts.")
@store_options
def compat(
    adapter: Path, base: Path, effect: Path | None, record: Path | None, prompts: Path | None,
    columns: tuple[str, ...], store: Path, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Says whether ADAPTER, a folder, belongs on a base: identical, same values, another base, or cannot load.

    Reads headers, hashes and settings, loads nothing; with --effect it also asks the recorded prompts again and
    compares. Exit code 0: it may be used, 1: it would load and may not be used, 3: files alone cannot tell, 2: refused,
    because it cannot be loaded on that base at all (another architecture, tensors without a module, no tokenizer) or
    because a file is damaged.
    """
    from headgate.cli.arguments import columns_of
    from headgate.fleet.compat import ask, prompts_of, record_effect, remember
    from headgate.fleet.finding import project_of
    from headgate.kit.errors import Refused, printable
    from headgate.ledger.copies import note_copy
    from headgate.ledger.ledger import Ledger

    if (record is None) != (prompts is None):
        raise Refused("--record and --prompts belong together")
    found = ask(adapter, base, effect=effect)
    if record is not None and prompts is not None:
        record_effect(adapter, base, prompts_of(prompts, columns_of(columns)), record)
    if not isinstance(store, Path) or (store / "ledger.sqlite").exists():
        with Ledger.open(store) as ledger:
            remember(ledger, found)
            if record is not None:
                note_copy(ledger, record, project_of(store), what="effect", may_go=True)
    refusal = found.pair.refusal
    if as_json:
        error = {"error": refusal.as_json()} if refusal else {}
        print_json(answer("fleet compat", found.as_json() | error, "error" if refusal else found.outcome))
    elif not quiet:
        for verdict in found.verdicts:
            click.echo(f"{verdict.outcome.value}: {verdict.summary}")
            for one in verdict.findings:
                click.echo(f"  {one.message}")
            if verdict.reason:
                click.echo(f"  {verdict.reason}")
        for note in found.pair.notes:
            click.echo(f"  note: {note}")
        click.echo(
            f"{'refused' if refusal else found.outcome.value}: {printable(str(adapter))} on {printable(str(base))}"
        )
    if refusal and (quiet or as_json):
        click.echo(str(refusal), err=True)
    return int(refusal.exit_code if refusal else EXIT_OF[found.outcome])
