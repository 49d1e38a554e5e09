"""Duplicates inside training: exact ones go, near ones are proposed, with a witness for each.

Only rows of the same kind, slices and label are merged, so that no cluster mixes intents, tones or
outcomes: rows of two classes that are alike in all words are kept and named. The words of both the
prompt and the answer must be alike; and rows that differ in a number, an amount, a negation or (in
short texts) the one word that matters are never duplicates. Short prompts that say the same but for a greeting,
thanks or letters that changed places are alike too, where their answers have the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from headgate.curate.components import NO_PAIRS, Pairs, component_labels, groups
from headgate.curate.survivors import Choice, Removal, Scores, at_least, choose, tail_scores
from headgate.kit.hashing import canonical_json
from headgate.rows.row import Row
from headgate.text.courtesies import bare_hashes
from headgate.text.guards import guard_keys, swapped_word
from headgate.text.jaccard import similarities
from headgate.text.near_duplicates import (
    SHORT_THRESHOLD,
    SHORT_WORDS,
    THRESHOLD,
    near_duplicate_pairs,
    similarity_of,
)
from headgate.text.ngrams import Shingles, exact_hashes
from headgate.text.redundancy import ANSWER
from headgate.text.tape import Hashes, Positions, mixed, tape_of

WORDS = Shingles(1)
LEAST = 0.05  # similarity of a prompt of one misspelt word with itself
ROUNDS = 4  # a crowded cluster is connected by few of its pairs, so what stays is compared again


@dataclass(frozen=True, slots=True)
class Likeness:
    """From which similarity (Jaccard, 0..1) a field is alike."""

    long: float = THRESHOLD  # texts of 20 words and more, by word 3-grams
    short: float = SHORT_THRESHOLD  # by character 5-grams


@dataclass(frozen=True, slots=True)
class Exact:
    """A row whose content another row holds already."""

    position: int
    survivor: int


def exact_duplicates(rows: Sequence[Row], order: Sequence[int]) -> list[Exact]:
    """Rows whose content an earlier row holds; `order` says when each row came (its row number)."""
    first: dict[str, int] = {}
    found = []
    for position in sorted(range(len(rows)), key=lambda p: order[p]):
        survivor = first.setdefault(rows[position].content_id, position)
        if survivor != position:
            found.append(Exact(position, survivor))
    return found


def near_duplicates(rows: Sequence[Row], likeness: Likeness, *, keep: int = 1, hardness: str = "loss") -> Choice:
    """Proposes near-duplicates for removal; nothing is removed here.

    The survivor of a cluster is the row with the highest `extra[hardness]` (such as the loss of the
    present model), else the one with the most rare wording.
    """
    ranking = rankings(rows, hardness)
    part = _among(rows, classes(rows), ranking, likeness, keep)
    removals = sorted(part.removals, key=lambda one: (-one.similarity, rows[one.position].id))
    return replace(part, removals=tuple(removals))


def rankings(rows: Sequence[Row], hardness: str) -> list[tuple[float, ...]]:
    """What survives first: the hardest row, then the one with the rarest words in its prompt."""
    rare = tail_scores(tape_of([row.prompt_text or row.text for row in rows])).tolist()
    return [(_number(row.side.extra.get(hardness)), score) for row, score in zip(rows, rare, strict=True)]


def classes(rows: Sequence[Row]) -> Positions:
    """A number for each row, equal where rows may be duplicates at all.

    Alike must be kind, slices, label, tools, roles, and what stands beside the words.
    """
    known: dict[bytes, int] = {}
    keys = (
        canonical_json(
            [
                row.kind.value,
                dict(row.side.slices),
                row.label,
                row.tools,
                [m.role for m in row.messages],
                str(row.beside_words),
            ]
        )
        for row in rows
    )
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def _among(
    rows: Sequence[Row], codes: Positions, ranking: Sequence[tuple[float, ...]], likeness: Likeness, keep: int
) -> Choice:
    """Proposals, in rounds until what stays holds no more pairs."""
    fields = _Fields(rows, codes, likeness)
    ids = [row.id for row in rows]
    standing: Positions = np.arange(len(rows))
    removed: dict[int, int] = {}
    clusters: list[tuple[int, ...]] = []
    mixed: Pairs = NO_PAIRS
    for turn in range(ROUNDS):
        pairs, similarity = fields.pairs(standing)
        chosen = choose(
            len(standing),
            pairs,
            similarity,
            [ranking[p] for p in standing.tolist()],
            [ids[p] for p in standing.tolist()],
        )
        removed |= {int(standing[one.position]): int(standing[one.survivor]) for one in chosen.removals}
        if not turn:
            clusters = [tuple(int(standing[p]) for p in cluster) for cluster in chosen.clusters]
            mixed = fields.mixed
        if not chosen.removals:
            break
        standing = np.delete(standing, [one.position for one in chosen.removals])
    return Choice(
        tuple(at_least(_witnessed(removed, fields), clusters, keep)),
        tuple(clusters),
        mixed=tuple(tuple(group) for group in groups(component_labels([()] * len(rows), mixed)) if len(group) > 1),
        prompt_only=fields.prompt_only(),
    )


def _witnessed(removed: dict[int, int], fields: _Fields) -> list[Removal]:
    """Removals whose survivor truly stays and is alike itself; the others are not proposed."""
    finals = []
    for survivor in removed.values():
        while survivor in removed:
            survivor = removed[survivor]
        finals.append(survivor)
    left, right = np.array(list(removed), dtype=np.int64), np.array(finals, dtype=np.int64)
    alike = fields.similarity(left, right).tolist()
    apart = {name: scores.tolist() for name, scores in fields.apart(left, right).items()}
    return [
        Removal(
            position, survivor, score, {name: scores[place] for name, scores in apart.items() if scores[place] >= 0}
        )
        for place, (position, survivor, score) in enumerate(zip(removed, finals, alike, strict=True))
        if score > 0
    ]


class _Fields:
    """Tapes of the whole text, the prompt and the answer of comparable rows."""

    def __init__(self, rows: Sequence[Row], codes: Positions, likeness: Likeness) -> None:
        self.whole = tape_of([row.text for row in rows])
        self.prompt = tape_of([row.prompt_text for row in rows])
        self.answer = tape_of(["\n".join([row.answer_text, *_rejected(row)]) for row in rows])
        self.around = tape_of(["\n".join(_around(row)) for row in rows])
        self.guards = [(tape, guard_keys(tape)) for tape in (self.prompt, self.answer)]
        self.codes = codes
        self.likeness = likeness
        self.bare = self._bare()
        self.mixed: Pairs = NO_PAIRS  # of the last search: alike in every field, of two classes

    def pairs(self, standing: Positions) -> tuple[Pairs, Scores]:
        """Pairs among the rows standing, as places in `standing`, of one class and alike in every field."""
        least = min(self.likeness.long, self.likeness.short)
        codes = self.codes[standing]
        found = near_duplicate_pairs(self.whole.take(standing), threshold=least, short_threshold=least, apart=codes)
        pairs = np.stack([found.left, found.right], axis=1)
        pairs = np.unique(np.concatenate([pairs, _linked(self.bare[standing], codes)]), axis=0)
        similarity = self.similarity(standing[pairs[:, 0]], standing[pairs[:, 1]])
        alike, same = similarity > 0, codes[pairs[:, 0]] == codes[pairs[:, 1]]
        self.mixed = standing[pairs[alike & ~same]]
        return pairs[alike & same], similarity[alike & same]

    def prompt_only(self) -> int:
        """Rows whose prompt is alike another's and whose answer is another answer."""
        found = near_duplicate_pairs(
            self.prompt, threshold=self.likeness.long, short_threshold=self.likeness.short
        ).duplicates
        both = (self.answer.lengths[found.left] > 0) & (self.answer.lengths[found.right] > 0)
        left, right = found.left[both], found.right[both]
        other = similarity_of(self.answer, left, right) < ANSWER
        return len(np.unique(np.concatenate([left[other], right[other]])))

    def apart(self, left: Positions, right: Positions) -> dict[str, Scores]:
        """Similarity of each field of given pairs; -1 where neither row has the field."""
        out = {}
        for name, tape in (("prompt", self.prompt), ("answer", self.answer)):
            filled = (tape.lengths[left] > 0) | (tape.lengths[right] > 0)
            scores = np.full(len(left), -1.0)
            if filled.any():
                scores[filled] = similarity_of(tape, left[filled], right[filled])
            out[name] = scores
        return out

    def similarity(self, left: Positions, right: Positions) -> Scores:
        """The least similarity of any field that either row has; 0 where a field is not alike or a guard differs."""
        out = np.ones(len(left))
        for tape, guards in self.guards:
            filled = (tape.lengths[left] > 0) | (tape.lengths[right] > 0)
            if not filled.any():
                continue
            one, two = left[filled], right[filled]
            score = similarity_of(tape, one, two)
            short = np.minimum(tape.lengths[one], tape.lengths[two]) < SHORT_WORDS
            score[score < np.where(short, self.likeness.short, self.likeness.long)] = 0.0
            score[guards[one] != guards[two]] = 0.0
            for place in np.flatnonzero(short & (score > 0) & (score < 1)).tolist():
                if swapped_word(tape, int(one[place]), int(two[place])):
                    score[place] = 0.0
            out[filled] = np.minimum(out[filled], score)
        bare = np.flatnonzero((out == 0) & (self.bare[left] > 0) & (self.bare[left] == self.bare[right]))
        out[bare] = np.maximum(similarities(self.prompt, WORDS, left[bare], right[bare]), LEAST)
        return out

    def _bare(self) -> Hashes:
        """What short prompts say, courtesies and slips aside, with numbers, negations and the words of the answer.

        Instructions and what tools said must be the same: with other ones a short question is another question.
        """
        short = (self.prompt.lengths < SHORT_WORDS) & (self.answer.lengths > 0)
        said = bare_hashes(self.prompt, short)
        key = said
        for hashes in (*(guards for _, guards in self.guards), exact_hashes(self.answer), exact_hashes(self.around)):
            key = mixed(key ^ hashes)
        bare: Hashes = np.where(said > 0, key, np.uint64(0))
        return bare


def _linked(keys: Hashes, codes: Positions) -> Pairs:
    """Each place with a key that an earlier place of the same class has, with the first such place."""
    some = np.flatnonzero(keys > 0)
    _, first, again = np.unique(
        np.stack([keys[some], codes[some].astype(np.uint64)]), axis=1, return_index=True, return_inverse=True
    )
    leader = some[first[again.reshape(-1)]]
    later = leader != some
    linked: Pairs = np.stack([leader[later], some[later]], axis=1)
    return linked


def _around(row: Row) -> list[str]:
    return [message.content for message in row.messages if message.role not in ("user", "assistant")]


def _rejected(row: Row) -> list[str]:
    return [message.content for one in row.rejected for message in one]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("-inf")
