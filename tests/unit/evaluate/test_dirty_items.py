"""Clean, dirty and all: what the candidate scores on items that its training rows hold, and on the others."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StepResult
from headgate.rows.reading import read_rows
from headgate.stats.unpaired import effect_difference, share_difference
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint, Request

BANK = Path(__file__).resolve().parents[2] / "fixtures" / "banking77" / "train_100.csv"
TRAINED = 36  # rows of honest training
GATE, LEAKED = 40, 16


@pytest.fixture(scope="module")
def questions() -> list[str]:
    """A hundred unlike bank questions."""
    return [row.prompt_text for row in read_rows(BANK, columns={"prompt": "text", "completion": "category"})]


def walk(world: ModuleType, folder: Path, questions: list[str], leaked: int, right: Any) -> StepResult:
    """An evaluation whose training rows hold the first gate items; `right` says which items the candidate knows."""
    (folder / ".headgate").mkdir()
    pools = {"gate": questions[:GATE], "sealed": questions[:GATE], "dev": questions[GATE : GATE + 4]}
    for name, texts in pools.items():
        lines = [
            json.dumps({"prompt": f"{one} ({name})" if name == "sealed" else one, "completion": "yes"}) for one in texts
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    honest = [(one, "yes") for one in questions[60 : 60 + TRAINED]]
    copies = [(one.upper(), "yes") for one in questions[:leaked]]
    ledger = Ledger.open(folder / ".headgate", create=True)
    project = world.Project(folder, ledger, world.freeze_training(ledger, [*honest, *copies]))

    def answer(request: Request) -> str:
        asked = request.messages[-1]["content"].removesuffix(" (sealed)")
        return "yes" if request.model == "candidate" and right(questions.index(asked)) else "no"

    with FakeEndpoint(answer) as server:
        result: StepResult = project.run(server, sealed_answer="interval")
    ledger.close()
    return result


@pytest.fixture(scope="module")
def helped(world: ModuleType, tmp_path_factory: pytest.TempPathFactory, questions: list[str]) -> StepResult:
    """A candidate that knows every leaked item and every fourth of the others."""
    return walk(world, tmp_path_factory.mktemp("helped"), questions, LEAKED, lambda n: n < LEAKED or n % 4 == 0)


def told(result: StepResult, pool: str) -> Verdict:
    return next(v for v in result.verdicts if v.rule == "dirty-items" and v.details["pool"] == pool)


def test_the_three_scores_with_their_intervals(helped: StepResult) -> None:
    """Sixteen dirty items all right, six of 24 clean ones, and the difference with Newcombe's interval."""
    details = told(helped, "gate").details
    scores = details["scores"]["candidate"]
    dirty = scores["dirty"]["n"]
    assert LEAKED <= dirty <= LEAKED + 2
    assert GATE == scores["clean"]["n"] + dirty == scores["all"]["n"]
    assert scores["clean"]["value"] < 0.3 < 0.85 < scores["dirty"]["value"]
    assert all(
        scores[name]["low"] < scores[name]["value"] <= scores[name]["high"] for name in ("clean", "dirty", "all")
    )
    assert scores["dirty_minus_clean"]["low"] > 0.3
    assert {"same-words"} <= set(details["dirty_by_definition"])
    gains = details["gains"]["base"]
    assert gains["dirty"]["value"] == scores["dirty"]["value"]
    assert gains["clean"]["low"] <= gains["clean"]["value"] <= gains["clean"]["high"]


def test_an_undue_advantage_fails_and_does_not_block(helped: StepResult) -> None:
    """The gain on dirty items lies above that on clean ones by its whole interval: the verdict warns."""
    verdict = told(helped, "gate")
    assert (Outcome.FAIL, Level.WARN) == (verdict.outcome, verdict.level)
    assert verdict.measure is not None
    assert verdict.measure.low > 0.3
    assert "points" in verdict.summary


def test_a_sealed_pool_answers_coarsely_and_pays_for_it(helped: StepResult) -> None:
    """Ends of intervals on the grid, no exact score, and more bits than the two comparisons alone."""
    verdict = told(helped, "sealed")
    scores = verdict.details["scores"]["candidate"]
    step = scores["step"]
    for name in ("clean", "dirty", "all"):
        assert {"n", "low", "high"} == set(scores[name])
        assert scores[name]["low"] / step == pytest.approx(round(scores[name]["low"] / step))
    assert "gains" not in verdict.details
    assert helped.facts["sealed"]["topics"]["bits"] > 20


def test_no_item_is_quoted(helped: StepResult, questions: list[str]) -> None:
    """Verdicts on clean and dirty items hold numbers only."""
    shown = json.dumps([v.as_json() for v in helped.verdicts if v.rule == "dirty-items"])
    assert [] == [one for one in questions if one in shown]


def test_without_leaks_all_items_are_clean(world: ModuleType, tmp_path: Path, questions: list[str]) -> None:
    """Nothing is dirty: the verdict passes, clean and all are the same, and a sealed pool pays nothing more."""
    result = walk(world, tmp_path, questions, 0, lambda n: n % 2 == 0)
    verdict = told(result, "gate")
    assert (Outcome.PASS, 0) == (verdict.outcome, verdict.details["dirty_items"])
    scores = verdict.details["scores"]["candidate"]
    assert scores["clean"] == scores["all"]
    assert {"n": 0} == scores["dirty"]


def test_where_training_rows_are_unknown_it_says_so(project: Any, serve: Any) -> None:
    """An endpoint without a dataset version: skipped, with the input that is missing."""
    project.dataset = ""
    verdict = told(project.run(serve(), few_shot=_none()), "gate")
    assert (Outcome.SKIPPED, True) == (verdict.outcome, "training" in verdict.reason or "trained" in verdict.reason)


def _none() -> Any:
    from headgate.evaluate.settings import FewShotSettings

    return FewShotSettings(counts=[0])


def test_newcombes_interval() -> None:
    """The published example: 56 of 70 against 48 of 80 (Newcombe 1998, table II, method 10)."""
    d = share_difference((48, 80), (56, 70))
    assert (0.2, 0.0524, 0.3339) == (
        pytest.approx(d.value),
        pytest.approx(d.low, abs=1e-4),
        pytest.approx(d.high, abs=1e-4),
    )


def test_one_difference_says_nothing() -> None:
    """A group of one has no spread, so its interval is everything."""
    d = effect_difference([0.0, 1.0, 0.0], [1.0])
    assert (-2.0, 2.0) == (d.low, d.high)
