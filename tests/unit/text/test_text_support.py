"""Sentences, their facts, and the passages that bear them out."""

from __future__ import annotations

import pytest

from headgate.text.fluency import fluency
from headgate.text.support import Passage, chunks, claims, content_words, dangling, sentences


def test_sentences_end_where_they_end() -> None:
    """Abbreviations, initials and decimals end none; marks and line breaks do."""
    text = "Dr. Rossi met J. Weber on 3.5 acres. They spoke!\nIt rained. No. 7 left."
    assert ["Dr. Rossi met J. Weber on 3.5 acres.", "They spoke!", "It rained.", "No. 7 left."] == [
        text[start:end] for start, end in sentences(text)
    ]


@pytest.mark.parametrize(
    ("claim", "passage", "lacking"),
    [
        ("It took 25 years.", "after twenty-five years", []),
        ("It took 25 years.", "after 25 months", ["25 years"]),
        ("It took 25 years.", "it was 25", []),
        ("It cost $1,200.", "a price of 1200 dollars", []),
        ("It cost $1,200.", "a price of 1300 dollars", ["$1,200"]),
        ("Seen by 2 million people.", "2,000,000 saw it", []),
        ("A dose of 5 mg.", "take 5 g", ["5 mg"]),
        ("Take 3 steps.", "do it", []),
        ("Call store.open_file(x).", "store.close_file(x)", ["store.open_file"]),
        ("They met Ottovich there.", "Ottovich's house", []),
        ("They met Ottovich there.", "Ottowich", ["Ottovich"]),
        ("They came to Paris there.", "nothing", []),
        ("As Rossi and Weber (2019) say.", "see Rossi and Weber, 2019", []),
    ],
)
def test_what_a_passage_lacks(claim: str, passage: str, lacking: list[str]) -> None:
    """Numbers with their unit, identifiers and rare names; a number in words or without a unit is the same one."""
    assert lacking == [claim[one.start : one.end] for one in Passage(passage).lacks(claims(claim))]


def test_share_of_words() -> None:
    """Content words are compared by their stems."""
    assert 1.0 == Passage("the bridges spanned").cover(content_words("A bridge spans"))
    assert 0.5 == Passage("the bridge").cover(content_words("A bridge sang"))


def test_long_texts_are_cut_into_passages() -> None:
    """Paragraphs are passages; of a long one, every twelve sentences."""
    assert [1, 12, 3] == [len(sentences(one)) for one in chunks("One.\n\n" + "It is so. " * 15)]


@pytest.mark.parametrize(
    ("answer", "said", "listed", "expected"),
    [
        ("It is old [3].", ["[1] a\n[2] b"], 0, ["[3]"]),
        ("It is old [1-3].", ["[1] a\n[2] b"], 0, ["[1-3]"]),
        ("It is old [2].", ["[1] a\n[2] b"], 0, []),
        ("It is old [2].", [""], 2, []),
        ("It is old [1].\n[1] Survey", [], 0, []),
        ("rows[7] and f(x)[2]", [], 0, []),
    ],
)
def test_citations_to_nothing(answer: str, said: list[str], listed: int, expected: list[str]) -> None:
    """A number in brackets needs a source in the prompt, beside the row or in the answer's own list."""
    assert expected == [answer[start:end] for start, end in dangling(answer, said, listed)]


def test_well_formed_texts_score_higher() -> None:
    """Slips, small letters at the start, missing marks and repeats each cost something; an empty text has nothing."""
    good = fluency("The bridge is long. It was built of stone.")
    assert 1.0 == good
    for worse in ("the bridge is long", "The brigde is veyr lnog.", "The the bridge is long."):
        assert 0 < fluency(worse) < good
    assert 0.0 == fluency("")
