"""An adapter moved to a base that was tuned since, by every road, and accepted or not by equivalence.

    python benchmarks/fleet/migrate.py

The old base is headgate-tiny, the adapter knows twenty topics of banking requests. The new base is the same one with
all its weights trained on, to refuse and to help (examples/gauntlet): equal shapes, the same tokenizer. Each road
makes a candidate by the functions of `headgate fleet migrate make`; each is asked 700 requests that nothing was trained
on, old stack beside new, by those of `headgate fleet migrate accept`. One seed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
DATA = ROOT / "examples/support/data"
LONGEST = 80  # characters of a request
STEPS = 300
FLOW = """
[flow]
name = "topics"
[capture]
files = ["train.csv"]
columns = {{ prompt = "text", completion = "topic", subject = "customer" }}
source = "banking77"
licence = "CC-BY-4.0"
[curate]
steps = ["select", "split"]
split = {{ train = 1.0 }}
[train]
base = "{base}"
steps = {steps}
batch = 16
learning-rate = 3e-3
save-every = 0
max-tokens = 128
"""


def requests(*names: str) -> list[tuple[str, str]]:
    """Requests with their topics."""
    out = []
    for name in names:
        with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            out += [(one["text"], one["topic"]) for one in csv.DictReader(stream) if len(one["text"]) <= LONGEST]
    return out


def write(path: Path, rows: list[tuple[str, ...]], names: tuple[str, ...]) -> Path:
    """A table."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])
    return path


def main() -> None:
    """Every road in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    sys.path[:0] = [str(ROOT / "examples/gauntlet")]
    import aligned

    from headgate.fleet.kit import pack
    from headgate.fleet.migration.moving import acceptance, made, planned
    from headgate.flow.project import open_project
    from headgate.flow.walking import walk

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        train = requests("train")
        write(place / "train.csv", [(*one, f"c{n}") for n, one in enumerate(train[::2])], ("text", "topic", "customer"))
        prompts = write(place / "stored.csv", [(text,) for text, _ in train[1::2]], ("prompt",))
        seeds = write(place / "seeds.csv", [(text,) for text, _ in train[1::101]], ("prompt",))
        gate = write(place / "gate.csv", requests("gate", "sealed", "dev"), ("prompt", "completion"))
        (place / "headgate.toml").write_text(FLOW.format(base=BASE, steps=given.steps), encoding="utf-8")
        project = open_project(place)
        walk(project, until="train", quiet=True)
        new, store = aligned.align(place / "new"), place / ".headgate"
        adapter = next((store / "work/adapters").iterdir())
        with project.ledger() as ledger:
            pack(ledger, ledger.find("run")[-1], place, place / "kit")
        told: dict[str, Any] = {"steps": given.steps}
        told["plan"] = planned(adapter, BASE, new, store, prompts=True)
        told["roads"] = {}
        ways: dict[str, dict[str, Any]] = {
            "no adapter": {}, "copy": {"road": "copy"}, "rebuild": {"road": "rebuild"},
            "rebuild from a rescue kit, no ledger": {"road": "rebuild", "kit": place / "kit", "gone": True},
            "distil cold, stored prompts": {"road": "distil", "prompts": prompts, "cold": True},
            "distil cold, made prompts": {"road": "distil", "seeds": seeds, "count": 1200, "cold": True},
            "distil warm, stored prompts": {"road": "distil", "prompts": prompts},
            "distil warm, made prompts": {"road": "distil", "seeds": seeds, "count": 1200},
            "distil warm, four times as many made prompts": {"road": "distil", "seeds": seeds, "count": 4800},
        }  # fmt: skip
        for way, how in ways.items():
            began, one = time.process_time(), {}
            ledger_of = place / "gone" if how.pop("gone", False) else store
            out = place / way.replace(" ", "-") if how else None
            if out is not None:
                one = made(
                    adapter, BASE, new, out=out, store=ledger_of, suites=[f"topics={gate}"],
                    **({"steps": given.steps} if how["road"] == "distil" else {}), **how,
                )  # fmt: skip
            spent = time.process_time() - began
            verdicts = acceptance(
                old=BASE, new=new, before=adapter, after=out, suites=[f"topics={gate}"], columns=(),
                scorer="normalised", margin=0.02, max_tokens=24, store=store,
            )  # fmt: skip
            whole = verdicts[0]
            told["roads"][way] = {
                "outcome": whole.outcome.value, "summary": whole.summary, "cpu_s": round(spent, 1),
                "slices_failed": sum(v.outcome.value == "fail" for v in verdicts[1:]), "screens": one.get("screens"),
                "comparison": whole.details.get("comparison"),
            }  # fmt: skip
            print(way, told["roads"][way], file=sys.stderr, flush=True)
    Path(__file__).with_name("migrate.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
