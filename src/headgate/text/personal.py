"""Personal data in running text: spans of e-mail addresses, phone and card numbers and their like.

Precision comes first: a redaction that eats amounts, dates and order numbers destroys the very
rows that a support model learns from. So a span counts only when it passes the check of its kind:
python-stdnum for IBANs, cards and national numbers, phonenumbers for telephone numbers, ipaddress
for network addresses, detect-secrets for keys. Shapes say where to look; the libraries decide.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.text.doors import DOORS
from headgate.text.national_ids import DENSE, id_spans
from headgate.text.telephone import GROUPS, PHONE, is_phone, is_spoken_phone

PERSONAL = ("url", "email", "iban", "card", "id", "ip", "phone")  # in order of precedence where spans overlap
SECRETS = "secret"  # keys and passwords of services; needs the extra `secrets`
KINDS = (SECRETS, *PERSONAL)
ALL = "personal"  # stands for every kind in PERSONAL
LONGEST_LIST = 10_000  # names
LONGEST_PATTERN = 500  # characters of a pattern given by the user


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of text and what it holds."""

    start: int  # characters
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression with a check that a match must pass."""

    kind: str
    expression: re.Pattern[str]
    check: Callable[[re.Match[str]], bool]
    hinted: bool = True  # holds a digit, an at sign or a double colon, so that texts without them can be passed over

    def spans(self, text: str) -> Iterable[Span]:
        """Spans of this kind, left to right."""
        for match in self.expression.finditer(text):
            if match.start() < match.end() and self.check(match):
                yield Span(match.start(), match.end(), self.kind)


# Quantifiers are bounded as RFC 5321 bounds them, so that a hostile text costs linear time.
EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+%'-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}\b"
)
PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp)$", re.IGNORECASE)  # "logo@2x.png" is a file
URL = re.compile(r"\b[a-z][a-z0-9+]{1,15}://[^\s<>\"'\])}]{0,2000}[^\s<>\"'\])}.,;:!?]", re.IGNORECASE)
SECRET = re.compile(
    r"[?&#;](?:[\w-]{0,20}(?:token|secret|signature|password|passwd|apikey|api[_-]key)|key|sig|pwd|auth|jwt|otp)=[^&#\s]"
    r"|://[^/\s:@]{1,100}:[^/\s@]{1,100}@",
    re.IGNORECASE,
)
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
CARD = re.compile(
    r"(?<![\w.,#/-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3\d{3}([ -]?)\d{6}\2\d{5})(?![\w/-]|[.,]\d)"
)
IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\d)")
HINT = re.compile(r"\d|@|://|::")  # every built-in kind holds one of these; most texts hold none
NUMBERS = frozenset({"iban", "card", "id", "phone"})
NUMBERING = re.compile(r"(?:version|release|build|section|chapter|firmware|driver|§|\bv)\s*\.?$", re.IGNORECASE)


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN: form and length of its country, check digits (ISO 13616)."""
    from stdnum import iban

    return bool(iban.is_valid(text.replace(" ", ""), check_country=False))


