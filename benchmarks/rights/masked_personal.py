"""How much personal data is found in real rows in which it was planted, and how much is taken for it that is none.

    python benchmarks/rights/masked_personal.py ../shared/data [--rows 200]

Prints and writes masked_personal.json beside this file. Each value is planted twice: bare, at the end of a sentence
of a real row, and said, after the words that people put before it. A value counts as found where every sign of it is
masked. A decoy (an order number, an amount, a date, a version, a code) counts as taken where any sign of it is. Rows
of the collections as they are count as taken where anything is masked; what was masked there was read by hand.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.clean.loading import LOADERS
from benchmarks.rights import personal_values as values

from headgate.rows.row import Row
from headgate.stats.intervals import wilson
from headgate.text.personal import patterns, personal_spans
from headgate.text.telephone import COUNTRIES

CARRIERS = ("banking77", "gpteacher", "star_all")
CLEAN = ("banking77", "clinc150", "gsm8k", "star_all", "gpteacher", "roleplay", "bfcl_live", "api_docs")
MOST = 10_000  # rows of a collection that are read as they are


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=200, help="values planted of each kind and country")
    asked = parser.parse_args()
    using = patterns(["personal", "secret"])
    draw = random.Random(20261121)
    texts = [row.text for name in CARRIERS if name in LOADERS for row in LOADERS[name](asked.data)]
    texts = [one for one in texts if 40 <= len(one) <= 2_000 and not personal_spans(one, using)]
    told: dict[str, Any] = {"rows": asked.rows, "found": {}, "taken": {}, "as they are": {}}
    for name, (kind, make, said) in planted().items():
        for how, words in (("bare", ""), ("said", said)):
            hits = sum(_found(draw.choice(texts), make(draw), words, using, draw) for _ in range(asked.rows))
            told["found"].setdefault(kind, {}).setdefault(name, {})[how] = _share(hits, asked.rows)
    for name, make in values.decoys().items():
        hits = sum(_found(draw.choice(texts), make(draw), "", using, draw, whole=False) for _ in range(asked.rows * 5))
        told["taken"][name] = _share(hits, asked.rows * 5)
    for name in (one for one in CLEAN if one in LOADERS):
        told["as they are"][name] = _as_they_are(LOADERS[name](asked.data)[:MOST], using)
    told["finder of phonenumbers"] = _finder(texts, draw, asked.rows)
    Path(__file__).with_suffix(".json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    _print(told)


def planted() -> dict[str, tuple[str, Callable[[random.Random], str], str]]:
    """Name, kind, generator and the words before it."""
    out: dict[str, Any] = {f"phone {one}": ("phone", values.phone(one), values.SAID["phone"]) for one in values.PHONES}
    for one, (_, _, word) in values.IDS.items():
        out[one] = ("id", lambda draw, one=one: values.identity(one, draw), f"my {word} is")
    for kind in ("email", "card", "iban", "ip", "url", "secret"):
        out[kind] = (kind, getattr(values, kind), values.SAID[kind])
    return out


def _placed(text: str, value: str, words: str, draw: random.Random) -> tuple[str, int]:
    """The text with the value after one of its sentences, and where it begins."""
    ends = [at + 1 for at, sign in enumerate(text) if sign in ".?!\n"] or [len(text)]
    at = draw.choice(ends)
    before = f"{text[:at]} {words} ".replace("  ", " ")
    return before + value + draw.choice([" ", ". ", ", "]) + text[at:], len(before)


def _found(text: str, value: str, words: str, using: Any, draw: random.Random, *, whole: bool = True) -> bool:
    placed, start = _placed(text, value, words, draw)
    signs = {at for one in personal_spans(placed, using) for at in range(one.start, one.end)}
    own = set(range(start, start + len(value)))
    return own <= signs if whole else bool(own & signs)


def _as_they_are(rows: list[Row], using: Any) -> dict[str, Any]:
    began, kinds, hit, examples = time.perf_counter(), Counter[str](), 0, list[str]()
    for row in rows:
        spans = personal_spans(row.text, using)
        hit += bool(spans)
        kinds.update(one.kind for one in spans)
        examples += [f"{one.kind}: {row.text[one.start : one.end]}" for one in spans]
    seconds = time.perf_counter() - began
    return {
        **_share(hit, len(rows)),
        "kinds": dict(kinds),
        "rows a second": round(len(rows) / seconds),
        "masked": sorted(set(examples))[:60],
    }


def _finder(texts: list[str], draw: random.Random, rows: int) -> dict[str, Any]:
    """What the finder of phonenumbers alone does over the same text, for every country that we look for."""
    import phonenumbers

    def taken(text: str) -> set[int]:
        found = (one for country in COUNTRIES for one in phonenumbers.PhoneNumberMatcher(text, country))
        return {at for one in found for at in range(one.start, one.end)}

    hits = Counter[str]()
    for country in values.PHONES:
        for _ in range(rows // 10):
            value = values.phone(country)(draw)
            placed, start = _placed(draw.choice(texts)[:300], value, "", draw)
            hits["phones"] += set(range(start, start + len(value))) <= taken(placed)
    decoys = {name: make for name, make in values.decoys().items() if name in ("order number", "bare number")}
    for make in decoys.values():
        for _ in range(rows):
            value = make(draw)
            placed, start = _placed(draw.choice(texts)[:300], value, "", draw)
            hits["decoys"] += bool(set(range(start, start + len(value))) & taken(placed))
    of = {"phones": rows // 10 * len(values.PHONES), "decoys": rows * len(decoys)}
    return {name: _share(hits[name], of[name]) for name in of}


def _share(hits: int, of: int) -> dict[str, Any]:
    told = wilson(hits, of)
    return {
        "hits": hits,
        "of": of,
        "share": round(told.value, 4),
        "low": round(told.low, 4),
        "high": round(told.high, 4),
    }


def _print(told: dict[str, Any]) -> None:
    for kind, names in told["found"].items():
        for name, how in names.items():
            print(f"found  {kind:<7} {name:<18} bare {how['bare']['share']:6.1%}  said {how['said']['share']:6.1%}")
    for name, one in told["taken"].items():
        print(f"taken  {name:<14} {one['share']:6.2%} ({one['low']:.2%} to {one['high']:.2%}) of {one['of']:,}")
    for name, one in told["as they are"].items():
        print(
            f"clean  {name:<14} {one['share']:6.2%} of {one['of']:,} rows, {one['kinds']}, {one['rows a second']:,}/s"
        )
    for name, one in told["finder of phonenumbers"].items():
        print(f"phonenumbers' finder, {name}: {one['share']:.1%} of {one['of']:,}")


if __name__ == "__main__":
    main()
