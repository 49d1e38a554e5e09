"""Looks at sealed pools: counted, priced in bits, logged, answered once.

A look is one candidate against one sealed pool, with its references and its way of asking. It is
logged before the first sealed item is sent, so that a look that was cut short counts too; going on
with it, or asking for the very same one again, is free. Changing a scorer or adding an item does
not fill the budget up: looks at every pool that shares an item are counted together. A pool that may
give nothing more away becomes a development pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from headgate.evaluate.access_log import OPENED, AccessLog
from headgate.evaluate.answers import RUNGS, as_sealed, as_word, rung_price
from headgate.evaluate.budget import Budget, spend
from headgate.evaluate.comparing import FAILURE, SCORED, Arm, Limits, judge_superiority, named
from headgate.evaluate.dirty import Dirt, bits_told, judge_dirt
from headgate.evaluate.log_heads import heads_of, remember
from headgate.evaluate.renewing import in_words, judge_renewed
from headgate.evaluate.settings import Settings
from headgate.evaluate.suites import Suite
from headgate.kit.hashing import canonical_json, digest_json
from headgate.kit.people import acting
from headgate.ledger.ledger import Ledger
from headgate.ledger.roles import SEALED, require
from headgate.ledger.steps import StageContext, verdict_from_json
from headgate.rules.look_history import instructions_in
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.ladder import Ladder, Rung, bits_of, default_step
from headgate.stats.verdict import Finding, Verdict

FILE = "access-log.jsonl"
VERDICT = "verdict"
TAKEN_AWAY = "it answered {n:,} looks and stands in the flow file no more: what it said cannot be left out"

Ask = Callable[[], tuple[Sequence[Arm], Arm, bool]]  # references, candidate, whether every answer is settled


class SealedPools:
    """The access log of a project, and the only way to its sealed pools."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        context: StageContext,
        dirty: Dirt | None = None,
        spent: Mapping[str, Mapping[str, Arm]] | None = None,
    ) -> None:
        """`spent` are the arms of each suite on its development pool, where items that were spent stand."""
        self._ledger, self._settings, self._context, self._dirty = ledger, settings, context, dirty
        self._spent = spent or {}
        self.log = AccessLog(context.work.parent / FILE)
        self._heads = heads_of(ledger, self.log, context.flow_name)
        self.problems = self._heads.problems(self.log)

    def judge_log(self) -> Verdict | None:
        """Whether the log is whole; None where nothing was ever logged."""
        return judge_log(self.log, self.problems)

    def look(self, suite: Suite, candidate: str, manner: object, ask: Ask) -> list[Verdict]:
        """The verdicts of one look; `ask` is called only where the look may be taken."""
        if self.problems:
            return [self._silent(suite, "the access log is damaged, so looks cannot be counted")]
        upto = (heads_of(self._ledger, self.log, self._context.flow_name).own or (0,))[0]
        for pool in dict.fromkeys([suite.digest("sealed"), *suite.spent]):
            if known := self.log.answer_to(digest_json([pool, candidate, manner]), upto):
                return [verdict_from_json(body) for body in known.detail["verdicts"]]
        if not suite.pools["sealed"] and suite.spent:
            return [self._silent(suite, "its sealed items are spent, and are development items now")]
        if not suite.pools["sealed"]:
            return [self._silent(suite, TAKEN_AWAY.format(n=len(looks)))] if (looks := self.looks(suite)) else []
        look = digest_json([suite.digest("sealed"), candidate, manner])
        about = f"suite:{suite.name}/sealed"
        require(self._ledger, SEALED, by=self._settings.actor, about=about, now=self._context.now)
        if look not in self.looks(suite):
            if (budget := self.budget(suite)).spent:
                if budget.looks:  # a budget of nothing keeps a pool closed and does not open it to everybody
                    self._spend(suite, budget.why)
                return [self._silent(suite, budget.why)]
            self._append(suite, candidate, look, OPENED, 0.0, {"instructions": instructions_in(suite.body())})
        references, arm, settled = ask()
        verdicts, answer, bits, detail = self._answered(suite, references, arm)
        budget = self.budget(suite, more=bits)
        verdicts = [_with(verdict, budget) for verdict in verdicts]
        if settled:
            shown = {**detail, "verdicts": [verdict.as_json() for verdict in verdicts]}
            self._append(suite, candidate, look, answer, bits, shown)
            if budget.spent:
                self._spend(suite, budget.why)
        return verdicts

    def looks(self, suite: Suite) -> list[str]:
        """Different looks that were opened at pools that share an item with this one."""
        opened = (self._heads.looks(pool) + self.log.looks(pool) for pool in self._kin(suite))
        return list(dict.fromkeys(look for looks in opened for look in looks))

    def budget(self, suite: Suite, *, more: float = 0.0) -> Budget:
        """What was given away of a pool and of those that share an item with it, and `more` bits."""
        kin = self._kin(suite)
        elsewhere = self._heads.prices(kin)
        dearest = max([more, *elsewhere, *(one.bits for one in self.log.entries if one.suite in kin)])
        return Budget(
            items=len(self._items(suite)),
            looks=len(self.looks(suite)),
            looks_allowed=self._settings.look_budget,
            bits=self.log.bits(*kin) + sum(elsewhere) + more,
            bits_allowed=self._settings.look_bits,
            price=dearest,
        )

    def facts(self, suite: Suite) -> dict[str, Any]:
        """What a report says about the use of a sealed pool."""
        return self.budget(suite).as_json()

    def _kin(self, suite: Suite) -> list[str]:
        mine = set(self._items(suite))
        kin = {suite.digest("sealed")}
        for node in self._ledger.find("suite"):
            if mine & set(node.body["pools"]["sealed"]):
                kin.add(str(node.body["digests"]["sealed"]))
        return sorted(kin)

    def _items(self, suite: Suite) -> list[str]:
        """The items of the sealed pool; where it is empty, those that it had until they were spent or taken away."""
        return (
            [item.id for item in suite.pools["sealed"]]
            or [item for some in suite.spent.values() for item in some]
            or [item for some in sealed_before(self._ledger, suite.name)[-1:] for item in some]
        )

    def _spend(self, suite: Suite, why: str) -> None:
        node = self._ledger.record("suite", suite.name, suite.body())
        items = [item.id for item in suite.pools["sealed"]]
        spend(self._ledger, suite.name, SEALED, node, suite.digest(SEALED), items, why)

    def _answered(
        self, suite: Suite, references: Sequence[Arm], arm: Arm
    ) -> tuple[list[Verdict], str, float, dict[str, Any]]:
        limits = Limits(self._settings.coverage, self._settings.coverage_gap)
        rung, detail = self._rung(suite, arm)
        word = self._settings.sealed_answer == VERDICT
        n = len(arm.items)
        told = [(as_word if word else as_sealed)(judge_superiority(one, arm, limits), rung, n) for one in references]
        answer = " ".join([*(verdict.outcome.value for verdict, _ in told), "better" if rung.better else "not-better"])
        leaks = judge_dirt({"candidate": arm}, self._dirty)
        bits = sum(price for _, price in told)
        if word:
            leaks = replace(leaks, details={key: value for key, value in leaks.details.items() if key != "scores"})
            bits += bits_of(RUNGS)
        else:
            bits += bits_told(leaks) + rung_price(rung.step if self._settings.ladder == "fixed" else 1 / max(n, 1))
        both = {"candidate": arm, **{one.name: one for one in references if one.name == "base"}}
        renewed, more = in_words(judge_renewed(suite, self._spent.get(suite.name, {}), both))
        return [*(verdict for verdict, _ in told), leaks, *renewed], answer, bits + more, detail

    def _rung(self, suite: Suite, arm: Arm) -> tuple[Rung, dict[str, Any]]:
        """The Ladder's word, and what the log keeps so that the next one can be given."""
        pool, n = suite.digest("sealed"), len(arm.items)
        before = [e.detail for e in self.log.entries if e.suite == pool and "best" in e.detail]
        best = max((float(detail["best"]) for detail in before), default=float("-inf"))
        mine = {item.id: one.score for item, one in zip(arm.items, arm.scored, strict=True) if one.mark in SCORED}
        if not mine:
            return Rung(False, max(best, 0.0), default_step(n)), {"best": max(best, 0.0)}
        if self._settings.ladder == "fixed":
            rung = Ladder(default_step(n), best).submit(np.array(list(mine.values())))
            return rung, {"best": rung.best}
        held = [str(detail["held"]) for detail in before if "held" in detail]
        earlier = orjson.loads(self._ledger.content.get(held[-1])) if held else {}
        shared = [item for item in mine if item in earlier] or list(mine)
        ladder = Ladder(None, best, np.array([earlier[item] for item in shared]) if earlier else None)
        rung = ladder.submit(np.array([mine[item] for item in shared]))
        kept = self._ledger.content.put(canonical_json(mine)) if rung.better else (held[-1] if held else "")
        return replace(rung, step=1 / n), {"best": rung.best, **({"held": kept} if kept else {})}

    def _append(
        self, suite: Suite, candidate: str, look: str, answer: str, bits: float, detail: dict[str, Any]
    ) -> None:
        entry = self.log.append(
            actor=acting(self._settings.actor).name,
            candidate=candidate,
            suite=suite.digest("sealed"),
            purpose=self._settings.purpose,
            look=look,
            answer=answer,
            bits=bits,
            detail=detail,
            at=self._context.now,
        )
        remember(self._ledger, self.log, entry, self._context.flow_name)

    def _silent(self, suite: Suite, reason: str) -> Verdict:
        verdict = cannot_tell(
            summary=f"{suite.name}, sealed: does not answer",
            reason=reason,
            next_step="bring fresh sealed items: headgate evaluate pools replace --help",
            details={"suite": suite.name, "pool": "sealed", **self.facts(suite)},
        )
        return named(verdict, "sealed-look", FAILURE)


def sealed_before(ledger: Ledger, suite: str) -> list[list[str]]:
    """The items of every sealed pool that a suite of this name had, oldest first."""
    return [some for node in ledger.find("suite", suite) if (some := list(node.body["pools"]["sealed"]))]


def judge_log(log: AccessLog, problems: Sequence[str]) -> Verdict | None:
    """Whether a log is whole; None where nothing was ever logged."""
    entries = len(log.entries)
    if not entries and not problems:
        return None
    verdict = judge_count(
        len(problems),
        name="breaks in the access log",
        summary=f"{entries:,} entries of the access log, {len(problems):,} breaks in the chain",
        unit="breaks",
        looked_at=max(entries, 1),
        at_most=0,
        findings=[Finding(message=problem) for problem in problems],
        next_step=f"restore {log.path.name} from a copy" if problems else "",
    )
    return named(verdict, "sealed-access-log", "self-leak")


def _with(verdict: Verdict, budget: Budget) -> Verdict:
    """A verdict that says what it cost the pool that it came from."""
    details = {**verdict.details, "look": budget.as_json()}
    if not verdict.rule.startswith("candidate-over-"):
        return replace(verdict, details=details)
    return replace(verdict, summary=f"{verdict.summary} ({budget.told})", details=details)
