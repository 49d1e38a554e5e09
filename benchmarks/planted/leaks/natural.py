"""Measures which honest rows are called copies on real collections as they are: nothing planted, nothing left out.

    python benchmarks/planted/leaks/natural.py --data FOLDER

Real collections hold copies of their own (the same customer asks twice, one question is put to six models), so
what is flagged was read, pair by pair: does the row ask the same in nearly the same words ("copy"), or is it another
request in the same frame ("sibling": other number, name or aim)? `read.json` holds the answers by the ids of
item and row; a pair that nobody read counts as a sibling. Where both have the same words, or 40 words in one run (a
passage that two questions of a test are about), nothing needs to be read. Of the sets that settings were chosen on no
pair was read. Writes `natural.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from clean.held_out import CHOSEN, HELD_OUT, PROPOSED
from headgate.kit.files import write_text
from headgate.rows.row import Kind, Row
from headgate.rules.data import dat006_self_leak
from headgate.rules.given import Corpus, Given
from headgate.text.coverage import longest_run
from headgate.text.leaks import LIKELY_SHARE, copies
from planted.splitting import words

HERE = Path(__file__).parent
PASSAGE = 40  # words in one run
SHOWN = 13  # characters of an id
TITLE = "honest rows that are called copies, as they are"
COLUMNS = (
    *("set", "rows", "items", "same words", "certain", "likely", "copies as read", "siblings", "of these certain"),
    "siblings per 10,000",
)
TIERS = ("certain", "likely")


def flagged(training: list[Row], items: list[Row]) -> dict[tuple[int, int], str]:
    """Pairs (row, item) that self-leak lists, certain or likely."""
    rows, asked = Corpus(training), Corpus(items)
    found = rows.coverage("text", asked, "prompt")
    held = copies(rows.text, asked.prompt, long_share=LIKELY_SHARE, found=found, asked=rows.lengths("prompt"))
    listed = dict.fromkeys(zip(held.rows[~held.twin].tolist(), held.items[~held.twin].tolist(), strict=True), "likely")
    verdict = dat006_self_leak.self_leak.judge(Given({"training-rows": rows, "evaluation-items": asked}))
    row_of = {row.id: number for number, row in enumerate(training)}
    item_of = {item.id: number for number, item in enumerate(items)}
    for one in verdict.findings:
        listed[row_of[one.row or ""], item_of[one.other_row or ""]] = "certain"
    return listed


def key(row: Row) -> str:
    """The beginning of a row's id."""
    return row.id[:SHOWN]


def measured(name: str, training: list[Row], items: list[Row], read: dict[tuple[str, str], str]) -> dict[str, Any]:
    """One set: rows by the likest pair that each is in."""
    items = [replace(one, kind=Kind.ITEM) for one in {one.id: one for one in items}.values() if words(one.prompt_text)]
    rank = {"same words": 0, "copy": 1, "sibling": 2}
    rows: dict[int, tuple[int, str, str]] = {}
    unread = []
    tapes = Corpus(training), Corpus(items)
    for (row, item), tier in flagged(training, items).items():
        one, two = training[row], items[item]
        pair = key(two), key(one)
        if words(one.prompt_text) == words(two.prompt_text):
            kind = "same words"
        elif longest_run(tapes[0].text.words_of(row), tapes[1].prompt.words_of(item))[0] >= PASSAGE:
            kind = "copy"
        else:
            kind = read.get(pair, "sibling")
            if pair not in read:
                unread.append([name, *pair, two.prompt_text, one.prompt_text])
        rows[row] = min(rows.get(row, (9, "", "")), (rank[kind], kind, tier))
    count = {kind: sum(one[1] == kind for one in rows.values()) for kind in rank}
    tiers = {tier: sum(one[1] != "same words" and one[2] == tier for one in rows.values()) for tier in TIERS}
    certain = sum(one[1:] == ("sibling", "certain") for one in rows.values())
    return {
        **{"rows": len(training), "items": len(items), **count, **tiers, "certain siblings": certain},
        "unread": len(unread),
        "unread_pairs": unread,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--unread", type=Path, help="file for the pairs that are still to be read")
    asked = parser.parse_args()
    answers: dict[str, dict[tuple[str, str], str]] = {}
    for name, item, row, kind in json.loads((HERE / "read.json").read_text()):
        answers.setdefault(name, {})[item, row] = kind
    out: dict[str, Any] = {}
    unread = {}
    for name, (train, test) in {**HELD_OUT, **PROPOSED, **CHOSEN}.items():
        out[name] = measured(name, train(asked.data), test(asked.data), answers.get(name, {}))
        unread[name] = out[name].pop("unread_pairs")
        print(name, out[name])
    write_text(HERE / "natural.json", json.dumps(out, indent=1) + "\n")
    if asked.unread:
        write_text(asked.unread, json.dumps(unread, indent=1) + "\n")


def table() -> dict[str, Any]:
    """What the page of self-leak shows, of the sets that nothing was chosen on."""
    held = json.loads((HERE / "natural.json").read_text())
    lines = []
    for name in (*HELD_OUT, *PROPOSED):
        one = held[name]
        names = ("rows", "items", "same words", "certain", "likely", "copy", "sibling", "certain siblings")
        cells = [one[name] for name in names]
        lines.append([name, *(f"{cell:,}" for cell in cells), f"{1e4 * one['sibling'] / one['rows']:.1f}"])
    text = (
        "Rows of real collections that are listed as certain or likely copies beside those with the same words, "
        "nothing planted and nothing left out. Each pair was read: a copy asks the same in nearly the same words, a "
        "sibling is another request in the same frame."
    )
    return {"title": TITLE, "text": text, "columns": list(COLUMNS), "rows": lines}


if __name__ == "__main__":
    main()
