"""Fresh items in the place of a spent or retired pool, and whether scores before and after may be compared.

The old items stay in the ledger as development items and are asked again beside the fresh ones, of the same models:
where the base scores alike on both, the two pools are equally hard; where a candidate gains on the old ones and not on
the fresh ones, what it learned was the pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.evaluate.budget import spend
from headgate.evaluate.comparing import SCORED, Arm, named
from headgate.evaluate.extractors import normalised
from headgate.evaluate.fewshot import LIKE
from headgate.evaluate.pools import Item, guarded
from headgate.evaluate.scorers import Mark
from headgate.evaluate.suites import Suite, freeze, load_suite
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.protection import COPY
from headgate.rules.firewall import protect, reopen
from headgate.stats.judging import cannot_tell, judge_interval, judge_share
from headgate.stats.ladder import bits_of
from headgate.stats.unpaired import effect_difference, share_difference
from headgate.stats.verdict import Finding, Level, Measure, Outcome, Verdict
from headgate.text.near_duplicates import near_duplicate_pairs

FRESH, HARD, HELD = "fresh-items", "pools-comparable", "gain-on-fresh-items"
FAILURE, TRAIL = "self-leak", "pool-replaced"
MARGIN = 0.1  # of a score or a gain, on either side
LEAST = 10  # items of each side from which on they are compared
OUTCOMES = 3


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """What came of replacing a pool."""

    suite: str
    pool: str
    fresh: int
    overlap: int  # items of the file that the old pool had: they become development items and link the two
    old: int
    verdict: Verdict
    node: str = ""  # empty: nothing was replaced

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        told = {name: getattr(self, name) for name in ("suite", "pool", "fresh", "overlap", "old", "node")}
        return told | {"verdicts": [self.verdict.as_json()]}


def renew(ledger: Ledger, suite: Suite, file: str, folder: Path, *, pool: str, name: str, reason: str) -> Renewal:
    """Puts the items of a file in the place of a pool, if they are fresh; else records nothing.

    Raises:
        Refused: the file cannot be read, holds nothing new, or nobody answers for it.
    """
    for what, text in (("name", name), ("reason", reason)):
        if not any(sign.isalpha() for sign in text):
            raise Refused(f"replacing a pool needs a {what}", found=repr(text), wanted=f'--{what} "..."')
    files: dict[str, Any] = {"dev": "", "gate": "", "sealed": "", "items": "", "since": {}, pool: file}
    loaded = load_suite(suite.name, replace(suite.settings, **files), folder).pools[pool]
    seen = {str(node.body["row"]): node.name for node in ledger.find("item") if not node.erased}
    mine = {item for node in ledger.find("item", f"{suite.name}/{pool}") if (item := str(node.body.get("row", "")))}
    fresh = [item for item in loaded if item.id not in mine]
    if not fresh:
        raise Refused("no fresh items", file=file, found=f"{len(loaded):,} items, all known to the ledger")
    node = freeze(ledger, suite)
    protect(ledger, f"suite:{suite.name}", map(guarded, fresh), pool=pool, suite=node)
    verdict = _fresh(ledger, suite, fresh, seen)
    old = [item.id for item in suite.pools[pool]] or [one for some in suite.spent.values() for one in some]
    told: dict[str, Any] = {
        "suite": suite.name,
        "pool": pool,
        "fresh": len(fresh),
        "overlap": len(loaded) - len(fresh),
        "old": len(old),
    }
    if verdict.outcome is not Outcome.PASS:
        return Renewal(verdict=verdict, **told)
    with ledger.transaction():
        edges = []
        if suite.pools[pool]:
            gone = spend(ledger, suite.name, pool, node, suite.digest(pool), old, reason.strip(), name.strip())
            edges = [Edge("supersedes", gone)]
        body: dict[str, Any] = {"suite": suite.name, "pool": pool, "by": name.strip(), "reason": reason.strip()}
        body |= {"items": sorted(item.id for item in fresh), "file": file}
        done = ledger.record("trace", TRAIL, body, edges=edges)
    return Renewal(verdict=verdict, node=done, **told)


def _fresh(ledger: Ledger, suite: Suite, fresh: Sequence[Item], seen: Mapping[str, str]) -> Verdict:
    """Whether no fresh item is in use, nearly repeats an old one, or is copied in rows that were trained on."""
    ids = {item.id: item for item in fresh}
    why = {item: f"is in use as an item of {seen[item]}" for item in ids if item in seen}
    for one in reopen(ledger):
        copied = {match.item for match in one.matches if match.item in ids and match.grade == COPY}
        why |= dict.fromkeys(copied, f"is copied in {one.version}")
    findings = [
        Finding(message=message, place=ids[item].place, row=item, remedy="drop")
        for item, message in sorted(why.items())
    ]
    texts = [normalised(item.question) for item in (*suite.items, *fresh)]
    pairs = near_duplicate_pairs(texts, threshold=LIKE, short_threshold=LIKE)
    count = len(suite.items)
    for left, right in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        if left < count <= right and fresh[right - count].id not in why:
            one, other = fresh[right - count], suite.items[left]
            why[one.id] = message = f"nearly repeats an item of pool {other.pool}"
            findings.append(Finding(message=message, place=one.place, row=one.id, other=other.place, remedy="drop"))
    verdict = judge_share(
        len(why),
        len(fresh),
        name="items that are not fresh",
        summary=f"{suite.name}: {len(why):,} of {len(fresh):,} fresh items repeat old ones or training rows",
        zero_tolerance=True,
        findings=findings,
        next_step="take them out of the file" if why else "",
        details={"suite": suite.name},
    )
    return named(verdict, FRESH, FAILURE)


def judge_renewed(suite: Suite, spent: Mapping[str, Arm], fresh: Mapping[str, Arm]) -> list[Verdict]:
    """Base and gain on items that were spent against the fresh ones; nothing where a side has too few.

    `spent` and `fresh` are the arms "base" and "candidate" on the development pool and on a pool that decides.
    """
    if not {"base", "candidate"} <= spent.keys() & fresh.keys():
        return []
    gone = set(suite.gone.get(fresh["base"].pool, ()))
    old = [pair for item, *pair in _pairs(spent) if item in gone]
    new = [pair for _, *pair in _pairs(fresh)]
    pool = fresh["base"].pool
    about = {"suite": suite.name, "pool": pool, "spent_items": len(old), "fresh_items": len(new)}
    if min(len(old), len(new)) < LEAST:
        return []
    hard = share_difference((_right(old), len(old)), (_right(new), len(new)))
    held = effect_difference([two - one for one, two in old], [two - one for one, two in new])
    title = f"{suite.name}, {pool}: fresh items against {len(old):,} spent ones"
    made = []
    for rule, what, found, most in (
        (HARD, "the base scores", hard, MARGIN), (HELD, "the candidate gains", held, None),
    ):  # fmt: skip
        measure = Measure(
            name=f"what {what} more", value=found.value, low=found.low, high=found.high, unit="share", n=len(new),
            smallest_visible=round((found.high - found.low) / 2, 4),
        )  # fmt: skip
        points = f"{found.value * 100:+.1f} points, {found.low * 100:+.1f} to {found.high * 100:+.1f}"
        verdict = judge_interval(
            measure, summary=f"{title}: {what} {points}", at_least=-MARGIN, at_most=most, details=about,
            next_step=STEPS[rule],
        )  # fmt: skip
        made.append(named(verdict, rule, FAILURE, Level.WARN))
    return made


STEPS = {
    HARD: "compare candidates on the new pool only; scores of the old one stand on another scale",
    HELD: "look for what brought the spent items into the candidate: headgate evaluate pools audit",
}


def in_words(verdicts: Sequence[Verdict]) -> tuple[list[Verdict], float]:
    """The same of a sealed pool: outcomes only, and what they give away."""
    out = []
    for one in verdicts:
        title = ":".join(one.summary.split(":")[:2])
        word = {Outcome.PASS: "alike", Outcome.FAIL: "not alike", Outcome.UNSURE: "not told apart"}[one.outcome]
        details = {key: one.details[key] for key in ("suite", "pool")}
        if one.outcome is Outcome.UNSURE:
            shown = cannot_tell(
                summary=f"{title}: {word}", reason="too few items", next_step=one.next_step, details=details
            )
            shown = replace(shown, rule=one.rule, failure=one.failure, level=one.level)
        else:
            shown = replace(one, summary=f"{title}: {word}", measure=None, threshold={}, details=details, reason="")
        out.append(shown)
    return out, len(out) * bits_of(OUTCOMES)


def _right(pairs: Sequence[Sequence[float]]) -> int:
    """How many items the first of two models has right."""
    return int(sum(one[0] for one in pairs))


def _pairs(arms: Mapping[str, Arm]) -> list[tuple[str, float, float]]:
    together = zip(arms["base"].items, arms["base"].scored, arms["candidate"].scored, strict=True)
    return [
        (item.id, float(one.mark is Mark.PASS), float(two.mark is Mark.PASS))
        for item, one, two in together
        if one.mark in SCORED and two.mark in SCORED
    ]
