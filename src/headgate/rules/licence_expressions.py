"""Licence expressions as people write them: parsed by a library, with the terms of each choice that they leave.

`OR` leaves a choice; what stands beside `AND` and `WITH` binds together. Spellings such as "cc by 4.0" are
understood only where they can mean one identifier and no other. Everything else has no known terms; so has a text
with any sign that no name of a licence has, for it may be a word of a condition, or a letter that only looks the same.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from headgate.kit.errors import Refused
from headgate.rules.licence_terms import NOTHING_KNOWN, Terms, strictest, terms_of

NONE, NOASSERTION = "NONE", "NOASSERTION"
# Words with which people say that they do not know, or that there is nothing.
SAYS_NOTHING = frozenset({"", "unknown", "unspecified", "n/a", "none", "noassertion", "other", "unclear", "not stated"})
OWN = re.compile(r"(?:DocumentRef-[\w.-]+:)?LicenseRef-[\w.-]+", re.IGNORECASE | re.ASCII)
STRANGE = re.compile(r"[^A-Za-z0-9 .,:_/+()-]|\.\.")
SPELLING = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .,_/-]*[A-Za-z0-9])?\.?")
HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2013"), "-")  # as word processors and web pages set them
DEPRECATED = re.compile(r"(?!LicenseRef)[A-Za-z]+-[\w.-]*\d[\w.-]*\+?")  # GPL-2.0+; a bare name is none
OPERATOR = re.compile(r"((?<![\w-])(?:AND|OR|WITH)(?![\w-])|[()])", re.IGNORECASE)  # no part of GPL-2.0-or-later
CHOICES = 64  # beyond so many that differ in terms, which one to take is for a person
PAIRS = 512  # of choices on two sides of AND
LONGEST = 2000  # characters; no expression is longer
NEAREST, FAMILY = 3, 6
WHICH = frozenset({"only", "or", "later", "clause"})  # words that tell members of a family apart, beside numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """One expression: what was written, how it is read, and the terms of each choice."""

    written: str
    canonical: str  # equal for expressions that mean the same; of what cannot be read, its words
    choices: tuple[Terms, ...]
    read_as: str = ""  # where a spelling was understood that is no identifier
    why: str = ""  # why its terms are not known; empty where they are
    unlisted: str = ""  # the word in it that is no identifier

    @property
    def best(self) -> Terms:
        """The least strict choice."""
        return min(self.choices, key=Terms.strictness)


class Unlisted(Refused):
    """A word that is no SPDX identifier; looking for those that are near takes time, and is left to who shows it."""

    def __init__(self, word: str) -> None:
        super().__init__("not an SPDX licence identifier", found=repr(word[:80]))
        self.word = word


@lru_cache(maxsize=4096)
def understood(written: str) -> Licence:
    """A licence as written somewhere; what cannot be read has unknown terms, and says why."""
    try:
        return _read(written)
    except Refused as error:
        found = f" {error.found}" if error.found else ""
        near = f" ({error.wanted})" if error.wanted else ""
        same = " ".join(written.lower().split())
        word = error.word if isinstance(error, Unlisted) else ""
        why = f"{error.what}:{found}{near}"
        return Licence(written=written, canonical=same, choices=(NOTHING_KNOWN,), why=why, unlisted=word)


def read_licence(written: str) -> Licence:
    """A licence expression.

    Raises:
        Refused: it cannot be parsed, or names what is no SPDX identifier; with the nearest identifiers.
    """
    try:
        return _read(written)
    except Unlisted as error:
        raise Refused(error.what, found=error.found, wanted=nearest(error.word)) from None


def _read(written: str) -> Licence:
    text = " ".join(written.split())
    if text.lower() in SAYS_NOTHING:
        name = NONE if text.lower() == "none" else NOASSERTION
        why = f"{text} is no licence" if text else "no licence is stated"
        return Licence(written=written, canonical=name, choices=(NOTHING_KNOWN,), why=why)
    parsed, noted = _parsed(text)
    choices = _choices(parsed)
    own = [key for key in sorted({str(symbol) for symbol in parsed.symbols}) if _terms(key).unknown]
    why = "" if choices else "it leaves too many choices to try them all"
    return Licence(
        written=written,
        canonical=str(parsed.simplify()),
        choices=choices or (NOTHING_KNOWN,),
        read_as=str(parsed) if noted else "",
        why=f"the terms of {', '.join(own)} are not known here" if own else why,
    )


def plain(text: str) -> str:
    """A spelling without what people leave out or add: case, punctuation, "license", "version", final zeros."""
    words = re.sub(r"[^a-z0-9.]+", " ", text.lower())
    for wrong, right in WORDS:
        words = re.sub(rf"\b{wrong}\b", right, words)
    words = re.sub(r"\bv(?=\d)", "", words)
    words = FINAL_ZERO.sub(r"\1", words)
    said = " ".join(words.replace(" . ", " ").split()).strip(". ")
    return f"cc {said}" if said.startswith("by ") else said


FINAL_ZERO = re.compile(r"(?<![\d.])((?=[\d.]*[1-9])\d+(?:\.\d+)*?)\.0\b(?!\.)")  # of 4.0; 0.0 is no 0
WORDS = (
    ("non commercial|noncommercial", "nc"),
    ("no derivatives|noderivatives|no derivs|noderivs", "nd"),
    ("share alike|sharealike", "sa"),
    ("creative commons|creativecommons", "cc"),
    ("attribution", "by"),
    ("open data commons", "odc"),
    ("the|licen[sc]e|licen[sc]ed|under|version|international|unported|generic|public|domain dedication|v", " "),
)
MORE_SPELLINGS = {
    "cc0": "CC0-1.0",
    "cc zero": "CC0-1.0",
    "cc zero 1": "CC0-1.0",
    "academic free 3": "AFL-3.0",
    "boost software 1": "BSL-1.0",
    "community data agreement permissive 2": "CDLA-Permissive-2.0",
    "eclipse 1": "EPL-1.0",
    "eclipse 2": "EPL-2.0",
    "mozilla 2": "MPL-2.0",
    "open government 3": "OGL-UK-3.0",
    "ogl 3": "OGL-UK-3.0",
}


@lru_cache(maxsize=1)
def _library() -> Any:
    """The parser with the identifiers of the SPDX list; `LicenseRef-` names mean nothing beyond their document."""
    from license_expression import LicenseSymbol, Licensing, get_license_index

    symbols = []
    for one in get_license_index():
        key = one.get("spdx_license_key") or ""
        if key and not OWN.match(key):
            others = tuple(each for each in one.get("other_spdx_license_keys") or () if DEPRECATED.fullmatch(each))
            symbols.append(LicenseSymbol(key, aliases=others, is_exception=bool(one.get("is_exception"))))
    return Licensing(symbols)


@lru_cache(maxsize=1)
def _identifiers() -> dict[str, str]:
    """Identifiers by their spelling in lower case."""
    found: dict[str, str] = {}
    for key, symbol in _library().known_symbols.items():
        found |= dict.fromkeys((str(key).lower(), *(str(each).lower() for each in symbol.aliases)), str(key))
    return found


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    """Identifiers by the plain form of their spelling; a form that two of them share stands for neither."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for key in sorted(set(_identifiers().values())):
        form = plain(key)
        if form in found:
            shared.add(form)
        found[form] = key
    return {form: key for form, key in found.items() if form not in shared} | MORE_SPELLINGS


