"""Terms written in several ways: one run of letters, solid, with a hyphen, with a space, or with other capitals inside.

Works on a tape. The hash of two words written as one follows from the hashes of both, since the polynomial under
the finaliser of the tape can be taken back: so "e mail", "e-mail" and "email" have one key without any string.
First the keys that are written in more than one way are found, by counts alone; then every use of them is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.text.phrases import QUOTED, QUOTING
from headgate.text.tape import BASE, Bytes, Hashes, Mask, Positions, Tape, fold, mixed, word_hashes

# Words that bind others: a pair with one of them is grammar and no term ("every day", "may be", "log in").
_BINDING = (
    "a an the this that these those my your our his her its their i you he she it we they me him us them who whom "
    "and or but nor so if as than then of to in on at by for from with into onto over under about after before "
    "between through up down out off away back along around across above below behind near again against "
    "is are was were be been being am do does did done has have had having can could may might must shall should "
    "will would not no any some every each all one both either neither many much more most other another what "
    "which when where why how there here very too also just only ever never now well else let way while like"
)
BINDING = tuple(_BINDING.split())
PREVIOUS = ("please", "click", "via", "per", "using", "without", "during", "within")  # tell apart what stands before
JOINING = ("and", "or", "but")  # after these, a compound before a noun and a noun look alike
LONGEST = 30  # letters of a word that may be part of a term
SHORTEST = 4  # letters of a term
TABLE = 1 << 22  # places of the table by which hashes are sieved

EDGE, CONTENT, UNTOLD = (np.uint64(value) for value in (0, 1, 2))  # neighbours that are no certain words
COUNTED, ASIDE, CODE = 0, 1, 2  # what a use is: prose; quoted, echoed or in capitals; part of code
CODE_BEFORE, CODE_AFTER = frozenset("_\\$#<={}[]`"), frozenset("_\\(=<{}[]`")
GLUED = frozenset("/@&+*~|%0123456789")
INNER = re.compile(r"[^\W\d_]*[a-z][A-Z]")  # a solid word with capitals inside
INVERSES = tuple(np.uint64(pow(odd, -1, 1 << 64)) for odd in (0x94D049BB133111EB, 0xBF58476D1CE4E5B9))

_CAPITAL, _SMALL = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
_CAPITAL[[*range(0x41, 0x5B), *range(0xC0, 0xDF)]] = True
_SMALL[[*range(0x61, 0x7B), *range(0xDF, 0x100)]] = True
_LETTER = _CAPITAL | _SMALL
JOINT = np.zeros(256, dtype=bool)  # before a pair, these make it part of another; "?" is a curly apostrophe
JOINT[[ord(sign) for sign in "-'?"]] = True
_POWERS = np.array([pow(BASE, length, 1 << 64) for length in range(LONGEST + 1)], dtype=np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Terms to be looked for, by the hash of their letters; K of them, ascending."""

    hashes: Hashes  # (K,)
    cuts: Positions  # (K,): letters of the first part where there are two; 0 where none was seen


@dataclass(frozen=True, slots=True, eq=False)
class TermUses:
    """Every use of some terms; U of them, by term and then by place."""

    texts: Positions  # (U,)
    spans: Positions  # (U, 2): characters
    before: Hashes  # (U,): a binding word, CONTENT, or EDGE
    after: Hashes  # (U,): a word, EDGE at the end of a sentence, or UNTOLD
    forms: tuple[str, ...]  # distinct ways of writing, as they stand in the texts
    form: Positions  # (U,): place in `forms`
    kind: Positions  # (U,): COUNTED, ASIDE or CODE


