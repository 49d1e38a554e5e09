"""Makes 50,000 real-text chat rows and 2,000 evaluation items, with copies and leaks planted.

Text: BANKING77 and CLINC150 requests, GSM8K questions and STAR replies that the repository ships.
A row joins two to six sentences drawn from all of them, so that rows are as long as chat rows are.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def sentences() -> list[str]:
    """All shipped real text, one request, question or reply each."""
    out: list[str] = []
    for name in ("train", "test"):
        with gzip.open(EXAMPLES / "data/banking77" / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
            out += [row["text"].strip() for row in csv.DictReader(stream)]
    with gzip.open(EXAMPLES / "base/data/clinc150_full.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        out += [row["text"] for row in csv.DictReader(stream)]
    for name in ("gsm8k_questions", "star_replies"):
        out += gzip.decompress((EXAMPLES / f"base/data/{name}.txt.gz").read_bytes()).decode().splitlines()
    return [text for text in out if text]


def make(folder: Path, *, rows: int = 50_000, items: int = 2_000, seed: int = 1) -> tuple[Path, Path]:
    """Writes train.jsonl and test.jsonl and gives their paths; 5 % near copies, 1 % leaks."""
    rng = random.Random(seed)
    everything = sentences()
    rng.shuffle(everything)
    held = everything[: len(everything) // 10]  # items share no sentence with the rows
    pool = everything[len(held) :]
    pairs = [(" ".join(rng.choices(pool, k=rng.randint(2, 6))), rng.choice(pool)) for _ in range(rows)]
    tests = [(" ".join(rng.choices(held, k=rng.randint(2, 4))), rng.choice(held)) for _ in range(items)]
    for _ in range(rows // 20):
        question, answer = pairs[rng.randrange(rows)]
        words = question.split()
        words[rng.randrange(len(words))] = "indeed"
        pairs[rng.randrange(rows)] = (" ".join(words), answer)
    for _ in range(rows // 100):
        pairs[rng.randrange(rows)] = ("Please answer this: " + tests[rng.randrange(items)][0], rng.choice(pool))
    paths = folder / "train.jsonl", folder / "test.jsonl"
    for path, lines in zip(paths, (pairs, tests), strict=True):
        with path.open("w", encoding="utf-8") as stream:
            for question, answer in lines:
                turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
                stream.write(json.dumps({"messages": turns}) + "\n")
    return paths
