"""What we write has the fields, types and words that the readers of each format ask for.

The schemas are ours, made from the published types of Inspect 0.3.285 (log version 2), of
lm-evaluation-harness 0.4.13 and of promptfoo results version 3; the logs that those tools write, as
in the fixtures, fit them as well.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headgate.evaluate.logs.writing import Results, Told, write_inspect, write_lm_eval, write_promptfoo
from headgate.evaluate.scorers import Mark, Scored

LOGS = Path(__file__).parents[2] / "fixtures" / "evaluation_logs"
TEXT, NUMBER, ANY = {"type": "string"}, {"type": "number"}, {}


def table(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def many(one: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": one, "minItems": least}


MESSAGE = table({"role": {"enum": ["system", "user", "assistant", "tool"]}, "content": {"type": ["string", "array"]}})
STOPS = {"enum": ["stop", "max_tokens", "model_length", "tool_calls", "content_filter", "unknown"]}
SAMPLE = table(
    {"id": {"type": ["string", "integer"]}, "epoch": {"type": "integer", "minimum": 1},
     "input": {"type": ["string", "array"]}, "target": {"type": ["string", "array"]}},
    messages=many(MESSAGE), metadata={"type": "object"},
    output=table({"choices": many(table({"message": MESSAGE, "stop_reason": STOPS}))}, completion=TEXT, model=TEXT),
    scores={"type": "object", "additionalProperties": table({"value": {"type": ["string", "number", "boolean"]}})},
    error=table({"message": TEXT, "traceback": TEXT, "traceback_ansi": TEXT}),
)  # fmt: skip
METRIC = table({"name": TEXT, "value": NUMBER})
INSPECT = table(
    {
        "version": {"const": 2},
        "status": {"enum": ["started", "success", "cancelled", "error"]},
        "eval": table(
            {"created": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]00:00$"}, "task": TEXT,
             "dataset": table({}, name=TEXT, samples={"type": "integer"}, sample_ids=many(ANY)), "model": TEXT,
             "config": table({}, epochs={"type": "integer"})},
            eval_id=TEXT, run_id=TEXT, task_id=TEXT, task_version={"type": ["string", "integer"]},
            model_generate_config={"type": "object"},
        ),
        "plan": table({"name": TEXT, "steps": many(table({"solver": TEXT, "params": {"type": "object"}}))}),
        "results": table({"total_samples": {"type": "integer"}, "completed_samples": {"type": "integer"},
                          "scores": many(table({"name": TEXT, "scorer": TEXT,
                                                "metrics": {"type": "object", "additionalProperties": METRIC}}), 1)}),
        "stats": table({"started_at": TEXT, "completed_at": TEXT}),
        "samples": many(SAMPLE, 1),
    }
)  # fmt: skip
SHA = {"type": "string", "minLength": 64, "maxLength": 64}
LM_EVAL_SAMPLE = table(
    {"doc_id": {"type": "integer"}, "doc": {"type": "object"}, "target": TEXT,
     "arguments": table({"gen_args_0": table({"arg_0": TEXT, "arg_1": {"type": "object"}})}),
     "resps": many(many(TEXT, 1), 1), "filtered_resps": many(TEXT, 1), "filter": TEXT, "metrics": many(TEXT, 1),
     "doc_hash": SHA, "prompt_hash": SHA, "target_hash": SHA}
)  # fmt: skip
BY_TASK = {"type": "object", "minProperties": 1}
LM_EVAL = table(
    {"results": BY_TASK, "group_subtasks": BY_TASK, "configs": BY_TASK, "versions": BY_TASK, "n-shot": BY_TASK,
     "higher_is_better": BY_TASK,
     "n-samples": {**BY_TASK, "additionalProperties": table({"original": NUMBER, "effective": NUMBER})},
     "config": table({"model": TEXT, "model_args": ANY}), "git_hash": TEXT, "date": NUMBER, "model_source": TEXT,
     "model_name": TEXT, "model_name_sanitized": TEXT, "task_hashes": {"type": "object"}}
)  # fmt: skip
RESULT = table(
    {"promptIdx": {"type": "integer"}, "testIdx": {"type": "integer"}, "testCase": {"type": "object"},
     "promptId": TEXT, "provider": table({"id": TEXT}), "prompt": table({"raw": TEXT, "label": TEXT}),
     "vars": {"type": "object"}, "failureReason": {"enum": [0, 1, 2]}, "success": {"type": "boolean"},
     "score": NUMBER, "latencyMs": NUMBER, "namedScores": {"type": "object"}},
    error={"type": ["string", "null"]},
    gradingResult={"anyOf": [{"type": "null"}, table({"pass": {"type": "boolean"}, "score": NUMBER, "reason": TEXT})]},
)  # fmt: skip
COUNTS = {name: {"type": "integer"} for name in ("successes", "failures", "errors")}
PROMPTFOO = table(
    {"evalId": {"type": ["string", "null"]},
     "results": table({"version": {"const": 3}, "timestamp": TEXT, "prompts": many(ANY), "results": many(RESULT, 1),
                       "stats": table({**COUNTS, "tokenUsage": {"type": "object"}})}),
     "config": {"type": "object"}, "shareableUrl": {"type": ["string", "null"]}}
)  # fmt: skip


def results(arm: str) -> Results:
    ended = [Scored(Mark.PASS), Scored(Mark.FAIL), Scored(Mark.UNSCORED, "cut off"), Scored(Mark.ERROR, "no answer"),
             Scored(Mark.PASS, value=0.75)]  # fmt: skip
    items = [
        Told(id=f"i{i}", question=f"q{i}?", target=f"t{i}", scored=one, cluster="a") for i, one in enumerate(ended)
    ]
    sampling = {"temperature": 0.0, "max_tokens": 9, "seed": 0, "stop": ["\n"]}
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Results(suite="sums", pool="gate", arm=arm, model="tiny", items=items, at=at, sampling=sampling)


def test_inspect(tmp_path):
    """Ours, and the log of the fixture that Inspect's own reader accepts."""
    (path,) = write_inspect(tmp_path / "log.json", results("base"))
    for one in (path, LOGS / "inspect.json"):
        jsonschema.validate(json.loads(one.read_text()), INSPECT)


