"""The stage: base, best few-shot prompt and candidate on the same items; two claims per pool.

A candidate must beat the base it was made from, and the best prompt that the same base could have
been given. Both claims are asked of the gate pool and of the sealed pool; on the development pool
everything may be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headgate.evaluate.asking import Address, Asker, addresses
from headgate.evaluate.comparing import FAILURE, Arm, Limits, judge_coverage, judge_superiority, named
from headgate.evaluate.depending import depends_on
from headgate.evaluate.dirty import Dirt, dirt, pools_judged
from headgate.evaluate.exposure import DECIDING, PROMPT, expose, judge_exposure, sent
from headgate.evaluate.fewshot import (
    NO_SHOTS,
    Choice,
    Pool,
    Shots,
    all_shots,
    best,
    items_to_choose_on,
    judge_prompts,
    judge_shots,
    point,
    training_rows,
)
from headgate.evaluate.forgetting.battery import check_forgetting, judge_substance, skills_of
from headgate.evaluate.governor import govern_all
from headgate.evaluate.imported import Imported, judge_imported
from headgate.evaluate.judged import judge_suites
from headgate.evaluate.judged_items import JudgedSuite, judged_suites
from headgate.evaluate.pools import judge_apart
from headgate.evaluate.probing import probe_all, probes_of
from headgate.evaluate.protecting import protects, suites_of
from headgate.evaluate.recording import facts_of, record_all, record_arm, write_dev
from headgate.evaluate.renewing import judge_renewed
from headgate.evaluate.safety import battery as safety
from headgate.evaluate.safety.calibration import check_calibration
from headgate.evaluate.sealed import SealedPools, sealed_before
from headgate.evaluate.settings import POOLS, Settings
from headgate.evaluate.shadow.battery import check_shadow
from headgate.evaluate.standing import judge_decline, judge_worst_slice
from headgate.evaluate.suites import Suite, counts, freeze
from headgate.evaluate.triage import audit
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.rules.data.dat017_chosen_on_items import chosen_on_items
from headgate.rules.given import Given
from headgate.rules.look_history import instructions_in, looks_in
from headgate.rules.looks import LOOKS, Look, by_pool
from headgate.stats.judging import judge_count
from headgate.stats.verdict import Level, Outcome, Verdict, worst

__all__ = ["depends_on", "protects", "run"]


def run(ledger: Ledger, settings: Settings, *, context: StageContext) -> StepResult:
    """Evaluates and compares.

    Raises:
        Refused: items, models or settings that the user can mend.
    """
    imported = judge_imported(ledger, settings, context)
    if not settings.suites:
        return _only(imported, ledger, settings, context)
    suites = suites_of(ledger, settings, context)
    for suite in suites:
        if not suite.pools["gate"] and not suite.pools["sealed"] and not suite.spent:
            raise Refused(f"suite {suite.name!r} has no gate or sealed items", wanted="items that may decide something")
    judged = judged_suites(ledger, settings, context)
    base, candidate = addresses(ledger, settings, context)
    stage = _Stage(ledger, settings, context, suites, base, candidate, judged)
    stage.take(imported)
    with Asker(settings, context) as asker:
        stage.walk(asker)
    return stage.result()


def _only(imported: Imported, ledger: Ledger, settings: Settings, context: StageContext) -> StepResult:
    """How a stage ended that asked no model, because all its evidence was imported."""
    adapter = context.outputs.get("train", {}).get("adapter") if not settings.candidate else None
    governed = govern_all(ledger, settings.governor, context, adapter)
    imported.verdicts += governed.verdicts
    outcome = worst(imported.verdicts)
    return StepResult(
        stage="evaluate",
        outcome=outcome,
        summary=_summary(imported.verdicts, outcome),
        verdicts=tuple(imported.verdicts),
        outputs={"scores": record_all(ledger, imported.scores), **imported.scores} if imported.scores else {},
        facts={"imported": imported.facts},
    )


@dataclass
class _Stage:
    """One evaluation on its way: what was asked so far and what came of it."""

    ledger: Ledger
    settings: Settings
    context: StageContext
    suites: Sequence[Suite]
    base: Address
    candidate: Address
    judged: Sequence[JudgedSuite] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    arms: dict[str, dict[str, dict[str, Arm]]] = field(default_factory=dict)  # suite, pool, arm
    choices: dict[str, Choice] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    dirty: Dirt | None = None  # items that training rows match

    def take(self, imported: Imported) -> None:
        """Adds what was judged of imported logs."""
        self.verdicts += imported.verdicts
        self.scores |= imported.scores
        if imported.facts:
            self.facts["imported"] = imported.facts

    def walk(self, asker: Asker) -> None:
        """All of it, in an order that opens each model as seldom as possible."""
        nodes = {suite.name: freeze(self.ledger, suite) for suite in self.suites}
        self.verdicts.append(named(judge_apart([i for s in self.suites for i in s.items]), "pools-apart", "self-leak"))
        probes = probes_of(self.ledger, self.settings, self.context)
        axes = safety.probes_of(self.ledger, self.settings.safety, self.context)
        skills = skills_of(self.settings.forgetting, self.context.folder)
        rows = self._training_rows()
        for suite in self.suites:
            self._choose(asker, suite, rows)
        shown = {name: [choice.shots] for name, choice in self.choices.items()}
        self.verdicts.append(named(judge_prompts(self.suites, shown), "prompt-leak", "self-leak"))
        if self.verdicts[-1].outcome is Outcome.FAIL:
            given = {one.row for one in self.verdicts[-1].findings if one.row}
            expose(self.ledger, given, how=PROMPT, where=", ".join(suite.name for suite in self.suites))
            return
        for address, names in ((self.base, ("base", "few-shot")), (self.candidate, ("candidate",))):
            for suite in self.suites:
                for pool in ("dev", "gate"):
                    self._ask(asker, suite, pool, address, names)
        self.dirty = dirt(self.ledger, self.context)
        probed = probe_all(probes, self.settings, asker, (self.base, self.candidate))
        for suite in self.suites:
            self._compare(suite)
            arms = self.arms.get(suite.name, {})
            self.verdicts += pools_judged(arms, self.dirty)
            self.verdicts += judge_renewed(suite, arms.get("dev", {}), arms.get("gate", {}))
        if dataset := self.context.outputs.get("curate", {}).get("dataset"):
            self.verdicts += audit(self.ledger, self.suites, dataset)
        self.verdicts += probed.verdicts
        self._sealed(asker)
        models = (self.base, self.candidate)
        preferred = judge_suites(self.ledger, self.judged, self.settings, asker, models, self.context, self._adapter())
        self.verdicts += preferred.verdicts
        self.scores |= preferred.scores
        if preferred.facts:
            self.facts["judged"] = preferred.facts
        self._check(asker, axes, skills)
        self.verdicts += judge_exposure(self.ledger, self.suites)
        with self.ledger.transaction():
            self._record(nodes)
            self.scores |= probed.record(self.ledger, self._adapter())

    def _check(self, asker: Asker, axes: Sequence[safety.Probe], skills: Sequence[Suite]) -> None:
        """The batteries: what tuning may have taken away."""
        models, coverage = (self.base, self.candidate), self.settings.coverage
        checked = safety.check_safety(
            self.ledger, axes, self.settings.safety, asker, models, self.context,
            coverage=coverage, adapter=self._adapter(),
        )  # fmt: skip
        self.verdicts += checked.verdicts
        self.scores |= checked.scores
        if checked.facts:
            self.facts["safety"] = checked.facts
        self.verdicts += check_calibration(self.settings.safety, asker, models, self.context)
        self.verdicts += check_shadow(self.suites, self.settings.shadow, asker, models, self.context)
        limits = Limits(coverage, self.settings.coverage_gap)
        kept = check_forgetting(skills, self.settings.forgetting, asker, models, limits)
        self.verdicts += kept.verdicts
        if kept.facts:
            self.facts["forgetting"] = kept.facts
        self.verdicts += judge_substance(self.verdicts)
        self.govern()

    def govern(self) -> None:
        """Rewards that the flow declares: proxy against outcome."""
        governed = govern_all(self.ledger, self.settings.governor, self.context, self._adapter())
        self.verdicts += governed.verdicts
        if governed.facts:
            self.facts["governor"] = governed.facts

    def _choose(self, asker: Asker, suite: Suite, pool: Pool | None) -> None:
        if pool is None or self.settings.few_shot.counts == [0]:
            self.verdicts.append(_skipped(suite, "no dataset version above to draw examples from"))
            return
        tried = all_shots(pool, self.settings.few_shot, suite)
        items, source = items_to_choose_on(suite, pool, self.settings.few_shot)
        if not items or not any(shots.count for shots in tried):
            self.verdicts.append(_skipped(suite, "no rows to show or to choose on"))
            return
        curve, arms = [], []
        for shots in tried:
            arm, said = asker.ask(f"base, {shots.count} examples", self.base, suite, "dev", items, shots)
            curve.append(point(shots, arm.scored, sum(one.finish_reason == "context" for one in said)))
            arms.append(arm.scored)
        self.verdicts += judge_shots(suite.name, tried, arms, [item.cluster for item in items])
        choice = Choice(shots=best(tried, curve), curve=tuple(curve), chosen_on=source, refused=pool.refused)
        self.choices[suite.name] = choice

    def _training_rows(self) -> Pool | None:
        dataset = self.context.outputs.get("curate", {}).get("dataset")
        if not dataset:
            return None
        items = [item for suite in self.suites for item in suite.items]
        return training_rows(self.ledger, dataset, self.settings.few_shot, items, self.settings.seed)

    def _shots(self, suite: Suite, name: str) -> Shots:
        return self.choices[suite.name].shots if name == "few-shot" else NO_SHOTS

    def _ask(self, asker: Asker, suite: Suite, pool: str, address: Address, names: Sequence[str]) -> bool:
        """Asks and keeps; whether every answer is settled."""
        settled = True
        for name in names:
            if not suite.pools[pool] or (name == "few-shot" and suite.name not in self.choices):
                continue
            if pool in DECIDING:
                own = self.settings.own_endpoints
                sent(self.ledger, address.spec, (item.id for item in suite.pools[pool]), own)
            arm, said = asker.ask(name, address, suite, pool, suite.pools[pool], self._shots(suite, name))
            self.arms.setdefault(suite.name, {}).setdefault(pool, {})[name] = arm
            settled = settled and all(one.settled for one in said)
        return settled

    def _compare(self, suite: Suite) -> None:
        limits = Limits(self.settings.coverage, self.settings.coverage_gap)
        arms = self.arms.get(suite.name, {}).get("gate")
        if not arms:
            return
        self.verdicts.append(judge_coverage(list(arms.values()), limits))
        for name in ("base", "few-shot"):
            if name in arms:
                self.verdicts.append(judge_superiority(arms[name], arms["candidate"], limits))
        margin = self.settings.slice_drop
        found = judge_worst_slice(arms["base"], arms["candidate"], limits, margin) if "base" in arms else None
        fallen = judge_decline(self.ledger, arms["candidate"], self.settings.decline)
        self.verdicts += [one for one in (found, fallen) if one is not None]
        self.verdicts += [_steady(arm) for arm in arms.values() if len(arm.versions) > 1]
        self.verdicts.append(self._chosen_on(suite, arms["candidate"]))

    def _chosen_on(self, suite: Suite, arm: Arm) -> Verdict:
        """Whether instructions or models were chosen by their scores on the gate items, this look counted."""
        known = looks_in(self.ledger)
        look = Look(
            at=max([self.context.now, *(one.at for one in known)]),
            suite=f"{suite.name}, gate",
            candidate=arm.model,
            instructions=instructions_in(suite.body()),
            items=frozenset(item.id for item in arm.items),
        )
        (mine,) = (looks for looks in by_pool([*known, look]) if look in looks)
        return chosen_on_items.judge(Given({LOOKS: mine}))

    def _sealed(self, asker: Asker) -> None:
        suites = [
            one for one in self.suites if one.pools["sealed"] or one.spent or sealed_before(self.ledger, one.name)
        ]
        if not suites:
            return
        spent = {name: pools.get("dev", {}) for name, pools in self.arms.items()}
        room = SealedPools(self.ledger, self.settings, self.context, self.dirty, spent)
        for suite in suites:
            self.verdicts += room.look(
                suite, self._identity(asker, suite), self._manner(suite), self._look(asker, suite)
            )
        if verdict := room.judge_log():
            self.verdicts.append(verdict)
        self.facts["sealed"] = {suite.name: room.facts(suite) for suite in suites}

    def _identity(self, asker: Asker, suite: Suite) -> str:
        spent = {item for some in suite.gone.values() for item in some}
        for pool in ("gate", "dev"):
            arm = self.arms.get(suite.name, {}).get(pool, {}).get("candidate")
            # Items that were spent must not change who was asked: the same look is to be known again.
            if arm and any(item.id not in spent for item in arm.items):
                return arm.model
        return asker.model(self.candidate).fingerprint

    def _manner(self, suite: Suite) -> dict[str, Any]:
        arms = self.arms.get(suite.name, {}).get("gate", {})
        return {
            "base": arms["base"].model if "base" in arms else self.base.spec,
            "prompt": self.choices[suite.name].shots.digest if suite.name in self.choices else "",
            "max_tokens": suite.settings.max_tokens or self.settings.max_tokens,
            "stop": list(self.settings.stop),
        }

    def _look(self, asker: Asker, suite: Suite) -> Any:
        def ask() -> tuple[Sequence[Arm], Arm, bool]:
            first = self._ask(asker, suite, "sealed", self.candidate, ("candidate",))
            second = self._ask(asker, suite, "sealed", self.base, ("base", "few-shot"))
            arms = self.arms[suite.name]["sealed"]
            references = [arms[name] for name in ("base", "few-shot") if name in arms]
            return references, arms["candidate"], first and second

        return ask

    def _record(self, nodes: Mapping[str, str]) -> None:
        adapter = self._adapter()
        for suite, pools in self.arms.items():
            for pool, arms in pools.items():
                for name, arm in arms.items():
                    prompt = self.choices[suite].shots.digest if name == "few-shot" else ""
                    node = record_arm(self.ledger, arm, nodes[suite], adapter, prompt)
                    self.scores[f"{suite}/{pool}/{name}"] = node

    def _adapter(self) -> str | None:
        return self.context.outputs.get("train", {}).get("adapter") if not self.settings.candidate else None

    def result(self) -> StepResult:
        """How the stage ended."""
        outcome = worst(self.verdicts)
        outputs = {"scores": record_all(self.ledger, self.scores), **self.scores} if self.scores else {}
        for suite, pools in self.arms.items():
            if "dev" in pools:
                outputs[f"{suite}/dev/results"] = str(write_dev(self.context, suite, list(pools["dev"].values())))
        return StepResult(
            stage="evaluate",
            outcome=outcome,
            summary=_summary(self.verdicts, outcome),
            verdicts=tuple(self.verdicts),
            outputs=outputs,
            facts=self.facts | self._told(),
        )

    def _told(self) -> dict[str, Any]:
        suites: dict[str, Any] = {}
        for suite in self.suites:
            arms = self.arms.get(suite.name, {})
            shown = {
                pool: {name: facts_of(arm) for name, arm in arms[pool].items()} for pool in POOLS[:2] if pool in arms
            }
            told = {"items": counts(suite), "repeats": suite.repeats, "pools": shown}
            told |= {"left_out": suite.bridges, "spent": [len(some) for some in suite.spent.values()]}
            suites[suite.name] = told
        return {"suites": suites, "few_shot": {name: choice.as_json() for name, choice in self.choices.items()}}


def _skipped(suite: Suite, reason: str) -> Verdict:
    return Verdict(
        rule="candidate-over-few-shot",
        code="",
        failure=FAILURE,
        outcome=Outcome.SKIPPED,
        level=Level.BLOCK,
        summary=f"{suite.name}: no few-shot prompt was tried",
        reason=reason,
        details={"suite": suite.name},
    )


def _steady(arm: Arm) -> Verdict:
    verdict = judge_count(
        len(arm.versions),
        name="server versions",
        summary=f"{arm.suite}, {arm.pool}: {len(arm.versions)} versions of the server answered for {arm.name}",
        unit="versions",
        looked_at=len(arm.items),
        at_most=1,
        next_step="pin the version of the model behind the endpoint",
        details={"versions": list(arm.versions)},
    )
    return named(verdict, "one-model", FAILURE, Level.WARN)


def _summary(verdicts: Sequence[Verdict], outcome: Outcome) -> str:
    """The verdict that decided, in one line."""
    blocking = [verdict for verdict in verdicts if verdict.blocks and verdict.outcome is outcome]
    claims = [verdict for verdict in verdicts if verdict.rule.startswith("candidate-over-")]
    first = (blocking or [one for one in claims if one.outcome is outcome] or verdicts)[0]
    return first.summary + (f" ({first.reason})" if first.reason else "")
