"""Annotators made for real items whose right label is known: panels on which nothing was chosen."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from headgate.rows.row import Row
from planted.panel import gold_of

SOURCES = ("mozafari", "adult2", "llmbar_votes")
CHOSEN = "XSTest, with the labels that two people and a model gave"


def labelled(
    rows: Sequence[Row], rates: Mapping[str, float], drawn: random.Random
) -> tuple[list[dict[str, str]], list[str]]:
    """Each row's label by each annotator, who errs at a rate of their own; and all labels in use."""
    right = gold_of(rows)
    known = sorted(set(right))
    votes = [
        {name: wrong(label, known, drawn) if drawn.random() < rate else label for name, rate in rates.items()}
        for label in right
    ]
    return votes, known


def wrong(label: str, known: Sequence[str], drawn: random.Random) -> str:
    """One of the other labels."""
    return drawn.choice([each for each in known if each != label])
