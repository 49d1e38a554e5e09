"""Writes docs/reference: the command line, the flow file and the exit codes, from the live program."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from headgate.cli.main import headgate
from headgate.cli.verbs import VERBS
from headgate.flow.file import FlowSettings
from headgate.flow.governing import SECTIONS, settings_of
from headgate.flow.judging import TABLES
from headgate.flow.stages import STAGES
from headgate.kit.settings import key_of

FOLDER = Path(__file__).parent / "reference"


def command_line() -> str:
    """One section a verb, with the help that the program prints."""
    parts = ["# Command line", "", "Written by `make docs` from the program itself.", ""]
    for title, verbs in VERBS.items():
        parts += [f"*{title}*", ""]
        for verb in verbs:
            command = headgate.get_command(click.Context(headgate, info_name="headgate"), verb.name)
            assert command is not None
            parts += _described(command, f"headgate {verb.name}", "##")
    return "\n".join(parts)


def _described(command: click.Command, path: str, heading: str) -> list[str]:
    """The help of a command and of those under it."""
    parts = [f"{heading} {path}", "", *_help(command, path)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            parts += _described(inner, f"{path} {name}", heading + "#")
    return parts


def _help(command: click.Command, path: str) -> list[str]:
    names = headgate.context_settings["help_option_names"]  # a parent would hand them down
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100, help_option_names=names)
    return ["```text", command.get_help(context).rstrip(), "```", ""]


def flow_file() -> str:
    """One table a section, with every key, its unit, its default and what it is for."""
    parts = ["# Flow file", "", "Written by `make docs` from the settings of each stage.", ""]
    parts += ["Sections stand in flow order; a section may refer only to sections above it.", ""]
    parts += [
        "Values come from the file, then from the environment (`HEADGATE_TRAIN_STEPS=40`), then from `--set`.",
        "",
    ]
    rooms = [("flow", FlowSettings), *((one.name, one.settings) for one in STAGES if one.room)]
    rooms += [(name, settings_of(name)) for name in SECTIONS]
    for name, settings in rooms:
        parts += [f"## [{name}]", "", *_table(settings), ""]
    parts += ["Judges and rubrics belong to no stage; their tables may stand anywhere.", ""]
    for name, settings in TABLES.items():
        parts += [f"## [{name}.NAME]", "", *_table(settings), ""]
    return "\n".join(parts).rstrip() + "\n"


def _table(settings: type) -> list[str]:
    lines = ["| key | default | unit | what it is for |", "|---|---|---|---|"]
    for key, shown, field in _rows(settings, ""):
        cells = [f"`{key}`", shown, field.metadata.get("unit", ""), field.metadata.get("help", "")]
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return lines


def _rows(settings: type, prefix: str) -> Iterator[tuple[str, str, dataclasses.Field[Any]]]:
    """Key, default as TOML has it, and field; tables inside a section by their dotted keys."""
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        key = prefix + key_of(field)
        inner, many = _table_inside(hints[field.name])
        if inner is None:
            yield key, _default(field), field
            continue
        yield key, "required" if many else "a table", field
        yield from _rows(inner, f"{key}.NAME." if many else f"{key}.")


def _table_inside(hint: Any) -> tuple[type | None, bool]:
    """The dataclass that a setting is read into, if any, and whether there are several by name."""
    if dataclasses.is_dataclass(hint):
        return typing.cast(type, hint), False
    arguments = typing.get_args(hint)
    found = next((one for one in arguments if dataclasses.is_dataclass(one)), None)
    return typing.cast("type | None", found), typing.get_origin(hint) is dict


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    return {FOLDER / "command-line.md": command_line(), FOLDER / "flow-file.md": flow_file()}


if __name__ == "__main__":
    checking = sys.argv[1:] == ["--check"]  # writes nothing; prints the pages that are not what the program says
    for path, text in pages().items():
        if not checking:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stdout.write(f"stale {path}\n")
