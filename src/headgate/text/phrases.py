"""House phrases: runs of one to four words that some texts use far more than others do.

Each phrase gets the log-odds of standing in a text, against the other texts, with an informative Dirichlet
prior from both together, divided by its standard error (Monroe, Colaresi and Quinn 2008, equations 15, 16
and 22, over texts instead of words, so that a text which repeats itself counts once, and with the term for
texts without the phrase, which is not small here). How far chance alone goes is resampled: texts change sides
at random, whole clusters at a time, and the largest score of all rounds is kept for phrases of like frequency.
The same is done for how few hands a phrase is in, with authors changing places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.text.frequent_runs import Uses, frequent_runs, known_runs, uses_of
from headgate.text.guards import characters_of
from headgate.text.ngrams import word_ngrams
from headgate.text.tape import Mask, Positions, Tape

STRONGEST = 500  # phrases that are looked at in full
AT_MOST = 12  # words to which it is followed
ALIKE = 0.5  # share of the uses of one phrase, 0..1, that makes it a part of another
GOES_ON = 0.8  # share of a phrase's uses, 0..1, that must go on with the same word
AT_ONCE = 4  # rounds of chance that are counted together
HANDS = 3  # authors in whose hands a habit may be
QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\"[^\"\n]{2,}\"|“[^”\n]{2,}”|«[^»\n]{2,}»|^>[^\n]*", re.S | re.M)
QUOTING = re.compile(r"[`\"“«>]")  # a text without any of them quotes nothing
_AFTER_SELF = np.array([ord(sign) for sign in " '’,."])
_ENDS = np.zeros(0x81, dtype=bool)  # of ASCII; the last place is for all other characters
_ENDS[[ord(sign) for sign in ".!?;:()[]{}|\n"]] = True

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """One phrase, where it is used, and how much more often than elsewhere."""

    words: str  # as it is written in its first use, in lower case
    texts: Positions  # (K,): text of each use, ascending
    spans: Positions  # (K, 2): its characters in that text
    count: int  # texts that use it
    other: int  # of the other texts
    score: float  # log-odds over their standard error


@dataclass(frozen=True, slots=True, eq=False)
class Hands:
    """How many of a phrase's clusters are its three busiest authors', against what chance gives them."""

    busiest: tuple[int, ...]  # authors
    share: float  # of the phrase's clusters, 0..1
    score: float  # standard errors above their share of all clusters


def telling_phrases(
    answers: Tape,
    others: Tape,
    clusters: Sequence[Positions],
    *,
    paired: bool,
    least: int,
    prior: float,
    times: float,
    rounds: int,
    seed: int = 0,
) -> list[Phrase]:
    """Phrases of the answers above every resampled score of phrases that are as frequent, strongest first.

    `clusters` number the clusters of the answers and of the others, together; `paired` says that text i of both
    belong together, and then the two change sides with each other. `least`: answers that use a phrase; `prior`:
    texts that the prior counts for; `times`: how much more often than in the others.
    """
    free = fluent(answers)
    grams, keys = frequent_runs(answers, free, least)
    here, there = uses_of(grams, len(answers)), uses_of(known_runs(others, fluent(others), keys), len(others))
    if not here.count:
        return []
    observed = _scores(here, there, np.ones(len(answers)), np.ones(len(others)), prior)
    drawn = np.random.default_rng(seed)
    octaves = np.log2(here.sums(np.ones(len(answers))) + there.sums(np.ones(len(others)))).astype(np.int64)
    chance = np.zeros(int(octaves.max()) + 1)
    for scores in _by_chance(here, there, clusters, paired, prior, drawn, rounds):
        np.maximum.at(chance, octaves, scores)
    shares = here.sums(np.ones(len(answers))) / max(len(answers), 1)
    elsewhere = there.sums(np.ones(len(others))) / max(len(others), 1)
    kept = np.flatnonzero((observed > chance[octaves]) & (shares >= times * elsewhere))
    starts = np.cumsum([0, *(len(one) for one in keys)])
    made: list[Phrase] = []
    for place in kept[np.argsort(-observed[kept], kind="stable")][:STRONGEST].tolist():
        n = int(np.searchsorted(starts, place, side="right"))
        at = grams[n - 1].positions[grams[n - 1].keys == place - starts[n - 1]]
        made.append(_phrase(answers, others, free, at, n, float(observed[place])))
    found: list[Phrase] = []
    # Of phrases that share their uses the one that is rarest elsewhere speaks, not a common word in it.
    for phrase in sorted(made, key=lambda one: -one.count / (one.other + 1)):
        if not _told(phrase, found):
            found.append(phrase)
    return sorted(found, key=lambda one: -one.score)


def hands(
    phrases: Sequence[Phrase], clusters: Positions, authors: Positions, *, rounds: int, seed: int = 0
) -> tuple[list[Hands], float]:
    """The three busiest authors of each phrase, and the score that no phrase reached when authors changed places.

    `clusters` and `authors` number those of each answer; -1 is no author. A cluster is its first author's.
    """
    number = int(clusters.max(initial=-1)) + 1
    owner = np.full(number, -1, dtype=np.int64)
    owner[clusters[::-1]] = authors[::-1]
    held = [np.unique(clusters[one.texts]) for one in phrases]
    held = [one[owner[one] >= 0] for one in held]
    people = int(authors.max(initial=-1)) + 1
    sizes: Floats = np.bincount(owner[owner >= 0], minlength=people) / max(int(np.count_nonzero(owner >= 0)), 1)
    drawn = np.random.default_rng(seed)
    known = np.flatnonzero(owner >= 0)
    every = np.concatenate([np.zeros(0, dtype=np.int64), *held])
    of = np.repeat(np.arange(len(held)), [len(one) for one in held]) * max(people, 1)
    chance = 0.0
    for _ in range(rounds if people and len(every) else 0):
        mixed = owner.copy()
        mixed[known] = drawn.permutation(owner[known])
        counts = np.bincount(of + mixed[every], minlength=len(held) * people).reshape(len(held), people)
        chance = max(chance, float(_scored(counts, sizes)[2].max()))
    return [_hands(owner[one], sizes) for one in held], chance


def fluent(tape: Tape) -> tuple[Mask, Mask]:
    """Which words count, and which begin a clause; shape (W,) each.

    Numbers, names (a capital that no clause begins with), quoted text and code do not count.
    """
    counts, begins = np.ones(len(tape.words), dtype=bool), np.zeros(len(tape.words), dtype=bool)
    for first, part in tape.parts():
        if len(part.words):
            words = slice(int(tape.offsets[first]), int(tape.offsets[first + len(part)]))
            counts[words], begins[words] = _fluent(part)
    return counts, begins


def _fluent(tape: Tape) -> tuple[Mask, Mask]:
    codes, heads = characters_of(tape)
    at = (tape.starts + np.repeat(heads, tape.lengths)).astype(np.int64)
    begins = np.zeros(len(at) + 1, dtype=bool)
    begins[tape.offsets[:-1]] = True
    # A word begins a clause where a sign that ends one stands before it in the same text.
    signs = np.flatnonzero(_ENDS[np.minimum(codes, len(_ENDS) - 1)])
    text = np.searchsorted(heads, signs, side="right") - 1
    places = np.searchsorted(at, signs)
    begins[places[places < tape.offsets[text + 1]]] = True
    begins = begins[:-1]
    letters, which = np.unique(codes[at], return_inverse=True)
    digit, capital = (
        np.fromiter((holds(chr(letter)) for letter in letters.tolist()), dtype=bool, count=len(letters))[which]
        for holds in (str.isdigit, str.isupper)
    )
    counts = ~(digit | (capital & ~begins & ~_selves(codes, heads, at, tape)))
    for number, one in enumerate(tape.texts[:]):
        if QUOTING.search(one):
            low = int(tape.offsets[number])
            starts = tape.starts[low : int(tape.offsets[number + 1])]
            for hit in QUOTED.finditer(one):
                begin, end = np.searchsorted(starts, [hit.start(), hit.end()])
                counts[low + begin : low + end] = False
    return counts, begins


def _selves(codes: NDArray[Any], heads: Positions, at: Positions, tape: Tape) -> Mask:
    """Which words are I, the one word that is written with a capital anywhere."""
    selves: Mask = codes[at] == ord("I")
    some = np.flatnonzero(selves)
    text = np.searchsorted(tape.offsets, some, side="right") - 1
    following = np.append(codes, 0)[at[some] + 1]
    ended = at[some] + 1 == np.append(heads[1:] - 1, len(codes))[text]  # a line break stands between two texts
    selves[some] = ended | np.isin(following, _AFTER_SELF)
    return selves


def _scores(here: Uses, there: Uses, mine: Floats, theirs: Floats, prior: float) -> Floats:
    return _log_odds(here.sums(mine), there.sums(theirs), float(mine.sum()), float(theirs.sum()), prior)


def _log_odds(ours: Floats, theirs: Floats, total: float, other_total: float, prior: float) -> Floats:
    """Log-odds ratio over its standard error; the prior has the shares of both sides together."""
    alpha = prior * (ours + theirs + 0.5) / (total + other_total + 1)
    one = np.log((ours + alpha) / (total + prior - ours - alpha))
    two = np.log((theirs + alpha) / (other_total + prior - theirs - alpha))
    seen = 1 / (ours + alpha) + 1 / (theirs + alpha)
    unseen = 1 / (total + prior - ours - alpha) + 1 / (other_total + prior - theirs - alpha)
    out: Floats = (one - two) / np.sqrt(seen + unseen)
    return out


def _by_chance(
    here: Uses,
    there: Uses,
    clusters: Sequence[Positions],
    paired: bool,
    prior: float,
    drawn: np.random.Generator,
    rounds: int,
) -> Iterator[Floats]:
    """The score of every phrase when clusters are on a side by chance, round after round."""
    counts = _Counts(here, len(clusters[0])), _Counts(there, len(clusters[1]))
    every = counts[0].all + counts[1].all
    for first in range(0, rounds, AT_ONCE):
        sides = [_sides(clusters, paired, drawn) for _ in range(min(AT_ONCE, rounds - first))]
        ours, theirs = (one.of([side[place] for side in sides]) for place, one in enumerate(counts))
        for (stays, comes), yes in zip(sides, ours + theirs, strict=True):
            total = float(np.count_nonzero(stays) + np.count_nonzero(comes))
            yield _log_odds(
                yes.astype(float), (every - yes).astype(float), total, len(stays) + len(comes) - total, prior
            )


def _sides(clusters: Sequence[Positions], paired: bool, drawn: np.random.Generator) -> tuple[Mask, Mask]:
    """Which of the answers, and which of the others, are on the side of the answers."""
    number = max(int(one.max(initial=-1)) for one in clusters) + 1
    if paired:
        side = drawn.random(number) < 0.5
        return side[clusters[0]], ~side[clusters[1]]  # what stays with the answers is taken from the others
    ours = np.zeros(number, dtype=bool)
    ours[clusters[0]] = True
    side = drawn.permutation(ours)
    return side[clusters[0]], side[clusters[1]]


class _Counts:
    """Counts of texts for each of K phrases, several choices of texts at once: each has some bits of a whole number."""

    def __init__(self, uses: Uses, texts: int) -> None:
        self._texts = uses.texts
        self._bits = 64 // AT_ONCE if texts < 1 << (64 // AT_ONCE) else 32
        self.all: Positions = np.bincount(uses.phrases, minlength=uses.count)
        self._used = np.flatnonzero(self.all)
        self._starts = (np.cumsum(self.all) - self.all)[self._used]

    def of(self, chosen: Sequence[Mask]) -> Positions:
        """How many of the chosen texts use each phrase; shape (len(chosen), K)."""
        out = np.zeros((len(chosen), len(self.all)), dtype=np.int64)
        lanes = 64 // self._bits
        for first in range(0, len(chosen) if len(self._used) else 0, lanes):
            some = chosen[first : first + lanes]
            packed = np.zeros(len(some[0]), dtype=np.uint64)
            for lane, one in enumerate(some):
                packed |= one.astype(np.uint64) << np.uint64(self._bits * lane)
            sums = np.add.reduceat(packed[self._texts], self._starts)
            for lane in range(len(some)):
                cut = (sums >> np.uint64(self._bits * lane)) & np.uint64((1 << self._bits) - 1)
                out[first + lane, self._used] = cut.astype(np.int64)
        return out


def _phrase(answers: Tape, others: Tape, free: tuple[Mask, Mask], at: Positions, n: int, score: float) -> Phrase:
    """A run of words, followed in both directions for as long as nearly all its uses go on alike."""
    begin, count, size = 0, len(at), n
    while size < AT_MOST and (more := _onward(answers, free, at, size)) is not None and len(more) >= GOES_ON * count:
        at, size = more, size + 1
    while size < AT_MOST and (more := _onward(answers, free, at, -1)) is not None and len(more) >= GOES_ON * count:
        at, size = more - 1, size + 1
    begin = int(at[0])
    texts = np.searchsorted(answers.offsets, at, side="right") - 1
    spans = np.stack([answers.starts[at], answers.ends[at + size - 1]], axis=1).astype(np.int64)
    own = word_ngrams(answers, size)
    first = int(texts[0])
    wanted = own.hashes[own.offsets[first] + begin - answers.offsets[first]]
    elsewhere = word_ngrams(others, size)
    places = np.flatnonzero(elsewhere.hashes == wanted)
    other = len(np.unique(np.searchsorted(elsewhere.offsets, places, side="right")))
    written = answers.texts[first][spans[0][0] : spans[0][1]]
    return Phrase(
        words=" ".join(written.lower().split()),
        texts=texts,
        spans=spans,
        count=len(np.unique(texts)),
        other=other,
        score=score,
    )


def _onward(tape: Tape, free: tuple[Mask, Mask], at: Positions, step: int) -> Positions | None:
    """Those uses beside which the commonest word stands, `step` words from their first."""
    places = at + step
    texts = np.searchsorted(tape.offsets, at, side="right") - 1
    inside = (places >= tape.offsets[texts]) & (places < tape.offsets[texts + 1])
    held, places = at[inside], places[inside]
    joined = free[0][places] & ~free[1][places + (1 if step < 0 else 0)]
    held, places = held[joined], places[joined]
    if not len(held):
        return None
    words, counts = np.unique(tape.words[places], return_counts=True)
    alike: Positions = held[tape.words[places] == words[np.argmax(counts)]]
    return alike


def _told(phrase: Phrase, found: Sequence[Phrase]) -> bool:
    """Whether a stronger phrase that holds this one, or stands in it, is used in nearly the same places."""
    padded = f" {phrase.words} "
    for other in found:
        near = min(phrase.count, other.count) >= ALIKE * max(phrase.count, other.count)
        inside = padded in f" {other.words} "
        if phrase.words == other.words or (inside and other.count >= ALIKE * phrase.count):
            return True
        if near and (f" {other.words} " in padded or _overlap(phrase, other)):
            return True
    return False


def _overlap(one: Phrase, two: Phrase) -> bool:
    """Whether most uses of one stand in the same texts and share characters with the other."""
    place = np.searchsorted(two.texts, one.texts, side="right") - 1
    there = two.spans[place]
    met = (place >= 0) & (two.texts[place] == one.texts)
    met &= (one.spans[:, 0] < there[:, 1]) & (there[:, 0] < one.spans[:, 1])
    return int(np.count_nonzero(met)) >= ALIKE * len(one.spans)


def _hands(authors: Positions, sizes: Floats) -> Hands:
    counts = np.bincount(authors, minlength=len(sizes))[None]
    if not len(authors):
        return Hands((), 0.0, 0.0)
    top, held, score = _scored(counts, sizes)
    busiest = tuple(int(one) for one in top[0] if counts[0, one])
    return Hands(busiest, int(held[0]) / len(authors), float(score[0]))


def _scored(counts: Positions, sizes: Floats) -> tuple[Positions, Positions, Floats]:
    """The busiest authors of each of K phrases, how much they hold, and how far above chance; from (K, authors)."""
    # Of authors who are as busy the first one counts.
    ordered = counts * counts.shape[1] + np.arange(counts.shape[1])[::-1]
    few = min(HANDS, counts.shape[1])
    top = np.argpartition(-ordered, few - 1, axis=1)[:, :few]
    place = np.argsort(-np.take_along_axis(ordered, top, axis=1), axis=1)
    top = np.take_along_axis(top, place, axis=1)
    of, expected = counts.sum(axis=1), sizes[top].sum(axis=1)
    held = np.take_along_axis(counts, top, axis=1).sum(axis=1)
    score: Floats = (held - of * expected) / np.sqrt(np.maximum(of * expected * (1 - expected), 1e-9))
    return top, held, np.where(of > 0, score, 0.0)
