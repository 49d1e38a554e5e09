"""Whether a text is that of the licence that it is said to be: the texts of the SPDX list, matched by a library.

A text fits where the library finds the licences of the expression in it and what stands beside them is a heading or a
notice of copyright. It is another's where the library finds others and none of these. Everything else is in doubt:
words were changed, a condition was added, or the licence is one whose text nobody gave the library.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from headgate.kit.hashing import digest
from headgate.rules.licence_expressions import identifiers_of, leaves_a_choice

# Elements of HTML and of the licence list; other words in angle brackets are words, for they may say a condition.
ELEMENTS = (
    "a abbr address alt article aside b big blockquote body br bullet caption center cite code col colgroup crossref "
    "copyrighttext crossrefs dd del details dfn div dl dt em figure font footer form h1 h2 h3 h4 h5 h6 head header hr "
    "html i iframe img input ins item kbd label li license link list main mark meta nav notes noscript ol optional p "
    "pre q s samp section small span spdxlicensecollection standardlicenseheader strike strong sub summary sup table "
    "tbody td text tfoot th thead time title titletext tr tt u ul var xml"
)
MARKUP = re.compile(
    r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[!?][a-z][^<>]*>"
    rf"|</?(?:{'|'.join(ELEMENTS.split())})\b(?:\s[^<>]*)?/?>|<(?:https?|mailto):[^<>\s]*>|<[^<>\s]+@[^<>\s]+>",
    re.DOTALL | re.IGNORECASE,
)
BROKEN = re.compile(r"(?<=\w)-\s*\n\s*(?=\w)")  # a word parted at the end of a line
WHICH = re.compile(r"-(?:only|or-later)$|\+$")  # the text of a licence does not say whether later ones count
NOTICE = re.compile(r"^\W*(?:copyright|\(c\)|©)", re.IGNORECASE)
LINK = 120  # characters below which a match is a link to a licence, not its text
LONGEST_NOTICE = 40  # words
PLAIN_AT_MOST = 2  # words of a notice that are no names
TAKEN_IN = 80  # words before a licence that may have been taken for its notice
SHOWN = 12  # words of what stands beside a licence
# Words that a notice of copyright has no need of: with one of them it may say a condition.
CONDITION = (
    "may must shall not only no use used uses using commercial commercially noncommercial non research academic "
    "prohibited forbidden forbids permission permitted except unless without subject condition conditions provided "
    "grant granted restricted restriction sell redistribute train training model models ai derivative"
)
HEADING = (
    "the a an of to new simplified revised modified general lesser library free open data software source commons "
    "creative attribution sharealike noncommercial noderivatives international generic unported universal zero "
    "dedication foundation agreement license licence licenses public version v clause terms and copyright rights "
    "all reserved spdx identifier python unicode gnu mozilla eclipse boost affero text "
    "legalcode legal code end for as follows www http https org com"
)
LINKING = (
    "and of the by for in de von van et al contributors authors others holders holder copyright year years owner all "
    "rights reserved to present"
)
CONDITIONS, HEADINGS, SMALL = (frozenset(words.split()) for words in (CONDITION, HEADING, LINKING))
# What the licences of Creative Commons 4.0 say of themselves before their text, as a digest of its words.
INTRODUCTIONS = frozenset({"b3:ef80b4580c0aa8baee4d20c9c438aa8049b29d5898e815d1a086fa13d9bb95f6"})


class Fit(StrEnum):
    """How a text and an expression go together."""

    FITS = "fits"
    OTHER = "other"  # plainly the text of another licence
    DOUBT = "doubt"
    OWN = "own"  # the expression names a text of its own, which no list has


@dataclass(frozen=True, slots=True)
class Compared:
    """How a text and an expression go together, and why, in words."""

    fit: Fit
    why: str = ""
    found: tuple[str, ...] = ()  # identifiers that the library found


def compare(expression: str, text: str | None) -> Compared:
    """Holds a text against an expression; None: the file is no text that can be read.

    Raises:
        Refused: the expression cannot be parsed.
    """
    wanted = {WHICH.sub("", one) for one in identifiers_of(expression)}
    if text is None:
        return Compared(Fit.DOUBT if wanted else Fit.OWN, "the file is no plain text, so nobody compared it")
    found, beside = _best(text)
    if not wanted:
        whole = bool(found) and not beside
        return Compared(Fit.OTHER, f"the text is that of {_listed(found)}", found) if whole else Compared(Fit.OWN)
    if not found:
        return Compared(Fit.DOUBT, f"the text is not known as that of {_listed(sorted(wanted))}")
    if not wanted & set(found):
        return Compared(Fit.OTHER, f"the text is that of {_listed(found)}", found)
    more, missing = sorted(set(found) - wanted), sorted(wanted - set(found))
    if more:
        return Compared(Fit.DOUBT, f"the text holds {_listed(more)} too", found)
    if missing and not leaves_a_choice(expression):
        return Compared(Fit.DOUBT, f"the text of {_listed(missing)} is not in it", found)
    if beside:
        return Compared(Fit.DOUBT, f"beside the licence the text says {beside!r}", found)
    return Compared(Fit.FITS, "", found)


def _best(text: str) -> tuple[tuple[str, ...], str]:
    """What is found in a text, and the first words beside it, in the reading of it that leaves least."""
    shown = unicodedata.normalize("NFKC", "".join(sign for sign in text if unicodedata.category(sign) != "Cf"))
    bare = html.unescape(MARKUP.sub("\n", shown))
    bare = "".join(sign for sign in bare if unicodedata.category(sign) != "Cf")
    ways = (_found(one) for one in (shown, bare, BROKEN.sub("", bare)))
    return max(ways, key=lambda one: (len(one[0]) > 0, not one[1]))


def _found(text: str) -> tuple[tuple[str, ...], str]:
    from licenseclassifier import identify_license

    matches = [one for one in identify_license(text, 0.0) if one.end - one.start >= LINK]
    pieces, at = list[str](), 0
    for one in matches:
        pieces.append(text[at : one.start])
        at = one.end
    names = {word for one in matches for word in _words(one.id)}
    before = [line for one in matches for line in _before(text[one.start : one.end], one.id)]
    beside = _beside([*pieces, text[at:]], HEADINGS | names) or _conditions(before)
    return tuple(dict.fromkeys(WHICH.sub("", one.id) for one in matches)), beside


def _before(match: str, name: str) -> list[str]:
    """The notice at the beginning of a match, which the library takes in unread: the licence is one without it too."""
    from licenseclassifier import identify_license

    if not NOTICE.match(match.lstrip()):
        return []
    end = 0
    for word in islice(re.finditer(r"\S+", match), 1, TAKEN_IN):
        rest = identify_license(match[word.start() :], 0.0)
        if not rest or rest[0].id != name or match[word.start() + rest[-1].end :].strip():
            break
        end = word.start()
    return _lines(match[:end])


def _beside(pieces: Sequence[str], harmless: frozenset[str]) -> str:
    """The first words beside the licences that are neither a heading nor a notice."""
    for line in (line for piece in pieces if not _is_introduction(piece) for line in _lines(piece)):
        if NOTICE.match(line) and not _conditions([line]):
            continue
        if any(not word.isdigit() and word not in harmless for word in _words(line)):
            return " ".join(line.split()[:SHOWN])
    return ""


def _conditions(notice: Sequence[str]) -> str:
    """The first line of a notice of copyright that may say more than whose it is."""
    for line in notice:
        words = _words(line)
        plain = [word for word in re.findall(r"\b[a-z]{2,}\b", line) if word not in SMALL]  # names have capitals
        if len(words) > LONGEST_NOTICE or CONDITIONS & set(words) or len(plain) > PLAIN_AT_MOST:
            return " ".join(line.split()[:SHOWN])
    return ""


def _is_introduction(piece: str) -> bool:
    words = _words(piece)
    if "corporation" not in words:
        return False
    start = words.index("corporation") - 2  # behind the title, which names the licence
    return digest(" ".join(words[max(start, 0) :]).encode()) in INTRODUCTIONS


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
