"""The card says what was measured elsewhere."""

from __future__ import annotations

from dataclasses import replace

from headgate.release.card import card
from headgate.release.evidence import gather
from headgate.release.settings import Settings
from headgate.stats.judging import judge_count
from headgate.stats.verdict import Level

NOTE = "Measured elsewhere and imported; headgate asked none of these questions itself."


def test_the_card_names_every_imported_log(scene):
    """Tool, file, digest and day of each arm, in a card for the house and in one that leaves it."""
    log = {"format": "lm-eval", "files": {"results_1.json": "b3:aa", "samples_sums_1.jsonl": "b3:bb"}}
    logs = {"base": {**log, "at": "2026-11-20T10:00:00Z"}, "candidate": {**log, "at": "2026-11-21T10:00:00Z"}}
    verdict = judge_count(
        2, name="imported arms", summary="two", looked_at=2, at_least=1, details={"suite": "sums", "imported": logs}
    )
    named = replace(verdict, rule="imported-evidence", failure="ft-vs-prompting", level=Level.NOTE)
    grounds = gather(scene.ledger, scene.context)
    assert NOTE not in card(grounds, Settings(), "support")
    for quoting in (True, False):
        text = card(replace(grounds, verdicts=(*grounds.verdicts, named)), Settings(), "support", quoting=quoting)
        assert NOTE in text
        assert "| sums | base | lm-eval | samples_sums_1.jsonl | `b3:bb` | 2026-11-20 |" in text
        assert "| sums | candidate | lm-eval | samples_sums_1.jsonl | `b3:bb` | 2026-11-21 |" in text
