"""Short texts without greetings, thanks and slips of the keyboard: "Hello: Jonh Smith" says what "John Smith" says.

Characters cannot tell that of so few words, since the greeting is most of them and a slip spoils many runs.
Courtesies are left out before the first other word and after the last, so that a word asked about ("how do I say
hello to her") stays. Of words of five letters and more the first letter counts, and which others there are: letters
that changed places or were typed twice are no other word. Words with digits are left as they are.
"""

from __future__ import annotations

import numpy as np

from headgate.text.ngrams import exact_hashes
from headgate.text.tape import Hashes, Mask, Positions, Tape, fold, tape_of_words, word_hash, word_hashes

OPENING = ("hi", "hello", "hey", "hiya", "hallo", "hola", "bonjour", "ciao", "please", "pls", "plz", "bitte")
CLOSING = ("please", "pls", "plz", "thanks", "thx", "bitte", "danke", "merci", "gracias", "grazie")
OPENS, CLOSES = (frozenset(map(word_hash, words)) for words in (OPENING, CLOSING))
THANK_YOU = [word_hash("thank"), word_hash("you")]
LETTERS = 5  # of a word in which a slip is a slip and no other word ("form", "from")


def bare_hashes(tape: Tape, chosen: Mask) -> Hashes:
    """One hash for what each chosen text says, in order; 0 for other texts and where nothing but courtesies is said."""
    out = np.zeros(len(tape), dtype=np.uint64)
    if not chosen.any():
        return out
    places: Positions = np.flatnonzero(np.repeat(chosen, tape.lengths))
    words, first = np.unique(tape.words[places], return_index=True)
    owners = np.repeat(np.arange(len(tape)), tape.lengths)[places[first]]
    inside = places[first] - tape.offsets[owners]
    spelt = [spelling(tape.quote(text, at, 1)) for text, at in zip(owners.tolist(), inside.tolist(), strict=True)]
    folded = dict(zip(words.tolist(), word_hashes(spelt).tolist(), strict=True))
    for text in np.flatnonzero(chosen).tolist():
        said = tape.words_of(text).tolist()
        begin, end = bounds(said)
        if begin < end:
            kept = np.array([folded[word] for word in said[begin:end]], dtype=np.uint64)
            out[text] = exact_hashes(tape_of_words(kept))[0]
    return out


def spelling(word: str) -> str:
    """The word as it counts: its first letter and which others there are, in their order in the alphabet."""
    word = fold(word)
    if len(word) < LETTERS or not word.isalpha():
        return word
    return word[0] + "".join(sorted(set(word[1:])))


def bounds(words: list[int]) -> tuple[int, int]:
    """The place of the first word that is no courtesy, and the place after the last."""
    first, last = 0, len(words)
    while first < last and words[first] in OPENS:
        first += 1
    while first < last:
        if words[last - 1] in CLOSES:
            last -= 1
        elif words[first:last][-2:] == THANK_YOU:
            last -= 2
        else:
            break
    return first, last
