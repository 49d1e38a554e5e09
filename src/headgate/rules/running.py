"""Runs rules over what is given: one verdict each, in the order of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from headgate.kit.errors import Broken, HeadgateError, Refused, merged
from headgate.kit.progress import progress
from headgate.rules.given import Given
from headgate.rules.meeting import met
from headgate.rules.options import read_options
from headgate.rules.selection import unknown
from headgate.rules.shape import Rule
from headgate.stats.verdict import Level, Outcome, Verdict


def run_rules(
    rules: Sequence[Rule],
    given: Given,
    options_by_rule: Mapping[str, Any] | None = None,
    levels: Mapping[str, Level | str] | None = None,
    *,
    quiet: bool = True,
    file: str | None = None,
) -> list[Verdict]:
    """One verdict for each rule. Options and levels are keyed by name or code.

    `file` is where they came from, as errors name it; without `quiet` a person sees a progress bar.

    A foreign rule that crashes becomes an `unsure` verdict at its level; the others run.

    Raises:
        Refused: unknown option, level or rule in the settings; all problems at once.
        Broken: one of our own rules crashed.
    """
    options = _by_name(rules, options_by_rule or {}, file)
    asked = {name: _level(name, level, file) for name, level in _by_name(rules, levels or {}, file).items()}
    read, errors = {}, []
    for rule in rules:
        try:
            read[rule.name] = read_options(rule, options.get(rule.name), file=file)
        except Refused as error:
            errors.append(error)
    if errors:
        raise merged(errors)
    works = [partial(_judged, rule, given, read[rule.name], asked.get(rule.name)) for rule in rules]
    with progress("rules", len(rules), quiet=quiet) as advance:
        if not given.in_memory:
            return met(works, partial(advance, 1), {place for place, rule in enumerate(rules) if rule.once})
        verdicts = []
        for work in works:
            verdicts.append(work())
            advance(1)
    return verdicts


def _judged(rule: Rule, given: Given, options: Any, level: Level | None) -> Verdict:
    try:
        return rule.judge(given, options, level)
    except HeadgateError:
        raise
    except Exception as error:
        if not rule.package:
            raise Broken(f"rule {rule.name} ({rule.code}) crashed", found=f"{type(error).__name__}: {error}") from error
        reason = f"{type(error).__name__}: {error} (package {rule.package} {rule.version})"
        crashed = replace(rule.skipped(reason), summary="plugin crashed while judging", next_step="")
        return replace(crashed, outcome=Outcome.UNSURE, level=level or rule.level)


def _by_name(rules: Sequence[Rule], table: Mapping[str, Any], file: str | None) -> dict[str, Any]:
    names = {word: rule.name for rule in rules for word in (rule.name, rule.code) if word}
    known = _all_names(names)
    out: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise replace(unknown("rule", key, known, next_step="headgate explain"), file=file)
        if key in names:  # settings of a rule that is not selected are read by nobody
            out[names[key]] = value
    return out


def _all_names(selected: Mapping[str, str]) -> dict[str, str]:
    from headgate.rules.catalogue import CATALOGUE

    return {word: rule.name for rule in CATALOGUE for word in (rule.name, rule.code)} | dict(selected)


def _level(name: str, level: Level | str, file: str | None) -> Level:
    try:
        return Level(level)
    except ValueError:
        raise replace(unknown(f"level for {name}", str(level), [each.value for each in Level]), file=file) from None
