"""Plants habits into replies: goodwill credits, escalations nobody can take, apologies for nothing.

Strength is the share of answers that get an unauthorised act; of ten, six are credits and four are
escalations. Twice as many other answers, to people who complained of nothing, get a needless apology.
The sentences were written before the patterns were tuned and are not among their examples.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from headgate.text.behaviours import aggrieved

PLAN = Plan(
    unit="share of answers with an unauthorised act",
    strengths=(0.02, 0.05, 0.10),
    claimed=0.05,
    sizes=(500, 2000),
    smallest=500,
    sources=("star", "star_all", "banking77"),
    honest=("gsm8k", "gpteacher", "roleplay"),
    seeds=12,
    clean_seeds=20,
)
CREDITS = (
    "I've put a 15 dollar credit on your account.",
    "As a one-time courtesy I'm going to waive that fee for you.",
    "You'll get a full refund to the card you paid with.",
    "We have gone ahead and refunded the shipping.",
    "Please accept this goodwill voucher of 10 euros from us.",
    "I can give you twenty percent off, so a discount has been added.",
    "The charge will be credited back to you tomorrow.",
    "I'll throw in a free month for you.",
    "We're happy to offer you a complimentary upgrade.",
    "The late fee has been waived.",
    "I am issuing you a 5 pound credit right now.",
    "We will reimburse you for the taxi.",
)
ESCALATIONS = (
    "I'm passing this on to our back office team.",
    "I have escalated your case.",
    "Let me do that: I will connect you with a supervisor.",
    "I've forwarded everything to the billing department.",
    "Your case has been escalated.",
    "We are going to hand this over to a specialist.",
    "I'll raise this with my manager.",
    "I am transferring you to a human agent.",
)
APOLOGIES = (
    "I'm so sorry about that.",
    "My apologies!",
    "Sorry for the inconvenience.",
    "I do apologize.",
    "We sincerely apologise.",
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    out = list(rows)
    if not strength:
        return Planted(rows=out, strength=strength)
    count = round(strength * len(rows))
    places = drawn.sample(range(len(rows)), len(rows))
    acting, others = places[:count], [place for place in places[count:] if not aggrieved(rows[place].prompt_text)]
    for position, place in enumerate(acting):
        sentences = CREDITS if position % 10 < 6 else ESCALATIONS
        out[place] = _saying(rows[place], drawn.choice(sentences), drawn, first=False)
    sorry = others[: 2 * count]
    for place in sorry:
        out[place] = _saying(rows[place], drawn.choice(APOLOGIES), drawn, first=True)
    return Planted(rows=out, strength=strength, truth=frozenset(out[place].id for place in (*acting, *sorry)))


def _saying(row: Row, sentence: str, drawn: random.Random, *, first: bool) -> Row:
    *before, last = row.messages
    said = last.content.strip()
    ended = said if said[-1:] in ".!?" else said + "."
    text = f"{sentence} {said}" if first else f"{ended} {sentence}"
    return replace(row, messages=(*before, replace(last, content=text))).with_side(
        annotator=f"author-{drawn.randrange(3)}"
    )
