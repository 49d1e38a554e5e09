"""What is done to pools, and how much of it is seen: copied failures, split conversations, boosting, edited logs.

    python benchmarks/evaluation/pool_attacks.py DATA

DATA is a folder with gsm8k/, rephrased_tests/ and hh_harmless_test/. About two minutes on one thread.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from headgate.evaluate.access_log import AccessLog
from headgate.evaluate.extractors import normalised
from headgate.evaluate.spreading import spread
from headgate.kit.files import write_text
from headgate.rows.row import Kind, Message, Row, Side
from headgate.rules.data.dat014_failure_copies import RUN, failure_copies
from headgate.rules.given import Corpus, Given
from headgate.stats.intervals import wilson
from headgate.stats.ladder import Ladder
from headgate.stats.verdict import Outcome

RESULTS = Path(__file__).with_suffix(".json")
MODEL = "175b_verification"  # the strongest of the released ones
OLDER, ADDED, DRAWS = 3000, 1000, 25
SHARES = {"dev": 0.2, "gate": 0.5, "sealed": 0.3}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    told = {
        "failure_copies": failure_copies_found(data), "conversations": conversations_split(data),
        "boosting": boosting(), "log": log_edits(),
    }  # fmt: skip
    write_text(RESULTS, json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines, compressed or not."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in text.splitlines()]


def row(question: str, name: str = "", kind: Kind = Kind.DEMONSTRATION) -> Row:
    """A row with one question."""
    return Row(kind=kind, messages=(Message("user", question), Message("assistant", "an answer")), side=Side(id=name))


def failure_copies_found(data: Path) -> dict[str, Any]:
    """T7: rephrased failures, as many rephrased items whatever came of them, and nothing, among 1,000 honest rows."""
    graded = {
        one["test_index"]: not one["is_correct"]
        for one in lines(data / "gsm8k" / "graded_model_solutions.jsonl.gz")
        if one["model"] == MODEL
    }
    pairs = lines(data / "rephrased_tests" / "gsm8k_pairs.jsonl")
    known = {int(one["pair_id"].split("-")[1]): one for one in pairs if one["kind"] == "paraphrase_en"}
    places = sorted(known.keys() & graded.keys())
    items = Corpus([row(known[place]["original"], f"i{place}", Kind.ITEM) for place in places])
    failed = [place for place in places if graded[place]]
    run = {"failed": [f"i{p}" for p in failed], "passed": [f"i{p}" for p in places if not graded[p]]}
    clean = [row(one["question"]) for one in lines(data / "gsm8k" / "train.jsonl.gz")]
    out: dict[str, Any] = {"model": MODEL, "items": len(places), "failed": len(failed), "draws": DRAWS}
    for name, among, count in (
        ("clean", places, 0), ("failures", failed, 5), ("failures", failed, 10), ("failures", failed, 20),
        ("random", places, 10), ("random", places, 20), ("random", places, 50),
    ):  # fmt: skip
        hits = 0
        for seed in range(DRAWS):
            drawn = random.Random(1000 * count + seed)
            rows = drawn.sample(clean, OLDER + ADDED)
            copies = [row(known[place]["rephrased"]) for place in drawn.sample(among, count)]
            added = [*rows[OLDER:], *copies]
            given = {"training-rows": Corpus([*rows[:OLDER], *added]), "evaluation-items": items}
            verdict = failure_copies.judge(Given({**given, RUN: {**run, "added": [one.id for one in added]}}))
            hits += verdict.outcome is Outcome.FAIL
        share = wilson(hits, DRAWS)
        out[f"{count} {name}"] = {"fires": hits, "of": DRAWS, "low": round(share.low, 3), "high": round(share.high, 3)}
    return out


def conversations_split(data: Path) -> dict[str, Any]:
    """T9: opening turns that stand in more than one pool, spread as clusters and spread row by row."""
    rows = []
    for one in lines(data / "hh_harmless_test" / "pairs.jsonl.gz"):
        parts = one["chosen"].split("\n\nHuman:")[1:]
        turns = [Message("user", part.split("\n\nAssistant:")[0].strip()) for part in parts]
        rows.append(Row(kind=Kind.ITEM, messages=(*turns, Message("assistant", "a"))))
    first = [normalised(one.messages[0].content) for one in rows]
    found = spread("harmless", rows, SHARES, {})
    drawn = random.Random(0)
    alone = drawn.choices(list(SHARES), list(SHARES.values()), k=len(rows))
    sizes = {pool: found.pools.count(pool) for pool in SHARES}
    told = {"rows": len(rows), "clusters": found.clusters, "sizes": sizes}
    return told | {"shared": shared(first, found.pools), "shared_row_by_row": shared(first, alone)}


def shared(first: list[str], pools: Any) -> int:
    """Openings that more than one pool has."""
    held = defaultdict(set)
    for opening, pool in zip(first, pools, strict=True):
        held[opening].add(pool)
    return sum(len(some) > 1 for some in held.values())


def boosting(n: int = 200, tries: int = 500, draws: int = 30) -> dict[str, Any]:
    """T10: by how much the vote of submissions that looked good is overrated; its true accuracy is one half."""
    out = {}
    for name, step in (("plain", None), ("fixed", n**-0.5), ("parameter-free", None)):
        found = [overrated(n, tries, seed, name == "plain", step) for seed in range(draws)]
        out[name] = round(float(np.mean(found)), 4)
    return {"items": n, "submissions": tries, "draws": draws, "inflation": out}


def overrated(n: int, tries: int, seed: int, plain: bool, step: float | None) -> float:
    """One attack of Blum and Hardt."""
    drawn = np.random.default_rng(seed)
    truth, guesses = drawn.integers(0, 2, n), drawn.integers(0, 2, (tries, n))
    ladder, last, kept = Ladder(step), 0.5, []
    for guess in guesses:
        scores = (guess == truth).astype(float)
        value = float(scores.mean()) if plain else ladder.submit(scores).best
        if value > (0.5 if plain else max(last, 0.5)):
            kept.append(guess)
        last = value
    scores = ((np.mean(kept, axis=0) > 0.5).astype(int) == truth).astype(float)
    return (float(scores.mean()) if plain else ladder.submit(scores).best) - 0.5


def log_edits(count: int = 8) -> dict[str, Any]:
    """T11: every field of every entry edited, every entry deleted, doubled, swapped, every tail cut, two added."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log"
        log = AccessLog(path)
        for i in range(count + 2):
            log.append(
                actor="ann", candidate=f"b3:{i}", suite="b3:suite", purpose="release", look=f"look {i // 2}",
                answer="pass" if i % 2 else "opened", bits=i % 2 * 3.5, detail={"best": 0.5}, at=datetime.now(UTC),
            )  # fmt: skip
        longer = path.read_text().splitlines()
        whole, head = longer[:count], (count, log.entries[count - 1].hash)
        changed = {
            "edited": [_edited(whole, i, key) for i in range(count) for key in json.loads(whole[0])],
            "deleted": [whole[:i] + whole[i + 1 :] for i in range(count)],
            "reordered": [_swapped(whole, i, j) for i, j in itertools.combinations(range(count), 2)],
            "cut off": [whole[:i] for i in range(count)],
            "doubled": [[*whole[: i + 1], *whole[i:]] for i in range(count)],
            "added": [longer],
        }
        out = {}
        for how, versions in changed.items():
            seen = 0
            for version in versions:
                path.write_text("".join(line + "\n" for line in version))
                seen += bool(AccessLog(path).problems(head))
            out[how] = [seen, len(versions)]
        path.write_text("".join(line + "\n" for line in whole))
        out["untouched"] = [int(bool(AccessLog(path).problems(head))), 1]
    return out


def _edited(whole: list[str], place: int, key: str) -> list[str]:
    entry = json.loads(whole[place])
    value = entry[key]
    entry[key] = value + 1 if isinstance(value, int | float) else {"best": 0.6} if key == "detail" else value + "x"
    return [*whole[:place], json.dumps(entry), *whole[place + 1 :]]


def _swapped(whole: list[str], one: int, two: int) -> list[str]:
    out = list(whole)
    out[one], out[two] = out[two], out[one]
    return out


if __name__ == "__main__":
    main()
