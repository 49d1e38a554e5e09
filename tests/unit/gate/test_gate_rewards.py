"""Rewards at the gate: a stop blocks and sticks, a hold waits for a note, a loop without an outcome is no evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headgate.kit.errors import Refused
from headgate.rules.reward_governing import Terms, govern
from headgate.rules.reward_series import record_scores, recorded
from headgate.rules.reward_states import clear, cleared_after, note, open_stops, settle

FLOW = "support"
HACKED, HONEST = (0.7, 0.3), (0.3, 0.7)


def series(
    scene: Any, solved: tuple[float, ...], *, name: str = "thumbs", flow: str = FLOW, on: str = "", first: int = 0,
    suite: str = "tickets", words: int = 1,
) -> list[Any]:  # fmt: skip
    """Records a series of a rising proxy and judges it, as an evaluation does."""
    rng = np.random.default_rng(first)
    hard = rng.random(200)
    for step, share in enumerate(solved):
        rows = [
            {
                "prompt": f"p{first + at}", "proxy": step + float(rng.normal(0, 0.1)),
                "outcome": bool(hard[at] < share),
                "answer": f"it is {at} " * (1 + step * words + int(rng.integers(0, 2))),
            }
            for at in range(200)
        ]  # fmt: skip
        record_scores(scene.ledger, name, step, rows, flow=flow, suite=suite, on=[on] if on else [])
    pairs = recorded(scene.ledger, name, after=cleared_after(scene.ledger, name, flow))
    found = govern(name, [batch for _, batch in pairs], Terms())
    return settle(scene.ledger, found, [n for n, _ in pairs], [b for _, b in pairs], flow=flow, on=[on] if on else [])


def blocking(scene: Any) -> list[tuple[str, str]]:
    return sorted((v.rule, v.outcome.value) for v in scene.gate().verdicts if v.blocks)


def adapter(scene: Any) -> str:
    return str(scene.outputs["train"]["adapter"])


def test_an_honest_reward_stops_nothing(scene) -> None:
    series(scene, HONEST, on=adapter(scene), words=0)
    assert [] == blocking(scene)


def test_a_hacked_reward_blocks_the_release(scene) -> None:
    verdicts = series(scene, HACKED, on=adapter(scene))
    assert "reward-stop" == verdicts[0].rule
    assert [("reward-stop", "fail")] == blocking(scene)


def test_a_stop_is_not_waived_and_not_turned_down(scene) -> None:
    from headgate.gate.settings import Settings
    from headgate.gate.waivers import give

    series(scene, HACKED, on=adapter(scene))
    about = {"flow": FLOW, "name": "Ann Lee", "reason": "we know", "until": "2027-01-01", "now": scene.now}
    with pytest.raises(Refused, match="not waived"):
        give(scene.ledger, rule="reward-stop", **about)
    give(scene.ledger, rule="reward-gaming", **about)
    assert [("reward-stop", "fail")] == blocking(scene)
    with pytest.raises(Refused, match="reward-stop"):
        Settings(level={"reward-stop": "note"})


def test_a_stop_sticks_when_the_evidence_looks_better(scene) -> None:
    """More steps, another record: the stop that was made stands."""
    series(scene, HACKED, on=adapter(scene))
    series(scene, (*HACKED, 0.9), on=adapter(scene))
    assert ("reward-stop", "fail") in blocking(scene)


def test_another_name_does_not_shake_off_a_stop(scene) -> None:
    series(scene, HACKED, on=adapter(scene))
    verdicts = series(scene, HONEST, name="stars", on=adapter(scene), words=0)
    assert all(one.rule != "reward-stop" for one in verdicts)
    assert ("reward-stop", "fail") in blocking(scene)


def test_a_stop_binds_what_was_made_from_it_in_another_flow(scene) -> None:
    series(scene, HACKED, flow="elsewhere", on=scene.outputs["train"]["run"])
    assert [("reward-stop", "fail")] == blocking(scene)


def test_a_stop_of_another_lineage_binds_nobody(scene) -> None:
    stranger = scene.ledger.record("adapter", "stranger", {"digest": "b3:1"})
    series(scene, HACKED, flow="elsewhere", on=stranger)
    assert [] == blocking(scene)


def test_a_stop_does_not_reach_back(scene) -> None:
    """The first step was fine: what was made of it elsewhere is not stopped."""
    rng = np.random.default_rng(0)
    hacked = scene.ledger.record("adapter", "hacked", {"digest": "b3:1"})
    for step, (share, node) in enumerate([(0.7, adapter(scene)), (0.3, hacked)]):
        rows = [
            {"prompt": f"p{at}", "proxy": step + rng.normal(0, 0.1), "outcome": at < 200 * share} for at in range(200)
        ]
        record_scores(scene.ledger, "thumbs", step, rows, flow="elsewhere", on=[node])
    pairs = recorded(scene.ledger, "thumbs")
    found = govern("thumbs", [batch for _, batch in pairs], Terms())
    settle(scene.ledger, found, [n for n, _ in pairs], [b for _, b in pairs], flow="elsewhere")
    assert [[hacked]] == [one.body["about"] for one in open_stops(scene.ledger)]
    assert [] == blocking(scene)


def test_a_stop_is_cleared_by_a_named_person_with_a_new_suite(scene) -> None:
    series(scene, HACKED, on=adapter(scene))
    about = {"flow": FLOW, "now": scene.now}
    for wrong in (
        {"by": "", "reason": "mended", "suite": "tickets-2"},
        {"by": "Ann Lee", "reason": "", "suite": "tickets-2"},
        {"by": "Ann Lee", "reason": "mended", "suite": ""},
        {"by": "Ann Lee", "reason": "mended", "suite": "tickets"},
    ):
        with pytest.raises(Refused):
            clear(scene.ledger, "thumbs", **wrong, **about)
    clear(scene.ledger, "thumbs", by="Ann Lee", reason="mended", suite="tickets-2", **about)
    assert [] == open_stops(scene.ledger)
    assert [] == recorded(scene.ledger, "thumbs", after=cleared_after(scene.ledger, "thumbs", FLOW))
    series(scene, HONEST, on=adapter(scene), first=500, suite="tickets-2", words=0)
    assert [] == blocking(scene)
    with pytest.raises(Refused, match="not stopped"):
        clear(scene.ledger, "thumbs", by="Ann Lee", reason="mended", suite="tickets-3", **about)


def test_old_prompts_under_a_new_name_are_no_new_suite(scene) -> None:
    series(scene, HACKED, on=adapter(scene))
    clear(scene.ledger, "thumbs", flow=FLOW, by="Ann Lee", reason="mended", suite="tickets-2", now=scene.now)
    verdicts = series(scene, HONEST, on=adapter(scene), first=150, suite="tickets-2", words=0)
    assert ("reward-stop", 50) == (verdicts[0].rule, verdicts[0].measure.value)
    assert ("reward-stop", "fail") in blocking(scene)


def test_a_hold_waits_for_a_note_on_that_evidence(scene) -> None:
    """Answers grew three times as long and nothing was gained by it."""
    series(scene, (0.5, 0.5), on=adapter(scene), words=3)
    assert [("reward-hold", "unsure")] == blocking(scene)
    note(scene.ledger, "thumbs", flow=FLOW, by="Ann Lee", reason="longer answers were asked for", now=scene.now)
    assert [] == blocking(scene)
    series(scene, (0.5, 0.5, 0.5), on=adapter(scene), words=3)
    assert [("reward-hold", "unsure")] == blocking(scene)


def test_a_note_needs_a_hold(scene) -> None:
    with pytest.raises(Refused, match="not on HOLD"):
        note(scene.ledger, "thumbs", flow=FLOW, by="Ann Lee", reason="why not", now=scene.now)


def test_rewards_that_nobody_governs_are_missing_evidence(scene) -> None:
    """A loop that was optimised and never held against an outcome may not promote itself."""
    rows = [{"prompt": f"p{n}", "proxy": 0.1, "outcome": None} for n in range(30)]
    record_scores(scene.ledger, "thumbs", 0, rows, flow=FLOW, on=[scene.outputs["train"]["run"]])
    assert [("missing-evidence", "unsure")] == blocking(scene)


def test_the_decision_is_made_again_after_a_note(scene) -> None:
    from headgate.gate.run import depends_on
    from headgate.gate.settings import Settings

    series(scene, (0.5, 0.5), on=adapter(scene), words=3)
    before = depends_on(scene.ledger, Settings(), scene.context)
    note(scene.ledger, "thumbs", flow=FLOW, by="Ann Lee", reason="asked for", now=scene.now)
    assert before != depends_on(scene.ledger, Settings(), scene.context)


def test_states_lie_downstream_of_what_they_are_about(scene) -> None:
    series(scene, HACKED, on=adapter(scene))
    (stop,) = open_stops(scene.ledger)
    assert adapter(scene) in {link.target_id for link in scene.ledger.edges_from(stop.id, "derived-from")}


def test_a_stop_after_the_decision_stops_the_release(scene) -> None:
    """A week of feedback comes in between."""
    from headgate.release.run import run
    from headgate.release.settings import Settings

    scene.gate()
    series(scene, HACKED, on=adapter(scene))
    with pytest.raises(Refused, match="stopped since"):
        run(scene.ledger, Settings(), context=scene.context)
    assert [] == scene.ledger.find("release")
