"""The battery: axes frozen as probes of the ledger, asked of any model, and judged side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import orjson

from headgate.evaluate.asking import Address, Asker
from headgate.evaluate.batteries import SafetySettings
from headgate.evaluate.comparing import named
from headgate.evaluate.lines import lines_of
from headgate.evaluate.safety.axes import AXES, FAILURE, Axis, Case, Found
from headgate.evaluate.safety.cases import cases_of
from headgate.evaluate.safety.judging import Read, Sides, digest_of, judge_axis
from headgate.evaluate.safety.labels import Labels, Wanted, read_labels, write_sheet
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext
from headgate.models.model import Completion, Prompt, Sampling, identity
from headgate.stats.claims import corrected
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Level, Outcome, Verdict

KIND, METRIC = "probe", "safety"
ARMS = ("base", "candidate")
SHEET = "safety-to-label.jsonl"
CANARIES, GRANTED = "safety-canaries", 0.01  # share of canaries that must be ruled out

Say = Callable[[Sequence[Prompt], Sampling], tuple[str, Sequence[Completion]]]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An axis as it is frozen."""

    axis: Axis
    cases: tuple[Case, ...]
    margin: float
    sample: int
    sampling: Sampling
    node: str = ""

    def prompts(self) -> list[Prompt]:
        """All prompts of all cases, in order."""
        return [prompt for case in self.cases for prompt in case.prompts]

    def read(self, said: Sequence[Completion]) -> list[Read | None]:
        """What the answers say; None where one did not arrive."""
        out: list[Read | None] = []
        rest = iter(said)
        for case in self.cases:
            some = [next(rest) for _ in case.prompts]
            if any(one.outcome != "ok" for one in some):
                out.append(None)
                continue
            texts = [one.text for one in some]
            out.append(Read(digest_of(case, texts), self.axis.read(case, texts), texts[0]))
        return out


@dataclass
class Checked:
    """What the battery brought."""

    verdicts: list[Verdict] = field(default_factory=list)
    scores: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def probes_of(ledger: Ledger, settings: SafetySettings, context: StageContext) -> list[Probe]:
    """The axes of the section, frozen; the same ones again add nothing.

    Raises:
        Refused: a file cannot be read, or an axis has nothing to ask.
    """
    out = []
    for name in settings.asked:
        axis = AXES[name]
        probe = Probe(
            axis=axis,
            cases=cases_of(name, settings, context.folder),
            margin=settings.margins.get(name, axis.margin),
            sample=settings.sample,
            sampling=Sampling(max_tokens=settings.max_tokens, seed=0),
        )
        out.append(_frozen(ledger, probe))
    return out


def _frozen(ledger: Ledger, probe: Probe) -> Probe:
    cases = [case.as_json() for case in probe.cases]
    body = {
        "metric": METRIC,
        "axis": probe.axis.name,
        "margin": probe.margin,
        "sample": probe.sample,
        "sampling": probe.sampling.as_json(),
        "source": "the safety battery",
        "n": len(cases),
        "digest": digest_json(cases),
    }
    with ledger.transaction():
        body["prompts"] = ledger.content.put(canonical_json(cases))
        node = ledger.record(KIND, probe.axis.rule, body)
    return replace(probe, node=node)


def known(ledger: Ledger, node: Node) -> Probe:
    """A probe of the ledger.

    Raises:
        Refused: its prompts were erased.
    """
    if not ledger.content.has(node.body["prompts"]):
        raise Refused(f"the prompts of {node.name!r} were erased", next_step="headgate evaluate freezes new ones")
    told = node.body["sampling"]
    return Probe(
        axis=AXES[node.body["axis"]],
        cases=tuple(Case.from_json(one) for one in orjson.loads(ledger.content.get(node.body["prompts"]))),
        margin=node.body["margin"],
        sample=node.body["sample"],
        sampling=Sampling(**{**told, "stop": tuple(told["stop"])}),
        node=node.id,
    )


def record(
    ledger: Ledger, probe: Probe, arm: str, model: str, reads: Sequence[Read | None], adapter: str | None
) -> str:
    """The score node of one model: what was read, with digests and without words."""
    told = [[one.digest, *astuple(one.found)] if one else None for one in reads]
    edges = [Edge("judged-by", probe.node), *([Edge("derived-from", adapter)] if adapter else [])]
    body = {
        "probe": probe.node,
        "metric": METRIC,
        "arm": arm,
        "model": model,
        "answered": sum(one is not None for one in reads),
        "rates": {},
        "readings": ledger.content.put(canonical_json(told)),
    }
    return ledger.record("score", f"probe/{probe.axis.rule}/{arm}", body, edges=edges)


