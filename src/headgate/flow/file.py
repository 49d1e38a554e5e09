"""The flow file: one TOML file whose sections are the stages, in order.

Values come from the file, then from the environment (`HEADGATE_TRAIN_STEPS=40`), then from
`--set train.steps=40`; each resolved value is kept with its origin.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.flow.governing import SECTIONS, settings_of
from headgate.flow.judging import TABLES, Judging, read_judging
from headgate.flow.settings_reader import Spot, read_section
from headgate.flow.stages import NAMES, Stage, stage
from headgate.flow.toml_lines import key_lines
from headgate.kit.errors import Refused, merged
from headgate.kit.files import must_be_file
from headgate.kit.names import must_be_name
from headgate.kit.settings import key_of, option

FILE_NAME = "headgate.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSettings:
    """The section `[flow]`."""

    name: str = option(help="Name of the flow; dataset versions and releases are named after it.")
    about: str = option("", help="One sentence for the report and the card.")

    def __post_init__(self) -> None:
        must_be_name(self.name, "flow.name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow file that has been read and found right."""

    path: Path
    settings: FlowSettings
    stages: tuple[tuple[Stage, Any], ...]  # each with the settings of its section, in flow order
    origins: Mapping[str, str]  # dotted path -> "file:line", "environment" or "--set"; absent: default
    judging: Judging = dataclasses.field(default_factory=Judging)  # judges and rubrics, for whatever stage

    @property
    def folder(self) -> Path:
        """The project folder: where the flow file lies; paths in the file are relative to it."""
        return self.path.parent


