"""Answers that are no answers: one text for everything, the prompt said back, nothing, or nothing like a reference.

A judge can be won by a constant text (Zheng and others 2024, "Cheating automatic LLM benchmarks: null models achieve
high win rates", arXiv 2410.07137), and a length-controlled rate rises with it; so this is asked before any score is
believed. Shares are counted over all prompts; where a first step is given, what it does already is not held against
the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from headgate.stats.governed import DEGENERATE, FAILURE
from headgate.stats.judging import judge_count
from headgate.stats.verdict import Verdict

LEAST = 20  # answers from which on shares are told
CONSTANT = 0.5  # share of answers that are one text
EMPTY, ECHOED = 0.1, 0.5  # share of answers without a word; of answers that are mostly the prompt's words in order
MOSTLY = 0.8  # of an answer's word runs that stand in the prompt
FEW_WORDS = 0.10  # mean overlap with references below which answers do not speak of what was asked
HALVED = 0.5  # of what the first step had


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is known of the answers of one step; arrays of one number for each prompt."""

    same: ArrayLike  # a number for each text, equal for equal texts
    empty: ArrayLike
    echo: ArrayLike  # share of word runs that stand in the prompt
    overlap: ArrayLike  # with a reference; not a number where there is none

    def shares(self) -> dict[str, float]:
        """Share of the commonest text, of different texts, of empty ones and of echoes, and the mean overlap."""
        texts = np.asarray(self.same)
        counts = np.unique(texts, return_counts=True)[1]
        known = np.asarray(self.overlap, dtype=np.float64)
        known = known[np.isfinite(known)]
        return {
            "commonest": float(counts.max() / len(texts)),
            "distinct": float(len(counts) / len(texts)),
            "empty": float(np.asarray(self.empty, dtype=bool).mean()),
            "echoes": float((np.asarray(self.echo, dtype=np.float64) >= MOSTLY).mean()),
            "overlap": float(known.mean()) if len(known) >= LEAST else float("nan"),
        }


def judge_degenerate(name: str, newest: Answers, first: Answers | None = None) -> Verdict:
    """Whether the newest answers are answers at all, whatever score they reached."""
    now, before = newest.shares(), first.shares() if first is not None else {}
    n = len(np.asarray(newest.same))
    wrong = [text for bad, text in _checks(now, before) if bad]
    shown: dict[str, Any] = {"now": _told(now), "first": _told(before)}
    verdict = judge_count(
        len(wrong), name="ways in which answers are none", unit="ways", looked_at=n, at_most=0, minimum=LEAST,
        summary=f"{name}: {'; '.join(wrong) or _fine(now, n)}",
        details={"series": name, **shown}, next_step="read the answers; no score of them means anything",
    )  # fmt: skip
    return replace(verdict, rule=DEGENERATE, failure=FAILURE)


def _checks(now: Mapping[str, float], before: Mapping[str, float]) -> list[tuple[bool, str]]:
    was = {**dict.fromkeys(("commonest", "empty", "echoes"), 0.0), "overlap": float("nan"), **before}
    fewer = not was["overlap"] > 0 or now["overlap"] < HALVED * was["overlap"]
    return [
        (now["commonest"] >= max(CONSTANT, 2 * was["commonest"]), f"one text is {now['commonest']:.0%} of all answers"),
        (now["empty"] >= max(EMPTY, 2 * was["empty"]), f"{now['empty']:.0%} of the answers hold no word"),
        (now["echoes"] >= max(ECHOED, 2 * was["echoes"]), f"{now['echoes']:.0%} of the answers say the prompt back"),
        (now["overlap"] < FEW_WORDS and fewer, f"answers share {now['overlap']:.2f} of their words with references"),
    ]


def _fine(now: Mapping[str, float], n: int) -> str:
    overlap = f", {now['overlap']:.2f} of their words shared with references" if np.isfinite(now["overlap"]) else ""
    return f"{now['distinct']:.0%} of {n:,} answers are different texts{overlap}"


def _told(shares: Mapping[str, float]) -> dict[str, float | None]:
    return {name: round(value, 4) if np.isfinite(value) else None for name, value in shares.items()}
