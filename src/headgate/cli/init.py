"""`headgate init`: a flow file to start from, and the folder that holds everything known."""

from __future__ import annotations

from pathlib import Path

import click

from headgate.cli.output import answer, common_options, examples, print_json
from headgate.kit.errors import Refused
from headgate.kit.files import write_text

EXAMPLES = examples("init", "", "--train data/train.jsonl --test data/test.jsonl --base models/small")

TEMPLATE = """\
# The flow, in order. `headgate run` walks it; every section is also a verb of its own.
# Every key and its default: docs/reference/flow-file.md.

[flow]
name = "{name}"

[capture]
files = ["{train}"]
source = "{name}-rows"
licence = ""                    # SPDX identifier; rows without a licence do not pass
# subject = "customer"          # column with the key of the person a row is about,
# consent = "training"          # or the purpose that everyone in the source agreed to

[curate]
steps = ["select", "redact", "split", "exact-duplicates", "decontaminate"]
against = ["{test}"]

[check]
select = ["data", "lineage"]
eval = ["{test}"]

[train]
base = "{base}"                 # a folder with a model in safetensors
adapter = {{ kind = "lora", rank = 16, alpha = 32 }}

[evaluate.suites.main]
items = "{test}"

[gate]
require = ["check", "evaluate"]

[release]
name = "{name}"
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the flow; the folder's name by default.")
@click.option("--train", default="train.jsonl", show_default=True, help="Training file.")
@click.option("--test", default="test.jsonl", show_default=True, help="Evaluation file.")
@click.option("--base", default="base", show_default=True, help="Folder of the base model.")
@common_options
def command(folder: Path, name: str | None, train: str, test: str, base: str, quiet: bool, as_json: bool) -> int:
    """Writes headgate.toml and .headgate/ in FOLDER (this folder by default).

    The flow file names your files; open it, fill in the licence, and run `headgate run`.
    An existing flow file is never overwritten.
    """
    target = folder / "headgate.toml"
    if target.exists():
        raise Refused("a flow file is there already", file=str(target), next_step="edit it, or remove it first")
    folder.mkdir(parents=True, exist_ok=True)
    called = name or folder.resolve().name
    write_text(target, TEMPLATE.format(name=called, train=train, test=test, base=base))
    store = folder / ".headgate"
    store.mkdir(exist_ok=True)
    write_text(store / ".gitignore", "*\n")
    if as_json:
        print_json(answer("init", {"files": [str(target), str(store)]}))
    elif not quiet:
        click.echo(f"wrote {target} and {store}/\nnext   open {target}, then: headgate run --file {target}")
    return 0
