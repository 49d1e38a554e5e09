"""Judges for a fake endpoint: what they prefer is known, so that a test can ask whether it was found out.

A policy sees question and answers as a real judge would, out of the fenced message, and says "A", "B" or "tie".

    with FakeEndpoint(judge(longest)) as server: ...
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping

from headgate.testing.fake_endpoint import Answerer, Request

FENCED = re.compile(r"<<<(question|answer A|answer B|answer) (\S+)>>>\n(.*?)\n<<<end \1 \2>>>", re.DOTALL)
Policy = Callable[[Mapping[str, str]], str]


def seen(request: Request) -> dict[str, str]:
    """What stands between the fences: "question", "answer A", "answer B" or "answer"."""
    text = next(str(one["content"]) for one in request.messages if one["role"] == "user")
    return {name: inside for name, _, inside in FENCED.findall(text)}


def judge(policy: Policy) -> Answerer:
    """A judge of pairs that answers as a real one should: one JSON object."""
    return lambda request: json.dumps({"better": policy(seen(request)), "reason": "because"})


def knowing(right: Mapping[str, str], otherwise: Policy | None = None) -> Policy:
    """Prefers the answer that holds what is right for the question; elsewhere what another policy says, else a tie."""

    def choose(shown: Mapping[str, str]) -> str:
        wanted = right.get(shown["question"])
        named = [side for side in "AB" if wanted is not None and wanted in shown[f"answer {side}"]]
        if len(named) == 1:
            return named[0]
        return otherwise(shown) if otherwise and not named else "tie"

    return choose


def longest(shown: Mapping[str, str]) -> str:
    """Prefers the longer answer."""
    a, b = len(shown["answer A"]), len(shown["answer B"])
    return "tie" if a == b else ("A" if a > b else "B")


def always_first(shown: Mapping[str, str]) -> str:  # noqa: ARG001 - the shape of a policy
    """Prefers what is shown first."""
    return "A"


def obeying(pleas: str, otherwise: Policy) -> Policy:
    """Does what an answer asks of it, where one holds these words."""

    def choose(shown: Mapping[str, str]) -> str:
        pleading = [side for side in "AB" if re.search(pleas, shown[f"answer {side}"], re.IGNORECASE)]
        return pleading[0] if len(pleading) == 1 else otherwise(shown)

    return choose


def noisy(policy: Policy, share: float, seed: int = 0) -> Policy:
    """Another judge that errs on a share of the pairs it sees, always on the same ones."""

    def choose(shown: Mapping[str, str]) -> str:
        said = policy(shown)
        number = int(hashlib.sha256(f"{seed}{sorted(shown.items())}".encode()).hexdigest()[:8], 16) / 2**32
        return {"A": "B", "B": "A", "tie": "tie"}[said] if number < share else said

    return choose


def grader(policy: Callable[[str, str], bool]) -> Answerer:
    """A judge of single answers: `policy(criterion, answer)` says whether a criterion is met."""

    def graded(request: Request) -> str:
        shown = seen(request)
        system = str(request.messages[0]["content"])
        names = re.findall(r"^- ([^:\n]+):", system, re.MULTILINE)
        marks = {name: "met" if policy(name, shown["answer"]) else "not met" for name in names}
        return json.dumps({"criteria": marks})

    return graded
