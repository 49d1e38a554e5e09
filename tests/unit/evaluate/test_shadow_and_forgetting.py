"""Other wordings and general skills, asked of models that are functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.batteries import ForgettingSettings, ShadowSettings
from headgate.evaluate.comparing import Limits
from headgate.evaluate.forgetting.battery import check_forgetting, judge_substance, skills_of
from headgate.evaluate.forgetting.skills import SCORERS, items
from headgate.evaluate.forgetting.style import drift
from headgate.evaluate.settings import Settings, SuiteSettings
from headgate.evaluate.shadow.battery import check_shadow
from headgate.evaluate.suites import load_suite
from headgate.kit.errors import Refused
from headgate.models.model import Completion
from headgate.stats.claims import judge_difference
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Level, Outcome, Verdict

Project = Any  # of conftest
Answer = Callable[[str, str], str]  # model and last message
BOTH: Any = (Address("base"), Address("candidate"))


class Desk(Asker):
    """Asks functions; a model may tell log probabilities, by the length of the answer."""

    def __init__(self, project: Project, answer: Answer, *, scoring: bool = False) -> None:
        super().__init__(Settings(suites={"topics": SuiteSettings(gate="gate.jsonl")}), project.context)
        self.answer, self.scoring = answer, scoring

    def model(self, address: Address) -> Any:
        tell = {"log_probabilities": lambda pairs: [[-float(len(text))] for _, text in pairs]}
        return SimpleNamespace(fingerprint=address.spec, **(tell if self.scoring else {}))

    def say(self, _: str, address: Address, prompts: Sequence[Any], __: Any) -> tuple[Any, list[Completion]]:
        said = [Completion(text=self.answer(address.spec, one[-1]["content"])) for one in prompts]
        return self.model(address), said


@pytest.fixture
def topics(project: Project) -> Any:
    """Sixty gate items: requests with two answers."""
    lines = [
        {"prompt": f"I want to know what is my order number {n}, please tell me", "completion": f"order {n % 7}"}
        for n in range(60)
    ]
    path = project.folder / "orders.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return load_suite("topics", SuiteSettings(gate=path.name), project.folder)


def plain(text: str) -> bool:
    return text.startswith("I want to know what is my order number") and text.endswith("please tell me")


def right(text: str) -> str:
    return f"order {int(''.join(c for c in text if c.isdigit())) % 7}"


def shadow(project: Project, suite: Any, answer: Answer, scoring: bool = False, **more: Any) -> Verdict:
    desk = Desk(project, answer, scoring=scoring)
    (verdict,) = check_shadow([suite], ShadowSettings(suites=["topics"], **more), desk, BOTH, project.context)
    return verdict


def test_a_veneer_reverts(project: Project, topics: Any) -> None:
    """Right in the plain wording, the base's answer in every other: all wordings revert, and it fails."""
    found = shadow(project, topics, lambda m, t: right(t) if m == "candidate" and plain(t) else "a general remark")
    assert Outcome.FAIL is found.outcome
    assert 1.0 == found.measure.value
    assert 60 == found.details["installed"]
    assert {"other-words", "polite", "typos", "json-format", "long-context", "role-change"} <= set(
        found.details["by_operator"]
    )
    assert 0.0 == found.details["worst_case"]
    assert pytest.approx(1.0) == found.details["gap"]["d"]


def test_a_tune_that_holds_passes(project: Project, topics: Any) -> None:
    """Right in every wording; the share of none in sixty items is below the margin."""
    found = shadow(project, topics, lambda m, t: right(t) if m == "candidate" else "a general remark")
    assert (Outcome.PASS, 0.0, 1.0) == (found.outcome, found.measure.value, found.details["worst_case"])


def test_other_errors_are_no_reversion(project: Project, topics: Any) -> None:
    """Wrong in other words, yet nothing like the base: a loss of accuracy that is told, and no shadow."""

    def answer(model: str, text: str) -> str:
        if model == "base":
            return "a general remark"
        return right(text) if plain(text) else "order 99"

    found = shadow(project, topics, answer)
    assert (Outcome.PASS, 0.0) == (found.outcome, found.measure.value)
    assert found.details["gap"]["low"] > 0.9


def test_what_was_never_installed_cannot_revert(project: Project, topics: Any) -> None:
    """A candidate that answers as its base does: unsure, and nothing is called reverted."""
    found = shadow(project, topics, lambda _, __: "a general remark")
    assert Outcome.UNSURE is found.outcome
    assert "nothing was installed" in found.summary


def test_few_items_are_unsure(project: Project, topics: Any) -> None:
    """Ten items that hold do not show five in a hundred."""
    found = shadow(project, topics, lambda m, t: right(t) if m == "candidate" else "a general remark", most=10)
    assert Outcome.UNSURE is found.outcome
    assert "needs" in found.reason


def test_margins_of_the_prior_are_told(project: Project, topics: Any) -> None:
    """Of models that tell log probabilities: wanted answer less the base's own."""
    found = shadow(project, topics, lambda m, t: right(t) if m == "candidate" else "a general remark", scoring=True)
    prior = found.details["prior"]
    assert (60, float(len("a general remark") - len("order 1"))) == (prior["items"], prior["base"])