def test_lm_eval(tmp_path):
    """Ours, and the files of the fixture; every metric that a sample names stands in it."""
    head, samples = write_lm_eval(tmp_path, results("base"))
    theirs = sorted((LOGS / "lm_eval").iterdir())
    for one in (head, theirs[0]):
        jsonschema.validate(json.loads(one.read_text()), LM_EVAL)
    for path in (samples, theirs[1]):
        for line in path.read_text().splitlines():
            sample = json.loads(line)
            jsonschema.validate(sample, LM_EVAL_SAMPLE)
            assert all(isinstance(sample[name], float) for name in sample["metrics"])
    assert head.stem.removeprefix("results_") == samples.stem.removeprefix("samples_sums_")


def test_promptfoo(tmp_path):
    """Ours, and the fixture; counts agree with the results that they count."""
    (path,) = write_promptfoo(tmp_path / "log.json", [results("base"), results("candidate")])
    for one in (path, LOGS / "promptfoo_v3.json"):
        jsonschema.validate(json.loads(one.read_text()), PROMPTFOO)
    told = json.loads(path.read_text())["results"]
    assert {"successes": 4, "failures": 4, "errors": 2} == {name: told["stats"][name] for name in COUNTS}
    assert 10 == len(told["results"])


def test_the_schemas_refuse_what_is_not_theirs(tmp_path):
    """A schema that takes anything shows nothing."""
    log = json.loads((LOGS / "inspect.json").read_text())
    log["samples"][0]["output"]["choices"][0]["stop_reason"] = "length"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, INSPECT)
    foreign = json.loads((LOGS / "promptfoo_v2.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(foreign, PROMPTFOO)
