"""What decides of judges beside settings and files: who is declared, who is licensed, and what has been spent."""

from __future__ import annotations

from typing import Any

from headgate.evaluate.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.models.judges.declared import declared
from headgate.rules.judge_fitness import NOTHING_KNOWN, bench_of, judge_fit


def judging_state(ledger: Ledger, settings: Settings, context: StageContext) -> Any:
    """The judges and rubrics of the judged suites as they stand, and every doubt about them."""
    known = declared(ledger, context.work)
    adapter = context.outputs.get("train", {}).get("adapter") if not settings.candidate else None
    bench = bench_of(ledger, adapter) if adapter else NOTHING_KNOWN
    state = {}
    for name, suite in settings.judged.items():
        rubric = known.rubric(suite.rubric)
        judges = [known.judge(one) for one in suite.judges]
        doubts = [
            f"{doubt.rule}: {doubt.summary}"
            for judge in judges
            for doubt in judge_fit(ledger, bench, judge, rubric, context.now, adapter=adapter or "")
        ]
        state[name] = [[one.id for one in judges], rubric.id if rubric else "", doubts]
    return state
