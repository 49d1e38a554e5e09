"""One pass over the bytes of texts: words with their hashes and places, and what each text is known by.

Takes the texts as they stand, in UTF-8, one byte between two of them: lower case and the kinds of
characters come from tables by code point, so that nothing is copied or folded before. Places are turned into
unsigned numbers where they are used: a signed one might count from the end, which is asked for each byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import local
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.text import guards
from headgate.text.compiled.building import kernel, part, read_only
from headgate.text.compiled.hashing import ONE, ZERO, mixed
from headgate.text.disguises import hidden_codes
from headgate.text.ngrams import SPACE, STEP
from headgate.text.tape import BASE, Bytes, Hashes, Positions, Tape, seen, word_hashes
from headgate.text.tape import mixed as mixed_all

PLANES = 0x20000  # code points that may have a lower case
KINDS = 0x34000  # code points that may be anything but a letter
# ALONE: a word by itself; HIDDEN: not there for a reader; MARK + i: a gap, and the mark of amount i
GAP, LETTER, ALONE, HIDDEN, MARK = 0, 1, 2, 3, 4
COUNTED, DENIES, BEGINS_DENIAL, ENDS_DENIAL = 1, 2, 4, 8
SIEVE_SHIFT = np.uint64(64 - guards.SIEVE_BITS)
POWER, STRIDE = np.uint64(BASE), STEP
WEIGHT = np.uint64(guards.MARK_WEIGHT)
STATE = 5  # numbers that are kept of a part: three sums of its guard key, roles of its first and its last word


_own = local()


class Tables(NamedTuple):
    """What the scan looks up."""

    folded: NDArray[np.int32]  # (PLANES,): lower case of each code point
    kinds: Bytes  # (KINDS,)
    plain: Bytes  # (256,): lower case of each byte that is a letter or digit of ASCII; 0 for all others
    told: Hashes  # hashes of words that guards count; none at place 0
    roles: Bytes  # what each of them is
    sieve: Bytes  # by leading bits: the place of the first of them that may be it, others behind it, then 0


@cache
def tables() -> Tables:
    """Lower case and kinds of characters, words that guards count."""
    everything = "".join(map(chr, range(PLANES)))
    folded = np.frombuffer(seen(everything).encode("utf-32-le", "surrogatepass"), dtype=np.int32)
    kinds = _kinds()
    plain = np.zeros(256, dtype=np.uint8)
    for code in range(128):
        if kinds[folded[code]] == LETTER:
            plain[code] = folded[code]
    roles: dict[int, int] = {}
    for words, role in (
        (guards.COUNTED, COUNTED),
        (guards.NEGATIONS, DENIES),
        (guards.CONTRACTED, BEGINS_DENIAL),
        (("t",), ENDS_DENIAL),
    ):
        for hashed in word_hashes(words).tolist():
            roles[hashed] = roles.get(hashed, 0) | role
    told = np.array([0, *sorted(roles)], dtype=np.uint64)
    sieve = np.zeros((1 << guards.SIEVE_BITS) + len(told), dtype=np.uint8)
    for place in range(1, len(told)):
        slot = int(told[place] >> SIEVE_SHIFT)
        slot += int(np.argmin(sieve[slot:]))
        sieve[slot] = place
    return Tables(folded, kinds, plain, told, np.array([0, *map(roles.get, sorted(roles))], dtype=np.uint8), sieve)


def _kinds() -> Bytes:
    kinds = np.full(KINDS, LETTER, dtype=np.uint8)
    kinds[:0x80] = GAP
    kinds[[*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]] = LETTER
    # Gaps: Latin signs but the letters among them, ogham space, general and CJK punctuation, wide ASCII signs.
    kinds[0x80:0xC0] = GAP
    kinds[[0xAA, 0xB5, 0xBA]] = LETTER
    kinds[[0x1680]] = GAP
    for first, last in ((0x2000, 0x2C00), (0x3000, 0x3040), (0xFF00, 0xFF10), (0xFF1A, 0xFF21)):
        kinds[first:last] = GAP
    # Scripts without spaces: Thai, Lao, Burmese, Khmer, kana and Han.
    for first, last in ((0xE00, 0xF00), (0x1000, 0x1080), (0x1780, 0x1800), (0x3040, 0xA000), (0x20000, 0x34000)):
        kinds[first:last] = ALONE
    kinds[hidden_codes()] = HIDDEN
    for number, mark in enumerate(guards.MARKS):
        kinds[ord(mark)] = MARK + number
    return kinds


def encoded(texts: Sequence[str]) -> tuple[Bytes, Positions]:
    """Texts end to end in UTF-8 with a line break between two, and their lengths in characters."""
    data = b"\n".join([text.encode("utf-8", "surrogatepass") for text in texts])
    return np.frombuffer(data, dtype=np.uint8), np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def block_tape(texts: Sequence[str]) -> Tape:
    """The tape of one block, with the facts that guards and exact comparison ask for."""
    data, sizes = encoded(texts)
    words, starts, ends = _room(len(data) // 2 + 1)
    counts = np.empty(len(texts), np.int64)
    keys, exact = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
    states = np.empty((len(texts), STATE), np.uint64)
    total = scan(data, sizes, *tables(), words, starts, ends, counts, keys, exact, states)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    cut = (words[:total].copy(), offsets, starts[:total].copy(), ends[:total].copy())
    return Tape(tuple(texts), *cut, facts={"guards": keys, "exact": exact})


class Scanned(NamedTuple):
    """Parts that texts are made of, cut into words once; P parts of W words.

    Its words stand in room that the next scan of this thread overwrites: `kept` is for those who wait.
    """

    words: Hashes  # (W,)
    starts: NDArray[np.int32]  # (W,): in the part
    ends: NDArray[np.int32]  # (W,)
    offsets: Positions  # (P + 1,)
    sizes: Positions  # (P,): characters
    states: Hashes  # (P, STATE)


def scanned(parts: Sequence[str]) -> Scanned:
    """Words of parts, and what `put_together` needs to know of each."""
    data, sizes = encoded(parts)
    words, starts, ends = _room(len(data) // 2 + 1)
    counts, states = np.empty(len(parts), np.int64), np.empty((len(parts), STATE), np.uint64)
    unused = np.empty(len(parts), np.uint64)
    total = scan(data, sizes, *tables(), words, starts, ends, counts, unused, unused, states)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    return Scanned(words[:total], starts[:total], ends[:total], offsets, sizes, states)


def kept(cut: Scanned) -> Scanned:
    """The same in room of its own."""
    return cut._replace(words=cut.words.copy(), starts=cut.starts.copy(), ends=cut.ends.copy())


def put_together(cut: Scanned, texts: Sequence[str], parts: Positions, offsets: Positions) -> Tape:
    """The tape of texts made of parts: text i of parts[offsets[i]:offsets[i + 1]], a line break between two."""
    total = int((cut.offsets[parts + 1] - cut.offsets[parts]).sum())
    words, starts, ends = np.empty(total, np.uint64), np.empty(total, np.int32), np.empty(total, np.int32)
    counts = np.empty(len(texts), np.int64)
    keys, exact = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
    join(*cut, parts, offsets, words, starts, ends, counts, keys, exact)
    bounds = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    return Tape(texts, words, bounds, starts, ends, facts={"guards": keys, "exact": exact})


def _room(words: int) -> tuple[Hashes, NDArray[np.int32], NDArray[np.int32]]:
    """Arrays for so many words, used again by each thread: fresh memory costs more than the scan."""
    if words > getattr(_own, "words", 0):
        _own.words = words
        _own.room = np.empty(words, np.uint64), np.empty(words, np.int32), np.empty(words, np.int32)
    room: tuple[Hashes, NDArray[np.int32], NDArray[np.int32]] = _own.room
    return room


def normalised(texts: Sequence[str]) -> tuple[Hashes, Positions]:
    """Mixed code points of the words of each text, a space where any gap was, and how many each text has."""
    data, sizes = encoded(texts)
    values, counts = np.empty(int(sizes.sum()), np.uint64), np.empty(len(texts), np.int64)
    total = characters(data, sizes, *tables()[:2], _signs(), values, counts)
    return values[:total], counts


@cache
def _signs() -> Hashes:
    """What `characters` gives each byte of ASCII; 0 for a gap."""
    folded, kinds = tables()[:2]
    codes = folded[:128].astype(np.uint64)
    return np.where(np.isin(kinds[folded[:128]], (LETTER, ALONE)), mixed_all(codes), ZERO)


@part
def decoded(data, place, byte):
    """Code point of several bytes that begins at a place, and how many bytes it has."""
    if byte < 0xE0:
        return ((byte & 0x1F) << 6) | (np.int64(data[place + 1]) & 0x3F), 2
    middle = (np.int64(data[place + 1]) & 0x3F) << 6
    if byte < 0xF0:
        return ((byte & 0x0F) << 12) | middle | (np.int64(data[place + 2]) & 0x3F), 3
    low = ((np.int64(data[place + 2]) & 0x3F) << 6) | (np.int64(data[place + 3]) & 0x3F)
    return ((byte & 0x07) << 18) | (middle << 6) | low, 4


@part
def added(total, power, byte):
    """The sum of a word's bytes with one more of them."""
    return total + (np.uint64(byte) + ONE) * power