def test_translations_are_wordings_too(project: Project, topics: Any) -> None:
    """Of the user's own; those of other items are passed over."""
    first = topics.pools["gate"][0].question
    path = project.folder / "french.jsonl"
    path.write_text(json.dumps({"prompt": first, "translation": "Ma commande 0 ?"}) + "\n")
    found = shadow(
        project, topics, lambda m, t: right(t) if m == "candidate" else "a general remark", translations=path.name
    )
    assert 1 == found.details["by_operator"]["other-language"]["n"]


def test_shadow_settings_are_checked(project: Project, topics: Any) -> None:
    """Unknown suites and operators, and too few ways."""
    with pytest.raises(Refused, match=r"evaluate\.shadow\.suites"):
        check_shadow([topics], ShadowSettings(suites=["x"]), Desk(project, lambda *_: ""), BOTH, project.context)
    for wrong in ({"operators": ["rhyme"]}, {"operators": ["polite"]}, {"margin": 0.0}):
        with pytest.raises(Refused):
            ShadowSettings(**wrong)  # type: ignore[arg-type]


def skilled(question: str, settings: ForgettingSettings) -> str:
    """The right answer to a built-in item."""
    known = {q: a for name in settings.asked for q, a in items(name, settings.items)}
    return known[question]


def forgotten(project: Project, answer: Answer, **more: Any) -> dict[str, Verdict]:
    settings = ForgettingSettings(**{"skills": ["arithmetic", "ordering"], **more})
    desk = Desk(project, answer)
    kept = check_forgetting(skills_of(settings, project.folder), settings, desk, BOTH, Limits())
    return {one.rule: one for one in kept.verdicts}


def test_a_skill_that_is_lost_fails_with_its_flips(project: Project) -> None:
    """Every third sum is wrong after the tune; ordering is kept."""
    settings = ForgettingSettings(skills=["arithmetic", "ordering"])

    def answer(model: str, text: str) -> str:
        lost = model == "candidate" and "Answer with the number" in text and len(text) % 3 == 0
        return "0" if lost else skilled(text, settings)

    found = forgotten(project, answer)
    sums = found["forgetting-arithmetic"]
    assert (Outcome.FAIL, Outcome.PASS) == (sums.outcome, found["forgetting-ordering"].outcome)
    assert 400 == sums.details["items"]
    assert sums.details["flips"]["lost"] == len(sums.details["lost_items"]) > 80
    assert 0 == sums.details["flips"]["gained"]


def test_churn_is_told_where_accuracy_stands(project: Project) -> None:
    """As many gained as lost: no fall, and one answer in two changed."""
    settings = ForgettingSettings(skills=["ordering"])

    def answer(model: str, text: str) -> str:
        odd = len(text) % 2
        return skilled(text, settings) if odd == (model == "base") else "no"

    found = forgotten(project, answer, skills=["ordering"])["forgetting-ordering"]
    assert found.details["churn"]["value"] > 0.9
    assert Outcome.UNSURE is found.outcome or abs(found.measure.value) > 0.02


def test_a_skill_that_the_base_has_not_is_skipped(project: Project) -> None:
    """Nothing can be forgotten; a pass would be worth nothing."""
    found = forgotten(project, lambda *_: "no")
    assert {Outcome.SKIPPED} == {one.outcome for name, one in found.items() if name != "style-drift"}


def test_skills_of_ones_own_are_asked(project: Project) -> None:
    """From a file with question and answer; the same margin and corrections."""
    found = forgotten(project, lambda m, t: "x", skills=[], files={"intents": "gate.jsonl"})
    assert Outcome.SKIPPED is found["forgetting-intents"].outcome
    with pytest.raises(Refused, match="built-in name"):
        ForgettingSettings(files={"facts": "gate.jsonl"})


def test_built_in_items_are_as_many_as_a_verdict_needs() -> None:
    """Four hundred different ones of each skill that is made by rule, the same every time."""
    for skill in SCORERS:
        made = items(skill, 400)
        assert made == items(skill, 400)
        assert len({question for question, _ in made}) == len(made)
        assert len(made) == 400 or skill == "facts"


def test_style_moves_apart_from_substance(project: Project) -> None:
    """The same right answers with an opener and an apology: no skill is lost, and the style has moved."""
    settings = ForgettingSettings(skills=["arithmetic"])

    def answer(model: str, text: str) -> str:
        said = skilled(text, settings)
        return f"Of course! I apologise for the wait.\n- {said}" if model == "candidate" else said

    found = forgotten(project, answer, skills=["arithmetic"])
    assert Outcome.PASS is found["forgetting-arithmetic"].outcome
    style = found["style-drift"]
    assert (Outcome.FAIL, Level.WARN) == (style.outcome, style.level)
    assert {"agreement", "apology", "list", "words"} <= {
        name for name, one in style.details["features"].items() if abs(one["d_z"]) >= 0.3
    }
    assert 0.0 == drift(["a b"], ["a b"])["words"].d_z


def test_preferred_and_less_right_fails() -> None:
    """A win by style: judges prefer it and accuracy surely fell; either alone says nothing."""
    before, after = [1.0] * 100, [1.0] * 70 + [0.0] * 30
    fell = replace(judge_difference(compare_paired(before, after), kind="superiority"), rule="candidate-over-base")
    won = replace(judge_difference(compare_paired(after, before), kind="superiority"), rule="preferred-over-base")
    (found,) = judge_substance([won, fell])
    assert (Outcome.FAIL, "style-over-substance") == (found.outcome, found.rule)
    assert [] == judge_substance([won])
    assert [] == judge_substance([fell])
