"""What a reply does, sentence by sentence: apologises, grants, claims an action, hands over, promises.

Patterns over single sentences of English. A sentence that asks, sets a condition or denies does not
do the thing: "would you like a refund", "if it is late we refund you" and "we cannot offer a discount"
grant nothing. What other people do ("the bank refunded you") does not count either: the doer is the
speaker, or nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|\n|$)|[^\n]+?(?:\n|$)")
DENIED = re.compile(
    r"\b(?:not|never|cannot|unable|no longer|neither|nor|without)\b|\b\w+n['’]t\b|\bno (?:refund|discount|credit)", re.I
)
CONDITION = re.compile(r"\b(?:if|unless|in case|whether|once|when|should you|would you|do you|shall i|should i)\b", re.I)
DOER = r"\b(?:i|we)(?:\s*['’]\s*(?:ve|ll|m|re|d))?(?:\s+(?:have|has|had|will|can|am|are|would|could|be|been|going to|gonna|just|now|already|also|then|happily|gladly|happy to|glad to|pleased to|like to|love to|be able to|personally|successfully|immediately|immediately|went ahead and))*"
GIFT = (
    r"(?:refund(?:ed|ing|s)?|credit(?:ed|ing)?|reimburs\w+|compensat\w+|waiv\w+|voucher|coupon|gift card|discount(?:ed)?"
    r"|goodwill|free of charge|on the house|complimentary|store credit|at no (?:extra |additional )?(?:cost|charge)"
    r"|for free|free (?:month|shipping|upgrade|delivery|night|ride))"
)
GIVE = r"(?:offer\w*|give|giving|given|gave|grant\w*|add\w*|issu\w+|apply|applied|applying|send\w*|sent|provid\w+|arrang\w+|process\w*|put|includ\w+|throw\w*|make|made)"
DONE = (
    r"(?:book|reserv|cancel|cancell|refund|issu|process|updat|chang|sent|email|e-mail|submit|submitt|schedul|reschedul"
    r"|creat|open|clos|reset|activat|deactivat|block|unblock|order|ship|dispatch|remov|delet|credit|appli|extend|waiv"
    r"|escalat|forward|regist|confirm|file|fil|place|plac|arrang|transferr|transfer|upgrad|replac|adjust|correct|fix"
    r"|resolv|complet|notifi|credit|add|enroll|log|assign|switch|flagg|set up|made)"
)
TEAM = r"(?:team|department|supervisor|manager|colleague|specialist|agent|representative|expert|tier|level|billing|support|engineer|advisor|human|someone|desk|office|escalations?)"

PATTERNS: dict[str, re.Pattern[str]] = {
    "apology": re.compile(r"\b(?:sorry|apolog\w+|my bad|pardon (?:me|us)|(?:i|we)\s+(?:deeply |sincerely )?regret)\b", re.I),
    "concession": re.compile(
        rf"(?:{DOER}\s+(?:{GIVE}\b[^.!?]*?\b{GIFT}|{GIFT})|\b(?:you|you['’]ll)\s+(?:will |are going to |are |['’]ll )?"
        rf"(?:get|receive|be given|be granted|entitled to)\b[^.!?]*?\b{GIFT}"
        rf"|\b(?:you|you['’]ll)\s+(?:will |are going to |['’]ll )be (?:refunded|credited|reimbursed|compensated)"
        rf"|\b(?:as|here is|please accept|accept|enjoy|have)\b[^.!?]*?\b(?:goodwill|gesture|apology)\b[^.!?]*?\b{GIFT}"
        rf"|\b{GIFT}\b[^.!?]*\b(?:has been|have been|will be|is being|was|is on its way)\b"
        rf"|\b(?:fee|charge|amount|cost|price)s?\b[^.!?]*\b(?:will be|has been|have been|was|is)\s+(?:refunded|waived|credited|reimbursed|returned))",
        re.I,
    ),
    "escalation": re.compile(
        rf"{DOER}\s+(?:escalat\w+|(?:transfer\w*|connect\w*|pass\w*|hand\w*|forward\w*|rais\w+|put\w*|refer\w*|bring\w*|loop\w*|tak\w+|assign\w*)"
        rf"\b[^.!?]*?\b{TEAM}\b)|\b(?:has been|have been|is being|will be)\s+(?:escalated|(?:forwarded|passed|handed|transferred|referred)\b[^.!?]*\b{TEAM}\b)",
        re.I,
    ),
    "action": re.compile(
        rf"\b(?:i|we)(?:\s*['’]\s*ve|\s+have|\s+just|\s+already|\s+now|\s+successfully|\s+went ahead and)+\s+(?:\w+ly\s+)?(?:{DONE}(?:ed|d|led)?)\b"
        rf"|\b(?:i|we)\s+(?:book|cancel|refund|process|updat|submitt|schedul|creat|reset|activat|block|order|credit|forward|register|escalat)(?:ed|d|led)\b"
        rf"|\byour\s[^.!?]*\b(?:has|have)\s+(?:been|now been)\s+(?:\w+ly\s+)?{DONE}(?:ed|d|led)?\b"
        rf"|\byour\s[^.!?]*\bis\s+(?:now\s+)(?:{DONE}(?:ed|d|led))\b",
        re.I,
    ),
    "promise": re.compile(
        r"\b(?:i|we)\s*(?:['’]\s*ll|\s+will|\s+promise|\s+guarantee)\b[^.!?]*\b(?:call|contact|get back|email|e-mail|text|write|reach out|follow up|let you know|make sure|ensure|fix|resolve|send|keep you|check back)\b"
        r"|\byou(?:\s*['’]\s*ll|\s+will)\s+(?:receive|hear|get|be (?:called|contacted|informed|notified))\b",
        re.I,
    ),
    "internal reference": re.compile(
        r"\b(?:jira|confluence|zendesk|salesforce|sharepoint|intranet|wiki|sop|runbook|playbook|kb[- ]?\d+|macro \d+)\b"
        r"|\b(?:tier|level|l)[ -]?[123]\b(?= (?:team|support|queue|agent))|\binternal (?:note|tool|system|team|doc\w*)\b"
        r"|\bthe [\w-]+ queue\b|\b[A-Z]{2,6}-\d{2,6}\b",
        re.I,
    ),
    "delay": re.compile(
        r"\b(?:bear with (?:me|us)|(?:one|a|just a) (?:moment|minute|second|sec)\b|hold (?:on|the line|please)|please (?:wait|hold)|in due course|as soon as possible|asap)\b",
        re.I,
    ),
    "blame": re.compile(
        r"\b(?:your (?:own )?(?:fault|mistake|error)|you should have (?:read|checked|known|called|told|said|asked|entered|sent|used|noticed)|you failed to|you (?:must|should) have (?:entered|missed|forgotten)|as (?:i|we) (?:already )?(?:said|told you))\b",
        re.I,
    ),
}
ASKING = frozenset({"concession", "escalation", "action", "promise"})  # kinds that a question does not do
GRIEVANCE = re.compile(
    r"\b(?:sorry to|complain\w*|angry|furious|unacceptable|ridiculous|terrible|awful|horrible|worst|useless|disappoint\w*"
    r"|frustrat\w*|annoy\w*|upset|fed up|waste|scam|fraud\w*|stolen|lost|missing|broken|damaged|defect\w*|late|delay\w*"
    r"|wrong|incorrect|mistake|error|fail\w*|declined|rejected|denied|refus\w*|problem|issue|trouble|unable|overcharged"
    r"|charged twice|double charged|(?:not|never|isn['’]?t|doesn['’]?t|didn['’]?t|hasn['’]?t|won['’]?t|can['’]?t|cannot)"
    r"\s+(?:\w+\s+){0,3}(?:work\w*|arriv\w*|receiv\w*|come|help\w*|happy|load\w*|show\w*|get|got|accept\w*)"
    r"|still (?:waiting|no|not|haven)|waiting for|where is my|hate|rude|sick|died|hospital|hurt|unfortunately|bad)\b"
    r"|!{2,}",
    re.I,
)
REASON = re.compile(
    r"\b(?:not|no|none|never|cannot|nothing|only|unable|unavailable|but|however|again|repeat|misunderst\w+|confus\w+"
    r"|hear (?:that|this|about)|forgot|already|too)\b|n['’]t\b",
    re.I,
)
APOLOGY = PATTERNS["apology"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a reply does."""

    kind: str  # key of PATTERNS
    start: int  # characters of its sentence
    end: int


