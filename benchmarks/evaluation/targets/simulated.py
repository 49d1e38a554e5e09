"""Targets of evaluation that are measured by simulation: curves over examples, and gates with few items.

    python benchmarks/evaluation/targets/simulated.py

Draws have fixed seeds. Writes `simulated.json` beside this file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from headgate.kit.files import write_text
from headgate.stats.claims import judge_difference
from headgate.stats.fewshot_curve import curve_of, judge_curve
from headgate.stats.paired import compare_paired
from headgate.stats.power import items_needed_non_inferior
from headgate.stats.verdict import Outcome

RESULTS = Path(__file__).with_suffix(".json")
COUNTS = (0, 1, 2, 4, 8)
SIZES = (10, 15, 30, 50, 100, 150, 200)
CURVES, DECISIONS = 600, 4000
BASE, DISCORDANCE, MARGIN = 0.8, 0.15, 0.05


def curves() -> dict[str, Any]:
    """T19: flat curves of mean 0.6, and curves whose last point is 20 points lower."""
    rng = np.random.default_rng(0)
    out: dict[str, Any] = {}
    for n in SIZES:
        told = {}
        for name, lost, tries in (("flat", 0.0, CURVES), ("lower by 20", 0.2, CURVES // 4)):
            found = []
            for seed in range(tries):
                rates = np.clip(rng.normal(0.6, 0.2, n), 0, 1)
                drawn = {k: (rng.random(n) < rates - lost * (k == COUNTS[-1])).astype(float) for k in COUNTS}
                found.append(judge_curve(curve_of(drawn), seed=seed).outcome)
            told[name] = round(found.count(Outcome.FAIL) / tries, 4)
            if not lost:
                told["flat, not settled"] = round(found.count(Outcome.UNSURE) / tries, 4)
        out[str(n)] = told
    return {"curves": out, "worst": max(one["flat"] for one in out.values())}


def gates() -> dict[str, Any]:
    """T20: 26 items, a margin of five points; nothing may be called no regression that the interval does not carry."""
    rng = np.random.default_rng(0)
    needs = items_needed_non_inferior(MARGIN, DISCORDANCE)
    out: dict[str, Any] = {"items_needed": needs}
    for name, true in (("equal", 0.0), ("lower by 5", -0.05)):
        passed = unfounded = told = 0
        asked = []
        for _ in range(DECISIONS):
            up = (DISCORDANCE + true) / 2
            draw = rng.random(26)
            gains, losses = draw < up, (draw >= up) & (draw < DISCORDANCE)
            before = np.where(gains, False, np.where(losses, True, rng.random(26) < BASE))
            after = np.where(gains, True, np.where(losses, False, before))
            verdict = judge_difference(
                compare_paired(before.astype(float), after.astype(float)), kind="non-inferiority", margin=MARGIN
            )
            said = "no regression" in verdict.summary
            passed += said
            low = verdict.measure.low if verdict.measure else -1.0
            unfounded += said and low <= -MARGIN
            if verdict.outcome is Outcome.UNSURE:
                told += "needs about" in verdict.reason or "no number of items" in verdict.reason
                asked += [int(one.replace(",", "")) for one in re.findall(r"needs about ([\d,]+)", verdict.reason)]
        out[name] = {
            "no_regression": round(passed / DECISIONS, 4), "beyond_the_interval": unfounded,
            "unsure_with_items": told, "median_items_told": float(np.median(asked)),
        }  # fmt: skip
    return out


def main() -> None:
    told = {"T19": curves(), "T20": gates()}
    print(json.dumps(told))
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
