"""A judge of pairs: whether two questions are the same one, asked of a person or a model.

A judge is not believed unseen. One that answers many pairs at once is also shown pairs whose answer is known,
an item beside itself and beside another item, and where it gets too many of these wrong nothing that it says counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

JUDGE = "pair-judge"  # the input that it is
CONTROLS = 10  # items that are shown beside themselves, and as many beside another item
RIGHT = 0.9  # share of these that must be answered right

Pair = tuple[str, str]  # a row's question and an item's
Answer = bool | None  # whether they are the same; None: it cannot tell


@runtime_checkable
class ManyAtOnce(Protocol):
    """A judge that is asked about many pairs at once, such as a model behind an endpoint."""

    name: str

    def many(self, pairs: Sequence[Pair]) -> Sequence[Answer]:
        """One answer for each pair."""
        ...


class OneByOne(Protocol):
    """A judge that is asked about one pair after the other."""

    def __call__(self, row: str, item: str) -> Answer:
        """Whether two questions are the same one."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge said."""

    answers: tuple[Answer, ...]  # all None where it failed its controls
    by: str = ""  # name of the judge; empty for one without
    right: int = 0  # controls
    controls: int = 0

    @property
    def believed(self) -> bool:
        """Whether the judge passed its controls, or has none."""
        return self.right >= RIGHT * self.controls

    def as_json(self) -> dict[str, object]:
        """What a report says of the judge."""
        told = {"judge": self.by, "controls": self.controls, "controls_right": self.right, "believed": self.believed}
        return {**told, "pairs": len(self.answers), "without_an_answer": self.answers.count(None)}


def ask_judge(judge: ManyAtOnce | OneByOne, pairs: Sequence[Pair], items: Sequence[str]) -> Judged:
    """What a judge says of some pairs; `items` are different questions from which controls are made."""
    if not isinstance(judge, ManyAtOnce):
        return Judged(tuple(judge(row, item) for row, item in pairs))
    if not pairs:
        return Judged((), judge.name)
    texts = list(dict.fromkeys(items))[:CONTROLS]
    known: list[tuple[Pair, bool]] = [((text, text), True) for text in texts]
    known += [((text, texts[place - 1]), False) for place, text in enumerate(texts) if len(texts) > 1]
    said = list(judge.many([*pairs, *(pair for pair, _ in known)]))
    controls = said[len(pairs) :]
    right = sum(answer is wanted for answer, (_, wanted) in zip(controls, known, strict=True))
    judged = Judged(tuple(said[: len(pairs)]), judge.name, right, len(known))
    return judged if judged.believed else Judged((None,) * len(pairs), judge.name, right, len(known))