def acts(text: str) -> list[Act]:
    """What a reply does, in order; a sentence may do several things."""
    return [act for start, end in sentences(text) for act in _of(text[start:end], start)]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Characters of each sentence, blanks around it left out."""
    for hit in SENTENCE.finditer(text):
        piece = hit[0]
        start = hit.start() + len(piece) - len(piece.lstrip())
        end = hit.end() - (len(piece) - len(piece.rstrip()))
        if end > start:
            yield start, end


def needless(user: str, reply: str) -> bool:
    """Whether an apology has nothing to be sorry for: no grievance of the person, and nothing refused or gone wrong."""
    return not (aggrieved(user) or REASON.search(reply) or GRIEVANCE.search(APOLOGY.sub("", reply)))


def aggrieved(text: str) -> bool:
    """Whether what a person said holds a complaint, a loss or a failure: something to be sorry for."""
    return bool(GRIEVANCE.search(text))


def _of(sentence: str, start: int) -> Iterator[Act]:
    asks = sentence.rstrip().endswith("?")
    for kind, pattern in PATTERNS.items():
        hit = pattern.search(sentence)
        if not hit:
            continue
        before = sentence[: hit.start()] + hit[0]
        if kind in ASKING and (asks or DENIED.search(before) or CONDITION.search(before)):
            continue
        yield Act(kind, start, start + len(sentence))
