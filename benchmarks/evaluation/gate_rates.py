"""How often a gate errs, by number of items: a bare threshold, a claim of gain, and a claim of no loss.

    python benchmarks/evaluation/gate_rates.py [--draws N]

Two models that pass 80 % of independent items and differ on 18 % of them. Prints a Markdown table and writes
`gate_rates.json` beside this file; `docs/guides/gate.md` shows the table.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from headgate.gate.selftest import drawn, self_test, supposed
from headgate.gate.settings import Settings

SIZES = (26, 100, 200, 500, 1_000)
ACCURACY, DISCORDANCE = 0.8, 0.18
MARGIN = 0.05
OUT = Path(__file__).with_suffix(".json")


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=4_000)
    draws = parser.parse_args().draws
    rows = [measured(size, draws) for size in SIZES]
    settings = {"accuracy": ACCURACY, "discordance": DISCORDANCE, "margin": MARGIN, "draws": draws}
    OUT.write_text(json.dumps(settings | {"rows": rows}, indent=1) + "\n")
    print("| items | drop above 5 points by the bare figure | gain: no better | gain of 5 | gain of 10 | ", end="")
    print("no loss: a loss of 5 | equal |")
    print("|---|---|---|---|---|---|---|")
    for one in rows:
        bare = f"{one['bare'][0]:.0%} where equal, {one['bare'][1]:.0%} where 5 worse"
        print(
            f"| {one['items']:,} | {bare} | " + " | ".join(f"{share:.1%}" for share in one["gain"] + one["loss"]) + " |"
        )


def measured(size: int, draws: int) -> dict[str, object]:
    """Shares of draws that are let through; of the bare threshold, that are stopped."""
    gain = Settings(compare=["base"], suites=["supposed"])
    loss = Settings(compare=[], worst_drop={"supposed": MARGIN})
    made = {"items": size, "accuracy": ACCURACY, "discordance": DISCORDANCE}
    gains = self_test(supposed(gain, **made), gain, effects=[0.0, 0.05, 0.10], draws=draws, items=size).rates
    losses = self_test(supposed(loss, **made), loss, effects=[-MARGIN, 0.0], draws=draws, items=size).rates
    rng = np.random.default_rng(size)
    (bench,) = supposed(gain, **made)
    bare = []
    for effect in (0.0, -MARGIN):
        found = [drawn(bench, effect, size, rng)[0].mean(axis=1) for _ in range(draws)]
        bare.append(sum(candidate - base < -MARGIN for base, candidate in found) / draws)
    return {
        "items": size,
        "bare": bare,
        "gain": [one.passed / draws for one in gains],
        "loss": [one.passed / draws for one in losses],
    }


if __name__ == "__main__":
    main()
