"""What every verb prints alike: JSON, and options that every verb has."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import click
import orjson

from headgate import __version__
from headgate.kit.errors import Exit
from headgate.stats.verdict import Outcome

EXIT_OF = {
    Outcome.PASS: Exit.PASS,
    Outcome.SKIPPED: Exit.PASS,
    Outcome.FAIL: Exit.FAIL,
    Outcome.UNSURE: Exit.UNSURE,
}


PURPOSE = click.option(
    "--purpose", default="", metavar="TEXT", help="What content about people is read for; else HEADGATE_PURPOSE."
)


def print_json(value: Any) -> None:
    """One JSON value on standard output, indented, keys in the order given."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def examples(verb: str, *lines: str) -> str:
    """The epilogue of a verb's help: command lines that can be run, each given as what follows the verb."""
    return "\b\nExamples:\n" + "\n".join(f"  headgate {verb} {line}".rstrip() for line in lines)


def answer(command: str, parts: Mapping[str, Any], outcome: str = Outcome.PASS) -> dict[str, Any]:
    """The one JSON object that a verb prints; `parts` may bring an outcome of their own."""
    return {"headgate": __version__, "command": command, "outcome": str(outcome), **parts}


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json` (as `as_json`) and `--quiet` to a verb, and refuses `nan` and `inf` where it takes a number."""

    @functools.wraps(command)
    def finite(*arguments: Any, **given: Any) -> Any:
        for name, value in given.items():
            if isinstance(value, float) and not math.isfinite(value):
                known = {one.name: one for one in click.get_current_context().command.params}
                raise click.BadParameter(f"{value} is not a finite number.", param=known.get(name))
        return command(*arguments, **given)

    quiet = click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors; the exit code tells.")(finite)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")(quiet)
