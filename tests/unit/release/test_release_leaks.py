"""The card tells the scores on clean, dirty and all items, and of a sealed pool no exact one."""

from __future__ import annotations

from dataclasses import replace

from headgate.release.card import card
from headgate.release.evidence import gather
from headgate.release.settings import Settings
from headgate.stats.judging import judge_count
from headgate.stats.verdict import Level

CLEAN = {"n": 60, "value": 0.5, "low": 0.377, "high": 0.623}
DIRTY = {"n": 20, "value": 0.9, "low": 0.699, "high": 0.972}
ALL = {"n": 80, "value": 0.6, "low": 0.490, "high": 0.700}


def dirty(pool, scores, items=80, matched=20):
    """A verdict of the stage evaluate on one pool."""
    details = {"suite": "support", "pool": pool, "items": items, "dirty_items": matched}
    details |= {"scores": {"candidate": scores}} if scores else {}
    verdict = judge_count(0, name="dirty items", summary="none", looked_at=80, at_most=0, details=details)
    return replace(verdict, rule="dirty-items", failure="continuous-contamination", level=Level.WARN)


def test_the_card_has_the_three_scores_and_their_difference(scene):
    """One line for each pool: intervals, n, and the difference in points."""
    difference = {"value": 0.4, "low": 0.15, "high": 0.55}
    exact = dirty("gate", {"clean": CLEAN, "dirty": DIRTY, "all": ALL, "dirty_minus_clean": difference})
    coarse = {name: {"n": n, "low": 0.4, "high": 0.8} for name, n in (("clean", 60), ("dirty", 20), ("all", 80))}
    sealed = dirty("sealed", coarse)
    quiet = dirty("dev", {"clean": ALL, "dirty": {"n": 0}, "all": ALL}, matched=0)
    silent = dirty("sealed", {}, items=30, matched=0)
    grounds = gather(scene.ledger, scene.context)
    text = card(replace(grounds, verdicts=(*grounds.verdicts, exact, sealed, quiet, silent)), Settings(), "support")
    assert (
        "| support | gate | 50.0% (37.7% to 62.3%), n 60 | 90.0% (69.9% to 97.2%), n 20 | 60.0% (49.0% to 70.0%), n 80 "
        "| +40.0 (+15.0 to +55.0) |"
    ) in text
    assert "| support | sealed | (40.0% to 80.0%), n 60 | (40.0% to 80.0%), n 20 | (40.0% to 80.0%), n 80 |  |" in text
    assert "| support | sealed | not shown, n 30 | none | not shown, n 30 |  |" in text
    assert "| support | dev | 60.0% (49.0% to 70.0%), n 80 | none | 60.0% (49.0% to 70.0%), n 80 |  |" in text
