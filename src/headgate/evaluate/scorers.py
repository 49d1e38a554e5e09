"""Scores one answer against its target, by rule and without a model.

An item ends in one of four ways: `pass`, `fail`, `unscored` (an answer came and cannot be scored,
such as one that was cut off) or `error` (no whole answer came). Only the first two are scores.
A complete answer in which nothing fitting is found is a wrong answer, hence `fail`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from headgate.evaluate.extractors import chain
from headgate.kit.errors import Refused
from headgate.models.model import Completion
from headgate.text.answers import COMPARISONS, normalised, unfit_target


class Mark(StrEnum):
    """How one item ended."""

    PASS = "pass"
    FAIL = "fail"
    UNSCORED = "unscored"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Scored:
    """One item's ending and why."""

    mark: Mark
    reason: str = ""
    extracted: str = ""  # what was compared
    value: float | None = None  # share of the full score, where it is not all or nothing

    @property
    def score(self) -> float:
        """From 0 to 1; of an item that was scored."""
        return float(self.mark is Mark.PASS) if self.value is None else self.value

    def as_json(self) -> list[str]:
        """Mark, reason and what was compared."""
        return [self.mark.value, self.reason, self.extracted]


Labels = tuple[str, ...]


SCORERS = (*COMPARISONS, "label")


def labels_in(text: str, labels: Labels) -> set[str]:
    """Labels that a text names as whole words; a label inside a longer one that is named does not count."""
    rest = f" {normalised(text)} "
    named = set()
    for label in sorted(labels, key=len, reverse=True):
        words = f" {normalised(label)} "
        if words.strip() and words in rest:
            named.add(label)
            rest = rest.replace(words, " \0 ")
    return named


class Scorer:
    """An extractor chain and a comparison, made once for a suite."""

    def __init__(
        self, name: str, extractor: Sequence[str] = (), *, labels: Sequence[str] = (), cut_off: str = "unscored"
    ) -> None:
        """`labels` serve the scorer "label"; `cut_off` says what an answer cut at the token limit is.

        Raises:
            Refused: an unknown scorer, extractor or word for `cut_off`; "label" with fewer than two labels.
        """
        if name not in SCORERS:
            raise Refused("no such scorer", found=repr(name), wanted=", ".join(SCORERS))
        if cut_off not in ("unscored", "scored"):
            raise Refused("cut-off answers", found=repr(cut_off), wanted='"unscored" or "scored"')
        self.labels: Labels = tuple(sorted(set(labels)))
        if name == "label" and len(self.labels) < 2:
            raise Refused("scorer label needs two labels or more", found=str(list(self.labels)))
        self.name, self._cut_off = name, cut_off
        self._extract = chain(extractor)

    def score(self, completion: Completion, target: str) -> Scored:
        """The ending of one item. Never raises for anything a model said."""
        if completion.outcome == "error":
            return Scored(Mark.ERROR, completion.error)
        if completion.finish_reason == "length" and self._cut_off == "unscored":
            return Scored(Mark.UNSCORED, "cut off at the token limit")
        if completion.finish_reason == "refusal":
            return Scored(Mark.FAIL, "refused", completion.text[:200])
        found = self._extract(completion.text)
        if found is None:
            return Scored(Mark.FAIL, "no answer found in the text")
        if self.name == "label":
            return self._label(found, target)
        right = COMPARISONS[self.name](found, target)
        return Scored(Mark.PASS if right else Mark.FAIL, "", found[:200])

    def _label(self, found: str, target: str) -> Scored:
        named = labels_in(found, self.labels)
        if len(named) > 1:
            return Scored(Mark.FAIL, f"names {len(named)} labels", ", ".join(sorted(named))[:200])
        right = {normalised(label) for label in named} == {normalised(target)}
        reason = "" if named else "names no label"
        return Scored(Mark.PASS if right else Mark.FAIL, reason, next(iter(named), found[:200]))

    def check_target(self, target: str) -> str:
        """Why a target cannot be scored against, or an empty text."""
        return unfit_target(self.name, target)
