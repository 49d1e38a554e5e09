"""Measures how well rephrased items are told from honest rows, by row: recall at few false rows.

    python benchmarks/planted/leaks/rephrased_grid.py --data FOLDER

Each set's training rows are honest rows and the published rephrasings of its items. A row's score is its highest
over all items. Recall is the share of rephrasings above the level at which 1, 5, 20 or 100 of 10,000 honest rows
are; and of items, the right one is among the first five of a rephrasing. The floor under the agreement of numbers,
and that only digits are numbers, was chosen on every other question of GSM8K; the others are reported, and nothing
was chosen on the other sets. Their honest rows: for HumanEval programs that came nearest to its problems and GPTeacher,
for MMLU every other question of the same subjects, which is no item then. Programs are also compared by their shapes;
runs of four tokens, each once, were chosen on every other problem. For them the other problems of HumanEval and
their rewritten versions stand among the honest rows as well, since only those are written like the items.
Also: the share of items above the calibrated threshold of the rule.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from clean.held_out import code_candidates
from clean.loading import _lines, gpteacher, gsm8k
from headgate.kit.files import write_text
from headgate.rules.data import dat007_paraphrased_leak
from headgate.text.programs import shape_of
from headgate.text.similarity import calibrate, nearest
from headgate.text.tape import tape_of
from planted.leaks import beside

HERE = Path(__file__).parent
TABLES = Path(dat007_paraphrased_leak.__file__).with_name("dat007_paraphrased_leak_tables.json")
LEVELS = (1, 5, 20, 100)  # false rows of 10,000
FIRST = 5


def pairs(folder: Path, name: str, kind: str, subject: str = "") -> list[tuple[str, str]]:
    """Originals and rephrasings; empty ones left out."""
    found = [
        (one["original"], one["rephrased"])
        for one in _lines(folder / "rephrased_tests" / name)
        if one["kind"] == kind and one["rephrased"].strip() and subject in one.get("subject", "")
    ]
    return [pair for pair in found if pair[0].strip() != pair[1].strip()]


def measured(items: Sequence[str], rephrased: Sequence[str], honest: Sequence[str]) -> dict[str, Any]:
    """Recall at each level, places, and what the threshold of the rule catches."""
    asked = tape_of(items)
    scores = nearest(tape_of([*rephrased, *honest]), asked).score
    planted, clean = scores[: len(rephrased)], np.sort(scores[len(rephrased) :])[::-1]
    recall = {}
    for level in LEVELS:
        allowed = int(level * len(clean) / 10_000)
        recall[str(level)] = round(float((planted > clean[allowed]).mean()), 4) if allowed < len(clean) else 1.0
    rows = tape_of([*honest, *rephrased])
    calibrated = calibrate(tape_of(honest))
    caught = nearest(asked, rows)
    alone = nearest(asked, tape_of(honest))
    return {
        "items": len(items),
        "honest_rows": len(honest),
        "recall_at_false_rows_per_10000": recall,
        "right_item_first": round(_first(items, rephrased, 1), 4),
        "right_item_in_first_5": round(_first(items, rephrased, FIRST), 4),
        "threshold": round(calibrated.threshold, 4),
        "items_above": round(float((caught.score > calibrated.threshold).mean()), 4),
        "honest_items_above": round(float((alone.score > calibrated.threshold).mean()), 4),
    }


def _first(items: Sequence[str], rephrased: Sequence[str], count: int) -> float:
    """Share of rephrasings whose own item is among the likest `count`: found by leaving out the likest one by one."""
    left = np.arange(len(rephrased))
    hit = np.zeros(len(rephrased), dtype=bool)
    here, there = tape_of(rephrased), [list(range(len(items))) for _ in range(1)]
    banned: dict[int, set[int]] = {}
    for _ in range(count):
        asked = left[~hit[left]]
        for place in asked.tolist() if banned else ():
            kept = [n for n in there[0] if n not in banned[place]]
            best = nearest(here.take([place]), tape_of([items[n] for n in kept])).row[0]
            hit[place] = best >= 0 and kept[best] == place
            banned[place].add(kept[best] if best >= 0 else -1)
        if not banned and not hit.all():
            best_rows = nearest(here, tape_of(items)).row
            hit = best_rows == np.arange(len(rephrased))
            banned = {place: {int(best_rows[place])} for place in np.flatnonzero(~hit).tolist()}
            left = np.array(sorted(banned), dtype=np.int64)
    return float(hit.mean())


def sets(folder: Path) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """Items, their rephrasings and honest rows of each set."""
    out = {}
    own, honest = pairs(folder, "gsm8k_pairs.jsonl", "paraphrase_en"), [row.prompt_text for row in gsm8k(folder)]
    out["gsm8k, chosen on"] = ([a for a, _ in own[::2]], [b for _, b in own[::2]], honest)
    out["gsm8k, held out"] = ([a for a, _ in own[1::2]], [b for _, b in own[1::2]], honest)
    own = pairs(folder, "humaneval_pairs.jsonl", "paraphrase_python")
    code = [row.answer_text for row in code_candidates(folder)]
    honest = [*code, *(row.text for row in gpteacher(folder))]
    out["humaneval"] = ([a for a, _ in own], [b for _, b in own], honest)
    for half, title in enumerate(("chosen on", "held out")):
        mine, others = own[half::2], own[1 - half :: 2]
        items, rows = [shape_of(a) for a, _ in mine], [shape_of(b) for _, b in mine]
        out[f"humaneval by shape, {title}"] = (items, rows, [shape_of(text) for text in honest])
        strict = [*honest, *(text for pair in others for text in pair)]
        out[f"humaneval by shape, other problems too, {title}"] = (items, rows, [shape_of(text) for text in strict])
    own = pairs(folder, "mmlu_pairs.jsonl.gz", "paraphrase_en")
    out["mmlu"] = ([a for a, _ in own[::2]], [b for _, b in own[::2]], [a for a, _ in own[1::2]])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    grid = {name: measured(*texts) for name, texts in sets(folder).items()}
    write_text(HERE / "rephrased_grid.json", json.dumps(grid, indent=1) + "\n")
    rows = [
        [
            name,
            f"{one['items']:,}",
            f"{one['honest_rows']:,}",
            *(f"{one['recall_at_false_rows_per_10000'][str(level)]:.2f}" for level in LEVELS),
            f"{one['right_item_in_first_5']:.2f}",
            f"{one['items_above']:.2f}",
            f"{one['honest_items_above']:.3f}",
        ]
        for name, one in grid.items()
    ]
    table = {
        "title": "Rephrased items among honest rows",
        "text": "Recall of rephrasings at so many false rows of 10,000 honest ones; the right item among the likest "
        "five; items above the calibrated threshold, with their rephrasings and without.",
        "columns": ["set", "items", "honest rows", *(f"at {n}" for n in LEVELS), "in 5", "above", "above, honest"],
        "rows": rows,
    }
    write_text(TABLES, json.dumps({"tables": [table, beside.table("paraphrased-leak")]}, indent=1) + "\n")
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
