"""The changes of manner that repairs are made of: one function each, from a text and a real seed to a text.

They know what a change looks like; that nothing else is touched is looked at by `text.repairs` afterwards.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.text.guards import DENYING
from headgate.text.slips import WORD as PLAIN
from headgate.text.slips import Slips
from headgate.text.slips import fitted as fit_slips
from headgate.text.spelling import is_known
from headgate.text.surface import POLITE, SENTENCE, WISH
from headgate.text.untouchable import Label, case_is_free, fixed_spans

GREETED = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|dear|greetings|good (?:morning|afternoon|evening|day))\b"
    r"(?: (?:there|all|team|everyone|everybody|support|sir or madam|sir|madam)\b)?(?P<mark>\s*[,.!:;–—-]+)?\s+",
    re.IGNORECASE,
)
_HELP = (
    r"(?:help|assist|support|guide|advise)(?: me)?(?: (?:out|please))?(?: with (?:this|that|it|my (?:issue|request)))?"
)
COURTESY = re.compile(
    r"^\W*(?:"
    r"(?:many )?thank(?:s| you)(?: (?:so|very) much| a lot| kindly| in advance)*"
    r"(?: for (?:your|the|any) (?:kind |great )?(?:help|time|assistance|support|patience|attention|understanding))?"
    r"(?: (?:so|very) much| in advance)?"
    r"|(?:please|kindly) (?:let me know|advise|assist|help|confirm)(?: me)?(?: (?:with this|as soon as possible|asap))?"
    rf"|(?:could|can|would) you (?:please |kindly )?{_HELP}"
    r"|(?:i would|i'd) (?:really )?(?:like|appreciate|love|need) (?:some |your |any |a bit of )?"
    r"(?:help|assistance|advice|guidance|support)(?: with this)?"
    r"|any (?:help|advice|assistance) (?:would be|is) (?:greatly |much |very )?appreciated"
    r"|i(?: am| ?'m)? (?:look|looking) forward to (?:your|hearing from you|the) ?\w*"
    r"|i hope (?:you are|you're|this (?:message|email) finds you) (?:doing )?well"
    r"|have a (?:nice|great|good|lovely|wonderful) (?:day|one|evening|weekend)"
    r"|(?:best|kind|warm)(?:est)? (?:regards|wishes)|sincerely|cheers"
    r")\W*$",
    re.IGNORECASE,
)
WH = r"(?=(?:how|what|when|where|why|who|which|whether|if)\b)"
VERBS = (
    "tell give show explain help find provide calculate get list check send book play set add make look let search "
    "describe suggest recommend compute order schedule remind turn change update cancel call read create run determine "
    "estimate convert predict identify retrieve generate draw analyze compare solve locate fetch count display buy"
).replace(" ", "|")
IMPERATIVE = re.compile(rf"^\s*(?:{VERBS})\b", re.IGNORECASE)
OPENED = re.compile(
    r"(?:(?<=^)|(?<=[.!?,] )|(?<=\n))"
    r"(?:(?:can|could|would|will) you(?: please| pls)?|(?:i want|i need|i would like|i'd like)(?: you)? to)\b(?= \w)",
    re.IGNORECASE,
)
ASKING = re.compile(
    rf"^\s*(?:(?:i would like|i'd like|i want|i need|i wish) to (?:know|understand|find out|ask|see),? {WH}"
    rf"|(?:could|can|would|will) you (?:please |kindly )?(?:tell|inform|advise|let) me (?:know )?{WH}"
    rf"|(?:could|can|would|will) you (?:please |kindly )?(?=(?:{VERBS})\b)"
    r"|would you mind (?=\w+ing\b))",
    re.IGNORECASE,
)
PLEASE = re.compile(r"(?:^|(?<=\s))(?:please|kindly),?\s+|,?\s+(?:please|pls)(?=\W*$)", re.IGNORECASE)
THANKED = re.compile(r"[,.]?\s*(?:thank you|thanks)(?: (?:so|very) much| in advance)?(?=\W*$)", re.IGNORECASE)
SAID_PLEASE = re.compile(r"\b(?:please|pls|plz|thanks|thank you|thx)\W*$|^\W*(?:please|pls|plz)\b", re.IGNORECASE)
ASKS = re.compile(
    r"^\W*(?:how|what|when|where|why|who|which|whose|can|could|do|does|did|is|are|am|was|were|will|would|should|may|"
    r"has|have)\b",
    re.IGNORECASE,
)
BOUNDARY = re.compile(r"(?<=[^\W\d_]{2})\.\s+(?=\w)")
PIECE = re.compile(r".+?(?:[.!?…]+(?=\s|$)|\n|$)\s*", re.DOTALL)
SIGNS: dict[str, str | int | None] = {
    "’": "'",
    "‘": "'",
    "—": "-",
    "–": "-",
    "…": "...",
    "\u00a0": " ",
    "\u202f": " ",
    "‑": "-",
}
# Whole and contracted; none of them denies, and none is another word without its apostrophe where it may lose it.
CONTRACTIONS: Mapping[str, str] = {
    "i am": "i'm", "i have": "i've", "i will": "i'll", "i would": "i'd", "what is": "what's", "that is": "that's",
    "where is": "where's", "how is": "how's", "who is": "who's", "it is": "it's", "there is": "there's",
    "you are": "you're", "they are": "they're", "we are": "we're", "let us": "let's",
}  # fmt: skip
LOSING = ("i'm", "i've", "what's", "that's", "where's", "how's", "it's", "there's", "you're", "they're")
Forms = Mapping[str, tuple[str, ...]]  # word -> what may stand in its place
Shares = Mapping[str, tuple[tuple[str, float], ...]]  # word -> (another form, share of all its forms)
SHORT: Forms = {
    "please": ("pls", "plz"), "you": ("u",), "your": ("ur",), "are": ("r",), "thanks": ("thx",),
    "because": ("bc", "cuz"), "going to": ("gonna",), "want to": ("wanna",), "got to": ("gotta",),
    "information": ("info",), "account": ("acct",), "message": ("msg",), "without": ("w/o",),
    "as soon as possible": ("asap",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fitted:
    """Rates of the real texts."""

    contracted: Mapping[str, float]  # whole form -> share of its two forms that is contracted
    bare: float  # share of contractions that may lose their apostrophe and do
    short: Shares
    slips: Slips
    lowered: frozenset[str]  # words that real texts write in small letters
    mixed: Shares = field(default_factory=dict)  # words of another language


@dataclass(frozen=True, slots=True)
class By:
    """What a text is changed by."""

    seed: str  # a real text
    fitted: Fitted
    drawn: random.Random
    label: Label  # of the answer


def fit(texts: Sequence[str], mixes: Forms | None = None) -> Fitted:
    """The rates of real texts; a form that fewer than two of them have is not used.

    `mixes`: for a word what may stand in its place in another language.

    Raises:
        Unavailable: the word list is not installed.
    """
    whole = "\n".join(texts).replace("’", "'").lower()
    contracted = {}
    for long, short in CONTRACTIONS.items():
        one, other = _count(whole, short), _count(whole, long)
        # Shrunk towards what texts mostly do, so that two occurrences do not make a rate of 0 or 1.
        contracted[long] = (one + 1) / (one + other + 2)
    with_, without = (sum(_count(whole, form.replace("'", to)) for form in LOSING) for to in ("'", ""))
    lowered = frozenset(re.findall(r"[^\W\d_]+", "\n".join(texts)))
    return Fitted(
        contracted=contracted,
        bare=without / (with_ + without) if without >= 2 else 0.0,
        short=_shares(whole, SHORT),
        slips=fit_slips(texts),
        lowered=frozenset(word for word in lowered if word.islower()),
        mixed=_shares(whole, mixes or {}),
    )


def _shares(whole: str, table: Forms) -> Shares:
    out: dict[str, tuple[tuple[str, float], ...]] = {}
    for word, forms in table.items():
        counts = [_count(whole, form) for form in forms]
        total = sum(counts) + _count(whole, word)
        if kept := tuple((form, count / total) for form, count in zip(forms, counts, strict=True) if count >= 2):
            out[word] = kept
    return out


def _count(text: str, form: str) -> int:
    return len(re.findall(rf"(?<![\w'/]){re.escape(form)}(?![\w'])", text))


def has_courtesy(text: str) -> bool:
    """Whether a whole sentence of a text is courtesy and nothing else."""
    return any(COURTESY.match(piece) for piece in PIECE.findall(text))


def sentences(text: str) -> int:
    """How many sentences a text has; at least one."""
    return max(sum(1 for piece in SENTENCE.split(text) if piece.strip()), 1)


def _head(text: str, like: str = "X") -> str:
    """The text with a capital at its head, where `like` has one."""
    text = text.lstrip()
    return text[:1].upper() + text[1:] if like[:1].isupper() else text


def plain_signs(text: str, by: By) -> str:
    """Quotation marks, dashes and blanks as keyboards have them."""
    return text.translate(str.maketrans(SIGNS)) if not any(sign in by.seed for sign in SIGNS) else text


def greetings(text: str, by: By) -> str:
    """Leaves a greeting out where the seed has none; puts the seed's own in where it has one."""
    mine, its = GREETED.match(text), GREETED.match(by.seed)
    if (
        mine
        and not its
        and (mine["mark"] or re.match(r"(?i)(?:i|how|what|can|could|my|where|why)\b", text[mine.end() :]))
    ):
        return _head(text[mine.end() :])
    if its and not mine and len(by.seed) > its.end():
        return its[0] + text
    return text