class _Page:
    """A piece of a tape with its characters as one array, a line break before, between and after texts."""

    def __init__(self, tape: Tape) -> None:
        texts = tape.texts[:]
        self.signs: Bytes = np.frombuffer(("\n" + "\n".join(texts) + "\n").encode("latin-1", "replace"), dtype=np.uint8)
        sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1
        heads = 1 + np.cumsum(sizes) - sizes
        self.tape = tape
        shift = np.repeat(heads, tape.lengths)
        self.starts, self.ends = tape.starts + shift, tape.ends + shift

    def pairs(self) -> tuple[Positions, Mask]:
        """First words of pairs that a hyphen or a space joins, neither of them binding; and which a hyphen joins."""
        words = self.tape.words
        binding = BINDING_LOW[_slot(words)] & BINDING_HIGH[(words >> HIGH).astype(np.int64)]
        first = np.flatnonzero(self.starts[1:] - self.ends[:-1] == 1)
        sign = self.signs[self.ends[first]]
        first = first[(sign == ord("-")) | (sign == ord(" "))]
        first = first[~(binding[first] | binding[first + 1])]
        lengths = self.tape.ends - self.tape.starts
        fits = (lengths[first] <= LONGEST) & (lengths[first + 1] <= LONGEST)
        fits &= lengths[first] + lengths[first + 1] >= SHORTEST
        first = first[fits & self._lettered(first) & self._lettered(first + 1)]
        begin, end = self.starts[first], self.ends[first + 1]
        first = first[~JOINT[self.signs[begin - 1]] & (self.signs[end] != ord("-"))]
        return first, self.signs[self.ends[first]] == ord("-")

    def joined(self, first: Positions) -> Hashes:
        """The hash that each word and the next would have as one."""
        one, two = self._sums(first), self._sums(first + 1)
        lengths = (self.tape.ends - self.tape.starts).astype(np.int64)
        both = (lengths[first] + lengths[first + 1]).astype(np.uint64)
        return mixed(one + _POWERS[lengths[first]] * two + both)

    def named(self) -> Positions:
        """Words with a capital after a small letter, such as PayPal and iPhone, all of letters."""
        inner = np.flatnonzero(_SMALL[self.signs[:-1]] & _CAPITAL[self.signs[1:]])
        words = np.unique(np.searchsorted(self.starts, inner, side="right") - 1)
        words = words[words >= 0]
        words = words[self.ends[words] - self.starts[words] >= SHORTEST]
        named: Positions = words[self._lettered(words)]
        return named

    def neighbours(self, first: Positions, last: Positions) -> tuple[Hashes, Hashes]:
        """What stands before the first and after the last word of each use."""
        words, signs = self.tape.words, self.signs
        prior, later = np.maximum(first - 1, 0), np.minimum(last + 1, len(words) - 1)
        close = (first > 0) & (self.starts[first] - self.ends[prior] == 1) & (signs[self.starts[first] - 1] == ord(" "))
        told = np.isin(words[prior], BEFORE_HASHES)
        before = np.where(close, np.where(told, words[prior], CONTENT), EDGE)
        end = self.ends[last]
        followed = (later > last) & (self.starts[later] - end == 1) & (signs[end] == ord(" "))
        followed &= ~np.isin(words[later], JOINING_HASHES)
        stopped = np.isin(signs[end], np.frombuffer(b".!?\n", np.uint8)) & (
            np.isin(signs[np.minimum(end + 1, len(signs) - 1)], np.frombuffer(b" \n\"')", np.uint8))
        )
        after = np.where(followed, words[later], np.where(stopped, EDGE, UNTOLD))
        return before, after

    def _lettered(self, words: Positions) -> Mask:
        lettered: Mask = _LETTER[self.signs[self.starts[words]]] & _LETTER[self.signs[self.ends[words] - 1]]
        return lettered

    def _sums(self, words: Positions) -> Hashes:
        return unmixed(self.tape.words[words]) - (self.tape.ends[words] - self.tape.starts[words]).astype(np.uint64)


