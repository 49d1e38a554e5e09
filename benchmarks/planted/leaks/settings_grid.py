"""Measures definitions of a leak on data that their settings were not chosen on.

    python benchmarks/planted/leaks/settings_grid.py --data FOLDER [--seeds 6]

For each set half of the evaluation items are copied into the training rows, each once, in one of six disguises;
natural look-alikes of items are taken out first (`splitting.honest_items`). Found: the planted row is flagged for its
item. False rows: other rows that are flagged, per 10,000. Items are counted by length: under 12 words, 12 to
27, 28 and more. Copies of items from 12 words on carry the answer of another row, shorter ones their own.
Writes `settings_grid.json` beside this file, and the summary that the page of self-leak shows beside the rule, with
what `natural.py` found on the same sets as they are (run it first).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from clean.held_out import CHOSEN, HELD_OUT, PROPOSED
from headgate.kit.files import write_text
from headgate.rows.row import Kind, Message, Row, Side
from headgate.rules.data import dat006_self_leak
from headgate.rules.given import Corpus, Given
from headgate.text.coverage import coverage
from headgate.text.definitions import NAMES, definitions
from headgate.text.leaks import LIKELY_SHARE, copies
from planted.leaks import beside, natural
from planted.leaks.disguises import DISGUISES
from planted.splitting import honest_items, words

HERE = Path(__file__).parent
TABLES = Path(dat006_self_leak.__file__).with_name("dat006_self_leak_tables.json")
GRAMS, SHARES = (3, 4, 5, 8), (0.4, 0.5, 0.6, 0.7)
LEAST = 20  # planted copies in each disguise, for a table on the page
CLASSES = ("under 12 words", "12 to 27", "28 and more")
OURS, LIKELY, TWINS = "ours", "ours, likely copies counted", "ours, likely and twins counted"
ORDER = (OURS, LIKELY, TWINS, *(f"{n}-grams, {share:.0%}" for n in GRAMS for share in SHARES), *NAMES)
SHOWN = (OURS, LIKELY, TWINS, "3-grams, 50%", "4-grams, 50%", "5-grams, 50%", "8-grams, 50%", *NAMES[:5])
Pairs = set[tuple[int, int]]


def planted(training: list[Row], items: list[Row], seed: int) -> tuple[list[Row], dict[int, tuple[int, str]]]:
    """Training rows with copies of half of the items at their end: {row: (item, disguise)}."""
    drawn = random.Random(seed)
    chosen = drawn.sample(range(len(items)), len(items) // 2)
    rows, truth = list(training), {}
    for number, item in enumerate(chosen):
        kind = list(DISGUISES)[(number + seed) % len(DISGUISES)]
        host, one = drawn.choice(training), items[item]
        text = DISGUISES[kind](one.prompt_text, host.prompt_text, drawn)
        short = len(words(one.prompt_text)) < 12
        answer = one.answer_text if short else host.answer_text
        messages = (Message("user", text), Message("assistant", answer))
        truth[len(rows)] = (item, kind)
        rows.append(Row(kind=Kind.DEMONSTRATION, messages=messages, side=Side(id=f"planted-{seed}-{number}")))
    return rows, truth


def flagged(rows: Corpus, items: Corpus) -> dict[str, Pairs]:
    """Pairs (row, item) that each setting flags."""
    out: dict[str, Pairs] = {}
    for n in GRAMS:
        found = coverage(rows.text, items.prompt, n=n)
        share = found.shared / np.maximum(found.telling[found.items], 1)
        for least in SHARES:
            out[f"{n}-grams, {least:.0%}"] = _pairs(found.rows[share >= least], found.items[share >= least])
        if n == 4:
            said = definitions(rows.text, items.prompt, found)
            for column, name in enumerate(NAMES):
                kept = said.says[:, column]
                out[name] = _pairs(said.rows[kept], said.items[kept])
            held = copies(rows.text, items.prompt, long_share=LIKELY_SHARE, found=found, asked=rows.lengths("prompt"))
    verdict = dat006_self_leak.self_leak.judge(Given({"training-rows": rows, "evaluation-items": items}))
    row_of = {row.id: number for number, row in enumerate(rows)}
    item_of = {item.id: number for number, item in enumerate(items)}
    out[OURS] = {(row_of[one.row or ""], item_of[one.other_row or ""]) for one in verdict.findings}
    out[LIKELY] = out[OURS] | _pairs(held.rows[~held.twin], held.items[~held.twin])
    out[TWINS] = out[LIKELY] | _pairs(held.rows[held.twin], held.items[held.twin])
    return out


def _pairs(rows: Any, items: Any) -> Pairs:
    return set(zip(rows.tolist(), items.tolist(), strict=True))


def measured(name: str, training: list[Row], items: list[Row], seeds: int) -> dict[str, Any]:
    """One set: for each setting and class of items, found and planted by disguise, and false rows."""
    kept = honest_items(training, items)
    kept = [replace(one, kind=Kind.ITEM) for one in {one.id: one for one in kept}.values() if words(one.prompt_text)]
    lengths = [len(words(one.prompt_text)) for one in kept]
    classes = [CLASSES[(length >= 12) + (length >= 28)] for length in lengths]
    found: Counter[tuple[str, str, str]] = Counter()
    tried: Counter[tuple[str, str]] = Counter()
    false: Counter[tuple[str, str]] = Counter()
    looked = 0
    for seed in range(seeds):
        rows, truth = planted(training, kept, seed)
        corpus = Corpus(rows)
        looked += len(training)
        for item, kind in truth.values():
            tried[classes[item], kind] += 1
        for setting, pairs in flagged(corpus, Corpus(kept)).items():
            for row, (item, kind) in truth.items():
                found[setting, classes[item], kind] += (row, item) in pairs
            for one in CLASSES:
                false[setting, one] += len({row for row, item in pairs if row < len(training) and classes[item] == one})
    print(f"{name}: {len(training)} rows, {len(kept)} of {len(items)} items", file=sys.stderr)
    return {
        "rows": len(training),
        "items": len(kept),
        "natural_look_alikes_left_out": len(items) - len(kept),
        "looked_at": looked,
        "planted": {one: {kind: tried[one, kind] for kind in DISGUISES} for one in CLASSES},
        "settings": {
            setting: {
                one: {"found": {k: found[setting, one, k] for k in DISGUISES}, "false_rows": false[setting, one]}
                for one in CLASSES
            }
            for setting in ORDER
        },
    }


def pooled(sets: Iterable[dict[str, Any]], one: str, setting: str) -> tuple[list[tuple[int, int]], float]:
    """Found and planted by disguise over several sets, and false rows per 10,000."""
    held = list(sets)
    by_kind = [
        (
            sum(each["settings"][setting][one]["found"][kind] for each in held),
            sum(each["planted"][one][kind] for each in held),
        )
        for kind in DISGUISES
    ]
    false = sum(each["settings"][setting][one]["false_rows"] for each in held)
    return by_kind, 1e4 * false / sum(each["looked_at"] for each in held)


def tables(grid: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page shows: the sets that nothing was chosen on, and those that the length n was."""
    out = []
    for title, sets in (("nothing was chosen on", HELD_OUT), ("n = 4 was proposed on", PROPOSED)):
        held = [grid["sets"][name] for name in sets]
        for one in CLASSES:
            counts = [of for _, of in pooled(held, one, OURS)[0]]
            if min(counts) < LEAST:
                continue
            lines = []
            for setting in SHOWN:
                by_kind, false = pooled(held, one, setting)
                lines.append([setting, *(f"{hits / of:.2f}" for hits, of in by_kind), f"{false:.1f}"])
            text = f"Found of {min(counts)} to {max(counts)} planted copies in each disguise, on sets that {title}."
            out.append(
                {
                    "title": f"{', '.join(sets)}: items of {one}".replace("of under", "under"),
                    "text": text,
                    "columns": ["definition", *DISGUISES, "false rows per 10,000"],
                    "rows": lines,
                }
            )
    return [*out, natural.table(), beside.table(*beside.PAGES["dat006_self_leak"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=6)
    asked = parser.parse_args()
    groups = {"held_out": HELD_OUT, "proposed_on": PROPOSED, "chosen_on": CHOSEN}
    grid: dict[str, Any] = {"seeds": asked.seeds, **{name: list(sets) for name, sets in groups.items()}, "sets": {}}
    for name, (train, test) in {**HELD_OUT, **PROPOSED, **CHOSEN}.items():
        grid["sets"][name] = measured(name, train(asked.data), test(asked.data), asked.seeds)
    write_text(HERE / "settings_grid.json", json.dumps(grid, indent=1) + "\n")
    write_text(TABLES, json.dumps({"tables": tables(grid)}, indent=1) + "\n")
    for table in tables(grid):
        print(f"\n{table['title']}\n{table['text']}")
        for line in (table["columns"], *table["rows"]):
            print(" | ".join(f"{cell:>10}" for cell in line))


if __name__ == "__main__":
    main()
