"""Asks base and candidate the items of suites in other words, and how strongly each prefers the old behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.batteries import ShadowSettings
from headgate.evaluate.shadow.judging import Shadow, Told, judge_reversion
from headgate.evaluate.shadow.variants import Variants, variants_of
from headgate.evaluate.suites import Suite, prompt_of
from headgate.kit.errors import Refused
from headgate.ledger.steps import StageContext
from headgate.models.model import Scorer
from headgate.stats.verdict import Level, Verdict

ARMS = ("base", "candidate")
PREFERRED = 60  # items of which log probabilities are taken, at most
POOL = "gate"


def check_shadow(
    suites: Sequence[Suite],
    settings: ShadowSettings,
    asker: Asker,
    models: tuple[Address, Address],
    context: StageContext,
) -> list[Verdict]:
    """One verdict for each suite of the section.

    Raises:
        Refused: a suite is not among those of [evaluate.suites], or has no gate items.
    """
    known = {suite.name: suite for suite in suites}
    out = []
    for name in settings.suites:
        if name not in known or not known[name].pools[POOL]:
            raise Refused(
                "evaluate.shadow.suites", found=name, wanted="a suite with gate items: " + ", ".join(sorted(known))
            )
        suite = known[name]
        variants = variants_of(suite.pools[POOL], settings, context.folder)
        told: list[tuple[list[Told], dict[str, list[Told]]]] = []
        margins: dict[str, Any] = {}
        for arm, address in zip(ARMS, models, strict=True):
            told.append(_asked(asker, arm, address, suite, variants))
            margins[arm] = _margins(asker, address, suite, variants, told[0][0])
        shadow = Shadow(
            suite=name, variants=variants, base=told[0][0], candidate=told[1][0],
            base_changed=told[0][1], candidate_changed=told[1][1],
        )  # fmt: skip
        prior = _prior(shadow, margins)
        out.append(judge_reversion(shadow, margin=settings.margin, level=Level(settings.level), prior=prior))
    return out


def _asked(
    asker: Asker, arm: str, address: Address, suite: Suite, variants: Variants
) -> tuple[list[Told], dict[str, list[Told]]]:
    """What a model says to the plain wordings and to the others."""

    def ask(title: str, items: Any) -> list[Told]:
        scored, said = asker.ask(f"{arm}, {title}", address, suite, POOL, items)
        return [Told(mark, one.text) for mark, one in zip(scored.scored, said, strict=True)]

    plain = ask("plain", variants.items)
    return plain, {name: ask(name, [item for _, item in some]) for name, some in variants.changed.items()}


def _margins(
    asker: Asker, address: Address, suite: Suite, variants: Variants, base: Sequence[Told]
) -> dict[int, float] | None:
    """By item: log probability of the wanted answer less that of the base's own; None where the model tells none."""
    model = asker.model(address)
    if not hasattr(model, "log_probabilities"):
        return None
    chosen = [i for i, item in enumerate(variants.items) if item.target and base[i].text.strip()][:PREFERRED]
    pairs = []
    for i in chosen:
        prompt = prompt_of(variants.items[i], suite)
        pairs += [(prompt, variants.items[i].target), (prompt, base[i].text)]
    sums = [sum(one) for one in cast(Scorer, model).log_probabilities(pairs)] if pairs else []
    return {i: sums[2 * place] - sums[2 * place + 1] for place, i in enumerate(chosen)}


def _prior(shadow: Shadow, margins: Mapping[str, dict[int, float] | None]) -> dict[str, Any]:
    """Mean margins of both models, and whether the base's margin tells which items revert."""
    before, after = margins["base"], margins["candidate"]
    if not before or not after:
        return {"reason": "log probabilities are told by local models only"}
    installed = sorted(shadow.installed & set(before))
    back = dict.fromkeys(installed, 0)
    for name, some in shadow.variants.changed.items():
        for place, (item, _) in enumerate(some):
            if item in back:
                back[item] += shadow.reverted(name, place, item)
    told: dict[str, Any] = {
        "items": len(before),
        "base": round(float(np.mean(list(before.values()))), 3),
        "candidate": round(float(np.mean(list(after.values()))), 3),
        "unit": "nats, wanted answer less the base's own",
    }
    reverting, holding = ([before[i] for i in installed if bool(back[i]) is one] for one in (True, False))
    if reverting and holding:
        wins = [(a < b) + 0.5 * (a == b) for a in reverting for b in holding]
        told["predicts_reversion"] = {"auc": round(float(np.mean(wins)), 3), "of": [len(reverting), len(holding)]}
    return told
