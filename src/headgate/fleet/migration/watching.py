"""Alias watch: a name that somebody else moves, asked the same again and again.

A provider's alias may come to mean another snapshot over night. What its server says about itself is compared, and so
is what it answers: the same prompts, twice on the first day to learn how much it differs from itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.kit.names import must_be_name
from headgate.kit.progress import silent
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.models.model import Completion, Model, Prompt, Sampling
from headgate.stats.intervals import wilson
from headgate.stats.judging import cannot_tell, judge_count, judge_share
from headgate.stats.verdict import Outcome, Verdict, worst

KIND, PREFIX = "probe", "alias-watch/"
CASE, CASE_PREFIX = "case", "migration/"
FAILURE = "adapter-compatibility-cliff"
ALLOWED = 0.05  # share of answers that may differ beyond what the alias differs from itself
LEAST = 8  # prompts


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a look at an alias found."""

    first: bool
    verdicts: tuple[Verdict, ...]
    case: str = ""  # node of the migration case that was opened

    @property
    def outcome(self) -> Outcome:
        """The worst of them; the first look has nothing to compare."""
        return worst(self.verdicts) if self.verdicts else Outcome.PASS


class _Nothing:
    """A journal without memory: each look is a new one."""

    def get(self, key: str) -> Completion | None:  # noqa: ARG002 - the shape of a journal
        return None

    def put(self, key: str, completion: Completion) -> None:
        pass

    def note_failure(self, key: str, reason: str) -> None:
        pass


def watch(
    ledger: Ledger, name: str, model: Model, prompts: Sequence[Prompt], now: datetime, *, version: str = "",
    anew: bool = False,
) -> Watched:  # fmt: skip
    """Asks an alias; the first time it records the answers' addresses, later it compares.

    Opens a case where the alias says that it is another version, or answers otherwise; one case for one change.
    `version` is what the model is where no server says it: the address of a folder. With `anew` what it answers now
    is the first look of what comes, and an open case is closed: a migration was accepted.

    Raises:
        Refused: no name, too few prompts, other prompts than those recorded, or answers that do not arrive.
    """
    must_be_name(name, "not the name of an alias to watch")
    if len(prompts) < LEAST:
        raise Refused("too few prompts to watch an alias", found=str(len(prompts)), wanted=f"{LEAST} or more")
    asked = digest_json([[dict(message) for message in prompt] for prompt in prompts])
    known = None if anew else ledger.latest(KIND, PREFIX + name)
    if known is not None and known.body["asked"] != asked:
        raise Refused(
            "the alias is watched with other prompts", found=asked, wanted=str(known.body["asked"]),
            next_step="use the file of the first look, or begin again with --anew",
        )  # fmt: skip
    looks = [_answers(model, prompts) for _ in range(2 if known is None else 1)]
    versions = looks[0][1] or ([version] if version else [])
    body = {"alias": name, "model": model.name, "asked": asked, "versions": versions, "answers": looks[0][0]}
    if known is None:
        unsteady = sum(a != b for a, b in zip(looks[0][0], looks[1][0], strict=True))
        ledger.record(KIND, PREFIX + name, {**body, "unsteady": unsteady}, at=now)
        if (over := _open_case(ledger, name)) is not None:
            ledger.record(CASE, over.name, {**over.body, "state": "closed"}, at=now)
        return Watched(first=True, verdicts=())
    verdicts = (_version(known.body, body), _behaviour(known.body, body))
    failed = [one for one in verdicts if one.outcome is Outcome.FAIL]
    case = _open(ledger, known, body, failed, now) if failed else ""
    return Watched(first=False, verdicts=verdicts, case=case)


def _answers(model: Model, prompts: Sequence[Prompt]) -> tuple[list[str], list[str]]:
    """Addresses of the answers, and the versions that the server told."""
    sampling = Sampling(max_tokens=64, temperature=0.0, seed=0)
    said = asyncio.run(model.complete(prompts, settings=sampling, journal=_Nothing(), advance=silent))
    lost = [one for one in said if one.outcome == "error"]
    if lost:
        raise Refused("the alias does not answer", found=f"{len(lost)} of {len(said)}: {lost[0].error}")
    return [digest_json(one.text) for one in said], sorted({one.version for one in said if one.version})


def _version(before: Mapping[str, Any], now: Mapping[str, Any]) -> Verdict:
    if not (before["versions"] and now["versions"]):
        verdict = cannot_tell(
            summary=f"{now['alias']}: its server says no version", reason="system_fingerprint is empty",
            next_step="the answers decide",
        )  # fmt: skip
    else:
        new = sorted(set(now["versions"]) - set(before["versions"]))
        verdict = judge_count(
            len(new), name="versions that were not there", looked_at=len(now["answers"]), unit="versions", at_most=0,
            summary=f"{now['alias']}: {', '.join(now['versions'])}, before {', '.join(before['versions'])}",
            next_step="headgate fleet migrate accept, old stack against new",
        )  # fmt: skip
    return replace(verdict, rule="alias-version", failure=FAILURE)


def _behaviour(before: Mapping[str, Any], now: Mapping[str, Any]) -> Verdict:
    n = len(now["answers"])
    changed = sum(a != b for a, b in zip(before["answers"], now["answers"], strict=True))
    own = wilson(before["unsteady"], n).high if before["unsteady"] else 0.0
    verdict = judge_share(
        changed, n, name="answers that changed", at_most=min(1.0, own + ALLOWED), census=True,
        summary=f"{now['alias']}: {changed} of {n} answers changed; it differed from itself in {before['unsteady']}",
        next_step="headgate fleet migrate accept, old stack against new",
    )  # fmt: skip
    return replace(verdict, rule="alias-behaviour", failure=FAILURE)


def _open(ledger: Ledger, known: Node, body: Mapping[str, Any], failed: Sequence[Verdict], now: datetime) -> str:
    record = {
        "state": "open", "alias": body["alias"], "versions": body["versions"], "answers": digest_json(body["answers"]),
        "reasons": [one.summary for one in failed],
    }  # fmt: skip
    case = _open_case(ledger, str(body["alias"]))
    if case is not None and all(case.body[key] == record[key] for key in ("versions", "answers")):
        return case.id  # what is known already is no other case at every look
    return ledger.record(CASE, CASE_PREFIX + str(body["alias"]), record, edges=[Edge("derived-from", known.id)], at=now)


def _open_case(ledger: Ledger, name: str) -> Node | None:
    case = ledger.latest(CASE, CASE_PREFIX + name)
    return case if case is not None and case.body["state"] == "open" else None
