"""`headgate capture`: rows, their source and their terms into the ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from headgate.cli.arguments import columns_of
from headgate.cli.output import EXIT_OF, answer, common_options, examples, print_json
from headgate.cli.stage_verb import FLOW_FILE, OVERRIDES, run_until

EXAMPLES = examples(
    "capture",
    "import support.csv --source helpdesk --licence CC-BY-4.0 --subject customer",
    "--file support.toml",
)
IMPORT_EXAMPLES = examples(
    "capture",
    "import chats.jsonl --source helpdesk --licence LicenseRef-own --claims consent.csv --redact personal",
    "import support.csv --source banking77 --licence CC-BY-4.0 \\\n"
    "      --columns prompt=text,completion=category --consent training",
)


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@FLOW_FILE
@OVERRIDES
@common_options
@click.pass_context
def command(ctx: click.Context, flow_file: Path, overrides: tuple[str, ...], quiet: bool, as_json: bool) -> int:
    """Brings rows, their source and their terms into the ledger.

    Alone it runs the section [capture] of the flow file; with `import` it takes files at once.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    return run_until("capture", flow_file, overrides, quiet=quiet, as_json=as_json)


@command.command("import", epilog=IMPORT_EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--source", required=True, help="Name of the source the rows come from.")
@click.option("--licence", default="", metavar="SPDX", help="Licence of the source.")
@click.option("--licence-until", type=click.DateTime(["%Y-%m-%d"]), help="Day until which the licence holds.")
@click.option("--licence-source", default="", help="Where the licence was read: a file or an address.")
@click.option("--owner", default="", help="Who answers for the source.")
@click.option("--subject", default="", metavar="COLUMN", help="Column with the key of the person a row is about.")
@click.option("--consent", default="", metavar="PURPOSE", help="Purpose that everyone in the source agreed to.")
@click.option("--claims", default="", metavar="FILE", help="Consent by subject, licence of sources; CSV or JSON lines.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS,...", help="Column mapping; may be given again.")
@click.option("--format", "file_format", default="", help="Format of the files; detected by default.")
@click.option("--redact", multiple=True, metavar="KIND", help="Mask before storing: personal, or one kind; also again.")
@click.option("--redact-names", default="", metavar="FILE", help="Known names of people to mask, one a line.")
@click.option("--strict", is_flag=True, help="End at the first bad line.")
@click.option("--bad-lines-at-most", type=float, default=0.0, show_default=True, help="Share of bad lines tolerated.")
@click.option("--project", type=click.Path(path_type=Path), default=Path(), help="Folder that holds .headgate/.")
@common_options
def import_files(project: Path, quiet: bool, as_json: bool, licence_until: Any, **given: Any) -> int:
    """Stores the rows of FILE... with their source and terms.

    A stored batch survives a crash; run the same command again to go on. Rows that lack source,
    licence or subject are stored but do not enter the flow, and the exit code is 1.
    """
    from headgate.capture.run import import_once
    from headgate.capture.settings import Settings
    from headgate.flow.governing import content_of, where_of

    files = [str(Path(name).absolute()) for name in given.pop("files")]
    columns, file_format = columns_of(given.pop("columns")), given.pop("file_format")
    for name in ("claims", "redact_names"):
        given[name] = str(Path(given[name]).absolute()) if given[name] else ""
    given["licence_until"] = licence_until.date() if licence_until else None
    settings = Settings(files=files, columns=columns, format=file_format, **given | {"redact": list(given["redact"])})
    where, content = where_of(project), content_of(project)
    result, step = import_once(project, settings, quiet=quiet or as_json, where=where, content=content)
    if as_json:
        parts = {"summary": result.summary, "step": step, "outputs": result.outputs, "facts": result.facts}
        verdicts = [verdict.as_json() for verdict in result.verdicts]
        print_json(answer("capture import", {"verdicts": verdicts, **parts}, result.outcome))
    elif not quiet:
        _show(result)
    return int(EXIT_OF[result.outcome])


def _show(result: Any) -> None:
    from headgate.check.reports import screen
    from headgate.stats.verdict import Outcome

    click.echo(f"{result.outcome.value}  {result.summary}")
    for bad in result.facts["bad-lines"]:
        click.echo(f"  {bad['file']}:{bad['line']}  {bad['what']} {bad['found']}", err=True)
    for verdict in result.verdicts:
        if verdict.outcome in (Outcome.FAIL, Outcome.UNSURE):
            click.echo("\n".join(screen.verdict_lines(verdict, colour=sys.stdout.isatty())))