def closings(text: str, by: By) -> str:
    """Leaves whole sentences of courtesy out, where the seed has none."""
    pieces = PIECE.findall(text)
    if has_courtesy(by.seed):
        return text
    kept = [piece for piece in pieces if not COURTESY.match(piece)]
    return "".join(kept) if kept and len(kept) < len(pieces) else text


def asking(text: str, by: By) -> str:
    """Takes the opening of the seed ("can you ", "I'd like to "), or none where it has none."""
    mine, its = ASKING.match(text), OPENED.search(by.seed)
    if WISH.search(by.seed):
        if its is None or WISH.search(text):
            return text
        opening = its[0].strip()
        if IMPERATIVE.match(text):
            return f"{opening} {text.lstrip()[:1].lower()}{text.lstrip()[1:]}"
        if re.match(WH, text, re.IGNORECASE) and opening.lower().endswith(("you", "please")):
            return f"{opening} tell me {text.lstrip()[:1].lower()}{text.lstrip()[1:]}"
        return text
    return _head(text[mine.end() :], text.lstrip()) if mine else text


def please(text: str, by: By) -> str:
    """Leaves please and thanks out where the seed has neither; puts the seed's own in, where it says so at an end."""
    said = SAID_PLEASE.search(by.seed)
    if said is None and not POLITE.search(by.seed):
        bare = PLEASE.sub("", THANKED.sub("", text))
        return _head(bare, text.lstrip())
    if said is None or POLITE.search(text):
        return text
    word = re.sub(r"\W+$", "", said[0]).strip()
    if by.seed.lstrip().startswith(said[0].lstrip()):
        return f"{word} {text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}"
    end = re.search(r"[.!?]*\s*$", text)
    at = end.start() if end else len(text)
    return f"{text[:at]} {word.lower()}{text[at:]}"


