"""Trains the planted loops and writes what the governor says of them.

    python benchmarks/planted/reward/run.py

About a minute on one thread.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import iterating

import headgate
from headgate.kit.files import write_text
from headgate.rules.reward_series import recorded

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.parse_args()
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for kind in iterating.KINDS:
            told[kind] = looked_at(kind, Path(name) / kind)
            print(json.dumps(told[kind], indent=2))
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")


def looked_at(kind: str, folder: Path) -> dict[str, Any]:
    """One loop: its series, how the flow ended, and what every verdict on the candidate says."""
    begun = time.process_time()
    project = iterating.iterate(kind, folder)
    walked = headgate.open(folder).run()
    with project.ledger() as ledger:
        series = [
            {"step": batch.step, **node.body["proxy"], **node.body["outcomes"], "divergence": node.body["divergence"]}
            for node, batch in recorded(ledger, iterating.SERIES)
        ]
    verdicts = [one for step in walked.steps if step.stage.name in ("evaluate", "gate") for one in step.result.verdicts]
    return {
        "series": series,
        "ended": walked.summary,
        "cpu_s": round(time.process_time() - begun, 1),
        "verdicts": {one.rule: f"{one.outcome.value}: {one.summary}" for one in verdicts},
    }


if __name__ == "__main__":
    main()
