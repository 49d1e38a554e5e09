"""Near-duplicates: what is found, what is kept apart, what stays."""

from __future__ import annotations

import numpy as np
import pytest

from headgate.text.clusters import components, members
from headgate.text.guards import guard_keys, swapped_word
from headgate.text.jaccard import jaccard
from headgate.text.minhash import agreement, signatures
from headgate.text.near_duplicates import Banding, near_duplicate_pairs, similarity_of
from headgate.text.ngrams import Grams, character_ngrams, distinct, exact_hashes, frequencies, word_ngrams
from headgate.text.redundancy import redundant
from headgate.text.tape import tape_of

LONG = (
    "The courier left the parcel with a neighbour whose name is not on the card, and when I asked him in the "
    "evening he said that somebody from the depot had already taken it back in the afternoon"
)


def shingles(text: str, n: int) -> set[str]:
    """Word n-grams by the plain road."""
    words = text.lower().split()
    return {" ".join(words[k : k + n]) for k in range(len(words) - n + 1)}


def test_jaccard_is_that_of_the_sets() -> None:
    """Agrees with Python sets on random texts."""
    drawn = np.random.default_rng(5)
    texts = [" ".join(drawn.choice(list("abcde"), size=drawn.integers(0, 40))) for _ in range(60)]
    left, right = drawn.integers(0, 60, 300), drawn.integers(0, 60, 300)
    expected = []
    for one, two in zip(left, right, strict=True):
        a, b = shingles(texts[one], 3), shingles(texts[two], 3)
        expected.append(len(a & b) / len(a | b) if a | b else 0.0)
    assert expected == pytest.approx(jaccard(word_ngrams(tape_of(texts), 3), left, right).tolist())


def test_signatures_estimate_jaccard() -> None:
    """The mean agreement of 512 rows is within four standard errors of the similarity."""
    one, two = LONG, LONG.replace("parcel", "box").replace("evening", "night")
    tape = tape_of([one, two])
    table = signatures(tape, lambda part: word_ngrams(part, 3), rows=512)
    left, right = np.array([0]), np.array([1])
    exact = jaccard(word_ngrams(tape, 3), left, right)[0]
    assert abs(agreement(table, left, right)[0] - exact) < 4 * np.sqrt(exact * (1 - exact) / 512)


def test_same_words_in_the_same_order_are_exact() -> None:
    """Case, spacing and punctuation do not count; order does."""
    texts = ["Track my order!", "track  MY order", "order my track", "other"]
    pairs = near_duplicate_pairs(texts)
    assert [(0, 1, True)] == list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.exact.tolist(), strict=True))


def test_a_long_text_with_a_few_words_changed() -> None:
    """Two words of thirty-five leave enough in common."""
    pairs = near_duplicate_pairs([LONG, "something else entirely", LONG.replace("courier", "driver")])
    assert [(0, 2, False, False)] == list(
        zip(pairs.left.tolist(), pairs.right.tolist(), pairs.exact.tolist(), pairs.guarded.tolist(), strict=True)
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("I can log in to my account on the new phone", "I can not log in to my account on the new phone"),
        ("I do get the mails that you send me each week", "I don't get the mails that you send me each week"),
        ("I do get the mails that you send me each week", "I don’t get the mails that you send me each week"),
        ("refund the 20 euros that I paid last week", "refund the 25 euros that I paid last week"),
        ("there is a $1 charge on my statement today", "there is a €1 charge on my statement today"),
        ("please send me two copies of the contract", "please send me three copies of the contract"),
        ("what is the weather like in Detroit tomorrow", "what is the weather like in Chicago tomorrow"),
        (LONG, LONG.replace(" is not ", " is ")),
        (LONG + " 14 days ago", LONG + " 15 days ago"),
    ],
)
def test_a_difference_that_matters_keeps_texts_apart(one: str, two: str) -> None:
    """Negations, numbers, marks of amount and, in short texts, a swapped word: alike, never duplicates."""
    pairs = near_duplicate_pairs([one, two])
    assert [True] * len(pairs) == pairs.guarded.tolist()
    assert 0 == len(pairs.duplicates)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("I can't pay with the new card at the station", "I cannot pay with the new card at the station"),
        ("what is the wether like in Detroit tomorrow", "what is the weather like in Detroit tomorrow"),
        ("what is the weather like in Detroit tomorrow", "please, what is the weather like in Detroit tomorrow"),
    ],
)
def test_a_difference_that_does_not_matter(one: str, two: str) -> None:
    """Another form of the same negation, a slip of the keyboard and a filler are no difference."""
    tape = tape_of([one, two])
    assert guard_keys(tape)[0] == guard_keys(tape)[1]
    assert not swapped_word(tape, 0, 1)


def test_a_crowd_stays_connected() -> None:
    """Three hundred copies of one text, each with one odd word, are one cluster, by few pairs."""
    texts = [f"{LONG} {''.join(chr(97 + int(d)) for d in str(n))}" for n in range(300)]
    pairs = near_duplicate_pairs(texts).duplicates
    assert 1 == len(members(components(300, pairs.left, pairs.right)))
    assert len(pairs) < 300 * 300 / 4


