"""Terms written in several ways: keys by hash, uses with their neighbours, and which ways are one term."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.text import tape as tapes
from headgate.text.tape import mixed, tape_of, word_hash
from headgate.text.term_forms import Form, term_forms
from headgate.text.terms import ASIDE, CODE, COUNTED, TermUses, keys_in, term_uses, unmixed


def read(texts: list[str], prompts: list[str] | None = None, least: int = 1) -> TermUses:
    """Every use of the terms of some texts."""
    tape = tape_of(texts)
    return term_uses(tape, (prompts or [""] * len(texts)).__getitem__, keys_in(tape, least))


def told(texts: list[str], prompts: list[str] | None = None, **more: object) -> list[tuple[str, str, int, int]]:
    """Ways of writing, what stands for them, and how often each is used."""
    forms = term_forms(read(texts, prompts, 3), **{"least": 3, "rate": 0.01, **more})  # type: ignore[arg-type]
    return [(one.wrong, one.right, len(one.uses), one.right_count) for one in forms]


def test_the_finaliser_is_taken_back() -> None:
    """What was mixed is what it was."""
    values = np.random.default_rng(1).integers(0, 1 << 63, 1000, dtype=np.uint64)
    assert np.array_equal(values, unmixed(mixed(values)))


def test_three_ways_of_writing_have_one_key() -> None:
    """The key is the hash of the solid word, and the cut says where two parts meet."""
    keys = keys_in(tape_of(["an e-mail", "the email", "one e mail or e-mail"]), 1)
    assert [word_hash("email")] == keys.hashes.tolist()
    assert [1] == keys.cuts.tolist()


def test_uses_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tape that is read in many pieces gives what one that is read at once gives."""
    texts = [
        f"Text {n}: an {way} for you, PayPal or paypal." for n in range(30) for way in ("email", "e-mail", "e mail")
    ]
    whole = read(texts)
    monkeypatch.setattr(tapes.Tape.parts, "__defaults__", (20,))
    parts = read(texts)
    assert 270 == len(whole.form)
    for name in ("texts", "spans", "before", "after", "form", "kind"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write an e-mail.", COUNTED),
        ("E-mail works", COUNTED),
        ("the e-mail's text", COUNTED),
        ("see `e-mail` here", CODE),
        ("set $e-mail now", CODE),
        ("call e-mail(x)", CODE),
        ('say "e-mail" here', ASIDE),
        ("AN E-MAIL CAME", ASIDE),
        ("at www.e-mail.com", ASIDE),
        ("to e-mail@example.com", ASIDE),
        ("in files/e-mail now", ASIDE),
        ("é says e-mail — now", COUNTED),
    ],
)
def test_what_a_use_is(text: str, kind: int) -> None:
    """Prose counts; code, quotations, addresses and capitals do not."""
    found = read([text, "email"])
    assert [kind, COUNTED] == found.kind.tolist()


@pytest.mark.parametrize(
    ("prompt", "written", "kind"),
    [("my E-Mail?", "e-mail", ASIDE), ("my email?", "e-mail", COUNTED), ("to PayPal", "paypal", COUNTED),
     ("to paypal", "Paypal", ASIDE), ("a blue-mail?", "e-mail", COUNTED)],
)  # fmt: skip
def test_the_way_of_the_prompt(prompt: str, written: str, kind: int) -> None:
    """A use that repeats its prompt does not count; where capitals make the way they are compared."""
    texts = [f"Your {written} here.", "email, e-mail, PayPal, paypal"]
    found = read(texts, [prompt, ""])
    assert kind == int(found.kind[0])


def test_a_chain_of_hyphens_is_no_pair() -> None:
    """State-of-the-art is one term of four words."""
    assert [] == list(read(["up-down-date", "updown", "downdate"], least=1).forms)


def test_the_majority_is_the_norm_and_ties_are_told_the_same_way() -> None:
    """The way that more uses have stands for the other."""
    assert [("e-mail", "email", 4, 9)] == told(["We got an e-mail today."] * 4 + ["We got an email today."] * 9)
    assert [("email", "e-mail", 4, 4)] == told(["We got an email today."] * 4 + ["We got an e-mail today."] * 4)


def test_a_space_counts_only_where_the_other_stands_too() -> None:
    """The same word after, and the same small word before."""
    texts = ["This is real-time data."] * 9 + ["This is real time data."] * 3 + ["You see it in real time."] * 20
    assert [("real time", "real-time", 3, 9)] == told(texts)


def test_a_comma_tells_nothing() -> None:
    """Before a comma a compound and a noun look alike."""
    assert [] == told(["The long-term, dear plan."] * 9 + ["In the long term, we see the long term, too."] * 9)


def test_names_are_left_alone_unless_somebody_writes_them_small() -> None:
    """Of Mary-Jane nobody knows; Wi-Fi is a thing."""
    people = ["Ask Mary-Jane today."] * 5 + ["Ask Mary Jane today."] * 5 + ["Ask Annemarie or Anne-Marie today."] * 5
    assert [] == told(people)
    assert [("wifi", "Wi-Fi", 3, 18)] == told(["The Wi-Fi is on. The wi-fi works."] * 9 + ["The wifi is on."] * 3)


def test_names_of_two_parts_are_shown_with_their_capitals() -> None:
    """What is proposed for a name is a name."""
    texts = ["We use Hugging Face here."] * 9 + ["We use HuggingFace here."] * 3
    assert [("HuggingFace", "Hugging Face", 3, 9)] == told(texts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("We co-operate here.", "We cooperate here."),
        ("We re-sign it.", "We resign it."),
        ("Ask McKay now.", "Ask Mckay now."),
        ("My BlackBerry is new.", "My blackberry is new."),
        ("This is userName here.", "This is username here."),
        ("We use Salesforce here.", "We use sales force here."),
        ("Please log in now.", "Please login now."),
        ("It comes every day now.", "It comes everyday now."),
        ("Your table is new.", "Your t able is new."),
        ("The emails are new.", "The email is new."),
    ],
)
def test_what_is_no_other_way_of_writing(one: str, other: str) -> None:
    """Countries, people, fruit, identifiers, brands, verbs, adverbs, slips and plurals."""
    assert [] == told([one] * 9 + [other] * 9)


def test_an_identifier_is_left_alone() -> None:
    """A fifth of the uses in code is enough."""
    texts = ["A DataFrame is fine."] * 8 + ["A dataframe is fine."] * 8
    assert [("dataframe", "DataFrame", 8, 8)] == told(texts)
    assert [] == told([*texts, *["Call `DataFrame` or DataFrame(x)."] * 3])


def test_a_listed_way_is_right_however_rare() -> None:
    """Or not used at all; what may be written in any way is not told."""
    texts = ["We got an e-mail today."] * 4 + ["We got an email today."] * 9
    assert [("email", "e-mail", 9, 4)] == told(texts, prefer=["e-mail"])
    assert [] == told(texts, keep=["e mail"])


def test_once_in_each_of_two_texts_is_no_habit() -> None:
    """Texts count and not uses."""
    assert [] == told(["We got an e-mail today. We got an e-mail today."] * 2 + ["We got an email today."] * 9)
    assert [Form] == [type(one) for one in term_forms(read(["An e-mail."] * 3 + ["An email."] * 4), least=3, rate=0.1)]


def test_nothing_is_found_in_nothing() -> None:
    """No text, empty texts and other scripts."""
    assert [] == told([])
    assert [] == told(["", " ", "東京の天気", "\ud800-a b"])