def _parsed(text: str) -> tuple[Any, bool]:
    """The expression, and whether a spelling in it was understood that is no identifier."""
    from license_expression import ExpressionError

    if len(text) > LONGEST:
        raise Refused("not a licence expression", found=f"{len(text):,} characters", wanted="an SPDX expression")
    written, text = text, unicodedata.normalize("NFKC", text).translate(HYPHENS)
    if strange := STRANGE.search(text):
        found = f"{strange.group()!a} in {written[:80]!r}"
        raise Refused("no name of a licence has this sign", found=found, wanted="an SPDX expression")
    meant, noted = _identifier(text)
    if not meant:
        operands = [(each, each if OPERATOR.fullmatch(each) else "") for each in OPERATOR.split(text) if each.strip()]
        pairs = [(operator.upper(), False) if operator else _must_mean(each) for each, operator in operands]
        meant, noted = " ".join(word for word, _ in pairs), any(was for _, was in pairs)
    try:
        return _library().parse(meant, strict=True), noted or text != written
    except (ExpressionError, ValueError, TypeError, AttributeError, IndexError):
        wanted = "an SPDX expression, such as MIT AND CC-BY-4.0"
        raise Refused("not a licence expression", found=repr(text[:80]), wanted=wanted) from None


def _identifier(text: str) -> tuple[str, bool]:
    """The identifier that a text is or means, and whether it was another spelling; empty where there is none."""
    known = _identifiers()
    name, later = text.strip().lower(), text.strip().endswith("+")
    if name in known:
        return known[name], False
    if later and name[:-1] in known:
        return known[name[:-1]] + "+", False
    if name.upper() in (NONE, NOASSERTION):
        return name.upper(), False
    if OWN.fullmatch(text.strip()):
        return text.strip(), False
    meant = _spellings().get(plain(text), "") if SPELLING.fullmatch(text.strip()) else ""
    return meant, bool(meant)


