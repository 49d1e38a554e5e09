"""Writes our results as logs that users of Inspect, lm-evaluation-harness and promptfoo read with their own tools.

The forms are those of Inspect 0.3.285 (log version 2), lm-evaluation-harness 0.4.13 and promptfoo results
version 3. Answers to items of a gate pool are not written: a log goes where people read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from headgate import __version__
from headgate.evaluate.logs.lm_eval import OURS
from headgate.evaluate.scorers import Mark, Scored
from headgate.kit.clock import stamp
from headgate.kit.files import atomic_write

WITHHELD = "[withheld]"  # in place of an answer that is not told
SCORER = "headgate"
FILTER = "none"
METRIC = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One item as a log tells it."""

    id: str
    question: str
    target: str
    scored: Scored
    cluster: str = ""
    answer: str = WITHHELD


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One arm on one pool."""

    suite: str
    pool: str
    arm: str
    model: str
    items: Sequence[Told]
    at: datetime
    version: str = "1"  # of the suite
    sampling: Mapping[str, Any] | None = None  # temperature, max_tokens, seed, stop; None: not known
    shots: int | None = 0

    @property
    def scores(self) -> list[float]:
        """Scores of the items that have one."""
        return [one.scored.score for one in self.items if one.scored.mark in (Mark.PASS, Mark.FAIL)]

    @property
    def mean(self) -> float:
        """Their mean; NaN where there is none."""
        return sum(self.scores) / len(self.scores) if self.scores else math.nan

    @property
    def error(self) -> float:
        """Standard error of that mean."""
        n = len(self.scores)
        if n < 2:
            return math.nan
        return math.sqrt(sum((one - self.mean) ** 2 for one in self.scores) / (n - 1) / n)


def write_inspect(path: Path, results: Results) -> list[Path]:
    """A JSON log of Inspect."""
    atomic_json(path, _inspect(results))
    return [path]


def write_lm_eval(folder: Path, results: Results) -> list[Path]:
    """`results_DATE.json` and `samples_TASK_DATE.jsonl` in a folder, as lm-evaluation-harness names them."""
    folder.mkdir(parents=True, exist_ok=True)
    date = results.at.replace(tzinfo=None).isoformat().replace(":", "-")
    head, samples = folder / f"results_{date}.json", folder / f"samples_{results.suite}_{date}.jsonl"
    with atomic_write(samples) as stream:
        for number, item in enumerate(results.items):
            stream.write(_json(_lm_eval_sample(number, item, results)).replace(b"\n", b"") + b"\n")
    atomic_json(head, _lm_eval_results(results))
    return [head, samples]


def write_promptfoo(path: Path, arms: Sequence[Results]) -> list[Path]:
    """Results of version 3, one provider for each arm."""
    atomic_json(path, _promptfoo(arms))
    return [path]


def atomic_json(path: Path, value: Any) -> None:
    """A JSON file in one step; NaN is written as the tools write it."""
    with atomic_write(path) as stream:
        stream.write(_json(value) + b"\n")


def _json(value: Any) -> bytes:
    if not _has_nan(value):
        return orjson.dumps(value)
    import json  # orjson has no word for NaN, which these formats have

    return json.dumps(value, ensure_ascii=False).encode()


def _has_nan(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_nan, value))
    return isinstance(value, float) and math.isnan(value)


def _ended(item: Told, *, scored: Callable[[float], Any], otherwise: Any) -> Any:
    return scored(item.scored.score) if item.scored.mark in (Mark.PASS, Mark.FAIL) else otherwise


def _marked(item: Told) -> dict[str, Any]:
    known = {"id": item.id, "mark": item.scored.mark.value}
    return {**known, "reason": item.scored.reason} if item.scored.reason else known


def _inspect(results: Results) -> dict[str, Any]:
    at = results.at.isoformat(timespec="seconds")
    n, scored = len(results.items), len(results.scores)
    metrics = {
        name: {"name": name, "value": value, "params": {}}
        for name, value in (("accuracy", results.mean), ("stderr", results.error))
    }
    config = {name: value for name, value in _generation(results, "stop_seqs").items() if value is not None}
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": _short(results, "eval"), "run_id": _short(results, "run"), "created": at, "task": results.suite,
            "task_id": _short(results, "task"), "task_version": results.version, "task_attribs": {}, "task_args": {},
            "dataset": {"name": results.suite, "samples": n, "sample_ids": [one.id for one in results.items],
                        "shuffled": False},
            "model": results.model, "model_generate_config": config, "model_args": {},
            "config": {"epochs": 1, "log_samples": True}, "packages": {"headgate": __version__},
            "metadata": {"headgate": {"pool": results.pool, "arm": results.arm}},
            "scorers": [{"name": SCORER, "options": {}}],
        },
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": config},
        "results": {
            "total_samples": n, "completed_samples": sum(one.scored.mark is not Mark.ERROR for one in results.items),
            "scores": [{"name": SCORER, "scorer": SCORER, "scored_samples": scored, "unscored_samples": n - scored,
                        "params": {}, "metrics": metrics}],
        },
        "stats": {"started_at": at, "completed_at": at, "model_usage": {}},
        "samples": [_inspect_sample(item, results) for item in results.items],
    }  # fmt: skip


def _inspect_sample(item: Told, results: Results) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "id": item.id,
        "epoch": 1,
        "input": item.question,
        "target": item.target,
        "messages": [{"role": "user", "content": item.question}],
        "output": {"model": results.model, "choices": [], "completion": ""},
        "scores": {},
        "metadata": {"headgate": _marked(item), **({"cluster": item.cluster} if item.cluster else {})},
    }
    if item.scored.mark is Mark.ERROR:
        message = item.scored.reason or "error"
        sample["error"] = {"message": message, "traceback": message, "traceback_ansi": message}
        return sample
    said = {"role": "assistant", "content": item.answer, "source": "generate"}
    sample["messages"].append(said)
    sample["output"] |= {"choices": [{"message": said, "stop_reason": "stop"}], "completion": item.answer}
    value = _ended(item, scored=lambda score: {1.0: "C", 0.0: "I"}.get(score, score), otherwise=math.nan)
    sample["scores"] = {SCORER: {"value": value, "answer": item.answer, "explanation": item.scored.reason or None}}
    return sample


def _lm_eval_sample(number: int, item: Told, results: Results) -> dict[str, Any]:
    doc = {"question": item.question, "answer": item.target, "id": item.id}
    if item.cluster:
        doc["cluster"] = item.cluster
    request = {"until": list((results.sampling or {}).get("stop", []))} | _lm_eval_kwargs(results)
    answer = "" if item.scored.mark is Mark.ERROR else item.answer
    sample = {
        "doc_id": number, "doc": doc, "target": item.target,
        "arguments": {"gen_args_0": {"arg_0": item.question, "arg_1": request}},
        "resps": [[answer]], "filtered_resps": [answer], "filter": FILTER, "metrics": [METRIC],
        "doc_hash": _sha(orjson.dumps(doc).decode()), "prompt_hash": _sha(item.question),
        "target_hash": _sha(item.target), METRIC: _ended(item, scored=float, otherwise=math.nan),
    }  # fmt: skip
    if item.scored.mark not in (Mark.PASS, Mark.FAIL):
        sample[OURS] = _marked(item)
    return sample


def _lm_eval_kwargs(results: Results) -> dict[str, Any]:
    sampling = results.sampling
    if sampling is None:
        return {}
    warm = float(sampling.get("temperature", 0.0))
    return {"do_sample": warm > 0, "temperature": warm, "max_gen_toks": sampling.get("max_tokens")}


def _lm_eval_results(results: Results) -> dict[str, Any]:
    suite, n = results.suite, len(results.items)
    config: dict[str, Any] = {
        "task": suite, "output_type": "generate_until", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}",
        "num_fewshot": results.shots, "repeats": 1, "should_decontaminate": False,
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": results.version},
    }  # fmt: skip
    if results.sampling is not None:
        config["generation_kwargs"] = {"until": list(results.sampling.get("stop", []))} | _lm_eval_kwargs(results)
    return {
        "results": {suite: {"alias": suite, f"{METRIC},{FILTER}": results.mean,
                            f"{METRIC}_stderr,{FILTER}": results.error}},
        "group_subtasks": {suite: []}, "configs": {suite: config}, "versions": {suite: results.version},
        "n-shot": {suite: results.shots}, "higher_is_better": {suite: {METRIC: True}},
        "n-samples": {suite: {"original": n, "effective": n}},
        "config": {"model": "headgate", "model_args": results.model, "limit": None, "gen_kwargs": {},
                   "random_seed": (results.sampling or {}).get("seed")},
        "git_hash": f"headgate {__version__}", "date": results.at.timestamp(), "task_hashes": {},
        "model_source": "headgate", "model_name": results.model,
        "model_name_sanitized": "".join(c if c.isalnum() else "_" for c in results.model),
        "system_instruction": None, "system_instruction_sha": None, "fewshot_as_multiturn": None,
        "chat_template": None, "chat_template_sha": None,
    }  # fmt: skip


def _promptfoo(arms: Sequence[Results]) -> dict[str, Any]:
    first = arms[0]
    rows = [
        _promptfoo_result(results, provider, number, item)
        for provider, results in enumerate(arms)
        for number, item in enumerate(results.items)
    ]
    metrics = [_promptfoo_metrics(one) for one in arms]
    prompts = [
        {"raw": "{{question}}", "label": "{{question}}", "provider": one.arm, "metrics": told}
        for one, told in zip(arms, metrics, strict=True)
    ]
    counts = {"successes": "testPassCount", "failures": "testFailCount", "errors": "testErrorCount"}
    stats = {name: sum(one[key] for one in metrics) for name, key in counts.items()}
    providers = [
        {"id": f"headgate:{one.model}", "label": one.arm, "config": {**_generation(one, "stop")}} for one in arms
    ]
    return {
        "evalId": f"eval-{first.suite}-{first.at.strftime('%Y-%m-%dT%H:%M:%S')}",
        "results": {"version": 3, "timestamp": stamp(first.at), "prompts": prompts, "results": rows,
                    "stats": {**stats, "tokenUsage": _NO_TOKENS}},
        "config": {"description": first.suite, "providers": providers, "prompts": ["{{question}}"], "tests": []},
        "shareableUrl": None,
        "metadata": {"headgateVersion": __version__, "evaluationCreatedAt": stamp(first.at)},
    }  # fmt: skip


_NO_TOKENS = {"prompt": 0, "completion": 0, "cached": 0, "total": 0, "numRequests": 0}


def _promptfoo_metrics(results: Results) -> dict[str, Any]:
    marks = [one.scored.mark for one in results.items]
    return {
        "score": sum(results.scores), "testPassCount": marks.count(Mark.PASS),
        "testFailCount": marks.count(Mark.FAIL) + marks.count(Mark.UNSCORED), "testErrorCount": marks.count(Mark.ERROR),
        "assertPassCount": marks.count(Mark.PASS), "assertFailCount": marks.count(Mark.FAIL), "totalLatencyMs": 0,
        "tokenUsage": _NO_TOKENS, "namedScores": {}, "namedScoresCount": {}, "cost": 0,
    }  # fmt: skip


def _promptfoo_result(results: Results, provider: int, number: int, item: Told) -> dict[str, Any]:
    mark, reason = item.scored.mark, item.scored.reason
    grading = {"pass": mark is Mark.PASS, "score": _ended(item, scored=float, otherwise=0.0), "reason": reason}
    if mark is Mark.UNSCORED:
        grading["metadata"] = {"graderError": True}  # the one word of the format for an answer without a score
    return {
        "id": _sha(f"{results.arm}\0{item.id}")[:32], "promptIdx": provider, "testIdx": number,
        "promptId": _sha("{{question}}"), "provider": {"id": f"headgate:{results.model}", "label": results.arm},
        "prompt": {"raw": item.question, "label": "{{question}}"}, "vars": {"question": item.question},
        "testCase": {"vars": {"question": item.question}, "assert": [{"type": "equals", "value": item.target}],
                     "metadata": {"id": item.id, **({"cluster": item.cluster} if item.cluster else {})}},
        "response": {"error": reason or "error"} if mark is Mark.ERROR else {"output": item.answer},
        "error": (reason or "error") if mark is Mark.ERROR else None if mark is Mark.PASS else reason or None,
        "failureReason": 2 if mark is Mark.ERROR else 0 if mark is Mark.PASS else 1,
        "success": mark is Mark.PASS, "score": grading["score"], "namedScores": {}, "latencyMs": 0, "cost": 0,
        "gradingResult": None if mark is Mark.ERROR else grading, "metadata": {},
    }  # fmt: skip


def _generation(results: Results, stop: str) -> dict[str, Any]:
    if results.sampling is None:
        return {}
    told = {name: results.sampling.get(name) for name in ("temperature", "max_tokens", "seed")}
    return {**told, stop: list(results.sampling.get("stop", [])) or None}


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _short(results: Results, what: str) -> str:
    return _sha(f"{what}\0{results.suite}\0{results.arm}\0{results.pool}\0{results.at}")[:22]
