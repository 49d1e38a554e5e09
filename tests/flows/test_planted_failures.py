"""The whole flow on real text: a clean control is released, each planted failure is stopped where it must be."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

import headgate
from headgate.flow.walking import Walked, walk
from headgate.stats.verdict import Level, Outcome

ROOT = Path(__file__).parents[2]


def load_planting() -> ModuleType:
    """The module of the example that plants failures."""
    path = ROOT / "examples" / "planted" / "plant.py"
    specification = importlib.util.spec_from_file_location("plant", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["plant"] = module  # dataclasses look their module up by name
    specification.loader.exec_module(module)
    return module


plant = load_planting()
FAILURES = [variant for variant in plant.VARIANTS if variant.rule]
CONTROL = next(variant for variant in plant.VARIANTS if not variant.rule)


def run(variant: object, folder: Path, *more: str) -> Walked:
    """Plants a variant and walks its flow."""
    overrides = plant.write(variant, folder)
    return headgate.open(folder, set=[*overrides, *more]).run()


@pytest.mark.training
@pytest.mark.parametrize("variant", FAILURES, ids=lambda variant: variant.name)
def test_each_planted_failure_is_stopped_at_its_transition_by_its_own_verdict(variant: object, tmp_path: Path) -> None:
    """One thing is wrong, one blocking verdict stops the walk, and it is the one that names the failure."""
    walked = run(variant, tmp_path / "p")
    last = walked.steps[-1]
    assert (variant.stage, Outcome.FAIL) == (last.stage.name, walked.outcome)
    stopping = [v for v in last.result.verdicts if v.outcome is Outcome.FAIL and v.level is Level.BLOCK]
    assert variant.rule in [v.rule for v in stopping]
    named = next(v for v in stopping if v.rule == variant.rule)
    assert named.findings
    assert walked.release is None


@pytest.mark.training
def test_the_control_is_released_and_a_second_walk_does_nothing(tmp_path: Path) -> None:
    """Nothing planted: no stage stops, the release has its alias, the ledger verifies, all is skipped next time."""
    folder = tmp_path / "p"
    overrides = plant.write(CONTROL, folder)
    project = headgate.open(folder, set=overrides)
    first = walk(project)
    assert (Outcome.PASS, True) == (first.outcome, first.complete), first.summary
    assert first.release
    with project.ledger() as ledger:
        assert Outcome.PASS is ledger.verify().outcome
        head = ledger.head()
    second = walk(headgate.open(folder, set=overrides))
    assert [True] * 7 == [step.reused for step in second.steps]
    assert first.release == second.release
    with project.ledger() as ledger:
        assert head == ledger.head()
    card = next((folder / "releases").rglob("README.md")).read_text()
    assert "CC-BY-4.0" in card
    assert "candidate" in card


@pytest.mark.training
def test_a_waiver_lets_one_failure_through_until_its_last_day(tmp_path: Path) -> None:
    """With name, reason and end date the check lets the misspelling pass, and says who answers for it."""
    from headgate.gate.waivers import give

    folder = tmp_path / "p"
    variant = next(one for one in FAILURES if one.name == "learned-typo")
    overrides = plant.write(variant, folder)
    project = headgate.open(folder, set=overrides)
    assert Outcome.FAIL is walk(project, until="check").outcome
    today = datetime.now(UTC)
    last = (today + timedelta(days=3)).date().isoformat()
    with project.ledger() as ledger:
        give(
            ledger, rule="learned-typo", flow="planted", name="Ann Lee", reason="fixed upstream", until=last, now=today
        )
    walked = walk(project, until="check")
    assert Outcome.PASS is walked.outcome
    waived = next(v for v in walked.steps[-1].result.verdicts if v.rule == "learned-typo")
    assert (Outcome.FAIL, Level.WARN, "Ann Lee") == (waived.outcome, waived.level, waived.details["waived"]["name"])
    assert walk(project, until="check").steps[-1].reused
