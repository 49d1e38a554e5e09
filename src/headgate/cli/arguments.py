"""Arguments that several verbs read alike: lists, pairs, options of rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headgate.kit.errors import Refused


def words(*texts: str) -> list[str]:
    """The words of all texts, parted by commas."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def pairs(given: Iterable[str], option: str, wanted: str = "NAME=VALUE") -> dict[str, str]:
    """`a=b` pairs.

    Raises:
        Refused: a pair has no equals sign, or two of them have one name.
    """
    found: dict[str, str] = {}
    for text in given:
        if not text.strip():
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise Refused(f"{option} {text}", wanted=wanted)
        if name.strip() in found:
            both = f"{name.strip()} means {found[name.strip()]} and {value.strip()}"
            raise Refused(f"{option} gives one name twice", found=both, wanted="a name of its own for each")
        found[name.strip()] = value.strip()
    return found


def columns_of(given: Iterable[str], option: str = "--columns") -> dict[str, str]:
    """Our column names and theirs, from `OURS=THEIRS` with commas between; the option may be given again.

    Raises:
        Refused: a pair has no equals sign, or one side of it is empty.
    """
    wanted = "OURS=THEIRS, such as prompt=question"
    found = pairs((one for group in given for one in group.split(",")), option, wanted)
    for ours, theirs in found.items():
        if not ours or not theirs:
            raise Refused(f"{option} {ours}={theirs}", wanted=wanted)
    return found


def rule_options(given: Any) -> dict[str, dict[str, Any]]:
    """`RULE.NAME=VALUE` triples as options by rule; values are read as TOML where they can be."""
    import tomllib

    found: dict[str, dict[str, Any]] = {}
    for name, text in pairs(given, "--option").items():
        rule, dot, key = name.rpartition(".")
        if not dot:
            raise Refused(f"--option {name}={text}", wanted="RULE.NAME=VALUE")
        try:
            value = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            value = text
        found.setdefault(rule, {})[key] = value
    return found
