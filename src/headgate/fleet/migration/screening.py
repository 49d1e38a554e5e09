"""Prompts to distil from: stored ones, or ones that the old base makes from a few examples, screened.

A made prompt stays if it is new, of the length of the examples, and one that the teacher is as sure about as about
the examples themselves. How many each screen took is told.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.evaluate.extractors import normalised
from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.models.chat_template import ChatTemplate
from headgate.models.model import Completion, Prompt
from headgate.models.tokenizer import Tokenizer
from headgate.serve.doors import EMBEDDED
from headgate.serve.runtime import Ask, Piece
from headgate.serve.settings import Settings

LEAST_EXAMPLES = 5
SHOWN = 4  # examples that a made prompt goes on from
MARK = "\x02"
SURE = 0.1  # share of the examples that the teacher may be less sure about than about a made prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """Prompts that are left."""

    prompts: tuple[str, ...]
    made: bool
    taken: Mapping[str, int] = field(default_factory=dict)  # by each screen

    @property
    def depth(self) -> int:
        """Generations of synthesis: the answers are made; where the prompts are too, they are one further."""
        return 2 if self.made else 1

    def as_json(self) -> dict[str, Any]:
        """Counts, and no text."""
        return {"made": self.made, "left": len(self.prompts), "taken": dict(self.taken)}


def stored(prompts: Sequence[str], protected: Sequence[str]) -> Screened:
    """Stored prompts, each once, without those that are evaluation items."""
    return _screened(prompts, set(), {normalised(one) for one in protected}, made=False)


def written(base: Path, examples: Sequence[str], count: int, seed: int) -> list[str]:
    """Prompts that a base makes: some examples, a line each, and its own next line.

    Raises:
        Refused: too few examples, or a base without a template.
    """
    if len(examples) < LEAST_EXAMPLES:
        raise Refused("too few examples", found=str(len(examples)), wanted=f"{LEAST_EXAMPLES} or more")
    template, tokenizer = ChatTemplate.of_folder(base), Tokenizer(base)
    if template is None:
        raise Refused("the base has no chat template", file=str(base))
    opening = template.render([{"role": "user", "content": MARK}], add_generation_prompt=False).partition(MARK)[0]
    draw, asks = random.Random(seed), []
    for n in range(count):
        shown = "\n".join(draw.sample(list(examples), SHOWN))
        ids = tokenizer.encode([f"{opening}{shown}\n"])[0].ids
        asks.append(Ask(prompt=tuple(ids), max_tokens=48, temperature=1.0, seed=seed * 100_003 + n, stop=("\n",)))
    return [text.strip() for text in _continued(base, asks)]


def screened(made: Sequence[str], examples: Sequence[str], protected: Sequence[str], teacher: Any) -> Screened:
    """What is left of made prompts.

    `teacher` is a local model: it is asked how likely it finds its own answers, for examples and made prompts.
    """
    first = _screened(made, {normalised(one) for one in examples}, {normalised(one) for one in protected}, made=True)
    lengths = [len(one.split()) for one in examples]
    fits = [one for one in first.prompts if min(lengths) <= len(one.split()) <= max(lengths)]
    taken = {**first.taken, "length": len(first.prompts) - len(fits)}
    if not fits:
        return Screened(prompts=(), made=True, taken={**taken, "unsure teacher": 0})
    known, sure = _sureness(teacher, examples), _sureness(teacher, fits)
    level = sorted(known)[int(SURE * len(known))]
    left = tuple(one for one, score in zip(fits, sure, strict=True) if score >= level)
    return Screened(prompts=left, made=True, taken={**taken, "unsure teacher": len(fits) - len(left)})


def as_prompt(text: str) -> Prompt:
    """A request as a conversation."""
    return ({"role": "user", "content": text},)


def answers_of(teacher: Any, prompts: Sequence[str], max_tokens: int) -> list[Completion]:
    """What the teacher answers, the likeliest words."""
    from headgate.models.model import Sampling

    found: list[Completion] = teacher.generate([as_prompt(one) for one in prompts], Sampling(max_tokens=max_tokens))
    return found


def _sureness(teacher: Any, prompts: Sequence[str]) -> list[float]:
    said = answers_of(teacher, prompts, 48)
    scores = teacher.log_probabilities([(as_prompt(p), one.text) for p, one in zip(prompts, said, strict=True)])
    return [sum(one) / len(one) if one else float("-inf") for one in scores]


def _screened(prompts: Sequence[str], known: set[str], protected: set[str], *, made: bool) -> Screened:
    left: dict[str, str] = {}
    taken = {"empty": 0, "evaluation item": 0, "seen before": 0}
    for prompt in prompts:
        key = normalised(prompt)
        if not key.strip():
            taken["empty"] += 1
        elif key in protected:
            taken["evaluation item"] += 1
        elif key in known or key in left:
            taken["seen before"] += 1
        else:
            left[key] = prompt
    return Screened(prompts=tuple(left.values()), made=made, taken=taken)


def _continued(base: Path, asks: Sequence[Ask]) -> list[str]:
    runtime = open_door(EMBEDDED).open_runtime(base, Settings(queue=len(asks)))
    texts, left, over = [""] * len(asks), [len(asks)], threading.Event()

    def feed_of(n: int) -> Any:
        def feed(piece: Piece) -> None:
            texts[n] += piece.text
            if piece.finish_reason or piece.error:
                left[0] -= 1
                if not left[0]:
                    over.set()

        return feed

    try:
        for n, ask in enumerate(asks):
            runtime.submit(ask, feed_of(n))
        over.wait()
    finally:
        runtime.close(0.0)
    return texts
