"""Chat rows of the size of a fine-tuning set, and evaluation items of which some were copied into them.

The question of a planted row is the item in one of six disguises, its answer that of another row. Rows are
real text: all questions of GSM8K's training half with their answers (hard negatives: some are twins of test
items), role play, preference dialogues, passages, instructions, API answers, tool prompts and customer-service
dialogues, each once; the rest is recombined from their sentences. Items are the test questions of GSM8K and
the problems of HumanEval and, for short ones, the prompts of XSTest.
"""

from __future__ import annotations

import csv
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from real_text import SENTENCE, _documents, _lines, filled

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from planted.leaks.disguises import DISGUISES

SENTENCES = (6, 33)  # of a recombined row
PLANTED_LONG, PLANTED_SHORT = 1130, 340  # of 1,933 items; the others stay clean
WORDS = re.compile(r"\w+")
SHORT = 12  # words


@dataclass(frozen=True)
class Leaked:
    """Rows of a question and an answer, and which of them hold which item."""

    rows: list[tuple[str, str]]
    items: list[str]
    sets: list[str]  # where each item is from
    copies: dict[int, int]  # row -> item
    kinds: dict[int, str]  # row -> "long verbatim" and the like

    def texts(self) -> Iterator[str]:
        """Rows as one text each."""
        return (f"{asked}\n{said}" for asked, said in self.rows)


def leaked(folder: Path, *, rows: int, seed: int = 1) -> Leaked:
    """So many rows, with the share of planted ones that 100,603 would have."""
    drawn = random.Random(seed)
    documents = [*_documents(folder, False), *_more(folder)]
    pairs = [_pair(text) for text in filled(documents, rows, drawn, SENTENCES)]
    origins, items = zip(*_items(folder), strict=True)
    long = [number for number, item in enumerate(items) if len(WORDS.findall(item)) >= SHORT]
    short = sorted(set(range(len(items))) - set(long))
    part = min(1.0, rows / 100_603)
    chosen = [
        (item, size)
        for size, pool, wanted in (("long", long, PLANTED_LONG), ("short", short, PLANTED_SHORT))
        for item in drawn.sample(pool, int(part * min(wanted, len(pool))))
    ]
    copies: dict[int, int] = {}
    kinds: dict[int, str] = {}
    for row, (item, size), kind in zip(drawn.sample(range(rows), len(chosen)), chosen, cycle(DISGUISES), strict=False):
        asked = DISGUISES[kind](items[item], pairs[row][0], drawn)
        pairs[row] = asked, pairs[row][1]
        copies[row], kinds[row] = item, f"{size} {kind}"
    return Leaked(pairs, list(items), list(origins), copies, kinds)


def write(leaks: Leaked, folder: Path) -> None:
    """The files that methods read: chat rows and items for ours, rows and items of one text each for peers."""
    with (folder / "train.jsonl").open("w", encoding="utf-8") as chat, (folder / "texts.jsonl").open("w") as plain:
        for number, ((asked, said), text) in enumerate(zip(leaks.rows, leaks.texts(), strict=True)):
            turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
            chat.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")
            plain.write(json.dumps({"id": str(number), "text": text}) + "\n")
    with (folder / "test.jsonl").open("w", encoding="utf-8") as chat, (folder / "items.jsonl").open("w") as plain:
        for number, item in enumerate(leaks.items):
            chat.write(json.dumps({"messages": [{"role": "user", "content": item}]}, ensure_ascii=False) + "\n")
            plain.write(json.dumps({"id": str(number), "text": item, "set": leaks.sets[number]}) + "\n")


def _pair(text: str) -> tuple[str, str]:
    """The first line is the question, or the first sentence of a single line."""
    asked, _, said = text.partition("\n")
    if asked and said:
        return asked, said
    first, *others = SENTENCE.split(text, maxsplit=1)
    return first or "Go on.", others[0] if others else "All right."


def _items(folder: Path) -> Iterator[tuple[str, str]]:
    for one in _lines(folder / "gsm8k" / "test.jsonl"):
        yield "gsm8k", one["question"]
    for one in _lines(folder / "humaneval" / "humaneval.jsonl"):
        yield "humaneval", one["prompt"]
    with (folder / "xstest" / "prompts.csv").open(encoding="utf-8", newline="") as stream:
        yield from (("xstest", row["prompt"]) for row in csv.DictReader(stream))


def _more(folder: Path) -> Iterator[str]:
    for one in _lines(folder / "star" / "dialogues.jsonl.gz"):
        yield "\n".join(event["text"] for event in one["events"] if event.get("text") and event["agent"] != "UserGuide")
    for one in _lines(folder / "gorilla_api" / "responses_tensorflowhub.jsonl.gz"):
        yield f"{one['question']}\n{one['response']}"
    for one in _lines(folder / "gpteacher" / "toolformer_similarity_tiers.jsonl.gz"):
        yield "\n".join(str(one.get(key) or "") for key in ("instruction", "input", "output"))
