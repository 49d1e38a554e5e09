"""Which texts are worth a pattern: words without which a text shows no act and no grievance.

A pattern over a sentence costs a hundred times what a look at distinct words does. A hint is only a reason to
look: what a text shows is decided by the patterns of `behaviours`. Where a word alone is all that a pattern
asks for, and words are the same for the pattern and the tape, the word decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from headgate.text.behaviours import GRIEVANCE, GRIEVED_PHRASE, GRIEVED_WORD, PATTERNS
from headgate.text.tape import Mask, Tape
from headgate.text.vocabulary import Bits, misread_texts, plain_texts, vocabulary

Ways = Sequence[tuple[re.Pattern[str], ...]]  # each a set of words, of every one of which a text must have some

TOLD = r"\b(?:i|we|your)\b"
GIFTS = (
    r"refund|credit|reimburs|compensat|waiv|discount|goodwill|voucher|coupon|gift|house|complimentary|free|charge|cost"
)
HANDS = r"transfer|connect|pass|hand|forward|rais|put|refer|bring|loop|tak|assign"
TEAMS = (
    r"team|department|supervisor|manager|colleague|specialist|agent|representative|expert|tier|level|billing|support"
    r"|engineer|advisor|human|someone|desk|office"
)
DEEDS = (
    r"book|reserv|cancel|refund|issu|process|updat|chang|sent|mail|submit|schedul|creat|open|clos|reset|activat|block"
    r"|order|ship|dispatch|remov|delet|credit|appli|extend|waiv|escalat|forward|regist|confirm|fil|plac|arrang|transfer"
    r"|upgrad|replac|adjust|correct|fix|resolv|complet|notifi|add|enroll|log|assign|switch|flagg|set|made"
)
NEWS = (
    r"call|contact|get|mail|text|write|reach|follow|let|make|ensure|fix|resolve|send|keep|check|receive|hear|informed"
    r"|notified"
)


def _ways(*ways: Sequence[str]) -> Ways:
    return tuple(tuple(re.compile(words) for words in way) for way in ways)


HINTS: Mapping[str, Ways] = {
    "apology": _ways(["sorry|apolog|bad|pardon|regret"]),
    "concession": _ways([GIFTS + "|returned"]),
    "escalation": _ways(["escalat"], [HANDS, TEAMS]),
    "action": _ways([DEEDS, TOLD]),
    "promise": _ways([NEWS, r"\b(?:ll|will|promise|guarantee)\b"]),
    "internal reference": _ways(
        [
            r"jira|confluence|zendesk|salesforce|sharepoint|intranet|wiki|\bsop\b|runbook|playbook|\bkb|macro|internal"
            r"|queue"
        ],
        [r"team|support|agent", r"tier|level|\bl[123]?\b"],
    ),
    "delay": _ways([r"\bbear\b|moment|minute|second|\bsec\b|\bhold\b|asap|\bwait\b|\bdue\b|\bsoon\b"]),
    "blame": _ways([r"fault|mistake|error|failed|said|told|should"]),
}
# Runs of words that tell a grievance: a word, within how many words the next, and that word.
PHRASES = tuple(
    (re.compile(rf"\b(?:{first})\b"), within, re.compile(rf"\b(?:{then})"))
    for first, within, then in (
        (r"fed|charged|double|sorry|where", 1, r"(?:up|twice|charged|to|is)\b"),
        (r"still|waiting", 1, r"(?:waiting|no|not|haven|for)\b"),
        (
            r"not|never|isnt|doesnt|didnt|hasnt|wont|cant|cannot|t",
            4,
            r"work|arriv|receiv|come\b|help|happy\b|load|show|get\b|got\b|accept",
        ),
    )
)
SHOUTED = "!!"
WORD, PHRASE = np.uint32(1), np.uint32(1 << 31)  # marks of grievances


def shown(tape: Tape) -> dict[str, Mask]:
    """For each kind of act, the texts that may show it; shape (N,) each."""
    patterns = tuple(dict.fromkeys(words for ways in HINTS.values() for way in ways for words in way))
    bits, unsure = vocabulary(tape).bits(patterns), misread_texts(tape)
    return {kind: _fitting(bits, patterns, HINTS[kind]) | unsure for kind in PATTERNS}


def grieved(tape: Tape) -> Mask:
    """The texts of which `aggrieved` is true; shape (N,)."""
    words = vocabulary(tape)
    marks = words.marks((GRIEVED_WORD, *(pattern for first, _, then in PHRASES for pattern in (first, then))))
    bits = words.in_texts(marks | _phrases(marks))
    plain, word, odd = plain_texts(tape), (bits & WORD) != 0, misread_texts(tape)
    shouted = np.fromiter((SHOUTED in text for text in tape.texts[:]), dtype=bool, count=len(tape))
    out: Mask = plain & (word | shouted)
    # Only in plain texts do pattern and tape count the same words between two others.
    asked = np.where(plain, ~out & ((bits & PHRASE) != 0), (bits != 0) | shouted | odd)
    for text in np.flatnonzero(asked).tolist():
        pattern = GRIEVED_PHRASE if plain[text] else GRIEVANCE
        out[text] = pattern.search(tape.texts[text]) is not None
    return out


def _phrases(marks: Bits) -> Bits:
    """`PHRASE` at words after which the next one of a phrase comes soon enough."""
    out = np.zeros(len(marks), dtype=np.uint32)
    for number, (_, within, _) in enumerate(PHRASES):
        first = (marks & np.uint32(2 << 2 * number)) != 0
        then = (marks & np.uint32(4 << 2 * number)) != 0
        for step in range(1, within + 1):
            out[:-step][first[:-step] & then[step:]] = PHRASE
    return out


def texts_with(tape: Tape, pattern: re.Pattern[str]) -> Mask:
    """The texts in which a pattern for single words is found; shape (N,)."""
    found: Mask = vocabulary(tape).bits((pattern,)) != 0
    for text in np.flatnonzero((found & ~plain_texts(tape)) | misread_texts(tape)).tolist():
        found[text] = pattern.search(tape.texts[text]) is not None
    return found


def _fitting(bits: Bits, patterns: Sequence[re.Pattern[str]], ways: Ways) -> Mask:
    out = np.zeros(len(bits), dtype=bool)
    for way in ways:
        wanted = np.uint32(sum(1 << patterns.index(words) for words in way))
        out |= (bits & wanted) == wanted
    return out
