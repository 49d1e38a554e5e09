"""Rewritten programs among the training rows: found by their shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headgate.rules.corpus import Corpus
from headgate.rules.nearness import PROGRAM, Asked, Prompts, PromptWords, nearest_rows, prompts_at
from headgate.text.programs import shape_of
from headgate.text.similarity import Nearest, honest, level_of
from headgate.text.tape import Positions, tape_of

FALLBACK = 0.85  # likeness of shapes that is asked where too few programs are there to calibrate on

Hits = dict[int, tuple[int, float]]  # row and score of items


@dataclass(frozen=True, slots=True)
class Written:
    """Items of which a training row seems to be a rewritten version."""

    hits: Hits
    expected: float = 0.0  # share of items that honest ones would add
    details: dict[str, Any] = field(default_factory=dict)


def above(found: Nearest, threshold: float, looked: Positions) -> Hits:
    """Row and score of each item above a threshold, the likest first."""
    places = np.flatnonzero(found.score > threshold)
    places = places[np.argsort(-found.score[places], kind="stable")]
    return {int(looked[at]): (int(found.row[at]), float(found.score[at])) for at in places.tolist()}


def by_programs(
    rows: Corpus, items: Corpus, looked: Positions, quantile: float, least_honest: int, seed: int
) -> Written:
    """Items that are programs, by their shapes; the threshold is what that share of the rows' programs stay below."""
    shapes = tape_of([shape_of(items[place].text) for place in looked.tolist()])
    some = np.flatnonzero(shapes.lengths > 0)
    if not len(some):
        return Written({})
    programs: Prompts = rows.ask(PromptWords(PROGRAM))
    alone = honest(programs.exact, programs.lengths, seed=seed)
    wanted = Asked(shapes.take(some)), Asked(prompts_at(rows, alone, PROGRAM), skip=alone)
    found, usual = nearest_rows(rows, programs, *wanted, view=PROGRAM)
    calibrated = level_of(usual.score, quantile)
    sure = calibrated.honest >= least_honest
    threshold = calibrated.threshold if sure else FALLBACK
    share = len(some) / len(looked)
    told = {"programs": len(some), "program_threshold": round(threshold, 4)}
    return Written(above(found, threshold, looked[some]), (1 - quantile) * share if sure else 0.0, told)
