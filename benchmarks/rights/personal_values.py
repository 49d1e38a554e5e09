"""Values about people as people write them, and numbers beside them that are nobody's; drawn, never real.

Check digits are reckoned here and not by the libraries that the detector asks, but for national numbers, whose
generators would be the same two dozen algorithms again.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Callable

Draw = Callable[[random.Random], str]
LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
BIG = LETTERS.upper()

# National and international forms by country: n is any digit, N one from 2 to 9.
PHONES = {
    "US": ["(415) NNn-nnnn", "212-NNn-nnnn", "+1 312 NNn nnnn", "646.NNn.nnnn"],
    "GB": ["020 7nnn nnnn", "07700 9nnnnn", "+44 7911 nnnnnn", "0161 4nn nnnn"],
    "DE": ["030 / 2nnnnnn", "0170 2nnnnnn", "+49 89 5nnnnnn", "0221-9nnnnnn"],
    "FR": ["06 1n nn nn nn", "+33 1 42 nn nn nn", "01.45.nn.nn.nn"],
    "ES": ["+34 612 nnn nnn", "612 nn nn nn", "91 4nn nn nn"],
    "IT": ["+39 347 nnn nnnn", "347 nnn nnnn", "06 4nnn nnnn"],
    "NL": ["06-2nnnnnnn", "+31 20 6nn nnnn", "020-6nnnnnn"],
    "PL": ["+48 601 nnn nnn", "601 nnn nnn"],
    "BR": ["(11) 98nnn-nnnn", "+55 21 98nnn-nnnn"],
    "IN": ["98765 nnnnn", "+91 98200 nnnnn"],
    "AU": ["0412 nnn nnn", "(02) 92nn nnnn", "+61 412 nnn nnn"],
    "SE": ["070-2nn nn nn", "+46 70 2nn nn nn"],
}
IBANS = {
    "DE": "n" * 18, "GB": "NWBK" + "n" * 14, "FR": "n" * 23, "ES": "n" * 20, "NL": "INGB" + "n" * 10,
    "BE": "n" * 12, "PL": "n" * 24, "CH": "n" * 17, "AT": "n" * 16, "NO": "n" * 11,
}  # fmt: skip
# Module of python-stdnum, form, and the word that people put before it.
IDS = {
    "US ssn": ("us.ssn", "[1-5]nn-[1-8]n-[1-9]nnn", "SSN"),
    "GB nino": ("", "AB nn nn nn C", "NI number"),
    "ES dni": ("es.dni", "nnnnnnnnL", "DNI"),
    "IT codice": ("it.codicefiscale", "RSSMRA85T10A562L", "codice fiscale"),
    "FR nir": ("fr.nir", "2 55 08 14 1nn nnn nn", "numéro de sécu"),
    "DE idnr": ("de.idnr", "nn nnn nnn nnn", "Steuer-ID"),
    "NL bsn": ("nl.bsn", "nnnnnnnnn", "BSN"),
    "PL pesel": ("pl.pesel", "8n0[1-9]1nnnnnn", "PESEL"),
    "SE personnummer": ("se.personnummer", "8n0[1-9]1n-nnnn", "personnummer"),
    "BR cpf": ("br.cpf", "nnn.nnn.nnn-nn", "CPF"),
    "CH ahv": ("ch.ssn", "756.nnnn.nnnn.nn", "AHV number"),
    "IN aadhaar": ("in_.aadhaar", "[2-9]nnn nnnn nnnn", "Aadhaar"),
}
SAID = {
    "email": "write to me at", "phone": "my phone number is", "card": "my card is", "iban": "my account is",
    "ip": "I came from", "url": "I used the link", "secret": "the key is",
}  # fmt: skip


def filled(form: str, draw: random.Random) -> str:
    """A form with its places filled."""
    form = re.sub(r"\[(\d)-(\d)\]", lambda m: str(draw.randint(int(m[1]), int(m[2]))), form)
    places = {"n": DIGITS, "N": "23456789", "L": "ABCDEFGHJKLMNPQRSTVWXYZ"}
    return "".join(
        draw.choice(places[one]) if one in places and not _word(form, i) else one for i, one in enumerate(form)
    )


def _word(form: str, at: int) -> bool:
    """Whether a letter stands in a word of the form and is no place, as in NWBK."""
    around = form[max(0, at - 1) : at] + form[at + 1 : at + 2]
    return form[at] in "NL" and any(one.isupper() and one not in "NL" for one in around)


def phone(country: str) -> Draw:
    """A telephone number in a form of a country."""
    return lambda draw: filled(draw.choice(PHONES[country]), draw)


def email(draw: random.Random) -> str:
    """An address in one of the forms that mail servers hand out."""

    def word(least: int, most: int) -> str:
        return some(draw, draw.randint(least, most), LETTERS)

    local = draw.choice(
        [
            f"{word(3, 7)}.{word(4, 9)}",
            f"{word(4, 9)}{draw.randint(1, 99)}",
            f"{word(3, 6)}+{word(3, 5)}",
            f"{word(1, 1)}_{word(4, 8)}",
        ]
    )
    return f"{local}@{word(4, 9)}.{draw.choice(['example', 'com', 'co.uk', 'de', 'org', 'io', 'com.br'])}"


def card(draw: random.Random) -> str:
    """A card number of an issuer, in the spacing of a card."""
    start, length = draw.choice([("4", 16), ("51", 16), ("55", 16), ("34", 15), ("37", 15), ("6011", 16)])
    digits = start + "".join(draw.choice(DIGITS) for _ in range(length - len(start) - 1))
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(digits)))
    digits += str(-total % 10)
    if length == 15:
        return draw.choice([digits, f"{digits[:4]} {digits[4:10]} {digits[10:]}"])
    sign = draw.choice(["", " ", "-"])
    return sign.join(digits[at : at + 4] for at in range(0, 16, 4))


def iban(draw: random.Random) -> str:
    """An account number of a country, whole or in fours."""
    country = draw.choice(sorted(IBANS))
    rest = re.sub("n", lambda _: draw.choice(DIGITS), IBANS[country])
    if country in ("BE", "FR", "ES", "NO", "PL"):
        rest = _national(country, rest)
    number = "".join(str(int(one, 36)) for one in rest + country + "00")
    whole = f"{country}{98 - int(number) % 97:02}{rest}"
    return draw.choice([whole, " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))])


def _national(country: str, rest: str) -> str:
    """Check digits that a country has inside of its account numbers; what it says of them is not checked further."""
    if country == "BE":
        return rest[:10] + f"{int(rest[:10]) % 97 or 97:02}"
    return rest


def identity(scheme: str, draw: random.Random) -> str:
    """A national number that passes its own check."""
    module, form, _ = IDS[scheme]
    check = importlib.import_module(f"stdnum.{module}").is_valid if module else lambda _: True
    for _ in range(100_000):
        value = filled(form, draw)
        if check(value):
            return value
    raise ValueError(scheme)


def ip(draw: random.Random) -> str:
    """An address of either version."""
    if draw.random() < 0.5:
        return ".".join(str(draw.randint(11, 250)) for _ in range(4))
    return ":".join(f"{draw.randint(4096, 65535):x}" for _ in range(8))


def url(draw: random.Random) -> str:
    """A link that lets whoever holds it in."""
    word = "".join(draw.choice(LETTERS + DIGITS) for _ in range(24))
    return draw.choice([f"https://ann:{word}@host.example/a", f"https://shop.example/reset?token={word}",
                        f"https://files.example/o?X-Amz-Signature={word}&x=1"])  # fmt: skip


def secret(draw: random.Random) -> str:
    """A key in the documented form of a service."""
    return draw.choice(
        [
            "AKIA" + some(draw, 16, BIG + "234567"),
            "ghp_" + some(draw, 36),
            "glpat-" + some(draw, 20),
            f"xoxb-{some(draw, 12, DIGITS)}-{some(draw, 12, DIGITS)}-{some(draw, 24)}",
            "sk_live_" + some(draw, 24),
            f"SG.{some(draw, 22)}.{some(draw, 43)}",
            "sk-proj-" + some(draw, 48),
            "sk-ant-api03-" + some(draw, 60),
            f"-----BEGIN RSA PRIVATE KEY-----\n{some(draw, 64)}\n-----END RSA PRIVATE KEY-----",
        ]
    )


def some(draw: random.Random, count: int, of: str = LETTERS + BIG + DIGITS) -> str:
    """So many signs."""
    return "".join(draw.choice(of) for _ in range(count))


def forms(*given: str) -> Draw:
    """Any of some forms, in which a run of n is digits, h is a hexadecimal digit and everything else is itself."""
    return lambda draw: re.sub(
        r"[nh]", lambda one: draw.choice(DIGITS if one[0] == "n" else DIGITS + "abcdef"), draw.choice(given)
    )


def decoys() -> dict[str, Draw]:
    """Numbers and words that a row needs, and that are about nobody; n and h stand for digits."""
    kinds = ("order", "bill", "ticket", "parcel")
    numbers = ("n" * 9, "n" * 10, "n" * 12, "nnn-nnnnnnn-nnnnnnn", "#" + "n" * 8, "nnnnnn-nnnn")
    return {
        "order number": forms(*(f"{kind} {number}" for kind in kinds for number in numbers)),
        "bare number": forms(*("n" * count for count in (6, 8, 9, 10, 11, 13, 16))),
        "amount": forms("$n,nnn,nnn.nn", "1nn nnn nnn euros", "EUR 4n.nnn,nn", "nn,nnn dollars", "3 nnn nnn"),
        "date": forms("202n-1n-1n", "1n.0n.202n 1n:4n", "0n/1n/2n", "202n-1n-1nT1n:2n:3nZ"),
        "version": forms("VERSION 1n.n.n.nn", "v2.1n.nn", "py 3.1n.n", "release 4.n.n.n"),
        "code": forms("ABK-nnnnn", "SKU nnnn-nnnn", "ISBN 978-n-nnn-nnnnn-n", "h" * 40, "RFC nnnn SECTION 4.2.1.3"),
        "measure": forms("nnn x nnn x nnn mm", "0.nnnnnnnnnn", "nnnn-nnnn pages", "nn:nn:nn"),
    }
