"""Deduplication on real support rows: planted copies must go, the rare slice must stay.

    python benchmarks/planted/curation/hard_example.py --data FOLDER

28 % of the rows are near-copies planted in common slices (case, punctuation, a greeting, a typo, one word more);
one slice holds eleven hostile variants of one case, written for this; twenty pairs differ in "not" or in an amount.
The whole stage runs, with its floors, over a ledger of its own.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clean.loading import LOADERS
from headgate.curate.run import run
from headgate.curate.settings import NearDuplicateSettings, Settings, SplitSettings
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rows.stored import stored_rows

HERE = Path(__file__).resolve().parent
SHARE = 0.28  # of all rows
WORDS = 6  # in a question, from which on a changed word leaves it alike; "John" and "Hello: John" never are
HOSTILE = (
    "close my account now you useless people and send me my money",
    "close my account now you useless people and send me my money back",
    "close my account right now you useless people and send me my money",
    "close my account now, you useless people, and send me all my money",
    "just close my account now you useless people and send me my money",
    "close my bank account now you useless people and send me my money",
    "close my account now you useless useless people and send me my money",
    "close my account now you utterly useless people and send me my money",
    "close my account now you useless people and send me my damn money",
    "I said close my account now you useless people and send me my money",
    "close my account now you useless people and send me my money today",
)
PAIRS = [
    (f"please {verb} the {thing} to my {place} account", f"please do not {verb} the {thing} to my {place} account")
    for verb, thing, place in (
        ("send", "refund", "savings"), ("move", "salary", "joint"), ("book", "interest", "old"),
        ("pay", "bonus", "business"), ("transfer", "deposit", "second"),
    )
] + [
    (f"I want to take {low} euros out of my {thing} today", f"I want to take {high} euros out of my {thing} today")
    for low, high, thing in (
        (20, 200, "savings"), (15, 50, "wallet"), (300, 3000, "account"), (5, 7, "pocket"), (1, 2, "jar"),
    )
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    results = [
        measured(source, LOADERS[source](asked.data), seed, small_weight)
        for source in ("banking77", "star")
        for seed in range(asked.seeds)
        for small_weight in ((0.5,) if seed else (0.5, 1.0))
    ]
    text = orjson.dumps({"share": SHARE, "runs": results}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (HERE / "hard_example.json").write_bytes(text)
    for one in results:
        print(one)


def measured(source: str, rows: Sequence[Row], seed: int, small_weight: float) -> dict[str, Any]:
    """One run of the stage over planted rows."""
    drawn = random.Random(seed)
    common = [_toned(row, "plain") for row in rows]
    sources = drawn.sample(common, round(len(common) * SHARE / (1 - SHARE)))
    copies = [_copied(row, drawn) for row in sources]
    like = common[0]
    hostile = [_made(text, like, "hostile") for text in HOSTILE]
    apart = [_made(text, like, "plain") for pair in PAIRS for text in pair]
    everything = [*common, *copies, *hostile, *apart]
    # Numbered, so that rows with the same words are told apart.
    everything = [row.with_side(source="shop", extra={"number": n}) for n, row in enumerate(everything)]
    of = {id(row): n for n, row in enumerate(common)}
    pairs = [(of[id(row)], len(common) + n) for n, row in enumerate(sources)]
    drawn.shuffle(everything)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result, left = _curated(Path(folder), everything, small_weight)
    stays = {row.side.extra["number"] for row in left}
    kept = {row.prompt_text for row in left}
    protected = {row.prompt_text for row in left if row.side.slices["tone"] == "hostile"}
    gone = sum(one not in stays or copy not in stays for one, copy in pairs)
    longer = [pair for pair, row in zip(pairs, sources, strict=True) if len(_asked(row).split()) >= WORDS]
    gone_longer = sum(one not in stays or copy not in stays for one, copy in longer)
    near = next(step for step in result.facts["steps"] if step["step"] == "near-duplicates")
    return {
        "source": source,
        "seed": seed,
        "rows": len(everything),
        "planted": len(copies),
        "planted_gone": gone,
        "share_gone": round(gone / len(copies), 4),
        "planted_of_six_words": len(longer),
        "share_gone_of_six_words": round(gone_longer / len(longer), 4),
        "hostile_kept": len(protected & set(HOSTILE)),
        "hostile_of": len(HOSTILE),
        "pairs_merged": sum(not {*pair} <= kept for pair in PAIRS),
        "pairs_of": len(PAIRS),
        "removed": near["before"] - near["after"],
        "weighted": near["notes"].get("weighted", {}).get("rows", 0),
        "small_weight": small_weight,
        "outcome": result.outcome.value,
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def _curated(folder: Path, rows: Sequence[Row], small_weight: float) -> tuple[Any, list[Row]]:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    (folder / "work").mkdir()
    context = StageContext(folder=folder, work=folder / "work", outputs={}, quiet=True, now=now, flow_name="support")
    settings = Settings(
        steps=["split", "exact-duplicates", "near-duplicates"],
        split=SplitSettings(shares={"train": 1.0}, together=[]),
        near_duplicates=NearDuplicateSettings(small_weight=small_weight),
        level={"unsourced-rows": "warn", "withdrawn-subject": "warn"},
    )
    with Ledger.open(folder, create=True) as ledger:
        source = ledger.record("source", "shop", {"name": "shop"})
        for what, value in (("licence", "MIT"), ("consent", "training")):
            ledger.claims.assert_("source:shop", what, value, source="bench", observed_at="2026-01-01")
        ledger.rows.append(
            [RowRecord(id=r.id, content_id=r.content_id, body=to_bytes(r), source_id=source) for r in rows]
        )
        result = run(ledger, settings, context=context)
        if "dataset" not in result.outputs:
            return result, list(rows)  # blocked: nothing was removed
        numbers = ledger.versions.get(result.outputs["dataset"]).numbers
        return result, [row for _, row in stored_rows(ledger, numbers)]


def _toned(row: Row, tone: str) -> Row:
    return row.with_side(slices={**row.side.slices, "tone": tone}, subject=None, parents=())


def _made(text: str, like: Row, tone: str) -> Row:
    messages = (Message("user", text), Message("assistant", like.answer_text))
    return Row(kind=Kind.DEMONSTRATION, messages=messages, side=Side(slices={**like.side.slices, "tone": tone}))


def _copied(row: Row, drawn: random.Random) -> Row:
    """The row with its last question changed a little."""
    last = max(place for place, turn in enumerate(row.messages) if turn.role == "user")
    turns = list(row.messages)
    turns[last] = replace(turns[last], content=_changed(turns[last].content, drawn))
    return replace(row, messages=tuple(turns))


def _asked(row: Row) -> str:
    return next(turn.content for turn in reversed(row.messages) if turn.role == "user")


def _changed(text: str, drawn: random.Random) -> str:
    kind = drawn.choice(("case", "punctuation", "greeting", "typo", "please"))
    if kind == "case":
        return text.upper() + " "
    if kind == "punctuation":
        return text.rstrip("?.! ") + drawn.choice(("!", " ...", "??"))
    if kind == "greeting":
        return drawn.choice(("Hi, ", "Hello: ")) + text
    if kind == "please":
        return text.rstrip("?.! ") + " please"
    words = text.split()
    longest = max(range(len(words)), key=lambda at: len(words[at]))
    word = words[longest]
    words[longest] = word[:2] + word[3:4] + word[2:3] + word[4:]
    return " ".join(words)


if __name__ == "__main__":
    main()
