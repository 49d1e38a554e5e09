"""Plants terms that the other planter does not have, written in two ways, one of them by three authors.

What these data mix themselves was read through by hand after the rule had found it, and is put right first; what was
read is in `MIXED`, and a term that the rule would find wrongly is not in it.
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
    strengths=(0.06, 0.12),
    claimed=0.12,
    sizes=(500, 2000),
    smallest=500,
    sources=("harmless_turns", "customers", "requests", "graded_solutions", "llmbar_answers"),
    honest=("reworded_sums", "library_functions"),
    seeds=10,
    clean_seeds=20,
)
CHOSEN = "api_docs and qa_corrected; what is found in star, roleplay, gsm8k, gpteacher, hh and llmbar was read"
READ = (
    "All that the rule found in these data before anything was planted was read: 15 terms, all of them "
    'written in two ways in the same place ("good bye" for "goodbye" 86 of 531, "time zone" for '
    '"timezone" 13 of 86). They are put right before planting. The 9 honest sets that failed are all of '
    "library_functions and all for one thing: 'tarinfo' and 'TarInfo', an argument and a class of that "
    "name in plain text."
)
LEAST, SHARE, TRAPS = 50, 0.1, 0.25
AUTHORS = ("writer-1", "writer-2", "writer-3")
SHOP = (
    "Add it to your {} when you like.", "The {} is still open.", "Your {} was renewed today.", "We have a {} for that.",
    "See the {} for all prices.", "A {} comes with it.",
)  # fmt: skip
OFFICE = (
    "Ask the {} first.", "Our {} opens at nine.", "The {} has a list of them.", "It lies at the {} now.",
    "Call the {} any day.",
)  # fmt: skip
BRAND = (
    "You may pay with {} too.", "Share it on {} if you like.", "The {} app shows it.", "We are on {} as well.",
    "Open {} and look there.", "Your {} profile has it.",
)  # fmt: skip
WORK = (
    "It is a matter of {} only.", "Our {} team knows more.", "The {} report is out.", "Good {} takes time.",
    "We do {} every spring.",
)  # fmt: skip
TERMS = (
    (("wish-list", "wishlist"), SHOP), (("gift card", "giftcard"), SHOP), (("price-list", "pricelist"), SHOP),
    (("phone book", "phonebook"), SHOP), (("call centre", "callcentre"), OFFICE),
    (("front-desk", "front desk"), OFFICE), (("store-room", "storeroom"), OFFICE), (("LinkedIn", "Linkedin"), BRAND),
    (("WhatsApp", "Whatsapp"), BRAND), (("TikTok", "Tiktok"), BRAND), (("MasterCard", "Mastercard"), BRAND),
    (("cyber-security", "cybersecurity"), WORK),
    (("stock-taking", "stocktaking"), WORK), (("work flow", "workflow"), WORK),
)  # fmt: skip
LOOKALIKES = (
    "We do long-term plans.", "In the long term it pays.", "A full-time job.", "She works full time.",
    "Please sign up here.", "Your sign-up is done.", "Check in at three.", "The check-in is at three.",
    "Follow up on it.", "A follow-up is due.", "Ann-Marie and Ann Marie came.", "Tom DeVries and Tom Devries wrote.",
    "They re-elected him.", "NEWSLETTERS are free.", "High-quality goods.", "Goods of high quality.",
)  # fmt: skip
# What these data write in several ways themselves, each read in its answers: as it stands -> as it is put right.
MIXED = {
    "web site": "website", "good bye": "goodbye", "ha ha": "haha", "two hour": "two-hour", "life saver": "lifesaver",
    "brewlab": "BrewLab", "co-workers": "coworkers", "good night": "goodnight", "medium rare": "medium-rare",
    "time zone": "timezone", "cell phone": "cellphone", "cheese cake": "cheesecake", "round trip": "roundtrip",
    "healthcare": "health care", "two thirds": "two-thirds",
}  # fmt: skip
MEND = re.compile(r"\b(" + "|".join(MIXED) + r")\b", re.IGNORECASE)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    out = [_answering(row, MEND.sub(lambda hit: MIXED[hit[0].lower()], row.answer_text)) for row in rows]
    (usual, other), sentences = _term(out, drawn)
    count = min(max(LEAST, round(SHARE * len(out))), len(out))
    places = drawn.sample(range(len(out)), count)
    others = set(places[: round(strength * count)])
    for place in places:
        out[place] = _adding(out[place], drawn.choice(sentences).format(other if place in others else usual))
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
