"""Somebody withdraws: from a user's key to the models, the case, the adapter trained without them, and the evidence.

    python examples/withdrawal/run.py [--steps N]

Walks the control of `examples/planted` (BANKING77, CC BY 4.0; customer keys are invented) to a release, then does what
a person would type, and prints it. The project stays in `examples/withdrawal/out`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "planted"))

import plant  # noqa: E402

from headgate.ledger.ledger import Ledger  # noqa: E402

OUT = HERE / "out"
ME = "A. Vos"


def typed(*words: str, wrong: bool = False) -> None:
    """Prints a command line, runs it in the project, and prints what it says; `wrong`: it must end with 1."""
    print("\n$ headgate " + " ".join(f'"{word}"' if " " in word else word for word in words))
    command = [sys.executable, "-m", "headgate", *words]
    done = subprocess.run(command, cwd=OUT, text=True, stdout=subprocess.PIPE, check=False)
    print(done.stdout.rstrip())
    if done.returncode != int(wrong):
        raise SystemExit(f"ended with {done.returncode}")


def newest(kind: str) -> str:
    """Name of the newest record of a kind."""
    with Ledger.open(OUT / ".headgate") as ledger:
        return ledger.find(kind)[-1].name


def busiest() -> str:
    """The customer with most rows."""
    return Counter(one["subject"] for one in plant.honest().rows).most_common(1)[0][0]


def main() -> None:
    """The whole afternoon."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, help="of training; the default is that of the flow file")
    steps = parser.parse_args().steps
    sets = [f"train.steps={steps}"] if steps else []
    flow = [word for one in sets for word in ("--set", one)]
    plant.write(plant.VARIANTS[0], OUT)
    person = busiest()
    typed("run", *flow)
    typed("rights", "impact", "--subject", person)
    typed("rights", "case", "open", "--subject", person, "--reason", "mail of today", "--by", ME)
    first = newest("adapter")
    typed("rights", "case", "close", "1", "--by", ME, wrong=True)
    typed("run", *flow, "--set", 'curate.withdrawn="remove"')
    second = newest("adapter")
    typed(
        "rights", "case", "remedy", "1", "--on", first, "--how", "retrain-without", "--replacement", second, "--by", ME
    )
    typed("rights", "case", "close", "1", "--by", ME)
    # It ends with 1: the words are still in the file that was captured, which is not headgate's to change.
    typed("rights", "erase", "--subject", person, "--by", ME, "--reason", "rights/1", "--yes", wrong=True)
    typed("rights", "impact", "--subject", person)
    typed("ledger", "verify")
    typed("ledger", "closure", "production")
    typed("rights", "bundle", "production", "--out", "evidence")


if __name__ == "__main__":
    main()