@part
def hashed(total, power, code):
    """The sum, the next power and the number of bytes of a code point in UTF-8."""
    if code < 0x80:
        return added(total, power, code), power * POWER, 1
    if code < 0x800:
        total = added(total, power, 0xC0 | (code >> 6))
        power *= POWER
        return added(total, power, 0x80 | (code & 0x3F)), power * POWER, 2
    if code < 0x10000:
        total = added(total, power, 0xE0 | (code >> 12))
        power *= POWER
        total = added(total, power, 0x80 | ((code >> 6) & 0x3F))
        power *= POWER
        return added(total, power, 0x80 | (code & 0x3F)), power * POWER, 3
    total = added(total, power, 0xF0 | (code >> 18))
    power *= POWER
    total = added(total, power, 0x80 | ((code >> 12) & 0x3F))
    power *= POWER
    total = added(total, power, 0x80 | ((code >> 6) & 0x3F))
    power *= POWER
    return added(total, power, 0x80 | (code & 0x3F)), power * POWER, 4


@part
def role_of(word, told, roles, sieve):
    """What guards count a word as; 0 for nearly all."""
    slot = np.int64(word >> SIEVE_SHIFT)
    while sieve[slot] != 0:
        if told[sieve[slot]] == word:
            return np.int64(roles[sieve[slot]])
        slot += 1
    return 0


