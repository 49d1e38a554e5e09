"""Looks at sealed pools: counted, logged, answered once.

A look is one candidate against one sealed pool, with its references and its way of asking. It is
logged before the first sealed item is sent, so that a look that was cut short counts too; going on
with it, or asking for the very same one again, is free. Changing a scorer or adding an item does
not fill the budget up: looks at every pool that shares an item are counted together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.evaluate.access_log import AccessLog
from headgate.evaluate.comparing import FAILURE, Arm, Limits, as_sealed, judge_superiority, named, scores
from headgate.evaluate.dirty import Dirt, bits_told, judge_dirt
from headgate.evaluate.settings import Settings
from headgate.evaluate.suites import Suite
from headgate.kit.hashing import digest_json
from headgate.kit.people import acting
from headgate.ledger.ledger import Ledger
from headgate.ledger.roles import SEALED, require
from headgate.ledger.steps import StageContext, verdict_from_json
from headgate.rules.look_history import instructions_in
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.ladder import Ladder, Rung, default_step, error_bound
from headgate.stats.verdict import Finding, Verdict

FILE = "access-log.jsonl"
HEAD = "access-log"  # name of the ledger's nodes that remember the head

Ask = Callable[[], tuple[Sequence[Arm], Arm, bool]]  # references, candidate, whether every answer is settled


class SealedPools:
    """The access log of a project, and the only way to its sealed pools."""

    def __init__(self, ledger: Ledger, settings: Settings, context: StageContext, dirty: Dirt | None = None) -> None:
        self._ledger, self._settings, self._context, self._dirty = ledger, settings, context, dirty
        self.log = AccessLog(context.work.parent / FILE)
        self.problems = self.log.problems(self._remembered())

    def _remembered(self) -> tuple[int, str] | None:
        heads = [(int(node.body["seq"]), str(node.body["hash"])) for node in self._ledger.find("trace", HEAD)]
        return max(heads) if heads else None

    def judge_log(self) -> Verdict | None:
        """Whether the log is whole; None where nothing was ever logged."""
        entries = len(self.log.entries)
        if not entries and not self.problems:
            return None
        verdict = judge_count(
            len(self.problems),
            name="breaks in the access log",
            summary=f"{entries:,} entries of the access log, {len(self.problems):,} breaks in the chain",
            unit="breaks",
            looked_at=max(entries, 1),
            at_most=0,
            findings=[Finding(message=problem) for problem in self.problems],
            next_step=f"restore {self.log.path.name} from a copy" if self.problems else "",
        )
        return named(verdict, "sealed-access-log", "self-leak")

    def look(self, suite: Suite, candidate: str, manner: object, ask: Ask) -> list[Verdict]:
        """The verdicts of one look; `ask` is called only where the look may be taken."""
        pool = suite.digest("sealed")
        look = digest_json([pool, candidate, manner])
        known = self.log.answer_to(look)
        if self.problems:
            return [self._silent(suite, "the access log is damaged, so looks cannot be counted")]
        if known is not None:
            return [verdict_from_json(body) for body in known.detail["verdicts"]]
        used = self.looks(suite)
        about = f"suite:{suite.name}/sealed"
        require(self._ledger, SEALED, by=self._settings.actor, about=about, now=self._context.now)
        if look not in used:
            if len(used) >= self._settings.look_budget:
                return [self._silent(suite, f"the look budget of {self._settings.look_budget} is spent")]
            self._append(suite, candidate, look, "opened", 0.0, {"instructions": instructions_in(suite.body())})
        references, arm, settled = ask()
        verdicts, answer, bits, detail = self._answered(suite, references, arm)
        if settled:
            shown = {**detail, "verdicts": [verdict.as_json() for verdict in verdicts]}
            self._append(suite, candidate, look, answer, bits, shown)
        return verdicts

    def looks(self, suite: Suite) -> list[str]:
        """Different looks that were opened at pools that share an item with this one."""
        mine = {item.id for item in suite.pools["sealed"]}
        kin = {suite.digest("sealed")}
        for node in self._ledger.find("suite"):
            if mine & set(node.body["pools"]["sealed"]):
                kin.add(str(node.body["digests"]["sealed"]))
        return list(dict.fromkeys(look for pool in sorted(kin) for look in self.log.looks(pool)))

    def facts(self, suite: Suite) -> dict[str, Any]:
        """What a report says about the use of a sealed pool."""
        n, bits = len(suite.pools["sealed"]), self.log.bits(suite.digest("sealed"))
        return {
            "items": n,
            "looks_used": len(self.looks(suite)),
            "look_budget": self._settings.look_budget,
            "bits": bits,
            "ceiling": error_bound(bits, n),
        }

    def _answered(
        self, suite: Suite, references: Sequence[Arm], arm: Arm
    ) -> tuple[list[Verdict], str, float, dict[str, Any]]:
        limits = Limits(self._settings.coverage, self._settings.coverage_gap)
        rung = self._rung(suite, arm)
        pairs = [as_sealed(judge_superiority(one, arm, limits), rung, len(arm.items)) for one in references]
        answer = " ".join([*(verdict.outcome.value for verdict, _ in pairs), "better" if rung.better else "not-better"])
        leaks = judge_dirt({"candidate": arm}, self._dirty)
        verdicts = [*(verdict for verdict, _ in pairs), leaks]
        return verdicts, answer, sum(bits for _, bits in pairs) + bits_told(leaks), {"best": rung.best}

    def _rung(self, suite: Suite, arm: Arm) -> Rung:
        pool, n = suite.digest("sealed"), len(arm.items)
        before = [e.detail["best"] for e in self.log.entries if e.suite == pool and "best" in e.detail]
        (values,), _ = scores([arm])
        ladder = Ladder(default_step(n), max(before, default=float("-inf")))
        if len(values) == 0:
            return Rung(False, max(before, default=0.0), default_step(n))
        return ladder.submit(values)

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
        self._ledger.record("trace", HEAD, {"seq": entry.seq, "hash": entry.hash})

    def _silent(self, suite: Suite, reason: str) -> Verdict:
        verdict = cannot_tell(
            summary=f"{suite.name}, sealed: does not answer",
            reason=reason,
            next_step="bring fresh sealed items; the old ones may go to the dev pool",
            details={"suite": suite.name, "pool": "sealed", **self.facts(suite)},
        )
        return named(verdict, "sealed-look", FAILURE)
