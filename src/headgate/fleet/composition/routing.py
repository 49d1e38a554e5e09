"""Routing: each request goes to one adapter, the one whose examples are worded most like it.

Naive Bayes over hashed words and pairs of words (McCallum and Nigam 1998, multinomial, one is added to each count):
what all adapters' requests have weighs nothing, what only one's have decides. A router keeps weights of hashes, and no
text. A request of which no adapter's examples have enough words goes to the base.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, must_be_file
from headgate.kit.hashing import canonical_json, digest_json, number64

FORM = 1
WORD = re.compile(r"\w+|[^\w\s]")
BITS = 18
FLOOR = 0.25  # share of its words that some example must have


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a request goes, and why."""

    adapter: str  # empty: the base
    margin: float  # log-odds above the next, natural logarithm
    known: float  # share of its words that some example has


@dataclass(frozen=True, slots=True)
class Router:
    """By adapter, the logarithm of how often each word stands in its requests."""

    weights: Mapping[str, Mapping[int, float]]  # adapter -> hash of a word -> log share
    rest: Mapping[str, float]  # log share of a word that none of its examples has

    def choose(self, text: str) -> Choice:
        """The adapter for a request."""
        words = _words(text)
        seen = {word for one in self.weights.values() for word in one}
        known = {word: count for word, count in words.items() if word in seen}
        share = sum(known.values()) / sum(words.values()) if words else 0.0
        scores = sorted(
            (
                (sum(n * one.get(word, self.rest[name]) for word, n in known.items()), name)
                for name, one in self.weights.items()
            ),
            reverse=True,
        )
        best, name = scores[0]
        margin = best - scores[1][0] if len(scores) > 1 else math.inf
        return Choice(name if share >= FLOOR else "", margin, share)

    def as_json(self) -> dict[str, Any]:
        """The router as JSON."""
        plain = {name: {str(word): weight for word, weight in one.items()} for name, one in self.weights.items()}
        return {"form": FORM, "weights": plain, "rest": dict(self.rest)}

    @property
    def digest(self) -> str:
        """Its address."""
        return digest_json(self.as_json())

    def save(self, path: Path) -> None:
        """Writes it in one step."""
        with atomic_write(path) as stream:
            stream.write(canonical_json(self.as_json()))


def fit(examples: Mapping[str, Sequence[str]]) -> Router:
    """A router from example requests of each adapter.

    Raises:
        Refused: an adapter has none.
    """
    if empty := [name for name, texts in examples.items() if not texts]:
        raise Refused("routing needs example requests of every adapter", found=f"none for {', '.join(empty)}")
    counts = {name: sum((_words(text) for text in texts), Counter()) for name, texts in examples.items()}
    size = len({word for one in counts.values() for word in one})
    totals = {name: one.total() + size for name, one in counts.items()}
    weights = {
        name: {word: round(math.log((count + 1) / totals[name]), 6) for word, count in one.items()}
        for name, one in counts.items()
    }
    return Router(weights, {name: round(-math.log(total), 6) for name, total in totals.items()})


def read_router(path: Path) -> Router:
    """A saved router.

    Raises:
        Refused: not one.
    """
    try:
        body = orjson.loads(must_be_file(path).read_bytes())
        if body["form"] != FORM:
            raise ValueError(f"form {body['form']}")
        weights = {n: {int(word): float(w) for word, w in one.items()} for n, one in body["weights"].items()}
        rest = {name: float(body["rest"][name]) for name in weights}
        return Router(weights, rest)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("not a router", file=str(path), found=str(error)) from None


def _words(text: str) -> Counter[int]:
    words = WORD.findall(text.lower())
    pairs = [f"{one} {two}" for one, two in pairwise(words)]
    return Counter(number64(word.encode()) >> (64 - BITS) for word in (*words, *pairs))
