"""What self-leak tells beside its verdict: other definitions of a leak, twins of one template, likely copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from headgate.rules.beside import matched_in
from headgate.rules.given import Corpus
from headgate.stats.judging import judge_share
from headgate.stats.verdict import FINDINGS_SHOWN, Finding, Verdict
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


def listed(kind: str, rows: Corpus, items: Corpus, pairs: Copies) -> dict[str, Any]:
    """Pairs of a class of their own: how many items, and where the first stand."""
    first = findings_of(kind, rows, items, pairs.where(np.arange(min(len(pairs.rows), FINDINGS_SHOWN))))
    return {f"{kind}_items": len(set(pairs.items.tolist())), kind: [one.as_json() for one in first]}


def findings_of(kind: str, rows: Corpus, items: Corpus, pairs: Copies) -> tuple[Finding, ...]:
    """One finding for each pair: "twins" may stay, "likely" copies want a look."""
    remedy = {"twins": "keep", "likely": "review"}[kind]
    found = []
    for row, item, share in zip(pairs.rows.tolist(), pairs.items.tolist(), pairs.covered.tolist(), strict=True):
        message = {
            "twins": f"fills the template of evaluation item {item + 1} with other numbers",
            "likely": f"is likely an edited copy of evaluation item {item + 1} and covers {share:.0%} of it",
        }[kind]
        one, other = rows[row], items[item]
        message += matched_in(one, other.prompt_text)
        found.append(
            Finding(message=message, place=one.place, row=one.id, other=other.place, other_row=other.id, remedy=remedy)
        )
    return tuple(found)


def many_likely(
    rows: Corpus, items: Corpus, likely: Copies, judged: int, at_most: float, details: dict[str, Any]
) -> Verdict:
    """The verdict on the share of judged items that have a likely copy."""
    more = len(set(likely.items.tolist()))
    return judge_share(
        more,
        judged,
        name="items with a likely copy",
        at_most=at_most,
        summary=f"{more:,} of {judged:,} evaluation items have a likely copy in the training rows",
        findings=findings_of("likely", rows, items, likely),
        details=details,
    )


def _likest(pairs: Coverage) -> dict[int, tuple[int, float]]:
    """For each item the row that covers most of its telling n-grams, and that share."""
    share = pairs.shared / np.maximum(pairs.telling[pairs.items], 1)
    order = np.lexsort((pairs.rows, -share, pairs.items))
    item = pairs.items[order]
    first = order[np.append(True, item[1:] != item[:-1])] if len(order) else order
    return {int(pairs.items[at]): (int(pairs.rows[at]), float(share[at])) for at in first.tolist()}
