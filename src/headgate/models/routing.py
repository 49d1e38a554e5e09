"""Routing: each request goes to one adapter, the one whose examples are worded most like it.

Logistic regression over hashed words and pairs of words, one adapter against the others, with a ridge: what all
adapters' requests have weighs nothing, what only one's have decides, however long the request is. A router keeps
weights of hashes, and no text. A request with too few words of any example goes to the base.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write, must_be_file
from headgate.kit.hashing import canonical_json, digest_json, number64

Floats = NDArray[np.float64]
FORM = 1
WORD = re.compile(r"\w+|[^\w\s]")
BITS = 18
RIDGE = 1.0
FLOOR = 0.25  # share of its words that some example must have


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a request goes, and why."""

    adapter: str  # empty: the base
    margin: float  # score above the next
    known: float  # share of its words that some example has


@dataclass(frozen=True, slots=True)
class Router:
    """By adapter, what each word says for it."""

    weights: Mapping[str, Mapping[int, float]]  # adapter -> hash of a word -> weight
    start: Mapping[str, float]  # score of a request without a word

    def choose(self, text: str) -> Choice:
        """The adapter for a request."""
        words = _words(text)
        seen = {word for one in self.weights.values() for word in one}
        known = words & seen
        share = len(known) / len(words) if words else 0.0
        scores = sorted(
            (
                (self.start[name] + math.fsum(one[word] for word in known if word in one), name)
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
        return {"form": FORM, "weights": plain, "start": dict(self.start)}

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
    texts = [_words(text) for some in examples.values() for text in some]
    owners = [name for name, some in examples.items() for _ in some]
    words = sorted({word for one in texts for word in one})
    place = {word: n for n, word in enumerate(words)}
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in texts])
    columns = np.array([place[word] for one in texts for word in sorted(one)], dtype=np.intp)
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(words)))
    weights, start = {}, {}
    for name in examples:
        fitted = _fitted(matrix, np.array([1.0 if owner == name else -1.0 for owner in owners]))
        start[name] = round(float(fitted[-1]), 6)
        pairs = zip(words, np.round(fitted[:-1], 6).tolist(), strict=True)
        weights[name] = {word: weight for word, weight in pairs if weight}
    return Router(weights, start)


def _fitted(matrix: Any, sides: Floats) -> Floats:
    """Weights, and a last one for the start, of a logistic regression with a ridge."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = sides * (matrix @ weights[:-1] + weights[-1])
        pull = -sides / (1 + np.exp(scores))
        slope = np.append(matrix.T @ pull, pull.sum())
        slope[:-1] += RIDGE * weights[:-1]
        return float(np.logaddexp(0, -scores).sum() + RIDGE / 2 * (weights[:-1] @ weights[:-1])), slope

    return np.asarray(minimize(loss, np.zeros(matrix.shape[1] + 1), jac=True, method="L-BFGS-B").x)


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
        return Router(weights, {name: float(body["start"][name]) for name in weights})
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("not a router", file=str(path), found=str(error)) from None


def _words(text: str) -> set[int]:
    words = WORD.findall(text.lower())
    pairs = [f"{one} {two}" for one, two in pairwise(words)]
    return {number64(word.encode()) >> (64 - BITS) for word in (*words, *pairs)}
