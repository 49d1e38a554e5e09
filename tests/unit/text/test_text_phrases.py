"""House phrases: over-used runs of words, how far chance goes, and in whose hands they are."""

from __future__ import annotations

import random

import numpy as np

from headgate.text.phrases import Phrase, fluent, hands, telling_phrases
from headgate.text.tape import Positions, tape_of

WORDS = "the a we you it can see find send parcel bill day week soon here there and or with for".split()  # noqa: SIM905


def texts(count: int, seed: int) -> list[str]:
    """Sentences of eight words drawn from a few."""
    drawn = random.Random(seed)
    return [" ".join(drawn.choices(WORDS, k=8)) + "." for _ in range(count)]


def found(answers: list[str], others: list[str], **more: float) -> list[Phrase]:
    """Phrases of answers against other texts, each text a cluster."""
    numbers = np.arange(len(answers) + len(others))
    clusters: tuple[Positions, Positions] = (numbers[: len(answers)], numbers[len(answers) :])
    how = {"least": 5, "prior": 100.0, "times": 2.0, "rounds": 99} | more
    return telling_phrases(tape_of(answers), tape_of(others), clusters, paired=False, **how)  # type: ignore[arg-type]


def test_a_planted_phrase_is_found_whole_and_with_its_places() -> None:
    """Seven words in 30 of 200 texts come back as one phrase with every span."""
    said = texts(200, 1)
    for number in range(30):
        said[number] += " Rest assured that all is quite fine."
    (one,) = found(said, texts(200, 2))
    assert ("rest assured that all is quite fine", 30, 0) == (one.words, one.count, one.other)
    assert {"Rest assured that all is quite fine"} == {
        said[text][start:end] for text, (start, end) in zip(one.texts.tolist(), one.spans, strict=True)
    }


def test_two_draws_of_the_same_texts_have_no_phrases_of_their_own() -> None:
    """Of twenty pairs of honest draws one at most has a phrase beyond chance."""
    alarms = sum(bool(found(texts(150, seed), texts(150, seed + 100), times=1.0)) for seed in range(20))
    assert alarms <= 1


def test_a_cluster_that_repeats_itself_is_one_witness() -> None:
    """Forty uses in one conversation may all have come by chance to that side."""
    said = texts(200, 1)
    for number in range(40):
        said[number] += " Rest assured that all is fine."
    clusters = (np.array([0] * 40 + list(range(1, 161))), np.arange(161, 361))
    how = {"least": 5, "prior": 100.0, "times": 2.0, "rounds": 99}
    phrases = telling_phrases(tape_of(said), tape_of(texts(200, 2)), clusters, paired=False, **how)  # type: ignore[arg-type]
    assert [] == phrases


def test_names_numbers_quotes_and_code_do_not_count() -> None:
    """Of each text only the plain words are left; the word I is one of them."""
    tape = tape_of(['Ask Zoe for 12 cups, said I. The "old sign" has `code here` now.', "> quoted line\nI may"])
    counts, begins = fluent(tape)
    words = [text[a:b] for text, at in zip(tape.texts, (0, 1), strict=True) for a, b in _spans(tape, at)]
    kept = [word for word, good in zip(words, counts, strict=True) if good]
    assert ["Ask", "for", "cups", "said", "I", "The", "has", "now", "I", "may"] == kept
    assert ["Ask", "The", "quoted", "I"] == [word for word, first in zip(words, begins, strict=True) if first]


def _spans(tape: object, text: int) -> list[tuple[int, int]]:
    low, high = tape.offsets[text], tape.offsets[text + 1]  # type: ignore[attr-defined]
    return list(zip(tape.starts[low:high].tolist(), tape.ends[low:high].tolist(), strict=True))  # type: ignore[attr-defined]


def test_a_phrase_of_one_author_stands_out_from_one_of_all() -> None:
    """Of two phrases the one that a single of eight authors writes is above what chance gives."""
    said = texts(240, 3)
    authors = np.arange(240) % 8
    for number in range(240):
        if authors[number] == 5:
            said[number] += " Kindly do the needful today."
        if number % 7 == 0:
            said[number] += " Happy to be of help."
    phrases = found(said, texts(240, 4))
    held, chance = hands(phrases, np.arange(240), authors, rounds=99)
    told = {phrase.words: (own.busiest[0], own.score > chance) for phrase, own in zip(phrases, held, strict=True)}
    assert (5, True) == told["kindly do the needful today"]
    assert not told["happy to be of help"][1]


def test_nothing_in_no_texts() -> None:
    """Empty tapes have no phrases."""
    assert [] == found([], [])
