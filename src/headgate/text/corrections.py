"""What a text in the place of a corrected answer is: a new answer, a comment about the old one, or its words turned.

English only. A comment speaks of the answer, judges it or asks for another, in words for texts and opinions; a new
answer speaks of the matter, in words of the question and of the old answer, tells a fact (a number, a name), or
speaks to the user. Each sentence is one or the other by the share of its words that are of the first kind; the
larger part is what the rules say. They see remarks in general words. Of remarks on what an answer is about they miss
most, so what they say is one of the things by which `text.comment_words` decides.
"""

from __future__ import annotations

import re
from enum import StrEnum

from headgate.text.comment_words import features, reads_as_comment

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
NUMBER = re.compile(r"\d(?!\w*[ -](?:words?|sentences?|paragraphs?|lines?|points?|times|stars?|out of|of)\b)")
ADDRESSED = re.compile(r"\byou(?:r|rs|'(?:re|ll|ve|d))?\b", re.I)
ASKED = re.compile(
    r"^\W*(?:please |can you |could you |you should |your (?:answer|reply|response|tone)|thank you)", re.I
)
NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]\w+")
SMALL_TALK = re.compile(
    r"\bhave a\b.*\b(?:day|night|evening|one|time|weekend|trip|stay)\b|\bgood ?bye\b|\bwelcome\b|\binconvenience\b"
    r"|^\W*(?:i'?m |i am )?(?:so |very )?sorry\b|\bi (?:apologi[sz]e|am sorry)\b"
    r"|\b(?:can|may|shall|could|should) i\b|\bwould (?:you )?like\b",
    re.I,
)
SPEAKING = 0.5  # share of a sentence's telling words above which it speaks of a text or of an opinion
APART = 0.3  # the same, of a sentence whose other words are in neither question nor old answer
SHARED = 0.5  # share of its other words that a comment may have in common with question and old answer
ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "ily", "er", "est", "ness", "ful", "less", "ish")
SHORT = 45  # words above which a text is a comment only where every sentence is one

ABOUT_TEXT = frozenset(  # words for a text, its parts and its writer
    """
    filler fluff padding boilerplate brochure template script essay lecture subject signature step steps quote
    wall answer answers reply replies response responses output text message wording phrasing phrase phrased
    phrases word words worded wordy sentence sentences paragraph paragraphs line lines intro introduction
    opening ending closing greeting beginning middle part parts bit style tone voice register language grammar
    spelling typo typos punctuation formatting format formatted layout bullet bullets list heading emoji emojis
    exclamation comma draft version explanation summary example examples detail details structure flow length
    title point points bot model assistant ai machine robot brand marketing corporate speak jargon prompt
    feedback button rating star stars score
    """.split()  # noqa: SIM905 - a list of words is read as words
)
OPINIONS = frozenset(  # words for opinions and wishes
    """
    excellent brilliant superb fantastic wonderful amazing lovely pleasant impressive mediocre average lame
    sloppy lazy tedious bland wooden choppy dense heavy flat loud preachy snarky sarcastic aggressive passive
    defensive arrogant dismissive evasive condescend smug childish cheesy cringe corny stilted flowery
    pretentious mechanical impersonal personal human humane empathetic readable unreadable legible
    understandable digestible hasty rushed careless careful thorough shallow deep superficial elegant crisp
    snappy catchy neat tidy messy structured unstructured organised organized logical illogical irrelevant
    relevant offtopic pointless obvious trivial unhelpfully hmm hm ugh wow yuck half fine good great ok okay
    nice perfect correct right wrong incorrect accurate inaccurate bad better best worse worst meh poor awful
    terrible horrible useless useful helpful unhelpful confusing confused unclear clear vague generic boring dry
    dull dramatic abrupt sudden cold warm warmer harsh rude polite impolite friendly friendlier unfriendly
    formal informal casual chatty verbose concise brief short shorter long longer lengthy simple simpler
    complicated complex technical robotic stiff natural unnatural awkward clumsy odd weird strange funny silly
    pushy salesy patronising condescending repetitive redundant unnecessary needless excessive enthusiastic
    enthusiasm hedging rambling pompous neutral professional unprofessional consistent inconsistent misleading
    incomplete complete acceptable unacceptable decent solid quality off nonsense garbage rubbish crap annoying
    irritating ideal inappropriate appropriate talk told tells speak speaks greet greets greeting send sent ship
    publish forward copy copied paste pasted skips skip explain explains explained describe describes convince
    convinced confuse confuses bore bores help helps helped enjoy enjoyed approve approved reject rejected
    accept accepted pressed meant intended rate rated customer customers user users reader readers audience
    people team colleague twice different differently similar before after than still anymore enough like likes
    liked dislike love hate prefer think feel find guess wish agree disagree happy unhappy satisfied expected
    expect sounds sound sounded reads read reading looks look seems seem says say said saying talks write writes
    written rewrite rewritten rephrase rephrased reword shorten simplify tone tighten trim cut drop remove lose
    mention avoid stop start starts change changed fix improve improved improving apologise apologize apologises
    sorry repeat repeats repeating ignores ignored rambles misses missed understand understands follow hard easy
    sense complaint complaints nothing everything nobody too much many way more less bit little slightly really
    very quite totally overly plain whole overall otherwise just test testing tested tried trying click clicked
    accident accidentally mistake ignore ditto same lgtm asdf
    """.split()  # noqa: SIM905 - a list of words is read as words
)
SPOKEN = ABOUT_TEXT | OPINIONS
FILLER = frozenset(  # words that make a text politer and say nothing
    """
    please kindly just really very so well also then now hi hello thanks thank you
    """.split()  # noqa: SIM905 - a list of words is read as words
)
STOP = frozenset(  # words that tell nothing
    """
    itself only use using instead today yesterday never always maybe perhaps please could should would might but
    yet however though again next time need needs want wanted add keep almost anyone a an and are as at be been
    by can did do does for from had has have he her his i i'd i'm if in is it it's its me my no not of on or our
    she so than that that's the their them there they this to was we were what when which who why will with you
    your don't doesn't isn't didn't one
    """.split()  # noqa: SIM905 - a list of words is read as words
)


