"""Spent is spent: a judge or rubric that shaped an adapter may not decide on it, and neither may its kin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.rows import RowRecord
from headgate.models.judges.declared import declare, declared
from headgate.models.judges.settings import CriterionSettings, JudgeSettings, RubricSettings
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.judge_fitness import alike, bench_of, judge_fit, licence_about
from headgate.rules.judge_uses import decided, record_use, uses_above, uses_in_rows
from headgate.stats.verdict import Level, Outcome

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class World:
    """A source of rows, a version, a run and an adapter, and judges by name."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.source = ledger.record("source", "tickets", {})
        self.version = self.freeze("support", [Side()])
        self.base = ledger.record("base", "tiny-base", {})
        self.run = ledger.record("run", "support", {}, edges=[Edge("trained-on", self.version)])
        self.adapter = self.tuned(self.run, "one")

    def freeze(self, name: str, sides: list[Side]) -> str:
        rows = [
            Row(
                kind=Kind.DEMONSTRATION, messages=(Message("user", f"{name} {i}"), Message("assistant", "a")), side=side
            )
            for i, side in enumerate(sides)
        ]
        records = [
            RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=self.source, subject=None)
            for one in rows
        ]
        numbers = self.ledger.rows.append(records).numbers
        self.rows = [one.id for one in rows]
        named = self.ledger.versions.freeze(name, numbers=numbers, splits={"train": BitMap(numbers)}, manifest={})
        return self.ledger.versions.get(named).node_id

    def tuned(self, run: str, name: str) -> str:
        edges = [Edge("derived-from", run), Edge("derived-from", self.base)]
        return self.ledger.record("adapter", name, {"digest": name}, edges=edges)

    def judge(self, name: str, model: str, *, licensed: bool = True, **changes: object) -> Node:
        settings = JudgeSettings(**{"endpoint": "http://localhost:1/v1", "model": model, **changes})
        node = self.ledger.node(self.ledger.record("judge", name, settings.body()))
        if licensed:
            self.license(node)
        return node

    def license(self, node: Node, rubric: Node | None = None, value: str = "licensed", days: int = 180) -> None:
        self.ledger.claims.assert_(
            licence_about(node, rubric), "judge-licence", value, source="test", observed_at=NOW - timedelta(days=1),
            valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=days),
        )  # fmt: skip

    def rubric(self, name: str, *texts: str, **changes: object) -> Node:
        criteria = {f"c{i}": CriterionSettings(text=text) for i, text in enumerate(texts)}
        settings = RubricSettings(criteria=criteria, **changes)
        return self.ledger.node(self.ledger.record("rubric", name, settings.body()))

    def fit(self, judge: Node, rubric: Node | None = None, adapter: str = "", now: datetime = NOW):
        adapter = adapter or self.adapter
        return judge_fit(self.ledger, bench_of(self.ledger, adapter), judge, rubric, now, adapter=adapter)


@pytest.fixture
def world(ledger: Ledger) -> World:
    return World(ledger)


def rules(verdicts) -> list[tuple[str, str]]:
    return [(one.rule, one.outcome.value) for one in verdicts]


def test_an_unspent_judge_of_another_family_is_fit(world: World) -> None:
    """Nothing speaks against a licensed judge that had no part in the adapter."""
    record_use(world.ledger, "reward", on=[world.run], judge=world.judge("ann", "gpt-4o"))
    assert [] == world.fit(world.judge("bob", "claude-3-5-sonnet"))


@pytest.mark.parametrize("role", ["data-selection", "reward", "model-choice", "training-label"])
@pytest.mark.parametrize("where", ["row", "version", "run", "adapter"])
def test_every_spending_use_upstream_spends(world: World, role: str, where: str) -> None:
    """Wherever a use hangs on what an adapter was made from, the judge is spent and the use is named."""
    judge = world.judge("ann", "gpt-4o")
    on = {"row": world.rows[0], "version": world.version, "run": world.run, "adapter": world.adapter}[where]
    record_use(world.ledger, role, on=[on], judge=judge)
    verdict, *rest = world.fit(judge)
    assert ("spent-judge", Outcome.FAIL, "rubric-overfit") == (verdict.rule, verdict.outcome, verdict.failure)
    assert [] == rest
    assert f"ann (gpt-4o), {role} of " in verdict.summary
    assert datetime.now(UTC).date().isoformat() in verdict.summary


def test_the_same_tensors_are_spent_wherever_they_were_made(world: World) -> None:
    """Under another name, seed and run an adapter of the same tensors has been shaped by what shaped the first."""
    judge = world.judge("ann", "gpt-4o")

    def made(name: str, tensors: str) -> str:
        run = world.ledger.record("run", name, {}, edges=[Edge("trained-on", world.version)])
        body = {"digest": name, "tensors": tensors}
        return world.ledger.record("adapter", name, body, edges=[Edge("derived-from", run)])

    first, same, other = made("first", "b3:aa"), made("same", "b3:aa"), made("other", "b3:bb")
    record_use(world.ledger, "model-choice", on=[first], judge=judge)
    assert [("spent-judge", "fail")] == rules(world.fit(judge, adapter=same))
    assert [] == world.fit(judge, adapter=other)


