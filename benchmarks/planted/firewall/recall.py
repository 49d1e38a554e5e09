"""The firewall on real items: planted copies that are refused or listed for a look, and honest rows that are.

    python benchmarks/planted/firewall/recall.py --data FOLDER

Copies are made of up to 250 items in each disguise and counted by the length of the item. The shares of word pairs
were chosen on every other item of GSM8K, and what counts as a copy and what as alike on `TUNED`; the figures for GSM8K
are of the other items, and nothing was chosen on the other sets. Honest rows that are refused were read
(`read.json`, by the ids of item and row): a copy asks the same in nearly the same words, a sibling something else. A
pair that nobody read counts as a sibling. Writes `recall.json`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clean import loading
from clean.held_out import CHOSEN, HELD_OUT
from headgate.rows.row import Row
from headgate.rules.firewall import ANSWER, BOTH, QUESTION, Protected, parts_of
from headgate.text.protected import index_of
from headgate.text.protection import COPIES, DEFINITIONS, Block, Sieve
from planted.leaks.disguises import DISGUISES
from planted.leaks.natural import key
from planted.leaks.short_disguises import SHORT_DISGUISES
from planted.splitting import words

HERE = Path(__file__).resolve().parent
PLANTED = 250  # of each disguise
CLASSES = {"under 8 words": 8, "8 to 11": 12, "12 to 19": 20, "20 and more": 10**9}
TUNED = ("banking77", "clinc150", "star", "harmless", "roleplay")
KINDS: Mapping[str, Callable[[str, str, random.Random], str]] = {
    **{name: DISGUISES[name] for name in ("verbatim", "embedded", "light 5 %", "heavy 15 %", "digits", "cut 60 %")},
    **{name: SHORT_DISGUISES[name] for name in ("case", "typo", "framed", "word dropped", "word exchanged")},
}
Found = dict[int, dict[int, set[str]]]  # row, item, definitions


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--unread", type=Path, help="file for the pairs that are still to be read")
    asked = parser.parse_args()
    folder = asked.data
    read = {(name, item, row): kind for name, item, row, kind in json.loads((HERE / "read.json").read_text())}
    results, unread = [], list[list[str]]()
    for name, (train, test) in sources().items():
        found = measured(name, test(folder), train(folder), read, unread)
        results.append(found)
        print({key: value for key, value in found.items() if key != "recall"}, file=sys.stderr)
    results.append(rephrased(folder))
    (HERE / "recall.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if asked.unread:
        asked.unread.write_text(json.dumps(unread, indent=1))
    print("\n".join(lines(results)))


def sources() -> dict[str, tuple[Callable[[Path], list[Row]], Callable[[Path], list[Row]]]]:
    """Training rows and items of each set."""
    return {
        "gsm8k": (loading.gsm8k, lambda folder: loading.gsm8k_test(folder)[1::2]),
        **{name: {**CHOSEN, **HELD_OUT}[name] for name in TUNED},
        **{name: split for name, split in HELD_OUT.items() if name not in TUNED},
    }


def measured(
    source: str,
    items: Sequence[Row],
    honest: Sequence[Row],
    read: Mapping[tuple[str, str, str], str],
    unread: list[list[str]],
) -> dict[str, Any]:
    """Recall by length and kind, and honest rows by what becomes of them."""
    drawn = random.Random(11)
    items = [item for item in {item.id: item for item in items}.values() if words(item.prompt_text)]
    chosen = [(kind, n) for kind in KINDS for n in drawn.sample(range(len(items)), min(PLANTED, len(items)))]
    copies = [KINDS[kind](items[n].prompt_text, drawn.choice(honest).prompt_text, drawn) for kind, n in chosen]
    rows = [(row.prompt_text, row.answer_text) for row in honest]
    rows += [(text, items[n].answer_text) for text, (_, n) in zip(copies, chosen, strict=True)]
    started = time.process_time()
    found = matched(items, rows)
    seconds = time.process_time() - started
    recall: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for row, (kind, n) in enumerate(chosen, start=len(honest)):
        size = next(name for name, below in CLASSES.items() if len(words(items[n].prompt_text)) < below)
        cell = recall[size].setdefault(kind, {"refused": 0, "listed": 0, "of": 0})
        how = found.get(row, {}).get(n, set())
        cell["of"] += 1
        cell["refused"] += copied(how)
        cell["listed"] += bool(how) and not copied(how)
    return {
        "source": source,
        "items": len(items),
        "honest_rows": len(honest),
        **by_reading(source, items, honest, found, read, unread),
        "recall": recall,
        "cpu_seconds": round(seconds, 2),
        "bytes_per_item": len(index_of([item.prompt_text for item in items]).to_bytes()) // len(items),
    }


def by_reading(
    source: str,
    items: Sequence[Row],
    honest: Sequence[Row],
    found: Found,
    read: Mapping[tuple[str, str, str], str],
    unread: list[list[str]],
) -> dict[str, Any]:
    """Honest rows that are refused, by what they are, and those that are listed for a look."""
    refused: Counter[str] = Counter()
    listed = 0
    for row, by_item in found.items():
        if row >= len(honest):
            continue
        copies = [item for item, how in by_item.items() if copied(how)]
        listed += not copies
        kinds = set()
        for item in copies:
            one, other = honest[row], items[item]
            if words(one.prompt_text) == words(other.prompt_text):
                kinds.add("same words")
                continue
            pair = (source, key(other), key(one))
            kinds.add(read.get(pair, "sibling"))
            if pair not in read:
                unread.append([*pair, other.prompt_text, one.prompt_text])
        refused.update(kind for kind in ("same words", "copy", "sibling") if kind in kinds and not _before(kind, kinds))
    names = {"refused_same_words": "same words", "refused_copies": "copy", "refused_siblings": "sibling"}
    return {name: refused[kind] for name, kind in names.items()} | {"listed": listed}


def _before(kind: str, kinds: set[str]) -> bool:
    """Whether a row counts as something more: it is one thing only, and what says most."""
    order = ("same words", "copy", "sibling")
    return any(one in kinds for one in order[: order.index(kind)])


def copied(how: set[str]) -> bool:
    """Whether a row is refused for what it matches by."""
    return bool(how & set(COPIES))


def matched(items: Sequence[Row], rows: Sequence[tuple[str, str]]) -> Found:
    """For each row (question, answer) that matches: the items, and by which definitions."""
    entries = [(n, part, text) for n, item in enumerate(items) for part, text in parts_of(Protected.of(item))]
    parts = np.array([part for _, part, _ in entries])
    owners = np.array([n for n, _, _ in entries])
    asked, both = parts == QUESTION, parts == BOTH
    answered = asked & np.isin(owners, owners[both])
    index = index_of([text for _, _, text in entries])
    sieve = Sieve(index, asked, np.zeros(0, dtype=np.uint64), both=both, answered=answered)
    whole = [f"{question}\n{answer}" for question, answer in rows]
    found = sieve.matches(Block(whole, [question for question, _ in rows], range(len(rows)), whole))
    out: Found = {}
    for row, text, code in zip(found.rows.tolist(), found.texts.tolist(), found.definition.tolist(), strict=True):
        if entries[text][1] != ANSWER:
            out.setdefault(row, {}).setdefault(entries[text][0], set()).add(DEFINITIONS[code])
    return out


def rephrased(folder: Path) -> dict[str, Any]:
    """GSM8K items of the other half that a model rephrased."""
    items = loading.gsm8k_test(folder)[1::2]
    place = {row.prompt_text.strip(): n for n, row in enumerate(items)}
    texts = {
        place[row.prompt_text.strip()]: str(row.side.extra["rephrased"])
        for row in loading.gsm8k_rephrased(folder)
        if "rephrased" in row.side.extra and row.prompt_text.strip() in place
    }
    found = matched(items, [(text, "") for text in texts.values()])
    hits = [found.get(row, {}).get(item, set()) for row, item in enumerate(texts)]
    refused = sum(copied(how) for how in hits)
    return {
        "source": "gsm8k, rephrased by a model",
        "rephrasings": len(texts),
        "refused": refused,
        "listed": sum(map(bool, hits)) - refused,
    }


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tables in Markdown, as the page on the firewall has them."""
    out = [
        "| rows | protected items | refused: same words | copies as read | siblings | listed |",
        "|---|---|---|---|---|---|",
    ]
    for one in results:
        if "recall" in one:
            counts = [one[name] for name in ("refused_same_words", "refused_copies", "refused_siblings", "listed")]
            shown = " | ".join(f"{count:,}" for count in counts)
            out.append(f"| {one['source']}, {one['honest_rows']:,} | {one['items']:,} | {shown} |")
    out += ["", f"| copies refused / found at all | {' | '.join(KINDS)} |", f"|---{'|---' * len(KINDS)}|"]
    groups = {"tuned on": TUNED, "untouched": tuple(name for name in HELD_OUT if name not in TUNED)}
    for title, names in groups.items():
        for size in CLASSES:
            cells = []
            for kind in KINDS:
                held = [one["recall"].get(size, {}).get(kind) for one in results if one["source"] in names]
                mine = [cell for cell in held if cell]
                of = max(sum(cell["of"] for cell in mine), 1)
                refused, listed = (sum(cell[name] for cell in mine) for name in ("refused", "listed"))
                cells.append(f"{refused / of:.2f} / {(refused + listed) / of:.2f}")
            out.append(f"| {title}, {size} | {' | '.join(cells)} |")
    return out


if __name__ == "__main__":
    main()
