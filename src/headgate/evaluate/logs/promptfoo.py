"""Results of promptfoo: versions 1 to 3 of its JSON, and JSON lines with one result each.

Up to version 2 `error` held why an assertion failed as well; from then on `failureReason` says which it
was (1: an assertion, 2: an error). Both are understood by what each result holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.evaluate.logs.bounded import json_lines, list_under, without_list
from headgate.evaluate.logs.shape import CUT_OFF, NO_ANSWER, Entry, Log, Wanted, chosen, digest_of, plain, scored
from headgate.evaluate.scorers import Mark
from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_file

ASSERTED, FAILED = 1, 2  # failureReason
QUESTIONS = ("question", "query", "prompt", "input", "message", "text")
TARGETS = ("target", "expected", "expected_output", "answer", "ideal")
EQUALS = ("equals", "icontains", "contains", "is-json", "similar", "factuality")
SAMPLING = ("temperature", "top_p", "topP", "top_k", "max_tokens", "maxTokens", "max_completion_tokens", "stop",
            "seed", "reasoning_effort")  # fmt: skip
CLUSTERS = ("cluster", "group", "document", "conversation")
SUCCESS = "success"


def read(path: Path, wanted: Wanted, *, lines: bool) -> Log:
    """The results of one provider with one prompt.

    Raises:
        Refused: several providers or prompts and none named, or results are missing.
    """
    head, at = ({}, ()) if lines else _header(path)
    results = _mapping(head.get("results")) if len(at) == 2 else head
    models: dict[str, None] = {}
    prompts: dict[str, None] = {}
    for number, one in _results(path, at, lines=lines):
        models.setdefault(_provider(one, path, number))
        prompts.setdefault(_prompt_name(one))
    if not models:
        raise Refused("a log without results", file=str(path), next_step="promptfoo eval -o results.json")
    model = chosen("provider", wanted.model, list(models), file=str(path), option="--model")
    prompt = chosen("prompt", wanted.task, list(prompts), file=str(path), option="--task")
    _must_be_whole(results, path, at)
    return Log(
        format="promptfoo",
        files={path.name: digest_file(path)},
        task=_text(_mapping(head.get("config")).get("description")) or prompt,
        task_version=digest_of(_mapping(head.get("config")).get("tests") or []) if head else "",
        model=model,
        metric=wanted.metric or SUCCESS,
        tool=_text(_mapping(head.get("metadata")).get("promptfooVersion")),
        created=_text(results.get("timestamp") or _mapping(head.get("metadata")).get("evaluationCreatedAt")),
        sampling=_sampling(_mapping(head.get("config")), model),
        manner={"prompt": digest_of(prompt)},
        entries=_entries(path, at, model, prompt, wanted.metric, lines=lines),
    )


def _header(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """All but the results, and the keys under which they stand."""
    for at in (("results", "results"), ("results",)):
        head = without_list(path, at=at)
        if not isinstance(head, dict):
            break
        inner = head.get("results")
        if (len(at) == 2 and isinstance(inner, dict) and isinstance(inner.get("results"), int)) or (
            len(at) == 1 and isinstance(inner, int)
        ):
            return head, at
    raise Refused("not a promptfoo result", file=str(path), wanted="a list of results")


def _results(path: Path, at: tuple[str, ...], *, lines: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    if lines:
        yield from json_lines(path)
        return
    for number, one in enumerate(list_under(path, at), 1):
        if not isinstance(one, dict):
            raise Refused("not a result", file=str(path), found=f"result {number}: {type(one).__name__}")
        yield number, one


def _must_be_whole(results: Mapping[str, Any], path: Path, at: tuple[str, ...]) -> None:
    stats = _mapping(results.get("stats"))
    held = results.get(at[-1]) if at else None
    counts = [stats.get(name, 0) for name in ("successes", "failures", "errors")]
    total = sum(one for one in counts if isinstance(one, int))
    if isinstance(held, int) and total > held:
        raise Refused("results are missing", file=str(path), found=f"{held:,} results", wanted=f"{total:,}",
                      next_step="export the whole evaluation: promptfoo export eval ID -o results.json")  # fmt: skip


def _provider(one: Mapping[str, Any], path: Path, number: int) -> str:
    told = one.get("provider")
    name = told.get("label") or told.get("id") if isinstance(told, dict) else told
    if not isinstance(name, str) or not name:
        raise Refused("a result without its provider", file=str(path), found=f"result {number}")
    return name


def _prompt_name(one: Mapping[str, Any]) -> str:
    """What tells prompts apart: the label or the template; the text itself differs from item to item."""
    told = _mapping(one.get("prompt"))
    if label := _text(told.get("label")):
        return label
    return _text(one.get("promptId")) or _text(one.get("promptIdx")) or "prompt"


def _entries(path: Path, at: tuple[str, ...], model: str, prompt: str, metric: str, *, lines: bool) -> Iterator[Entry]:
    repeats: dict[str, int] = {}
    ids: dict[str, int] = {}
    for number, one in _results(path, at, lines=lines):
        if _provider(one, path, number) != model or _prompt_name(one) != prompt:
            continue
        name = _text(one.get("id"))
        if name and ids.setdefault(name, number) != number:
            raise Refused("a result stands twice", file=str(path), found=f"result {number}: id {name}",
                          wanted="each result once")  # fmt: skip
        test = _mapping(one.get("testCase"))
        given = _mapping(one.get("vars")) or _mapping(test.get("vars"))
        key = digest_of([given, _text(_mapping(one.get("prompt")).get("raw"))])
        repeats[key] = repeats.get(key, 0) + 1
        mark, value, reason = _ended(one, metric, str(path), f"result {number}")
        metadata = _mapping(test.get("metadata"))
        yield Entry(
            key=_text(metadata.get("id")) or key,
            repeat=repeats[key],
            question=_question(given, one),
            target=_target(test, given),
            mark=mark,
            value=value,
            reason=reason,
            answer=_output(one)[:200],
            prompt=digest_of(_mapping(one.get("prompt")).get("raw") or ""),
            cluster=next((f"{n}:{metadata[n]}" for n in CLUSTERS if metadata.get(n)), ""),
            where=f"result {number}",
        )


def _ended(one: Mapping[str, Any], metric: str, file: str, where: str) -> tuple[Mark, float | None, str]:
    response, why = _mapping(one.get("response")), one.get("failureReason")
    failed = response.get("error") or (one.get("error") if why == FAILED else None)
    if failed is None and why is None and one.get("error") and not one.get("gradingResult"):
        failed = one["error"]
    if failed or why == FAILED:
        return Mark.ERROR, None, (str(failed or one.get("error") or "error").splitlines() or ["error"])[0][:200]
    grading = _mapping(one.get("gradingResult"))
    parts = [grading, *(part for part in grading.get("componentResults") or [] if isinstance(part, dict))]
    if any(_mapping(part.get("metadata")).get("graderError") for part in parts):
        return Mark.UNSCORED, None, "the grader failed"
    if response.get("finishReason") in ("length", "max_tokens"):
        return Mark.UNSCORED, None, CUT_OFF
    if not _output(one).strip():
        return Mark.UNSCORED, None, NO_ANSWER
    value = one.get(SUCCESS) if not metric or metric == SUCCESS else (
        one.get("score") if metric == "score" else _mapping(one.get("namedScores")).get(metric)
    )  # fmt: skip
    return scored(value, file=file, where=where)


def _output(one: Mapping[str, Any]) -> str:
    output = _mapping(one.get("response")).get("output")
    return output if isinstance(output, str) else "" if output is None else canonical_json(plain(output)).decode()


def _question(given: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    for name in QUESTIONS:
        if isinstance(given.get(name), str) and given[name].strip():
            return str(given[name])
    rest = {name: value for name, value in given.items() if name not in TARGETS and not name.startswith("_")}
    if len(rest) == 1:
        return _text(next(iter(rest.values())))
    return canonical_json(plain(rest)).decode() if rest else _text(_mapping(one.get("prompt")).get("raw"))


def _target(test: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    asserted = [one for one in test.get("assert") or [] if isinstance(one, dict)]
    for one in asserted:
        if one.get("type") in EQUALS and isinstance(one.get("value"), str | int | float):
            return str(one["value"])
    found = next((_text(given[name]) for name in TARGETS if given.get(name) is not None), "")
    return found or (digest_of(asserted) if asserted else "")


def _sampling(config: Mapping[str, Any], model: str) -> dict[str, Any] | None:
    for one in config.get("providers") or []:
        if isinstance(one, dict) and model in (one.get("label"), one.get("id")):
            told = _mapping(one.get("config"))
            found = {name: plain(told[name]) for name in SAMPLING if told.get(name) is not None}
            return found if "temperature" in found else None
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else canonical_json(plain(value)).decode()