def test_a_run_of_the_same_plan_is_the_same_run(world: World) -> None:
    """Where a machine gives it other last bits, what gave its reward is still spent; another plan is another run."""
    judge = world.judge("ann", "gpt-4o")

    def run(plan: str, name: str) -> str:
        body = {"outcome": "pass", "plan_digest": plan, "at": name}
        return world.ledger.record("run", name, body, edges=[Edge("trained-on", world.version)])

    record_use(world.ledger, "reward", on=[run("b3:p", "monday")], judge=judge)
    again, changed = run("b3:p", "tuesday"), run("b3:q", "wednesday")
    assert [("spent-judge", "fail")] == rules(world.fit(judge, adapter=world.tuned(again, "two")))
    assert [] == world.fit(judge, adapter=world.tuned(changed, "three"))


@pytest.mark.parametrize("role", ["gate", "monitoring"])
def test_deciding_and_watching_do_not_spend(world: World, role: str) -> None:
    """A judge that decided or watched shaped nothing."""
    judge = world.judge("ann", "gpt-4o")
    record_use(world.ledger, role, on=[world.adapter], judge=judge)
    assert [] == world.fit(judge)
    assert [] == uses_above(world.ledger, world.adapter)


def test_spending_stays_in_its_own_lineage(world: World) -> None:
    """An adapter that was made from other rows knows nothing of the use."""
    judge = world.judge("ann", "gpt-4o")
    record_use(world.ledger, "reward", on=[world.run], judge=judge)
    other_version = world.freeze("other", [Side()])
    other_run = world.ledger.record("run", "other", {}, edges=[Edge("trained-on", other_version)])
    assert [] == world.fit(judge, adapter=world.tuned(other_run, "other"))


def test_spending_goes_down_a_chain_of_adapters(world: World) -> None:
    """An adapter made from a spent one, and a dataset made from judged rows, are downstream too."""
    judge = world.judge("ann", "gpt-4o")
    record_use(world.ledger, "data-selection", on=[world.version], judge=judge)
    merged = world.ledger.record("adapter", "merged", {}, edges=[Edge("derived-from", world.adapter)])
    assert [("spent-judge", "fail")] == rules(world.fit(judge, adapter=merged))


@pytest.mark.parametrize(
    ("model", "changes", "rule"),
    [
        ("gpt-4o-2024-08-06", {}, "spent-judge"),  # another date of the same model
        ("openai/GPT-4o", {"temperature": 0.5, "max_tokens": 99}, "spent-judge"),  # another prompt and vendor path
        ("gpt-4o-mini", {}, "judge-family"),
        ("our-judge", {"made_from": "gpt-4o"}, "judge-family"),
        ("our-judge", {"family": "gpt"}, "judge-family"),
        ("our-judge", {"family": "ours", "taught_by": ["gpt-4"]}, "judge-family"),
        ("our-judge", {"family": "ours", "taught_by": ["ann"]}, "judge-family"),
    ],
)
def test_kin_of_a_spent_judge_are_refused(world: World, model: str, changes: dict, rule: str) -> None:
    """Another date, prompt, size or tuning of a spent model is no fresh judge."""
    record_use(world.ledger, "reward", on=[world.run], judge=world.judge("ann", "gpt-4o"))
    assert [(rule, "fail")] == rules(world.fit(world.judge("bob", model, **changes)))


def test_an_unknown_family_is_a_doubt(world: World) -> None:
    """What cannot be shown to be of another family does not pass."""
    record_use(world.ledger, "reward", on=[world.run], judge=world.judge("ann", "gpt-4o"))
    assert [("judge-family", "unsure")] == rules(world.fit(world.judge("bob", "house-judge")))
    assert [] == world.fit(world.judge("carl", "house-judge", family="house"))


def test_a_rubric_is_spent_by_its_words(world: World) -> None:
    """The same criterion under another name or order of words is spent; another criterion is not."""
    used = world.rubric("old", "The answer states the refund period in days.", roles=["reward"])
    record_use(world.ledger, "reward", on=[world.run], rubric=used)
    judge = world.judge("bob", "claude-3", licensed=False)
    new = world.rubric("new", "In days, the answer states the refund period!")
    world.license(judge, new)
    verdict = world.fit(judge, new)[0]
    assert ("spent-rubric", Outcome.FAIL) == (verdict.rule, verdict.outcome)
    assert "old, reward of run support" in verdict.summary
    fresh = world.rubric("fresh", "The customer would not have to write again.")
    world.license(judge, fresh)
    assert [] == world.fit(judge, fresh)


