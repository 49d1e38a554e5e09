"""The tape: words, positions and hashes."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.text.tape import BLOCK, block_tape, hash_spans, joined, tape_of, word_hash


def words_of(text: str) -> list[str]:
    """The words of one text as they stand in it."""
    tape = tape_of([text])
    return [tape.quote(0, place, 1) for place in range(len(tape.words))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World! it's 42€", ["Hello", "World", "it", "s", "42"]),
        ("", []),
        ("  ...  ", []),
        ("don’t – “stop”", ["don", "t", "stop"]),
        ("naïve café\u00a0Zürich", ["naïve", "café", "Zürich"]),
        ("中文 abc字x 東京。", ["中", "文", "abc", "字", "x", "東", "京"]),
        ("Привет, мир", ["Привет", "мир"]),
        ("สวัสดี", ["ส", "ว", "ั", "ส", "ด", "ี"]),
        ("안녕 세상", ["안녕", "세상"]),
        ("a\x00b\nc", ["a", "b", "c"]),
        ("5，000（万）", ["5", "000", "万"]),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, words: list[str]) -> None:
    """Separators of several scripts part words; characters of unspaced scripts stand alone."""
    assert words == words_of(text)


def test_case_does_not_count_in_any_script() -> None:
    """Upper and lower case have one hash, the final sigma included."""
    tape = tape_of(["ÉCOLE ΟΔΟΣ STRASSE Мир", "école οδος strasse мир"])
    assert tape.words_of(0).tolist() == tape.words_of(1).tolist()


def test_a_capital_that_grows_when_lowered_keeps_positions() -> None:
    """The Turkish capital I with a dot stays one character."""
    tape = tape_of(["İstanbul Ankara"])
    assert ["İstanbul", "Ankara"] == [tape.quote(0, place, 1) for place in range(2)]


def test_lone_surrogates_are_read() -> None:
    """Text from a broken escape does not stop the tape."""
    assert ["a", "\ud800", "b"] == words_of("a \ud800 b")


def test_texts_keep_their_own_words() -> None:
    """Words never cross from one text into the next, and empty texts have none."""
    tape = tape_of(["a b", "", "c", "d e f\n", ""])
    assert [2, 0, 1, 3, 0] == tape.lengths.tolist()
    assert ["d", "e", "f"] == [tape.quote(3, place, 1) for place in range(3)]


def test_blocks_can_be_cut_anywhere() -> None:
    """One block and many give the same tape."""
    texts = ["one two", "drei vier fünf", "", "六七 eight"] * 50
    whole, parts = block_tape(texts), joined(block_tape(texts[n : n + 7]) for n in range(0, len(texts), 7))
    for name in ("words", "offsets", "starts", "ends"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist()


def test_a_text_longer_than_a_block() -> None:
    """Hashes do not depend on where in a long text a word stands."""
    tape = tape_of(["lorem ipsum " * (BLOCK // 6), "ipsum"])
    assert {word_hash("lorem"), word_hash("ipsum")} == set(np.unique(tape.words).tolist())


def test_a_word_longer_than_a_block() -> None:
    """A word of two blocks (data in base 64) is one word."""
    tape = tape_of(["x" * (2 * BLOCK + 3) + " y"])
    assert [2] == tape.lengths.tolist()
    assert tape.words[1] == word_hash("y")


def test_many_different_words_have_different_hashes() -> None:
    """No two of 200,000 words collide."""
    tape = tape_of([" ".join(f"w{n:x}" for n in range(200_000))])
    assert 200_000 == len(np.unique(tape.words))


def test_taking_and_cutting() -> None:
    """`take` follows the order asked for; `parts` put together are the whole."""
    tape = tape_of(["a", "b c", "", "d"])
    taken = tape.take([3, 1, 3])
    assert [1, 2, 1] == taken.lengths.tolist()
    assert ("d", "b c", "d") == taken.texts
    parts = joined(part for _, part in tape.parts(1))
    assert tape.words.tolist() == parts.words.tolist()
    assert tape.offsets.tolist() == parts.offsets.tolist()


def test_no_texts_at_all() -> None:
    """An empty list is an empty tape."""
    tape = tape_of([])
    assert (0, 0, [0]) == (len(tape), len(tape.words), tape.offsets.tolist())
    assert 0 == len(tape.take([]))


def test_word_hash_wants_one_word() -> None:
    """Two words have no one hash."""
    with pytest.raises(ValueError, match="2 words"):
        word_hash("two words")


def test_hashes_of_runs_depend_on_their_bytes_only() -> None:
    """The same bytes at two places hash alike."""
    data = np.frombuffer(b"abcXabc", dtype=np.uint8)
    hashes = hash_spans(data, np.array([0, 4]), np.array([3, 7]))
    assert hashes[0] == hashes[1]
