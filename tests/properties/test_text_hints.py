"""A look at words misses nothing that the patterns over sentences find."""

from __future__ import annotations

import importlib.util
import random
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.rules.corpus import Corpus
from headgate.rules.spellings import Uses
from headgate.testing.literate import row_of
from headgate.text import loosely
from headgate.text.behaviours import GRIEVANCE, GRIEVED_PHRASE, PATTERNS, WAYS, acts, aggrieved
from headgate.text.hints import WORDS, grieved, shown, texts_with
from headgate.text.tape import tape_of
from headgate.text.vocabulary import misread_texts, plain_texts, strange_texts, vocabulary

FEW = settings(max_examples=150, derandomize=True, deadline=None)
WORD = re.compile(r"\b(?:the|is|it|K9)\b", re.I)
ODD = st.text(st.sampled_from("itsKkſıİ_!é東 '’.\n9"), max_size=12)
# What shorthand is made of and what makes it none: words, marks, capitals, other letters.
BRIEF = (
    "pls adv cx re: f/u w/ mgr see INC0012345 #TKT-8812 per ticket acct acct's adv'd conf’d conf num ref srvc rvw clld "
    "cntrct frm ord orig amt qty req ADV CX CONF bal eod info thx html you hear rqst's dlvry_note ſrvc \u212acntct é ²"
)
GLUE = (" ", " ", " ", " ", ". ", ".", "? ", "\n", ", ", ":", "/", "-", "", "'", "\n> ", "```", " 😀 ")
QUOTES = ('{} "{}" {}', "{}`{}`{}", '{}"{}"{}', "{} “{}” {}", "{}\n> {}\n{}", "{}«{}»{}")
TYPED = "don|t|'|’| |DONT|dont|don't|don’t|what| you|\u212aeepin|Keeping| keepin |\n|_|é"
NOTES = Path(__file__).parents[2] / "benchmarks" / "planted" / "data" / "desk_notes.py"


@st.composite
def briefly(draw: st.DrawFn) -> str:
    """Words of desks with all that stands between them."""
    said = [
        "".join(
            word + draw(st.sampled_from(GLUE)) for word in draw(st.lists(st.sampled_from(BRIEF.split()), max_size=4))
        )
        for _ in range(3)
    ]
    return draw(st.sampled_from(QUOTES)).format(*said) if draw(st.booleans()) else "".join(said)


