"""Suites are read strictly, spread stably and frozen without their words; arms are compared fairly."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from headgate.evaluate.answers import as_sealed, as_word
from headgate.evaluate.comparing import Arm, Limits, judge_coverage, judge_superiority
from headgate.evaluate.fewshot import NO_SHOTS, best, copies_of, judge_prompts
from headgate.evaluate.pools import Item, judge_apart, pool_of
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import FewShotSettings, SuiteSettings
from headgate.evaluate.suites import load_suite, prompt_of
from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row
from headgate.stats.ladder import Ladder, Rung, error_bound
from headgate.stats.verdict import Outcome


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def plain(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"prompt": f"what is {i} and {i}?", "completion": str(2 * i)} for i in range(start, start + count)]


def item(number: int, *, cluster: str = "", pool: str = "gate", question: str = "", target: str = "1") -> Item:
    asked = question or f"question {number}"
    return Item(
        id=f"b3:{number}",
        suite="s",
        pool=pool,
        messages=({"role": "user", "content": asked},),
        question=asked,
        target=target,
        cluster=cluster or f"question:{number}",
    )


def arm(name: str, marks: str, clusters: list[str] | None = None, pool: str = "gate") -> Arm:
    """An arm from one letter per item: p(ass), f(ail), u(nscored), e(rror)."""
    letters = {"p": Mark.PASS, "f": Mark.FAIL, "u": Mark.UNSCORED, "e": Mark.ERROR}
    reasons = {"u": "cut off at the token limit", "e": "HTTP 500"}
    items = tuple(item(i, cluster=clusters[i] if clusters else "") for i in range(len(marks)))
    scored = tuple(Scored(letters[m], reasons.get(m, "")) for m in marks)
    return Arm(name=name, suite="s", pool=pool, items=items, scored=scored, model="b3:m", transcript="b3:t")


def test_a_file_is_spread_over_the_pools_by_its_shares(tmp_path: Path) -> None:
    """Shares are kept, and nothing is lost."""
    write(tmp_path / "all.jsonl", plain(1000))
    suite = load_suite("s", SuiteSettings(items="all.jsonl"), tmp_path)
    sizes = {pool: len(found) for pool, found in suite.pools.items()}
    assert sum(sizes.values()) == 1000
    assert [round(sizes[p] / 1000, 1) for p in ("dev", "gate", "sealed")] == [0.2, 0.5, 0.3]


def test_adding_items_moves_no_old_one(tmp_path: Path) -> None:
    """A longer file, in another order, keeps every old item in its pool; the digest of the pool changes."""
    write(tmp_path / "old.jsonl", plain(200))
    write(tmp_path / "new.jsonl", [*plain(100, start=200), *reversed(plain(200))])
    old = load_suite("s", SuiteSettings(items="old.jsonl"), tmp_path)
    new = load_suite("s", SuiteSettings(items="new.jsonl"), tmp_path)
    before = {i.id: i.pool for i in old.items}
    after = {i.id: i.pool for i in new.items}
    assert {i: after[i] for i in before} == before and len(after) == 300
    assert old.digest("gate") != new.digest("gate")


def test_a_group_stays_together() -> None:
    """Items of one conversation are in one pool, whatever its shares are."""
    shares = {"dev": 0.2, "gate": 0.5, "sealed": 0.3}
    assert pool_of("s", "group:a", shares) == pool_of("s", "group:a", shares)
    assert {pool_of("s", f"group:{i}", {"gate": 1.0}) for i in range(50)} == {"gate"}
    assert len({pool_of(f"suite {i}", "group:a", shares) for i in range(50)}) == 3


def test_repeated_items_are_asked_once_and_counted(tmp_path: Path) -> None:
    """Five copies of an item are one item; the suite says that four were repeats."""
    write(tmp_path / "gate.jsonl", plain(1) * 5)
    suite = load_suite("s", SuiteSettings(gate="gate.jsonl"), tmp_path)
    assert (len(suite.pools["gate"]), suite.repeats) == (1, 4)


def test_items_that_cannot_be_scored_are_refused_with_their_lines(tmp_path: Path) -> None:
    """All problems of a file in one refusal."""
    write(tmp_path / "gate.jsonl", [*plain(2), {"prompt": "how many?", "completion": "many"}])
    with pytest.raises(Refused) as caught:
        load_suite("s", SuiteSettings(gate="gate.jsonl", scorer="number"), tmp_path)
    assert (caught.value.line, "holds no number" in str(caught.value)) == (3, True)


def test_a_prompt_is_system_examples_item_in_that_order(tmp_path: Path) -> None:
    """The template surrounds the last user message; the item's own instructions stay in front of examples."""
    rows = [
        {
            "messages": [
                {"role": "system", "content": "S2"},
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": "a"},
            ]
        }
    ]
    write(tmp_path / "gate.jsonl", rows)
    suite = load_suite("s", SuiteSettings(gate="gate.jsonl", system="S1", template="Q: {prompt}\nA:"), tmp_path)
    shown = ({"role": "user", "content": "e"}, {"role": "assistant", "content": "x"})
    prompt = prompt_of(suite.pools["gate"][0], suite, shown)
    assert [turn["content"] for turn in prompt] == ["S1", "S2", "e", "x", "Q: q\nA:"]
    assert suite.pools["gate"][0].target == "a"


