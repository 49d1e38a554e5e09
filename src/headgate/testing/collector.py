"""Turns literate suites into pytest tests, one for each case.

In the `conftest.py` of the folder with the suites:

    from headgate.rules.catalogue import CATALOGUE
    from headgate.testing.collector import suites_of

    pytest_collect_file = suites_of(CATALOGUE)

A suite has the stem of its rule. `pytest -k "words and heading"` selects the
cases whose heading has these words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from headgate.kit.errors import Refused
from headgate.rules.shape import Rule
from headgate.testing.literate import Case, outcomes_missing, read_suite


class Disagreement(Exception):
    """A verdict is not as its case expects."""


class CaseItem(pytest.Item):
    """One case of a suite, as a test."""

    def __init__(self, *, case: Case, rule: Rule, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case
        self.rule = rule

    def runtest(self) -> None:
        """Asks the rule and compares."""
        problems = self.case.problems(self.rule)
        if problems:
            raise Disagreement("\n".join(problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The differences, at the line of the heading; anything else with its traceback."""
        if isinstance(excinfo.value, Disagreement | Refused):
            return f"{self.case.file}:{self.case.line}: {self.case.heading}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line and name as pytest prints them."""
        return self.path, self.case.line - 1, f"{self.rule.name}: {self.case.heading}"


class CompleteItem(pytest.Item):
    """The suite shows every outcome."""

    def __init__(self, *, cases: Sequence[Case], **rest: Any) -> None:
        super().__init__(**rest)
        self.cases = cases

    def runtest(self) -> None:
        """Looks for an outcome that no case expects."""
        missing = outcomes_missing(self.cases)
        if missing:
            raise Disagreement("no case expects: " + ", ".join(missing))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The missing outcomes in one line."""
        if isinstance(excinfo.value, Disagreement | Refused):
            return f"{self.path}: {excinfo.value}"
        return super().repr_failure(excinfo, style)


class SuiteFile(pytest.File):
    """A suite file."""

    def __init__(self, *, rules: Iterable[Rule], **rest: Any) -> None:
        super().__init__(**rest)
        self.rules = {rule.stem: rule for rule in rules}

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each case, and one for the whole."""
        rule = self.rules.get(self.path.stem)
        if rule is None:
            raise self.CollectError(f"{self.path}: no rule has the stem {self.path.stem!r}")
        cases = read_suite(self.path)
        for case in cases:
            yield CaseItem.from_parent(self, name=case.heading, case=case, rule=rule)
        yield CompleteItem.from_parent(self, name="the suite shows every outcome", cases=cases)


def suites_of(rules: Iterable[Rule]) -> Callable[[Path, pytest.Collector], SuiteFile | None]:
    """The hook `pytest_collect_file` for suites of these rules."""
    known = tuple(rules)

    def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        if file_path.suffix != ".md":
            return None
        return SuiteFile.from_parent(parent, path=file_path, rules=known)

    return pytest_collect_file
