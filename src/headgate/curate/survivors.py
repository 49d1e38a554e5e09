"""Which of several near-duplicates stay: the hardest and the most different, never the first or shortest.

Removal needs a witness. Survivors are chosen so that every row that goes has a near-duplicate of
its own among the rows that stay; a chain a-b-c whose ends are no near-duplicates of each other
keeps both ends, or its middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as fresh

import numpy as np
import numpy.typing as npt

from headgate.curate.components import Pairs, component_labels, groups
from headgate.text.ngrams import distinct, word_ngrams
from headgate.text.redundancy import rarity
from headgate.text.tape import Tape

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Removal:
    """A proposal: a row that may go, the row that speaks for it, and how alike they are."""

    position: int
    survivor: int
    similarity: float  # Jaccard, 0..1: of the field that is least alike
    fields: Mapping[str, float] = fresh(default_factory=dict)  # similarity of each field that either row has

    @property
    def field(self) -> str:
        """The field that decided: the least alike."""
        return min(self.fields, key=lambda name: self.fields[name], default="")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is proposed for all clusters together."""

    removals: tuple[Removal, ...]  # most alike first
    clusters: tuple[tuple[int, ...], ...]  # positions, clusters of two and more
    mixed: tuple[tuple[int, ...], ...] = ()  # positions: alike in all words, kept because slice or label differs
    prompt_only: int = 0  # rows that ask what another row asks, with an answer of their own: never proposed


def tail_scores(tape: Tape) -> Scores:
    """How much rare wording each text holds: the sum over its distinct words of log(N / texts with the word).

    Shape (texts,). Rows of the long tail, with odd words and the messier register, score high; a sum and
    not a mean, so that the shorter of two is never preferred for what it leaves out.
    """
    scores: Scores = rarity(tape) * distinct(word_ngrams(tape, 1)).counts
    return scores


def choose(
    size: int,
    pairs: Pairs,
    similarity: Scores,
    ranking: Sequence[tuple[float, ...]],
    ties: Sequence[str],
) -> Choice:
    """Chooses survivors of every cluster and proposes the rest for removal.

    `pairs` has shape (pairs, 2), `similarity` shape (pairs,). A higher ranking survives; `ties` are
    decided by content address, so that the order of rows does not matter.
    """
    near: dict[int, dict[int, float]] = {}
    for (one, other), alike in zip(pairs.tolist(), similarity.tolist(), strict=True):
        near.setdefault(one, {})[other] = alike
        near.setdefault(other, {})[one] = alike
    clusters = [tuple(group) for group in groups(component_labels([()] * size, pairs)) if len(group) > 1]
    removals: list[Removal] = []
    for cluster in clusters:
        order = sorted(cluster, key=lambda p: (ranking[p], ties[p]), reverse=True)
        stay = _independent(order, near)
        for position in order:
            if position not in stay:
                survivor = max((p for p in near[position] if p in stay), key=lambda p: (near[position][p], ties[p]))
                removals.append(Removal(position, survivor, near[position][survivor]))
    removals.sort(key=lambda one: (-one.similarity, ties[one.position]))
    return Choice(tuple(removals), tuple(clusters))


def _independent(order: Sequence[int], near: Mapping[int, Mapping[int, float]]) -> set[int]:
    stay: set[int] = set()
    for position in order:
        if not any(other in stay for other in near[position]):
            stay.add(position)
    return stay


def at_least(removals: Sequence[Removal], clusters: Sequence[Sequence[int]], keep: int) -> list[Removal]:
    """Removals less those of the most different rows, so that each cluster keeps `keep` rows where it has so many."""
    gone = {one.position: one for one in removals}
    for cluster in clusters:
        going = sorted((gone[p] for p in cluster if p in gone), key=lambda one: one.similarity)
        for one in going[: max(0, keep - (len(cluster) - len(going)))]:
            del gone[one.position]
    return list(gone.values())