def test_changing_how_items_are_asked_changes_the_digest(tmp_path: Path) -> None:
    """System message, template, scorer and extractors are part of a suite's address."""
    write(tmp_path / "gate.jsonl", plain(3))
    manners = [{}, {"system": "s"}, {"template": "{prompt}!"}, {"scorer": "contains"}, {"extractor": ["number"]}]
    digests = {load_suite("s", SuiteSettings(gate="gate.jsonl", **m), tmp_path).digest("gate") for m in manners}  # type: ignore[arg-type]
    assert len(digests) == len(manners)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"gate": "x", "shares": {"dve": 1.0}},
        {"gate": "x", "template": "no place"},
        {"gate": "x", "shares": {"dev": 0.0}},
    ],
)
def test_suites_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    """No files, unknown pools, a template without its item, shares of nothing."""
    with pytest.raises(Refused):
        SuiteSettings(**wrong)  # type: ignore[arg-type]


def test_the_same_question_in_two_pools_is_found_in_other_clothes() -> None:
    """Case and punctuation do not hide it; a group on both sides is found too."""
    items = [
        item(1, pool="dev", question="Where is it?"),
        item(2, pool="sealed", question="where IS it"),
        item(3, pool="gate", cluster="group:a"),
        item(4, pool="sealed", cluster="group:a"),
        item(5, pool="sealed"),
    ]
    verdict = judge_apart(items)
    assert (verdict.outcome, sorted(f.row or "" for f in verdict.findings)) == (Outcome.FAIL, ["b3:2", "b3:4"])
    assert judge_apart(items[:1] + items[4:]).outcome is Outcome.PASS


def test_coverage_below_the_limit_is_unsure_and_says_why() -> None:
    """One item in ten without a score is no ground for a claim."""
    thin, full = arm("candidate", "p" * 18 + "ue"), arm("base", "f" * 20)
    verdict = judge_coverage([full, thin], Limits())
    assert (verdict.rule, verdict.outcome) == ("coverage", Outcome.UNSURE)
    assert "90.0%" in verdict.reason and "1 x cut off" in verdict.reason and "1 x HTTP 500" in verdict.reason
    assert judge_superiority(full, thin, Limits()).outcome is Outcome.UNSURE
    assert judge_coverage([full, full], Limits()).outcome is Outcome.PASS


def test_a_difference_of_coverage_is_no_difference_of_skill() -> None:
    """Four per cent of one arm unscored: above the limit, and still too far apart."""
    verdict = judge_coverage([arm("base", "p" * 100), arm("candidate", "p" * 96 + "u" * 4)], Limits())
    assert (verdict.outcome, "arms differ by 4.0%" in verdict.reason) == (Outcome.UNSURE, True)


def test_only_items_that_both_have_a_score_for_are_compared() -> None:
    """An error in either arm takes the pair out; it is never a zero."""
    base, candidate = arm("base", "e" + "f" * 49 + "p" * 50), arm("candidate", "p" * 99 + "e")
    verdict = judge_superiority(base, candidate, Limits())
    assert verdict.details["n"] == 98
    assert verdict.details["accuracies"] == {"base": 49 / 98, "candidate": 1.0}
    assert verdict.outcome is Outcome.PASS


def test_clusters_count_and_not_items() -> None:
    """A hundred items in five groups are five: no claim passes on so few."""
    groups = [f"group:{i % 5}" for i in range(100)]
    verdict = judge_superiority(arm("base", "f" * 100, groups), arm("candidate", "p" * 100, groups), Limits())
    assert verdict.outcome is Outcome.UNSURE and verdict.measure is not None and verdict.measure.n == 5


def test_what_a_sealed_pool_says_is_rounded_outwards() -> None:
    """Half the items gained: the shown interval holds the exact one and stands on the grid."""
    n = 100
    exact = judge_superiority(arm("base", "f" * n), arm("candidate", "p" * 50 + "f" * 50), Limits())
    shown, bits = as_sealed(exact, Rung(True, 0.5, 0.1), n)
    assert exact.measure is not None and shown.measure is not None
    assert shown.measure.low <= exact.measure.low and shown.measure.high >= exact.measure.high
    assert shown.details["low"] * 10 == pytest.approx(round(shown.details["low"] * 10))
    assert "comparison" not in shown.details and "50.0%" not in shown.summary
    assert bits == pytest.approx(math.log2(3 * 21**3))


@pytest.mark.parametrize(("marks", "told"), [("p" * 100, 0.001), ("p" * 7 + "f" * 93, 0.025), ("f" * 100, None)])
def test_a_word_tells_an_outcome_and_a_class_of_p(marks: str, told: float | None) -> None:
    """A pass says below which of four bounds its p-value lies; of no answer is an interval or a share shown."""
    shown, bits = as_word(
        judge_superiority(arm("base", "f" * 100), arm("candidate", marks), Limits()), Rung(True, 1, 1), 100
    )
    assert (told, told is not None) == (shown.details.get("p_at_most"), shown.outcome is Outcome.PASS)
    assert shown.measure is None and not {"d", "low", "high", "p", "accuracies"} & set(shown.details)
    assert bits == pytest.approx(math.log2(6))


