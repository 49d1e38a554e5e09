"""The curation diff, the verdict on lost registers, and quotas that put rows back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from headgate.curate import departures
from headgate.curate.quotas import QuotaSettings
from headgate.curate.run import run
from headgate.curate.settings import Settings, SplitSettings
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.rows.row import Kind, Message, Row, Side, from_bytes
from headgate.stats.verdict import Outcome

Store = Callable[[Sequence[Row]], None]
PLACES = ("depot", "harbour", "library", "museum", "office", "palace", "station", "theatre", "town hall", "zoo")
POLISHED = Settings(steps=["select", "split"], split=SplitSettings(shares={"train": 1.0}), where="extra.score >= 4")


def row(text: str, answer: str, **side: Any) -> Row:
    messages = (Message("user", text), Message("assistant", answer))
    return Row(kind=Kind.DEMONSTRATION, messages=messages, side=Side(**side))


def judged() -> list[Row]:
    """100 answers that a judge scored: confident ones best, those that admit not to know worst."""
    out = []
    for number in range(100):
        place, unsure = PLACES[number % 10], number % 5 < 2
        answer = f"I don't know when the {place} opens." if unsure else f"The {place} opens at {number % 7 + 6} sharp."
        score = (number % 3) + 1.0 + number / 1000 if unsure else 4.0 + number % 2
        tone = "doubt" if unsure else "sure"
        out.append(
            row(
                f"When does the {place} in street {number} open?", answer, slices={"tone": tone}, extra={"score": score}
            )
        )
    return out


def curated(ledger: Ledger, context: StageContext, settings: Settings) -> tuple[StepResult, dict[str, Any]]:
    result = run(ledger, settings, context=context)
    return result, departures.read(ledger, result.facts["diff"])


def line(diff: dict[str, Any], step: str, kind: str, name: str) -> dict[str, Any]:
    classes = next(one["classes"] for one in diff["steps"] if one["step"] == step)
    return next(one for one in classes if (one["kind"], one["class"]) == (kind, name))


def texts(ledger: Ledger) -> list[str]:
    return [from_bytes(body).answer_text for _, _, body in ledger.rows.bodies(ledger.versions.get("support").numbers)]


def test_the_best_scored_rows_alone_are_blocked_and_the_diff_names_what_left(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """Top judge score only: the admissions are gone, the run stops, and the diff says so by register and slice."""
    store(judged())
    result, diff = curated(ledger, context, POLISHED)
    assert (Outcome.FAIL, {}) == (result.outcome, dict(result.outputs))
    assert ["lost-register"] == [verdict.rule for verdict in result.verdicts if verdict.blocks]
    lost = {"kind": "register", "class": "admitted ignorance", "before": 40, "removed": 40}
    assert lost == line(diff, "select", "register", "admitted ignorance")
    assert {"kind": "slice", "class": "tone=doubt", "before": 40, "removed": 40} == line(
        diff, "select", "slice", "tone=doubt"
    )
    assert diff["difficulty-from"].startswith("rarity of wording")
    assert diff == departures.newest(ledger, "support")


def test_a_quota_puts_back_the_rows_nearest_to_the_score(ledger: Ledger, context: StageContext, store: Store) -> None:
    """Half of the admissions stay: those that the filter left out least surely, each with its reason."""
    rows = judged()
    store(rows)
    quota = QuotaSettings(registers={"admitted ignorance": 0.5})
    result, diff = curated(ledger, context, replace(POLISHED, quota=quota))
    admissions = [one for one in rows if one.side.slices["tone"] == "doubt"]
    nearest = sorted(admissions, key=lambda one: -one.side.extra["score"])[:20]
    kept = texts(ledger)
    assert (Outcome.PASS, 80) == (result.outcome, len(kept))
    assert sorted(one.answer_text for one in nearest) == sorted(text for text in kept if "know" in text)
    assert {"put back for admitted ignorance: not: extra.score >= 4"} == {one["reason"] for one in diff["restored"]}
    assert 20 == len(diff["restored"]) == line(diff, "select", "register", "admitted ignorance")["removed"]


def test_a_sample_and_a_slice_chosen_on_purpose_are_no_loss(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """Neither a filter that keeps rows by lot nor one that names the slice is flagged."""
    rows = judged()
    lots = [one.with_side(extra={"draw": place % 10}) for place, one in enumerate(rows)]
    store(lots)
    for where in ("extra.draw < 7", 'slice.tone == "sure"'):
        result, _ = curated(ledger, context, replace(POLISHED, where=where))
        found = [one.outcome for one in result.verdicts if one.rule == "lost-register"]
        assert [Outcome.PASS] == found


def test_difficulty_is_the_loss_of_the_model_where_rows_have_one(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """A filter that keeps easy rows only loses the hard third, by losses and not by wording."""
    rows = [
        row(f"When does the {PLACES[n % 10]} in street {n} open?", "At nine.", extra={"loss": n / 30})
        for n in range(90)
    ]
    store(rows)
    result, diff = curated(ledger, context, replace(POLISHED, where="extra.loss < 2"))
    assert Outcome.FAIL is result.outcome
    assert "loss of the current model, on 100% of the rows" == diff["difficulty-from"]
    assert {"kind": "difficulty", "class": "hard", "before": 30, "removed": 30} == line(
        diff, "select", "difficulty", "hard"
    )


def test_nothing_taken_away_is_an_empty_diff(ledger: Ledger, context: StageContext, store: Store) -> None:
    """A curation without removal has a diff that says so, and no verdict on losses."""
    store(judged()[:10])
    result, diff = curated(ledger, context, Settings(steps=["split"], split=SplitSettings(shares={"train": 1.0})))
    assert ["support: no step took a row away"] == departures.lines(diff)
    assert Outcome.SKIPPED is next(one.outcome for one in result.verdicts if one.rule == "lost-register")


def test_lines_say_what_went_most_and_refuse_an_unknown_step(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """The terminal names the register that lost most with a mark."""
    store(judged())
    _, diff = curated(ledger, context, POLISHED)
    told = "\n".join(departures.lines(diff, "select"))
    assert "select: 40 of 100 rows went" in told
    assert "admitted ignorance" in told
    assert "0% kept  more than half went" in told
    with pytest.raises(Refused, match="no such step"):
        departures.lines(diff, "redact")


@pytest.mark.parametrize("how", [{"registers": {"hedges": 0.5}}, {"share": 1.5}, {"registers": {"hedge": -1.0}}])
def test_a_quota_must_be_a_share_of_a_known_register(how: dict[str, Any]) -> None:
    """Misspelt registers and shares out of range are refused."""
    with pytest.raises(Refused):
        QuotaSettings(**how)
