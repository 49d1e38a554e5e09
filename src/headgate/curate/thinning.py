"""The verdict on what duplicate removal did to slices: rule erased-slice, between split and freeze."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from headgate.curate.settings import Settings
from headgate.curate.slices import slices_of
from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import find
from headgate.stats.verdict import Verdict

RULE = "erased-slice"


def judge_thinning(before: Sequence[Row], after: Sequence[Row], settings: Settings) -> Verdict:
    """Compares training rows before and after duplicate removal, slice by slice.

    Decontamination comes later and is not counted: a leaked row must go, however rare its slice.
    """
    rule = find(RULE)
    how = settings.near_duplicates
    sizes = Counter(name for row in before for name in slices_of(row))
    limits = how.limits()
    protected = [name for name in sizes if limits.protects(name)]
    if not any(name in protected or size < how.floor_rows for name, size in sizes.items()):
        return rule.skipped("no slice is rare or protected" if sizes else "no row carries a slice")
    options = {"floor": how.floor_share, "rare": how.floor_rows, "protect": protected}
    given = Given({"training-rows": Corpus(before, "before"), "selected-rows": Corpus(after, "after")})
    own = settings.rules.get(rule.name, settings.rules.get(rule.code, {}))
    return run_rules([rule], given, {rule.name: options | dict(own)}, settings.level)[0]
