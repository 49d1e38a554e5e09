"""Judged suites: who answers better, base or candidate, by judges that may decide.

A judge that is spent, kin of one, unlicensed or worn is not asked at all. Of the others each is asked its canaries
beside the pairs; one that fails them stops the panel. A pair counts for what the panel says with weights from anchors;
how many pairs a judge left without a score, and why, stands on the verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.cards import Card, cards_of
from headgate.evaluate.exposure import sent
from headgate.evaluate.judged_items import POOL, JudgedSuite
from headgate.evaluate.panels import FAMILIES, columns_of, panel_of, vote, weights_of
from headgate.evaluate.qualification import judge_canaries, rubric_text, sing
from headgate.evaluate.settings import Settings
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest, digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext
from headgate.models.judges.asking import JudgeDesk
from headgate.models.judges.declared import Declared, declared
from headgate.models.judges.fence import passages
from headgate.models.judges.pairs import Judged, ends, judged, positions, reasons
from headgate.models.judges.protocol import Pair, orders
from headgate.models.model import Completion, Sampling
from headgate.rules.judge_fitness import NOTHING_KNOWN, bench_of, judge_fit
from headgate.rules.judge_uses import family_of, record_use
from headgate.stats.claims import judge_difference
from headgate.stats.judging import cannot_tell, judge_count, judge_share
from headgate.stats.paired import compare_paired
from headgate.stats.verdict import Level, Verdict

RULE, COVERAGE, PLEAS, SAME = "preferred-over-base", "judge-coverage", "pleas-to-judges", "distinct-answers"
FAILURE, QUALITY = "rubric-overfit", "annotator-qc"
DISTINCT = 0.5  # of the base's share of different answers that the candidate must have
LEAST = 20  # answers from which on they are counted


@dataclass
class JudgedFound:
    """What judged suites brought."""

    verdicts: list[Verdict] = field(default_factory=list)
    scores: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one judge said of the pairs of a suite."""

    desk: JudgeDesk
    results: tuple[Judged, ...]
    position: float
    consistent: tuple[int, int]
    tokens: tuple[int, int]
    weight: float

    def as_json(self) -> dict[str, Any]:
        """For the details of a verdict."""
        node, found = self.desk.node, ends(self.results)
        money = self.tokens[0] * node.body["input_price"] + self.tokens[1] * node.body["output_price"]
        return {
            "judge": node.id,
            "name": node.name,
            "model": node.body["model"],
            "family": family_of(node.body),
            "outcomes": found,
            "unscored": self.unscored,
            "why": reasons(self.results),
            "position_effect": round(self.position, 4),
            "consistent": list(self.consistent),
            "weight": round(self.weight, 4),
            "tokens": list(self.tokens),
            "cost": round(money / 1e6, 6),
        }

    @property
    def unscored(self) -> float:
        """Share of pairs without a score."""
        return 1 - ends(self.results)["scored"] / len(self.results) if self.results else 1.0


def judge_suites(
    ledger: Ledger,
    suites: Sequence[JudgedSuite],
    settings: Settings,
    asker: Asker,
    models: tuple[Address, Address],
    context: StageContext,
    adapter: str | None,
) -> JudgedFound:
    """Every judged suite, asked of base and candidate and laid before its panel."""
    out = JudgedFound()
    known = declared(ledger, context.work)
    for suite in suites:
        _Panel(ledger, suite, settings, context, adapter, known, out).decide(asker, models)
    return out


