"""What a sealed pool answers: a word with a class of p, or an interval on a coarse grid; and what each gives away.

Exact accuracies, p-values and counts stay inside. The price of an answer is the logarithm of the number of answers
that could have been given.
"""

from __future__ import annotations

import math
from dataclasses import replace

from headgate.stats.ladder import Rung, bits_of, default_step
from headgate.stats.power import ALPHA
from headgate.stats.verdict import Outcome, Verdict

CLASSES = (0.001, 0.01, 0.025, ALPHA)  # upper ends of the classes of p that a pass is told with
WORDS = len(CLASSES) + 2  # answers that can be given in a word: a pass of each class, a failure, a doubt
RUNGS = 2  # the Ladder says better or not
ABOUT = ("suite", "pool", "reference", "candidate")


def as_word(verdict: Verdict, rung: Rung, n: int) -> tuple[Verdict, float]:
    """The outcome, for a pass a class of its p-value, and the Ladder's word; with its price in bits, the Ladder's not.

    No interval is told, so that nothing can be claimed from it but that the candidate is better.
    """
    about = {key: verdict.details[key] for key in ABOUT if key in verdict.details}
    shown = {**about, "answer": "verdict", "n": n, "ladder": {"better": rung.better}}
    if verdict.measure is None:
        return replace(verdict, details=shown), bits_of(WORDS)
    title = ":".join(verdict.summary.split(":", 2)[:2])
    told = {Outcome.PASS: "better", Outcome.FAIL: "worse", Outcome.UNSURE: "not told apart"}[verdict.outcome]
    if verdict.outcome is Outcome.PASS:
        p = next(end for end in CLASSES if float(verdict.details["p"]) <= end)
        shown["p_at_most"] = p
        told += f", p {p:g} or less"
    return (
        replace(
            verdict, summary=f"{title}: {told}, {n:,} items", measure=None, threshold={}, reason=_coarse(verdict),
            details=shown, findings=(), findings_total=0,
        ),
        bits_of(WORDS),
    )  # fmt: skip


def as_sealed(verdict: Verdict, rung: Rung, n: int) -> tuple[Verdict, float]:
    """What a sealed pool answers: the outcome, an interval on a coarse grid, the Ladder's word. And its price in bits.

    The grid is 1/sqrt(n), ends are rounded outwards; exact accuracies, p-values and counts stay inside.
    """
    step = default_step(n)
    about = {key: verdict.details[key] for key in ABOUT if key in verdict.details}
    ladder = {"better": rung.better, "best": rung.best, "step": rung.step}
    if verdict.measure is None:
        return replace(verdict, details=about | {"ladder": ladder}), bits_of(3)
    measure = verdict.measure
    value = round(measure.value / step) * step
    low = max(-1.0, math.floor(measure.low / step) * step)
    high = min(1.0, math.ceil(measure.high / step) * step)
    grid = 2 / step + 1
    bits = bits_of(3 * grid**3)
    title = verdict.summary.split(":", 2)
    summary = (
        f"{':'.join(title[:2])}: about {value * 100:+.0f} points, between {low * 100:+.0f} and {high * 100:+.0f}, "
        f"{measure.n:,} items, shown in steps of {step * 100:.1f} points"
    )
    shown = {
        "d": value,
        "se": (high - low) / 3.92,
        "low": low,
        "high": high,
        "p": 0.05 if verdict.outcome == "pass" else 1.0,
        "n": n,
        "accuracies": {},
        "step": step,
        "ladder": ladder,
        "power": {"items": n, "visible": round(measure.smallest_visible, 2)},
    }
    return (
        replace(
            verdict,
            summary=summary,
            measure=replace(
                measure, value=value, low=low, high=high, smallest_visible=round(measure.smallest_visible, 2)
            ),
            reason=_coarse(verdict),
            details=about | shown,
            findings=(),
        ),
        bits,
    )


def rung_price(step: float) -> float:
    """Bits of a Ladder that says better or not and tells the best so far on its grid."""
    return bits_of(1 / step + 2) + bits_of(RUNGS)


def _coarse(verdict: Verdict) -> str:
    # The full reason quotes exact numbers.
    return "the sealed items do not tell the two apart" if verdict.reason else ""
