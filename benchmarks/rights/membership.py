"""Whether a source that was left out is still known to a model, on rows enough to say so.

    python benchmarks/rights/membership.py DATA [--steps N]

DATA holds `star` (RasaHQ/STAR, MIT). A model learns what callers answer to an agent, from three sources of 1,000 turns
each; then again without one of them. Both are tested on that source, beside 1,500 turns that neither saw. Trained
without, the whole interval must lie within 0.45 and 0.55; trained on it, it must not: at 200 steps, about two
passes, that is not yet told. Writes `membership.json` beside this file; `docs/guides/rights.md` shows the figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import headgate
from headgate.kit.clock import now
from headgate.ledger.ledger import Ledger
from headgate.rights.membership import membership
from headgate.rights.reach import Target
from headgate.rows.reading import read_rows

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).with_suffix(".json")
SOURCES, EACH, UNSEEN = ("forum", "desk", "mail"), 1_000, 1_500
SPOKEN = (("User", "utter"), ("Wizard", "utter"), ("Wizard", "pick_suggestion"))
FLOW = """[flow]
name = "callers"
[capture]
files = ["train.jsonl"]
[curate]
steps = ["select", "split"]
split = {{ train = 1.0 }}
sources = {sources}
[train]
base = {base}
steps = {steps}
batch = 32
learning-rate = 3e-3
max-tokens = 512
"""


def turns(data: Path) -> list[list[dict[str, str]]]:
    """What an agent says and what the caller answers, no answer twice, in a fixed random order."""
    found: dict[str, list[dict[str, str]]] = {}
    with gzip.open(data / "star" / "dialogues.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            events = json.loads(line)["events"]
            said = [
                (one["agent"], one["text"])
                for one in events
                if (one["agent"], one["action"]) in SPOKEN and one.get("text")
            ]
            for (one, asked), (other, answered) in pairwise(said):
                if (one, other) == ("Wizard", "User") and 20 <= len(answered) <= 160 and len(asked) <= 200:
                    pair = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
                    found.setdefault(answered, pair)
    out = [found[text] for text in sorted(found)]
    random.Random(11).shuffle(out)
    return out


def main() -> None:
    """Trains twice, tests both, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    asked = parser.parse_args()
    pairs = turns(asked.data)
    if len(pairs) < len(SOURCES) * EACH + UNSEEN:
        sys.exit(f"{len(pairs)} turns in {asked.data / 'star'}, wanted {len(SOURCES) * EACH + UNSEEN}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seen = len(SOURCES) * EACH
        lines = [
            {"messages": pair, "source": SOURCES[n % 3], "subject": f"c{n}", "licence": "MIT", "consent": "training"}
            for n, pair in enumerate(pairs[:seen])
        ]
        (folder / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        unseen = folder / "unseen.jsonl"
        unseen.write_text("".join(json.dumps({"messages": pair}) + "\n" for pair in pairs[seen : seen + UNSEEN]))
        base = json.dumps(str(ROOT / "examples" / "base" / "headgate-tiny"))
        for sources in (SOURCES, SOURCES[1:]):
            text = FLOW.format(base=base, sources=json.dumps(list(sources)), steps=asked.steps)
            (folder / "headgate.toml").write_text(text)
            walked = headgate.open(folder).run()
            print(walked.steps[-1].result.summary, flush=True)
        with Ledger.open(folder / ".headgate") as ledger:
            told = {}
            for name, node in zip(("with", "without"), ledger.find("adapter"), strict=True):
                (verdict,) = membership(
                    ledger, node.id, Target("source", "forum"), store=folder / ".headgate", now=now(),
                    controls=list(read_rows(unseen)),
                )  # fmt: skip
                print(name, verdict.outcome.value, verdict.summary, flush=True)
                told[name] = {"outcome": verdict.outcome.value, "measure": verdict.measure.as_json()}
    OUT.write_text(json.dumps({"steps": asked.steps, "rows": EACH, "controls": UNSEEN, **told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
