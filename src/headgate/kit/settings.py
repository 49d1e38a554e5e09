"""Options of stages and rules: plain dataclass fields that carry their own help and unit."""

from __future__ import annotations

import dataclasses
from typing import Any


def option(default: Any = dataclasses.MISSING, *, help: str, unit: str = "", key: str = "") -> Any:
    """A dataclass field with a help text, a unit, and the key it has in the flow file.

    A list or dictionary given as default is copied for each instance. Without a default the
    setting is required. `key` is needed only where the flow file's key is not the field's name
    with hyphens for underscores.
    """
    metadata = {"help": help, "unit": unit, "key": key}
    if isinstance(default, list | dict | set):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def key_of(field: dataclasses.Field[Any]) -> str:
    """The key of a setting in the flow file."""
    return str(field.metadata.get("key") or field.name.replace("_", "-"))
