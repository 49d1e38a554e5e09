"""Classes of rows that a curation should not lose: register, length and difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row
from headgate.text.redundancy import rarity
from headgate.text.registers import REGISTERS, Dialogue, registers
from headgate.text.tape import tape_of

KINDS = ("register", "length", "difficulty")
LENGTHS = ((5, "1-5"), (15, "6-15"), (40, "16-40"), (120, "41-120"))  # words
LONGER = "over 120"
BY_LOSS = ("easy", "middle", "hard")  # thirds of the rows
BY_RATE = ("hardly ever solved", "sometimes solved", "nearly always solved")
RATES = (0.2, 0.8)  # pass rates between which a row is sometimes solved
ENOUGH = 0.5  # share of rows with a score from which on scores decide; below it, wording does
NO_MODEL = "rarity of wording, as no row has a score of the current model"

Scale = Literal["loss", "pass-rate"]


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Which of K classes each of N rows is in. A row is in many: registers overlap."""

    names: tuple[tuple[str, str], ...]  # (K,): kind and name, such as ("register", "hedge")
    held: NDArray[np.bool_]  # (N, K)
    hardness: str  # what difficulty was taken from, in words

    def of_kinds(self, kinds: Sequence[str]) -> Classes:
        """Some kinds of class only."""
        places = [place for place, (kind, _) in enumerate(self.names) if kind in kinds]
        return Classes(tuple(self.names[place] for place in places), self.held[:, places], self.hardness)


def classes_of(rows: Sequence[Row], *, score: str = "loss", scale: Scale = "loss") -> Classes:
    """The register, length and difficulty classes of rows.

    Difficulty is the score in `extra` under the key `score`: a loss, by thirds of these rows, or a pass rate
    of the current model. Where fewer than half of the rows have one it is the rarity of their wording.
    """
    spoken = registers([dialogue_of(row) for row in rows])
    columns: list[NDArray[np.bool_]] = [spoken]
    names = [("register", name) for name in REGISTERS]
    for field, texts in (("prompt", [r.prompt_text for r in rows]), ("answer", [r.answer_text for r in rows])):
        words = np.array([len(text.split()) for text in texts], dtype=np.int64)
        names += [("length", f"{field} {name} words") for name in (*(name for _, name in LENGTHS), LONGER)]
        bins = np.searchsorted([most for most, _ in LENGTHS], words)  # up to and with the edge
        columns.append((bins[:, None] == np.arange(len(LENGTHS) + 1)) & (words > 0)[:, None])
    bands, hardness = _difficulty(rows, score, scale)
    labels = BY_RATE if scale == "pass-rate" and hardness != NO_MODEL else BY_LOSS
    names += [("difficulty", name) for name in labels]
    columns.append(bands[:, None] == np.arange(len(labels)))
    return Classes(tuple(names), np.concatenate(columns, axis=1), hardness)


def dialogue_of(row: Row) -> Dialogue:
    """What people said in a row and what was replied, turn by turn."""
    replied = [*row.said_by("assistant"), *(message.content for message in row.chosen)]
    return row.said_by("user") or [row.prompt_text], replied or [row.answer_text]


def _difficulty(rows: Sequence[Row], score: str, scale: Scale) -> tuple[NDArray[np.int64], str]:
    """The band of each row, -1 where nothing is known of it, and what it was taken from."""
    found = np.array([_score(row.side.extra.get(score)) for row in rows], dtype=np.float64)
    known = ~np.isnan(found)
    if len(rows) == 0 or known.mean() < ENOUGH:
        values = rarity(tape_of([row.text for row in rows])) if rows else found
        return _thirds(values), NO_MODEL
    bands = np.full(len(rows), -1, dtype=np.int64)
    if scale == "pass-rate":
        bands[known] = np.where(found[known] <= RATES[0], 0, np.where(found[known] < RATES[1], 1, 2))
    else:
        bands[known] = _thirds(found[known])
    return bands, f"{score} of the current model, on {known.mean():.0%} of the rows"


def _thirds(values: NDArray[np.float64]) -> NDArray[np.int64]:
    # Equal values are in one band, so bands of a score with few values are not equal in size.
    cuts = np.quantile(values, [1 / 3, 2 / 3]) if len(values) else np.zeros(2)
    return np.searchsorted(cuts, values, side="left").astype(np.int64)


def _score(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
