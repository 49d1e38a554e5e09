"""Puts comments that were not written for the rule in the place of corrections, among corrections of other data.

The comments are of a third writer, who saw neither the word lists nor other comments, and came after the words and
the threshold had been fixed; none was taken out.
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
    "The 60 comments came last, of a third writer; nothing was changed after they were measured. Of the honest sets, "
    "unlike of other pages, a part was seen before: the share of single corrections that were taken for comments was "
    "looked at while the model of words was chosen, where a looser one took 9 % of reworded_signals and 2 % of "
    "solved_signals. Replies of a chat in the place of another reply (the harmless test set) were measured too, by "
    "the rules alone, and are left out, for they correct nothing: one in fourteen was taken for a comment, and 11 of "
    "30 sets failed."
)
COMMENTS = (
    "could use a bit more context for someone new to this",
    "You skipped straight to the end, show how you got there please.", "Spot on",
    "who is this written for? our customers would be lost by the second line",
    "where did this come from? I can't sign off without a source", "Please break it into bullet points next time.",
    "too robotic, sounds like it was read off a form", "i already fixed this one yesterday, why is it back in my queue",
    "Left out the exceptions, and those are what people actually ask about.",
    "not sure what I'm supposed to put in this box tbh", "Happy with this, ship it.",
    "needs a human to double check before it goes out", "Way more confident than it has any right to be.",
    "sorry but I gave up reading halfway", "Would be great if it said what it's assuming up front.",
    "the second half just repeats the first half", "Ask Priya, she knows this stuff better than me.",
    "misses the point", "Lovely and clear, my twelve year old would follow it.",
    "bit curt, maybe add a freindly sentence at the start, some of the people we deal with are already "
    "upset when they get to us",
    "This could get us in trouble if somebody acts on it without checking.",
    "same as the other version, can't tell any difference between them",
    "Pls use British spelling as per the style guide", "I would trust this more if it admitted what it doesn't know",
    "seems fine i guess, not my area", "Honestly rubbish. Third time today I've had to flag something like this.",
    "remove the filler and get to the point", "Correct as far as I can tell, but the layout is a mess on my phone.",
    "you forgot to mention that it depends on when you ask", "More detail on why, less on what.",
    "Can we have the key figure in bold so it jumps out?",
    "the save button didn't work so I'm typing this again, it was basically ok",
    "Talks down to the reader. We're adults here.", "Partly there. Half a point from me.",
    "hmm, I'd want a second opinion on that", "Good answer but the explanation wanders off near the end",
    "way too long for what was asked", "Wrong, and it doesn't even hesitate. Please look into this.",
    "The tone is a little cold for our audience, otherwise nice work.",
    "answer is too short, give the reader something to work with",
    "Wording is clumsy in places but I knew what was meant",
    "im pretty sure this is wrong but i dont have time to look it up",
    "Nice and tidy, better than what our own team would have written.",
    "There are two ways to read what was asked and it picked one without telling anybody, so a quick "
    "check first would have helped.",
    "add an example, people remember examples", "Out of date.",
    "Didn't load properly for me, only saw the first few words.",
    "I'd rather it gave no reply than one that sounds this sure of itself.", "jargon!! plain english",
    "impressive, did not expect it to handle that",
    "It keeps hedging every sentence, and by the time it commits to something I've forgotten what I "
    "wanted to know in the first place.",
    "duplicate, skip", "missing the units/labels/whatever, hard to tell what refers to what",
    "Fair enough on the facts, yet it reads like a lecture.",
    "Why is there no option for 'I don't know'? Leaving this one to somebody else.",
    "the reasoing is hard to follow, one step per line would help",
    "Tested it on two colleagues and both misread it the same way.",
    "Would not show this to a client without a disclaimer underneath.", "made me smile, keep the bit of personality in",
    "Only covers the obvious part and ignores the tricky bit that was really being asked.",
)  # fmt: skip


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    out = [signalled(row, number) for number, row in enumerate(rows)]
    chosen = drawn.sample(range(len(rows)), round(strength * len(rows)))
    for place in chosen:
        out[place] = answering(out[place], drawn.choice(COMMENTS))
    return Planted(rows=out, strength=strength, truth=frozenset(out[place].id for place in chosen))
