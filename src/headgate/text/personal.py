"""Personal data in running text: spans of e-mail addresses, phone and card numbers and their like.

Precision comes first: a redaction that eats amounts, dates and order numbers destroys the very
rows that a support model learns from. So a span counts only when it passes the check of its kind
(Luhn for cards, modulus 97 and length for IBANs, parsing for network addresses, groups and
surroundings for phone numbers).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from headgate.kit.errors import Refused
from headgate.text.telephone import PHONE, is_phone

KINDS = ("url", "email", "iban", "card", "ip", "phone")  # in order of precedence where spans overlap
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
NUMBERING = re.compile(r"(?:version|release|build|section|chapter|firmware|driver|§|\bv)\s*\.?$", re.IGNORECASE)

# Length of the IBAN by country, from the SWIFT registry (release 97).
IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL", "19": "MK SI", "20": "AT BA EE KZ LT LU XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS", "23": "AE GI IL IQ TL OM",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO EG GT HU LB NI PL SV", "29": "BR PS QA UA", "30": "JO KW MU", "31": "MT SC", "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def luhn(digits: str) -> bool:
    """Whether a string of digits ends in its Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN: length of its country and modulus 97 (ISO 13616)."""
    packed = text.replace(" ", "")
    if IBAN_LENGTHS.get(packed[:2]) != len(packed):
        return False
    return int("".join(str(int(c, 36)) for c in packed[4:] + packed[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether a text is a payment card number: an issuer range in use, its length, and Luhn."""
    digits = re.sub(r"\D", "", text)
    visa = digits[0] == "4" and len(digits) in (16, 19)
    mastercard = len(digits) == 16 and (51 <= int(digits[:2]) <= 55 or 2221 <= int(digits[:4]) <= 2720)
    amex = len(digits) == 15 and digits[:2] in ("34", "37")
    others = len(digits) in (16, 19) and (digits[:2] in ("35", "62", "64", "65") or digits[:4] == "6011")
    return (visa or mastercard or amex or others) and luhn(digits)


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


BUILT_IN = (
    Pattern("url", URL, lambda match: SECRET.search(match.group()) is not None),
    Pattern("email", EMAIL, lambda match: not PICTURE.search(match.group())),
    Pattern("iban", IBAN, lambda match: is_iban(match.group())),
    Pattern("card", CARD, lambda match: is_card(match.group())),
    Pattern("ip", IPV4, _is_v4),
    Pattern("ip", IPV6, _is_v6),
    Pattern("phone", PHONE, is_phone),
)


def patterns(kinds: Iterable[str] = KINDS, custom: Mapping[str, str] | None = None) -> tuple[Pattern, ...]:
    """The patterns of the kinds asked for; those of the user come first.

    Raises:
        Refused: a kind is unknown, or a regular expression does not compile or can match nothing.
    """
    wanted = set(kinds)
    if unknown := sorted(wanted - set(KINDS)):
        raise Refused("unknown kind of personal data", found=", ".join(unknown), wanted=", ".join(KINDS))
    own = tuple(_own(name, expression) for name, expression in (custom or {}).items())
    return (*own, *(pattern for pattern in BUILT_IN if pattern.kind in wanted))


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


def personal_spans(text: str, using: Iterable[Pattern] = BUILT_IN) -> list[Span]:
    """Spans of personal data, left to right, none overlapping; an earlier pattern wins over a later one."""
    taken: list[Span] = []
    hinted = HINT.search(text) is not None
    for pattern in using:
        if pattern.hinted and not hinted:
            continue
        for span in pattern.spans(text):
            if all(span.end <= other.start or other.end <= span.start for other in taken):
                taken.append(span)
    return sorted(taken)


def placeholder(kind: str) -> str:
    """What stands in for a span, such as `[EMAIL]`."""
    return f"[{kind.upper()}]"
