"""Figures, shortfalls and pages."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from headgate.cli.explain import command
from headgate.kit.errors import Refused
from headgate.rules import page
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.options import option_lines
from headgate.rules.power import Fresh, fresh_of, from_json, shortfalls
from headgate.rules.selection import find

RULE = find("erased-slice", CATALOGUE)


def figure(strength: float, hits: int, of: int, size: int = 100) -> dict:
    return {
        "source": "star",
        "size": size,
        "strength": strength,
        "hits": hits,
        "of": of,
        "unsure": 0,
        "share": hits / of,
        "low": 0.0,
        "high": 1.0,
    }


def figures(found: int, failed: int) -> dict:
    return {
        "unit": "share of rows",
        "claimed": 0.1,
        "smallest": 100,
        "recall": 0.5,
        "precision": 1.0,
        "seconds": 0.1,
        "detection": [figure(0.1, found, 20), figure(0.5, 20, 20), figure(0.1, 0, 20, size=50)],
        "false_alarms": [figure(0.0, failed, 100)],
    }


@pytest.mark.parametrize(("found", "failed", "missing"), [(16, 5, 0), (15, 5, 1), (16, 6, 1), (15, 6, 2), (20, 0, 0)])
def test_bar_of_a_stable_rule(found: int, failed: int, missing: int) -> None:
    """80 % at the claimed strength and size, 5 % false alarms; easier and smaller cells do not count."""
    read = from_json(figures(found, failed))
    assert (found, 20) == read.at_claim
    assert missing == len(shortfalls(read))


def test_no_figures_is_a_shortfall() -> None:
    """What was not measured is not stable."""
    assert ["no figures"] == shortfalls(None)


def test_page_has_every_part() -> None:
    """Docstring, options, power and cases stand on the page in this order."""
    text = page.page(RULE)
    heads = [line for line in text.splitlines() if line.startswith(("# ", "## "))]
    assert "# erased-slice" == heads[0]
    assert ["## Options", "## Measured power", "## Cases"] == heads[-3:]
    assert "| `floor` | `0.8` |" in text


def test_unmeasured_rule_says_so() -> None:
    """A rule without figures is not dressed up."""
    unmeasured = replace(RULE, module="headgate.rules.shape")
    assert "Not measured yet." in page.page(unmeasured)


def test_fresh_figures_stand_apart_and_say_why_a_rule_is_on_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """What thresholds were chosen on, what was measured elsewhere, what was read, and what is missing."""
    fresh = Fresh(chosen_on="star", read="All were read.", figures=from_json(figures(15, 6)))
    monkeypatch.setattr(page, "fresh_of", lambda rule: fresh)
    text = page.page(RULE)
    apart = text.index("### On data that nothing was chosen on")
    assert text.index("## Measured power") < apart < text.index("## Cases")
    assert "Thresholds were chosen on star." in text
    assert "15 of 20 (53% to 89%) plantings at that strength found, 6 of 100 (3% to 12%) honest sets failed." in text
    assert (
        "On trial, because it finds 15 of 20 plantings at the claimed strength; 80% are needed; and it fails on" in text
    )
    assert "star" == page.as_json(RULE)["fresh_power"]["chosen_on"]


def test_rules_without_fresh_figures_say_nothing_of_them() -> None:
    """None is no table of noughts."""
    assert (None, None) == (fresh_of(RULE), page.as_json(RULE)["fresh_power"])


def test_option_without_comment_is_refused(tmp_path: Path) -> None:
    """An option without a unit on its line cannot make a page."""
    source = tmp_path / "bare_options.py"
    source.write_text(
        "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Options:\n    least: int = 3\n"
    )
    spec = importlib.util.spec_from_file_location("bare_options", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bare_options"] = module
    spec.loader.exec_module(module)
    with pytest.raises(Refused, match="needs a default and a comment"):
        option_lines(module.Options)


def test_writing_pages_removes_those_of_rules_that_are_gone(tmp_path: Path) -> None:
    """The folder holds what the catalogue holds."""
    (tmp_path / "gone-rule.md").write_text("old")
    page.main([str(tmp_path)])
    assert set(page.pages(CATALOGUE)) == {path.name for path in tmp_path.iterdir()}


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.output


def test_explain_alone_fits_one_screen_and_names_every_rule() -> None:
    """The catalogue is one line a rule."""
    code, text = run()
    assert 0 == code
    assert [] == [rule.name for rule in CATALOGUE if f"{rule.code}  {rule.name} " not in text]
    assert all(len(line) <= 120 for line in text.splitlines())


def test_explain_json() -> None:
    """One rule and the whole catalogue as JSON."""
    one = orjson.loads(run("DAT010", "--json")[1])
    assert ("explain", "erased-slice", "dedup-hard-example") == (one["command"], one["rule"], one["failure"])
    assert {"key", "type", "default", "comment"} == set(one["options"][0])
    everything = orjson.loads(run("--json")[1])
    assert [rule.code for rule in CATALOGUE] == [each["code"] for each in everything["rules"]]


def test_explain_quiet_prints_nothing() -> None:
    """Quiet is quiet."""
    assert (0, "") == run("--quiet")
    assert (0, "") == run("erased-slice", "--quiet")


def test_explain_unknown_rule() -> None:
    """A slip gets a proposal."""
    with pytest.raises(Refused) as refused:
        run("erased-slices")
    assert "did you mean 'erased-slice'?" == refused.value.wanted
