"""Rows as feedback: what a good signal carries, and comments that are no corrections.

The comments were written for this measurement after the word lists of the rule had been fixed, by the author of the
lists; 120 others were used to make these. The words of `text.comment_words` are fitted to them, among others.
"""

from __future__ import annotations

from typing import Any

from headgate.rows.row import Row

COMMENTS = (
    "Please try a calmer voice",
    "the last sentence spoils it",
    "Sounds like a robot wrote it",
    "Right, but nobody will read this much",
    "I'd cut the disclaimer",
    "A little patronising",
    "looks fine, ship it",
    "needs work",
    "Less is more here",
    "it does not sound like us",
    "Great!",
    "The formatting is broken on phones",
    "I miss a clear recommendation",
    "not convincing",
    "cheerful to the point of being silly",
    "Could be half as long",
    "this is a mess",
    "I am fine with this one",
    "Our users hate emojis",
    "please don't guess",
    "the order of the points is odd",
    "why is there a joke in it",
    "ok for now",
    "repetitive",
    "You forgot to thank them",
    "It never gets to the point",
    "I clicked this by mistake",
    "I'd rather have a list",
    "very vague",
    "correct, although a bit cold",
    "use active voice",
    "that phrase is banned here",
    "more empathy please",
    "this would upset my mother",
    "Perfectly good",
    "beautifully written",
    "I can't follow the logic",
    "sloppy",
    "the examples do not help",
    "what a boring answer",
)
GOOD = {"signal": "correction", "purpose": "correctness", "environment": "production", "actor_role": "customer"}


def signalled(row: Row, number: int, **said: Any) -> Row:
    """A row as it would come from one of many careful users, accepted by a second person."""
    told = {**row.side.extra, **GOOD, "actor": f"user-{number * 7919 % 997}", "accepted_by": "lead"}
    changes: dict[str, Any] = {
        "consent": "training",
        "created_at": f"2026-0{1 + number % 9}-1{number // 9 % 10}T10:00:00Z",
    }
    return row.with_side(
        extra={name: value for name, value in {**told, **said}.items() if value is not None}, **changes
    )
