"""Runs the same flow seven times, six of them with a planted failure, and says where each one stopped.

    python examples/planted/run.py              all seven
    python examples/planted/run.py learned-typo one of them

Projects stay in `examples/planted/out/`, so that their reports and ledgers can be read afterwards.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import plant

import headgate


def shortened(text: str, width: int = 100) -> str:
    """A text cut for one line."""
    return text if len(text) <= width else text[: width - 1] + "…"


def main(names: list[str]) -> int:
    """Exit code 0 when every failure was stopped where it must be and the control was released."""
    right = True
    print(f"{'variant':<20}{'stopped at':<12}{'by':<36}{'':<7}what headgate said")
    for variant in plant.VARIANTS:
        if names and variant.name not in names:
            continue
        started = time.perf_counter()
        folder = plant.HERE / "out" / variant.name
        overrides = plant.write(variant, folder)
        walked = headgate.open(folder, set=overrides).run()
        last = walked.steps[-1]
        stops = [v.rule for v in last.result.verdicts if v.blocks]
        stage = last.stage.name
        good = stage == variant.stage and (variant.rule in stops if variant.rule else walked.release is not None)
        right &= good
        by = ", ".join(stops) or "-"
        took = f"{time.perf_counter() - started:.0f} s"
        said = "right" if good else "WRONG"
        print(f"{variant.name:<20}{stage:<12}{by:<36}{said:<7}{shortened(last.result.summary)} ({took})")
    print("reports under", Path("examples/planted/out"))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
