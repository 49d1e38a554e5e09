"""Rows of real text in bulk, with planted near-copies and planted copies of evaluation items.

Takes the folder of the development data. Texts: GSM8K questions with solutions, graded solutions, role
play, preference dialogues, passages, instructions and API answers; more rows are recombined from their
sentences until there are enough.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SENTENCE = re.compile(r"(?<=[.!?])\s+")
WORD = re.compile(r"^[a-z]{5,}$")
SENTENCES = (4, 16)  # of a recombined text, fewest and most
FILLERS = ("indeed", "really", "perhaps", "somehow")
KINDS = (
    "exact", "case", "punctuation", "spacing", "edit 1 %", "edit 3 %", "edit 5 %", "edit 10 %", "edit 20 %",
    "typos 3 %", "header", "footer", "cut 80 %", "cut 60 %",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """Texts, and which of them are copies of which."""

    texts: list[str]
    copies: dict[int, int]  # position of a copy -> position of its original
    kinds: dict[int, str]  # position of a copy -> how it was disguised


def near_copies(folder: Path, *, rows: int = 50_000, share: float = 0.1, seed: int = 1) -> Planted:
    """Rows of which a share are near-copies of other rows, in `KINDS`."""
    drawn = random.Random(seed)
    texts = list(filled(_documents(folder, True), int(rows * (1 - share)), drawn))
    copies: dict[int, int] = {}
    kinds: dict[int, str] = {}
    long = [number for number, text in enumerate(texts) if len(text.split()) >= 60]
    spoken = [word for text in texts[:500] for word in text.split() if WORD.match(word)]
    for position in range(len(texts), rows):
        original = drawn.choice(long)
        kind = drawn.choice(KINDS)
        texts.append(_disguised(texts[original], kind, drawn, spoken))
        copies[position], kinds[position] = original, kind
    return Planted(texts, copies, kinds)


def leaks(folder: Path, *, rows: int = 50_000, planted: int = 1000, seed: int = 1) -> tuple[Planted, list[str]]:
    """Rows some of which hold an evaluation item (`copies` points at items), and the items.

    Items are the questions of GSM8K test, HumanEval and XSTest; the last are short.
    """
    drawn = random.Random(seed)
    items = [one["question"] for one in _lines(folder / "gsm8k" / "test.jsonl")]
    items += [one["prompt"] for one in _lines(folder / "humaneval" / "humaneval.jsonl")]
    with (folder / "xstest" / "prompts.csv").open(encoding="utf-8", newline="") as stream:
        items += [row["prompt"] for row in csv.DictReader(stream)]
    texts = list(filled(_documents(folder, False), rows, drawn))
    copies: dict[int, int] = {}
    kinds: dict[int, str] = {}
    for item in drawn.sample(range(len(items)), planted):
        position = drawn.choice(
            [number for number in (drawn.randrange(rows) for _ in range(8)) if number not in copies]
        )
        kind = drawn.choice(("verbatim", "embedded", "edit 5 %", "edit 15 %", "cut 60 %"))
        texts[position] = _leaked(items[item], texts[position], kind, drawn)
        copies[position], kinds[position] = item, kind
    return Planted(texts, copies, kinds), items


def filled(
    documents: Iterable[str], rows: int, drawn: random.Random, sentences_of: tuple[int, int] = SENTENCES
) -> Iterator[str]:
    """Documents in any order, each once, then rows recombined from their sentences until there are enough."""
    whole = list(dict.fromkeys(documents))
    drawn.shuffle(whole)
    yield from whole[:rows]
    sentences = [one for text in whole for one in SENTENCE.split(text)]
    for _ in range(max(0, rows - len(whole))):
        yield " ".join(drawn.choices(sentences, k=drawn.randint(*sentences_of)))


def _documents(folder: Path, graded: bool) -> Iterator[str]:
    for one in _lines(folder / "gsm8k" / "train.jsonl.gz"):
        yield f"{one['question']}\n{one['answer']}"
    if graded:
        for one in _lines(folder / "gsm8k" / "graded_model_solutions.jsonl.gz"):
            yield f"{one['question']}\n{one['solution']}"
    for one in _lines(folder / "gpteacher" / "roleplay.jsonl.gz"):
        yield "\n".join(str(one.get(key) or "") for key in ("instruction", "input", "response", "output"))
    for one in _lines(folder / "hh_harmless_test" / "pairs.jsonl.gz"):
        yield one["chosen"]
    for one in _lines(folder / "qa_feedback" / "dev_feedback.jsonl.gz"):
        yield from (f"{one['question']}\n{one[f'prediction {n}']}" for n in range(1, 5))
    for one in _lines(folder / "llmbar" / "items.jsonl.gz"):
        yield from (f"{one['input']}\n{one[key]}" for key in ("output_1", "output_2"))
    for one in _lines(folder / "gorilla_api" / "responses_huggingface.jsonl.gz"):
        yield f"{one['question']}\n{one['response']}"


def _disguised(text: str, kind: str, drawn: random.Random, spoken: list[str]) -> str:
    name, _, amount = kind.partition(" ")
    share = int(amount.split()[0]) / 100 if amount else 0.0
    if name == "case":
        return drawn.choice((text.upper(), text.lower(), text.title()))
    if name == "punctuation":
        return re.sub(r"[,.;:!?]", lambda found: drawn.choice(("", found[0], " -", "!", ",")), text)
    if name == "spacing":
        return re.sub(r"\s+", lambda _: drawn.choice((" ", "  ", "\n", "\t")), text)
    if name in ("header", "footer"):
        more = " ".join(drawn.choices(spoken, k=drawn.randint(5, 20)))
        return f"{more}\n{text}" if name == "header" else f"{text}\n{more}"
    if name == "cut":
        return text[: int(share * len(text))]
    if name == "typos":
        return _misspelt(text, share, drawn)
    return _edited(text, share, drawn, spoken)


def _misspelt(text: str, share: float, drawn: random.Random) -> str:
    words = text.split(" ")
    able = [place for place, word in enumerate(words) if WORD.match(word)]
    for place in drawn.sample(able, min(round(share * len(words)), len(able))):
        at = drawn.randrange(len(words[place]) - 1)
        word = words[place]
        words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _leaked(item: str, host: str, kind: str, drawn: random.Random) -> str:
    if kind == "embedded":
        return f"{host}\n{item}\n{host[:200]}"
    if kind == "cut 60 %":
        return " ".join(item.split()[: int(0.6 * len(item.split())) + 1])
    return _edited(item, {"verbatim": 0.0, "edit 5 %": 0.05, "edit 15 %": 0.15}[kind], drawn)


def _edited(text: str, share: float, drawn: random.Random, spoken: Sequence[str] = FILLERS) -> str:
    words = text.split(" ")
    able = [place for place, word in enumerate(words) if WORD.match(word)]
    for place in drawn.sample(able, min(round(share * len(words)), len(able))):
        words[place] = drawn.choice(spoken)
    return " ".join(words)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)