@part
def key_of(numbers, marks, denials):
    """The guard key of a text from its three sums."""
    return mixed(numbers + mixed(marks) + mixed(mixed(denials)))


@kernel(
    f"int64({read_only('uint8')}, {read_only('int64')}, {read_only('int32')}, {read_only('uint8')}, "
    f"{read_only('uint8')}, {read_only('uint64')}, {read_only('uint8')}, {read_only('uint8')}, "
    "uint64[::1], int32[::1], int32[::1], int64[::1], uint64[::1], uint64[::1], uint64[:,::1])"
)
def scan(  # size: the state of a word and of a text stay in registers
    data, sizes, folded, kinds, plain, told, roles, sieve, words, starts, ends, counts, keys, exact, states
):
    """Words, starts and ends of all texts end to end, their number for each text, guard keys and exact hashes.

    States are the sums of which guard keys are made, and the roles of the first and the last word.
    """
    total, place = 0, 0
    for text in range(len(sizes)):
        size, first, char, unseen = sizes[text], total, 0, 0
        begin, length, closed, digit, before, opening = 0, 0, False, False, 0, 0
        sums, power = ZERO, ONE
        numbers, marks, denials, order, stride = ZERO, ZERO, ZERO, ZERO, ONE
        while char <= size:
            step, code, kind = 0, np.int64(0), np.int64(GAP)
            if char < size:
                code, step = np.int64(data[np.uint64(place)]), 1
                if code >= 0x80:
                    code, step = decoded(data, place, code)
                if code < PLANES:
                    code = np.int64(folded[np.uint64(code)])
                kind = np.int64(kinds[np.uint64(code)]) if code < KINDS else np.int64(LETTER)
            if length > 0 and (closed or (kind != LETTER and kind != HIDDEN)):
                word = mixed(sums + np.uint64(length))
                spot = np.uint64(total)
                words[spot], starts[spot], ends[spot] = word, begin, char - unseen
                total += 1
                order += word * stride
                stride *= STRIDE
                role = role_of(word, told, roles, sieve)
                if total == first + 1:
                    opening = role
                if digit or role & COUNTED:
                    numbers += mixed(word)
                if role & DENIES or (role & ENDS_DENIAL and before & BEGINS_DENIAL):
                    denials += ONE
                before, length, closed = role, 0, False
            if kind >= MARK:
                marks += WEIGHT * np.uint64(kind - MARK + 1)
            unseen = unseen + 1 if kind == HIDDEN else 0  # just before, after a word or in it
            if LETTER <= kind <= ALONE:
                if length == 0:
                    begin, sums, power, digit = char, ZERO, ONE, bool(0x30 <= code <= 0x39)
                sums, power, more = hashed(sums, power, code)
                length += more
                closed = kind == ALONE
            place += step
            char += 1
            if kind == LETTER:
                while char < size:  # letters of ASCII in a row, which is nearly every word
                    low = plain[data[np.uint64(place)]]
                    if low == 0:
                        break
                    sums = added(sums, power, low)
                    power *= POWER
                    length += 1
                    place += 1
                    char += 1
        place += 1
        counts[text] = total - first
        keys[text] = key_of(numbers, marks, denials)
        exact[text] = mixed(order + np.uint64(total - first))
        states[text, 0], states[text, 1], states[text, 2] = numbers, marks, denials
        states[text, 3], states[text, 4] = np.uint64(opening), np.uint64(before)
    return total


