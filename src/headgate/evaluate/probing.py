"""Asks base and candidate the probes of the flow file, and judges what they emit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.emission import RULE, Emitted, Limits, emitted, judge_emission
from headgate.evaluate.probes import Probe, probe_of, record_emission
from headgate.evaluate.settings import ProbeSettings, Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.models.model import identity
from headgate.stats.verdict import Level, Outcome, Verdict

ARMS = ("base", "candidate")


@dataclass
class Probed:
    """What probes brought."""

    verdicts: list[Verdict] = field(default_factory=list)
    found: list[tuple[Probe, str, str, Emitted]] = field(default_factory=list)  # probe, arm, model, counts

    def record(self, ledger: Ledger, adapter: str | None) -> Mapping[str, str]:
        """Score nodes, by what they are scores of."""
        return {
            f"probe/{probe.name}/{arm}": record_emission(
                ledger, probe, arm, model, counts, adapter=adapter if arm == "candidate" else None
            )
            for probe, arm, model, counts in self.found
        }


def probes_of(ledger: Ledger, settings: Settings, context: StageContext) -> list[Probe]:
    """The probes of the section, frozen; to be made before any model is asked anything.

    Raises:
        Refused: a probe cannot be made.
    """
    return [probe_of(ledger, name, one, context) for name, one in settings.probes.items()]


def probe_all(made: Sequence[Probe], settings: Settings, asker: Asker, models: tuple[Address, Address]) -> Probed:
    """Every probe, asked of the base and of the candidate."""
    out = Probed()
    probes = [(probe, settings.probes[probe.name]) for probe in made]
    counts: dict[str, dict[str, Emitted]] = {}
    for arm, address in zip(ARMS, models, strict=True):  # so that each local model is opened once
        for probe, _ in probes:
            if probe.habits:
                model, found = ask(asker, arm, address, probe)
                counts.setdefault(probe.name, {})[arm] = found
                out.found.append((probe, arm, model, found))
    for probe, one in probes:
        if probe.habits:
            limits = Limits(times=one.times, tolerated=one.tolerated, coverage=settings.coverage)
            both = counts[probe.name]
            out.verdicts += judge_emission(
                probe.name, probe.habits, both["base"], both["candidate"], limits, Level(one.level)
            )
        else:
            out.verdicts.append(_nothing(probe, one))
    return out


def ask(asker: Asker, arm: str, address: Address, probe: Probe) -> tuple[str, Emitted]:
    """The model that answered, and what it emitted."""
    model, said = asker.say(f"probe {probe.name}: {arm}", address, probe.prompts, probe.sampling)
    texts = [one.text if one.outcome == "ok" else None for one in said]
    return identity(model.fingerprint, said), emitted(probe.habits, probe.asked, texts)


def _nothing(probe: Probe, settings: ProbeSettings) -> Verdict:
    return Verdict(
        rule=RULE,
        code="",
        failure="learned-typo",
        outcome=Outcome.SKIPPED,
        level=Level(settings.level),
        summary=f"{probe.name}: no habit is watched",
        reason="no check of this flow has found one, and the section names none",
        details={"probe": probe.name},
    )
