"""`rules.word_pairs` and the operator that mixes words: only what the list says and real inputs write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row
from headgate.rules.input_repairs import How, repair_inputs
from headgate.rules.word_pairs import read_pairs

THINGS = ("card", "transfer", "balance", "limit", "top up", "refund", "statement", "rate", "fee", "account")
ASKED = ("where is my {}", "how do i change the {}", "why was the {} declined", "what happened to my {}")
MIXES = {
    "where": ("wo",),
    "how": ("wie",),
    "why": ("warum",),
    "what": ("was ist",),
    "my": ("meine",),
    "rate": ("kurs",),
}


def asked(n: int) -> str:
    """A question, each another one."""
    return ASKED[n % 4].format(THINGS[n % 10]) + f" from day {100 + 7 * n % 300}"


def row(text: str, answer: str) -> Row:
    """A demonstration."""
    return Row(kind=Kind.DEMONSTRATION, messages=(Message("user", text), Message("assistant", answer)))


def mixing(n: int) -> str:
    """As people of two languages type: half of the question words and possessives are of the other one."""
    text = asked(n)
    for word, other in (("where", "wo"), ("how", "wie"), ("why", "warum"), ("my", "meine")):
        text = text.replace(word, other) if n % 8 < 6 else text
    return text


def test_words_of_real_inputs_are_mixed_in_at_their_rate() -> None:
    """The gap closes; words that no real input has stay out, and so do all where no list is given."""
    rows = [row(asked(n), THINGS[n % 10]) for n in range(120)]
    real = [row(mixing(n), "-") for n in range(1000, 1200)]
    how = How(least=120, sample=60)
    assert "mixed-words" not in {one.name for one in repair_inputs(rows, real, how).tried}
    done = repair_inputs(rows, real, replace(how, mixes=MIXES))
    mixed = next(one for one in done.tried if one.name == "mixed-words")
    assert (0.0, True) == (mixed.before, mixed.share > 0)
    assert 0.6 < mixed.real < 0.9
    assert 0.6 < mixed.after < 0.9
    assert done.after.auc < done.before.auc - 0.15
    said = {word for one in done.changes for word in one.after.prompt_text.split()}
    assert {"wo", "wie", "warum", "meine"} <= said
    assert not {"ist", "kurs"} & said
    assert all(one.before.answer == one.after.answer for one in done.changes)


def test_words_of_the_answer_are_never_mixed() -> None:
    """An input keeps the word that its answer has, in the language of the answer."""
    rows = [row(asked(n), THINGS[n % 10]) for n in range(120)]
    real = [row(mixing(n).replace("card", "karte"), "-") for n in range(1000, 1200)]
    done = repair_inputs(rows, real, How(least=120, sample=60, mixes={**MIXES, "card": ("karte",)}))
    changed = [one for one in done.changes if "card" in one.before.prompt_text]
    assert changed
    assert all("card" in one.after.prompt_text for one in changed)


def test_pairs_are_read_in_small_letters(tmp_path: Path) -> None:
    """Several words may stand for one; blank lines do not count; tabs part columns too."""
    path = tmp_path / "pairs.csv"
    path.write_text("Card,Karte\ncard,bankkarte\n\ntop up,auf  laden\n")
    assert {"card": ("karte", "bankkarte"), "top up": ("auf laden",)} == read_pairs(path)
    path.write_text("card\tkarte\n")
    assert {"card": ("karte",)} == read_pairs(path)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("card,karte\ncard\n", "not a pair", 2),
        ("card,karte,x\n", "not a pair", 1),
        ("card,\n", "not a pair", 1),
        ("card,Card\n", "the same", 1),
        ("not,nicht\n", "negations", 1),
        ("two,zwei\n", "negations and numbers", 1),
        ("ok,don't\n", "negations", 1),
        ("24,vierundzwanzig\n", "letters only", 1),
        ("a.*,b\n", "letters only", 1),
        ("\n", "empty", None),
    ],
)
def test_a_list_that_could_change_a_meaning_is_refused(tmp_path: Path, text: str, said: str, line: int | None) -> None:
    """With the line: what is no pair of words, and negations and numbers."""
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(Refused, match=said) as refused:
        read_pairs(path)
    assert (str(path), line) == (refused.value.file, refused.value.line)


@pytest.mark.parametrize(("data", "said"), [(None, "cannot be read"), (b"\xff\xfe", "not UTF-8")])
def test_an_unreadable_list_is_refused(tmp_path: Path, data: bytes | None, said: str) -> None:
    """A missing file and one that is no text."""
    path = tmp_path / "pairs.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(Refused, match=said):
        read_pairs(path)
