"""What ten rules cost beside one: the seconds after one rule, two, ... all of them on the same 50,000 rows.

    python benchmarks/speed/kernels.py

One process reads the rows and runs the rules one after the other; the curve is the CPU time from its start. The
tape of a field is cut once and shared. Beside each figure stands what the rules so far would cost if each read the
rows and cut its tapes for itself. Kernels are compiled before; a second process does all of it with plain ones.
After that whole commands: `headgate check` with one rule, with more and more of them, and with each alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rows_50k import make
from timing import in_turns, write

from headgate.check.auditing import chosen_rules
from headgate.rows.reading import read_rows
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.shape import Rule

TOGETHER = (1, 2, 5, 10)  # rules of one command
RUNS = 2
FIRST = ("near-duplicates", "self-leak", "paraphrased-leak", "learned-typo")


def read(train: Path, test: Path) -> Given:
    """Both files, no tape cut yet."""
    rows, items = Corpus(list(read_rows(train))), Corpus(list(read_rows(test)))
    return Given({"training-rows": rows, "evaluation-items": items})


def runnable(given: Given) -> list[Rule]:
    """Rules that have what they need, the dearest first."""
    rules = [rule for rule in chosen_rules(["all"], []) if all(given.has(need) for need in rule.needs)]
    return sorted(rules, key=lambda rule: FIRST.index(rule.name) if rule.name in FIRST else len(FIRST))


def measured(train: Path, test: Path) -> dict[str, Any]:
    """The curve, and the sum of rules that share nothing."""
    run_rules(runnable(read(train, test)), read(train, test))  # compiles or loads what there is
    started = time.process_time()
    given = read(train, test)
    curve = []
    for rule in runnable(given):
        run_rules([rule], given)
        curve.append({"added": rule.name, "code": rule.code, "cpu_seconds": round(time.process_time() - started, 2)})
    total = 0.0
    for rule, point in zip(runnable(given), curve, strict=True):
        started = time.process_time()
        run_rules([rule], read(train, test))
        total += time.process_time() - started
        point["over_one_rule"] = round(point["cpu_seconds"] / curve[0]["cpu_seconds"], 2)
        point["cpu_seconds_if_nothing_were_shared"] = round(total, 2)
    return {"curve": curve}


def commands(train: Path, test: Path, codes: list[str]) -> dict[str, Any]:
    """CPU seconds of whole commands, by the number of rules, and of one for each of ten rules; medians of two runs."""
    headgate = [str(Path(sys.executable).parent / "headgate"), "check", str(train), "--eval", str(test), "--quiet"]
    asked = {f"{count} together": codes[:count] for count in TOGETHER} | {"all": ["all"]}
    asked |= {name: [name] for name in codes[:10]}
    # Exit codes 1 and 3: rules found what was planted, or have too little to go by.
    times = in_turns(
        {name: [*headgate, "--select", ",".join(some)] for name, some in asked.items()}, runs=RUNS, allowed=(0, 1, 3)
    )
    found: dict[str, Any] = {name: round(one.cpu, 2) for name, one in times.items()}
    apart = sum(times[name].cpu for name in codes[:10])
    ten, one = times["10 together"].cpu, times["1 together"].cpu
    return {
        "cpu_seconds": found,
        "ten_over_one": round(ten / one, 2),
        "ten_over_ten_commands": round(ten / apart, 2),
    }


def main() -> None:
    """The curve with compiled and with plain kernels."""
    if len(sys.argv) > 1:
        print(json.dumps(measured(Path(sys.argv[1]), Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        train, test = make(Path(scratch))
        result: dict[str, Any] = {"rows": 50_000}
        for mode in ("compiled", "plain"):
            command = [sys.executable, __file__, str(train), str(test)]
            environment = {**os.environ, "HEADGATE_KERNELS": mode, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            result[mode] = json.loads(done.stdout)
        # By their codes: the name of some is that of a failure too, which brings other rules along.
        codes = [point["code"] for point in result["compiled"]["curve"]]
        result["commands"] = commands(train, test, codes)
    write("kernels", result)


if __name__ == "__main__":
    main()
