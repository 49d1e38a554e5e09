"""`headgate convert`: any format to any other, with a report of everything the target cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.arguments import columns_of
from headgate.cli.output import answer, common_options, examples, print_json
from headgate.kit.errors import Exit, Refused
from headgate.stats.verdict import Outcome

if TYPE_CHECKING:
    from headgate.rows.losses import LossReport
    from headgate.rows.reading import RowReader

SHOWN = 8  # bad lines and unwritable rows in the text report
EXAMPLES = examples(
    "convert",
    "train.csv --columns prompt=text,completion=category --to openai-sft -o train.jsonl",
    "pairs.jsonl --to trl-preference -o pairs.trl.jsonl.gz --json",
)


@click.command(epilog=EXAMPLES)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, metavar="FORMAT", help="Format to write; a wrong name lists them all.")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path), help="File to write; .gz and .zst pack."
)
@click.option(
    "--from", "--format", "format_", metavar="FORMAT", help="Format of IN, where detection should not decide."
)
@click.option("--columns", multiple=True, metavar="OURS=THEIRS,...", help="Column mapping of IN; may be given again.")
@click.option("--to-columns", multiple=True, metavar="OURS=THEIRS,...", help="Column mapping of a table to be written.")
@click.option("--strict", is_flag=True, help="Stop at the first line that cannot be read.")
@common_options
def command(source: Path, target: str, output: Path, quiet: bool, as_json: bool, **asked: Any) -> int:
    """Writes the rows of IN in another format and says what that format cannot hold.

    The format of IN is detected from its content. Consent, licence, source and all other side data
    that no training format holds go to OUT.headgate.jsonl, which headgate reads back with OUT;
    dataset_info.json gets an entry where LLaMA-Factory can load the format. The exit code is 0 when
    every row was written, though it may have lost listed things, 1 when a row could not be
    written, and 2 when a line could not be read.
    """
    from headgate.kit.progress import progress
    from headgate.rows.reading import read_rows
    from headgate.rows.writing import write_rows

    if str(output) == "-":
        raise Refused("OUT is a file", found="-", wanted="a name, because of what is written beside OUT")
    if output.exists() and source.exists() and output.samefile(source):
        raise Refused("IN and OUT are the same file", file=str(output), next_step="choose another name for OUT")
    reader = read_rows(source, format=asked["format_"], columns=columns_of(asked["columns"]), strict=asked["strict"])
    with progress("rows", None, quiet=quiet or as_json) as advance:
        report = write_rows(
            output,
            _told(reader, advance),
            format=target,
            columns=columns_of(asked["to_columns"], "--to-columns") or None,
        )
    failed = bool(reader.bad_lines or report.unwritable_total)
    if as_json:
        print_json(_as_json(reader, report, failed))
    elif not quiet:
        click.echo(_as_text(reader, report))
    if reader.bad_lines:
        return int(Exit.WRONG_USE)
    return int(Exit.FAIL if failed else Exit.PASS)


def _told(reader: RowReader, advance: Any) -> Any:
    for row in reader:
        yield row
        advance(1)


def _as_json(reader: RowReader, report: LossReport, failed: bool) -> dict[str, Any]:
    read = reader.detected
    parts = {
        "input": {"file": str(reader.path), "format": read.format, "evidence": read.evidence, "rows": reader.rows_read},
        **report.as_json(),
        "bad_lines_total": len(reader.bad_lines),
        "bad_lines": [bad.as_json() for bad in reader.bad_lines[:50]],
    }
    return answer("convert", parts, Outcome.FAIL if failed else Outcome.PASS)


def _as_text(reader: RowReader, report: LossReport) -> str:
    from headgate.rows.losses import MEANING

    lines = [
        f"{reader.path}: {reader.detected.format} ({reader.detected.evidence})",
        f"{report.path}: {report.written:,} of {report.rows:,} rows as {report.format}",
    ]
    for name, count in report.lost.most_common():
        told = MEANING.get(name, f"rows that lose `{name.removeprefix('side.')}`")
        lines.append(f"  lost     {count:>9,} {told}  [{name}, {report.lost_rows[name]:,} rows]")
    if not report.lost:
        lines.append("  lost             nothing")
    if report.carried:
        held = ", ".join(f"{name.removeprefix('side.')} ({count:,})" for name, count in report.carried.most_common())
        lines.append(f"  kept in {report.side_car}: {held}")
    for reason, count in report.reasons.most_common():
        lines.append(f"  unwritten{count:>9,} rows: {reason}")
    lines += [f"    {one.file}:{one.line}" for one in report.unwritable[:SHOWN] if one.file]
    if reader.bad_lines:
        lines.append(f"  unread   {len(reader.bad_lines):>9,} lines")
    for bad in reader.bad_lines[:SHOWN]:
        lines.append(f"    {bad.file}:{bad.line}: {bad.what}" + (f" ({bad.found})" if bad.found else ""))
    lines.append(
        "  index    " + (str(report.dataset_info) if report.dataset_info else "none: LLaMA-Factory cannot load it")
    )
    return "\n".join(lines)
