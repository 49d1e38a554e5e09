"""Ten rules cost little more than one: the same file checked with one rule, two, ... all of them.

    python benchmarks/speed/kernels.py

The curve is of whole processes on 50,000 rows, rules added in the order in which they are listed, cheapest
last. The tape of a field is cut once and shared; beside each figure stands what the rules that are on so far would
cost if each ran in a process of its own. Ours is timed with plain kernels too, and with 10,000 rows, which
never load the compiled ones.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from rows_50k import make
from timing import in_turns, write

HEADGATE = str(Path(sys.executable).parent / "headgate")
RUNS = 2
RULES = (
    "near-duplicates",
    "self-leak",
    "paraphrased-leak",
    "learned-typo",
    "group-leak",
    "rows-without-lesson",
    "unsourced-rows",
)
LABEL = "{} rules"


def command(train: Path, test: Path, rules: tuple[str, ...]) -> list[str]:
    """One check with some of the rules."""
    return [HEADGATE, "check", str(train), "--eval", str(test), "--select", ",".join(rules), "--quiet"]


def main() -> None:
    """Seconds with more and more rules, of each rule alone, and of 10,000 rows."""
    with tempfile.TemporaryDirectory() as scratch:
        train, test = make(Path(scratch))
        few = Path(scratch) / "few.jsonl"
        few.write_text("".join(train.read_text(encoding="utf-8").splitlines(keepends=True)[:10_000]), encoding="utf-8")
        curve = {LABEL.format(count): command(train, test, RULES[:count]) for count in range(1, len(RULES) + 1)}
        alone = {rule: command(train, test, (rule,)) for rule in RULES}
        every = [HEADGATE, "check", str(train), "--eval", str(test), "--quiet"]
        small = [HEADGATE, "check", str(few), "--eval", str(test), "--quiet"]
        rest = {"every rule of the catalogue": every, "every rule, 10,000 rows": small}
        times = in_turns({**curve, **alone, **rest}, runs=RUNS, allowed=(0, 1, 3))
        os.environ["HEADGATE_KERNELS"] = "plain"
        plain = in_turns({"plain": every}, runs=1, allowed=(0, 1, 3))["plain"]
    first = times[LABEL.format(1)].cpu
    write(
        "kernels",
        {
            "rows": 50_000,
            "curve": [
                {
                    "rules": count,
                    "added": RULES[count - 1],
                    "cpu_seconds": round(times[LABEL.format(count)].cpu, 2),
                    "over_one_rule": round(times[LABEL.format(count)].cpu / first, 2),
                    "cpu_seconds_one_process_each": round(sum(times[rule].cpu for rule in RULES[:count]), 2),
                }
                for count in range(1, len(RULES) + 1)
            ],
            "seconds": {name: times[name].as_json() for name in (*alone, *rest)},
            "every rule, plain kernels": plain.as_json(),
        },
    )


if __name__ == "__main__":
    main()
