"""The reward governor of a flow: series of proxy and outcome, judged where the candidate is evaluated.

A table [evaluate.governor.NAME] declares a loop's proxy and its independent outcome. Its scores come from files, or
from what training, a best-of-n selection or a feedback loop recorded under that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headgate.kit.errors import Refused
from headgate.kit.settings import option
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext
from headgate.rules.reward_governing import Governed, Terms, govern
from headgate.rules.reward_series import Fields, keep, read_lines, recorded
from headgate.rules.reward_states import cleared_after, open_stops, settle, stands
from headgate.stats.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class GovernorSettings:
    """One loop: what is optimised, and what must not fall while it rises."""

    proxy: str = option("proxy", help="Field of the scores that is optimised.")
    outcome: str | list[str] = option("outcome", help="Fields of the scores that nothing optimises, one or more.")
    suite: str = option("", help="Name of the outcome suite; another one is needed after a stop.")
    files: str | list[str] = option("", help="Files of scores; empty: what was recorded in the ledger.", unit="files")
    form: Literal["best-of-n", "rl"] = option("best-of-n", help="Which curve of reward against sqrt(KL) is fitted.")
    budget: float = option(0.0, help="Largest divergence from the first step; 0: none is set.", unit="nats")
    looks: int = option(12, help="Steps over the life of the loop; they share the level of 5 %.", unit="steps")
    drop: float = option(0.03, help="Fall of the outcome that matters.", unit="share")
    hold_back: float = option(0.0, help="Share of prompts that the optimiser may never see.", unit="share")
    keywords: list[str] = option([], help="Words whose stuffing is watched beside other features.")

    @property
    def fields(self) -> Fields:
        """Names of the fields."""
        outcomes = (self.outcome,) if isinstance(self.outcome, str) else tuple(self.outcome)
        return Fields(proxy=self.proxy, outcomes=outcomes, keywords=tuple(self.keywords))

    @property
    def terms(self) -> Terms:
        """What the series is held to."""
        return Terms(
            outcomes=self.fields.outcomes, form=self.form, budget=self.budget, planned=self.looks, drop=self.drop,
            hold_back=self.hold_back,
        )  # fmt: skip

    @property
    def paths(self) -> list[str]:
        """The files of scores."""
        return [self.files] if isinstance(self.files, str) and self.files else list(self.files or ())

    def __post_init__(self) -> None:
        if not self.fields.outcomes:
            raise Refused("a reward without an outcome", wanted="outcome: what nothing optimises")
        if self.budget < 0 or self.looks < 1:
            raise Refused("budget is 0 or more nats, looks 1 or more", found=f"{self.budget:g} and {self.looks}")
        if not 0 < self.drop < 1 or not 0 <= self.hold_back < 1:
            raise Refused("drop and hold-back are shares", found=f"{self.drop:g} and {self.hold_back:g}")


@dataclass
class Governors:
    """What came of all series of a flow."""

    verdicts: list[Verdict] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def govern_all(
    ledger: Ledger, tables: Mapping[str, GovernorSettings], context: StageContext, adapter: str | None
) -> Governors:
    """Judges every declared series and records the state of each; stops of series that are declared no more stand.

    Raises:
        Refused: a file of scores that cannot be read.
    """
    out = Governors()
    for name, settings in tables.items():
        found, verdicts = _one(ledger, name, settings, context, adapter)
        out.verdicts += verdicts
        out.facts[name] = {"state": found.state.value, "steps": list(found.steps)}
    out.verdicts += [stands(one) for one in _elsewhere(ledger, tables, context.flow_name)]
    return out


def _elsewhere(ledger: Ledger, tables: Mapping[str, GovernorSettings], flow: str) -> list[Node]:
    """Stops of the flow under names that it declares no more: another name of a series, or none, clears nothing."""
    return [one for one in open_stops(ledger, flow=flow) if one.body["series"] not in tables]


def stops_elsewhere(ledger: Ledger, tables: Mapping[str, GovernorSettings], context: StageContext) -> list[str]:
    """The same, for what an evaluation depends on."""
    return [one.id for one in _elsewhere(ledger, tables, context.flow_name)]


def _one(
    ledger: Ledger, name: str, settings: GovernorSettings, context: StageContext, adapter: str | None
) -> tuple[Governed, list[Verdict]]:
    on = [adapter] if adapter else []
    if settings.paths:
        batches = read_lines([context.folder / one for one in settings.paths], settings.fields)
        about: dict[str, Any] = {"flow": context.flow_name, "suite": settings.suite}
        ids = [keep(ledger, name, batch, settings.fields, **about) for batch in batches]
        nodes = [ledger.node(one) for one in ids]
    else:
        pairs = recorded(ledger, name, after=cleared_after(ledger, name, context.flow_name))
        nodes, batches = [node for node, _ in pairs], [batch for _, batch in pairs]
    found = govern(name, batches, settings.terms)
    return found, settle(ledger, found, nodes, batches, flow=context.flow_name, on=on)


def governors_state(ledger: Ledger, tables: Mapping[str, GovernorSettings], context: StageContext) -> Any:
    """What decides of rewards beside settings and files: the records of each series, and stops that stand."""
    return {
        name: [
            [node.id for node, _ in recorded(ledger, name)] if not settings.paths else [],
            [one.id for one in open_stops(ledger, flow=context.flow_name, series=name)],
            cleared_after(ledger, name, context.flow_name),
        ]
        for name, settings in tables.items()
    }
