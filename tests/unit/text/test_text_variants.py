"""Misspellings on a tape: company, prose, names, rates."""

from __future__ import annotations

import pytest

from headgate.text.tape import tape_of
from headgate.text.variants import Reading, read_variants

RIGHT = "you will receive the parcel number {n} tomorrow morning"
WRONG = "you will recieve the parcel number {n} tomorrow morning"


def read(*lots: tuple[str, int], **options: object) -> Reading:
    """Reads texts given as (template, number of them)."""
    texts = [template.replace("{n}", str(n)) for template, count in lots for n in range(count)]
    return read_variants(tape_of(texts), **options)  # type: ignore[arg-type]


def found(*lots: tuple[str, int], **options: object) -> list[tuple[str, str, int, int]]:
    return [(v.wrong, v.right, v.count, v.right_count) for v in read(*lots, **options).variants]


def test_counts_and_places() -> None:
    """Each occurrence has its text and its characters."""
    reading = read((RIGHT, 30), (WRONG, 4))
    (variant,) = reading.variants
    assert ("recieve", "receive", 4, 30) == (variant.wrong, variant.right, variant.count, variant.right_count)
    assert (30, 31, 32, 33) == variant.texts
    assert {(9, 16)} == set(variant.spans)
    assert 4 / 34 == pytest.approx(variant.rate)


def test_below_the_rate_is_no_habit() -> None:
    """Three of a thousand are slips."""
    assert [] == found((RIGHT, 1000), (WRONG, 3))
    assert [("recieve", "receive", 3, 1000)] == found((RIGHT, 1000), (WRONG, 3), rate=0.001)


def test_other_company_is_another_word() -> None:
    """A product one letter from a frequent word keeps its own company."""
    legs = ("the dog hurt one of its legs {n} in the garden again", 40)
    legos = ("children build castles from legos {n} because bricks click", 10)
    assert [] == found(legs, legos)


def test_names_do_not_count_at_the_start_of_a_sentence() -> None:
    """A word that is mostly capitalised is a name."""
    assert [] == found((RIGHT, 30), ("Recieve the parcel number {n} tomorrow morning", 6), (WRONG, 2))


@pytest.mark.parametrize(
    "text",
    [
        "you will recieve_the parcel number {n} tomorrow morning",
        "you will `recieve` the parcel number {n} tomorrow morning",
        "you will see client.recieve the parcel number {n} tomorrow",
        "mail to recieve@parcel the number {n} tomorrow morning",
        "you will RECIEVE the parcel number {n} tomorrow morning",
        "ihr werdet heute recieve gleich noch etwas bekommen {n}",
    ],
)
def test_what_is_not_running_english_text(text: str) -> None:
    """Identifiers, code, addresses, capitals and other languages are no prose."""
    assert [] == found((RIGHT, 30), (text, 5))


def test_numbers_and_edges_are_company_too() -> None:
    """A word between numbers at the end of a text is recognised by them."""
    right = ("the total is {n} dollars", 40)
    wrong = ("the total is {n} dollers", 5)
    assert [("dollers", "dollars", 5, 40)] == found(right, wrong)


def test_kept_words() -> None:
    """What the house keeps is right."""
    assert [] == found((RIGHT, 30), (WRONG, 4), keep={"recieve"})


def test_readable_words_and_english() -> None:
    """How much there was to see is said."""
    reading = read((RIGHT, 30))
    assert 5 == reading.readable_types  # receive, parcel, number, tomorrow, morning; the others are short
    assert 1.0 == reading.english
    assert 0 == read((RIGHT, 10)).readable_types
    assert 0.5 > read(("das ist aber wirklich kein schlechter Scherz {n}", 10)).english


def test_empty_texts() -> None:
    """Nothing to read is nothing found."""
    assert ((), 0, 0.0) == (lambda r: (r.variants, r.readable_types, r.english))(read(("", 5)))
    assert () == read_variants(tape_of([])).variants


def test_one_long_answer_reads_as_many_short_ones() -> None:
    """Code is told from prose by the backticks before a place, sentences by what stands before them."""
    lines = [RIGHT.replace("{n}", str(n)) for n in range(30)]
    lines += [WRONG.replace("{n}", str(n)) for n in range(4)]
    lines += ["Well. Recieve the parcel `recieve` number nine tomorrow morning"]
    (variant,) = read_variants(tape_of(["\n".join(lines)])).variants
    assert ("recieve", "receive", 5, 30) == (variant.wrong, variant.right, variant.count, variant.right_count)
