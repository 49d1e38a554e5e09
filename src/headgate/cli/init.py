"""`headgate init`: a flow file to start from, and the folder that holds everything known."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headgate.cli.arguments import columns_of
from headgate.cli.output import answer, common_options, examples, print_json
from headgate.kit.errors import Refused
from headgate.kit.files import write_text

EXAMPLES = examples(
    "init",
    "",
    "--train tickets.csv --test held.csv --licence CC-BY-4.0 --columns prompt=body,completion=reply,subject=customer",
)

TEMPLATE = """\
# The flow, in order. `headgate run` walks it; every section is also a verb of its own.
# Every key and its default: docs/reference/flow-file.md.

[flow]
name = {name}

[capture]
files = [{train}]
{columns}source = {source}
licence = {licence}                    # SPDX identifier; rows without a licence do not pass
# subject = "customer"          # column with the key of the person a row is about,
# consent = "training"          # or the purpose that everyone in the source agreed to

[curate]
steps = ["select", "redact", "split", "exact-duplicates", "decontaminate"]
against = [{test}]

{decontaminate}[check]
select = ["data", "lineage"]
eval = [{test}]
{persons}# level = {{ group-leak = "warn" }}     # where no column says whose row it is

[train]
base = {base}                 # a folder with a model in safetensors
adapter = {{ kind = "lora", rank = 16, alpha = 32 }}

[evaluate.suites.main]
items = {test}
{columns}
[gate]
require = ["check", "evaluate"]

[release]
name = {release}
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the flow; the folder's name by default.")
@click.option("--train", default="train.jsonl", show_default=True, help="Training file.")
@click.option("--test", default="test.jsonl", show_default=True, help="Evaluation file.")
@click.option("--base", default="base", show_default=True, help="Folder of the base model.")
@click.option("--licence", default="", help="Licence of the training rows, as an SPDX identifier.")
@click.option("--columns", multiple=True, metavar="OURS=THEIRS,...", help="Column mapping of both files.")
@common_options
def command(folder: Path, name: str | None, quiet: bool, as_json: bool, **asked: Any) -> int:
    """Writes headgate.toml and .headgate/ in FOLDER (this folder by default).

    The flow file names your files; open it, fill in the licence and the subject or the consent, and
    run `headgate run`. An existing flow file is never overwritten.
    """
    target = folder / "headgate.toml"
    if target.exists():
        raise Refused("a flow file is there already", file=str(target), next_step="edit it, or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(target, _flow_file(name or folder.resolve().name, asked))
    store = folder / ".headgate"
    store.mkdir(exist_ok=True)
    write_text(store / ".gitignore", "*\n")
    if as_json:
        print_json(answer("init", {"files": [str(target), str(store)]}))
    elif not quiet:
        click.echo(f"wrote {target} and {store}/")
        click.echo(f"next   fill in licence, and subject or consent, in {target}")
        click.echo("then   headgate run" + ("" if folder == Path() else f" --file {shlex.quote(str(target))}"))
    return 0


def _flow_file(name: str, asked: Mapping[str, Any]) -> str:
    mapping = columns_of(asked["columns"])
    inner = ", ".join(
        f"{_quoted(ours) if '.' in ours else ours} = {_quoted(theirs)}" for ours, theirs in mapping.items()
    )
    columns = f"columns = {{ {inner} }}\n" if mapping else ""
    persons = (
        columns or '# columns = { subject = "customer" }  # the same person in the evaluation file, for group-leak\n'
    )
    # Versions and releases are named after the flow in addresses and folders: no blanks, only plain letters.
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:63].strip("-._") or "flow"
    parts = {key: _quoted(str(asked[key])) for key in ("train", "test", "base", "licence")}
    return TEMPLATE.format(
        name=_quoted(plain),
        source=_quoted(f"{plain}-rows"),
        release=_quoted(plain),
        columns=columns,
        persons=persons,
        decontaminate=f"[curate.decontaminate]\n{columns}\n" if columns else "",
        **parts,
    )


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False)