@kernel(
    f"void({read_only('uint64')}, {read_only('int32')}, {read_only('int32')}, {read_only('int64')}, "
    f"{read_only('int64')}, {read_only('uint64', 2)}, {read_only('int64')}, {read_only('int64')}, "
    "uint64[::1], int32[::1], int32[::1], int64[::1], uint64[::1], uint64[::1])"
)
def join(  # size: one text at a time, from its parts
    words, starts, ends, offsets, sizes, states, parts, bounds, out, out_starts, out_ends, counts, keys, exact
):
    """Words of texts from the words of their parts, and their guard keys and exact hashes, as `scan` has them."""
    total = 0
    for text in range(len(counts)):
        first, shift, before = total, np.int64(0), ZERO
        numbers, marks, denials, order, stride = ZERO, ZERO, ZERO, ZERO, ONE
        for at in range(bounds[text], bounds[text + 1]):
            part = parts[at]
            for place in range(offsets[part], offsets[part + 1]):
                here, there = np.uint64(place), np.uint64(total)
                out[there] = words[here]
                out_starts[there], out_ends[there] = starts[here] + shift, ends[here] + shift
                order += words[here] * stride
                stride *= STRIDE
                total += 1
            numbers += states[part, 0]
            marks += states[part, 1]
            denials += states[part, 2]
            if offsets[part + 1] > offsets[part]:
                opening = np.int64(states[part, 3])
                if opening & ENDS_DENIAL and not opening & DENIES and np.int64(before) & BEGINS_DENIAL:
                    denials += ONE
                before = states[part, 4]
            shift += sizes[part] + 1
        counts[text] = total - first
        keys[text] = key_of(numbers, marks, denials)
        exact[text] = mixed(order + np.uint64(total - first))


@kernel(
    f"int64({read_only('uint8')}, {read_only('int64')}, {read_only('int32')}, {read_only('uint8')}, "
    f"{read_only('uint64')}, uint64[::1], int64[::1])"
)
def characters(data, sizes, folded, kinds, signs, values, counts):
    """Mixed code points of the words of all texts end to end, one space where any gap was, and their numbers."""
    total, place = 0, 0
    for text in range(len(sizes)):
        first, gap = total, False
        for _ in range(sizes[text]):
            code, step = np.int64(data[np.uint64(place)]), 1
            if code < 0x80:
                value, alone = signs[np.uint64(code)], signs[np.uint64(code)] == ZERO
            else:
                code, step = decoded(data, place, code)
                if code < PLANES:
                    code = np.int64(folded[np.uint64(code)])
                kind = np.int64(kinds[np.uint64(code)]) if code < KINDS else np.int64(LETTER)
                if kind == HIDDEN:
                    place += step
                    continue
                value, alone = mixed(np.uint64(code)), kind != LETTER and kind != ALONE
            place += step
            if alone:
                gap = total > first
                continue
            if gap:
                values[np.uint64(total)] = mixed(np.uint64(SPACE))
                total += 1
                gap = False
            values[np.uint64(total)] = value
            total += 1
        place += 1
        counts[text] = total - first
    return total
