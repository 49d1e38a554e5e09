"""What kind of gap a model has, measured on development items: many answers to each, with and without the facts.

pass@1 and pass@16 tell whether the right answer is in the model at all; agreement tells whether the
model is of one mind; the same items with their `context` shown tell whether facts are what is missing.
Each is recorded as a score node, for a decision that is made later and elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from headgate.evaluate.asking import Address, Asker, score
from headgate.evaluate.extractors import normalised
from headgate.evaluate.gaps import reading_of_context, reading_of_passes, reading_of_spread
from headgate.evaluate.pools import Item
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import Settings
from headgate.evaluate.suites import Suite, freeze, prompt_of
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.models.model import Completion, Sampling, identity
from headgate.stats.intervals import MeanEstimate, mean_interval, wilson
from headgate.stats.paired import compare_paired
from headgate.stats.power import zero_failures_bound
from headgate.stats.sampled import entropy, modal_share, pass_at_k

POOL = "dev"
CONTEXT = "{context}\n\n{question}"
SCORED = (Mark.PASS, Mark.FAIL)
LEAST = 2  # items; below, nothing has an interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How items are asked."""

    samples: int = 16  # answers to each item
    temperature: float = 0.8
    items: int = 200  # items at most
    template: str = CONTEXT  # of an item with its context

    def __post_init__(self) -> None:
        if self.samples < 2 or self.items < LEAST:
            raise Refused("samples and items are 2 or more", found=f"{self.samples} and {self.items}")
        if self.temperature <= 0:
            raise Refused("answers that are drawn need a temperature", found=str(self.temperature), wanted="above 0")
        if "{context}" not in self.template or "{question}" not in self.template:
            raise Refused("a template without its parts", found=repr(self.template), wanted="{context} and {question}")


@dataclass(frozen=True, slots=True)
class _Drawn:
    """All answers to some items."""

    items: tuple[Item, ...]  # those of which every answer was scored
    scored: tuple[tuple[Scored, ...], ...]  # by item
    lost: int  # items with an answer that could not be scored
    model: str
    transcript: str

    @property
    def right(self) -> list[int]:
        """Right answers to each item."""
        return [sum(one.mark is Mark.PASS for one in answers) for answers in self.scored]


def diagnose(
    ledger: Ledger, suite: Suite, settings: Settings, manner: Manner, asker: Asker, address: Address, adapter: str = ""
) -> dict[str, Any]:
    """Asks, measures and records; returns what was found, with a sentence for each part.

    Raises:
        Refused: the suite has no development items, or too few of their answers could be scored.
    """
    items = suite.pools[POOL][: manner.items]
    if len(items) < LEAST:
        raise Refused(f"suite {suite.name!r} has {len(items)} development items", wanted=f"{LEAST} or more",
                      next_step=f"[evaluate.suites.{suite.name}] dev = FILE")  # fmt: skip
    plain = _draw(asker, address, suite, items, settings, manner, "")
    known = tuple(item for item in items if item.context)
    shown = _draw(asker, address, suite, known, settings, manner, manner.template) if len(known) >= LEAST else None
    parts = {"pass-at-k": _passes(plain, manner), "agreement": _spread(plain)}
    if shown is not None and (both := _context(plain, shown)):
        parts["oracle-context"] = both
    found: dict[str, Any] = {
        "suite": suite.name, "model": plain.model, "samples": manner.samples, "temperature": manner.temperature,
        "items": len(plain.items), "unscored_items": plain.lost, "with_context": len(known), "parts": parts,
    }  # fmt: skip
    with ledger.transaction():
        node = freeze(ledger, suite)
        found["scores"] = {
            name: _record(ledger, suite, name, part, plain, manner, node, adapter) for name, part in parts.items()
        }
    return found


def _draw(
    asker: Asker, address: Address, suite: Suite, items: Sequence[Item], settings: Settings, manner: Manner, around: str
) -> _Drawn:  # fmt: skip
    """Every answer is a request of its own, with its own seed and its own place in the journal."""
    prompts = [prompt_of(_with_context(item, around) if around else item, suite) for item in items]
    limit = suite.settings.max_tokens or settings.max_tokens
    answers: list[list[Scored]] = [[] for _ in items]
    said_all: list[Completion] = []
    for number in range(manner.samples):
        sampling = Sampling(
            max_tokens=limit, temperature=manner.temperature, stop=tuple(settings.stop), seed=settings.seed + number
        )
        title = f"{suite.name}, {POOL}: answer {number + 1} of {manner.samples}" + (", with context" if around else "")
        model, said = asker.say(title, address, prompts, sampling)
        said_all += said
        for mine, one, item in zip(answers, said, items, strict=True):
            mine.append(score(suite, one, item))
    whole = [i for i, mine in enumerate(answers) if all(one.mark in SCORED for one in mine)]
    if len(whole) < LEAST:
        reason = next((one.reason for mine in answers for one in mine if one.mark not in SCORED), "")
        raise Refused("too few items have all their answers scored", found=f"{len(whole)} of {len(items)}: {reason}",
                      next_step="raise evaluate.max-tokens, or see to the model, and run it again")  # fmt: skip
    return _Drawn(
        items=tuple(items[i] for i in whole),
        scored=tuple(tuple(answers[i]) for i in whole),
        lost=len(items) - len(whole),
        model=identity(model.fingerprint, said_all),
        transcript=digest_json([one.as_json() for one in said_all]),
    )


def _with_context(item: Item, around: str) -> Item:
    turns = [dict(turn) for turn in item.messages]
    for turn in reversed(turns):
        if turn["role"] == "user":
            turn["content"] = around.replace("{question}", turn["content"]).replace("{context}", item.context)
            break
    return replace(item, messages=tuple(turns))


