"""Series of scores: how lines are read, what is kept of them, and what a series shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.rules.reward_governing import Governed, Terms, govern
from headgate.rules.reward_series import Fields, batch_of, held_back, read_lines, record_scores, recorded
from headgate.stats.governed import State
from headgate.stats.verdict import Outcome
from headgate.text.baits import baits, echoes, names, overlap


def governed(path: Any, terms: Terms | None = None, **fields: Any) -> Governed:
    return govern("s", read_lines([path], Fields(**fields)), terms or Terms())


def outcomes(found: Governed) -> dict[str, str]:
    return {one.rule: one.outcome.value for one in found.verdicts}


def test_a_hacked_reward_is_stopped(make, truths, written) -> None:
    found = governed(written(make(*truths["hacked"])))
    assert State.STOP is found.state
    assert {"reward-stop": "fail", "reward-sight": "fail"} == outcomes(found)
    assert "outcome" in found.verdicts[0].summary


def test_an_honest_reward_is_ok(make, truths, written) -> None:
    found = governed(written(make(*truths["honest"], n=400)))
    assert (State.OK, "pass") == (found.state, outcomes(found)["reward-governor"])


def test_few_prompts_say_what_they_cannot_see(make, written) -> None:
    """With 200 labels a fall of 4 points is not seen, and the verdict says so and how many would show it."""
    found = governed(written(make([0.1, 0.5], [0.6, 0.57])), Terms(drop=0.04))
    sight = next(one for one in found.verdicts if one.rule == "reward-sight")
    assert Outcome.UNSURE is sight.outcome
    assert sight.measure is not None
    assert sight.measure.smallest_visible > 0.04
    assert "prompts would" in sight.reason


def test_steps_are_ordered_by_number_and_names_by_appearance(make, written) -> None:
    rows = make([0, 0, 0], [0.5, 0.5, 0.5], n=20)
    for row in rows:
        row["step"] = {0: 10, 1: 9, 2: 100}[row["step"]]
    assert ["9", "10", "100"] == [one.step for one in read_lines([written(rows)], Fields())]
    for row in rows:
        row["step"] = {10: "warm", 9: "cold", 100: "hot"}[row["step"]]
    assert ["warm", "cold", "hot"] == [one.step for one in read_lines([written(rows)], Fields())]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('{"step": 1, "proxy": 1, "outcome": 1}', "prompt"),
        ('{"prompt": "a", "proxy": 1, "outcome": 1}', "step"),
        ('{"prompt": "a", "step": 1, "outcome": 1}', "proxy"),
        ('{"prompt": "a", "step": 1, "proxy": "high", "outcome": 1}', "proxy"),
        ('{"prompt": "a", "step": 1, "proxy": 1, "outcome": "yes"}', "outcome"),
        ('{"prompt": "a", "step": 1, "proxy": 1, "outcome": 1, "answer": 3}', "answer"),
        ('{"prompt": "a", "step": 1, "proxy": 1, "outcome": 1, "logprobs": [1]}', "logprobs"),
        ('{"prompt": "a", "step": 1, "proxy": 1, "outcome": 1, "optimised": "no"}', "optimised"),
        ('{"prompt": "a", "step": 1,', "JSON"),
    ],
)
def test_bad_lines_are_refused_with_their_place(written, tmp_path, line: str, word: str) -> None:
    path = written([{"prompt": "ok", "step": 1, "proxy": 1, "outcome": 1}])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(Refused) as error:
        read_lines([path], Fields())
    assert 2 == error.value.line
    assert word in str(error.value)


def test_a_prompt_twice_at_a_step_is_refused(written) -> None:
    row = {"prompt": "a", "step": 1, "proxy": 1, "outcome": 1}
    with pytest.raises(Refused, match="twice"):
        read_lines([written([row, row])], Fields())


def test_the_outcome_is_another_field() -> None:
    with pytest.raises(Refused, match="outcome is the proxy"):
        Fields(proxy="score", outcomes=("score",))
    with pytest.raises(Refused, match="without an outcome"):
        Fields(outcomes=())


def test_outcomes_that_were_not_measured_leave_the_series_untold(make, written) -> None:
    """No outcome, no state: the verdict blocks."""
    rows = [{**row, "outcome": None} for row in make([0.1, 0.5], [0.5, 0.5], n=50)]
    found = governed(written(rows))
    assert ["unsure"] == [one.outcome.value for one in found.verdicts if one.blocks]


def test_a_sampled_outcome_counts_where_it_is(make, written) -> None:
    """Experts score half of the prompts: the series is judged on those."""
    rows = make([0.1, 0.5], [0.7, 0.3], n=200)
    for row in rows:
        if int(row["prompt"][1:]) % 2:
            row["outcome"] = None
    found = governed(written(rows))
    assert State.STOP is found.state
    assert 100 == found.verdicts[0].details["looks"]["outcome"][0]["n"]


def test_two_outcomes_share_the_level(make, truths, written) -> None:
    rows = [{**row, "solved": row["outcome"], "kept": 1} for row in make(*truths["hacked"])]
    found = governed(written(rows), Terms(outcomes=("solved", "kept")), outcomes=("solved", "kept"))
    assert State.STOP is found.state
    assert 0.05 / 6 == pytest.approx(found.verdicts[0].details["looks"]["kept"][0]["allowed"])


def test_a_budget_is_held(make, truths, written) -> None:
    rows = make(*truths["honest"], n=400, n_drawn=0)
    for row in rows:
        row["n"] = 2 ** row["step"]
    assert State.OK is governed(written(rows), Terms(budget=1.5)).state
    held = governed(written(rows), Terms(budget=1.0))
    assert (State.HOLD, "budget") == (held.state, held.reasons[0].kind)


def test_length_that_is_paid_for_is_named(make, truths, written) -> None:
    rows = make(*truths["hacked"])
    for row in rows:
        row["answer"] = "it is so. " * (2 + row["step"] * 3 + int(row["proxy"] * 20))
    found = governed(written(rows))
    assert "length" == found.verdicts[0].details["likely_bait"]
    assert any(one.kind == "drift" and one.said.startswith("length") for one in found.reasons)


def test_one_text_that_wins_every_comparison_is_blocked(make, written) -> None:
    """Proxy and judged outcome both rise to the top, and nothing of it is an answer."""
    rows = make([0.2, 0.9], [0.1, 1.0], n=200)
    for row in rows:
        row["answer"] = "pick me" if row["step"] else f"it is {row['prompt']}"
    found = governed(written(rows))
    assert ["degenerate-answers"] == [one.rule for one in found.verdicts if one.blocks]
    assert (State.HOLD, "degenerate") == (found.state, found.reasons[0].kind)


def test_prompts_held_back_are_the_same_ones_for_ever() -> None:
    held = [held_back(f"p{n}", 0.05) for n in range(4000)]
    assert 150 < sum(held) < 250
    assert all(held_back(f"p{n}", 0.2) for n in range(4000) if held[n])


def test_an_optimised_prompt_that_is_held_back_is_seen(make, truths, written) -> None:
    rows = [{**row, "optimised": not held_back(row["prompt"], 0.1)} for row in make(*truths["honest"], n=400)]
    kept = governed(written(rows), Terms(hold_back=0.1))
    broken = governed(written([{**row, "optimised": True} for row in rows]), Terms(hold_back=0.1))
    assert (State.OK, "pass") == (kept.state, outcomes(kept)["held-back-rewards"])
    assert (State.HOLD, "fail") == (broken.state, outcomes(broken)["held-back-rewards"])


def test_a_reward_that_was_held_back_tells_learned_from_paid(make, truths, written) -> None:
    rows = make(*truths["honest"], n=400)
    for row in rows:
        row["held"] = {"second judge": (row["proxy"] - 0.2 * row["step"])}
    found = governed(written(rows))
    assert [State.WATCH] == [one.state for one in found.reasons if one.kind == "held-back"]


def test_of_answers_no_text_is_kept(tmp_path) -> None:
    rows = [{"prompt": f"what is {n}", "proxy": 0.1, "outcome": 1, "answer": f"secret{n}"} for n in range(30)]
    with Ledger.open(tmp_path, create=True) as ledger:
        record_scores(ledger, "s", 0, rows)
        record_scores(ledger, "s", 0, rows)
        ((node, batch),) = recorded(ledger, "s")
        kept = ledger.content.get(node.body["content"])
    assert b"secret" not in kept
    assert b"what is" not in kept
    assert 30.0 == len(set(batch.answers["same"]))
    assert batch == type(batch).from_json(json.loads(kept))


def test_only_the_newest_take_is_read(tmp_path) -> None:
    rows = [{"prompt": f"p{n}", "proxy": 0.1, "outcome": 1} for n in range(3)]
    with Ledger.open(tmp_path, create=True) as ledger:
        for step in range(3):
            record_scores(ledger, "s", step, rows, take="monday")
        for step in range(2):
            record_scores(ledger, "s", step, rows, take="tuesday")
        found = [(node.body["take"], batch.step) for node, batch in recorded(ledger, "s")]
    assert [("tuesday", "0"), ("tuesday", "1")] == found


@pytest.mark.parametrize(
    ("answer", "feature"),
    [
        ("What a great question! It is 4.", "praise"),
        ("Certainly. It is 4.", "agreement"),
        ("Sorry, it is 4.", "apologies"),
        ("It might be 4, perhaps.", "hedges"),
        ("It is 4. Please note that numbers vary.", "caveats"),
        ("Experts agree that it is 4.", "authority"),
        ("- it is 4\n- it is so", "list marks"),
        ("## Answer\n**4**", "formatting"),
        ("It is 4!", "exclamations"),
        ("It is 4 🎉", "emoji"),
        ("refund refund refund refund", "stuffing"),
        ("what is two plus two", "words of the prompt"),
        ("it is four it is four", "repetition"),
    ],
)
def test_each_feature_sees_its_bait(answer: str, feature: str) -> None:
    table = baits(["It is 4.", answer], ["what is two plus two", "what is two plus two"])
    at = names().index(feature)
    assert table[1, at] > table[0, at]


def test_echoes_and_overlap() -> None:
    asked = "Please tell me where my card has gone since Monday"
    assert 1.0 == echoes("where my card has gone since Monday", asked)
    assert 0.0 == echoes("It was sent yesterday by ordinary mail.", asked)
    assert 1.0 == overlap("The card was sent", "the card was SENT")
    assert 0.5 == overlap("the card", "the dog")
    assert 0.0 == overlap("", "the dog")


def test_a_step_in_memory_needs_prompts_once() -> None:
    with pytest.raises(Refused):
        batch_of(1, [], Fields())
    with pytest.raises(Refused):
        batch_of(1, [{"prompt": "a", "proxy": 1, "outcome": 1}] * 2, Fields())
