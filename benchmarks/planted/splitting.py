"""Honest splits: what leaks are planted in, with natural look-alikes taken out of the evaluation side first."""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Kind, Row

WORD = re.compile(r"\w+")
ALIKE = 0.6  # share of a question's rare-word weight that one training row may hold
COMMON = 0.05  # share of rows; a word in more of them weighs little and is passed over


def honest_split(rows: Sequence[Row], share: float, drawn: random.Random) -> tuple[list[Row], list[Row]]:
    """Training rows, and evaluation items of which no training row holds most of the words.

    Real collections hold natural copies on both sides (banking77: 0.8 % word for word). An item is left out when
    a training row has all its words, question and answer, in order, or
    has 60 % of the weight of its distinct words, each word weighing log(N / rows
    that have it), words of more than 5 % of the rows left out. No leak rule uses bags of single words.
    """
    order = list(rows)
    drawn.shuffle(order)
    cut = math.ceil(share * len(order))
    items, training = order[:cut], order[cut:]
    return training, [replace(item, kind=Kind.ITEM) for item in honest_items(training, items)]


def honest_items(training: Sequence[Row], items: Sequence[Row]) -> list[Row]:
    """The items of which no training row holds most of the words."""
    bags = [set(words(row.text)) for row in training]
    frequency = Counter(word for bag in bags for word in bag)
    having: dict[str, list[int]] = defaultdict(list)
    for number, bag in enumerate(bags):
        for word in bag:
            if frequency[word] <= COMMON * len(bags):
                having[word].append(number)
    said = {tuple(words(row.text)) for row in training}
    return [
        item
        for item in items
        if tuple(words(item.text)) not in said and _likeness(item, frequency, having, len(training)) < ALIKE
    ]


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _likeness(item: Row, frequency: Counter[str], having: dict[str, list[int]], total: int) -> float:
    best = 0.0
    for text in (item.prompt_text, item.answer_text):
        own = set(words(text))
        if text is item.answer_text and len(own) < 12:
            continue  # a label is shared by honest rows
        weights = {word: math.log(total / max(frequency[word], 1)) for word in own if frequency[word] <= COMMON * total}
        held: Counter[int] = Counter()
        for word, weight in weights.items():
            for row in having.get(word, ()):
                held[row] += weight  # type: ignore[assignment]
        if held and weights:
            best = max(best, max(held.values()) / sum(weights.values()))
    return best