def _passes(drawn: _Drawn, manner: Manner) -> dict[str, Any]:
    n = manner.samples
    clusters = [item.cluster for item in drawn.items]
    curve = {}
    for k in sorted({k for k in (1, 2, 4, 8, 16, n) if k <= n}):
        values = [pass_at_k(n, right, k) for right in drawn.right]
        curve[k] = _shown(mean_interval(values, clusters=clusters))
    most = max(k for k in curve if k <= 16)
    told: dict[str, Any] = {"n": n, "pass_at": {str(k): one for k, one in curve.items()}, "k": most}
    return told | {"suggests": reading_of_passes(curve[1], curve[most], most)}


def _spread(drawn: _Drawn) -> dict[str, Any]:
    answers = [[normalised(one.extracted) for one in mine] for mine in drawn.scored]
    clusters = [item.cluster for item in drawn.items]
    share = _shown(mean_interval([modal_share(one) for one in answers], clusters=clusters))
    bits = _shown(mean_interval([entropy(one) for one in answers], clusters=clusters), most=None)
    modal = [max(set(mine), key=mine.count) for mine in answers]
    right = sum(
        any(one.mark is Mark.PASS and normalised(one.extracted) == best for one in mine)
        for best, mine in zip(modal, drawn.scored, strict=True)
    )
    vote = wilson(right, len(modal))
    voted = {"value": vote.value, "low": vote.low, "high": vote.high, "n": len(modal)}
    suggests = reading_of_spread(share, voted)
    return {"modal_share": share, "entropy_bits": bits, "modal_right": voted, "suggests": suggests}


def _rates(drawn: _Drawn) -> dict[str, float]:
    """Share of right answers by item."""
    shares = zip(drawn.items, drawn.right, drawn.scored, strict=True)
    return {item.id: right / len(mine) for item, right, mine in shares}


def _context(plain: _Drawn, shown: _Drawn) -> dict[str, Any] | None:
    """The same items without and with their context: the paired difference, and how many failing items it mends."""
    before, after = _rates(plain), _rates(shown)
    both = [item for item in shown.items if item.id in before]
    if len(both) < LEAST:
        return None
    clusters = [item.cluster for item in both]
    compared = compare_paired(
        np.array([before[item.id] for item in both]),
        np.array([after[item.id] for item in both]),
        clusters=clusters if len(set(clusters)) < len(clusters) else None,
    )
    failing = [item.id for item in both if before[item.id] < 0.5]
    mended = wilson(sum(after[one] >= 0.5 for one in failing), len(failing))
    fixed = {"value": mended.value, "low": mended.low, "high": mended.high, "n": len(failing)}
    told = {"comparison": compared.as_json(), "failing_items_mended": fixed, "unscored_items": shown.lost}
    return told | {"suggests": reading_of_context(asdict(compared), fixed)}


def _shown(estimate: MeanEstimate, most: float | None = 1.0) -> dict[str, Any]:
    # Where no item differs, as many may differ as zero observations allow.
    room = 0.0 if estimate.se > 0 else zero_failures_bound(estimate.clusters)
    low = max(0.0, estimate.low - room)
    high = estimate.high + room if most is None else min(most, estimate.high + room)
    return {"value": estimate.value, "low": low, "high": high, "se": estimate.se, "n": estimate.n}


def _record(
    ledger: Ledger, suite: Suite, name: str, part: Mapping[str, Any], drawn: _Drawn, manner: Manner, node: str,
    adapter: str,
) -> str:  # fmt: skip
    body = {
        "suite": node, "pool": POOL, "arm": f"diagnosis/{name}", "model": drawn.model, "n": len(drawn.items),
        "unscored_items": drawn.lost, "transcript": drawn.transcript, "manner": asdict(manner), "diagnosis": dict(part),
    }  # fmt: skip
    edges = [Edge("judged-by", node), *([Edge("derived-from", adapter)] if adapter else [])]
    return ledger.record("score", f"{suite.name}/{POOL}/diagnosis/{name}", body, edges=edges)


def lines(found: Mapping[str, Any]) -> list[str]:
    """What a person is told."""
    parts = found["parts"]
    out = [f"{found['suite']}, {POOL}: {found['items']:,} items, {found['samples']} answers each"]
    out[0] += f", {found['unscored_items']:,} items with an answer that has no score" if found["unscored_items"] else ""
    passes = parts["pass-at-k"]
    out += [f"  pass@{k} {_points(one)}" for k, one in passes["pass_at"].items()]
    out.append(f"    {passes['suggests']}")
    spread = parts["agreement"]
    bits = spread["entropy_bits"]
    out.append(f"  agreement {_points(spread['modal_share'])}, entropy {bits['value']:.2f} bits")
    out += [f"  most frequent answer is right {_points(spread['modal_right'])}", f"    {spread['suggests']}"]
    if both := parts.get("oracle-context"):
        one = both["comparison"]
        out.append(f"  with context {one['d'] * 100:+.1f} points ({one['low'] * 100:+.1f} to {one['high'] * 100:+.1f})")
        out.append(f"  failing items that it mends {_points(both['failing_items_mended'])}")
        out.append(f"    {both['suggests']}")
    else:
        out.append("  no items with a `context`, so facts and behaviour cannot be told apart")
    return out


def _points(one: Mapping[str, Any]) -> str:
    return f"{one['value']:.1%} ({one['low']:.1%} to {one['high']:.1%}, n {one['n']:,})"
