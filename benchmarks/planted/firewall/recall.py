"""The firewall on real items: planted copies that are matched with their own item, and honest rows that match any.

    python benchmarks/planted/firewall/recall.py --data FOLDER

Every other item of GSM8K is what the share of word pairs was chosen on; the figures for GSM8K are of the others.
clinc150 and banking77 had no part in choosing. Their honest rows hold natural near-copies of items (banking77 has
25 questions word for word on both sides), so "honest rows that match" is an upper limit of false alarms there.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clean import loading
from headgate.rows.row import Row
from headgate.stats.intervals import wilson
from headgate.text.protection import COPIES, DEFINITIONS, Block, Sieve, index_of

HERE = Path(__file__).resolve().parent
KINDS = ("verbatim", "embedded", "5 % of the words changed", "10 % changed", "20 % changed", "cut to 60 %")
PLANTED = 300  # of each kind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    gsm = loading.gsm8k_test(folder)[1::2]
    rephrased = loading.gsm8k_rephrased(folder)
    results = [
        measured("gsm8k", gsm, loading.gsm8k(folder)),
        measured("banking77", loading.banking77_test(folder), loading.banking77(folder)),
        measured("clinc150", loading.clinc150_test(folder), loading.clinc150(folder)),
    ]
    ours = {row.prompt_text.strip() for row in gsm}
    texts = [
        str(row.side.extra["rephrased"])
        for row in rephrased
        if "rephrased" in row.side.extra and row.prompt_text.strip() in ours
    ]
    found = matched([row.prompt_text for row in gsm], texts, texts)
    results.append({"source": "gsm8k, rephrased by a model", "rephrasings": len(texts), "that_match": len(found)})
    (HERE / "recall.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    for one in results:
        print(one)


def measured(source: str, items: Sequence[Row], honest: Sequence[Row]) -> dict[str, Any]:
    """Recall by kind, and honest rows that match, by grade."""
    drawn = random.Random(11)
    texts = [item.prompt_text for item in items]
    vocabulary = " ".join(row.prompt_text for row in honest).split()
    planted = [(kind, place) for kind in KINDS for place in drawn.sample(range(len(texts)), min(PLANTED, len(texts)))]
    copies = [made(kind, texts[place], drawn, vocabulary) for kind, place in planted]
    started = time.process_time()
    asked = [*(row.prompt_text for row in honest), *copies]
    found = matched(texts, [*(row.text for row in honest), *copies], asked)
    seconds = time.process_time() - started
    clean = {row: hits for row, hits in found.items() if row < len(honest)}
    recall = {}
    for kind in KINDS:
        mine = [(n, place) for n, (k, place) in enumerate(planted) if k == kind]
        hits = sum(place in found.get(len(honest) + n, {}) for n, place in mine)
        interval = wilson(hits, len(mine))
        recall[kind] = {"hits": hits, "of": len(mine), "low": round(interval.low, 4), "high": round(interval.high, 4)}
    definitions = [{name for names in hits.values() for name in names} for hits in clean.values()]
    return {
        "source": source,
        "items": len(texts),
        "honest_rows": len(honest),
        "honest_rows_that_match": len(clean),
        "of_them_copies": sum(bool(names & set(COPIES)) for names in definitions),
        "recall": recall,
        "cpu_seconds": round(seconds, 2),
        "bytes_per_item": len(index_of(texts).to_bytes()) // len(texts),
    }


def matched(items: Sequence[str], rows: Sequence[str], asked: Sequence[str]) -> dict[int, dict[int, set[str]]]:
    """For each row that matches: the items, and by which definitions."""
    index = index_of(items)
    sieve = Sieve(index, np.ones(len(index), dtype=bool), np.zeros(0, dtype=np.uint64))
    found = sieve.matches(Block(rows, asked, range(len(rows))))
    out: dict[int, dict[int, set[str]]] = {}
    for row, text, code in zip(found.rows.tolist(), found.texts.tolist(), found.definition.tolist(), strict=True):
        out.setdefault(row, {}).setdefault(text, set()).add(DEFINITIONS[code])
    return out


def made(kind: str, text: str, drawn: random.Random, vocabulary: Sequence[str]) -> str:
    """A copy of an item."""
    words = text.split()
    if kind == "embedded":
        return f"Earlier you told me to come back. {text} Thanks a lot for your answer."
    if kind.startswith("cut"):
        return " ".join(words[: max(3, round(0.6 * len(words)))])
    if kind == "verbatim":
        return text
    share = int(kind.split()[0]) / 100
    for place in drawn.sample(range(len(words)), min(max(1, round(share * len(words))), len(words))):
        words[place] = drawn.choice(vocabulary)
    return " ".join(words)


if __name__ == "__main__":
    main()