def cut(text: str, by: By) -> str:
    """Leaves trailing sentences out that hold nothing that must stay, down to as many as the seed has."""
    pieces = PIECE.findall(text)
    most = sentences(by.seed)
    while len(pieces) > most and not fixed_spans(pieces[-1], by.label):
        pieces.pop()
    return "".join(pieces)


def contractions(text: str, by: By) -> str:
    """Draws each whole or contracted form anew, at the real rate."""
    for long, short in CONTRACTIONS.items():
        if long == "i have":
            forms = rf"{long}(?= (?:been|got|had|made|just|already|tried|lost|received|\w+ed)\b)|{short}"
        elif long == "i would":
            forms = rf"{long}|{short}(?= (?:like|love|prefer)\b)"
        elif long.endswith(" is") and not long.startswith(("it", "that", "there")):
            forms = long  # "who's" may be "who has"
        else:
            forms = rf"{long}(?! \S*n['’]t|$)|{short}" if long != "let us" else short

        def redrawn(hit: re.Match[str], long: str = long, short: str = short) -> str:
            new = short if by.drawn.random() < by.fitted.contracted[long] else long
            if hit[0].lower().replace("’", "'") == new:
                return hit[0]
            new = re.sub(r"\bi\b", "I", new) if hit[0][0] == "I" else new
            return _head(new, hit[0])

        text = re.sub(rf"(?<![\w'])(?:{forms})(?![\w'])(?! not\b)(?=\s+\w)", redrawn, text, flags=re.IGNORECASE)
    return text


def apostrophes(text: str, by: By) -> str:
    """Leaves apostrophes out at the real rate, of contractions that are no other word without."""

    def bare(hit: re.Match[str]) -> str:
        return re.sub(r"['’]", "", hit[0]) if by.drawn.random() < by.fitted.bare else hit[0]

    forms = "|".join(form.replace("'", "['’]") for form in LOSING)
    return re.sub(rf"(?<![\w'])(?:{forms})(?![\w'])", bare, text, flags=re.IGNORECASE)


def shorthand(text: str, by: By) -> str:
    """Short forms that real texts have, at their rate."""
    return _in_other_form(text, by.fitted.short, by.drawn)


def mixed_words(text: str, by: By) -> str:
    """Words of another language that real texts write, at their rate; none for a word of the answer."""
    free = {word: forms for word, forms in by.fitted.mixed.items() if not any(map(by.label.holds, word.split()))}
    return _in_other_form(text, free, by.drawn)


