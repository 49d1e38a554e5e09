"""Shorthand of those who answer for a living: "pls adv cx re: acct", "f/u w/ mgr", "see INC0012345".

Four signs tell it: a word that nobody but a desk writes, or of five letters and no vowel; a clipped word of desks
beside another clipped word in one sentence; two words without vowels; the number of a ticket behind a word that
points there. What people write in haste ("thx", "pls", "u"), what print shortens ("approx. 2 hrs", "dept."), units,
formats, acronyms, code and quotations are none of them, nor is a sentence that explains its abbreviation, nor a
word that the person who asked wrote too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from headgate.text.phrases import QUOTED

CONSONANTS = r"[bcdfghjklmnpqrstvwxz]{2,7}"  # a word without its vowels
# Of these, what no desk writes: sounds, haste, measures, titles, formats, and what programmers clip.
USUAL = (
    "hmm+ mm+ sh+ psst pfft? brr+ grr+ tsk zzz+ nth rsvp phd th?x thnx thnks? thks tnx pl[sz] btw lmk ttyl brb "
    "tbh wtf wth smh hmph pf+t* zz+ nsfw tldr lgbtq? xhtml ppl txt msgs? wknd fb[btw]? gtg lbs hrs mrs drs yrs "
    "mths wks hr[sz] tbs?ps? tsps? kwh mph kph rpm bpm fps bps kbps mbps gbps ppm ppb mmhg khz mhz ghz html? "
    "https? css php sql xml csv tsv npm pdf png jpg svg tmp src dst str ptr std cmd fmt hdr ctx cfg ctrl lst rgb "
    "cdn dns tcp gpg jwt jsx tsx dll xls vpn ssd hdd sms gps dvds? cds tvs pct blvd ltd gmt cst mst bbq nvm llms? "
    "kgs gcd lcm gdp gpt nlp mlp cnn mvp vhs jfk dmv rpg npc pvc pkgs? fwd cpr tv pm lb sq ml kg cm mg km st nd "
    "rd th ft hr wk dr mr ms vs xl md pc cd dj hd mm gb mb kb tb hz pt ps px pp pg vp jr sr bc pr hq bf gf rv dm "
    "lp fm sd js ts cs db ip ph nz sf la dc uk fr nl pl np nw sw nb xx rn jk gr bb"
)
LONE = (
    r"cx|custs?|accts?|tkts?|tckts?|xfe?r(?:s|d|r?ed|r?ing)?|c(?:xl|nx|anx|ncl)(?:e?d|led|s)?|recvd|rcvd|rcpts?|ntfd"
    r"|adv?sd|advd|cfm(?:d|ed)?|cnfr?m(?:d|ed)?|p[my]m?n?ts?|rsvns?|resvns?|rsvd|supvr?|shpmts?|shpd|dlvrd|dlvry|prblms?"
    r"|rqst(?:d|ed|s)?|rfnd(?:s|d|ed)?|schdl?(?:d|ed)?|rschd|cntct(?:d|ed)?|updtd?|prcsd|trn?sfr(?:d|ed)?|vr?fd|avlbl"
    r"|adjstmts?|chrgd|spvsr|mgrs?|clld|cci|ordrs?"
)
DESK = (
    r"adv|fwd(?:d|ed)|conf|addt?l|nbr|bal|cld|veh|recs|resched|maint|cb|lm|lvm|eod|cob|eow|sla|cci|eoc|esc|fup|stmts?|svcs?"
    r"|nfa|rma|oow|supv|verif|pax"
)
OFFICE = r"req|upd|avail|orig|sched|amt|qty|appts?|inv|ord|rtn"  # two of them are enough
CLIPPED = r"ref|disc|proc|prev|curr|temp|addr|tel|num|est|del|trans|cert"
HASTY = (
    r"pl[sz]|hrs|mins|dept|asap|ext|msgs?|txt|vm|reg|auth|mgmt|info|approx|mo|wk|yr|biz|pkg|fwd|ph|eta|thx|tmrw|ppl|cs"
    r"|rep"
)
APOSTROPHE = r"(?:adv|esc|req|rec|conf|cxl|auth|ack|chk|rcv|ntf|ver|cncl|xfr|sched)['’]d"
SLASHED = r"(?:f/u|c/b|w/ (?:cx|cust))"
TICKETS = r"(?-i:(?:INC|CHG|RITM|PRB|TKT|SCTASK|REQ|CAS|SR|WO|HD|SUP)[-#]?\d{3,})"
POINTS = r"(?:see|per|re:?|ref:?|cf\.?|dup(?:licate)? of|linked to|merged (?:in)?to)\s+(?:ticket |tkt |case )?#?"
BEFORE, AFTER = r"(?<![\w./@#$=<>\\'’-])", r"(?![\w(=@’-]|['/:][\w/]|\.\w)"
# Few words are without vowels: that is asked first, for the list of usual ones is long.
_BARE = rf"(?-i:(?={CONSONANTS}\b)(?!(?:{'|'.join(USUAL.split())})\b){CONSONANTS})"

SHORTHAND = re.compile(
    rf"\b(?=\w)(?:{LONE}|{DESK}|{OFFICE}|{_BARE})\b|\b{APOSTROPHE}\b|\b{SLASHED}|\b{POINTS}{TICKETS}\b", re.IGNORECASE
)  # what every text with shorthand holds; not all that hold it are
HINT = (
    rf"(?:{LONE}|{DESK}|{OFFICE}|(?!(?:{'|'.join(USUAL.split())})\b){CONSONANTS})\b|(?:adv|esc|req|rec|conf|cxl|auth|ack"
    r"|chk|rcv|ntf|ver|cncl|xfr|sched)['’]?d?\b|[fcw]\b|(?:inc|chg|ritm|prb|tkt|sctask|req|cas|sr|wo|hd|sup)(?:\d|\b)"
)  # words of which every text with shorthand has one
_LONE, _DESK, _BARE_WORD, _OFFICE, _CLIPPED = (
    re.compile(rf"{BEFORE}(?:{words}){AFTER}", re.IGNORECASE)
    for words in (rf"{LONE}|{APOSTROPHE}|{SLASHED}", DESK, _BARE, OFFICE, CLIPPED)
)
_HASTY = re.compile(rf"{BEFORE}(?:{HASTY}){AFTER}|(?<!\w)(?:re:|w/(?=\s))", re.IGNORECASE)
_TICKET = re.compile(rf"\b{POINTS}{TICKETS}\b", re.IGNORECASE)
_EXPLAINS = re.compile(
    r"\b(?:stands? for|short for|abbreviat\w+|acronym|shorthand|means?|meaning|refers? to|spelled|spelt)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"\w\(|\w_\w|[{}=;<>\[\]\\|]|::|\.\w+\(|://|\w@\w|^\s*[$#>]")
_WORDS = re.compile(r"[\w/'’]+")
_ALONE = re.compile(rf"{_LONE.pattern}|{TICKETS}\b", re.IGNORECASE)  # what may be shorthand by itself, where it begins


def is_shorthand(sentence: str, asked: str = "") -> bool:
    """Whether a sentence is written in shorthand that `asked`, what the person wrote before, does not use as well."""
    text = QUOTED.sub(" ", sentence)
    if _EXPLAINS.search(text) or _CODE.search(text):
        return False
    if _TICKET.search(text):
        return True
    known, shouted = {word.lower() for word in _WORDS.findall(asked)}, text.isupper()
    lone, desk, bare, office, clipped, hasty = (
        _said(pattern, text, known, shouted) for pattern in (_LONE, _DESK, _BARE_WORD, _OFFICE, _CLIPPED, _HASTY)
    )
    return bool(lone) or _together(desk, bare, office, clipped, hasty)


def may_hold(text: str, places: Iterable[int]) -> bool:
    """Whether a sentence of a text may be shorthand: what the words of the text make of it if they were one sentence.

    `places`: where the words begin that `HINT` fits. Of False it is certain, as long as the words of the text are
    what patterns take for words.
    """
    desk, bare, office = set[str](), set[str](), set[str]()
    for place in places:
        if _ALONE.match(text, place):
            return True
        for pattern, words in ((_DESK, desk), (_BARE_WORD, bare), (_OFFICE, office)):
            if hit := pattern.match(text, place):
                words.add(hit[0].lower())
    if _together(desk, bare, office, set(), set()):
        return True
    if not desk and all(len(word) <= 3 for word in bare):
        return False
    # Whether a sentence is all in capitals is left open: what it holds would count in small letters.
    clipped, hasty = (_said(pattern, text, set(), shouted=True) for pattern in (_CLIPPED, _HASTY))
    return _together(desk, bare, office, clipped, hasty)


def _together(desk: set[str], bare: set[str], office: set[str], clipped: set[str], hasty: set[str]) -> bool:
    """Whether words of these kinds are enough for shorthand."""
    return (
        any(len(word) > 4 for word in bare)
        or (bool(desk) and len(desk | office | clipped | hasty | bare) > 1)
        or (bool(office) and len(office | bare) > 1)
        or (bool(clipped) and any(len(word) > 3 for word in bare))
        or len(bare) > 1
    )


def _said(pattern: re.Pattern[str], text: str, known: set[str], shouted: bool) -> set[str]:
    """The words of a kind in small letters; those in capitals, which may be acronyms of anything, only in a shout."""
    hits = (hit[0] for hit in pattern.finditer(text))
    return {hit.lower() for hit in hits if shouted or not hit.isupper()} - known
