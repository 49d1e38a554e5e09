"""Which texts are worth a pattern: those in which a looser and faster one finds something.

A hint is only a reason to look: what a text shows is decided by the patterns of `behaviours`. Where a word alone is
all that a pattern asks for, and words are the same for the pattern and the tape, the word decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from headgate.text import loosely
from headgate.text.behaviours import GRIEVANCE, GRIEVED_PHRASE, GRIEVED_WORD, PATTERNS, WAYS
from headgate.text.loosely import may_match
from headgate.text.shorthand import HINT, may_hold
from headgate.text.tape import Mask, Positions, Tape
from headgate.text.vocabulary import Bits, ascii_texts, misread_texts, plain_texts, strange_texts, vocabulary

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
_WE, _YOU = r"(?:i|we|let)\b", r"you\b"
_GIFT = (
    r"refund|credit|reimburs|compensat|waiv|discount|goodwill|voucher|coupon|gift|house|complimentary|free|cash|bonus"
    r"|no\b"
)
_CHARGE = (
    r"(?:(?:fee|charge|penalty|penaltie|surcharge|fine|interest|invoice|bill|cost|amount|deposit|payment)s?|price|money"
    r"|taxi|return|shipping|repair|delivery)\b"
)
_GIVE_UP = (
    r"waiv|remov|revers|forg|writ|wrote|refund|reimburs|tak|took|knock|strik|struck|lift|cancel|shav|giv|gave|cover|pay"
    r"|put|transfer|send|make\b"
)
_GONE = r"refunded|waived|credited|reimbursed|returned|removed|reversed|forgiven|written|gone|settled|back\b"
_OFF, _OURS, _HERE = (
    r"(?:off|back|up)\b",
    r"us\b|treat|expense|house|voucher|coupon|gift|code",
    r"on\b|our\b|here|please",
)
_TEAM = (
    r"escalat|(?:team|department|supervisors?|managers?|colleagues?|specialists?|agents?|representative|expert|tier|level"
    r"|billing|support|engineers?|advis[eo]rs?|human|someone|somebody|desk|office|second)\b"
)
_HAND = (
    r"escalat|transfer|connect|pass|hand|forward|rais|put|refer|bring|loop|tak|assign|reassign|rout|flag|shar|bump|kick"
    r"|mov|get|fetch|grab|ask|have|open|creat|log"
)
_HANDED = (
    r"escalated|forwarded|passed|handed|transferred|referred|reassigned|routed|moved|sent|putting|transferring|connecting"
    r"|handing|passing|now\b"
)
_TAKES = r"contact|call|ring|phone|email|visit|reach|get|follow|be\b|look|handle|tak|review|deal"
# For each way of an act, or for all of them together, groups of words of which every text that shows it has one from
# each, as beginnings of words.
WORDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "apology": ((r"sorry|apolog|bad|pardon|regret",),),
    "concession": (
        (_WE, _GIFT),
        (_YOU, _GIFT),
        (_YOU, _GIFT),
        (_GIFT,),
        (_GIFT,),
        (_CHARGE, _GONE),
        (_WE, _CHARGE, _GIVE_UP),
        (_WE, _OFF, _GIVE_UP),
        (_WE, _CHARGE, _GIVE_UP),
        (_CHARGE, _GONE),
        (_GIFT,),
        (_YOU, _CHARGE, _GONE),
        (_WE, _OFF, _GIVE_UP),
        (_OURS, _HERE),
        (_OURS, _HERE),
        (_WE, _OFF, _GIVE_UP),
    ),
    "escalation": (
        (_TEAM, _WE, _HAND),
        (_TEAM, _HANDED),
        (_TEAM, _HANDED, _YOU),
        (_TEAM, _WE, _HAND),
        (_TEAM, _TAKES, r"(?:will|is|are)\b"),
        (_TEAM, _HANDED),
        (_TEAM, _WE, _HAND),
    ),
    "action": (
        (
            r"i\b|we\b|your\b",
            r"book|reserv|cancel|refund|issu|process|updat|chang|sent|e|submi|sched|resched|creat|open|clos|reset|activat"
            r"|deactivat|block|unblock|order|ship|dispatch|remov|delet|credit|appli|exten|waiv|escalat|forward|regist"
            r"|confirm|fil|plac|arrang|transf|upgrad|replac|adjust|correct|fix|resolv|complet|notifi|add|enroll|log|assign"
            r"|switch|flag|set|made",
            r"ve\b|have\b|has\b|just\b|already\b|now\b|successfully\b|went\b|\w+(?:ed|led|d)\b",
        ),
    ),
    "promise": (
        (
            r"ll\b|will\b|promise|guarantee",
            r"call|contact|get|e|text|write|reach|follow|let|make|ensure|fix|resolve|send|keep|check|receive|hear|be\b",
        ),
    ),
    "internal reference": (
        (
            r"jira|confluence|zendesk|salesforce|sharepoint|intranet|wiki|sop|runbook|playbook|kb|macro|tier|level|l[123]?\b"
            r"|internal|queue",
        ),
    ),
    "delay": ((r"bear|moment|minute|sec|hold|asap|wait|due|possible",),),
    "blame": ((r"fault|mistake|error|failed|said|told|should",),),
    "shorthand": ((HINT,),),
}
_GROUPS = {
    group: np.uint32(1 << place)
    for place, group in enumerate(dict.fromkeys(group for ways in WORDS.values() for way in ways for group in way))
}
_BEGINNINGS = tuple(re.compile(rf"\A(?:{group})", re.I) for group in _GROUPS)
SHORTHAND = _GROUPS[HINT]
SHOUTED = "!!"
WORD, PHRASE = np.uint32(1), np.uint32(1 << 31)  # marks of grievances
_FIRST = np.uint32(sum(2 << 2 * number for number in range(len(PHRASES))))  # first words of phrases


def shown(tape: Tape) -> dict[str, Mask]:
    """For each kind of act, the texts that may show it; shape (N,) each."""
    unsure = misread_texts(tape)
    if len(tape) < loosely.FEW:
        return {kind: may_match(tape, pattern) | unsure for kind, pattern in PATTERNS.items()}
    words, strange = vocabulary(tape), strange_texts(tape)
    marks = words.marks(_BEGINNINGS)
    bits = words.in_texts(marks)

    def told(way: tuple[str, ...]) -> Mask:
        wanted = np.bitwise_or.reduce([_GROUPS[group] for group in way])
        found: Mask = ((bits & wanted) == wanted) | strange
        return found & ~unsure

    out = dict[str, Mask]()
    for kind, ways in WAYS.items():
        # Each way is looked for where its own words are.
        patterns: Sequence[re.Pattern[str] | str] = ways if len(WORDS[kind]) == len(ways) else (PATTERNS[kind],)
        found = np.zeros(len(tape), dtype=bool)
        for way, pattern in zip(WORDS[kind], patterns, strict=True):
            found |= may_match(tape, pattern, among=told(way) & ~found)
        out[kind] = found | unsure
    # A pattern without bounds of words would find shorthand everywhere: its words are looked at where they stand.
    brief = _shorthand(tape, np.flatnonzero(marks & SHORTHAND))
    return out | {"shorthand": brief | (told((HINT,)) & strange) | unsure}


def _shorthand(tape: Tape, positions: Positions) -> Mask:
    """The texts that may hold shorthand, by the words at some positions of the tape; shape (N,)."""
    out = np.zeros(len(tape), dtype=bool)
    texts, first = np.unique(np.searchsorted(tape.offsets, positions, side="right") - 1, return_index=True)
    for text, places in zip(texts.tolist(), np.split(tape.starts[positions], first[1:]), strict=False):
        out[text] = may_hold(tape.texts[text], places.tolist())
    return out


def grieved(tape: Tape) -> Mask:
    """The texts of which `aggrieved` is true; shape (N,)."""
    words = vocabulary(tape)
    marks = words.marks((GRIEVED_WORD, *(pattern for first, _, then in PHRASES for pattern in (first, then))))
    bits = words.in_texts(marks | _phrases(marks))
    plain, word, odd = plain_texts(tape), (bits & WORD) != 0, misread_texts(tape)
    shouted = np.fromiter((SHOUTED in text for text in tape.texts[:]), dtype=bool, count=len(tape))
    out: Mask = plain & (word | shouted)
    other = ~plain & ((bits & (WORD | _FIRST)) != 0) | shouted | strange_texts(tape)
    found = may_match(tape, GRIEVANCE, bounds=True, among=other & ~plain)
    if len(tape) >= loosely.FEW:
        sure = found & ascii_texts(tape)  # of ASCII the fast engine has the same idea of words as the pattern
        out, found = out | sure, found & ~sure
    # Only in plain texts do pattern and tape count the same words between two others.
    for text in np.flatnonzero(np.where(plain, ~out & ((bits & PHRASE) != 0), found | odd)).tolist():
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