class Form(StrEnum):
    """What stands where a corrected answer is expected."""

    REPLACEMENT = "replacement"
    COMMENT = "comment"
    STYLE = "style"  # the same words, turned: case, punctuation, order, politeness
    EMPTY = "empty"


def form_of(text: str, original: str = "", prompt: str = "") -> Form:
    """What a text is, beside the answer that it stands for and the question, where these are known."""
    words = _words(text)
    if not words:
        return Form.EMPTY
    if len(text.split()) == 1 and "_" in text:
        return Form.REPLACEMENT  # an identifier, such as the name of an intent
    before = _words(original)
    if before and sorted(words) == sorted(before):
        return Form.STYLE
    if len(words) >= 5 and [word for word in words if word not in FILLER] == [w for w in before if w not in FILLER]:
        return Form.STYLE
    comment = reads_as_comment(signs_of(text, original, prompt), ruled=rules_say(text, original, prompt))
    return Form.COMMENT if comment else Form.REPLACEMENT


def signs_of(text: str, original: str, prompt: str) -> dict[str, float]:
    """What tells a comment from a new answer beside the rules."""
    telling = [word for word in _words(text) if word not in STOP]
    return features(text, telling, sum(map(_spoken, telling)), (set(_words(original)), set(_words(prompt))))


def rules_say(text: str, original: str, prompt: str) -> bool:
    """Whether the larger part of a text is sentences that speak of the answer in general words."""
    words = _words(text)
    pieces = [piece for piece in SENTENCE.split(text.strip()) if _words(piece)]
    matter = (set(_words(original)) | set(_words(prompt))) - SPOKEN - STOP
    comments = [_is_comment(piece, matter) for piece in pieces]
    if len(words) > SHORT and not all(comments):
        return False
    spoken = sum(len(_words(piece)) for piece, comment in zip(pieces, comments, strict=True) if comment)
    return 2 * spoken > len(words)


def _is_comment(piece: str, matter: set[str]) -> bool:
    telling = [word for word in _words(piece) if word not in STOP]
    rest = [word for word in telling if not _spoken(word)]
    speaking = len(telling) - len(rest)
    strange = bool(matter) and not matter.intersection(rest)
    if speaking <= (APART if strange else SPEAKING) * len(telling):
        return False
    if NUMBER.search(piece) or (NAME.search(piece) and rest and not ABOUT_TEXT & set(telling)):
        return False  # a fact
    if ADDRESSED.search(piece) and not ASKED.match(piece):
        return False  # said to the user
    if SMALL_TALK.search(piece) or (piece.rstrip().endswith("?") and not ABOUT_TEXT & set(telling)):
        return False
    return sum(word in matter for word in rest) <= SHARED * len(rest)


def _spoken(word: str) -> bool:
    """Whether a word, or its stem, speaks of a text or of an opinion."""
    if word in SPOKEN:
        return True
    stems = (word.removesuffix(ending) for ending in ENDINGS if word.endswith(ending) and len(word) > len(ending) + 2)
    return any(stem in SPOKEN or f"{stem}e" in SPOKEN or f"{stem}y" in SPOKEN for stem in stems)


def _words(text: str) -> list[str]:
    return [word.lower().replace("’", "'") for word in WORD.findall(text)]