@dataclass
class _Panel:
    ledger: Ledger
    suite: JudgedSuite
    settings: Settings
    context: StageContext
    adapter: str | None
    known: Declared
    out: JudgedFound
    first_wait: float = 0.5  # seconds, before the first retry of a judge

    def decide(self, asker: Asker, models: tuple[Address, Address]) -> None:
        """Asks models, then judges, then says what came of it."""
        judges, rubric = self._drawn(), self.known.rubric(self.suite.settings.rubric)
        if any(verdict.blocks for verdict in self._fit(judges, rubric)):
            return self._undecided("no judge may decide", "see the verdicts on the judges", {})
        said = self._answers(asker, models)
        for spec in (*(one.spec for one in models), *(str(node.body["endpoint"]) for node in judges)):
            sent(self.ledger, spec, (item.id for item in self.suite.items), self.settings.own_endpoints)
        pairs, lost = self._pairs(said)
        self.out.verdicts.append(self._distinct(said))
        told = []
        for node in judges:
            desk = JudgeDesk(self.ledger, node, quiet=self.context.quiet, first_wait=self.first_wait)
            if not self._believed(desk, rubric):
                return self._undecided(f"judge {node.name} is not believed", "a panel with it says nothing", {})
            told.append(self._told(desk, rubric, pairs))
        self._conclude(told, rubric, pairs, lost)

    def _drawn(self) -> list[Node]:
        """The judges that decide: a draw fixed by what was trained, so that nobody can choose it."""
        names = list(self.suite.settings.judges)
        seed = int(digest_json([self.adapter or self.settings.candidate, self.suite.name])[3:11], 16)
        if draw := self.suite.settings.draw:
            names = sorted(np.random.default_rng(seed).choice(names, draw, replace=False).tolist())
        return [self.known.judge(name) for name in names]

    def _fit(self, judges: Sequence[Node], rubric: Node | None) -> list[Verdict]:
        bench = bench_of(self.ledger, self.adapter) if self.adapter else NOTHING_KNOWN
        found = [
            verdict
            for node in judges
            for verdict in judge_fit(self.ledger, bench, node, rubric, self.context.now, adapter=self.adapter or "")
        ]
        self.out.verdicts += found
        return found

    def _answers(self, asker: Asker, models: tuple[Address, Address]) -> tuple[list[Completion], list[Completion]]:
        most = self.suite.settings.max_tokens or self.settings.max_tokens
        sampling = Sampling(max_tokens=most, stop=tuple(self.settings.stop), seed=self.settings.seed)
        prompts = [self.suite.prompt(item) for item in self.suite.items]
        both = [
            asker.say(f"{self.suite.name}: {name}", address, prompts, sampling)[1]
            for name, address in zip(("base", "candidate"), models, strict=True)
        ]
        return both[0], both[1]

    def _pairs(self, said: tuple[list[Completion], list[Completion]]) -> tuple[list[Pair], dict[str, Counter[str]]]:
        """Pairs of whole answers, and why there is none for other items."""
        pairs, lost = [], {"base": Counter[str](), "candidate": Counter[str]()}
        for item, base, candidate in zip(self.suite.items, *said, strict=True):
            why = {"base": _unwhole(base), "candidate": _unwhole(candidate)}
            for name in (name for name, reason in why.items() if reason):
                lost[name][why[name]] += 1
            if not any(why.values()):
                pairs.append(Pair(item=item.id, prompt=item.question, first=base.text, second=candidate.text))
        return pairs, lost

    def _distinct(self, said: tuple[list[Completion], list[Completion]]) -> Verdict:
        """Whether the candidate gives different answers to different questions; a constant one can win every pair."""
        shares = [len({one.text for one in arm}) / max(len(arm), 1) for arm in said]
        n = len(said[1])
        text = (
            f"{self.suite.name}: {shares[1]:.0%} of {n:,} answers of the candidate differ, of the base {shares[0]:.0%}"
        )
        if n < LEAST:
            why = f"{n} answers, {LEAST} are needed"
            verdict = cannot_tell(summary=text, reason=why).at_level(Level.NOTE)
            return replace(verdict, rule=SAME, failure=FAILURE)
        verdict = judge_count(
            shares[1], name="different answers", summary=text, looked_at=n, unit="share", at_least=DISTINCT * shares[0]
        )
        return replace(verdict, rule=SAME, failure=FAILURE)

    def _believed(self, desk: JudgeDesk, rubric: Node | None) -> bool:
        card = self._card(desk.node, rubric)
        before = card.facts.get("canary_verdicts") if card else None
        day = self.context.now.date().isoformat()
        found = sing(desk, digest_json([self.adapter or self.settings.candidate, self.suite.node, day]))
        verdict = judge_canaries(desk.name, found, before)
        self.out.verdicts.append(verdict)
        return not verdict.blocks

    def _card(self, node: Node, rubric: Node | None) -> Card | None:
        cards = cards_of(self.ledger, node, rubric)
        return cards[-1] if cards else None

    def _told(self, desk: JudgeDesk, rubric: Node | None, pairs: Sequence[Pair]) -> Told:
        calls = [
            call
            for pair in pairs
            for call in orders(pair, repeats=self.suite.settings.repeats, rubric=rubric_text(rubric))
        ]
        answers = desk.answers(calls, f"{self.suite.name}: {desk.name}")
        leaning = positions(calls, answers)
        card = self._card(desk.node, rubric)
        weight = weights_of(*columns_of(self.ledger, [card])).get(desk.name, 1.0) if card else 1.0
        return Told(
            desk=desk,
            results=tuple(judged(calls, answers)),
            position=leaning.effect,
            consistent=(leaning.consistent, leaning.both),
            tokens=(sum(one.tokens[0] for one in answers), sum(one.tokens[1] for one in answers)),
            weight=weight,
        )

    def _conclude(
        self, told: Sequence[Told], rubric: Node | None, pairs: Sequence[Pair], lost: Mapping[str, Counter[str]]
    ) -> None:
        details = self._details(told, rubric, lost)
        coverage = self._coverage(told, pairs, lost, details)
        self.out.verdicts += [coverage, self._pleas(told[0].desk, pairs), self._families(told)]
        if coverage.blocks:
            self._undecided("too many pairs have no score", coverage.summary, details)
        else:
            self._compared(told, pairs, details)
        self._record(told, rubric, details)

    def _details(self, told: Sequence[Told], rubric: Node | None, lost: Mapping[str, Counter[str]]) -> dict[str, Any]:
        cards = [card for one in told if (card := self._card(one.desk.node, rubric))]
        details: dict[str, Any] = {
            "suite": self.suite.name,
            "pool": POOL,
            "reference": "base",
            "candidate": "candidate",
            "rubric": rubric.id if rubric else "",
            "rubric_free": rubric is None or not rubric.body["criteria"],
            "judges": [one.as_json() for one in told],
            "not_answered": {name: dict(why) for name, why in lost.items()},
            "allowed_unscored": self.suite.settings.unscored,
        }
        if len(cards) > 1:
            try:
                details["panel"] = panel_of(*columns_of(self.ledger, cards)).as_json()
            except Refused as error:
                details["panel"] = error.what
        return details

    def _coverage(
        self, told: Sequence[Told], pairs: Sequence[Pair], lost: Mapping[str, Counter[str]], details: Mapping[str, Any]
    ) -> Verdict:
        """The share of items without a score, by who left them without one."""
        count = len(self.suite.items)
        missing = {name: sum(why.values()) for name, why in lost.items()}
        missing |= {one.desk.name: round(one.unscored * len(pairs)) for one in told}
        worst = max(missing, key=lambda name: missing[name])
        why = {one.desk.name: reasons(one.results) for one in told} | {name: dict(lost[name]) for name in lost}
        reason = ", ".join(f"{times:,} x {text}" for text, times in list(why[worst].items())[:3])
        text = f"{self.suite.name}: {missing[worst]:,} of {count:,} items without a score, by {worst}"
        share = missing[worst] / max(count, 1)
        details = {**details, "unscored": {name: n / max(count, 1) for name, n in missing.items()}}
        most = self.suite.settings.unscored
        if share > most or not pairs:
            verdict = cannot_tell(
                summary=text,
                reason=f"{share:.1%} of the items, {most:.0%} at most ({reason or 'no pairs'})",
                next_step="see to the endpoint and run the same command again; only what failed is asked again",
                details=details,
            )
        else:
            told_all = f"{self.suite.name}: every item is scored"
            verdict = judge_share(
                missing[worst],
                count,
                name="items without a score",
                summary=text if missing[worst] else told_all,
                at_most=most,
                census=True,
                details=details,
            )
        return replace(verdict, rule=COVERAGE, failure=QUALITY)

    def _pleas(self, desk: JudgeDesk, pairs: Sequence[Pair]) -> Verdict:
        """Answers of the candidate that address the judge where the base's do not."""
        pleading = [pair for pair in pairs if passages(pair.second) and not passages(pair.first)]
        told = f"{len(pleading):,} of {len(pairs):,} answers of the candidate address the judge"
        verdict = judge_count(
            len(pleading),
            name="answers that address the judge",
            looked_at=len(pairs),
            unit="answers",
            at_most=0,
            summary=f"{self.suite.name}: {told}; such passages are taken out",
            details={"taken_out": sum(desk.injections[pair.item] for pair in pairs)},
        )
        return replace(verdict, rule=PLEAS, failure=FAILURE, level=Level.WARN)

    def _families(self, told: Sequence[Told]) -> Verdict:
        known = sorted({family_of(one.desk.node.body) for one in told} - {""})
        verdict = judge_count(
            len(known),
            name="families",
            summary=f"{self.suite.name}: judges of {len(known)} families decide ({', '.join(known)})",
            looked_at=len(told),
            unit="families",
            at_least=FAMILIES,
            next_step="add judges of other families",
        )
        return replace(verdict, rule="panel-families", failure=QUALITY, level=Level.WARN)

    def _compared(self, told: Sequence[Told], pairs: Sequence[Pair], details: dict[str, Any]) -> None:
        scores = self._votes(told, pairs)
        clusters = {item.id: item.cluster for item in self.suite.items}
        named = [clusters[pair.item] for pair in pairs if pair.item in scores]
        after = np.array([scores[pair.item] for pair in pairs if pair.item in scores])
        compared = compare_paired(1 - after, after, clusters=named if len(set(named)) < len(named) else None)
        details["left_out"] = self._left_out(told, pairs)
        won, tied = int((after == 1).sum()), int((after == 0.5).sum())
        points = f"{compared.d * 100:+.1f} points, {compared.low * 100:+.1f} to {compared.high * 100:+.1f}"
        text = f"{self.suite.name}: the candidate is preferred on {won:,} of {len(after):,} items, the base on "
        text += f"{len(after) - won - tied:,} ({points}), by {', '.join(one.desk.name for one in told)}"
        verdict = judge_difference(
            compared, kind="superiority", name="share preferred, less share not", details=details, summary=text
        )
        self.out.verdicts.append(replace(verdict, rule=RULE, failure=FAILURE))

    def _votes(self, told: Sequence[Told], pairs: Sequence[Pair]) -> dict[str, float]:
        by_judge = {one.desk.name: {result.item: result.score for result in one.results} for one in told}
        weights = {one.desk.name: one.weight for one in told}
        voted = {
            pair.item: vote({name: said.get(pair.item) for name, said in by_judge.items()}, weights) for pair in pairs
        }
        return {item: score for item, score in voted.items() if score is not None}

    def _left_out(self, told: Sequence[Told], pairs: Sequence[Pair]) -> dict[str, float]:
        """The difference in points with each judge left out: how much hangs on one of them."""
        if len(told) < 2:
            return {}
        out = {}
        for one in told:
            scores = list(self._votes([other for other in told if other is not one], pairs).values())
            out[one.desk.name] = round(2 * float(np.mean(scores)) - 1, 4) if scores else 0.0
        return out

    def _undecided(self, what: str, why: str, details: Mapping[str, Any]) -> None:
        about = {"suite": self.suite.name, "pool": POOL, "reference": "base", "candidate": "candidate", "judges": []}
        verdict = cannot_tell(
            summary=f"{self.suite.name}: whether the candidate is preferred cannot be told, {what}", reason=why,
            next_step="headgate judge rotation", details={**about, **details},
        )  # fmt: skip
        self.out.verdicts.append(replace(verdict, rule=RULE, failure=FAILURE))

    def _record(self, told: Sequence[Told], rubric: Node | None, details: Mapping[str, Any]) -> None:
        said = {one.desk.name: {result.item: result.score for result in one.results} for one in told}
        body = {
            "judged_suite": self.suite.node,
            "pool": POOL,
            "arm": "judged",
            "judges": {one.desk.name: one.desk.node.id for one in told},
            "n": len(self.suite.items),
            "transcript": digest(canonical_json(said)),
            "outcomes": self.ledger.content.put(canonical_json(said)),
        }
        edges = [Edge("judged-by", self.suite.node), *(Edge("judged-by", one.desk.node.id) for one in told)]
        edges += [Edge("judged-by", rubric.id)] if rubric else []
        edges += [Edge("derived-from", self.adapter)] if self.adapter else []
        name = f"{self.suite.name}/{POOL}/judged"
        self.out.scores[name] = self.ledger.record("score", name, body, edges=edges)
        self.out.facts[self.suite.name] = {"judges": details["judges"], "n": len(self.suite.items)}
        if self.adapter:
            for one in told:
                record_use(self.ledger, "gate", on=[self.adapter], judge=one.desk.node, rubric=rubric)


def _unwhole(one: Completion) -> str:
    if one.outcome == "error":
        return one.error or "no answer"
    return "cut off at the token limit" if one.finish_reason == "length" else ""
