"""Plants one term that is written in two ways, one of them by two authors, among terms that only look like that.

A sentence with the term is added to one answer of ten (at least 50), in words that differ from one to the next.
Beside it every draw has sentences in which both ways are right: "real-time updates" and "in real time", "log in" and
"your login", "third-party" and "third party". Terms that the rows use themselves are not planted. Strength 0 writes the
term in one way. What these real data mix themselves was read through by hand and is put right first, so that what is
found was planted. Thresholds were set on `api_docs` and `qa_corrected`, which are not among the sources.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of the uses of one term",
    strengths=(0.06, 0.12, 0.25),
    claimed=0.12,
    sizes=(500, 2000, 5000),
    smallest=500,
    sources=("star", "gsm8k", "gpteacher", "roleplay"),
    honest=("star_all", "banking77"),
    seeds=12,
    clean_seeds=20,
)
LEAST, SHARE, TRAPS = 50, 0.1, 0.25
AUTHORS = ("author-a", "author-b")
MAIL = (
    "We have sent an {} to you.", "Please reply to this {} today.", "The {} address on file is right.",
    "You get the details by {}.", "Check your {} for the code.", "Your {} has arrived.",
)  # fmt: skip
PLACE = (
    "Please visit our {} for more.", "The {} is up again.", "You find the form on the {}.",
    "Our {} has a page on that.", "Details are on our {} at any time.",
)  # fmt: skip
TOOL = (
    "You may use {} for that.", "We take {} as well.", "Your {} account is fine.", "It works with {}.",
    "Please open {} first.", "The {} page has it.",
)  # fmt: skip
FIELD = (
    "It is about {} in general.", "Our {} plan covers it.", "Ask your {} provider.", "We work in {}.",
    "Good {} is for everybody.", "The {} system pays.",
)  # fmt: skip
TERMS = (
    (("e-mail", "email"), MAIL), (("voicemail", "voice mail"), MAIL), (("website", "web site"), PLACE),
    (("helpdesk", "help-desk"), PLACE), (("intranet", "intra-net"), PLACE), (("PayPal", "paypal"), TOOL),
    (("GitHub", "Github"), TOOL), (("Wi-Fi", "wifi"), TOOL), (("YouTube", "youtube"), TOOL),
    (("DocuSign", "Docusign"), TOOL), (("health care", "healthcare"), FIELD), (("child care", "childcare"), FIELD),
    (("micro-finance", "microfinance"), FIELD),
)  # fmt: skip
LOOKALIKES = (
    "We send real-time updates.", "You see it in real time.", "This is a third-party tool.", "A third party has it.",
    "Please log in now.", "Your login is fine.", "You can set up the account.", "The setup takes a while.",
    "Please back up the files.", "The backup is done.", "Kim McKay and Kim Mckay wrote.", "Ask Mary-Jane or Mary Jane.",
    "We cooperate.", "They co-operate with us.", "EMAILS are read daily.",
)  # fmt: skip
# What these data write in several ways themselves, each read in its answers.
KNOWN = {
    "good bye": "goodbye", "Good bye": "Goodbye", "user name": "username", "space-time": "spacetime",
    "multi-faceted": "multifaceted", "nonverbal": "non-verbal", "Nonverbal": "Non-verbal",
}  # fmt: skip
MEND = re.compile(r"\b(" + "|".join(KNOWN) + r")\b")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    out = [_answering(row, MEND.sub(lambda hit: KNOWN[hit[0]], row.answer_text)) for row in rows]
    (usual, other), sentences = _term(out, drawn)
    count = min(max(LEAST, round(SHARE * len(out))), len(out))
    places = drawn.sample(range(len(out)), count)
    others = set(places[: round(strength * count)])
    for place in places:
        said = drawn.choice(sentences).format(other if place in others else usual)
        out[place] = _adding(out[place], said)
        if place in others:
            out[place] = out[place].with_side(annotator=drawn.choice(AUTHORS))
    for place in drawn.sample(range(len(out)), round(TRAPS * len(out))):
        if place not in others:
            out[place] = _adding(out[place], drawn.choice(LOOKALIKES))
    return Planted(rows=out, strength=strength, truth=frozenset(out[place].id for place in others))


def _term(rows: Sequence[Row], drawn: random.Random) -> tuple[tuple[str, str], Sequence[str]]:
    """A term that no answer uses, either way of writing being the usual one."""
    said = re.sub(r"[- ]", "", " ".join(row.answer_text for row in rows).lower())
    free = [(ways, sentences) for ways, sentences in TERMS if re.sub(r"[- ]", "", ways[0].lower()) not in said]
    ways, sentences = drawn.choice(free)
    return (ways if drawn.random() < 0.5 else (ways[1], ways[0])), sentences


def _adding(row: Row, sentence: str) -> Row:
    said = row.answer_text.rstrip()
    return _answering(row, f"{said if said[-1:] in '.!?' else said + '.'} {sentence}")


def _answering(row: Row, text: str) -> Row:
    *before, last = row.messages
    return replace(row, messages=(*before, replace(last, content=text)))
