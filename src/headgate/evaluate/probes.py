"""Probes: a frozen set of prompts and what is counted in the answers, to be asked of any model at any time.

A probe is a node of the ledger; its prompts are content. The same prompts, sampling and habits are the same probe,
so that what was counted last year and what is counted today can be held against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from headgate.evaluate.emission import Emitted, Habit, emitted
from headgate.evaluate.settings import ProbeSettings
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.steps import StageContext
from headgate.models.model import Prompt, Sampling
from headgate.rows.reading import read_rows
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows
from headgate.rules.firewall import trained_rows
from headgate.rules.habits import LISTED, NEEDLESS, SHORTHAND

KIND, METRIC = "probe", "emission"
FEW = 50  # prompts of held-out rows below which those of all rows are taken
COUNTED = 100_000  # training rows in which habits that were named by hand are counted


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A probe as it is frozen."""

    name: str
    prompts: tuple[Prompt, ...]
    habits: tuple[Habit, ...]
    sampling: Sampling
    source: str  # where the prompts are from
    node: str = ""  # in the ledger

    @property
    def asked(self) -> list[str]:
        """What the person says in each prompt."""
        return ["\n".join(turn["content"] for turn in one if turn["role"] == "user") for one in self.prompts]


def probe_of(ledger: Ledger, name: str, settings: ProbeSettings, context: StageContext) -> Probe:
    """The probe that a section describes, frozen; the same one again adds nothing.

    Raises:
        Refused: a file cannot be read, there is no prompt, or a habit is no habit.
    """
    dataset = context.outputs.get("curate", {}).get("dataset")
    prompts, source = _prompts(ledger, settings, context, dataset)
    if not prompts:
        raise Refused(f"probe {name!r} has no prompts", found=source, wanted="rows with a prompt in its files")
    habits = {habit.key: habit for habit in (found_habits(ledger, context.flow_name) if settings.found else ())}
    habits = {key: habit for key, habit in habits.items() if habit.name not in settings.may}
    habits |= {habit.key: habit for habit in _counted(ledger, _named(settings), dataset)}
    sampling = Sampling(max_tokens=settings.max_tokens, temperature=settings.temperature, seed=settings.seed)
    probe = Probe(name=name, prompts=prompts, habits=tuple(habits.values()), sampling=sampling, source=source)
    return _frozen(ledger, probe, dataset)


def _frozen(ledger: Ledger, probe: Probe, dataset: str | None) -> Probe:
    asked = [list(map(dict, prompt)) for prompt in probe.prompts]
    body = {
        "metric": METRIC,
        "habits": [habit.as_json() for habit in probe.habits],
        "sampling": probe.sampling.as_json(),
        "source": probe.source,
        "n": len(asked),
        "digest": digest_json(asked),
    }
    edges = [Edge("derived-from", ledger.versions.get(dataset).node_id)] if dataset else []
    with ledger.transaction():
        body["prompts"] = ledger.content.put(canonical_json(asked))
        node = ledger.record(KIND, probe.name, body, edges=edges)
    return Probe(**{**_fields(probe), "node": node})


def _fields(probe: Probe) -> dict[str, Any]:
    return {name: getattr(probe, name) for name in probe.__dataclass_fields__}


def known_probe(ledger: Ledger, name: str) -> Probe:
    """The newest probe of a name.

    Raises:
        Refused: there is none, or its prompts were erased.
    """
    node = ledger.latest(KIND, name)
    if node is None:
        known = sorted({one.name for one in ledger.find(KIND)})
        raise Refused(
            "no probe of that name",
            found=name,
            wanted=", ".join(known) or "there is none yet",
            next_step="name it in the flow file, [evaluate.probes.NAME], and run headgate evaluate",
        )
    if not ledger.content.has(node.body["prompts"]):
        raise Refused(
            f"the prompts of probe {name!r} were erased", next_step="run headgate evaluate to freeze new ones"
        )
    prompts = orjson.loads(ledger.content.get(node.body["prompts"]))
    told = node.body["sampling"]
    return Probe(
        name=name,
        prompts=tuple(map(tuple, prompts)),
        habits=tuple(Habit(**one) for one in node.body["habits"]),
        sampling=Sampling(**{**told, "stop": tuple(told["stop"])}),
        source=node.body["source"],
        node=node.id,
    )


def record_emission(
    ledger: Ledger, probe: Probe, arm: str, model: str, found: Emitted, *, adapter: str | None = None
) -> str:
    """The score node of one model: counts and no words."""
    edges = [Edge("judged-by", probe.node), *([Edge("derived-from", adapter)] if adapter else [])]
    body = {"probe": probe.node, "metric": METRIC, "arm": arm, "model": model, **found.as_json()}
    return ledger.record("score", f"probe/{probe.name}/{arm}", body, edges=edges)


