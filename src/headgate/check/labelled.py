"""Files of labels in place of rows: what was read, and the rules that speak of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.rows.labels import Labels, is_labels, read_labels
from headgate.rules.shape import Rule

NEED = "labels"


def are_labels(paths: Sequence[Path], format: str | None, columns: Mapping[str, str] | None) -> bool:
    """Whether the files hold labels of annotators.

    Raises:
        Refused: some do and some do not.
    """
    found = [is_labels(path, format, columns) for path in paths]
    if any(found) and not all(found):
        rows = paths[found.index(False)]
        what = "labels and rows in one check"
        raise Refused(what, file=str(rows), wanted="files of one kind", next_step=f"headgate check {rows}")
    return any(found)


def labels_and_files(
    paths: Sequence[Path],
    gold: Sequence[Path],
    columns: Mapping[str, str] | None,
    strict: bool,
    besides: Mapping[str, Any],
) -> tuple[Labels, list[tuple[str, str, int, tuple[Any, ...]]]]:
    """Labels, and of each file its path, role, records and bad lines.

    Raises:
        Refused: a file cannot be read, or something was given that says nothing about labels.
    """
    for name, given in besides.items():
        if given:
            raise Refused(f"{name} says nothing about labels", wanted="--reference GOLD (item, label), or nothing")
    labels, read = read_labels(paths, columns=columns, gold=gold, strict=strict)
    return labels, [
        (str(path), "label" if number < len(paths) else "gold", count, tuple(bad))
        for number, (path, count, bad) in enumerate(read)
    ]


def speaking(rules: Sequence[Rule], selected: Sequence[str]) -> list[Rule]:
    """Rules to run over labels: with `all`, those that read labels, and any that is selected by its own name."""
    if "all" not in selected:
        return list(rules)
    asked = {*selected, *(word.upper() for word in selected)}
    return [rule for rule in rules if NEED in rule.needs or asked & {rule.name, rule.code}]