def test_licences(world: World) -> None:
    """Never qualified, refused and expired are three different answers, none of which lets a judge decide."""
    judge = world.judge("bob", "claude-3", licensed=False)
    assert [("judge-licence", "unsure")] == rules(world.fit(judge))
    world.license(judge, days=10)
    assert [] == world.fit(judge)
    late = world.fit(judge, now=NOW + timedelta(days=11))
    assert [("judge-licence", "unsure")] == rules(late)
    assert "ran out on 2026-12-01" in late[0].summary
    world.license(judge, value="refused", days=20)
    assert [("judge-licence", "fail")] == rules(world.fit(judge))


def test_a_licence_ends_when_prompt_model_or_rubric_changes(world: World) -> None:
    """It holds for one identity and one rubric; a new name or a new price ends nothing."""
    world.judge("bob", "claude-3")
    assert [] == world.fit(world.judge("bob", "claude-3", licensed=False, input_price=3.0))
    assert [] == world.fit(world.judge("renamed", "claude-3", licensed=False))
    assert ["judge-licence"] == [v.rule for v in world.fit(world.judge("bob", "claude-3-5", licensed=False))]
    warm = world.judge("bob", "claude-3", licensed=False, temperature=1.0)
    assert ["judge-licence"] == [v.rule for v in world.fit(warm)]
    rubric = world.rubric("r", "Says how long it takes.")
    assert ["judge-licence"] == [v.rule for v in world.fit(world.judge("bob", "claude-3"), rubric)]


def test_a_judge_wears_out(world: World) -> None:
    """After as many adapters as it may decide on, whoever passes was chosen by it; the same adapter counts once."""
    judge = world.judge("ann", "claude-3", gates=2)
    for name in ("a", "b"):
        for _ in range(2):
            record_use(world.ledger, "gate", on=[world.tuned(world.run, name)], judge=judge)
    assert 2 == len(decided(world.ledger, judge.body))
    assert [("worn-judge", "fail")] == rules(world.fit(judge))
    assert [] == world.fit(judge, adapter=world.tuned(world.run, "b"))


def test_a_judge_of_its_own_writing(world: World) -> None:
    """Whoever wrote the rows, or made the base, does not judge; its family is told as a warning."""
    sides = [Side(generator="claude-3-opus"), Side(annotator="gpt-4o"), Side(annotator="w17"), Side()]
    version = world.freeze("written", sides)
    assert 2 == len(uses_in_rows(world.ledger, "written", {}))
    adapter = world.tuned(world.ledger.record("run", "w", {}, edges=[Edge("trained-on", version)]), "w")
    assert [("own-answers", "fail")] == rules(world.fit(world.judge("a", "claude-3-opus"), adapter=adapter))
    near = world.fit(world.judge("b", "claude-2"), adapter=adapter)
    assert [("own-answers", Level.WARN)] == [(one.rule, one.level) for one in near]
    assert ["spent-judge"] == [one.rule for one in world.fit(world.judge("c", "gpt-4o"), adapter=adapter)]
    assert [] == world.fit(world.judge("d", "mistral-large"), adapter=adapter)


def test_one_judge_cannot_shape_and_decide() -> None:
    """Roles that contradict each other are refused where they are declared."""
    with pytest.raises(Refused, match="cannot both shape a model and decide on it"):
        JudgeSettings(endpoint="", model="m", roles=["reward", "gate"])
    with pytest.raises(Refused, match="cannot both shape a model and decide on it"):
        RubricSettings(roles=["gate", "model-choice"])


def test_a_key_is_never_a_setting() -> None:
    """A pasted key is refused before it is recorded."""
    with pytest.raises(Refused, match="never a key"):
        JudgeSettings(endpoint="", model="m", key="sk-abc123")


def test_what_is_declared_is_what_counts(ledger: Ledger, tmp_path: Path) -> None:
    """A judge changed and changed back is the first one again."""
    for model in ("one", "two", "one"):
        made = declare(ledger, {"ann": JudgeSettings(endpoint="", model=model)}, {}, tmp_path)
        assert model == declared(ledger, tmp_path).judge("ann").body["model"] == made.judge("ann").body["model"]
    with pytest.raises(Refused, match="no judge of that name"):
        declared(ledger, tmp_path).judge("bob")


def test_criteria_alike() -> None:
    """Order, case and small words make no new criterion; another topic does."""
    assert alike("Mentions a source for each claim.", "For each claim, a source is mentioned" + " mentions.")
    assert not alike("Mentions a source for each claim.", "Is at most three sentences long.")


def test_a_use_must_say_what_and_on_what(world: World) -> None:
    """A use without role, judge or target is refused."""
    judge = world.judge("ann", "gpt-4o")
    for arguments in ({"role": "fun", "on": [world.run], "judge": judge}, {"role": "reward", "on": [], "judge": judge}):
        with pytest.raises(Refused):
            record_use(world.ledger, arguments.pop("role"), **arguments)
    with pytest.raises(Refused):
        record_use(world.ledger, "reward", on=[world.run])
