"""`text.repairs`: what each change of manner does, and what none of them touches."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.text import manners, slips
from headgate.text.labels_kept import doubtful_labels
from headgate.text.manners import By
from headgate.text.repairs import BY_NAME, OPERATORS, Models, models_of, rate_of
from headgate.text.untouchable import fixed_parts, label_of

REAL = [
    "hi can you tell me where my card is",
    "i want to know why my transfer didnt arrive, its been 3 days",
    "whats the exchange rate for euros",
    "how do i top up pls",
    "my card was declined and im at the shop",
    "where is my acount statement",
    "u charged me twice",
    "can u refund me",
    "Please help me with my card",
    "I'm waiting for a payment.",
] * 3


@pytest.fixture(scope="module")
def models() -> Models:
    """Fitted to prompts as people type them."""
    return models_of(REAL)


def by(models: Models, seed: str, answer: str = "") -> By:
    """One seed, one draw."""
    return By(seed, models.fitted, random.Random(0), label_of(answer))


@pytest.mark.parametrize(
    ("operator", "seed", "before", "after"),
    [
        ("plain-signs", "where is it", "It’s late — isn’t it…", "It's late - isn't it..."),
        ("greetings", "where is my card", "Hello, Where is my card?", "Where is my card?"),
        ("greetings", "where is my card", "Hi there! i lost it", "I lost it"),
        ("greetings", "hi, where is my card", "Where is it?", "hi, Where is it?"),
        ("greetings", "where is my card", "Hello Kitty toys", "Hello Kitty toys"),
        ("closings", "where is it", "Could you please help me with this? Where is it? Thank you.", "Where is it?"),
        ("closings", "where is it. thanks!", "Where is it? Thank you.", "Where is it? Thank you."),
        ("closings", "where is it", "Thank you for your help.", "Thank you for your help."),
        ("asking", "where is it", "Could you please tell me where it is?", "Where it is?"),
        ("asking", "where is it", "I would like to know why it failed.", "Why it failed."),
        ("asking", "can you send it", "Find a flight to Rome.", "can you find a flight to Rome."),
        ("asking", "can you send it", "What is the rate?", "can you tell me what is the rate?"),
        ("asking", "can you send it", "My card is lost.", "My card is lost."),
        ("please", "send it", "Please send it.", "Send it."),
        ("please", "send it", "Send it, please. Thank you.", "Send it."),
        ("please", "send it please", "Find it.", "Find it please."),
        ("please", "pls send it", "Find it.", "pls find it."),
        ("run-on", "a b", "My card is lost. My phone too. Help.", "My card is lost my phone too help."),
        ("commas", "a b", "Well, I lost it, yesterday", "Well I lost it yesterday"),
        ("exclamations", "a b", "Help me!!", "Help me."),
        ("final-mark", "where is it", "Where is it?", "Where is it"),
        ("final-mark", "Where is it?", "Where is that", "Where is that?"),
        ("final-mark", "Send it.", "Where is that", "Where is that"),
        ("casing", "where is it", "Where Is My Card? I need IBAN AB", "where is my card? i need IBAN AB"),
        ("casing", "where is John", "Where is John", "where is John"),
        ("casing", "i am John", "I lost it and I cry", "i lost it and i cry"),
        ("casing", "Where is it", "where is it", "Where is it"),
        ("cut", "where is it", "I am late. My flight is AB12.", "I am late. My flight is AB12."),
        ("cut", "where is it", "My flight is AB12. I am sad. It rains.", "My flight is AB12."),
    ],
)  # fmt: skip
def test_a_change_imitates_its_seed(models: Models, operator: str, seed: str, before: str, after: str) -> None:
    """Each manner is taken over from the seed, or left alone where the text is of another kind."""
    done = BY_NAME[operator].change(before, by(models, seed)).strip()
    assert after == done


def test_a_comma_beside_a_value_stays(models: Models) -> None:
    """Commas part values; only those among other words go."""
    done = manners.commas("Well, compare 12, 24, 36, then stop", by(models, "a b"))
    assert "Well compare 12, 24, 36, then stop" == done


def test_a_comma_list_of_the_answer_stays(models: Models) -> None:
    """Words of the answer are values as well."""
    done = manners.commas("Fly me to Rome, Milan, Turin", by(models, "a b", '{"to": ["Rome", "Milan", "Turin"]}'))
    assert "Fly me to Rome, Milan, Turin" == done


def test_rates_are_those_of_the_real_texts(models: Models) -> None:
    """Contractions lose their apostrophes, words are shortened and mistyped, as often as fitted."""
    fitted = models.fitted
    assert 0.5 < fitted.bare < 1
    assert {"please", "you"} == set(fitted.short)
    assert 0 < fitted.slips.rate < 0.05
    assert slips.OMITTED == max(fitted.slips.kinds, key=fitted.slips.kinds.__getitem__)
    texts = [f"I'm not sure that you know what's with order {n}" for n in range(400)]
    bare = [manners.apostrophes(text, By("", fitted, random.Random(n), label_of(""))) for n, text in enumerate(texts)]
    assert abs(sum("Im " in text for text in bare) / 400 - fitted.bare) < 0.1


def test_slips_are_made_at_the_given_rate_and_spare_the_answer() -> None:
    """At a rate of one every plain word is mistyped, but no word of the answer, no name, no negation."""
    every = slips.Slips(1.0, dict.fromkeys(slips.SLIPS, 1 / len(slips.SLIPS)))
    fitted = manners.Fitted({}, 0.0, {}, every, frozenset())
    said = "where might Chicago deliveries never without transfer"
    done = manners.slip(said, By("", fitted, random.Random(1), label_of("transfer_failed")))
    words = dict(zip(said.split(), done.split(), strict=True))
    assert [True, True, True] == [words[word] != word for word in ("where", "might", "deliveries")]
    assert ["Chicago", "never", "without", "transfer"] == [
        words[word] for word in ("Chicago", "never", "without", "transfer")
    ]


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Pay $5,000 to 'Big Apple' by 3/4.", ["$5,000", "'Big Apple'", "3/4"]),
        ("Run `rm -rf x` on www.a.org/b, not a_b.", ["`rm -rf x`", "www.a.org/b", "not", "a_b"]),
        ("It isn't John's; don't, I cannot: two.", ["isn't", "don't", "cannot", "two"]),
        ("use math.sqrt or getUser({x}) [1, 2]", ["math.sqrt", "getUser", "{x}", "[1, 2]"]),
        ("A card arrived", ["card", "arrived"]),
        ("fly to Chicago, chicago", ["Chicago", "chicago"]),
    ],
)
def test_what_stays(text: str, stays: list[str]) -> None:
    """Numbers, quotations, code, addresses, negations, words of the answer and words that begin like them."""
    assert stays == fixed_parts(text, label_of("card_arrival Chicago"))


SAID = (
    "Hello, Hi there! Could you please tell me where my card is. don't not 12 $5 3.5% 'Big Apple' `x_y` a_b I'm I am "
    "What is Thank you! Please Chicago two, never and, IBAN https://a.b/c?d=1 “Quoted Text” e.g. {name}"
)
TOKENS = st.sampled_from(SAID.split())


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(TOKENS, min_size=1, max_size=20), st.integers(0, 10**6), st.sampled_from(["", "Chicago", "card_lost"]))
def test_no_operator_touches_what_stays(words: list[str], key: int, answer: str) -> None:
    """Whatever the text, the seed and the operators: the parts that stay stand there in their order."""
    text = " ".join(words)
    models = models_of(REAL)
    out = models.repaired(text, answer=answer, shares=dict.fromkeys(BY_NAME, 1.0), key=str(key))
    assert fixed_parts(text, label_of(answer)) == fixed_parts(out.text, label_of(answer))
    assert out == models.repaired(text, answer=answer, shares=dict.fromkeys(BY_NAME, 1.0), key=str(key))
    assert bool(out.done) == (out.text != text)


def test_without_operators_nothing_changes(models: Models) -> None:
    """A share of nothing is nothing, and an empty text stays empty."""
    for text in ("Hello, where is my card?", "", "  "):
        assert text == models.repaired(text, answer="", shares={}, key="1").text


def test_operators_have_rates() -> None:
    """Each knows how many texts show what it brings about."""
    rates = {one.name: rate_of(one, ["hi, im here", "Where is it? Thanks."]) for one in OPERATORS}
    assert (0.5, 0.5, 0.5, 0.5) == tuple(rates[name] for name in ("greetings", "closings", "apostrophes", "casing"))


def test_a_text_that_says_something_else_is_doubtful() -> None:
    """Manners left out keep the label; another topic does not, nor do the words of the label that are gone."""
    import numpy as np

    texts = [f"my card {n} was stolen in the park" for n in range(9)]
    texts += [f"what is the exchange rate of euro {n}" for n in range(9)]
    changed = ["my card was stolen", *texts[1:16], "what is it", "the card was stolen"]
    found = doubtful_labels(texts, changed, np.repeat([0, 1], 9).astype(np.int64))
    assert [17] == [place for place in np.flatnonzero(found).tolist() if place != 16]


def test_a_change_that_is_wrong_for_a_whole_label_is_doubtful_for_each() -> None:
    """What all texts of a label were turned into does not become what the label means."""
    import numpy as np

    texts = [f"my card {n} was stolen in the park" for n in range(9)]
    texts += [f"what is the exchange rate of euro {n}" for n in range(9)]
    changed = [*texts[:9], *("my card was stolen in the park" for _ in range(9))]
    found = doubtful_labels(texts, changed, np.repeat([0, 1], 9).astype(np.int64))
    assert list(range(9, 18)) == np.flatnonzero(found).tolist()


def test_a_text_far_from_a_guessed_label_is_left_alone() -> None:
    """It was nearer to the other label before, which says that the guess was wrong and not the change."""
    import numpy as np

    texts = [f"my card {n} was stolen in the park" for n in range(9)]
    texts += [*(f"what is the exchange rate of euro {n}" for n in range(8)), "my card was stolen at that rate"]
    changed = [*texts[:17], "my card was stolen"]
    labels = np.repeat([0, 1], 9).astype(np.int64)
    assert [17] == np.flatnonzero(doubtful_labels(texts, changed, labels)).tolist()
    assert [] == np.flatnonzero(doubtful_labels(texts, changed, labels, guessed=True)).tolist()


def test_one_label_is_never_doubtful() -> None:
    """Where all texts have one label there is no other to be nearer to."""
    import numpy as np

    assert not doubtful_labels(["where is it"] * 6, ["what"] * 6, np.zeros(6, dtype=np.int64)).any()
