"""Logs of other tools: each format read as it is written, and nothing without a score counted as a wrong answer."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from headgate.evaluate.logs.detecting import open_log
from headgate.evaluate.logs.shape import Entry, Log, Wanted
from headgate.kit.errors import Refused

LOGS = Path(__file__).parents[2] / "fixtures" / "evaluation_logs"
LM_EVAL = LOGS / "lm_eval" / "samples_sums_cot_2026-11-18T10-00-00.000001.jsonl"
STRICT = Wanted(metric="exact_match,strict-match")


def read(path: Path, wanted: Wanted | None = None) -> tuple[Log, list[Entry]]:
    log = open_log(path, wanted)
    return log, list(log.entries)


@pytest.mark.parametrize("name", ["inspect.json", "inspect.eval"])
def test_inspect(name):
    """Both forms of an Inspect log, the packed one in Zstandard as Inspect writes it, tell the same."""
    log, entries = read(LOGS / name)
    told = {(one.key, one.repeat): (one.mark.value, one.value, one.reason) for one in entries}
    assert ("inspect", "sums", "1", "openai/tiny-1", "match", "0.3.285") == (
        log.format, log.task, log.task_version, log.model, log.metric, log.tool,
    )  # fmt: skip
    assert {"temperature": 0.0, "max_tokens": 64} == log.sampling
    assert 2 == log.manner["epochs"]
    assert 16 == len(entries)
    assert [("pass", 1.0, ""), ("fail", 0.0, "")] == [told["2", 1], told["2", 2]]
    assert ("unscored", None, "empty answer") == told["4", 1]
    assert ("unscored", None, "cut off at the token limit") == told["5", 1]
    assert ("error", None, "APITimeoutError: no answer in 60 s") == told["6", 2]
    assert ("unscored", None, "the score is not a number") == told["7", 1]
    assert ("pass", 0.5, "") == told["8", 1]
    assert "group:g1" == entries[0].cluster
    assert entries[0].prompt not in ("", entries[1].prompt)
    assert entries[0].prompt == entries[8].prompt


def test_lm_eval():
    """Samples and the results beside them: one filter of two, with version, examples and settings of the task."""
    log, entries = read(LM_EVAL, STRICT)
    assert ("lm-eval", "sums_cot", "3.0", "hf:pretrained=tiny/base", 1) == (
        log.format, log.task, log.task_version, log.model, log.shots,
    )  # fmt: skip
    assert {"until": ["Question:", "</s>"], "do_sample": False, "temperature": 0.0} == log.sampling
    assert ["pass", "pass", "fail", "unscored", "unscored"] == [one.mark.value for one in entries]
    assert ["empty answer", "the score is not a number"] == [one.reason for one in entries[3:]]
    assert "Ann has 3 apples and buys 4. How many?" == entries[0].question


def test_lm_eval_by_its_results():
    """The results file leads to its samples; another filter gives other scores."""
    log, entries = read(
        LM_EVAL.parent / "results_2026-11-18T10-00-00.000001.json", Wanted(metric="exact_match,flexible-extract")
    )
    assert 2 == len(log.files)
    assert "pass" == entries[2].mark.value


def test_a_metric_must_be_named_where_there_are_several():
    """Two filters are two scores; none is taken in silence."""
    with pytest.raises(Refused) as refused:
        open_log(LM_EVAL)
    assert "exact_match,strict-match, exact_match,flexible-extract" == refused.value.found
    assert "--metric exact_match,strict-match" == refused.value.next_step


@pytest.mark.parametrize("name", ["promptfoo_v1.json", "promptfoo_v2.json", "promptfoo_v3.json", "promptfoo_v3.jsonl"])
def test_promptfoo(name):
    """Four generations of one result: a failed assertion is a failure, an error is none, whatever `error` holds."""
    _, base = read(LOGS / name, Wanted(model="openai:tiny"))
    log, tuned = read(LOGS / name, Wanted(model="openai:tuned"))
    assert ["pass", "fail", "unscored", "error", "unscored", "unscored"] == [one.mark.value for one in base]
    assert ["pass", "pass"] == [one.mark.value for one in tuned[:2]]
    assert ["empty answer", "API error: 500", "cut off at the token limit", "the grader failed"] == [
        one.reason for one in base[2:]
    ]
    assert [one.question for one in base] == [one.question for one in tuned]
    assert "promptfoo" == log.format
    if "v1" not in name:
        assert "-2" == base[2].target
    if name.endswith(("v2.json", "v3.json")):
        assert {"temperature": 0, "max_tokens": 32} == log.sampling


def test_a_provider_must_be_named_where_there_are_several():
    """A file with both models is two logs."""
    with pytest.raises(Refused, match="2 providers in one log"):
        open_log(LOGS / "promptfoo_v3.json")
    with pytest.raises(Refused, match="no such provider"):
        open_log(LOGS / "promptfoo_v3.json", Wanted(model="openai:other"))


def test_samples_without_results_tell_less(tmp_path):
    """Where only samples were copied, few examples and settings are known: what was sent stands in each sample."""
    shutil.copy(LM_EVAL, tmp_path)
    log, entries = read(tmp_path / LM_EVAL.name, STRICT)
    assert (None, "", {}) == (log.shots, log.task_version, log.manner)
    assert {"until": ["Question:", "</s>"], "do_sample": False, "temperature": 0.0} == log.sampling
    assert {"pass": 2, "fail": 1, "unscored": 2} == Counter(one.mark.value for one in entries)
