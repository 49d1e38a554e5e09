"""What a rule is given: named inputs, and rows with the arrays that several rules share.

A rule never opens a file and never imports an engine; whatever it needs comes in here.
Names in use: `training-rows`, `evaluation-items` (both `Corpus`), `reference-rows` (real rows to hold
others against), `before-rows` (what training rows were rewritten from), `registry` (a `text.registry.Registry` of
real identifiers), `selected-rows` (what a curation kept of `training-rows`), `claims` (`Claims`: dated facts
by row source or subject), `earlier-versions` and `this-version` (`Variety` of dataset versions) or `earlier-rows`
(their rows), `lines` (`Lines`: models and what they were made from), `base` (name of the model to be trained),
`tokens` (a `TokenCount` for each training row, from the trainer's pre-flight),
`slice-by` (names of slices to report).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Broken, Refused
from headgate.rules.corpus import Corpus

__all__ = ["Claims", "Corpus", "Fact", "Given", "TokenCount"]


class Given:
    """Named inputs of a rule."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._inputs = {name: value for name, value in inputs.items() if value is not None}

    def has(self, name: str) -> bool:
        """Whether an input was given."""
        return name in self._inputs

    def rows(self, name: str) -> Corpus:
        """An input that is rows."""
        value = self._inputs[name]
        if not isinstance(value, Corpus):
            raise Broken(f"input {name!r} is not rows", found=type(value).__name__)
        return value

    @property
    def in_memory(self) -> bool:
        """Whether every row of every input is at hand."""
        return all(value.in_memory for value in self._inputs.values() if isinstance(value, Corpus))

    def get(self, name: str, default: Any = None) -> Any:
        """Any other input."""
        return self._inputs.get(name, default)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """What the trainer would do with one training row, counted before the first step."""

    supervised_tokens: int  # tokens that reach the loss
    end_token_supervised: bool = True  # whether the token that ends the answer is one of them
    cut: bool = False  # the row is longer than the longest sequence and something was cut off
    answer_cut: bool = False  # some of what was cut off is answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One claim of the ledger: what was said about a subject or source, when, and for what time."""

    about: str  # "subject:<key>", "source:<name>" or "teacher:<name>"
    what: str  # "consent", "licence", ...
    value: Any
    observed_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    source: str = ""  # who says so

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Fact:
        """A fact from a JSON object, with moments in ISO 8601.

        Raises:
            Refused: a moment is not ISO 8601.
            TypeError: a key is missing or unknown.
        """
        moments = {name: parse_moment(body[name]) for name in ("observed_at", "valid_from", "valid_to") if name in body}
        return cls(**{**body, **moments})

    def covers(self, moment: datetime) -> bool:
        """Whether the fact was known by then and holds at that moment."""
        return not (self.observed_at > moment or self.begins_after(moment) or self.ended_by(moment))

    def begins_after(self, moment: datetime) -> bool:
        """Whether the fact holds only from a later moment on."""
        return self.valid_from is not None and self.valid_from > moment

    def ended_by(self, moment: datetime) -> bool:
        """Whether the time for which the fact held is over."""
        return self.valid_to is not None and self.valid_to <= moment


class Claims:
    """Dated facts, asked at one moment."""

    def __init__(self, facts: Iterable[Fact], at: datetime) -> None:
        if at.tzinfo is None:
            raise Refused("a moment without a time zone", found=str(at), wanted="UTC")
        self.at = at
        self._facts: dict[tuple[str, str], list[Fact]] = {}
        for fact in sorted(facts, key=lambda fact: fact.observed_at):
            self._facts.setdefault((fact.about, fact.what), []).append(fact)

    def knows(self, what: str) -> bool:
        """Whether anything of that kind was ever claimed, about anybody."""
        return any(kind == what for _, kind in self._facts)

    def latest(self, about: str, what: str) -> Fact | None:
        """The newest fact known by the moment asked that had begun to hold, even if its time is over by now."""
        known = self._facts.get((about, what), [])
        begun = [fact for fact in known if fact.observed_at <= self.at and not fact.begins_after(self.at)]
        return begun[-1] if begun else None

    def value(self, about: str, what: str) -> Any:
        """What holds at the moment asked; None where nothing is known or its time is over."""
        fact = self.latest(about, what)
        return fact.value if fact is not None and fact.covers(self.at) else None
