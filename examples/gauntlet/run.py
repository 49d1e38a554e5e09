"""Walks one flow with a good adapter and with others that must not pass, and says what stopped each.

    python examples/gauntlet/run.py              all of them
    python examples/gauntlet/run.py spent-judge  the good one and one other

No network and no GPU. Projects stay in `examples/gauntlet/out/`, so that reports and ledgers can be read afterwards.
"""

from __future__ import annotations

import shutil
import sys
import time

import cases

from headgate.cli.output import EXIT_OF


def shortened(text: str, width: int = 110) -> str:
    """A text cut for one line."""
    return text if len(text) <= width else text[: width - 1] + "…"


def main(names: list[str]) -> int:
    """Exit code 0 when the good adapter passed and every other one was stopped for its own reason."""
    out = cases.HERE / "out"
    shutil.rmtree(out, ignore_errors=True)
    right, began = True, time.process_time()
    with cases.the_judge() as server:
        good = cases.prepared(out, server.url)
        print(f"{'case':<16}{'exit':<6}{'ended at':<10}{'':<7}what headgate said")
        for case in cases.CASES:
            if names and case is not cases.GOOD and case.name not in names:
                continue
            started = time.process_time()
            walked = cases.run(case, good)
            fine = cases.decided(case, walked)
            right &= fine
            last = walked.steps[-1]
            own = [v for v in last.result.verdicts if v.rule == case.rule and v.outcome is case.outcome]
            said = own[0].summary if own else last.result.summary
            line = f"{case.name:<16}{int(EXIT_OF[walked.outcome]):<6}{last.stage.name:<10}"
            took = f"{time.process_time() - started:.0f} s"
            print(f"{line}{'right' if fine else 'WRONG':<7}{case.rule or '-'}: {shortened(said)} ({took})", flush=True)
    print(f"{time.process_time() - began:.0f} s of processor time; reports under examples/gauntlet/out")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