def read_flow(path: Path, overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Flow:
    """Reads and validates a flow file.

    Raises:
        Refused: the file cannot be read, or holds problems; all of them are reported together.
    """
    text = _text(path)
    lines = key_lines(text)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused("not a TOML file", file=str(path), found=str(error)) from None
    origins = {".".join(keys): f"{path.name}:{line}" for keys, line in lines.items()}
    errors = _sections(tree, ("flow", *NAMES), path, lines)
    errors += _governing(tree, path, lines, overrides)
    errors += _apply_environment(tree, os.environ if environment is None else environment, origins)
    errors += _apply_overrides(tree, overrides, origins)
    settings, found = read_section(FlowSettings, tree.get("flow", {}), Spot(str(path), ("flow",), lines))
    errors += found
    stages: list[tuple[Stage, Any]] = []
    for name in NAMES:
        if name in tree and isinstance(tree[name], dict) and stage(name).room:
            section, found = read_section(stage(name).settings, tree[name], Spot(str(path), (name,), lines))
            errors += found
            stages.append((stage(name), section))
    errors += _references(tree, path, lines)
    judging, found = read_judging(tree, path, lines)
    errors += found
    if errors:
        raise merged(errors)
    return Flow(path=path, settings=settings, stages=tuple(stages), origins=origins, judging=judging)


def resolved(flow: Flow) -> list[tuple[str, Any, str]]:
    """Every setting as (dotted path, value, origin); nothing that can change a verdict is missing."""
    table: list[tuple[str, Any, str]] = []
    for name, settings in (("flow", flow.settings), *((one.name, section) for one, section in flow.stages)):
        table += _listing(settings, name, flow.origins)
    for kind, given in (("judges", flow.judging.judges), ("rubrics", flow.judging.rubrics)):
        for name, one in given.items():
            table += _listing(one, f"{kind}.{name}", flow.origins)
    return table


def as_plain(value: Any) -> Any:
    """Settings as JSON-able data, keys as in the flow file."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key_of(field): as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _text(path: Path) -> str:
    if not path.exists() and not path.is_symlink():
        raise Refused(
            "no flow file here", file=str(path), wanted=FILE_NAME, next_step="headgate init, or name one with --file"
        )
    try:
        return must_be_file(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Refused("the flow file is not UTF-8", file=str(path), found=str(error)) from None


def _sections(
    tree: Mapping[str, Any], known: Sequence[str], path: Path, lines: Mapping[tuple[str, ...], int]
) -> list[Refused]:
    errors = []
    order = []
    for name, section in tree.items():
        line = lines.get((name,))
        if name in SECTIONS or name in TABLES:
            continue
        if name not in known:
            every = [*known, *SECTIONS, *TABLES]
            near = difflib.get_close_matches(name, every, n=1)
            step = f"did you mean [{near[0]}]?" if near else "known sections: " + ", ".join(every)
            errors.append(Refused(f"unknown section [{name}]", file=str(path), line=line, next_step=step))
        elif not isinstance(section, dict):
            errors.append(Refused(f"{name} is not a section", file=str(path), line=line, wanted=f"[{name}]"))
        elif name in NAMES and stage(name).room is None:
            errors.append(Refused(f"[{name}] is not in this version", file=str(path), line=line, next_step="remove it"))
        else:
            order.append(name)
    for before, after in itertools.pairwise(order):
        if known.index(before) > known.index(after):
            errors.append(
                Refused(
                    f"[{after}] stands after [{before}]",
                    file=str(path),
                    line=lines.get((after,)),
                    wanted=" -> ".join(known),
                )
            )
    return errors


def _governing(
    tree: Mapping[str, Any], path: Path, lines: Mapping[tuple[str, ...], int], overrides: Sequence[str]
) -> list[Refused]:
    """Sections that govern the whole project stand in its own file, and are not overridden."""
    errors: list[Refused] = []
    for name in SECTIONS:
        if any(text.strip().partition("=")[0].split(".")[0].strip() == name for text in overrides):
            errors.append(Refused(f"--set changes nothing in [{name}]", file=str(path), next_step="change the file"))
        if name not in tree:
            continue
        line = lines.get((name,))
        if path.name != FILE_NAME:
            errors.append(Refused(f"[{name}] governs every flow", file=str(path), line=line, wanted=f"in {FILE_NAME}"))
        elif not isinstance(tree[name], dict):
            errors.append(Refused(f"{name} is not a section", file=str(path), line=line, wanted=f"[{name}]"))
        else:
            errors += read_section(settings_of(name), tree[name], Spot(str(path), (name,), lines))[1]
    return errors


def _references(tree: Mapping[str, Any], path: Path, lines: Mapping[tuple[str, ...], int]) -> list[Refused]:
    """A section refers only to sections above it."""
    errors = []
    required = tree.get("gate", {}).get("require", []) if isinstance(tree.get("gate"), dict) else []
    above = [name for name in NAMES[: NAMES.index("gate")] if name in tree]
    for name in required if isinstance(required, list) else []:
        if name not in above:
            line = lines.get(("gate", "require"))
            where = "a section below [gate]" if name in NAMES else "no section"
            text = f"gate.require names {name!r}, {where}"
            errors.append(Refused(text, file=str(path), line=line, wanted="one of " + ", ".join(above)))
    return errors


def _apply_environment(tree: dict[str, Any], environment: Mapping[str, str], origins: dict[str, str]) -> list[Refused]:
    names = {}
    for name in NAMES:
        if name in tree and stage(name).room:
            for field in dataclasses.fields(stage(name).settings):
                variable = f"HEADGATE_{name}_{key_of(field)}".upper().replace("-", "_")
                names[variable] = (name, key_of(field))
    for variable, (section, key) in names.items():
        if variable in environment:
            tree[section][key] = _value(environment[variable])
            origins[f"{section}.{key}"] = f"environment {variable}"
    return []


def _apply_overrides(tree: dict[str, Any], overrides: Sequence[str], origins: dict[str, str]) -> list[Refused]:
    errors = []
    for text in overrides:
        path, equals, value = text.partition("=")
        keys = path.strip().split(".")
        if not equals or len(keys) < 2:
            errors.append(Refused(f"--set {text}", wanted="section.key=value, such as train.steps=40"))
            continue
        table = tree
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = table[key] = {}
            table = inner
        table[keys[-1]] = _value(value)
        origins[path.strip()] = "--set"
    return errors


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _listing(value: Any, path: str, origins: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = [(key_of(field), getattr(value, field.name)) for field in dataclasses.fields(value)]
        return [entry for key, inner in pairs for entry in _listing(inner, f"{path}.{key}", origins)]
    parents = [path]
    while "." in parents[-1]:
        parents.append(parents[-1].rpartition(".")[0])
    origin = next((origins[one] for one in parents[:-1] if one in origins), "default")
    return [(path, as_plain(value), origin)]
