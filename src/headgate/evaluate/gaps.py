"""What a measured gap suggests, in one sentence each; a sentence that the interval does not carry is not said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESENT, RARE = 0.7, 0.4  # pass@16 from which an answer is there, pass@1 up to which it is rarely first
ONE_MIND, RIGHT = 0.8, 0.5  # modal share from which a model is of one mind; share of right modal answers
KNOWLEDGE = 0.6  # share of failing items that context mends, from which facts are what is missing
Shown = Mapping[str, Any]


def reading_of_passes(first: Shown, most: Shown, k: int) -> str:
    """What pass@1 and pass@k suggest together."""
    if k < 16:
        return f"{k} answers an item are too few to say; 16 are needed"
    if first["low"] > RARE:
        return "the right answer comes first often enough: there is little that choosing among answers would add"
    if most["low"] >= PRESENT and first["high"] <= RARE:
        return "the right answer is in the model and rarely first: preference or format is the problem, not knowledge"
    if most["high"] < PRESENT:
        return (
            "the right answer is often not in the model at all: it must be shown (tuning on answers) or given (facts)"
        )
    return f"undecided: pass@1 {_range(first)}, pass@{k} {_range(most)}; more development items are needed"


def reading_of_spread(share: Shown, voted: Shown) -> str:
    """What the agreement of the answers and the most frequent one suggest together."""
    if share["low"] >= ONE_MIND:
        if voted["high"] < RIGHT:
            return "the model is of one mind and wrong: drawing more answers will not help"
        if voted["low"] >= RIGHT:
            return "the model is of one mind and mostly right"
        return f"the model is of one mind; whether it is right is undecided, {_range(voted)}"
    if share["high"] < ONE_MIND:
        if voted["low"] >= RIGHT:
            return "answers scatter around the right one: a vote over several answers would gain"
        return "answers scatter: the model is unsure, or the items leave open what is wanted"
    return f"undecided: the most frequent answer has {_range(share)} of the answers"


def reading_of_context(compared: Mapping[str, Any], mended: Shown) -> str:
    """What the same items with their facts in view suggest."""
    if compared["high"] < 0:
        return "the context makes answers worse: it distracts, or does not hold the facts"
    if not mended["n"]:
        return "no item fails without its context: there is nothing to mend"
    if mended["low"] >= KNOWLEDGE:
        return "facts are what is missing: with them in view the failures go; retrieval is the cheaper road"
    if mended["high"] <= 1 - KNOWLEDGE:
        return "facts are not what is missing: failures stay with them in view; behaviour is, which tuning changes"
    return f"mixed or undecided: context mends {_range(mended)} of {mended['n']:,} failing items"


def _range(one: Shown) -> str:
    return f"{one['low']:.0%} to {one['high']:.0%}"