def has_mixed(text: str, fitted: Fitted) -> bool:
    """Whether a text has a word of another language that real texts write."""
    return any(_count(text.lower(), form) for forms in fitted.mixed.values() for form, _ in forms)


def _in_other_form(text: str, table: Shares, drawn: random.Random) -> str:
    for word, forms in table.items():

        def replaced(hit: re.Match[str], forms: tuple[tuple[str, float], ...] = forms) -> str:
            shares = [share for _, share in forms]
            drew = drawn.random()
            if drew >= sum(shares):
                return hit[0]
            return _head(drawn.choices([form for form, _ in forms], shares)[0], hit[0])

        text = re.sub(rf"(?<![\w'’]){word}(?![\w'’])", replaced, text, flags=re.IGNORECASE)
    return text


def run_on(text: str, by: By) -> str:
    """Joins sentences down to as many as the seed has, with the comma that the seed has, or none."""
    joint = ", " if "," in by.seed else " "
    while sentences(text) > sentences(by.seed) and (hits := list(BOUNDARY.finditer(text))):
        hit = by.drawn.choice(hits)
        rest = text[hit.end() :]
        first = re.match(r"[^\W\d_]+", rest)
        lower = first and first[0] != "I" and first[0].lower() in by.fitted.lowered
        text = text[: hit.start()] + joint + (rest[:1].lower() + rest[1:] if lower else rest)
    return text


def commas(text: str, by: By) -> str:
    """Leaves commas out, but none beside a part that stays: there they may part values."""
    most, spans = by.seed.count(","), fixed_spans(text, by.label)
    for hit in reversed(list(re.finditer(r",(?=\s)", text))):
        near = any(start - 2 <= hit.start() <= end + 1 for start, end in spans)
        if text.count(",") > most and not near:
            text = text[: hit.start()] + text[hit.end() :]
    return text


def exclamations(text: str, by: By) -> str:
    """Full stops for exclamation marks, where the seed has none."""
    return text if "!" in by.seed else re.sub(r"!+", ".", text)


def slip(text: str, by: By) -> str:
    """Slips at the real rate; names, words of the answer and unknown words are left alone."""

    def typed(hit: re.Match[str]) -> str:
        if (
            by.drawn.random() >= by.fitted.slips.rate
            or by.label.holds(hit[0])
            or hit[0] in DENYING
            or not is_known(hit[0])
        ):
            return hit[0]
        return by.fitted.slips.made(hit[0], by.drawn)

    return PLAIN.sub(typed, text)


def mark(text: str, by: By) -> str:
    """No mark where the seed has none; a missing one as fits the text, where the seed has one."""
    end, text = by.seed.rstrip()[-1:], text.rstrip()
    if end.isalnum():
        return re.sub(r"(?<=[\w'\")])\s*[.?!]+$", "", text)
    asks = bool(ASKS.search(text))
    if end in ".?" and text[-1:].isalnum() and asks is (end == "?"):
        return text + end
    if end == "?" and asks and text.endswith(".") and sentences(text) == 1:
        return text[:-1] + end
    return text


def casing(text: str, by: By) -> str:
    """Small letters where the seed has no capital; else its way with the first letter and with "I"."""
    if by.seed == by.seed.lower():
        return _outside(text, by.label, lambda word: word.lower() if _may_be_small(word, by.fitted) else word)
    if re.search(r"\bi\b", by.seed):
        text = re.sub(r"\bI\b", "i", text)
    first = re.search(r"[^\W\d_]+", text)
    if first is None or text[: first.start()].strip():
        return text
    small = by.seed.lstrip()[:1].islower()
    if small and _may_be_small(first[0], by.fitted):
        return text[: first.start()] + text[first.start()].lower() + text[first.start() + 1 :]
    if by.seed.lstrip()[:1].isupper():
        return text[: first.start()] + text[first.start()].upper() + text[first.start() + 1 :]
    return text


def _may_be_small(word: str, fitted: Fitted) -> bool:
    """A word in capitals is a code, unless people write it in small letters."""
    return len(word) < 2 or not word.isupper() or word.lower() in fitted.lowered


def _outside(text: str, label: Label, change: Callable[[str], str]) -> str:
    """Changes words, but none that must stay as it is written."""
    stay = [(start, end) for start, end in fixed_spans(text, label) if not case_is_free(text[start:end], label)]

    def changed(hit: re.Match[str]) -> str:
        return hit[0] if any(start <= hit.start() < end for start, end in stay) else change(hit[0])

    return re.sub(r"[^\W\d_]+", changed, text)
