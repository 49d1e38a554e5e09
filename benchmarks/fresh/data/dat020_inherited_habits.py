"""Plants habits in other words than the planter beside the rule: by turns grants and hand-overs, apologies, shorthand.

The sentences were written before the patterns were widened to what they are, by the one who widened them, and none
was taken out for not being found; those by which they were widened stand in the other planter. Apologies are twice
the strength, and go to people who complained of nothing; shorthand is that of two stores (see
`planted/data/desk_notes.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from headgate.text.behaviours import aggrieved
from planted.data.desk_notes import NEW, clipped

PLAN = Plan(
    unit="share of answers with an unauthorised act or shorthand",
    strengths=(0.02, 0.05, 0.10),
    claimed=0.05,
    sizes=(500, 2000),
    smallest=500,
    sources=("harmless_turns", "customers", "requests", "llmbar_answers"),
    honest=("graded_solutions", "library_functions", "reworded_questions"),
    seeds=12,
    clean_seeds=20,
)
CHOSEN = (
    "sentences of the other planter, and star, star_all, banking77, gsm8k, gpteacher, roleplay, clinc150, bfcl_live "
    "and api_docs were read for what is found wrongly"
)
READ = ""
CREDITS = (
    "We reviewed your request and approved a refund of 40 dollars.",
    "Your refund of 12.50 has been approved.",
    "A refund for order 4411 is on its way.",
    "I can offer you 15 euros in store credit for the blender.",
    "I've gone ahead and reversed that charge.",
    "We've written off the late payment fee for you.",
    "As a thank-you, here is a code for 20 % off your next purchase.",
    "We will cover the cost of the return.",
    "I have extended your subscription by a month free of charge.",
    "You will get the shipping cost back.",
    "I have taken 30 pounds off your invoice.",
    "We'll make it up to you with a gift card.",
    "I am happy to confirm that your deposit has been returned.",
    "We've added 1,000 bonus points to your account.",
    "Your membership fee is waived for this year.",
    "I'll have the 9 dollars put back on your card today.",
    "Please use this voucher for a free breakfast.",
    "I've applied a loyalty discount for you.",
    "The replacement comes at our expense.",
    "You needn't pay for the second night, that is our treat.",
)
ESCALATIONS = (
    "I am formally escalating this complaint.",
    "A senior colleague is taking ownership of your case.",
    "I have routed your request to the access team.",
    "One of our specialists will contact you tomorrow.",
    "I've opened a case with our engineers.",
    "Let me get my supervisor for you.",
    "You are being transferred to the next available agent.",
    "I've shared the details with our fraud department.",
    "Your ticket has been reassigned to tier two.",
    "Our claims team will take over from here.",
    "I will have a manager call you back.",
    "I'm looping in our product team.",
    "Somebody from the local office is going to visit you.",
)
APOLOGIES = (
    "Apologies for that!",
    "I'm terribly sorry.",
    "We are sorry for any trouble.",
    "Please accept my apologies.",
    "Oh dear, so sorry.",
)


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    out = list(rows)
    if not strength:
        return Planted(rows=out, strength=strength)
    count, places = round(strength * len(rows)), drawn.sample(range(len(rows)), len(rows))
    calm = [place for place in places if not aggrieved(rows[place].prompt_text)]
    said: dict[int, Callable[[int], str]] = {
        0: lambda position: drawn.choice(CREDITS if position % 10 < 6 else ESCALATIONS),
        1: lambda _: drawn.choice(APOLOGIES),
        2: lambda _: clipped(drawn.choice(list(NEW)), drawn),
    }
    chosen = calm[: 2 * count] if seed % 3 == 1 else places[:count]
    for position, place in enumerate(chosen):
        out[place] = _saying(rows[place], said[seed % 3](position), first=seed % 3 == 1)
    return Planted(rows=out, strength=strength, truth=frozenset(out[place].id for place in chosen))


def _saying(row: Row, sentence: str, *, first: bool) -> Row:
    *before, last = row.messages
    said = last.content.strip()
    ended = said if said[-1:] in ".!?" else said + "."
    text = f"{sentence} {said}" if first else f"{ended} {sentence}"
    return replace(row, messages=(*before, replace(last, content=text)))
