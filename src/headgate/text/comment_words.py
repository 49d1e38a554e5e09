"""How likely a text in the place of a corrected answer is a comment: a logistic model over words and their places.

It knows how people remark on an answer ("who put Leeds in there?") where no list of words for texts and opinions
helps, and it is told what the rules of `text.corrections` say. English only. The weights were fitted by
`benchmarks/evaluation/comment_words.py` to comments and corrections that were written without a look at these rules,
and to corrections of real data.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Collection
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_suffix(".json.gz")
TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|[?!]+|…|\.\.\.")
SHORT = 4  # words below which a text says little by itself


def features(text: str, telling: Collection[str], spoken: int, matters: tuple[set[str], set[str]]) -> dict[str, float]:
    """Words, pairs of neighbours, and how the text sits beside the old answer and the question.

    `telling` are its words but those that tell nothing, `spoken` how many of them speak of texts or opinions, and
    `matters` the words of the old answer and of the question.
    """
    tokens = [token.lower().replace("’", "'") for token in TOKEN.findall(text)]
    words = ["#" if token[0].isdigit() else token for token in tokens]
    found: dict[str, float] = dict.fromkeys(words, 1.0)
    found |= dict.fromkeys((f"{one} {two}" for one, two in pairwise(["^", *words, "$"])), 1.0)
    count, numbers = max(len(telling), 1), [token for token in tokens if token[0].isdigit()]
    return found | {
        "=spoken": 2 * spoken / count,
        "=in old answer": 2 * sum(word in matters[0] for word in telling) / count,
        "=in question": 2 * sum(word in matters[1] for word in telling) / count,
        "=number": float(bool(numbers)),
        "=new number": float(any(number not in matters[0] for number in numbers)),
        "=begins small": float(text[:1].islower()),
        "=ends with a point": float(text.rstrip().endswith(".")),
        "=length": math.log1p(len(tokens)) / 3,
        "=short": float(len(tokens) < SHORT),
    }


def reads_as_comment(found: dict[str, float], *, ruled: bool) -> bool:
    """Whether a text with these features counts as a comment; `ruled`: the rules call it one, and less is asked."""
    limit: float = _table()["threshold if ruled" if ruled else "threshold"]
    return comment_chance(found, ruled=ruled) > limit


def comment_chance(found: dict[str, float], *, ruled: bool) -> float:
    """Probability that a text with these features is a comment."""
    table = _table()
    weights: dict[str, float] = table["weights"]
    score = table["intercept"] + ruled * table["ruled"]
    score += sum(value * weights[name] for name, value in found.items() if name in weights)
    return 1 / (1 + math.exp(-score))


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(gzip.decompress(TABLE.read_bytes()))
    return table
