"""Memory over time and cost of `headgate check` on a file that is read in shards.

    python benchmarks/speed/streaming.py                     1 million rows, about 1 GB
    python benchmarks/speed/streaming.py --rows 10000000     10 million; needs 30 GB of free disk
    python benchmarks/speed/streaming.py --habits            the rules for habits and variety instead

Rows are recombined from the sentences of real text. There are far fewer sentences than ten million rows need, so
each stands in many variants, in which three words of ten are others: otherwise nearly every row would be half of
another one, which is what no corpus is like. One row in a hundred repeats an earlier one with a word changed, one
in ten thousand holds an evaluation item. File and scans are deleted afterwards. Memory is
the sum of what driver and workers hold (resident pages, shared ones counted in each), once a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from real_text import SENTENCE, _documents
from timing import processors_given, resident, write

HERE = Path(__file__).resolve().parent
RULES = "DAT003,DAT006,DAT008,DAT009,LIN001"
HABITS = "DAT004,DAT020,DAT021,SYN002"  # misspellings, acts, phrases of the house, variety
REAL = 3000  # rows that habits are held against
REMEMBERED = 4096  # earlier rows of which one may be repeated
VARIANTS = 1.5  # sentences that rows are made of, for each row: each stands in about six rows, however many there are
CHANGED = 0.3  # share of their words that are drawn anew


def lines(sentences: list[str], items: list[tuple[str, str]], rows: int, seed: int = 1) -> Iterator[str]:
    """Chat rows as JSON lines."""
    drawn, held = random.Random(seed), list[tuple[str, str]]()
    for place in range(rows):
        asked = " ".join(drawn.choices(sentences, k=drawn.randint(2, 5)))
        said = " ".join(drawn.choices(sentences, k=drawn.randint(3, 7)))
        if held and drawn.random() < 0.01:
            asked, said = drawn.choice(held)
            words = asked.split()
            words[drawn.randrange(len(words))] = "indeed"
            asked = " ".join(words)
        elif drawn.random() < 0.0001:
            asked = f"{said} {drawn.choice(items)[0]}"
        if len(held) < REMEMBERED:
            held.append((asked, said))
        else:
            held[drawn.randrange(REMEMBERED)] = (asked, said)
        yield row(asked, said, place)


def variants(sentences: list[str], count: int, seed: int = 3) -> list[str]:
    """Sentences of which some words are drawn from all of them."""
    drawn = random.Random(seed)
    words = [word for one in sentences for word in one.split()]
    made = []
    for place in range(count):
        said = sentences[place % len(sentences)].split()
        made.append(" ".join(drawn.choice(words) if drawn.random() < CHANGED else word for word in said))
    return made


def row(asked: str, said: str, place: int) -> str:
    """One line."""
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return json.dumps({"messages": turns, "conversation": f"c{place // 3}"}, ensure_ascii=False) + "\n"


def watched(command: list[str], cache: Path) -> tuple[list[tuple[float, int, float]], dict[str, float], bytes]:
    """Runs a command; (seconds, bytes held, bytes on disk) once a second, its cost, and what it printed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    seen = []
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, start_new_session=True)
        while process.poll() is None:
            disk = sum(path.stat().st_size for path in cache.glob("*/*") if path.is_file())
            seen.append((time.perf_counter() - started, resident(process.pid), float(disk)))
            time.sleep(1)
        out.seek(0)
        said = out.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seen, {"wall": round(time.perf_counter() - started, 1), "cpu": round(cpu, 1)}, said


def main() -> None:
    """Makes the file, checks it, writes what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--folder", type=Path, help="where the file and the scans stand meanwhile")
    parser.add_argument("--made", type=Path, help="where the file of that many rows stands, or is to stay")
    parser.add_argument("--habits", action="store_true", help="the rules for habits and variety")
    asked = parser.parse_args()
    texts = dict.fromkeys(_documents(asked.data, True))
    # Each sentence once, so that rows share none with the items but what is planted.
    sentences = list(dict.fromkeys(one for text in texts for one in SENTENCE.split(text) if len(one) > 20))
    drawn = random.Random(2)
    drawn.shuffle(sentences)
    held, sentences = sentences[:4000], sentences[4000:]
    items = [(" ".join(held[place : place + 4]), held[place + 4]) for place in range(0, 2500, 5)]
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        train, test, cache = Path(scratch, "train.jsonl"), Path(scratch, "test.jsonl"), Path(scratch, "cache")
        train = asked.made or train
        test.write_text("".join(row(*item, 0) for item in items), encoding="utf-8")
        if not train.exists():
            with train.open("w", encoding="utf-8") as stream:
                stream.writelines(lines(variants(sentences, int(VARIANTS * asked.rows)), items, asked.rows))
        command = [str(Path(sys.executable).parent / "headgate"), "check", str(train)]
        command += ["--engine", "local", "--cache", str(cache), "--json"]
        if asked.habits:
            real = Path(scratch, "real.jsonl")
            with train.open(encoding="utf-8") as stream:
                real.write_text("".join(islice(stream, REAL)), encoding="utf-8")
            command += ["--reference", str(real), "--select", HABITS]
        else:
            command += ["--eval", str(test), "--select", RULES]
        load, given = os.getloadavg()[0], processors_given()
        seen, cost, said = watched(command, cache)
        size = train.stat().st_size
    step = max(len(seen) // 60, 1)
    result = {
        "rows": asked.rows,
        "megabytes": round(size / 1e6),
        "seconds": cost,
        "load_before": round(load, 1),
        "processors_given_before": round(given, 2),
        "peak_megabytes": round(max(memory for _, memory, _ in seen) / 1e6),
        "peak_disk_megabytes": round(max(disk for _, _, disk in seen) / 1e6),
        "found": {one["rule"]: one["summary"] for one in json.loads(said)["verdicts"]},
        "memory_over_time": [[round(second), round(memory / 1e6)] for second, memory, _ in seen[::step]],
    }
    write(f"{'habits' if asked.habits else 'streaming'}_{asked.rows}", result)


if __name__ == "__main__":
    main()
