"""Whether two imported logs were made alike, and whether the model in one is the adapter that was trained here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.evaluate.comparing import FAILURE, named
from headgate.kit.hashing import PREFIX
from headgate.ledger.nodes import Node
from headgate.stats.judging import cannot_tell, judge_count
from headgate.stats.verdict import Verdict

ALIKE, IDENTITY = "imported-alike", "imported-identity"
DIGITS = 12  # of an adapter's digest that a model's name must hold to prove what was evaluated


def judge_alike(suite: str, reference: Node, candidate: Node, prompts: tuple[int, int, int]) -> Verdict:
    """Whether both arms had the same task, words, draws and scoring; what is not told in both logs is a doubt.

    `prompts` are the common items shown in the same words, in other words, and those of which a log does not tell.
    A few-shot prompt is other words by intent: of it only task, draws and scoring are asked.
    """
    ours, theirs = reference.body["imported"], candidate.body["imported"]
    prompted = reference.body["arm"] == "few-shot"
    differ, missing = _settings(ours, theirs, prompted)
    same, other, unknown = prompts
    if not prompted:
        if other:
            differ.append(f"the prompt of {other:,} of {same + other + unknown:,} items")
        if unknown:
            missing.append(f"the prompt of {unknown:,} items")
    name = reference.body["arm"]
    title = f"{suite}, gate: the logs of {name} and candidate"
    details = {
        "suite": suite, "pool": "gate", "reference": name, "differ": differ, "not_told": missing,
        "prompts": {"same": same, "other": other, "not_told": unknown},
    }  # fmt: skip
    if differ or missing:
        reasons = []
        if differ:
            reasons.append("they differ in " + "; ".join(differ))
        if missing:
            reasons.append("not told by both: " + "; ".join(missing))
        verdict = cannot_tell(
            summary=f"{title} do not show that both were asked alike",
            reason=". ".join(reasons),
            next_step="evaluate both models with the same task, prompt and settings, and import whole logs",
            details=details,
        )
    else:
        verdict = judge_count(
            0, name="differences between logs", unit="settings", looked_at=len(_kinds(ours, theirs)), at_most=0,
            summary=f"{title} have the same task, prompts, sampling and scoring", details=details,
        )  # fmt: skip
    return named(verdict, ALIKE, FAILURE)


def _settings(ours: Mapping[str, Any], theirs: Mapping[str, Any], prompted: bool) -> tuple[list[str], list[str]]:
    """What differs, and what one of the two does not tell."""
    differ, missing = [], []
    for key in ("format", "task", "task_version", "metric"):
        one, two = ours[key], theirs[key]
        if one != two:
            differ.append(f"{key.replace('_', ' ')}: {one or 'not told'} and {two or 'not told'}")
        elif not one and key != "task_version":
            missing.append(key)
    if ours["sampling"] is None or theirs["sampling"] is None:
        missing.append("how answers were drawn")
    elif ours["sampling"] != theirs["sampling"]:
        differ.append("sampling: " + _pairs(ours["sampling"], theirs["sampling"]))
    if prompted:
        return differ, missing
    if ours["shots"] != theirs["shots"]:
        differ.append(f"examples shown: {ours['shots']} and {theirs['shots']}")
    if ours["format"] == theirs["format"]:
        left, right = ours["manner"], theirs["manner"]
        differ += [f"{key}: {left.get(key)} and {right.get(key)}" for key in sorted({*left, *right})
                   if left.get(key) != right.get(key)]  # fmt: skip
    return differ, missing


def _pairs(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    keys = [key for key in sorted({*one, *two}) if one.get(key) != two.get(key)]
    return ", ".join(f"{key} {one.get(key)} and {two.get(key)}" for key in keys)


def _kinds(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> set[str]:
    return {
        "format",
        "task",
        "task_version",
        "metric",
        "sampling",
        "shots",
        "prompts",
        *ours["manner"],
        *theirs["manner"],
    }


def judge_identity(suite: str, nodes: Mapping[str, Node], adapter: Node | None) -> Verdict:
    """Whether the candidate's log is about the adapter: its digest stands in the model's name, or a person said so."""
    base, candidate = nodes["base"], nodes["candidate"]
    model, log = candidate.body["model"], candidate.body["imported"]
    digest = str(adapter.body.get("digest", "")).removeprefix(PREFIX)[:DIGITS] if adapter else ""
    details = {"suite": suite, "pool": "gate", "base": base.body["model"], "candidate": model, "by": log["by"]}
    title = f"{suite}, gate: the log of candidate names the model {model}"
    reason = ""
    if base.body["model"] == model:
        reason = f"the log of base names the same model, {model}"
    elif {*base.body["imported"]["files"].values()} & {*log["files"].values()} and log["format"] != "promptfoo":
        reason = "both arms were read from the same file"
    elif adapter is None:
        reason = "no adapter was trained above that it could be"
    elif not (digest and digest in model) and log["adapter"] != adapter.id:
        reason = f"nothing says that it is the adapter {adapter.name}"
    if reason:
        verdict = cannot_tell(
            summary=title,
            reason=reason,
            next_step=f"headgate evaluate import FILE --suite {suite} --arm candidate --adapter "
            + (adapter.id[:15] if adapter else "ID"),
            details=details,
        )
    else:
        proven = bool(digest) and digest in model
        how = (
            "its digest stands in that name"
            if proven
            else f"{log['by']} says that it is {adapter.name if adapter else ''}"
        )
        verdict = judge_count(
            1, name="models that are the adapter", unit="models", looked_at=1, at_least=1,
            summary=f"{title}: {how}", details=details | {"proven": proven},
        )  # fmt: skip
    return named(verdict, IDENTITY, FAILURE)
