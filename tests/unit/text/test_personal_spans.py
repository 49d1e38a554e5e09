"""Personal data in running text: what is found, and above all what is left alone."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.text.personal import is_card, is_iban, patterns, personal_spans


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in personal_spans(text)]


@pytest.mark.parametrize(
    ("kind", "inner"),
    [
        ("email", "jane.o'neil+shop@mail.example.co.uk"),
        ("phone", "+44 20 7946 0958"),
        ("phone", "+49 (0)30 123456 78"),
        ("phone", "+1 (555) 555-5555"),
        ("phone", "(415) 555-0132"),
        ("phone", "415-555-0132"),
        ("phone", "415.555.0132"),
        ("phone", "1-800-555-1234"),
        ("phone", "020 7946 0958"),
        ("phone", "030/1234567"),
        ("phone", "06 12 34 56 78"),
        ("phone", "0170-1234567"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB29NWBK60161331926819"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5500-0000-0000-0004"),
        ("card", "378282246310005"),
        ("ip", "192.168.0.12"),
        ("ip", "2001:0db8:85a3::8a2e:0370:7334"),
        ("ip", "::1"),
        ("url", "https://shop.example/reset?user=3&token=abc123"),
        ("url", "https://ann:secret@host.example/a"),
        ("url", "https://s3.example/o?X-Amz-Signature=12ab&x=1"),
    ],
)
def test_finds(kind: str, inner: str) -> None:
    """Each kind is found whole, in the middle of a sentence and at its end."""
    assert found(f"it is {inner} they said") == [(kind, inner)]
    assert found(f"it is {inner}.") == [(kind, inner)]
    assert found(inner) == [(kind, inner)]


@pytest.mark.parametrize(
    "text",
    [
        "I paid $1,234,567.89 on 2026-11-21 at 14:30:05",
        "1 234 567 890 euros and 12.345.678,90 EUR",
        "from 467 000 - 450 000 people",
        "order 415-555-0132 has not arrived",
        "Order number 4929123456789012 is late",
        "my order #20261121-0042 and invoice 0170 1234567",
        "on 01.02.2026 10:30 or 01/02/2026 or 21.11.26",
        "ticket 123456789012, account number 987654321",
        "version 10.2.3.4 and v1.2.3.4 of section 1.2.3.4",
        "999.1.1.1 and 1.2.3 and 1.2.3.4.5",
        "std::vector and dead::beef at 12:30:45",
        "https://shop.example/list?page=2&sort=price",
        "the file logo@2x.png and @handle and a @ b",
        "ISBN 978-3-16-148410-0",
        "val2017/000000039769.jpg",
        "DE89 3704 0044 0532 0130 01 is no account",
        "card 4111 1111 1111 1112 fails the check",
        "3.14159265358979 and 0.1234567890",
        "2^31-1 = 2147483647",
        "100-200-3000 metres and 50-100 000 000",
    ],
)
def test_leaves_alone(text: str) -> None:
    """Amounts, dates, times, order numbers, versions and near misses stay as they are."""
    assert found(text) == []


@pytest.mark.parametrize(
    "inner",
    [
        "123-45-6789",  # United States
        "QQ 12 34 56 C".replace("QQ", "AB"),  # United Kingdom
        "12345678Z",  # Spain
        "X1234567L",
        "RSSMRA85T10A562S",  # Italy
        "2 55 08 14 168 025 38",  # France
        "111.444.777-35",  # Brazil
        "756.9217.0769.85",  # Switzerland
        "811228-9874",  # Sweden
        "131052-308T",  # Finland
        "11010519491231002X",  # China
    ],
)
def test_finds_national_numbers(inner: str) -> None:
    """By shape and check digits; with another check digit it is no such number."""
    assert found(f"it is {inner}.") == [("id", inner)]


@pytest.mark.parametrize(
    ("words", "inner"),
    [
        ("my BSN is ", "111222333"),
        ("Steuer-ID: ", "36 574 261 809"),
        ("PESEL ", "44051401359"),
        ("aadhaar no. ", "2341 2341 2346"),
        ("my SIN is ", "123 456 782"),
        ("call me on ", "612 345 678"),
        ("mobile: ", "98765 43210"),
    ],
)
def test_bare_groups_of_digits_want_a_word_before_them(words: str, inner: str) -> None:
    """The same digits behind the word order, or behind none, stay."""
    assert [text for _, text in found(words + inner)] == [inner]
    assert found(f"order {inner} came") == []
    assert found(f"it was {inner} in all") == []


def test_a_word_behind_an_account_number_is_no_part_of_it() -> None:
    """A capital after a number in fours looks like one more group."""
    assert found("DE89 3704 0044 0532 0130 00 I PAID it") == [("iban", "DE89 3704 0044 0532 0130 00")]


def test_secrets_are_found_whole() -> None:
    """Keys of services, and a private key to its last line; hashes and long words are none."""
    using = patterns(["secret"])
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"
    for inner in (key, "ghp_" + "a1B2" * 9, "AKIAIOSFODNN7EXAMPLE"):
        text = f"use {inner} now"
        assert [text[one.start : one.end] for one in personal_spans(text, using)] == [inner]
    for text in (
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "Donaudampfschifffahrtsgesellschaft 20261121T120000",
    ):
        assert personal_spans(text, using) == []


def test_words_before_decide_on_bare_digits() -> None:
    """Bare digits are a telephone number where the text says so, and an order number where it says that."""
    assert found("call me on 4155550132") == [("phone", "4155550132")]
    assert found("my order is 4155550132") == []


def test_overlap_goes_to_the_earlier_kind() -> None:
    """An address inside a link with a token is covered by the link."""
    text = "see https://x.example/?mail=a@b.example&token=1 now"
    assert [kind for kind, _ in found(text)] == ["url"]


def test_own_patterns() -> None:
    """A pattern of the user is found first and counted under its name."""
    own = patterns(["email"], {"order": r"ORD-\d{6}"})
    spans = personal_spans("ORD-123456 from a@b.example and 192.168.0.1", own)
    assert [span.kind for span in spans] == ["order", "email"]


@pytest.mark.parametrize(
    ("kinds", "custom"),
    [(["mail"], {}), ([], {"a": "("}), ([], {"a": "x*"}), ([], {"a b": "x"}), ([], {"a": "x" * 600})],
)
def test_refuses_bad_patterns(kinds: list[str], custom: dict[str, str]) -> None:
    """Unknown kinds and expressions that do not compile or match nothing are refused."""
    with pytest.raises(Refused):
        patterns(kinds, custom)


def test_checksums() -> None:
    """Check digits of the two standards, on their own published examples."""
    assert (is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")) == (True, False)
    assert (is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB82 WEST 1234 5698 7654 33")) == (True, False)


def test_hostile_text_ends() -> None:
    """Long runs that almost match are read to their end and hold nothing."""
    for piece in ("a" * 20000, "1 " * 20000, "a." * 20000, ":" * 20000, "0-" * 20000, "A1" * 20000, "x@" * 20000):
        assert found(piece) == []
