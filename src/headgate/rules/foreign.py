"""Rules from other packages, found by the entry point group `headgate.rules`.

The name of a foreign rule is its package and its entry point: `acme/shift-drift`. A plugin is
imported only when it is selected, in a try of its own: what cannot be loaded becomes a verdict
that says so, and the other rules run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from typing import Any

from headgate.kit.errors import Refused
from headgate.rules.given import Given
from headgate.rules.shape import Rule
from headgate.stats.verdict import Level, Outcome, Verdict

GROUP = "headgate.rules"
FAILURE = "plugin"  # slug of the verdicts about plugins themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Options of a rule that could not be loaded: none."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A rule that is installed and not yet imported."""

    package: str
    version: str
    entry: metadata.EntryPoint

    @property
    def name(self) -> str:
        """Name of the rule as users write it."""
        return f"{self.package}/{self.entry.name}"

    def rule(self) -> Rule:
        """The rule; where it cannot be loaded, a rule whose every verdict says so."""
        try:
            loaded = self.entry.load()
            if not isinstance(loaded, Rule):
                raise Refused("not a rule", found=type(loaded).__name__, wanted="what the decorator `rule` returns")
        except Exception as error:  # noqa: BLE001 - importing foreign code may raise anything
            return self._broken(f"{type(error).__name__}: {_line(error)}")
        return replace(loaded, name=self.name, package=self.package, version=self.version)

    def _broken(self, found: str) -> Rule:
        return Rule(
            name=self.name,
            code="",
            failure=FAILURE,
            needs=(),
            level=Level.WARN,
            status="stable",
            since="0.1",
            options=Nothing,
            check=partial(_not_loaded, self, found),
            module=__name__,
            package=self.package,
            version=self.version,
        )


def installed() -> tuple[Plugin, ...]:
    """Every foreign rule on this machine, sorted by name; nothing is imported."""
    found = [
        Plugin(entry.dist.name, entry.dist.version, entry)
        for entry in metadata.entry_points(group=GROUP)
        if entry.dist is not None
    ]
    return tuple(sorted(found, key=lambda plugin: plugin.name))


def _not_loaded(plugin: Plugin, found: str, given: Given, options: Any) -> Verdict:  # noqa: ARG001 - shape of a rule
    return Verdict(
        rule="",
        code="",
        failure=FAILURE,
        outcome=Outcome.UNSURE,
        level=Level.WARN,
        summary=f"plugin could not be loaded: {plugin.name}",
        reason=f"{found} (package {plugin.package} {plugin.version}, {plugin.entry.value})",
        next_step=f"pip install --upgrade {plugin.package}",
    )


def _line(error: Exception) -> str:
    text = error.what if isinstance(error, Refused) else str(error)
    return text.splitlines()[0] if text else "no message"
