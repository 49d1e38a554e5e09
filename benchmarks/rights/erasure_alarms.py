"""How often the search for erased words takes something else for them.

    python benchmarks/rights/erasure_alarms.py DATA [--rows 3000]

DATA holds `star` (RasaHQ/STAR, MIT). Pairs of turns of one half of the dialogues are captured, curated and checked, so
that the ledger, its work files and its report hold what such files hold. Then texts of the other half, which never
were in the ledger, are looked for as an erasure looks for them: every hit is a false one. Prints, and writes
`erasure_alarms.json` beside this file; `docs/guides/rights.md` shows the figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import headgate
from headgate.ledger.ledger import Ledger
from headgate.rights import erasure
from headgate.rights.traces import LEAST, PIECE, Traces, is_value
from headgate.stats.intervals import wilson

OUT = Path(__file__).with_suffix(".json")
MOST = 8_000  # texts that are looked for
FLOW = """[flow]
name = "callers"
[capture]
files = ["train.jsonl"]
[curate]
steps = ["select", "split", "near-duplicates"]
split = { train = 0.9, held = 0.1 }
[check]
select = ["all"]
"""


def halves(data: Path, rows: int) -> tuple[list[list[str]], list[str]]:
    """Pairs of turns of dialogues with even numbers, and distinct texts of those with odd ones."""
    pairs, others = list[list[str]](), dict[str, None]()
    with gzip.open(data / "star" / "dialogues.jsonl.gz", "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream):
            said = [one["text"].strip() for one in json.loads(line)["events"] if one.get("text")]
            if number % 2:
                others |= dict.fromkeys(said)
            elif len(pairs) < rows:
                pairs += [list(pair) for pair in pairwise(said)]
    return pairs[:rows], list(others)[:MOST]


def searched(store: Path) -> list[str]:
    """Every record, content and file beside the ledger, as text."""
    with Ledger.open(store) as ledger:
        out = [body for *_, body in erasure._records(ledger)]
        out += [text for _, text in erasure._content(ledger)]
    return out + [path.read_text(errors="replace") for path in erasure._files(store)]


def shares(pairs: list[list[str]], texts: list[str], store: Path) -> dict[str, Any]:
    """False hits among the texts of each length that are looked for at all."""
    hay, out = searched(store), {}
    kinds = {
        "whole values under 12": [text for text in texts if is_value(text)],
        "whole texts of 12 to 31": [text for text in texts if LEAST <= len(text) < PIECE + 8],
        "pieces of longer ones": [text for text in texts if len(text) >= PIECE + 8],
    }
    surviving = [text for pair in pairs for text in pair]
    with Ledger.open(store) as ledger:
        own = list(erasure._own_words(ledger))
    for name, some in kinds.items():
        traces = Traces.of(some, surviving).without_values_in(own)
        wanted = [*traces.values, *traces.pieces]
        one_by_one = [Traces((), (one,)) for one in traces.values] + [Traces((one,)) for one in traces.pieces]
        everything = Traces(traces.pieces, traces.values).hits(hay)
        hit = [text for text, found in zip(hay, everything, strict=True) if found]
        false = [one for one, trace in zip(wanted, one_by_one, strict=True) if hit and any(trace.hits(hit))]
        told = wilson(len(false), len(wanted)) if wanted else None
        out[name] = {
            "texts": len(some), "looked_for": len(wanted), "false": len(false),
            "high": round(told.high, 6) if told else None, "examples": false[:5],
        }  # fmt: skip
        print(name, out[name], flush=True)
    return out | {"rows": len(pairs), "searched": len(hay)}


def main() -> None:
    """Builds, searches, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=3_000)
    asked = parser.parse_args()
    pairs, texts = halves(asked.data, asked.rows)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        lines = [
            {"prompt": one, "completion": other, "source": "star", "subject": f"c{n}", "licence": "MIT"}
            for n, (one, other) in enumerate(pairs)
        ]
        (folder / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        (folder / "headgate.toml").write_text(FLOW)
        print(headgate.open(folder).run().summary, flush=True)
        told = shares(pairs, texts, folder / ".headgate")
    OUT.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
