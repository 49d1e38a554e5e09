"""The same request in other words: deterministic operators that change how something is asked and not what.

Each takes a text and gives it changed, or None where it has nothing to change or would touch a number or a name.
What is random in them is drawn from the digest of the text, so the same text is always changed alike.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable

Operator = Callable[[str], str | None]

WORDS = (
    ("what is", "what's"), ("i am", "I'm"), ("i have", "I've"), ("i cannot", "I can't"), ("do not", "don't"),
    ("how do i", "how can I"), ("how can i", "how do I"), ("i want to", "I would like to"),
    ("i would like to", "I want to"), ("i need", "I require"), ("tell me", "let me know"), ("can you", "could you"),
    ("could you", "can you"), ("is there a way to", "is it possible to"), ("show me", "let me see"),
    ("find out", "learn"), ("get", "obtain"), ("buy", "purchase"), ("help", "assist"), ("begin", "start"),
    ("start", "begin"), ("my", "my own"), ("which", "what"), ("why", "for what reason"),
)  # fmt: skip
WORDED = re.compile(r"\b(" + "|".join(re.escape(plain) for plain, _ in WORDS) + r")\b", re.I)
LONG = (
    "The meeting room on the second floor was painted last week. The caretaker put up a notice about the lift, which "
    "is out of order until the spare part comes. Somebody left an umbrella at the reception. Lunch is soup and bread. "
    "The plants by the window were watered on Tuesday, and the clock in the hall goes two minutes slow. "
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def _drawn(text: str, name: str) -> random.Random:
    return random.Random(hashlib.blake2b(f"{name}\n{text}".encode()).hexdigest())


def other_words(text: str) -> str | None:
    """Turns of phrase from a fixed table, each replaced by its neighbour."""
    table = dict(WORDS)

    def swap(match: re.Match[str]) -> str:
        new = table[match.group(0).lower()]
        return new[0].upper() + new[1:] if match.group(0)[0].isupper() else new

    return _changed(text, WORDED.sub(swap, text))


def polite(text: str) -> str | None:
    """A courtesy before and thanks after."""
    return f"Hello, I hope you are well. {text} Thank you very much."


def framed(text: str) -> str | None:
    """The request announced as one."""
    return f"I have a request. {text}"


def reported(text: str) -> str | None:
    """Asked on behalf of somebody else."""
    return f'A colleague of mine asks: "{text}"'


def mistyped(text: str) -> str | None:
    """Two neighbouring letters exchanged in one plain word of five; words with digits or capitals stay."""
    words, drawn = text.split(" "), _drawn(text, "mistyped")
    able = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.islower()]
    for i in drawn.sample(able, max(1, len(words) // 5) if able and len(able) >= len(words) // 5 else len(able)):
        at = drawn.randrange(1, len(words[i]) - 2)
        words[i] = words[i][:at] + words[i][at + 1] + words[i][at] + words[i][at + 2 :]
    return _changed(text, " ".join(words))


def lowered(text: str) -> str | None:
    """Small letters and no sign at the end."""
    return _changed(text, text.lower().rstrip(".!?"))


def shouted(text: str) -> str | None:
    """Capital letters."""
    return _changed(text, text.upper())


def listed(text: str) -> str | None:
    """In the form of a ticket."""
    return f"Request:\n- {text}\n"


def quoted_json(text: str) -> str | None:
    """As the value of a field."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{"request": "{plain}"}}'


def distracted(text: str) -> str | None:
    """After a remark about something else."""
    return f"It rained all morning and my tea is cold. {text}"


def long_context(text: str) -> str | None:
    """At the end of a page about something else."""
    return f"{LONG * 2}{text}"


OPERATORS: dict[str, Operator] = {
    "other-words": other_words,
    "polite": polite,
    "framed": framed,
    "role-change": reported,
    "typos": mistyped,
    "lower-case": lowered,
    "upper-case": shouted,
    "list-format": listed,
    "json-format": quoted_json,
    "distraction": distracted,
    "long-context": long_context,
}


def perturbed(text: str, operator: str) -> str | None:
    """A text changed by an operator, or None where nothing changed or a number did not come through."""
    out = OPERATORS[operator](text)
    return out if out is not None and _NUMBER.findall(out) == _NUMBER.findall(text) else None


def _changed(text: str, out: str) -> str | None:
    return out if out != text else None