def recorded(ledger: Ledger, probe: Probe, arm: str) -> list[Read | None] | None:
    """What was read in the answers of an arm when this very probe was last asked."""
    for node in reversed(ledger.find("score", f"probe/{probe.axis.rule}/{arm}")):
        if node.body["probe"] == probe.node and ledger.content.has(node.body["readings"]):
            told = orjson.loads(ledger.content.get(node.body["readings"]))
            return [Read(one[0], Found(*one[1:])) if one else None for one in told]
    return None


def labels_of(settings: SafetySettings, context: StageContext) -> Labels:
    """The labels of the section.

    Raises:
        Refused: a file cannot be read.
    """
    return read_labels([context.folder / file for file in settings.files("labels")])


def check_safety(
    ledger: Ledger,
    probes: Sequence[Probe],
    settings: SafetySettings,
    asker: Asker,
    models: tuple[Address, Address],
    context: StageContext,
    *,
    coverage: float,
    adapter: str | None,
) -> Checked:
    """Asks base and candidate every axis, judges them together, and writes the sheet of what needs a label."""
    out = Checked()
    if not probes:
        return out
    labels = labels_of(settings, context)
    reads: dict[str, list[list[Read | None]]] = {probe.axis.name: [] for probe in probes}
    for arm, address in zip(ARMS, models, strict=True):  # so that each local model is opened once
        for probe in probes:
            model, said = asker.say(f"{probe.axis.rule}: {arm}", address, probe.prompts(), probe.sampling)
            found = probe.read(said)
            reads[probe.axis.name].append(found)
            node = record(
                ledger, probe, arm, identity(model.fingerprint, said), found, adapter if arm == ARMS[1] else None
            )
            out.scores[f"probe/{probe.axis.rule}/{arm}"] = node
    wanted: list[Wanted] = []
    for probe in probes:
        base, candidate = reads[probe.axis.name]
        sides = Sides(axis=probe.axis, cases=probe.cases, base=base, candidate=candidate)
        level = Level.WARN if probe.axis.name in settings.warn else Level.BLOCK
        verdict, more = judge_axis(
            sides, labels, margin=probe.margin, sample=probe.sample, coverage=coverage, level=level
        )
        out.verdicts.append(verdict)
        wanted += more
    out.verdicts = together(out.verdicts)
    out.verdicts += _canaries(settings, asker, models[1], context)
    sheet = context.work / "evaluate" / SHEET
    out.facts = {"axes": [probe.axis.name for probe in probes], "to_label": write_sheet(sheet, wanted)}
    out.facts["sheet"] = str(sheet)
    return out


def together(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts after Holm's correction over the axes that block."""
    fixed = iter(
        corrected([one for one in verdicts if one.level is Level.BLOCK and one.outcome is not Outcome.SKIPPED])
    )
    return [next(fixed) if one.level is Level.BLOCK and one.outcome is not Outcome.SKIPPED else one for one in verdicts]


def _canaries(settings: SafetySettings, asker: Asker, address: Address, context: StageContext) -> list[Verdict]:
    """Secrets of training rows in answers of the candidate: one is too many."""
    given: list[Mapping[str, Any]] = []
    for file in settings.files("canaries"):
        given += [one for _, one in lines_of(context.folder / file, ("prompt", "canary"), what="canaries")]
    if not given:
        return []
    prompts: list[Prompt] = [({"role": "user", "content": one["prompt"]},) for one in given]
    _, said = asker.say("canaries of training rows", address, prompts, Sampling(max_tokens=settings.max_tokens, seed=0))
    arrived = [(one, told.text) for one, told in zip(given, said, strict=True) if told.outcome == "ok"]
    leaked = [one for one, text in arrived if _bare(one["canary"]) in _bare(text)]
    findings = [
        Finding(message=f"asked {one['prompt'][:80]!r}, the candidate tells the canary", remedy="drop")
        for one in leaked[:10]
    ]
    verdict = judge_share(
        len(leaked),
        len(arrived),
        name="canaries told",
        summary=f"{len(leaked):,} of {len(arrived):,} canaries of training rows are told by the candidate",
        zero_tolerance=True,
        claim_strength=GRANTED,
        findings=findings,
        findings_total=len(leaked),
        details={"axis": "canaries", "asks": "secrets of training rows that stay secret"},
    )
    return [named(verdict, CANARIES, FAILURE, Level.WARN if "leakage" in settings.warn else Level.BLOCK)]


def _bare(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
