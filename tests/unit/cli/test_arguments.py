"""Arguments that several verbs read alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.cli.arguments import pairs
from headgate.cli.main import main
from headgate.kit.errors import Refused


def test_one_name_for_two_values_is_refused() -> None:
    """The first would be dropped without a word."""
    assert {"a": "x", "b": "y=z"} == pairs(["a=x", " b = y=z", " "], "--adapter")
    with pytest.raises(Refused, match="--adapter gives one name twice") as refused:
        pairs(["a=x", "b=y", "a=z"], "--adapter")
    assert "a means x and z" == refused.value.found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--adapter", "a=one", "--adapter", "a=two", "--adapter", "b=three"), "gives one name twice"),
        (("--adapter", "a=one", "--adapter", "b=two", "--plan", "joint"), "no plan is tried without skills"),
        (("--adapter", "a=one", "--adapter", "b=two", "--out", "both"), "no plan is tried without skills"),
    ],
)
def test_a_composition_does_what_it_is_asked_or_says_why_not(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An adapter that would be dropped, a plan that would not be tried, a folder that would not be written."""
    with pytest.raises(SystemExit) as ended:
        main(["fleet", "compose", "--base", str(tmp_path), *words, "--ledger", str(tmp_path / "none")])
    assert 2 == ended.value.code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [("serve", "--budget", "nan"), ("serve", "--grace", "inf"), ("fleet", "migrate", "accept", "--margin", "nan")],
)
def test_an_option_that_is_no_finite_number_is_refused(capsys, tmp_path: Path, words: tuple[str, ...]) -> None:
    """`nan` passes every comparison, so a bound of `nan` is none."""
    rest = ("--from", tmp_path, "--old", tmp_path, "--to", tmp_path, "--new", tmp_path, "--suite", f"a={tmp_path}")
    with pytest.raises(SystemExit) as ended:
        main([*words, *(map(str, rest) if words[0] == "fleet" else ())])
    assert 2 == ended.value.code
    assert f"{words[-1]} is not a finite number" in capsys.readouterr().err
