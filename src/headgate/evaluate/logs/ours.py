"""Our own results, brought together for a log: endings from the ledger, words from the user's item files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from headgate.evaluate.logs.writing import (
    WITHHELD,
    Results,
    Told,
    write_inspect,
    write_lm_eval,
    write_promptfoo,
)
from headgate.evaluate.scorers import Mark, Scored
from headgate.evaluate.settings import Settings
from headgate.evaluate.suites import Suite, load_suite
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json, short
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.steps import StageContext

ARMS = ("base", "few-shot", "candidate")
DEV = "dev"


def results_of(
    ledger: Ledger, settings: Settings, context: StageContext, *, suite: str, pool: str, arms: Sequence[str] = ()
) -> list[Results]:
    """The newest results of each arm on a pool.

    Raises:
        Refused: the suite is not in the flow file, the pool is sealed, nothing was measured, or item files
            have changed since.
    """
    if suite not in settings.suites:
        found = ", ".join(settings.suites) or "none"
        raise Refused("no such suite in the flow file", found=found, wanted=suite or "--suite NAME")
    if pool not in ("gate", DEV):
        raise Refused("results of that pool are not written", found=pool, wanted="gate or dev")
    loaded = load_suite(suite, settings.suites[suite], context.folder)
    nodes = [one for arm in arms or ARMS if (one := _newest(ledger, suite, pool, arm)) is not None]
    if not nodes:
        raise Refused("nothing was measured", found=f"{suite}, {pool}: {', '.join(arms or ARMS)}",
                      next_step="headgate evaluate")  # fmt: skip
    answers = _answers(context, suite) if pool == DEV else {}
    return [_results(ledger, node, loaded, settings, answers) for node in nodes]


def write(path: Path, form: str, results: Sequence[Results]) -> list[Path]:
    """Writes results in a form; all arms in one promptfoo file, otherwise one log or folder an arm.

    Raises:
        Refused: the place cannot be written to, or the form is not known.
    """
    if form == "promptfoo":
        return write_promptfoo(path, results)
    if form not in ("inspect", "lm-eval"):
        raise Refused("no such form", found=form, wanted="inspect, lm-eval or promptfoo")
    if path.exists() and not path.is_dir():
        raise Refused("not a folder", file=str(path), wanted="a folder, or a new name")
    written = []
    for one in results:
        name = f"{one.suite}-{one.pool}-{one.arm}"
        if form == "inspect":
            path.mkdir(parents=True, exist_ok=True)
            written += write_inspect(path / f"{name}.json", one)
        else:
            written += write_lm_eval(path / name, one)
    return written


def _newest(ledger: Ledger, suite: str, pool: str, arm: str) -> Node | None:
    own = [node for node in ledger.find("score", f"{suite}/{pool}/{arm}") if "imported" not in node.body]
    return own[-1] if own else None


def _results(
    ledger: Ledger, node: Node, suite: Suite, settings: Settings, answers: Mapping[tuple[str, str], list[str]]
) -> Results:
    body = node.body
    outcomes: dict[str, str] = orjson.loads(ledger.content.get(body["outcomes"]))
    items = {item.id: item for item in suite.pools[body["pool"]]}
    if gone := len(outcomes.keys() - items.keys()):
        raise Refused("items of the suite have changed since it was measured", found=f"{gone:,} are not in the files",
                      next_step="headgate evaluate")  # fmt: skip
    told = []
    for item in (one for one in items.values() if one.id in outcomes):
        reason, answer = answers.get((body["arm"], item.id), ["", ""])
        scored = Scored(Mark(outcomes[item.id]), reason)
        cluster = "" if item.cluster.startswith("question:") else item.cluster
        told.append(
            Told(id=item.id, question=item.question, target=item.target, scored=scored, cluster=cluster,
                 answer=answer or WITHHELD)
        )  # fmt: skip
    sampling = {
        "temperature": 0.0, "seed": settings.seed, "stop": list(settings.stop),
        "max_tokens": suite.settings.max_tokens or settings.max_tokens,
    }  # fmt: skip
    return Results(
        suite=suite.name, pool=body["pool"], arm=body["arm"], model=body["model"], items=told, at=parse_moment(node.at),
        version=short(digest_json(suite.body())), sampling=sampling, shots=None if body["prompt"] else 0,
    )  # fmt: skip


def _answers(context: StageContext, suite: str) -> dict[tuple[str, str], list[str]]:
    """Reason and answer of each arm to each development item, where the file of them is still there."""
    path = context.work / "evaluate" / f"{suite}-{DEV}.jsonl"
    found: dict[tuple[str, str], list[str]] = {}
    if not path.exists():
        return found
    for line in path.read_bytes().splitlines():
        told: dict[str, Any] = orjson.loads(line)
        for arm, (_, reason, answer) in told["arms"].items():
            found[arm, told["item"]] = [reason, answer]
    return found