def recorded(ledger: Ledger, probe: Probe, arm: str) -> tuple[str, Emitted] | None:
    """What an arm emitted when this very probe was last asked, and the model that did."""
    for node in reversed(ledger.find("score", f"probe/{probe.name}/{arm}")):
        if node.body["probe"] == probe.node:
            return node.body["model"], Emitted.from_json(node.body)
    return None


def found_habits(ledger: Ledger, flow: str) -> list[Habit]:
    """Every habit that a stage check of a flow has found so far, with its newest rate in the corpus.

    Those of earlier dataset versions too: a habit that was put right is the one to be watched.
    """
    found: dict[str, Habit] = {}
    for step in ledger.find("step", "check"):
        if step.body.get("flow") == flow:
            found |= {habit.key: habit for verdict in step.body["verdicts"] for habit in _habits(verdict, step.body)}
    return list(found.values())


def _habits(verdict: Mapping[str, Any], step: Mapping[str, Any]) -> Iterator[Habit]:
    details = verdict.get("details", {})
    if verdict["outcome"] != "fail":
        return
    if verdict["rule"] == "learned-typo":
        for one in details["variants"]:
            yield Habit(kind="variant", name=one["wrong"], right=one["right"], rate=one["rate"], of=one["of"])
    elif verdict["rule"] == "house-phrases":
        for one in details["phrases"]:
            if one["counts"]:
                yield Habit(kind="phrase", name=one["phrase"], rate=one["rate"], of=one["answers"])
    elif verdict["rule"] == "inherited-habits":
        may = step.get("settings", {}).get("rules", {}).get("inherited-habits", {}).get("may", ())
        watched = [kind for kind in dict.fromkeys((*LISTED, *details.get("may_not", ()))) if kind not in may]
        watched += ["action"] * bool(details["actions_judged"] and "action" not in may)
        watched += [NEEDLESS] * bool(details["apology_habit"])
        watched += [SHORTHAND] * bool(details.get("shorthand_habit"))
        for kind in dict.fromkeys(watched):
            if (one := details["behaviours"].get(kind)) is not None:
                yield Habit(kind="behaviour", name=kind, rate=one["rate"], of=verdict["measure"]["n"])


def _named(settings: ProbeSettings) -> list[Habit]:
    """Habits that the section names."""
    named = []
    for line in settings.variants:
        wrong, _, right = (part.strip() for part in line.partition("="))
        named.append(Habit(kind="variant", name=wrong, right=right))
    named += [Habit(kind="phrase", name=" ".join(one.lower().split())) for one in settings.phrases]
    return named + [Habit(kind="behaviour", name=one) for one in settings.behaviours]


def _counted(ledger: Ledger, habits: Sequence[Habit], dataset: str | None) -> list[Habit]:
    """The habits with their rates in the rows that are trained on."""
    if not habits or dataset is None:
        return list(habits)
    numbers = list(trained_rows(ledger, dataset))[:COUNTED]
    rows = [row for _, row in stored_rows(ledger, numbers)]
    seen = emitted(habits, [row.prompt_text for row in rows], [row.answer_text for row in rows])
    out = []
    for habit in habits:
        hits, of = seen.hits[habit.key], seen.chances[habit.key]
        out.append(Habit(kind=habit.kind, name=habit.name, right=habit.right, rate=hits / of if of else 0.0, of=of))
    return out


def _prompts(
    ledger: Ledger, settings: ProbeSettings, context: StageContext, dataset: str | None
) -> tuple[tuple[Prompt, ...], str]:
    files = [settings.prompts] if isinstance(settings.prompts, str) and settings.prompts else list(settings.prompts)
    if files:
        how: dict[str, Any] = {
            "columns": settings.columns or None,
            "strict": True,
        }  # a prompt that is lost would be lost for ever
        rows = (row for file in files for row in read_rows(context.folder / file, **how))
        return _thinned(rows, settings.sample), ", ".join(files)
    if dataset is None:
        raise Refused("a probe without prompts", wanted="prompts = FILE, or a stage [curate] above")
    numbers, trained = ledger.versions.get(dataset).numbers, trained_rows(ledger, dataset)
    held = _thinned((row for _, row in stored_rows(ledger, numbers - trained)), settings.sample)
    if len(held) >= FEW:
        return held, f"{dataset}, rows that are not trained on"
    return _thinned((row for _, row in stored_rows(ledger, numbers)), settings.sample), dataset


def _thinned(rows: Iterable[Row], sample: int) -> tuple[Prompt, ...]:
    """The prompts of rows, each once, as many as wanted: those whose digests come first, whatever the order of rows."""
    found = {}
    for row in rows:
        if row.prompt_text.strip():
            turns = [{"role": turn.role, "content": turn.content} for turn in row.prompt]
            prompt = turns or [{"role": "user", "content": row.prompt_text}]
            found[digest_json(prompt)] = prompt
    return tuple(tuple(found[key]) for key in sorted(found)[:sample])
