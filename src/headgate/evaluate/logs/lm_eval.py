"""Logs of lm-evaluation-harness: `samples_TASK_DATE.jsonl`, and `results_DATE.json` beside it with the settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.evaluate.logs.bounded import json_lines, parsed
from headgate.evaluate.logs.shape import NO_ANSWER, Entry, Log, Wanted, chosen, plain, scored
from headgate.evaluate.scorers import Mark
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_file

RESULTS_BYTES = 64 << 20
QUESTIONS = ("question", "query", "prompt", "problem", "input", "goal", "ctx", "sentence", "text", "instruction")
CHOICES = ("choices", "endings", "options", "mc1_targets")
CLUSTERS = ("cluster", "group", "document", "passage_id", "context_id", "conversation")
DRAWN = "generate_until"  # the one kind of request that draws an answer
OURS = "headgate"  # key under which our own exports say what the format has no word for


def read(path: Path, wanted: Wanted) -> Log:
    """A log of one task; `path` is a samples file, or a results file that has its samples beside it.

    Raises:
        Refused: no samples, several tasks, metrics or filters and none named, or samples are missing.
    """
    samples, results = (_samples_of(path, wanted), path) if path.suffix == ".json" else (path, _results_of(path))
    head = _results(results) if results else {}
    first = next((line for _, line in json_lines(samples)), None)
    if first is None:
        raise Refused("a log without samples", file=str(samples), next_step="lm_eval ... --log_samples")
    task = _task(samples, head, wanted)
    metric, filtered = _metric(samples, wanted)
    config = _of_task(head, "configs", task)
    expected = _of_task(head, "n-samples", task).get("effective")
    info = _mapping(head.get("config"))
    files = {one.name: digest_file(one) for one in (results, samples) if one}
    return Log(
        format="lm-eval",
        files=files,
        task=task,
        task_version=_text(_mapping(head.get("versions")).get(task)),
        model=_model(head, info),
        metric=f"{metric},{filtered}",
        tool=_text(head.get("git_hash")),
        created=_text(head.get("date")),
        shots=_shots(head, config, task),
        sampling=_sampling(config, info, first),
        manner=_manner(head, config, info) if head else {},
        expected=expected if isinstance(expected, int) else None,
        entries=_entries(samples, metric, filtered, expected),
    )


def _samples_of(results: Path, wanted: Wanted) -> Path:
    date = results.stem.removeprefix("results_")
    found = {one.stem.removeprefix("samples_").removesuffix(f"_{date}"): one
             for one in sorted(results.parent.glob(f"samples_*_{date}.jsonl"))}  # fmt: skip
    if not found:
        raise Refused("results without their samples", file=str(results), wanted=f"samples_TASK_{date}.jsonl beside it",
                      next_step="lm_eval ... --log_samples")  # fmt: skip
    return found[chosen("task", wanted.task, list(found), file=str(results), option="--task")]


def _results_of(samples: Path) -> Path | None:
    """The results file of the same run: the one whose date ends the name of the samples file."""
    for one in sorted(samples.parent.glob("results_*.json")):
        if samples.stem.endswith(one.stem.removeprefix("results")):
            return one
    return None


def _results(path: Path) -> dict[str, Any]:
    if path.stat().st_size > RESULTS_BYTES:
        raise Refused("a results file that large", file=str(path), found=f"{path.stat().st_size:,} bytes")
    found = parsed(path.read_bytes(), file=str(path))
    if not isinstance(found, dict):
        raise Refused("not a results file of lm-evaluation-harness", file=str(path), found=type(found).__name__)
    return found


def _task(samples: Path, head: Mapping[str, Any], wanted: Wanted) -> str:
    name = samples.stem.removeprefix("samples_")
    known = [str(one) for one in _mapping(head.get("configs"))]
    fitting = [one for one in known if name == one or name.startswith(f"{one}_")]
    if fitting:
        return max(fitting, key=len)
    return wanted.task or name.rsplit("_", 1)[0]


def _metric(samples: Path, wanted: Wanted) -> tuple[str, str]:
    """Metric and filter: named as the results name them, `exact_match,strict-match`."""
    offered: dict[str, None] = {}
    # All filters of a file stand in its first samples and in its last; several thousand are looked through.
    for _, sample in itertools.islice(json_lines(samples), 20_000):
        names = sample.get("metrics")
        if not isinstance(names, list):
            names = [name for name in ("acc", "exact_match", "acc_norm") if name in sample]
        for name in names:
            offered.setdefault(f"{name},{sample.get('filter') or 'none'}")
    metric = wanted.metric
    if metric and "," not in metric:
        fitting = [one for one in offered if one.split(",")[0] == metric]
        metric = fitting[0] if len(fitting) == 1 else metric
    name, _, filtered = chosen("metric", metric, list(offered), file=str(samples), option="--metric").partition(",")
    return name, filtered


def _entries(path: Path, metric: str, filtered: str, expected: Any) -> Iterator[Entry]:
    seen: dict[str, int] = {}
    for number, sample in json_lines(path):
        if "doc_id" not in sample and "doc_hash" not in sample:
            raise Refused("not a sample of lm-evaluation-harness", file=str(path), line=number,
                          found=", ".join(list(sample)[:8]), wanted="doc_id, doc, target, resps")  # fmt: skip
        if (sample.get("filter") or "none") != filtered:
            continue
        key = str(sample.get("doc_id", sample.get("doc_hash")))
        if key in seen:
            raise Refused("an item stands twice in a log", file=str(path), line=number,
                          found=f"doc_id {key}, first in line {seen[key]:,}", wanted="each item once",
                          next_step="give the samples of one run only")  # fmt: skip
        seen[key] = number
        yield _entry(sample, key, metric, path, number)
    if isinstance(expected, int) and expected > len(seen):
        raise Refused("samples are missing", file=str(path), found=f"{len(seen):,} samples", wanted=f"{expected:,}",
                      next_step="run lm_eval to its end, or copy the whole file")  # fmt: skip


def _entry(sample: Mapping[str, Any], key: str, metric: str, path: Path, number: int) -> Entry:
    doc = sample.get("doc")
    where = f"line {number}"
    answers = _answers(sample.get("resps"))
    mark, value, reason = scored(sample.get(metric), file=str(path), where=where)
    ours = sample.get(OURS)
    if isinstance(ours, dict) and ours.get("mark") in (Mark.UNSCORED, Mark.ERROR):
        mark, value, reason = Mark(ours["mark"]), None, _text(ours.get("reason"))
    elif answers is not None and not any(one.strip() for one in answers):
        mark, value, reason = Mark.UNSCORED, None, NO_ANSWER
    return Entry(
        key=key,
        repeat=1,
        question=_question(doc),
        target=_text(sample.get("target")),
        mark=mark,
        value=value,
        reason=reason,
        answer=answers[0][:200] if answers else "",
        prompt=_text(sample.get("prompt_hash")),
        cluster=next((f"{one}:{doc[one]}" for one in CLUSTERS if isinstance(doc, dict) and doc.get(one)), ""),
        where=where,
    )


def _answers(resps: Any) -> list[str] | None:
    """Texts that were drawn; None where likelihoods were asked for, or nothing is told."""
    found: list[str] = []
    stack = [resps]
    while stack:
        one = stack.pop()
        if isinstance(one, list):
            stack += reversed(one)
        elif isinstance(one, str):
            found.append(one)
        elif one is not None:
            return None
    return found or (None if resps is None else [""])


def _question(doc: Any) -> str:
    if not isinstance(doc, dict):
        return doc if isinstance(doc, str) else ""
    text: str | None = next(
        (doc[name] for name in QUESTIONS if isinstance(doc.get(name), str) and doc[name].strip()), None
    )
    if text is None:
        return canonical_json(plain(doc)).decode() if doc else ""
    more = next((doc[name] for name in CHOICES if doc.get(name)), None)
    if isinstance(more, dict):
        more = more.get("text") or more.get("choices")
    return text + ("".join(f"\n{one}" for one in more) if isinstance(more, list) else "")


def _shots(head: Mapping[str, Any], config: Mapping[str, Any], task: str) -> int | None:
    for told in (_mapping(head.get("n-shot")).get(task), config.get("num_fewshot")):
        if isinstance(told, int):
            return told
    return None


def _sampling(config: Mapping[str, Any], info: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any] | None:
    """How answers were drawn: what the request says, which is what was sent, before what the task says."""
    kind = config.get("output_type")
    if kind and kind != DRAWN:
        return {"drawn": "nothing: likelihoods of given answers"}
    arguments = first.get("arguments")
    request = arguments.get("gen_args_0") if isinstance(arguments, dict) else None
    sent = request.get("arg_1") if isinstance(request, dict) else None
    found: dict[str, Any] = dict(_mapping(config.get("generation_kwargs")))
    if isinstance(given := info.get("gen_kwargs"), dict):
        found |= given
    if isinstance(sent, dict):
        found |= sent
    elif isinstance(sent, str):
        return {"drawn": "nothing: likelihoods of given answers"}
    return {str(name): plain(value) for name, value in sorted(found.items())} or None


def _manner(head: Mapping[str, Any], config: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "chat template": head.get("chat_template_sha"),
        "system message": head.get("system_instruction_sha"),
        "examples as turns": head.get("fewshot_as_multiturn"),
        "prompt text": plain(config.get("doc_to_text")),
        "repeats": config.get("repeats", 1),
        "limit": info.get("limit"),
        "seed of examples": info.get("fewshot_seed"),
    }


def _model(head: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    arguments = info.get("model_args")
    told = canonical_json(plain(arguments)).decode() if isinstance(arguments, dict) else _text(arguments)
    source = _text(head.get("model_source") or info.get("model"))
    return f"{source}:{told or _text(head.get('model_name'))}".strip(":")


def _of_task(head: Mapping[str, Any], key: str, task: str) -> Mapping[str, Any]:
    return _mapping(_mapping(head.get(key)).get(task))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else canonical_json(plain(value)).decode()
