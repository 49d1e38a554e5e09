"""The catalogue is complete: every rule has its files, its page is whole, and what is stable was measured."""

from __future__ import annotations

import gzip
import importlib.util
import random
import re
import sys
from pathlib import Path

import pytest

from headgate.rows.row import Row
from headgate.rules.catalogue import CATALOGUE
from headgate.rules.options import option_lines
from headgate.rules.page import headings_missing
from headgate.rules.power import figures_of, fresh_of, shortfalls
from headgate.rules.shape import SHELVES, Rule
from headgate.stats.verdict import Outcome
from headgate.testing.literate import read_suite, row_of
from headgate.testing.planting import Planter

ROOT = Path(__file__).parents[2]
RULE_STEM = re.compile(r"[a-z]{3}\d{3}_")
RULES = ROOT / "src" / "headgate" / "rules"
FAILURES = {
    "adapter-compatibility-cliff", "synthetic-pipelines-no-collapse", "finetuning-vs-rag", "economics",
    "synthetic-feedback-collapse", "usually-wrong-move", "data-flywheel", "domain-synthetic", "ft-vs-prompting",
    "seven-patterns", "synthetic-seed", "preference-budget", "feedback-latency", "annotator-qc",
    "alignment-readiness", "pretraining-shadow", "continuous-contamination", "few-shot-saturation", "provenance",
    "method-matrix", "curriculum-trap", "departing-engineer", "licence-as-state", "cold-start",
    "accidental-dataset", "erased-alignment", "rubric-overfit", "dedup-hard-example", "reward-gaming",
    "synthetic-input-gap", "learned-typo", "inherited-habits", "self-leak", "orphan-adapter", "lora-composition",
}  # fmt: skip

sys.path.insert(0, str(ROOT / "benchmarks"))  # planters share what the benchmarks share

every_rule = pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)


def planter_of(rule: Rule) -> Planter:
    """The planter of a rule, loaded from its file."""
    path = ROOT / "benchmarks" / "planted" / rule.shelf / f"{rule.stem}.py"
    assert path.is_file(), f"no planter {path.relative_to(ROOT)}"
    spec = importlib.util.spec_from_file_location(f"planted_{rule.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module  # type: ignore[return-value]


def test_sorted_by_code_and_unique() -> None:
    """Rules stand in the order of their codes, and no code or name is given twice."""
    codes = [rule.code for rule in CATALOGUE]
    assert sorted(set(codes)) == codes
    assert len({rule.name for rule in CATALOGUE}) == len(CATALOGUE)


def test_every_rule_file_is_in_the_catalogue() -> None:
    """A file that looks like a rule is one."""
    files = {path.stem for path in RULES.glob("*/*.py") if RULE_STEM.match(path.stem)}
    assert files == {rule.stem for rule in CATALOGUE}


@every_rule
def test_stem_code_and_name_agree(rule: Rule) -> None:
    """The file is named by code and name and lies on the shelf of its prefix."""
    assert f"{rule.code.lower()}_{rule.name.replace('-', '_')}" == rule.stem
    assert f"headgate.rules.{SHELVES[rule.code[:3]]}.{rule.stem}" == rule.module


@every_rule
def test_answers_for_a_known_failure(rule: Rule) -> None:
    """The failure slug is one of the list."""
    assert rule.failure in FAILURES


@every_rule
def test_headings_present(rule: Rule) -> None:
    """The docstring has every heading, with text below it."""
    assert [] == headings_missing(rule)


@every_rule
def test_options_have_defaults_and_units(rule: Rule) -> None:
    """Every option has a default and a comment on its line; the defaults make valid options."""
    assert [line.key for line in option_lines(rule.options)] == [
        name.replace("_", "-") for name in rule.options.__dataclass_fields__
    ]
    rule.options()


@every_rule
def test_has_a_suite(rule: Rule) -> None:
    """The literate suite has the stem of the rule."""
    assert read_suite(ROOT / "tests" / "rules" / rule.shelf / f"{rule.stem}.md")


def test_no_suite_or_planter_without_a_rule() -> None:
    """Every suite and every planter belongs to a rule."""
    suites = {path.stem for path in (ROOT / "tests" / "rules").glob("*/*.md")}
    found = {path.stem for path in (ROOT / "benchmarks" / "planted").glob("*/*.py")}
    planters = {stem for stem in found if RULE_STEM.match(stem)}
    stems = {rule.stem for rule in CATALOGUE}
    assert (stems, stems) == (suites, planters)


@every_rule
def test_planter_has_a_whole_plan(rule: Rule) -> None:
    """What is claimed is on the grid, and strengths and sizes ascend."""
    plan = planter_of(rule).PLAN
    assert plan.claimed in plan.strengths
    assert plan.smallest in plan.sizes
    assert sorted(plan.strengths) == list(plan.strengths)
    assert sorted(plan.sizes) == list(plan.sizes)
    assert plan.strengths[0] > 0


def rows(count: int) -> list[Row]:
    """Real questions of school arithmetic with an answer in whole sentences, a conversation and a person."""
    with gzip.open(ROOT / "examples" / "base" / "data" / "gsm8k_questions.txt.gz", "rt", encoding="utf-8") as stream:
        questions = random.Random(5).sample(stream.read().splitlines(), count)
    topics = ["addition", "subtraction", "multiplication", "division", "fractions", "percentages", "measurement"]
    out = []
    for n, question in enumerate(questions):
        topic = topics[n * n % 31 % len(topics)]
        body = {
            "user": question,
            "assistant": f"Please write down what is given, name the unknown and follow the lesson on {topic}.",
            "slice": {"intent": topic},
            "conversation": f"c{n // 4}",
            "subject": f"p{n // 4}",
        }
        out.append(row_of(body))
    return out


@every_rule
def test_planter_plants_what_the_rule_finds(rule: Rule) -> None:
    """The strongest planting in the data at hand fails, and nothing planted does not; the seed decides.

    A planter whose material is not in these rows says so by a strength of 0.
    """
    planter = planter_of(rule)
    honest = rows(300)
    strength = planter.PLAN.strengths[-1]
    planted = planter.plant(honest, strength, seed=3)
    verdict = rule.judge(planted.given(), rule.options(**planted.options))
    assert (planted.strength > 0) == (verdict.outcome is Outcome.FAIL)
    clean = planter.plant(honest, 0.0, seed=3)
    assert Outcome.FAIL != rule.judge(clean.given(), rule.options(**clean.options)).outcome
    again = planter.plant(honest, strength, seed=3)
    assert planted.truth == again.truth


@every_rule
def test_stable_rules_are_measured(rule: Rule) -> None:
    """A stable rule has committed figures that reach the bar, on fresh data too; the others are on trial or retired."""
    if rule.status == "stable":
        fresh = fresh_of(rule)
        assert [] == shortfalls(figures_of(rule)) + (shortfalls(fresh.figures) if fresh else [])
    else:
        assert rule.status in ("trial", "retired")


@every_rule
def test_figures_belong_to_the_plan(rule: Rule) -> None:
    """Committed figures were measured on the plan of the planter as it stands."""
    figures = figures_of(rule)
    plan = planter_of(rule).PLAN
    if figures is not None:
        assert (plan.claimed, plan.unit, plan.smallest) == (figures.claimed, figures.unit, figures.smallest)
        assert set(plan.strengths) == {each.strength for each in figures.detection}
        assert set(plan.sources) <= {each.source for each in figures.detection}
