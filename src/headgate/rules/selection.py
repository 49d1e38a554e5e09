"""Which rules to run: expressions to rules.

An expression is a name, a code, a shelf, a failure slug, or `all`. Names of foreign rules carry
their package (`acme/shift-drift`); the package alone selects all its rules.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from headgate.kit.errors import Refused
from headgate.rules import foreign
from headgate.rules.shape import Rule

ALL = "all"


def select(
    expressions: Iterable[str],
    catalogue: Sequence[Rule] | None = None,
    *,
    ignore: Iterable[str] = (),
    plugins: Sequence[foreign.Plugin] | None = None,
) -> tuple[Rule, ...]:
    """The rules that the expressions name, less those to ignore; ours by code, then foreign ones by name.

    Foreign rules are imported only here, and only those that are selected.

    Raises:
        Refused: an expression names nothing; the message has the nearest match.
    """
    ours = tuple(catalogue) if catalogue is not None else _catalogue()
    theirs = tuple(plugins) if plugins is not None else foreign.installed()
    words = vocabulary(ours, theirs)
    wanted: set[str] = set()
    for expression in expressions:
        wanted |= _named(expression, ours, theirs, words)
    for expression in ignore:
        wanted -= _named(expression, ours, theirs, words)
    chosen = [rule for rule in sorted(ours, key=lambda rule: rule.code) if rule.name in wanted]
    plugged = [plugin.rule() for plugin in sorted(theirs, key=lambda plugin: plugin.name) if plugin.name in wanted]
    return (*chosen, *plugged)


def find(name: str, catalogue: Sequence[Rule] | None = None) -> Rule:
    """The one rule of that name or code.

    Raises:
        Refused: there is none.
    """
    rules = tuple(catalogue) if catalogue is not None else _catalogue()
    for rule in rules:
        if name in (rule.name, rule.code) or name.upper() == rule.code:
            return rule
    theirs = foreign.installed()
    for plugin in theirs:
        if plugin.name == name:
            return plugin.rule()
    names = [word for rule in rules for word in (rule.name, rule.code)] + [plugin.name for plugin in theirs]
    raise unknown("rule", name, names, next_step="headgate explain")


def vocabulary(rules: Iterable[Rule], plugins: Iterable[foreign.Plugin] = ()) -> list[str]:
    """Every expression that selects something, sorted."""
    words = {ALL}
    for rule in rules:
        words |= {rule.name, rule.code, rule.shelf, rule.failure}
    for plugin in plugins:
        words |= {plugin.name, plugin.package}
    return sorted(words)


def unknown(kind: str, found: str, allowed: Iterable[str], **parts: str) -> Refused:
    """The refusal of a word that is not in a list, with the nearest word that is."""
    known = list(dict.fromkeys(allowed))
    lowered = {word.lower(): word for word in known}
    near = difflib.get_close_matches(found.lower(), lowered, n=1, cutoff=0.5)
    wanted = f"did you mean {lowered[near[0]]!r}?" if near else "one of: " + ", ".join(known)
    return Refused(f"no such {kind}", found=repr(found), wanted=wanted, **parts)  # type: ignore[arg-type]


def _named(expression: str, ours: Sequence[Rule], theirs: Sequence[foreign.Plugin], words: Sequence[str]) -> set[str]:
    if expression == ALL:
        return {rule.name for rule in ours} | {plugin.name for plugin in theirs}
    names = {
        rule.name
        for rule in ours
        if expression in (rule.name, rule.shelf, rule.failure) or expression.upper() == rule.code
    }
    names |= {plugin.name for plugin in theirs if expression in (plugin.name, plugin.package)}
    if not names:
        raise unknown("rule, shelf or failure", expression, words, next_step="headgate explain")
    return names


def _catalogue() -> tuple[Rule, ...]:
    from headgate.rules.catalogue import CATALOGUE

    return CATALOGUE
