"""Instructions as rules are told of them: texts that go with every request, and since when each was in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest

INSTRUCTIONS = "instructions"  # the input that they are
KEYS = ("text", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """One version of the instructions."""

    text: str
    at: datetime | None = None  # since when they are in use

    @property
    def digest(self) -> str:
        """The address of the text."""
        return digest(self.text.encode("utf-8", "surrogatepass"))

    @classmethod
    def of(cls, told: str | Mapping[str, Any] | Instructions) -> Instructions:
        """From a text, or a JSON object with `text` and, where it is known, `at`.

        Raises:
            Refused: an unknown key, no text, or a moment that is not ISO 8601.
        """
        if isinstance(told, Instructions):
            return told
        if isinstance(told, str):
            return cls(text=told)
        unknown = sorted(set(told) - set(KEYS))
        if unknown or not isinstance(told.get("text"), str):
            found = ", ".join(unknown) or "no text"
            raise Refused("not a version of instructions", found=found, wanted="text, and at where it is known")
        return cls(text=told["text"], at=parse_moment(str(told["at"])) if told.get("at") else None)


def versions_of(told: str | Iterable[Any] | None) -> list[Instructions]:
    """The input `instructions` in whatever form it was given, in order."""
    if told is None:
        return []
    if isinstance(told, str | Mapping | Instructions):
        return [Instructions.of(told)]
    return [Instructions.of(one) for one in told]


def in_force(versions: Iterable[Instructions], at: datetime) -> Instructions | None:
    """The version that was in use at a moment; None before the first that is dated."""
    begun = [one for one in versions if one.at is not None and one.at <= at]
    return max(begun, key=lambda one: one.at or at) if begun else None
