"""What self-leak tells beside its verdict: other definitions of a leak, and twins made by one template."""

from __future__ import annotations

from typing import Any

import numpy as np

from headgate.rules.given import Corpus
from headgate.stats.verdict import FINDINGS_SHOWN, Finding
from headgate.text.coverage import Coverage, longest_run
from headgate.text.definitions import NAMES, definitions
from headgate.text.leaks import Copies
from headgate.text.tape import Tape

OURS = "ours"


def side_by_side(rows: Tape, items: Tape, pairs: Coverage, leaked: set[int]) -> dict[str, Any]:
    """Items by definition, and for the items that any of them names who does; `leaked`: by our own definition."""
    said = definitions(rows, items, pairs)
    by_name = {name: set(said.items_by(name).tolist()) for name in NAMES}
    names = {OURS: leaked, **by_name}
    named = sorted(
        leaked.union(*by_name.values()), key=lambda item: (-sum(item in held for held in names.values()), item)
    )
    best = _likest(pairs)
    listed = []
    for item in named[:FINDINGS_SHOWN]:
        row, covered = best.get(item, (-1, 1.0))  # items under four words are found as exact copies only
        run = longest_run(rows.words_of(row), items.words_of(item))[0] if row >= 0 else int(items.lengths[item])
        says = [name for name, held in names.items() if item in held]
        listed.append({"item": item + 1, "covered": round(covered, 3), "longest_run": run, "says": says})
    counts = {name: len(held) for name, held in names.items()}
    return {"definitions": counts, "by_item": listed, "items_named_by_any": len(named)}


def twins_of(rows: Corpus, items: Corpus, pairs: Copies) -> dict[str, Any]:
    """Rows and items that fill one template with other numbers: how many items, and where they stand."""
    twins = pairs.where(pairs.twin)
    listed = [
        _twin(rows, items, row, item).as_json()
        for row, item in zip(twins.rows[:FINDINGS_SHOWN].tolist(), twins.items[:FINDINGS_SHOWN].tolist(), strict=True)
    ]
    return {"template_twins": len(set(twins.items.tolist())), "twins": listed}


def _twin(rows: Corpus, items: Corpus, row: int, item: int) -> Finding:
    return Finding(
        message=f"fills the template of evaluation item {item + 1} with other numbers",
        place=rows[row].place,
        row=rows[row].id,
        other=items[item].place,
        other_row=items[item].id,
        remedy="keep",
    )


def _likest(pairs: Coverage) -> dict[int, tuple[int, float]]:
    """For each item the row that covers most of its telling n-grams, and that share."""
    share = pairs.shared / np.maximum(pairs.telling[pairs.items], 1)
    order = np.lexsort((pairs.rows, -share, pairs.items))
    item = pairs.items[order]
    first = order[np.append(True, item[1:] != item[:-1])] if len(order) else order
    return {int(pairs.items[at]): (int(pairs.rows[at]), float(share[at])) for at in first.tolist()}
