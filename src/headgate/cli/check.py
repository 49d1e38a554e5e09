"""`headgate check`: rules over files, or over the flow's dataset version when no file is named."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from headgate.cli.arguments import columns_of, pairs, rule_options, words
from headgate.cli.check_inputs import FILE, NAMES, files_read, files_written, inputs_beside_rows, must_be_of_a_flow
from headgate.cli.output import EXIT_OF, common_options, examples, print_json
from headgate.kit.errors import Exit

EXAMPLES = examples(
    "check",
    "train.jsonl --eval test.jsonl",
    "train.csv --columns prompt=question,completion=answer --fix clean.csv --html report.html",
)


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, type=FILE)
@click.option("--eval", "evaluation", multiple=True, type=FILE, help="Evaluation file; may be given again.")
@click.option("--fix", type=FILE, help="Write a mended copy here, and FILE.diff beside it.")
@click.option("--html", "page", type=FILE, help="Write a self-contained HTML report here.")
@click.option("--habits-page", "people", type=FILE, help="Write a page on habits for people who are no engineers.")
@click.option("--sarif", type=FILE, help="Write a SARIF 2.1.0 report here.")
@click.option("--github", is_flag=True, help="Print workflow annotations for GitHub as well.")
@click.option(
    "--select",
    "selected",
    multiple=True,
    default=("all",),
    show_default=True,
    help="Rules by name, code, shelf or failure, with commas; may be given again.",
)
@click.option("--ignore", multiple=True, help="Rules to leave out, in the same words.")
@click.option("--level", "levels", multiple=True, metavar="RULE=LEVEL", help="note, warn or block for one rule.")
@click.option("--option", "options", multiple=True, metavar="RULE.NAME=VALUE", help="Set an option of a rule.")
@click.option(
    "--columns",
    multiple=True,
    metavar="OURS=THEIRS,...",
    help="Column mapping of a table or of plain JSON rows; may be given again.",
)
@click.option("--format", "format_", help="Format of the files, where detection should not decide.")
@click.option(
    "--eval-columns",
    multiple=True,
    metavar="OURS=THEIRS,...",
    help="Column mapping of the evaluation files, if another.",
)
@click.option("--eval-format", help="Format of the evaluation files, if another.")
@inputs_beside_rows
@click.option("--sample", type=click.IntRange(min=1), help="Look at so many training rows, drawn evenly.")
@click.option("--engine", help="Read training files in shards: local, or ray for a Ray cluster.")
@click.option("--cache", type=FILE, help="Folder for the scans of shards while an audit goes on.")
@click.option("--strict", is_flag=True, help="Stop at the first line that cannot be read.")
@click.option(
    "--file", "flow_file", type=FILE, default=Path("headgate.toml"), help="Flow file, where no FILE is named."
)
@common_options
def command(files: tuple[Path, ...], flow_file: Path, quiet: bool, as_json: bool, **asked: Any) -> int:
    """Runs rules over FILES and says what is wrong, where, and what to do.

    Needs no project, no model and no network. Formats are detected from the content. Nothing is
    changed in place: --fix writes a mended copy and a diff that says why each row went.
    Without FILES, checks the dataset version of the flow file in this folder.
    """
    if not files:
        must_be_of_a_flow(click.get_current_context(), flow_file)
        from headgate.cli.stage_verb import run_until

        return run_until("check", flow_file, (), quiet=quiet, as_json=as_json)
    from headgate.check.agreed import must_be_labels
    from headgate.check.auditing import audit
    from headgate.check.repairing import how_of
    from headgate.check.surfaces import decisions_of, must_be_writable, show, unread, write_reports

    targets = {name: asked[name] for name in ("fix", "page", "people", "sarif", "consensus")}
    must_be_writable(files_written(asked), files_read(files, asked))
    options = rule_options(asked["options"])
    habits = decisions_of(asked["habits"], bool(asked["fix"] or asked["people"]), options)
    inputs, columns = how_of(asked), columns_of(asked["columns"])
    must_be_labels(files, asked["format_"], columns, target=asked["consensus"])
    result = audit(
        files,
        eval=asked["evaluation"],
        format=asked["format_"],
        columns=columns,
        eval_format=asked["eval_format"],
        eval_columns=columns_of(asked["eval_columns"], "--eval-columns"),
        **{name: asked[name] for name in NAMES},
        select=words(*asked["selected"]),
        ignore=words(*asked["ignore"]),
        levels=pairs(asked["levels"], "--level"),
        options=options,
        strict=asked["strict"],
        quiet=quiet,
        engine=asked["engine"],
        cache=asked["cache"],
        sample=asked["sample"],
    )
    said = shlex.join(sys.argv[1:])
    written = write_reports(result, **targets, command=said, habits=habits, inputs=inputs, quiet=quiet)
    if as_json:
        print_json(result.as_json() | {name: one.as_json() for name, one in written.items()})
    elif not quiet:
        click.echo(show(result, written, colour=sys.stdout.isatty()))
    elif result.bad_lines:
        click.echo("\n".join(unread(result)), err=True)
    if asked["github"]:
        from headgate.check.reports.annotations import workflow_commands

        click.echo("\n".join(workflow_commands(result.verdicts, result.bad_lines)), err=as_json)
    result.close()
    return int(Exit.WRONG_USE if result.bad_lines else EXIT_OF[result.outcome])
