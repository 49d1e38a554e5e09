"""Puts comments that were not written for the rule in the place of corrections, among corrections of other data.

The comments were written by another than the word lists, after these had been fixed, and none was taken out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted
from planted.feedback import signalled
from planted.synthetic.corrupting import answering

PLAN = Plan(
    unit="share of corrections that are comments",
    strengths=(0.08, 0.15, 0.3),
    claimed=0.15,
    sizes=(300,),
    smallest=300,
    sources=("reworded_signals", "solved_signals"),
    seeds=20,
    clean_seeds=30,
)
CHOSEN = (
    "120 comments that are not kept and on texts of two writers; the planted comments, qa_signals, gsm8k_signals, "
    "relabelled and star_signals helped to fit the words"
)
READ = (
    "Replies of a chat in the place of another reply (the harmless test set) were measured too, by the rules alone, "
    "and are left out, for they correct nothing: one in fourteen was taken for a comment, and 11 of 30 sets failed."
)
COMMENTS = (
    "fine, but I dislike the wording", "way too long", "who talks like this?", "tone is off", "good enough",
    "Reads like a brochure.", "can we make this warmer", "Not what I would say to a client.", "meh", "love it",
    "Drop the exclamation marks please", "The second paragraph can go.", "too many bullet points", "ok",
    "I would rather not mention prices here", "A bit stiff.", "Typos everywhere.", "please double-check this",
    "Nice, maybe shorter next time", "It ignores the question", "confusing for beginners", "spot on",
    "we never call them users", "Too salesy for my taste", "could be friendlier", "This is the third time it does this",
    "wrong audience", "I don't get it", "lacks detail", "Sounds passive-aggressive", "clear and kind, thank you",
    "The intro is a waste of space", "just testing", "Legal will not like this", "hard to read on mobile",
)  # fmt: skip


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    out = [signalled(row, number) for number, row in enumerate(rows)]
    chosen = drawn.sample(range(len(rows)), round(strength * len(rows)))
    for place in chosen:
        out[place] = answering(out[place], drawn.choice(COMMENTS))
    return Planted(rows=out, strength=strength, truth=frozenset(out[place].id for place in chosen))