def iban_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each IBAN; a short word behind one in fours looks like its last group, and is left out."""
    for match in IBAN.finditer(text):
        found = match.group()
        while found and not is_iban(found):
            found = found.rpartition(" ")[0]
        if found:
            yield match.start(), match.start() + len(found)


def is_card(text: str) -> bool:
    """Whether a text is a payment card number: an issuer range in use, its length, and Luhn."""
    digits = re.sub(r"\D", "", text)
    visa = digits[0] == "4" and len(digits) in (16, 19)
    mastercard = len(digits) == 16 and (51 <= int(digits[:2]) <= 55 or 2221 <= int(digits[:4]) <= 2720)
    amex = len(digits) == 15 and digits[:2] in ("34", "37")
    others = len(digits) in (16, 19) and (digits[:2] in ("35", "62", "64", "65") or digits[:4] == "6011")
    if not (visa or mastercard or amex or others):
        return False
    from stdnum import luhn

    return bool(luhn.is_valid(digits))


def _is_v4(match: re.Match[str]) -> bool:
    if NUMBERING.search(match.string, max(0, match.start() - 12), match.start()):
        return False
    try:
        ipaddress.IPv4Address(match.group())
    except ValueError:
        return False
    return True


def _is_v6(match: re.Match[str]) -> bool:
    # "dead::beef" and "std::" parse as addresses or nearly so; a real one has three groups and a digit, or is ::1.
    text = match.group()
    groups = [part for part in text.split(":") if part]
    if text != "::1" and (len(groups) < 3 or not any(c.isdigit() for c in text)):
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Found:
    """Spans that a library finds by itself."""

    kind: str
    find: Callable[[str], Iterable[tuple[int, int]]]
    hinted: bool = True

    def spans(self, text: str) -> Iterable[Span]:
        """Spans of this kind, in no order."""
        return (Span(start, end, self.kind) for start, end in self.find(text))


Detector = Pattern | Found
BUILT_IN: tuple[Detector, ...] = (
    Pattern("url", URL, lambda match: SECRET.search(match.group()) is not None),
    Pattern("email", EMAIL, lambda match: not PICTURE.search(match.group())),
    Found("iban", iban_spans),
    Pattern("card", CARD, lambda match: is_card(match.group())),
    Found("id", id_spans),
    Pattern("ip", IPV4, _is_v4),
    Pattern("ip", IPV6, _is_v6),
    Pattern("phone", PHONE, is_phone),
    Pattern("phone", GROUPS, is_spoken_phone),
)


def patterns(kinds: Iterable[str] = PERSONAL, custom: Mapping[str, str] | None = None) -> tuple[Detector, ...]:
    """The detectors of the kinds asked for (`personal` is all of them but secrets); those of the user come first.

    Raises:
        Refused: a kind is unknown, or a regular expression does not compile or can match nothing.
        Unavailable: secrets are asked for, and the extra is not installed.
    """
    wanted = {one for kind in kinds for one in (PERSONAL if kind == ALL else (kind,))}
    if unknown := sorted(wanted - set(KINDS)):
        raise Refused("unknown kind of personal data", found=", ".join(unknown), wanted=", ".join((ALL, *KINDS)))
    keys: tuple[Detector, ...] = ()
    if SECRETS in wanted:
        keys = (Found(SECRETS, open_door(DOORS["detect-secrets"]).secret_spans, hinted=False),)
    own = tuple(_own(name, expression) for name, expression in (custom or {}).items())
    return (*own, *keys, *(pattern for pattern in BUILT_IN if pattern.kind in wanted))


def _own(name: str, expression: str) -> Pattern:
    if not re.fullmatch(r"[A-Za-z][\w-]{0,40}", name):
        raise Refused("a name of a pattern is letters, digits and hyphens", found=repr(name))
    if len(expression) > LONGEST_PATTERN:
        raise Refused(
            f"pattern {name!r} is too long", found=f"{len(expression)} characters", wanted=str(LONGEST_PATTERN)
        )
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise Refused(f"pattern {name!r} is not a regular expression", found=f"{expression!r}: {error}") from None
    if compiled.match(""):
        raise Refused(
            f"pattern {name!r} matches the empty text", found=repr(expression), wanted="one character at least"
        )
    return Pattern(name, compiled, lambda _: True, hinted=False)


def names(listed: Iterable[str]) -> tuple[Detector, ...]:
    """A detector of known names of people, as they are written; longer ones win. Names that are not listed stay.

    Raises:
        Refused: more names than can be looked for.
    """
    known = sorted({" ".join(one.split()) for one in listed if one.strip()}, key=lambda one: (-len(one), one))
    if len(known) > LONGEST_LIST:
        raise Refused("too many names", found=f"{len(known):,}", wanted=f"at most {LONGEST_LIST:,}")
    if not known:
        return ()
    words = "|".join(re.escape(one).replace(r"\ ", r"\s+") for one in known)
    return (Pattern("name", re.compile(rf"(?<!\w)(?:{words})(?!\w)"), lambda _: True, hinted=False),)


def personal_spans(text: str, using: Iterable[Detector] = BUILT_IN) -> list[Span]:
    """Spans of personal data, left to right, none overlapping; an earlier pattern wins over a later one."""
    taken: list[Span] = []
    hinted = HINT.search(text) is not None
    dense = hinted and DENSE.search(text) is not None
    for pattern in using:
        if pattern.hinted and not (dense if pattern.kind in NUMBERS else hinted):
            continue
        for span in pattern.spans(text):
            if all(span.end <= other.start or other.end <= span.start for other in taken):
                taken.append(span)
    return sorted(taken)


class Placeholders:
    """What stands in for the values of one conversation: `[EMAIL_1]` wherever the first address is said again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def of(self, kind: str, value: str) -> str:
        """The placeholder of a value; spaces, dots and dashes in a number make no other value of it."""
        plain = re.sub(r"[\s().-]", "", value) if kind in ("phone", "card", "iban", "id") else value
        key = (kind, plain.casefold())
        if key not in self._known:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._known[key] = f"[{kind.upper()}_{self._counts[kind]}]"
        return self._known[key]
