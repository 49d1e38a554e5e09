"""Suites as pytest tests: a suite that disagrees fails, one that lacks an outcome fails, words select."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFTEST = """
from headgate.rules.catalogue import CATALOGUE
from headgate.testing.collector import suites_of

pytest_collect_file = suites_of(CATALOGUE)
"""
CASE = '## {heading}\n\n```training\n{row}\n```\n\n```expect\noutcome = "{outcome}"\n```\n\n'
FULL, EMPTY, PROMPT = '{"user": "a", "assistant": "b"}', '{"user": "a", "assistant": ""}', '{"user": "a"}'


def run(folder: Path, suite: str, *arguments: str, name: str = "dat009_rows_without_lesson.md") -> str:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / name).write_text("# suite\n\n" + suite)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def case(heading: str, row: str, outcome: str) -> str:
    return CASE.format(heading=heading, row=row, outcome=outcome)


WHOLE = case("has words", FULL, "pass") + case("has none", EMPTY, "fail") + case("asks only", PROMPT, "unsure")


def test_whole_suite_passes_and_words_select(tmp_path: Path) -> None:
    """One test a case and one for the whole; `-k` takes words of a heading."""
    assert "4 passed" in run(tmp_path, WHOLE)
    assert "1 passed, 3 deselected" in run(tmp_path, WHOLE, "-k", "has and none")


def test_disagreement_fails_at_its_heading(tmp_path: Path) -> None:
    """The message names the line of the case and the difference."""
    out = run(tmp_path, WHOLE.replace('"fail"', '"pass"'))
    assert "dat009_rows_without_lesson.md:13: has none" in out
    assert "outcome: expected 'pass', is 'fail'" in out


def test_suite_without_a_doubt_fails(tmp_path: Path) -> None:
    """A suite must show every outcome."""
    out = run(tmp_path, case("has words", FULL, "pass") + case("has none", EMPTY, "fail"))
    assert "no case expects: unsure" in out
    assert "1 failed, 2 passed" in out


def test_suite_of_no_rule_is_an_error(tmp_path: Path) -> None:
    """A file whose stem no rule has is not silently left out."""
    assert "no rule has the stem 'dat999_nothing'" in run(tmp_path, WHOLE, name="dat999_nothing.md")
