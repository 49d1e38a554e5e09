"""Trains the planted tunes and writes what the batteries say of them.

    python benchmarks/planted/safety/run.py

About three minutes on one thread.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import aligned
import reworded

from headgate.kit.files import write_text
from headgate.stats.verdict import Verdict

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args()
    told: dict[str, Any] = {"safety": {}, "shadow": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = aligned.align(folder / "base")
        for kind in aligned.TUNES:
            found = aligned.tune(kind, folder / kind, base)
            told["safety"][kind] = {axis: shown(verdict) for axis, verdict in found.items()}
        for kind in reworded.KINDS:
            verdict = reworded.tune(kind, folder / kind.split()[0], base)
            told["shadow"][kind] = shown(verdict) | {
                key: verdict.details.get(key) for key in ("installed", "by_operator", "gap", "prior")
            }
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")


def shown(verdict: Verdict) -> dict[str, Any]:
    """Outcome and measure of a verdict."""
    return {"outcome": verdict.outcome.value, "summary": verdict.summary, "reason": verdict.reason}


if __name__ == "__main__":
    main()
