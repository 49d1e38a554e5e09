"""The shape of a rule: a card, its options, and one function from what it needs to a verdict.

A rule is one file. Its module docstring is its page; its options are a frozen dataclass with a
unit on every line; its function takes what the rule declared it needs and returns one verdict.
The decorator returns a plain record. Nothing is registered by importing: `catalogue.py` is the list.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from headgate.rules.corpus import Ask
from headgate.rules.given import Given
from headgate.stats.verdict import Level, Outcome, Verdict

SHELVES = {"PLN": "plan", "LIN": "lineage", "DAT": "data", "SYN": "synthetic", "JDG": "judge", "SRV": "serve"}
HEADINGS = (
    "What it checks",
    "Why it matters",
    "How it is measured",
    "When it cannot tell",
    "What to do",
    "References",
)

GRAVITY = (Level.NOTE, Level.WARN, Level.BLOCK)

Check = Callable[[Given, Any], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Identity, needs and function of one rule."""

    name: str  # kebab-case; names the failure
    code: str  # shelf prefix and three digits, given once
    failure: str  # slug of the failure mode that the rule answers for
    needs: tuple[str, ...]  # inputs that must be given: "training-rows", "evaluation-items", ...
    level: Level  # default level of a failing verdict
    status: str  # "trial", "stable" or "retired"
    since: str  # version in which the status began
    options: type  # frozen dataclass; every field has a default
    check: Check
    module: str
    asks: tuple[Ask, ...] | None = None  # all that it asks of training rows; None: it needs them in memory
    once: bool = False  # whether the first scan tells it all: it works while others have rows looked at again
    package: str = ""  # distribution that a foreign rule came with; empty for the rules of headgate
    version: str = ""  # of that distribution

    @property
    def shelf(self) -> str:
        """The shelf by what is examined, such as "data"; for a foreign rule, its package."""
        return self.package or SHELVES[self.code[:3]]

    @property
    def stem(self) -> str:
        """The name that the rule's file, suite, planter and page share, such as `dat006_self_leak`."""
        return self.module.rpartition(".")[2]

    @property
    def page(self) -> str:
        """The module docstring: the page that `headgate explain` prints."""
        return (sys.modules[self.module].__doc__ or "").strip()

    def judge(self, given: Given, options: Any | None = None, level: Level | None = None) -> Verdict:
        """Runs the rule; says `skipped` when an input is missing. A rule on trial never blocks.

        A check that finds only what is worth a warning says so by the level of its verdict.
        """
        absent = [name for name in self.needs if not given.has(name)]
        if absent:
            return self.skipped("not given: " + ", ".join(absent))
        asked = level or self.level
        if self.status == "trial" and asked is Level.BLOCK:
            asked = Level.WARN
        verdict = self.check(given, options if options is not None else self.options())
        asked = min(asked, verdict.level, key=GRAVITY.index)
        details = {**verdict.details, **self.origin}
        return replace(verdict, rule=self.name, code=self.code, failure=self.failure, level=asked, details=details)

    @property
    def origin(self) -> dict[str, str]:
        """Package and version of a foreign rule, as its verdicts store them; empty for our own."""
        return {"package": self.package, "version": self.version} if self.package else {}

    def skipped(self, reason: str) -> Verdict:
        """The verdict of a rule that could not be asked."""
        return Verdict(
            rule=self.name,
            code=self.code,
            failure=self.failure,
            outcome=Outcome.SKIPPED,
            level=self.level,
            summary=f"skipped: {reason}",
            reason=reason,
            details=self.origin,
        )


def rule(
    code: str,
    *,
    failure: str,
    needs: tuple[str, ...],
    options: type,
    since: str,
    level: str = "warn",
    status: str = "trial",
    asks: tuple[Ask, ...] | None = None,
    once: bool = False,
) -> Callable[[Check], Rule]:
    """Makes a rule of a function; the function's name, in kebab case, is the rule's name.

    `asks` names the questions of `Corpus` that the function asks of training rows: a rule that asks no
    others also runs on files that are read in shards. `once` says that it asks nothing else of them later.
    """

    def made(check: Check) -> Rule:
        return Rule(
            name=check.__name__.replace("_", "-"),
            code=code,
            failure=failure,
            needs=needs,
            level=Level(level),
            status=status,
            since=since,
            options=options,
            check=check,
            module=check.__module__,
            asks=asks,
            once=once,
        )

    return made
