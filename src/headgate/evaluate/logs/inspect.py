"""Inspect logs: one JSON file, or a `.eval` archive with one member a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.evaluate.logs.bounded import Archive, list_under, without_list
from headgate.evaluate.logs.shape import (
    CUT_OFF,
    NO_ANSWER,
    NO_SCORE,
    Entry,
    Log,
    Wanted,
    chosen,
    digest_of,
    plain,
    scored,
)
from headgate.evaluate.scorers import Mark
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_file

WORDS = {"C": 1.0, "I": 0.0, "P": 0.5, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
CUT = ("max_tokens", "model_length")
SAMPLING = ("temperature", "top_p", "top_k", "max_tokens", "stop_seqs", "seed", "num_choices", "frequency_penalty",
            "presence_penalty", "reasoning_effort", "reasoning_tokens")  # fmt: skip
CLUSTERS = ("cluster", "group", "document", "conversation")  # keys of a sample's metadata


def read(path: Path, wanted: Wanted, *, packed: bool) -> Log:
    """An Inspect log, its samples still in the file.

    Raises:
        Refused: it did not end well, holds no samples, or is cut off.
    """
    archive = Archive(path) if packed else None
    try:
        head = _header(path, archive)
        samples = [name for name in archive.names if name.startswith("samples/")] if archive else head.get("samples")
        held = len(samples) if isinstance(samples, list) else samples
        spec = _object(head, "eval", path)
        _must_have_ended(head, spec, held or 0, path)
        metric = chosen("scorer", wanted.metric, _scorers(head, spec, path), file=str(path), option="--metric")
    except BaseException:
        if archive:
            archive.close()
        raise
    return Log(
        format="inspect",
        files={path.name: digest_file(path)},
        task=str(spec.get("task", "")),
        task_version=str(spec.get("task_version", "")),
        model=str(spec.get("model", "")),
        metric=metric,
        tool=str(_mapping(spec, "packages").get("inspect_ai", "")),
        created=str(spec.get("created", "")),
        sampling=_sampling(head, spec),
        manner=_manner(head, spec),
        expected=held,
        entries=_entries(path, archive, metric),
    )


def _header(path: Path, archive: Archive | None) -> dict[str, Any]:
    if archive is None:
        head = without_list(path, at=("samples",))
    elif "header.json" in archive.names:
        head = archive.json("header.json")
    else:
        raise Refused("an evaluation that did not end", file=str(path), wanted="header.json in the archive",
                      next_step=f"inspect eval-retry {path}")  # fmt: skip
    if not isinstance(head, dict):
        raise Refused("not an Inspect log", file=str(path), found=type(head).__name__)
    return head


def _must_have_ended(head: Mapping[str, Any], spec: Mapping[str, Any], held: int, path: Path) -> None:
    status = head.get("status")
    if status != "success":
        raise Refused("an evaluation that did not end", file=str(path), found=f"status {status!r}", wanted="success",
                      next_step=f"inspect eval-retry {path}")  # fmt: skip
    if head.get("invalidated"):
        raise Refused("a log whose samples were declared invalid", file=str(path), wanted="a log that stands")
    if not held:
        raise Refused("a log without samples", file=str(path), next_step="inspect eval ... --log-samples")
    total = _mapping(head, "results").get("total_samples")
    epochs = _mapping(spec, "config").get("epochs") or 1
    if not total and isinstance(ids := _mapping(spec, "dataset").get("sample_ids"), list):
        total = len(ids) * int(epochs)
    if isinstance(total, int) and total > held:
        raise Refused("samples are missing", file=str(path), found=f"{held:,} samples", wanted=f"{total:,}",
                      next_step=f"inspect eval-retry {path}")  # fmt: skip


def _scorers(head: Mapping[str, Any], spec: Mapping[str, Any], path: Path) -> list[str]:
    told = _mapping(head, "results").get("scores")
    names = [str(one.get("name")) for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    if not names and isinstance(spec.get("scorers"), list):
        names = [str(one.get("name")) for one in spec["scorers"] if isinstance(one, dict)]
    if not names:
        raise Refused("a log without scores", file=str(path), next_step=f"inspect score {path}")
    return list(dict.fromkeys(names))


def _sampling(head: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any] | None:
    config = {**_mapping(spec, "model_generate_config"), **_mapping(_mapping(head, "plan"), "config")}
    found = {name: plain(config[name]) for name in SAMPLING if config.get(name) is not None}
    return found if "temperature" in found else None


def _manner(head: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    steps = _mapping(head, "plan").get("steps")
    shown = (
        [[one.get("solver"), one.get("params")] for one in steps if isinstance(one, dict)]
        if isinstance(steps, list)
        else []
    )
    config = _mapping(spec, "config")
    return {
        "solvers": digest_of(shown),
        "task arguments": digest_of(spec.get("task_args", {})),
        "scorer": digest_of([one.get("options") for one in spec.get("scorers") or [] if isinstance(one, dict)]),
        "epochs": config.get("epochs") or 1,
        "message limit": config.get("message_limit"),
        "token limit": config.get("token_limit"),
    }


def _entries(path: Path, archive: Archive | None, metric: str) -> Iterator[Entry]:
    try:
        if archive:
            for name in archive.names:
                if name.startswith("samples/"):
                    yield _entry(archive.json(name), metric, str(path), name)
        else:
            for number, sample in enumerate(list_under(path, ("samples",)), 1):
                yield _entry(sample, metric, str(path), f"sample {number}")
    finally:
        if archive:
            archive.close()


def _entry(sample: Any, metric: str, file: str, where: str) -> Entry:
    if not isinstance(sample, dict) or "id" not in sample or "input" not in sample:
        raise Refused("not a sample", file=file, found=where, wanted="an object with id, epoch, input and target")
    output = _mapping(sample, "output")
    mark, value, reason = _ended(sample, output, metric, file, where)
    metadata = _mapping(sample, "metadata")
    epoch = sample.get("epoch", 1)
    return Entry(
        key=str(sample["id"]),
        repeat=epoch if isinstance(epoch, int) else 1,
        question=_question(sample),
        target=_target(sample.get("target")),
        mark=mark,
        value=value,
        reason=reason,
        answer=_completion(output)[:200],
        prompt=_prompt(sample),
        cluster=next((f"{name}:{metadata[name]}" for name in CLUSTERS if metadata.get(name)), ""),
        where=where,
    )


def _ended(
    sample: Mapping[str, Any], output: Mapping[str, Any], metric: str, file: str, where: str
) -> tuple[Mark, float | None, str]:
    if sample.get("error"):
        error = sample["error"]
        message = error.get("message") if isinstance(error, dict) else error
        return Mark.ERROR, None, (str(message).splitlines() or ["error"])[0][:200]
    if sample.get("invalidation"):
        return Mark.UNSCORED, None, "declared invalid"
    if output.get("error"):
        return Mark.ERROR, None, str(output["error"]).splitlines()[0][:200]
    if isinstance(limit := sample.get("limit"), dict):
        return Mark.UNSCORED, None, f"stopped at its {limit.get('type')} limit"
    if _first(output).get("stop_reason") in CUT:
        return Mark.UNSCORED, None, CUT_OFF
    given = _mapping(sample, "scores").get(metric)
    if given is None:
        return Mark.UNSCORED, None, NO_SCORE
    if not _completion(output).strip() and not _called(output):
        return Mark.UNSCORED, None, NO_ANSWER
    value = given.get("value") if isinstance(given, dict) else given
    if isinstance(value, str):
        if value == "N":
            return Mark.UNSCORED, None, "the scorer saw no answer"
        value = WORDS.get(value, WORDS.get(value.lower(), value))
    return scored(value, file=file, where=where)


def _completion(output: Mapping[str, Any]) -> str:
    if isinstance(text := output.get("completion"), str) and text:
        return text
    return _text(_mapping(_first(output), "message").get("content"))


def _first(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer that counts, where several were drawn at once."""
    choices = output.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _called(output: Mapping[str, Any]) -> bool:
    return bool(_mapping(_first(output), "message").get("tool_calls"))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(one.get("text", "")) for one in content if isinstance(one, dict))
    return content if isinstance(content, str) else ""


