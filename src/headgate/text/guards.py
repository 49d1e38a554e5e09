"""What may not differ between two texts that are called the same: numbers and negations.

"Refund within 5 days" and "refund within 14 days" share nearly all their words and mean different
things; so do "I can" and "I cannot". Each text gets one key; texts with different keys are never
duplicates. Having the same key is an equivalence, so chains of pairs cannot cross it.
"""

from __future__ import annotations

import difflib
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.text.disguises import LOOKS, unhidden
from headgate.text.tape import Hashes, Mask, Positions, Tape, mixed, seen, word_hash, word_hashes


def _split(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.split()))


NEGATIONS = _split(
    "not no never cannot none nobody nothing neither nor without dont doesnt didnt isnt arent wasnt werent wont "
    "wouldnt cant couldnt shouldnt hasnt havent hadnt aint nicht kein keine keinen keinem keiner nie ne pas jamais "
    "sin nunca jamás não nunca nem non mai не нет никогда 不 没 沒 未 無 无"
)
CONTRACTED = _split("don doesn didn isn aren wasn weren won wouldn can couldn shouldn hasn haven hadn ain mustn needn")
DENYING = frozenset(NEGATIONS + CONTRACTED)
COUNTED = _split(
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half "
    "twice double triple quarter dozen"
)
MARKS = "$€£¥₹%"
DIGITS = np.array([code for code, like in LOOKS.items() if like.isdigit()], dtype=np.uint32)
MARK_WEIGHT = 0x9E3779B97F4A7C15  # times the position of a mark in MARKS, modulo 2**64
SIEVE_BITS = 14
CONTENT = 3  # letters of a word that can carry the difference between two short texts
SPELLING = 0.7  # likeness of two words (matching letters, 0..1) from which one is the other misspelt or inflected


def guard_keys(tape: Tape) -> Hashes:
    """One key for the numbers (with how often), marks of amount and negations of each text; shape (N,)."""
    return tape.fact("guards", _guard_keys)


def _guard_keys(tape: Tape) -> Hashes:
    numbers = mixed(tape.words) * number_words(tape)
    negations = negation_words(tape).astype(np.uint64)
    return mixed(_sums(numbers, tape) + mixed(_marks(tape)) + mixed(mixed(_sums(negations, tape))))


def number_words(tape: Tape) -> Mask:
    """Which words are numbers: they begin with a digit, or are number words; shape (W,)."""
    return _starting_with_digit(tape) | _among(tape.words, _hashes(COUNTED))


def digit_words(tape: Tape) -> Mask:
    """Which words begin with a digit; shape (W,)."""
    return _starting_with_digit(tape)


def negation_words(tape: Tape) -> Mask:
    """Which words deny: not, no, never, and the t of don't; shape (W,)."""
    found = _among(tape.words, _hashes(NEGATIONS))
    tails = np.flatnonzero(tape.words[1:] == np.uint64(word_hash("t"))) + 1
    tails = tails[~np.isin(tails, tape.offsets)]  # the word before stands in the same text
    found[tails[_among(tape.words[tails - 1], _hashes(CONTRACTED))]] = True
    return found


def swapped_word(tape: Tape, one: int, two: int, other: Tape | None = None) -> bool:
    """Whether each of two texts has a word that the other lacks even in another spelling; text `two` is of `other`.

    "A flight to Detroit" and "a flight to Chicago" are two requests; "a flihgt to Detroit" is not a third.
    """
    other = tape if other is None else other
    left, right = _lacking(tape, one, other.words_of(two)), _lacking(other, two, tape.words_of(one))
    if not left or not right:
        return False
    for word in list(left):
        likeness, near = max((_likeness(word, other_word), other_word) for other_word in right)
        if likeness >= SPELLING:
            left.remove(word)
            right.remove(near)
            if not right:
                return False
    return bool(left)


@lru_cache(maxsize=1 << 16)
def _likeness(word: str, other: str) -> float:
    """Share of letters that match (Ratcliff and Metzener 1988), or 0 where it is certainly less than `SPELLING`."""
    both = len(word) + len(other)
    if 2 * min(len(word), len(other)) < SPELLING * both:
        return 0.0
    known = set(word)
    if 2 * sum(letter in known for letter in other) < SPELLING * both:
        return 0.0
    return difflib.SequenceMatcher(None, other, word).ratio()


def _lacking(tape: Tape, one: int, other: Hashes) -> list[str]:
    there = set(other.tolist())
    alone = [place for place, word in enumerate(tape.words_of(one).tolist()) if word not in there]
    words = (unhidden(seen(tape.quote(one, place, 1))) for place in alone)
    # Negations are counted by the key of the text; "can't" and "cannot" are the same one.
    return [word for word in words if len(word) >= CONTENT and word not in DENYING]


def _starting_with_digit(tape: Tape) -> Mask:
    out = np.zeros(len(tape.words), dtype=bool)
    for first, part in tape.parts():
        codes, heads = characters_of(part)
        begins = codes[part.starts + np.repeat(heads, part.lengths)]
        base = int(tape.offsets[first])
        out[base : base + len(begins)] = (begins >= ord("0")) & (begins <= ord("9"))
        if codes.dtype != np.uint8:
            out[base : base + len(begins)] |= np.isin(begins, DIGITS)
    return out


def _marks(tape: Tape) -> Hashes:
    """Marks of amount of each text: one number that depends on which and how many."""
    out = np.zeros(len(tape), dtype=np.uint64)
    for first, part in tape.parts():
        codes, heads = characters_of(part)
        for position, mark in enumerate(MARKS, start=1):
            if mark.isascii() or codes.dtype != np.uint8:
                owners = np.searchsorted(heads, np.flatnonzero(codes == ord(mark)), side="right") - 1
                weight = np.uint64(MARK_WEIGHT * position % (1 << 64))
                counts = np.bincount(owners, minlength=len(part)).astype(np.uint64)
                out[first : first + len(part)] += counts * weight
    return out


def characters_of(part: Tape) -> tuple[NDArray[Any], Positions]:
    """Characters of all texts end to end (one byte each where all are ASCII), and where each text begins."""
    text = "\n".join(part.texts)
    heads = np.cumsum([0, *(len(one) + 1 for one in part.texts[:-1])], dtype=np.int64)
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8), heads
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32), heads


def _among(words: Hashes, known: Hashes) -> Mask:
    # A sieve over the leading bits lets one word in some hundred through to the exact comparison.
    sieve = np.zeros(1 << SIEVE_BITS, dtype=bool)
    sieve[(known >> np.uint64(64 - SIEVE_BITS)).astype(np.int64)] = True
    out = np.zeros(len(words), dtype=bool)
    passed = np.flatnonzero(sieve[(words >> np.uint64(64 - SIEVE_BITS)).astype(np.int64)])
    out[passed] = np.isin(words[passed], known)
    return out


def _sums(values: Hashes, tape: Tape) -> Hashes:
    out = np.zeros(len(tape), dtype=np.uint64)
    filled: Positions = np.flatnonzero(tape.lengths)
    if len(filled):
        out[filled] = np.add.reduceat(values, tape.offsets[:-1][filled])
    return out


@cache
def _hashes(words: tuple[str, ...]) -> Hashes:
    return word_hashes(words)
