"""Rewrites a share of the inputs the way a model writes them: whole, polite, in sentence case.

Half of the rows drawn become the real inputs, at most 500; the others are the training rows. A rewritten
input keeps its words, its answer and its topic; capitals, marks, contractions and shorthand are put
right, and some get a greeting or a request in full. In `bfcl_live` requests of real users are
replaced by requests that the authors of that benchmark wrote for the same kind of task: a gap that
nobody planted. Where rows have intents, every second draw gives the two sides different ones (four fifths of
each intent on one side), which must not matter.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.rules.given import Corpus
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of training inputs rewritten",
    strengths=(0.25, 0.5, 1.0),
    claimed=1.0,
    sizes=(600, 1800),
    smallest=600,
    sources=("banking77", "star_users", "clinc150", "bfcl_live"),
    seeds=10,
    clean_seeds=20,
)
REAL = 500  # real inputs given as reference, at most
FULL = {
    "can't": "cannot", "won't": "will not", "n't": " not", "i'm": "I am", "i've": "I have", "i'd": "I would",
    "i'll": "I will", "what's": "what is", "it's": "it is", "that's": "that is", "dont": "do not", "cant": "cannot",
    "im": "I am", "ive": "I have", "u": "you", "ur": "your", "pls": "please", "plz": "please", "thx": "thank you",
    "gonna": "going to", "wanna": "want to", "i": "I",
}  # fmt: skip
OPENINGS = ("Hello, ", "Hi there! ", "", "", "")
ASKED = ("Could you please help me with this? ", "I would like some assistance. ", "", "", "")
CLOSINGS = (" Thank you for your help.", " Please let me know.", "", "", "")
COURTESIES = (OPENINGS, ASKED, CLOSINGS)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    authored = [row for row in rows if row.side.slices.get("author") == "benchmark"]
    typed = [row for row in rows if row.side.slices.get("author") != "benchmark"]
    if seed % 2:
        typed = _leaning(typed, drawn)
    reference = typed[: min(len(typed) // 2, REAL)]
    training = typed[len(typed) // 2 :]
    chosen = set(drawn.sample(range(len(training)), round(strength * len(training))))
    if authored:
        others = iter(drawn.sample(authored, min(len(authored), len(chosen))))
        out = [next(others, None) if number in chosen else row for number, row in enumerate(training)]
        kept = [row for row in out if row is not None]
    else:
        kept = [polished(row, drawn) if number in chosen else row for number, row in enumerate(training)]
    return Planted(rows=kept, strength=strength, inputs={"reference-rows": Corpus(reference, "real")})


def _leaning(rows: Sequence[Row], drawn: random.Random) -> list[Row]:
    """The rows in an order that puts four fifths of each intent into one half."""
    intents = sorted({row.side.slices.get("intent", "") for row in rows})
    drawn.shuffle(intents)
    first = set(intents[: len(intents) // 2])
    if len(intents) < 2:
        return list(rows)
    leaning = [(drawn.random() < 0.8) != (row.side.slices["intent"] in first) for row in rows]
    return [row for row, late in zip(rows, leaning, strict=True) if not late] + [
        row for row, late in zip(rows, leaning, strict=True) if late
    ]


def polished(row: Row, drawn: random.Random, courtesies: Sequence[Sequence[str]] = COURTESIES) -> Row:
    """The row as a model would write it, with courtesies that stand before, about and behind what is asked."""
    *before, last = [number for number, turn in enumerate(row.messages) if turn.role == "user"]
    turns = list(row.messages)
    for number in (*before, last):
        turns[number] = replace(turns[number], content=_written(turns[number].content, drawn, courtesies))
    return replace(row, messages=tuple(turns))


def _written(text: str, drawn: random.Random, courtesies: Sequence[Sequence[str]]) -> str:
    words = [FULL.get(word.lower(), word) for word in text.split()]
    words = [re.sub(r"(?i)n't$", " not", word) for word in words]
    whole = re.sub(r"\s+", " ", " ".join(words)).strip()
    whole = re.sub(r"([!?.])\1+", r"\1", whole)
    whole = re.sub(r"(?:^|(?<=[.!?]\s))[a-z]", lambda hit: hit[0].upper(), whole)
    asks = re.match(r"(?i)(how|what|when|where|why|who|which|can|could|do|does|is|are|will|would)\b", whole)
    if whole and whole[-1].isalnum():
        whole += "?" if asks else "."
    opening, asked, closing = (drawn.choice(some) for some in courtesies)
    return opening + asked + whole + closing