def test_the_ladder_resists_the_boosting_attack() -> None:
    """500 random submissions against 200 items: the plain hold-out inflates by 30 points, the Ladder by 7.5 at most."""

    def inflation(step: float | None, plain: bool, seed: int) -> float:
        rng = np.random.default_rng(seed)
        truth, tries = rng.integers(0, 2, 200), rng.integers(0, 2, (500, 200))
        ladder, last, kept = Ladder(step), 0.5, []

        def reported(guess: np.ndarray) -> float:
            scores = (guess == truth).astype(float)
            return float(scores.mean()) if plain else ladder.submit(scores).best

        for guess in tries:
            value = reported(guess)
            if value > (0.5 if plain else max(last, 0.5)):
                kept.append(guess)
            last = value
        return reported((np.mean(kept, axis=0) > 0.5).astype(int)) - 0.5

    means = [
        np.mean([inflation(step, plain, s) for s in range(12)])
        for step, plain in ((1, True), (200**-0.5, False), (None, False))
    ]
    assert means[0] >= 0.30 and means[1] <= 0.075 and means[2] <= 0.095


def test_the_ceiling_of_a_bit_ledger() -> None:
    """Ten bits at n = 1,000 bound the error by 7.3 points."""
    assert error_bound(10, 1000) == pytest.approx(0.073, abs=5e-4)


def test_copies_of_items_are_no_examples() -> None:
    """Equal, re-cased and nearly equal rows are found; a row about something else is not."""
    asked = "I was charged twice for the same coffee at the station this morning, what can I do"
    said = [asked, asked.upper() + "!", asked.replace("coffee", "tea"), "how do I change my pin"]
    rows = [Row(kind=Kind.DEMONSTRATION, messages=(Message("user", t), Message("assistant", "a"))) for t in said]
    assert copies_of(rows, [item(1, question=asked)]) == {0, 1, 2}


def test_of_equal_prompts_the_shortest_wins_and_one_that_does_not_fit_never() -> None:
    """Accuracy first, then fewer examples; prompts that exceed the context are out."""
    tried = [type(NO_SHOTS)(count=c, draw=0, turns=(), rows=()) for c in (0, 2, 4, 8)]
    curve = [{"accuracy": a, "too_long": t} for a, t in ((0.2, 0), (0.6, 0), (0.6, 0), (0.9, 3))]
    assert best(tried, curve).count == 2
    with pytest.raises(Refused, match="no prompt fits"):
        best(tried[3:], curve[3:])


def test_an_example_that_is_the_item_itself_is_a_leak(tmp_path: Path) -> None:
    """Three documents, two examples, one of them evaluated: found; so is a long answer in the template."""
    rows = [
        {"prompt": f"name document {i}", "completion": f"the answer to number {i} is long enough here"}
        for i in range(3)
    ]
    write(tmp_path / "gate.jsonl", rows)
    suite = load_suite("s", SuiteSettings(gate="gate.jsonl"), tmp_path)
    shots = type(NO_SHOTS)(
        count=2,
        draw=0,
        turns=({"role": "user", "content": "Name document 1!"},),
        rows=(),
        questions=("Name document 1!", "x"),
    )
    leak = judge_prompts([suite], {"s": [shots]})
    assert (leak.outcome, [f.place.line for f in leak.findings if f.place]) == (Outcome.FAIL, [2])
    given = SuiteSettings(gate="gate.jsonl", template="{prompt} Hint: The answer to number 2 is long enough here.")
    hinted = judge_prompts([load_suite("s", given, tmp_path)], {})
    assert [f.place.line for f in hinted.findings if f.place] == [3]
    assert judge_prompts([suite], {}).outcome is Outcome.PASS


@pytest.mark.parametrize("wrong", [{"counts": []}, {"counts": [-1]}, {"counts": [99]}, {"draws": 0}])
def test_a_search_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    """Numbers of examples and draws have limits."""
    with pytest.raises(Refused):
        FewShotSettings(**wrong)  # type: ignore[arg-type]


def test_two_items_of_one_id_stop_with_their_lines(tmp_path: Path) -> None:
    """Which of the two would a score be of? The same item given twice is asked once, as before."""
    path = tmp_path / "items.jsonl"
    one = '{"id": "a", "prompt": "one?", "completion": "1"}\n'
    path.write_text(one + '{"id": "b", "prompt": "two?", "completion": "2"}\n' + one.replace("one?", "three?"))
    with pytest.raises(Refused) as caught:
        load_suite("s", SuiteSettings(gate="items.jsonl"), tmp_path)
    assert ("suite 's': the id 'a' was used before", str(path), 3) == (
        caught.value.what,
        caught.value.file,
        caught.value.line,
    )
