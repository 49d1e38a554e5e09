"""What a reply does, sentence by sentence: apologises, grants, claims an action, hands over, promises, abbreviates.

Patterns over single sentences of English. A sentence that asks, sets a condition or denies does not
do the thing: "would you like a refund", "if it is late we refund you" and "we cannot offer a discount"
grant nothing. What other people do ("the bank refunded you") does not count either: the doer is the
speaker, or nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headgate.text.shorthand import SHORTHAND, is_shorthand

SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|\n|$)|[^\n]+?(?:\n|$)")


def _any(words: str) -> str:
    """Alternatives, one for each word of the text; `_` stands for a blank."""
    return "(?:" + "|".join(word.replace("_", " ") for word in words.split()) + ")"


def _compiled(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


REST = r"\b[^.!?]*?\b"  # anything in the same sentence
SHALL = _any(
    "have has had will can am are would could be been going_to gonna like_to love_to be_able_to went_ahead_and "
    "gone_ahead_and gone_and"
)
GLADLY = _any(
    "just now already also then happily gladly happy_to glad_to pleased_to personally successfully immediately"
)
DOER = rf"\b(?:i|we)(?:\s*['’]\s*(?:ve|ll|m|re|d))?(?:\s+(?:{SHALL}|{GLADLY}))*"
YOU_GET = r"\byou(?:\s*['’]\s*ll)?\s+(?:will |are going to )?"
GIFT = (
    r"(?:refund(?:ed|ing|s)?|credit(?:ed|ing)?|reimburs\w+|compensat\w+|waiv\w+|discount(?:ed)?|goodwill|"
    + _any(
        "voucher coupon gift_card on_the_house complimentary store_credit free_of_charge for_free cash_?back "
        "bonus_points"
    )
    + r"|at no (?:extra |additional )?(?:cost|charge)|free (?:month|shipping|upgrade|delivery|night|ride))"
)
GIVE = (
    r"(?:offer\w*|grant\w*|add\w*|issu\w+|send\w*|provid\w+|arrang\w+|process\w*|includ\w+|throw\w*|"
    + _any("give giving given gave apply applied applying sent put make made")
    + r"|(?:approv|authori[sz]|extend|plac|load|confirm|pop|drop)\w*)"
)
CHARGE = r"(?:fee|charge|penalty|penalties|surcharge|fine|interest|invoice|bill|cost|amount|deposit|payment)s?"
MONEY = (
    r"(?:[$€£]\s?\d|\d+(?:[.,]\d+)?\s?(?:%|percent\b|per cent\b|[a-z]{3,}s\b)"
    r"|half\b|(?:five|ten|fifteen|twenty|thirty|fifty)\b)"
)
OFF = (
    r"(?:waiv|remov|revers|forg[ia]v|writ\w* off|wrote off|refund|reimburs|tak\w* off|knock\w* off|strik|struck|lift"
    r"|cancell?)\w*"
)
DONE = _any(
    "book reserv cancel cancell refund issu process updat chang sent email e-mail submit submitt schedul reschedul "
    "creat open clos reset activat deactivat block unblock order ship dispatch remov delet credit appli extend waiv "
    "escalat forward regist confirm file fil place plac arrang transferr transfer upgrad replac adjust correct fix "
    "resolv complet notifi add enroll log assign switch flagg set_up made"
)
DID = _any("book cancel refund process updat submitt schedul creat reset activat block order credit forward register")
HAND = (
    r"(?:transfer|connect|pass|hand|forward|rais|put|refer|bring|loop|tak|assign|reassign|rout|flag|shar|bump|kick"
    r"|mov)\w*"
)
TEAM = _any(
    "team department supervisor manager colleague specialist agent representative expert tier level billing support "
    "engineers? advis[eo]r human someone somebody desk office escalations? supervisors managers colleagues specialists "
    "agents advis[eo]rs second_line tier_two"
)
TAKES = (
    r"(?:contact|call|ring|phone|email|visit|reach|get back|follow|be in touch|look into|handle|tak\w+ "
    r"(?:over|care|ownership|charge|it)|review|deal)"
)
BEEN = r"(?:has been|have been|is being|will be)"
REACH = _any(
    "call contact get_back email e-mail text write reach_out follow_up let_you_know make_sure ensure fix resolve"
)

# By kind of act, the ways of doing it; `hints` lists the words of each.
WAYS: dict[str, tuple[str, ...]] = {
    "apology": (r"\b(?:sorry|apolog\w+|my bad|pardon (?:me|us)|(?:i|we)\s+(?:deeply |sincerely )?regret)\b",),
    "concession": (
        rf"{DOER}\s+(?:{GIVE}{REST}{GIFT}|{GIFT})",
        rf"{YOU_GET}(?:get|receive|be given|be granted|entitled to){REST}{GIFT}",
        rf"{YOU_GET}be (?:refunded|credited|reimbursed|compensated)",
        rf"\b(?:as|here is|please accept|accept|enjoy|have){REST}(?:goodwill|gesture|apology){REST}{GIFT}",
        rf"\b{GIFT}\b[^.!?]*\b(?:{BEEN}|was|is on its way)\b",
        rf"\b(?:{CHARGE}|price)\b[^.!?]*\b(?:{BEEN}|was|is)\s+"
        r"(?:refunded|waived|credited|reimbursed|returned|removed|reversed|forgiven|written off)",
        rf"{DOER}\s+{OFF}{REST}{CHARGE}\b",
        rf"{DOER}\s+(?:tak\w*|took|knock\w*|shav\w*|giv\w*|gave){REST}(?:{MONEY}|\b{CHARGE}\b)[^.!?]*\boff\b",
        rf"{DOER}\s+(?:cover|pay(?: for)?)\s+(?:the|your|all){REST}(?:{CHARGE}|taxi|return|shipping|repair|delivery)\b",
        rf"\b(?:consider|call)\b[^.!?]*\b{CHARGE}\b[^.!?]*\b(?:forgiven|waived|gone|settled)\b",
        rf"\bthere\s?(?:['’]s|is)\b{REST}{GIFT}\b[^.!?]*\b(?:for you|your)\b",
        rf"{YOU_GET}(?:get|see|have|receive|find){REST}(?:money|{CHARGE})\b[^.!?]*\bback\b",
        rf"{DOER}\s+[^.!?]*\b(?:put|pay|transfer|send)\w*\s+(?:it |them |this )?back (?:on|to|in)\w* your\b",
        r"\b(?:is|are|it['’]s|be) (?:on us(?=\s*(?:[.,;!]|$))|on the house\b|our treat\b)|\bat our (?:own )?expense\b",
        rf"\b(?:here(?:['’]s| is)|please (?:use|accept|take|enjoy)){REST}"
        r"(?:voucher|coupon|gift card|code for|discount code)\b",
        rf"{DOER}\s+make (?:it|this) up to you\b",
    ),
    "escalation": (
        rf"{DOER}\s+(?:\w+ly\s+)?(?:escalat\w+|{HAND}{REST}{TEAM}\b)",
        rf"\b(?:{BEEN}|was|are being|is now)\s+(?:escalated"
        rf"|(?:forwarded|passed|handed|transferred|referred|reassigned|routed|moved|sent)\b[^.!?]*\b{TEAM}\b)",
        rf"\b(?:putting|transferring|connecting|handing|passing)\s+you\b{REST}{TEAM}\b",
        rf"\b(?:{DOER}\s+|let me\s+)(?:get|fetch|grab|ask|have|bring)\w*{REST}(?:my|our|a|an|the|one of our)"
        rf"\s+(?:\w+\s+)?{TEAM}\s+(?:to|for you|on the line|call|contact|ring|phone|speak|look)\b",
        rf"\b(?:a|an|my|our|one of our|someone from|somebody from)\s+(?:\w+\s+){{0,2}}{TEAM}\s+"
        rf"(?:will|is going to|is|are going to|are)\s+{TAKES}\b",
        rf"\bnow (?:sits|lies|rests|is) with (?:our|the)\b[^.!?]*\b{TEAM}\b",
        rf"{DOER}\s+(?:open|rais|creat|log)\w*\s+(?:a|an)\s+(?:case|ticket|request)\s+with\b[^.!?]*\b{TEAM}\b",
    ),
    "action": (
        r"\b(?:i|we)(?:\s*['’]\s*ve|\s+(?:have|just|already|now|successfully|went ahead and))+\s+(?:\w+ly\s+)?"
        rf"{DONE}(?:ed|d|led)?\b",
        rf"\b(?:i|we)\s+(?:{DID}|escalat)(?:ed|d|led)\b",
        rf"\byour\s[^.!?]*\b(?:has|have)\s+(?:been|now been)\s+(?:\w+ly\s+)?{DONE}(?:ed|d|led)?\b",
        rf"\byour\s[^.!?]*\bis\s+now\s+{DONE}(?:ed|d|led)\b",
    ),
    "promise": (
        rf"\b(?:i|we)\s*(?:['’]\s*ll|\s+will|\s+promise|\s+guarantee)\b[^.!?]*\b(?:{REACH}|send|keep you|check back)\b",
        r"\byou(?:\s*['’]\s*ll|\s+will)\s+(?:receive|hear|get|be (?:called|contacted|informed|notified))\b",
    ),
    "internal reference": (
        r"\b(?:jira|confluence|zendesk|salesforce|sharepoint|intranet|wiki|sop|runbook|playbook)\b",
        r"\b(?:kb[- ]?\d+|macro \d+)\b",
        r"\b(?:tier|level|l)[ -]?[123]\b(?= (?:team|support|queue|agent))",
        r"\binternal (?:note|tool|system|team|doc\w*)\b|\bthe [\w-]+ queue\b",
    ),
    "delay": (
        r"\b(?:bear with (?:me|us)|(?:one|a|just a) (?:moment|minute|second|sec)\b|hold (?:on|the line|please)|asap"
        r"|please (?:wait|hold)|in due course|as soon as possible)\b",
    ),
    "blame": (
        r"\byour (?:own )?(?:fault|mistake|error)\b|\byou failed to\b|\bas (?:i|we) (?:already )?(?:said|told you)\b",
        r"\byou should have (?:read|checked|known|called|told|said|asked|entered|sent|used|noticed)\b",
    ),
}
PATTERNS: dict[str, re.Pattern[str]] = {
    **{kind: _compiled(*ways) for kind, ways in WAYS.items()},
    "shorthand": SHORTHAND,  # where a sentence may hold it; `is_shorthand` decides
}
DENIED = _compiled(
    r"\b(?:not|never|cannot|unable|no longer|neither|nor|without)\b|\b\w+n['’]t\b",
    r"\bno (?:refund|discount|credit)",
)
CONDITION = _compiled(
    r"\b(?:if|unless|in case|whether|once|when|should you|would you|do you|shall i|should i)\b",
)
ASKING = frozenset({"concession", "escalation", "action", "promise"})  # kinds that a question does not do
GRIEVED = (  # words that tell a grievance by themselves
    r"\b(?:complain|disappoint|frustrat|annoy|fraud|defect|fail|refus)\w*\b",
    r"\b(?:angry|furious|unacceptable|ridiculous|terrible|awful|horrible|worst|useless|upset|waste|scam)\b",
    r"\b(?:stolen|lost|missing|broken|damaged|late|delay(?:s|ed)?|wrong|incorrect|mistake|error|declined|rejected)\b",
    r"\b(?:denied|problem|issue|trouble|unable|overcharged|unfortunately|bad)\b",
    r"\b(?:hate|rude|sick|died|hospital|hurt)\b",
)
GRIEVED_TOGETHER = (
    r"!{2,}|\b(?:fed up|charged twice|double charged|sorry to)\b",
    r"\b(?:still (?:waiting|no|not|haven)|waiting for|where is my)\b",
    r"\b(?:not|never|isn['’]?t|doesn['’]?t|didn['’]?t|hasn['’]?t|won['’]?t|can['’]?t|cannot)\s+(?:\w+\s+){0,3}"
    r"(?:work\w*|arriv\w*|receiv\w*|come|help\w*|happy|load\w*|show\w*|get|got|accept\w*)\b",
)
GRIEVED_WORD, GRIEVED_PHRASE = _compiled(*GRIEVED), _compiled(*GRIEVED_TOGETHER)
GRIEVANCE = _compiled(*GRIEVED, *GRIEVED_TOGETHER)
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


def acts(text: str, among: Iterable[str] = tuple(PATTERNS), asked: str = "") -> list[Act]:
    """What a reply does, in order; a sentence may do several things. `among`: kinds, in the order of PATTERNS.

    `asked`: what the person wrote; an abbreviation that stands there is no shorthand to them.
    """
    # What no sentence of the text does need not be looked for in each of them.
    kinds = [kind for kind in among if PATTERNS[kind].search(text)]
    if not kinds:
        return []
    return [act for start, end in sentences(text) for act in _of(text[start:end], start, kinds, asked)]


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
    return not aggrieved(user) and unexplained(reply)


def unexplained(reply: str) -> bool:
    """Whether a reply refuses nothing and tells of nothing that went wrong; its apology is left out."""
    return not (REASON.search(reply) or GRIEVANCE.search(APOLOGY.sub("", reply)))


def aggrieved(text: str) -> bool:
    """Whether what a person said holds a complaint, a loss or a failure: something to be sorry for."""
    return bool(GRIEVANCE.search(text))


def _of(sentence: str, start: int, kinds: Iterable[str], asked: str) -> Iterator[Act]:
    asks = sentence.rstrip().endswith("?")
    for kind in kinds:
        hit = PATTERNS[kind].search(sentence)
        if not hit:
            continue
        before = sentence[: hit.start()] + hit[0]
        if kind in ASKING and (asks or DENIED.search(before) or CONDITION.search(before)):
            continue
        if kind == "shorthand" and not is_shorthand(sentence, asked):
            continue
        yield Act(kind, start, start + len(sentence))