def unmixed(values: Hashes) -> Hashes:
    """The inverse of `tape.mixed`."""
    out = values ^ (values >> np.uint64(31)) ^ (values >> np.uint64(62))
    out = out * INVERSES[0]
    out ^= (out >> np.uint64(27)) ^ (out >> np.uint64(54))
    out *= INVERSES[1]
    out ^= (out >> np.uint64(30)) ^ (out >> np.uint64(60))
    plain: Hashes = out - np.uint64(0x9E3779B97F4A7C15)
    return plain


def _slot(hashes: Hashes) -> Positions:
    return (hashes & np.uint64(TABLE - 1)).astype(np.int64)


def _table(*hashes: Hashes) -> Mask:
    found = np.zeros(TABLE, dtype=bool)
    for one in hashes:
        found[_slot(one)] = True
    return found


# Two tables by different bits: that a word is taken for a binding one has a chance of one in a billion.
HIGH = np.uint64(64 - 22)
BINDING_LOW, BINDING_HIGH = (_table(hashes) for hashes in (word_hashes(BINDING), word_hashes(BINDING) >> HIGH))
BEFORE_HASHES = np.sort(word_hashes((*BINDING, *PREVIOUS)))
JOINING_HASHES = np.sort(word_hashes(JOINING))


def keys_in(tape: Tape, least: int) -> Keys:
    """Terms that are written in two ways, in each of them `least` times or more, by counts alone."""
    none = np.zeros(0, dtype=np.uint64)
    hyphens: list[Hashes] = [none]
    spaces: list[Hashes] = [none]
    named: list[Hashes] = [none]
    hyphen_cuts, space_cuts = [np.zeros(0, dtype=np.uint8)], [np.zeros(0, dtype=np.uint8)]
    for _, part in tape.parts():
        page = _Page(part)
        first, hyphen = page.pairs()
        joined, lengths = page.joined(first), (part.ends - part.starts)[first].astype(np.uint8)
        hyphens.append(joined[hyphen])
        hyphen_cuts.append(lengths[hyphen])
        spaces.append(joined[~hyphen])
        space_cuts.append(lengths[~hyphen])
        named.append(part.words[page.named()])
    sieve = _table(tape.words, *hyphens)
    spaced = np.concatenate(spaces)
    near = sieve[_slot(spaced)]
    spaces = [spaced[near]]
    cuts = np.concatenate([*hyphen_cuts, np.concatenate(space_cuts)[near]]).astype(np.int64)
    seen, many = np.unique(np.concatenate(named), return_counts=True)
    often_named: Hashes = seen[many >= least]
    pairs = np.concatenate([*hyphens, *spaces])
    solid = tape.words[_table(pairs, often_named)[_slot(tape.words)]]
    counts = [_counted(np.concatenate(one)) for one in (hyphens, spaces, [solid])]
    every = np.unique(np.concatenate([keys for keys, _ in counts]))
    often = np.sum([_looked_up(every, *one) >= least for one in counts], axis=0)
    wanted = every[(often >= 2) | np.isin(every, often_named)]
    return Keys(wanted, _cuts(wanted, pairs, cuts))


def _counted(hashes: Hashes) -> tuple[Hashes, Positions]:
    keys, counts = np.unique(hashes, return_counts=True)
    return keys, counts.astype(np.int64)


def _looked_up(keys: Hashes, known: Hashes, counts: Positions) -> Positions:
    out = np.zeros(len(keys), dtype=np.int64)
    out[np.searchsorted(keys, known)] = counts
    return out