def test_short_and_empty_texts() -> None:
    """Texts too short for any shingle are alike only when they are the same."""
    pairs = near_duplicate_pairs(["ok", "OK!", "no", "", "", "."])
    assert [(0, 1)] == list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert 0 == len(near_duplicate_pairs([]))


def test_similarity_of_given_pairs() -> None:
    """Equal texts have 1, also where no shingle fits in; others their Jaccard similarity."""
    tape = tape_of(["ok", "OK", "no", LONG, LONG])
    similarity = similarity_of(tape, np.array([0, 0, 3]), np.array([1, 2, 4]))
    assert [1.0, 0.0, 1.0] == similarity.tolist()


def test_other_scripts_are_compared_by_characters() -> None:
    """A changed character of a Chinese sentence leaves it a near-duplicate."""
    one = "请问这件衣服可以在七天之内退货吗我买错了尺码想换一件大的"
    pairs = near_duplicate_pairs([one, one.replace("衣服", "衣衫"), "今天的天气很好我们去公园散步吧"])
    assert [(0, 1)] == list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def test_more_bands_find_no_fewer() -> None:
    """Banding only proposes; what it proposes is checked, so wider means more and never wrong."""
    drawn = np.random.default_rng(3)
    vocabulary = np.array(LONG.split())
    texts = [" ".join(drawn.choice(vocabulary, 24)) for _ in range(80)]
    texts += [text.replace("the", "a", 1) for text in texts]
    few = near_duplicate_pairs(texts, banding=Banding(bands=4))
    many = near_duplicate_pairs(texts, banding=Banding(bands=64))
    assert set(zip(few.left.tolist(), few.right.tolist(), strict=True)) <= set(
        zip(many.left.tolist(), many.right.tolist(), strict=True)
    )
    assert many.similarity.min() >= 0.6


def test_frequencies_count_texts_and_not_occurrences() -> None:
    """A word that one text repeats counts once."""
    grams = word_ngrams(tape_of(["a a a b", "b", "c"]), 1)
    assert [1, 1, 2] == sorted(frequencies(grams)[1].tolist())
    assert [2, 1, 1] == distinct(grams).counts.tolist()


def test_grams_of_texts_shorter_than_n() -> None:
    """They have none, and the others keep theirs."""
    grams = word_ngrams(tape_of(["a b", "a b c d", "", "a b c"]), 3)
    assert [0, 2, 0, 1] == grams.counts.tolist()
    assert grams.of(1)[0] == grams.of(3)[0]
    assert [0, 0] == word_ngrams(tape_of(["a"]), 3).offsets.tolist()


def test_character_grams_run_over_words() -> None:
    """Gaps of any kind are one space; unspaced characters get none."""
    grams = character_ngrams(tape_of(["ab,  cd", "AB cd", "中文中文中"]), 5)
    assert grams.of(0).tolist() == grams.of(1).tolist()
    assert [1, 1, 1] == grams.counts.tolist()


def test_exact_hashes_see_order_and_length() -> None:
    """Repeating or swapping words changes the hash."""
    hashes = exact_hashes(tape_of(["a b", "b a", "a b a b", "A, b", ""]))
    assert hashes[0] == hashes[3]
    assert 4 == len(set(hashes.tolist()))


def test_grams_without_any_texts() -> None:
    """No texts, no pairs, no frequencies."""
    empty = Grams(np.zeros(0, dtype=np.uint64), np.zeros(1, dtype=np.int64))
    assert 0 == len(frequencies(empty)[0])
    assert [] == members(components(0, empty.offsets[:0], empty.offsets[:0]))


def test_copies_follow_the_row_that_speaks_for_them() -> None:
    """The row with the rare word stays; the plain row and its copy go, with that row as partner."""
    plain = "how do i order a second card for my partner and what does it cost"
    texts = [plain, plain.replace("partner", "partenr"), plain.upper(), "block my card"]
    blank = tape_of([""] * 4)
    found = redundant(tape_of(texts), tape_of(texts), blank, ["a"] * 4)
    assert [0, 2] == found.rows.tolist()
    assert [1, 1] == found.partners.tolist()
    assert [False, False] == found.exact.tolist()


def test_classes_are_never_mixed() -> None:
    """Rows with the same words in two slices stay, and are counted."""
    texts = ["where is my card", "where is my card", "where is my card"]
    found = redundant(tape_of(texts), tape_of(texts), tape_of([""] * 3), ["a", "b", "b"])
    assert ([2], [1]) == (found.rows.tolist(), found.partners.tolist())
    assert found.mixed >= 1


def test_rows_sharing_one_field_are_counted_apart() -> None:
    """The same question with other answers, and the same long answer to other questions."""
    question = (
        "write a short poem about the sea in the manner of a tired sailor who has been away for too many years now"
    )
    prompts = [question, question, "who are you", "what can you do for me today"]
    answers = ["grey water and grey bread", "my wife lit the lamp", LONG, LONG]
    whole = [f"{one}\n{two}" for one, two in zip(prompts, answers, strict=True)]
    found = redundant(tape_of(whole), tape_of(prompts), tape_of(answers), ["a"] * 4)
    assert (0, 2, 2) == (len(found.rows), found.prompt_only, found.answer_only)
