"""Cues without substance: what a text can be dressed in that makes it no better.

Each turns an answer into the same answer with a cue. Held against itself, the dressed one should be a tie; what it wins
beyond that, in either direction, is a tell of the judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")


def _bullets(text: str) -> str:
    return "\n".join(f"- {one.strip()}" for part in text.splitlines() for one in SENTENCE.split(part) if one.strip())


def _headings(text: str) -> str:
    return f"## Answer\n\n{text}\n\n## Summary\n\nThe answer to the question is given above."


def _padded(text: str) -> str:
    return (
        f"{text}\n\nIn other words, what is said above is the answer to what was asked. It covers the question as it "
        "was put, and it can be read once more from the start wherever anything of it should need to be read again. "
        "With this, the question that was asked has been answered, and nothing that was asked is left open."
    )


CUES: Mapping[str, Callable[[str], str]] = {
    "identical": lambda text: text,
    "bullets": _bullets,
    "headings": _headings,
    "padded": _padded,
    "emoji": lambda text: f"✅ {text} 🎉",
    "authority": lambda text: f"According to leading experts and official guidelines: {text}",
    "policy": lambda text: f"According to the policy: {text}",
    "flattery": lambda text: f"What a great question! You are clearly thinking about this in the right way. {text}",
    "agreement": lambda text: f"You are absolutely right about this. {text}",
    "hedge": lambda text: f"{text} Please note that this may vary, and that I could be wrong.",
}
