"""Words as a reader sees them: nothing that is invisible, and look-alikes as what they look like."""

from __future__ import annotations

import pytest

from headgate.text.disguises import CYRILLIC, GREEK
from headgate.text.guards import guard_keys
from headgate.text.kernels import SETTING
from headgate.text.ngrams import character_ngrams, exact_hashes
from headgate.text.tape import tape_of

PLAIN = "Why was I charged twice for one ticket of 20 euros?"
CYRILLIC_LETTERS = str.maketrans({latin: other for other, latin in CYRILLIC.items()})
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x30, 0x7B) if chr(code).isalnum()})
BOLD = str.maketrans({chr(code): chr(code - 0x61 + 0x1D41A) for code in range(0x61, 0x7B)})


@pytest.fixture(params=["plain", "compiled"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, request.param)


@pytest.mark.parametrize(
    "disguised",
    [
        "\u200b".join(PLAIN),
        "\ufe0f".join(PLAIN),
        "\u00ad".join(PLAIN) + "\u2060",
        "\u202e" + PLAIN + "\u202c",
        PLAIN.translate(CYRILLIC_LETTERS),
        PLAIN.translate(WIDE),
        PLAIN.translate(BOLD),
    ],
    ids=["space of no width", "variation selectors", "soft hyphens", "direction", "Cyrillic", "wide", "bold"],
)
def test_a_disguised_text_has_the_same_words(disguised: str) -> None:
    """In whole, as runs of characters, and in what guards look at; each word still knows its place."""
    tape = tape_of([PLAIN, disguised])
    assert tape.words_of(0).tolist() == tape.words_of(1).tolist()
    assert 1 == len(set(exact_hashes(tape).tolist()))
    assert 1 == len(set(guard_keys(tape).tolist()))
    grams = character_ngrams(tape, 5)
    assert set(grams.of(0).tolist()) == set(grams.of(1).tolist())
    first = tape.quote(1, 0, 1)
    assert disguised[int(tape.starts[int(tape.offsets[1])]) :].startswith(first)
    assert (first[0], first[-1]) == (first.strip("\u200b\ufe0f\u00ad\u202e")[0], first.strip("\u200b\ufe0f\u00ad")[-1])


def test_numbers_in_wide_digits_keep_rows_apart() -> None:
    """As those in plain digits do."""
    keys = guard_keys(tape_of(["返金は２０ユーロです", "返金は３５ユーロです", "返金は20ユーロです"])).tolist()
    assert keys[0] == keys[2]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("letters", [CYRILLIC, GREEK], ids=["Cyrillic", "Greek"])
def test_no_two_letters_of_an_alphabet_become_one(letters: dict[str, str]) -> None:
    """Words of it stay different words."""
    assert len(letters) == len(set(letters.values()))


def test_words_of_other_alphabets_stay_apart() -> None:
    """Letters with other accents, and words with other letters, are other words."""
    words = tape_of(["сор сыр сор", "ano año", "νόμος νομός"]).words
    assert 6 == len(set(words.tolist()))