def _must_mean(text: str) -> tuple[str, bool]:
    meant, noted = _identifier(text)
    if not meant:
        raise Unlisted(text.strip())
    return meant, noted


def _terms(key: str) -> Terms:
    """Terms of a licence; what an exception beside it allows is not counted on."""
    return terms_of(key.partition(" WITH ")[0])


def _choices(node: Any) -> tuple[Terms, ...]:
    """Terms of each choice, those that are equal once; none where there are too many to try."""
    if not hasattr(node, "operator"):
        return (_terms(str(node)),)
    below = [_choices(each) for each in node.args]
    if not all(below):
        return ()
    found = below[0]
    for more in below[1:]:
        if type(node).__name__ == "OR":
            found = tuple(dict.fromkeys(found + more))
        elif len(found) * len(more) <= PAIRS:
            found = tuple(dict.fromkeys(strictest(pair) for pair in product(found, more)))
        else:
            return ()
    return found if len(found) <= CHOICES else ()


@lru_cache(maxsize=1)
def _forms() -> dict[str, str]:
    """Identifiers by a plain form, with those whose forms are shared."""
    return {plain(key): key for key in sorted(set(_identifiers().values()))}


def identifiers_of(written: str) -> set[str]:
    """The identifiers of the SPDX list in an expression; names of texts of one's own are none.

    Raises:
        Refused: it cannot be parsed.
    """
    if read_licence(written).canonical in (NONE, NOASSERTION):
        return set()
    parsed, _ = _parsed(" ".join(written.split()))
    keys = {str(each) for symbol in parsed.symbols for each in symbol.decompose()}
    return {key for key in keys if key in _library().known_symbols}


def leaves_a_choice(written: str) -> bool:
    """Whether an expression is a choice between licences, so that the text of one is enough."""
    return type(_parsed(" ".join(written.split()))[0]).__name__ == "OR"


def nearest(word: str) -> str:
    """In words, the identifiers of a family of licences, or those spelled most like a word; some milliseconds."""
    if family := _family(plain(word)):
        return "one of " + ", ".join(family)
    forms = _forms()
    near = difflib.get_close_matches(plain(word), forms, n=NEAREST, cutoff=0.6)
    return "nearest: " + ", ".join(forms[form] for form in near) if near else "an SPDX identifier"


def _family(form: str) -> list[str]:
    """Identifiers that are a name and a version, newest first: of "gpl" GPL-3.0-only, GPL-3.0-or-later and older."""
    wanted = re.sub(r"(?<=[a-z])(?=\d)", " ", form).split()
    found = []
    for key in {str(key) for key in _library().known_symbols}:
        words = plain(key).split()
        rest = words[len(wanted) :]
        numbers = [word for word in words if re.fullmatch(r"[\d.]+", word)]
        if wanted and words[: len(wanted)] == wanted and numbers and rest and not set(rest) - WHICH - set(numbers):
            found.append(([-int(part) for part in numbers[0].split(".")], key))
    return [key for _, key in sorted(found)][:FAMILY]
