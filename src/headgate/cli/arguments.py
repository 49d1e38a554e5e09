"""Arguments that several verbs read alike: lists, pairs, options of rules."""

from __future__ import annotations

from typing import Any

from headgate.kit.errors import Refused


def words(text: str) -> list[str]:
    """A list of words parted by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def pairs(given: Any, option: str) -> dict[str, str]:
    """`a=b` pairs.

    Raises:
        Refused: a pair has no equals sign.
    """
    found = {}
    for text in given:
        if not text.strip():
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise Refused(f"{option} {text}", wanted="NAME=VALUE")
        found[name.strip()] = value.strip()
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
