"""Rules of other packages: found, selected, judged, and reported when they are broken."""

from __future__ import annotations

import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from headgate.kit.errors import Broken, Refused
from headgate.rules import foreign
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.given import Corpus, Given
from headgate.rules.running import run_rules
from headgate.rules.selection import find, select
from headgate.stats.verdict import Level, Outcome
from headgate.testing.literate import row_of

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]


def install(site: Path, name: str, version: str, entries: dict[str, str]) -> None:
    """Writes what an installer would: the metadata of a distribution."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{key} = {value}" for key, value in entries.items()]
    (folder / "entry_points.txt").write_text("\n".join([f"[{foreign.GROUP}]", *lines]) + "\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, on the path, with the toy plugin in it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(HERE / "src"))
    install(tmp_path, PROJECT["name"], PROJECT["version"], PROJECT["entry-points"][foreign.GROUP])
    return tmp_path


def loud_rows() -> Given:
    rows = [row_of({"user": "Open?", "assistant": f"YES UNTIL {n} TODAY"}) for n in range(20)]
    return Given({"training-rows": Corpus(rows)})


def test_name_carries_the_package(site: Path) -> None:
    """An installed rule is known by package and name."""
    assert ["acme/shouted-answers"] == [plugin.name for plugin in foreign.installed()]


@pytest.mark.parametrize("expression", ["acme/shouted-answers", "acme", "all"])
def test_selected_by_name_package_or_all(site: Path, expression: str) -> None:
    """Its name, its package and `all` select it."""
    names = [rule.name for rule in select([expression], CATALOGUE)]
    assert "acme/shouted-answers" == names[-1]


def test_not_imported_unless_selected(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Selecting other rules leaves the plugin alone."""
    monkeypatch.delitem(sys.modules, "acme_shouted_answers", raising=False)
    select(["learned-typo"], CATALOGUE)
    assert "acme_shouted_answers" not in sys.modules


def test_verdict_stores_package_and_version(site: Path) -> None:
    """A foreign verdict says where it comes from."""
    (verdict,) = run_rules(select(["acme"], CATALOGUE), loud_rows())
    assert (Outcome.FAIL, "acme/shouted-answers", "ACM001") == (verdict.outcome, verdict.rule, verdict.code)
    assert {"package": "acme", "version": "1.2.0"} == dict(verdict.details)


def test_skipped_verdict_stores_package_and_version(site: Path) -> None:
    """Also when its inputs were not given."""
    (verdict,) = run_rules(select(["acme"], CATALOGUE), Given({}))
    assert (Outcome.SKIPPED, "acme") == (verdict.outcome, verdict.details["package"])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("nowhere_at_all:rule", "ModuleNotFoundError"),
        ("acme_shouted_answers:missing", "AttributeError"),
        ("acme_shouted_answers:Options", "not a rule"),
        ("acme_explodes:rule", "RuntimeError: bang"),
    ],
)
def test_broken_plugin_is_a_verdict_of_its_own(site: Path, value: str, found: str) -> None:
    """What cannot be loaded is reported; the other rules run."""
    (site / "acme_explodes.py").write_text("raise RuntimeError('bang')\n")
    install(site, "bust", "0.3", {"shift-drift": value})
    rules = select(["bust", "acme"], CATALOGUE)
    good, broken = run_rules(rules, loud_rows())
    assert Outcome.FAIL == good.outcome
    assert (Outcome.UNSURE, Level.WARN, "bust/shift-drift") == (broken.outcome, broken.level, broken.rule)
    assert "plugin could not be loaded: bust/shift-drift" == broken.summary
    assert found in broken.reason
    assert {"package": "bust", "version": "0.3"} == dict(broken.details)


def test_crash_of_a_plugin_is_unsure_and_ours_is_broken(site: Path) -> None:
    """A crash never passes: a foreign one is unsure, one of our own is our fault."""
    code = (HERE / "src" / "acme_shouted_answers.py").read_text()
    crashing = code.replace("    rows = [row for", "    raise ValueError('bang')\n    rows = [row for")
    (site / "acme_crashes.py").write_text(crashing)
    install(site, "bust", "0.3", {"shift-drift": "acme_crashes:shouted_answers"})
    rules = select(["bust"], CATALOGUE)
    (verdict,) = run_rules(rules, loud_rows())
    assert Outcome.UNSURE == verdict.outcome
    assert "ValueError: bang" in verdict.reason
    from acme_crashes import shouted_answers

    with pytest.raises(Broken, match="rule shouted-answers"):
        run_rules([shouted_answers], loud_rows())


def test_find_by_full_name(site: Path) -> None:
    """The page of a foreign rule is found by its full name."""
    assert "acme" == find("acme/shouted-answers", CATALOGUE).package


def test_nearest_match_knows_plugins(site: Path) -> None:
    """A slip in the name of a plugin gets a proposal."""
    with pytest.raises(Refused) as refused:
        select(["acme/shouted-answer"], CATALOGUE)
    assert "did you mean 'acme/shouted-answers'?" == refused.value.wanted


def test_entry_points_are_read_from_metadata(site: Path) -> None:
    """The entry point group is the documented one."""
    found = [entry for entry in metadata.entry_points(group="headgate.rules") if entry.dist]
    assert ["shouted-answers"] == [entry.name for entry in found]