def _cuts(keys: Hashes, pairs: Hashes, cuts: Positions) -> Positions:
    """Where each term is parted most often."""
    inside = np.isin(pairs, keys)
    found = np.stack([np.searchsorted(keys, pairs[inside]), cuts[inside]], axis=1).astype(np.int64)
    both, counts = np.unique(found, axis=0, return_counts=True)
    out = np.zeros(len(keys), dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    out[both[order, 0]] = both[order, 1]
    return out


def term_uses(tape: Tape, prompt: Callable[[int], str], keys: Keys) -> TermUses:
    """Every use of the terms; what a text only repeats from its own prompt is put aside."""
    sieve = _table(keys.hashes)
    parts = [_uses_in(part, first, keys, sieve) for first, part in tape.parts()]
    texts = np.concatenate([np.zeros(0, dtype=np.int64), *(one[0] for one in parts)])
    spans = np.concatenate([np.zeros((0, 2), dtype=np.int64), *(one[1] for one in parts)])
    before, after = (np.concatenate([np.zeros(0, dtype=np.uint64), *(one[n] for one in parts)]) for n in (2, 3))
    form, kind = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.int64)
    forms: dict[str, int] = {}
    quoted: tuple[int, list[tuple[int, int]]] = (-1, [])
    for use, (text, (start, end)) in enumerate(zip(texts.tolist(), spans.tolist(), strict=True)):
        whole = tape.texts[text]
        written = whole[start:end].encode("utf-8", "replace").decode()
        form[use] = forms.setdefault(written, len(forms))
        if quoted[0] != text:
            held = [hit.span() for hit in QUOTED.finditer(whole)] if QUOTING.search(whole) else []
            quoted = (text, held)
        kind[use] = _kind(whole, start, end, written, quoted[1]) or _echoed(prompt(text), written)
    return TermUses(texts, spans, before, after, tuple(forms), form, kind)


def _uses_in(part: Tape, first_text: int, keys: Keys, sieve: Mask) -> tuple[Positions, Positions, Hashes, Hashes]:
    page = _Page(part)
    single = np.flatnonzero(sieve[_slot(part.words)])
    single = single[np.isin(part.words[single], keys.hashes)]
    pair, _ = page.pairs()
    joined = page.joined(pair)
    near = sieve[_slot(joined)]
    pair, joined = pair[near], joined[near]
    place = np.minimum(np.searchsorted(keys.hashes, joined), len(keys.hashes) - 1)
    fits = (keys.hashes[place] == joined) & (keys.cuts[place] == (part.ends - part.starts)[pair])
    pair = pair[fits]
    first, last = np.concatenate([single, pair]), np.concatenate([single, pair + 1])
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    before, after = page.neighbours(first, last)
    texts = np.searchsorted(part.offsets, first, side="right") - 1
    spans = np.stack([part.starts[first], part.ends[last]], axis=1).astype(np.int64)
    return texts + first_text, spans, before, after


def _kind(whole: str, start: int, end: int, written: str, quoted: Sequence[tuple[int, int]]) -> int:
    before, after = whole[max(start - 1, 0) : start], whole[end : end + 1]
    if before in CODE_BEFORE or after in CODE_AFTER:
        return CODE
    for begin, stop in quoted:
        if begin < end and start < stop:
            return CODE if whole[begin] == "`" else ASIDE
    if before in GLUED or after in GLUED or (len(written) > 1 and written.isupper()):
        return ASIDE
    if after and after in ".:-'’" and _tail(whole, end):
        return ASIDE
    if before and before in ".:-" and whole[max(start - 2, 0) : start - 1].isalnum():
        return ASIDE
    return COUNTED


def _tail(whole: str, end: int) -> bool:
    """Whether what stands after makes the word part of an address or a longer word; a possessive does not."""
    sign, tail = whole[end], re.match(r"\w+", whole[end + 1 : end + 20])
    return tail is not None and not (sign in "'’" and tail[0] in ("s", "S"))


def _echoed(prompt: str, written: str) -> int:
    """ASIDE where the prompt writes it in the same way; capitals count only inside a word."""
    folded, way = fold(prompt), fold(written)
    place = folded.find(way)
    while place >= 0:
        asked = prompt[place : place + len(way)]
        if not prompt[max(place - 1, 0) : place].isalnum() and bool(INNER.match(asked)) == bool(INNER.match(written)):
            return ASIDE
        place = folded.find(way, place + 1)
    return COUNTED
