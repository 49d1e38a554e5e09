"""The verdict on what filters and removal did to registers, lengths and difficulties: rule lost-register."""

from __future__ import annotations

from headgate.curate.filters import NUMBERS, compile_filter
from headgate.curate.settings import Settings
from headgate.curate.shape import Shape
from headgate.curate.working import Bench
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import find
from headgate.stats.verdict import Outcome, Verdict

RULE = "lost-register"
JUDGED = ("select", "near-duplicates")  # steps that choose rows for what they are


def judge_losses(bench: Bench, shape: Shape, settings: Settings) -> Verdict:
    """Compares the rows that came in with those that filters and the removal of near-duplicates left.

    Rows that must go are not counted: copies, rows without consent, rows held back from splits, and rows that a
    person let go. What the filter names is chosen on purpose: its slices, and lengths where it is about lengths.
    """
    rule = find(RULE)
    chosen = [one for one in bench.removed if one.step in JUDGED and not one.decision]
    if not chosen:
        return rule.skipped("no step took rows away for what they are")
    gone = {root for part in bench.trail if part.step in JUDGED for root in part.gone}
    gone -= {root for part in bench.trail for root in part.gone if root in part.decided}
    left = {item.root for item in bench.items}
    fields = compile_filter(settings.where).fields if settings.where else ()
    options = {
        "score": settings.near_duplicates.hardness,
        "scale": settings.quota.scale,
        "within": [name.partition(".")[2] for name in fields if name.startswith("slice.")],
    }
    if any(name in NUMBERS for name in fields):
        options |= {"kinds": ["register", "difficulty"], "besides": ["terse", "written out"]}
    before = [row for root, row in shape.rows.items() if root in left or root in gone]
    after = [row for root, row in shape.rows.items() if root in left]
    given = Given({"training-rows": Corpus(before, "before"), "selected-rows": Corpus(after, "after")})
    own = settings.rules.get(rule.name, settings.rules.get(rule.code, {}))
    verdict = run_rules([rule], given, {rule.name: options | dict(own)}, settings.level)[0]
    # No class has rows enough to be lost; the diff shows the few there are.
    return rule.skipped(verdict.reason) if verdict.outcome is Outcome.UNSURE else verdict