@pytest.fixture(autouse=True)
def ask_the_fast_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not asked about a few texts."""
    monkeypatch.setattr(loosely, "FEW", 0)


@pytest.mark.parametrize(("kind", "way"), [(kind, place) for kind in WAYS for place in range(len(WORDS[kind]))])
def test_no_act_is_missed(kind: str, way: int) -> None:
    """Whatever fits the pattern of a kind of act, or of one way of it, has a hint of it, in any case and script."""
    assert len(WORDS[kind]) in (1, len(WAYS[kind]))
    pattern = PATTERNS[kind] if len(WORDS[kind]) == 1 else re.compile(WAYS[kind][way], re.IGNORECASE)

    @settings(FEW, max_examples=max(150 // len(WORDS[kind]), 15))
    @given(st.lists(st.from_regex(pattern), max_size=3), ODD)
    def holds(texts: list[str], odd: str) -> None:
        texts = [*texts, odd]
        hinted = shown(tape_of(texts))[kind]
        found = [PATTERNS[kind].search(text) is not None for text in texts]
        assert found == [one and bool(hint) for one, hint in zip(found, hinted, strict=True)]

    holds()


def _brief(texts: list[str]) -> list[bool]:
    return [bool(acts(text, ["shorthand"])) for text in texts]


@settings(FEW, max_examples=300)
@given(st.lists(st.one_of(briefly(), briefly(), st.from_regex(PATTERNS["shorthand"]), ODD), min_size=1, max_size=4))
def test_no_shorthand_is_missed(texts: list[str]) -> None:
    """What is decided sentence by sentence is never hidden by a look at the words of the whole text."""
    found = _brief(texts)
    assert found == [one and bool(hint) for one, hint in zip(found, shown(tape_of(texts))["shorthand"], strict=True)]


def test_shorthand_of_desks_has_a_hint_and_plain_words_have_none() -> None:
    """As lists of seven houses clip their sentences; and few texts with one strange word are looked at."""
    spec = importlib.util.spec_from_file_location("desk_notes", NOTES)
    assert spec is not None and spec.loader is not None
    notes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notes)
    drawn = random.Random(1)
    texts = [notes.clipped(name, drawn) for name in (*notes.SEEN, *notes.NEW) for _ in range(40)]
    found, hinted = np.array(_brief(texts)), shown(tape_of(texts))["shorthand"]
    assert 140 < found.sum() < 280
    assert not (found & ~hinted).any()
    plain = [
        "You'll see it.",
        "The DQN of the HF hub",
        "num is int",
        "re your order",
        "SR-71 and Cas9",
        "an ml_cfg file",
    ]
    assert [False] * 6 == shown(tape_of(plain))["shorthand"].tolist()


@FEW
@given(st.lists(st.one_of(st.from_regex(GRIEVANCE), st.from_regex(GRIEVED_PHRASE), ODD), max_size=4))
def test_grievances_are_those_of_the_pattern(texts: list[str]) -> None:
    """All texts at once get the answer that each of them gets alone."""
    assert [aggrieved(text) for text in texts] == grieved(tape_of(texts)).tolist()


def test_signs_that_no_pattern_counts_do_not_hide_a_grievance() -> None:
    """A tape takes some signs for letters and underscores for gaps; patterns do the opposite."""
    texts = ["😀fed up😀", "not_broken", "is_late", "did not a_b c_d e_f help", "does not a b c d help", "can’t get"]
    assert [True, False, False, True, False, True] == grieved(tape_of(texts)).tolist()


@FEW
@given(st.lists(st.one_of(st.from_regex(WORD), ODD), max_size=4))
def test_single_words_are_those_of_the_pattern(texts: list[str]) -> None:
    """A pattern for single words finds the same texts by their distinct words."""
    assert [WORD.search(text) is not None for text in texts] == texts_with(tape_of(texts), WORD).tolist()


@FEW
@given(st.lists(st.lists(st.sampled_from(TYPED.split("|"))).map("".join), max_size=5))
def test_uses_of_words_are_those_of_all_answers_cut_into_words(answers: list[str]) -> None:
    """Leaving out answers in which no word can be leaves the same uses at the same rows."""
    asked = Uses(("dont", "keepin"), ("don't", "keeping"))
    some, every = (Corpus([row_of({"user": "?", "assistant": one}) for one in answers]) for _ in range(2))
    assert len(answers) == len(every.answer)
    for name, array in asked.find(every).items():
        assert array.tolist() == asked.find(some)[name].tolist()


@FEW
@given(st.lists(st.text(st.sampled_from("ab 東"), max_size=12), max_size=6))
def test_a_vocabulary_spells_its_tape(texts: list[str]) -> None:
    """Codes read back as the words of the tape, and words come in order of their first use."""
    tape = tape_of(texts)
    found = vocabulary(tape)
    spelled = [found.words[code] for code in found.codes.tolist()]
    owners = np.repeat(np.arange(len(tape)), tape.lengths).tolist()
    places = zip(owners, tape.starts.tolist(), tape.ends.tolist(), strict=True)
    assert [tape.texts[text][start:end].lower() for text, start, end in places] == spelled
    assert list(dict.fromkeys(spelled)) == list(found.words)


def test_a_loosened_pattern_has_no_bounds_and_no_looks_ahead() -> None:
    """Classes of signs are widened by what only Python counts among them."""
    pattern = re.compile(r"\b(?:a|[b\w-]+)\s(?= (?:c|d)) e\w", re.I)
    assert r"(?i)(?:a|[b\w\p{N}-]+)[\s\x1c-\x1f] e[\w\p{N}]" == loosely.loosened(pattern)


def test_half_of_a_pair_of_surrogates_hides_nothing() -> None:
    """Texts that are no Unicode are looked at too."""
    assert [True, False] == loosely.may_match(tape_of(["a\ud800 sorry", "\udfff"]), re.compile(r"\bsorry\b")).tolist()


def test_signs_of_plain_texts_are_letters_for_both_or_for_neither() -> None:
    """So words begin and end at the same places; where a text is not strange, a tape's words begin there at least."""
    signs = [chr(code) for code in range(0x80, 0x3000)]
    alone = np.array([len(tape_of([f"a{sign}b"]).words) == 1 for sign in signs])
    letters = np.array([re.match(r"\w", sign) is not None for sign in signs])
    tape = tape_of(signs)
    plain, strange = plain_texts(tape), strange_texts(tape)
    assert [] == [sign for sign, odd in zip(signs, plain & (alone != letters), strict=True) if odd]
    assert [] == [sign for sign, odd in zip(signs, ~strange & alone & ~letters, strict=True) if odd]
    assert {"ı", "ſ", "İ", "\u212a"} == {sign for sign in signs if re.match("[a-z]", sign, re.I)}
    assert [True] * 4 == misread_texts(tape_of(["ı", "ſ", "İ", "\u212a"])).tolist()
    assert 200 < np.count_nonzero(plain)
