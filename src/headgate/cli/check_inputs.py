"""Options of `headgate check` that name what rules need besides training rows and evaluation items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import click

from headgate.kit.errors import Refused

FILE = click.Path(path_type=Path)

OPTIONS = (
    click.option("--reference", multiple=True, type=FILE, help="Real rows to hold the file against."),
    click.option("--before", multiple=True, type=FILE, help="Rows that the file's rows were rewritten from."),
    click.option("--earlier", multiple=True, type=FILE, help="Earlier versions of the file, oldest first."),
    click.option("--base", metavar="NAME", help="Model that is to be trained on the file."),
    click.option("--registry", multiple=True, help="Real identifiers: FILE with one a line, FILE:COLUMN, or rows."),
    click.option("--prompts", multiple=True, type=FILE, help="Few-shot prompts as they are sent."),
    click.option("--past-run", type=FILE, help="Which evaluation items failed and passed in an earlier run (JSON)."),
    click.option("--instructions", multiple=True, type=FILE, help="Text that goes with every request, each version."),
    click.option("--looks", multiple=True, type=FILE, help="Looks at evaluation items, such as an access log."),
    click.option("--habits", type=FILE, help="Decisions about habits for --fix: keep, drop, mask or normalise (TOML)."),
    click.option("--repair-inputs", is_flag=True, help="With --fix: make inputs look like those of --reference."),
    click.option("--cut-sentences", is_flag=True, help="With --repair-inputs: also leave trailing sentences out."),
    click.option("--mix-words", type=FILE, help="With --repair-inputs: words and those of another language (CSV)."),
    click.option("--join-labels", metavar="TEXT", help="With --repair-inputs: merge inputs; TEXT joins their labels."),
    click.option("--consensus", type=FILE, help="Of labels: write one for each item here, by the vote to be believed."),
    click.option("--judge", metavar="MODEL", help="Model that is sent likely pairs to compare, http://host/v1#name."),
)
NAMES = ("reference", "before", "earlier", "base", "registry", "prompts", "past_run", "instructions", "looks", "judge")


WITHOUT_FILES = ("files", "flow_file", "quiet", "as_json")  # all that a check of the flow's version has a use for


def must_be_of_a_flow(context: click.Context, flow_file: Path) -> None:
    """Refuses a check without files that has no flow, or options about files, with which nothing would be done.

    Raises:
        Refused: there is no flow file, or such an option is given.
    """
    if not flow_file.exists():
        raise Refused(
            "no file to check, and no flow file here", file=str(flow_file), next_step="headgate check train.jsonl"
        )
    given = [
        option.opts[0]
        for option in context.command.params
        if option.name and option.name not in WITHOUT_FILES
        and context.get_parameter_source(option.name) is click.core.ParameterSource.COMMANDLINE
    ]  # fmt: skip
    if given:
        raise Refused(
            "these options are for files, and none is named",
            found=", ".join(given),
            wanted="headgate check FILE ...",
            next_step="name the files; what a check of the flow's dataset version does stands under [check]",
        )


def files_read(files: Sequence[Path], asked: Mapping[str, Any]) -> list[Path]:
    """Every file that a command reads: none of them may be written over."""
    found = [*files, *asked["evaluation"]]
    for name in (*NAMES, "habits", "mix_words"):
        given = asked[name]
        found += map(Path, given if isinstance(given, tuple) else [given] if isinstance(given, Path) else [])
    return found


def files_written(asked: Mapping[str, Any]) -> list[Path]:
    """Every file that a command writes, with those that stand beside a mended copy.

    Raises:
        Refused: a sample is to be mended, of which the copy would hold nothing else.
    """
    fix: Path | None = asked["fix"]
    if fix and asked["sample"] is not None:
        raise Refused("a sample cannot be mended", found=f"--sample {asked['sample']}", next_step="leave --sample out")
    beside = (".diff", ".inputs.jsonl") if asked["repair_inputs"] else (".diff",)
    copies = [fix, *(fix.with_name(fix.name + ending) for ending in beside)] if fix else []
    return copies + [asked[name] for name in ("page", "people", "sarif", "consensus") if asked[name]]


def inputs_beside_rows(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command, in their order."""
    return reduce(lambda made, option: option(made), reversed(OPTIONS), command)
