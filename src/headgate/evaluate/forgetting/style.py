"""Style of answers apart from what is right in them: length, lists, markdown, openers; and its drift."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MOVED = 0.3  # standard deviations of the base's answers from which on a style has moved

FEATURES: dict[str, Callable[[str], float]] = {
    "words": lambda text: float(len(text.split())),
    "list": lambda text: float(bool(re.search(r"(?m)^\s*(?:[-*•]|\d{1,2}[.)])\s+\S", text))),
    "markdown": lambda text: float(bool(re.search(r"(?m)^#{1,4} |\*\*\S|```|^\|.*\|$", text))),
    "apology": lambda text: float(bool(re.search(r"\b(?:sorry|apologi[sz]e|unfortunately)\b", text, re.I))),
    "agreement": lambda text: float(
        bool(re.match(r"\s*(?:sure|of course|certainly|absolutely|great question|you are right|yes)\b", text, re.I))
    ),
    "emoji": lambda text: float(bool(re.search("[\U0001f300-\U0001faff☀-➿]", text))),
}


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature moved: means of both, and the paired change in standard deviations."""

    base: float
    candidate: float
    d_z: float

    @property
    def moved(self) -> bool:
        """Whether it is more than noise of writing."""
        return abs(self.d_z) >= MOVED


def drift(base: Sequence[str], candidate: Sequence[str]) -> dict[str, Drift]:
    """Each feature in the answers of both models to the same prompts."""
    out = {}
    for name, feature in FEATURES.items():
        before, after = (np.array([feature(text) for text in some]) for some in (base, candidate))
        change = after - before
        spread = float(change.std(ddof=1)) if len(change) > 1 else 0.0
        mean = float(change.mean()) if len(change) else 0.0
        # A change that is the same everywhere has no spread of its own; it moved as far as can be.
        d_z = mean / spread if spread > 0 else (10.0 if mean > 0 else -10.0 if mean < 0 else 0.0)
        out[name] = Drift(float(before.mean()), float(after.mean()), round(d_z, 3))
    return out
