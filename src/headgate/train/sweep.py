"""Several settings tried on the same rows: every try is a run on record, and the choice says how many there were."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.kit.errors import Refused
from headgate.train.settings import Settings, resolved, settings_of

MOST = 64  # settings tried in one sweep
# What a run is about, and what is examined once for all tries.
APART = frozenset({"base", "start", "split", "choose", "choose-on", "seeds", "sweep", "method", "engine", "probe"})
EXAMINED = frozenset({"max-tokens", "system-prompt", "distil", "distil-tokens", "processes"})


def variants(settings: Settings) -> list[tuple[str, Settings]]:
    """Every combination of the values that the sweep names, each with its label.

    Raises:
        Refused: an unknown setting, a value that cannot be used, or more than 64 combinations.
    """
    if not settings.sweep:
        return [("", settings)]
    keys = list(settings.sweep)
    for key in keys:
        _must_be_known(settings, key)
    table = list(itertools.product(*(settings.sweep[key] for key in keys)))
    if len(table) > MOST:
        raise Refused("a sweep tries too much", found=f"{len(table)} combinations", wanted=f"{MOST} or fewer")
    return [(_label(keys, values), _with(settings, keys, values)) for values in table]


def _must_be_known(settings: Settings, key: str) -> None:
    plain: Any = resolved(settings)
    if not settings.sweep[key]:
        raise Refused(f"sweep.{key} names no values")
    for part in key.split("."):
        if not isinstance(plain, Mapping) or part not in plain or key.split(".")[0] in APART | EXAMINED:
            raise Refused(
                "a sweep cannot change this setting", found=key, wanted="a setting of [train] that shapes a run"
            )
        plain = plain[part]
    for value in settings.sweep[key]:
        if not (isinstance(value, type(plain)) or (isinstance(plain, float) and type(value) is int)):
            raise Refused(f"sweep.{key} has a value of another type", found=repr(value), wanted=type(plain).__name__)


def _label(keys: Sequence[str], values: Sequence[Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))


def _with(settings: Settings, keys: Sequence[str], values: Sequence[Any]) -> Settings:
    plain = resolved(settings)
    plain["sweep"] = {}
    for key, value in zip(keys, values, strict=True):
        *tables, last = key.split(".")
        inner = plain
        for table in tables:
            inner = inner[table]
        inner[last] = value
    return settings_of(plain)