def _question(sample: Mapping[str, Any]) -> str:
    given = sample["input"]
    if isinstance(given, list):
        said = [_text(one.get("content")) for one in given if isinstance(one, dict) and one.get("role") == "user"]
        given = "\n".join(said)
    choices = sample.get("choices")
    more = "".join(f"\n{one}" for one in choices) if isinstance(choices, list) else ""
    return f"{given}{more}"


def _target(target: Any) -> str:
    return "\n".join(map(str, target)) if isinstance(target, list) else "" if target is None else str(target)


def _prompt(sample: Mapping[str, Any]) -> str:
    """What stood before the model's first word: system message, examples, question."""
    shown = []
    for one in sample.get("messages") or []:
        if not isinstance(one, dict) or (one.get("role") == "assistant" and one.get("source") == "generate"):
            break
        shown.append([one.get("role"), _text(one.get("content"))])
    if shown and shown[-1][0] == "assistant":
        shown.pop()  # older logs do not say which turn was generated
    return digest_of(shown) if shown else ""


def _mapping(body: Any, key: str) -> Mapping[str, Any]:
    found = body.get(key) if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _object(body: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    found = _mapping(body, key)
    if not found:
        raise Refused("not an Inspect log", file=str(path), wanted=f"an object {key!r}")
    return found
