"""Text of a candidate before a judge: fenced as untrusted, and looked through for words meant for the judge.

The fence is drawn anew for each call, so that no answer can close it. A passage that addresses the judge is taken
out and counted: what a judge does not see cannot move it. What is not recognised is met by canaries, some of which
carry such passages.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence

REMOVED = "[a passage addressed to the grader was taken out here]"
WHO = r"(?:judge|grader|evaluator|rater|reviewer|scorer|assessor|annotator)s?"
WHICH = r"(?:answer|response|output|option|candidate|assistant|completion|submission)"
SIGNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|preceding|all|any|"
        r"your)\b[^.\n]{0,30}\b(?:instructions?|rules?|rubrics?|prompts?|criteria|guidelines?|directions?)\b",
        r"\b(?:ignore|disregard|forget|override|bypass)\b (?:the|your|any|all|these|those) (?:instructions?|rules?|"
        r"rubrics?|prompts?|criteria|guidelines?) (?:above|before|you were given|so far)\b",
        r"\b(?:note|message|instructions?|attention|hint|memo|dear|hello|hey)\b[ ,:]*(?:to|for)?[ ,:]*"
        rf"(?:the |our |any )?(?:ai |llm |human )?{WHO}\b",
        rf"\b(?:as|if you are|you are|you're|acting as) (?:the|a|an)? ?(?:ai |llm )?{WHO}\b[^.\n]{{0,60}}\b"
        r"(?:must|should|will|are to|please|choose|pick|select|prefer|rate|score|give|award)",
        rf"\b(?:choose|pick|select|prefer|declare|rank|mark|rate|vote for|output|return|respond with|reply with|answer "
        rf"with)\b[^.\n]{{0,30}}\b(?:this|my|{WHICH}) ?{WHICH}?\b[^.\n]{{0,30}}\b(?:as (?:the )?(?:better|best|winner|"
        r"winning|superior|preferred|correct)|the winner|is better)",
        rf"\b(?:choose|pick|select|prefer|vote for)\b {WHICH} [\"'(]?[AB12]\b",
        r"\b(?:answer|response|output|completion|submission) [\"'(]?[AB12][\"')]? (?:is|was) (?:the )?"
        r"(?:clearly |obviously |strictly )?(?:better|best|winner|superior)",
        r"\b(?:give|award|assign|grant)\b[^.\n]{0,30}\b(?:full|top|maximum|perfect|highest|10/10|5/5|100 ?%)\b"
        r"[^.\n]{0,15}\b(?:marks?|scores?|ratings?|points?|grades?|credit)\b",
        r"[\"']better[\"']\s*:\s*[\"']?(?:A|B|tie)\b",
        r"[\"']criteria[\"']\s*:\s*\{",
        r"<\|?(?:im_start|im_end|system|endoftext|eot_id|start_header_id)\|?>|\[/?INST\]|<</?SYS>>",
        r"(?:^|\n)\s*#{0,4}\s*(?:system|developer|judge|grader)\s*(?:prompt|message|note|override)?\s*:",
        r"<<<\s*(?:end )?(?:answer|question)\b",
    )
)
BREAK = re.compile(r"(?<=[.!?])\s+|\n+")


def passages(text: str) -> list[tuple[int, int]]:
    """Where a text addresses its judge: whole sentences, as (start, end), none overlapping."""
    hits = [match.span() for sign in SIGNS for match in sign.finditer(text)]
    if not hits:
        return []
    edges = [0, *(match.end() for match in BREAK.finditer(text)), len(text)]
    found: list[tuple[int, int]] = []
    for start, end in sorted(hits):
        left = max(edge for edge in edges if edge <= start)
        right = min((edge for edge in edges if edge >= end), default=len(text))
        if found and left <= found[-1][1]:
            found[-1] = (found[-1][0], max(right, found[-1][1]))
        else:
            found.append((left, right))
    return found


def without_passages(text: str) -> tuple[str, int]:
    """The text with every passage that addresses its judge taken out, and how many there were."""
    found = passages(text)
    for start, end in reversed(found):
        text = f"{text[:start]}{REMOVED}\n{text[end:]}"
    return text, len(found)


def draw_fence(texts: Sequence[str], draw: Callable[[], str] = lambda: secrets.token_hex(12)) -> str:
    """A word that stands in none of the texts and that nobody could foresee."""
    while True:
        fence = draw()
        if not any(fence in text for text in texts):
            return fence


def fenced(name: str, text: str, fence: str) -> str:
    """One text between its marks."""
    return f"<<<{name} {fence}>>>\n{text}\n<<<end {name} {fence}>>>"
