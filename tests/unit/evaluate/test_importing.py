"""Imported logs in the ledger: arms like our own, matched by question, doubted where they prove too little."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.evaluate.imported import judge_imported
from headgate.evaluate.importing import Purpose, Taken, take
from headgate.evaluate.logs.ours import results_of, write
from headgate.evaluate.logs.shape import Wanted
from headgate.evaluate.logs.writing import WITHHELD, Results, Told, write_inspect, write_lm_eval, write_promptfoo
from headgate.evaluate.run import run
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import Settings
from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.stats.verdict import Outcome, Verdict
from headgate.testing.fake_endpoint import FakeEndpoint

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ANN = Person("ann", "--by", "ann")
LOGS = Path(__file__).parents[2] / "fixtures" / "evaluation_logs"
VERDICTS = Path(__file__).parents[2] / "fixtures" / "gsm8k_verdicts" / "verdicts.json"
GREEDY = {"temperature": 0.0, "max_tokens": 64, "seed": 0, "stop": []}
Write = Callable[[Path, Results], list[Path]]


def results(arm: str, bits: str, **changes: Any) -> Results:
    ended = {"1": Scored(Mark.PASS), "0": Scored(Mark.FAIL), "u": Scored(Mark.UNSCORED, "cut off"),
             "e": Scored(Mark.ERROR, "no answer in 60 s")}  # fmt: skip
    items = [
        Told(id=f"i{i}", question=f"What is {i} times {i + 3}?", target=str(i * (i + 3)), scored=ended[bit])
        for i, bit in enumerate(bits)
    ]
    given = {"suite": "sums", "pool": "gate", "arm": arm, "model": f"tiny-{arm}", "items": items, "at": NOW}
    return Results(**{**given, "sampling": GREEDY, **changes})


def brought(ledger: Any, folder: Path, told: Results, wanted: Wanted | None = None, **purpose: Any) -> Taken:
    files = write_lm_eval(folder / told.arm, told)
    return take(ledger, files, wanted or Wanted(), Purpose(arm=told.arm, **purpose), ANN)


def judged(project: Any, **outputs: Any) -> dict[str, Verdict]:
    project.outputs |= outputs
    found = judge_imported(project.ledger, Settings(imported=["sums"]), project.context)
    return {verdict.rule: verdict for verdict in found.verdicts}


@pytest.fixture
def adapter(project: Any) -> str:
    node = project.ledger.record("adapter", "tiny@1", {"digest": "b3:" + "ab12" * 16})
    project.outputs["train"] = {"adapter": node}
    return node


def test_published_comparison_is_reproduced(project):
    """Released verdicts of two models, written as lm-evaluation-harness samples and read back: d, SE and exact p."""
    bits = json.loads(VERDICTS.read_text())
    for arm, name in (("base", "6b_verification"), ("candidate", "175b_finetuning")):
        brought(project.ledger, project.folder, results(arm, bits[name]))
    told = judged(project)["candidate-over-base"].details
    assert ("-0.0432", "0.0144", "0.00315") == (f"{told['d']:.3g}", f"{told['se']:.3g}", f"{told['p']:.3g}")
    assert [152, 209] == list(told["comparison"]["discordant"])


@pytest.mark.parametrize("write", [write_inspect, write_lm_eval])
@pytest.mark.parametrize("reader", ["inspect", "lm-eval"])
def test_round_trip_of_one_arm(project, write, reader):
    """What is written comes back with the same endings and the same reasons."""
    if (write is write_lm_eval) != (reader == "lm-eval"):
        write = write_lm_eval if reader == "lm-eval" else write_inspect
    told = results("candidate", "110ue01")
    files = write(project.folder / "log.json", told)
    back = take(project.ledger, files, Wanted(), Purpose(arm="candidate"), ANN)
    assert reader == back.log.format
    assert [one.scored.mark for one in told.items] == [one.mark for one in back.arm.scored]
    assert {"pass": 3, "fail": 2, "unscored": 1, "error": 1} == back.arm.counts
    assert "no answer in 60 s" == back.arm.scored[4].reason


def test_round_trip_of_two_arms_in_one_file(project):
    """promptfoo holds both arms in one file, by provider."""
    arms = [results("base", "010ue"), results("candidate", "110ue")]
    (path,) = write_promptfoo(project.folder / "both.json", arms)
    for told in arms:
        back = take(project.ledger, [path], Wanted(model=told.arm), Purpose(arm=told.arm, suite="sums"), ANN)
        assert [one.scored.mark for one in told.items] == [one.mark for one in back.arm.scored]
    assert Outcome.PASS is judged(project)["imported-alike"].outcome


def test_repeats_are_averaged_item_by_item(project):
    """Two epochs of eight samples are eight items; one answer without a score leaves its item without one."""
    back = take(project.ledger, [LOGS / "inspect.eval"], Wanted(), Purpose(arm="base"), ANN)
    ended = {
        item.question: (one.mark.value, one.value) for item, one in zip(back.arm.items, back.arm.scored, strict=True)
    }
    assert (8, 8) == (len(ended), back.repeats)
    assert ("pass", 0.5) == ended["What is 3 + 5?"]
    assert "error" == ended["What is 1 / 0?"][0]
    assert {"pass": 3, "fail": 1, "unscored": 3, "error": 1} == back.arm.counts
    assert "no answer in 60 s, in 1 of 2 answers" in " ".join(back.arm.reasons)
    stored = project.ledger.node(back.node).body
    assert ("ann", "inspect", "2026-11-18T09:30:00+00:00") == (
        stored["imported"]["by"], stored["imported"]["format"], stored["imported"]["created"],
    )  # fmt: skip
    assert {"base"} == {stored["arm"]}


def test_no_words_are_kept(project):
    """The ledger keeps addresses and endings; questions and answers stay in the log."""
    back = brought(project.ledger, project.folder, results("base", "1100"))
    body = project.ledger.node(back.node).body
    kept = [project.ledger.content.get(body[key]) for key in ("outcomes", "answers")]
    assert not any(b"What is" in one for one in kept)
    assert ["fail", "fail", "pass", "pass"] == sorted(json.loads(kept[0]).values())


def test_erased_answers_are_no_evidence(project):
    """What retention took away is told as missing, and nothing breaks."""
    brought(project.ledger, project.folder, results("base", "01" * 20))
    back = brought(project.ledger, project.folder, results("candidate", "11" * 20))
    project.ledger.content.erase(project.ledger.node(back.node).body["answers"])
    verdict = judged(project)["imported-items"]
    assert (Outcome.UNSURE, ["candidate"]) == (verdict.outcome, verdict.details["missing"])


def test_the_same_log_again_is_nothing_new(project):
    """Importing twice is one node."""
    first = brought(project.ledger, project.folder, results("base", "1100"))
    again = brought(project.ledger, project.folder, results("base", "1100"))
    assert (first.node, False, True) == (again.node, first.known, again.known)


def test_items_are_matched_by_question_and_not_by_place(project):
    """The logs hold the same items in another order; the difference is that of the items."""
    base, candidate = results("base", "0" * 20 + "1" * 20), results("candidate", "1" * 40)
    brought(project.ledger, project.folder, base)
    brought(project.ledger, project.folder, replace(candidate, items=list(candidate.items)[::-1]))
    verdicts = judged(project)
    assert Outcome.PASS is verdicts["candidate-over-base"].outcome
    assert (40, 0.5) == (verdicts["candidate-over-base"].details["n"], verdicts["candidate-over-base"].details["d"])
    assert [20, 0] == list(verdicts["candidate-over-base"].details["comparison"]["discordant"])


def test_items_that_do_not_match_are_told(project):
    """Items of one log alone are counted; too many of them, or another target, leave the claim open."""
    base, candidate = results("base", "01" * 20), results("candidate", "11" * 20)
    others = [replace(one, target="other") if i < 3 else one for i, one in enumerate(candidate.items)]
    brought(project.ledger, project.folder, replace(base, items=list(base.items)[:38]))
    brought(project.ledger, project.folder, replace(candidate, items=others))
    verdict = judged(project)["imported-items"]
    assert Outcome.UNSURE is verdict.outcome
    told = {key: verdict.details[key] for key in ("common", "only_reference", "only_candidate", "other_target")}
    assert {"common": 35, "only_reference": 3, "only_candidate": 5, "other_target": 3} == told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shots": 5}, "examples shown: 0 and 5"),
        ({"sampling": {**GREEDY, "temperature": 0.7}}, "temperature 0.0 and 0.7"),
        ({"version": "2"}, "task version: 1 and 2"),
        ({"suite": "other sums"}, "task: sums and other sums"),
    ],
)
def test_arms_that_were_not_asked_alike(project, changes, reason):
    """What differs between the logs is named, and the claim does not pass on it."""
    brought(project.ledger, project.folder, results("base", "01" * 20))
    brought(project.ledger, project.folder, results("candidate", "11" * 20, **changes), suite="sums")
    verdict = judged(project)["imported-alike"]
    assert Outcome.UNSURE is verdict.outcome
    assert verdict.blocks
    assert reason in verdict.reason


def test_what_a_log_does_not_tell_is_missing(project):
    """A log without its sampling, and prompts in other words."""
    brought(project.ledger, project.folder, results("base", "01" * 20, sampling=None))
    path = project.folder / "c.json"
    write_inspect(path, results("candidate", "11" * 20, sampling=None))
    log = json.loads(path.read_text())
    for one in log["samples"][:7]:
        one["messages"].insert(0, {"role": "system", "content": "Think."})
    path.write_text(json.dumps(log))
    take(project.ledger, [path], Wanted(), Purpose(arm="candidate"), ANN)
    told = judged(project)["imported-alike"].details
    assert "how answers were drawn" in told["not_told"]
    assert any("format: lm-eval and inspect" in one for one in told["differ"])
    assert {"same": 0, "other": 40, "not_told": 0} == told["prompts"]


def test_identity_of_the_candidate(project, adapter):
    """A log names a model: it is the adapter where its digest stands in the name, or where a person says so."""
    brought(project.ledger, project.folder, results("base", "01" * 20))
    brought(project.ledger, project.folder, results("candidate", "11" * 20))
    assert Outcome.UNSURE is judged(project)["imported-identity"].outcome
    brought(project.ledger, project.folder, results("candidate", "11" * 20), adapter=adapter)
    stated = judged(project)["imported-identity"]
    assert (Outcome.PASS, False) == (stated.outcome, stated.details["proven"])
    assert "ann says that it is tiny@1" in stated.summary


def test_a_digest_in_the_name_proves_the_adapter(project, adapter):
    """The adapter was served under its immutable name."""
    brought(project.ledger, project.folder, results("base", "01" * 20))
    brought(project.ledger, project.folder, results("candidate", "11" * 20, model="support@ab12ab12ab12"))
    verdict = judged(project)["imported-identity"]
    assert (Outcome.PASS, True) == (verdict.outcome, verdict.details["proven"])


def test_one_model_in_both_logs(project, adapter):
    """The same model twice shows nothing of a candidate, whatever a person says."""
    brought(project.ledger, project.folder, results("base", "01" * 20, model="tiny"))
    brought(project.ledger, project.folder, results("candidate", "11" * 20, model="tiny"), adapter=adapter)
    assert "the log of base names the same model" in judged(project)["imported-identity"].reason


def test_an_adapter_takes_no_log_of_another(project, adapter):
    """A log that was said to be of an earlier adapter is not evidence for this one."""
    other = project.ledger.record("adapter", "tiny@0", {"digest": "b3:" + "00" * 32})
    brought(project.ledger, project.folder, results("base", "01" * 20))
    brought(project.ledger, project.folder, results("candidate", "11" * 20), adapter=other)
    verdict = judged(project)["imported-items"]
    assert (Outcome.UNSURE, ["candidate"]) == (verdict.outcome, verdict.details["missing"])


def test_training_rows_are_held_against_imported_items(project, world):
    """Items that a training row matches are found, though the log came after the training."""
    base = results("base", "01" * 20)
    leaked = [replace(one, question=q, target=a) for one, (q, a) in zip(base.items, world.items(300, 5), strict=False)]
    for arm in ("base", "candidate"):
        told = results(arm, "01" * 20 if arm == "base" else "11" * 20)
        clean = list(told.items)[5:]
        brought(project.ledger, project.folder, replace(told, items=[*leaked, *clean]))
    verdict = judged(project)["dirty-items"]
    assert 5 == verdict.details["dirty_items"]
    project.outputs["curate"] = {}
    unknown = judged(project)["dirty-items"]
    assert (Outcome.UNSURE, True) == (unknown.outcome, unknown.blocks)


def test_unscored_items_are_no_wrong_answers(project):
    """An arm that lost a tenth of its answers cannot be compared."""
    brought(project.ledger, project.folder, results("base", "1" * 40))
    brought(project.ledger, project.folder, results("candidate", "1" * 36 + "uuee"))
    verdicts = judged(project)
    assert Outcome.UNSURE is verdicts["coverage"].outcome
    assert "import the new log" in verdicts["coverage"].next_step
    assert Outcome.UNSURE is verdicts["candidate-over-base"].outcome


def test_the_stage_without_a_suite_of_its_own(project, adapter):
    """A flow may rest on imported logs alone: no model is opened."""
    brought(project.ledger, project.folder, results("base", "01" * 20))
    brought(project.ledger, project.folder, results("candidate", "11" * 20), adapter=adapter)
    result = run(project.ledger, Settings(imported=["sums"]), context=project.context)
    assert Outcome.PASS is result.outcome, result.summary
    assert {"scores", "sums/gate/base", "sums/gate/candidate"} == set(result.outputs)
    evidence = next(one for one in result.verdicts if one.rule == "imported-evidence")
    assert "imported by ann on" in evidence.summary


def test_a_missing_arm(project):
    """One arm is no comparison."""
    brought(project.ledger, project.folder, results("base", "01" * 20))
    verdict = judged(project)["imported-items"]
    assert (Outcome.UNSURE, ["candidate"]) == (verdict.outcome, verdict.details["missing"])


@pytest.mark.parametrize(
    ("purpose", "what"),
    [
        ({"arm": "base", "pool": "sealed"}, "a sealed pool cannot be imported"),
        ({"arm": "best"}, "no such arm"),
        ({"arm": "base", "adapter": "b3:1"}, "only a candidate is an adapter"),
    ],
)
def test_purposes_that_cannot_be(purpose, what):
    """Sealed items answer with verdicts only; whoever has a log has read it."""
    with pytest.raises(Refused, match=what):
        Purpose(**purpose)


def test_settings():
    """Imported suites may stand alone, and are no suites that are run as well."""
    assert ["sums"] == Settings(imported=["sums"]).imported
    with pytest.raises(Refused, match="no suites"):
        Settings()


def test_our_results_go_out_and_come_back(passed, tmp_path):
    """An evaluation of ours, written in each form and imported again, has the same endings on the same items."""
    project = passed.project
    with FakeEndpoint(str) as server:
        settings = project.settings(server)
    for pool in ("gate", "dev"):
        own = results_of(project.ledger, settings, project.context, suite="topics", pool=pool)
        assert ["base", "few-shot", "candidate"] == [one.arm for one in own]
        assert (pool == "gate") is all(item.answer == WITHHELD for one in own for item in one.items)
        for form in ("inspect", "lm-eval", "promptfoo"):
            files = write(tmp_path / f"{pool}-{form}", form, own)
            place = {"inspect": 1, "lm-eval": 2, "promptfoo": 0}[form]
            for number, one in enumerate(own):
                mine = files[place * number : place * number + place] or files
                wanted = Wanted(model=one.arm if form == "promptfoo" else "")
                back = take(project.ledger, mine, wanted, Purpose(arm=one.arm, pool=pool, suite=f"{form} topics"), ANN)
                known = {item.id: item.scored.mark for item in one.items}
                found = {item.id: ended.mark for item, ended in zip(back.arm.items, back.arm.scored, strict=True)}
                assert known == found, (form, one.arm)
    with pytest.raises(Refused, match="results of that pool are not written"):
        results_of(project.ledger, settings, project.context, suite="topics", pool="sealed")


def test_a_score_between_zero_and_one_is_kept(project):
    """A partial score is compared as it is."""
    base = results("base", "0" * 20)
    part = [replace(one, scored=Scored(Mark.FAIL, "", "", 0.25)) for one in results("candidate", "0" * 20).items]
    brought(project.ledger, project.folder, base)
    brought(project.ledger, project.folder, results("candidate", "", items=part))
    assert math.isclose(0.25, judged(project)["candidate-over-base"].details["d"])
