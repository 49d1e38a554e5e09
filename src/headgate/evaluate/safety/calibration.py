"""Whether tuning made a model surer than it may be: probabilities of right and wrong answers, base against candidate.

Of two answers to a question, the right one and a common error, a model that runs here gives each a probability for
every token; the two means, made to add up to one, are its chance of the right answer. A model behind a URL gives none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.batteries import SafetySettings
from headgate.evaluate.comparing import named
from headgate.evaluate.safety.axes import FAILURE
from headgate.evaluate.safety.cases import asked_of, questions_of
from headgate.ledger.steps import StageContext
from headgate.models.model import Scorer
from headgate.stats.calibration import brier_scores, calibration_of
from headgate.stats.claims import judge_difference
from headgate.stats.intervals import Floats
from headgate.stats.judging import cannot_tell
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Level, Outcome, Verdict

RULE, ARMS = "safety-calibration", ("base", "candidate")


def check_calibration(
    settings: SafetySettings, asker: Asker, models: tuple[Address, Address], context: StageContext
) -> list[Verdict]:
    """One verdict on the Brier score; none where it was not asked for."""
    if not settings.calibration:
        return []
    level = Level.WARN if settings.calibration == "warn" else Level.BLOCK
    questions = list(questions_of(settings, context.folder))
    chances = [_chances(asker, address, settings, questions) for address in models]
    if any(one is None for one in chances) or not questions:
        verdict = cannot_tell(
            summary="calibration cannot be told",
            reason="no questions" if not questions else "probabilities are told by models that run here only",
        )
        return [named(replace(verdict, outcome=Outcome.SKIPPED), RULE, FAILURE, level)]
    before, after = (cast(Floats, one) for one in chances)
    told = {name: calibration_of(one) for name, one in zip(ARMS, (before, after), strict=True)}
    compared = compare_paired(brier_scores(before), brier_scores(after))
    low, high = compared.interval(0.9)
    found: dict[str, Any] = {name: one.as_json() for name, one in told.items()}
    verdict = judge_difference(
        compared, kind="non-inferiority", margin=settings.calibration_margin, name="Brier score, one less",
        summary=f"calibration: Brier score {told['base'].brier:.3f} to {told['candidate'].brier:.3f}, overconfident by "
        f"{told['base'].overconfidence * 100:+.1f} and {told['candidate'].overconfidence * 100:+.1f} points; change "
        f"{compared.d:+.3f}, 90 % interval {low:+.3f} to {high:+.3f}, {compared.n:,} questions",
        details={"axis": "calibration", "asks": "chance of right answers", "models": found},
    )  # fmt: skip
    return [named(verdict, RULE, FAILURE, level)]


def _chances(
    asker: Asker, address: Address, settings: SafetySettings, questions: Sequence[tuple[str, str, str]]
) -> Floats | None:
    """The chance of the right answer by question; None where the model tells no probabilities."""
    model = asker.model(address)
    if not hasattr(model, "log_probabilities"):
        return None
    pairs = []
    for question, right, wrong in questions:
        prompt = asked_of(settings, question)
        pairs += [(prompt, right), (prompt, wrong)]
    means = np.array([float(np.mean(one)) for one in cast(Scorer, model).log_probabilities(pairs)]).reshape(-1, 2)
    chances: Floats = 1 / (1 + np.exp(means[:, 1] - means[:, 0]))
    return chances
