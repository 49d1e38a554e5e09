"""What a check is given besides rows: a past run, instructions, looks at evaluation items; each read from files.

Files are JSON, JSON lines or, of instructions, plain text; what is wrong is told with its line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from headgate.check.registries import registry_of
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.rules.instructions import INSTRUCTIONS, Instructions
from headgate.rules.looks import LOOKS, Look
from headgate.rules.pair_judge import JUDGE
from headgate.rules.past_run import PastRun

RUN = "past-run"
REGISTRY = "registry"
LARGEST = 256 << 20  # bytes; nothing of the kind is larger
TEXTS = (".json", ".jsonl", ".ndjson")  # other files of instructions are one text
CANDIDATE = "candidate"
OUTCOMES = {"pass": True, "fail": False}  # marks of an evaluation; an item with any other has no outcome
OBJECT = '{"failed": [...], "passed": [...], "at": "2026-11-21"}'

T = TypeVar("T")


def besides(
    *,
    past_run: Path | str | None = None,
    instructions: Sequence[Path | str] = (),
    looks: Sequence[Path | str] = (),
    registry: Sequence[Path | str] = (),
) -> dict[str, Any]:
    """The inputs of rules that the files hold; what was not asked for is left out.

    Raises:
        Refused: a file cannot be read, or holds something else.
    """
    found: dict[str, Any] = {}
    if past_run is not None:
        found[RUN] = past_run_of(Path(past_run))
    if instructions:
        found[INSTRUCTIONS] = [one for path in instructions for one in instructions_of(Path(path))]
    if looks:
        found[LOOKS] = [one for path in looks for one in looks_of(Path(path))]
    if registry:
        found[REGISTRY] = registry_of(registry)
    return found


def with_judge(spec: str | None, cache: Path | None, *, quiet: bool = True) -> dict[str, Any]:
    """The judge of pairs, where one is asked for; nothing of models is imported where none is.

    Raises:
        Refused: the address is not one of a model.
    """
    if not spec:
        return {}
    from headgate.check.pair_judges import judge_at

    return {JUDGE: judge_at(spec, cache, quiet=quiet)}


def past_run_of(path: Path) -> PastRun:
    """A run from one object with `failed`, `passed` and `at` or `added`, or from lines with one item each.

    A line names its `item` (or `id`) and says whether it `passed` (null: no score) and, if it is known, `at` what
    time; a line of the development results of `headgate evaluate` says it of its candidate.

    Raises:
        Refused: the file cannot be read or is no run.
    """
    told = list(_objects(path))
    if len(told) == 1 and {"failed", "passed"} & set(told[0][1]):
        return _read(PastRun.of, path, *told[0])
    by_outcome: dict[bool | None, set[str]] = {True: set(), False: set(), None: set()}
    moments = []
    for line, body in told:
        name, passed = body.get("item") or body.get("id"), _passed(body)
        if not isinstance(name, str) or not isinstance(passed, bool | None):
            found = ", ".join(map(str, body)) or "an empty object"
            wanted = f'{OBJECT}, or lines such as {{"item": "17", "passed": false}}'
            raise Refused("not an outcome of an item", file=str(path), line=line, found=found, wanted=wanted)
        by_outcome[passed].add(name)
        if body.get("at"):
            moments.append(_read(parse_moment, path, line, body["at"]))
    outcomes = {"failed": by_outcome[False], "passed": by_outcome[True], "at": max(moments, default=None)}
    return _read(PastRun.of, path, None, outcomes)


def instructions_of(path: Path) -> list[Instructions]:
    """Versions of instructions: a text file is one; JSON has one for each text or object with `text` and `at`.

    Raises:
        Refused: the file cannot be read, or something in it is no version of instructions.
    """
    if path.suffix.lower() not in TEXTS:
        return [Instructions(text=_text(path))]
    return [_read(Instructions.of, path, line, body) for line, body in _values(path, (dict, str))]


def looks_of(path: Path) -> list[Look]:
    """Looks at evaluation items, from lines of an access log or of `at`, `suite`, `candidate` and more.

    Raises:
        Refused: the file cannot be read, or a line is no look.
    """
    read = [_read(Look.of, path, line, body) for line, body in _objects(path)]
    return [look for look in read if look is not None]


def _passed(body: dict[str, Any]) -> Any:
    """Whether an item passed; None for one without a score, and anything else for what is no outcome."""
    marks = body["arms"].get(CANDIDATE) if isinstance(body.get("arms"), dict) else None
    if isinstance(marks, list) and marks:
        return OUTCOMES.get(str(marks[0]))
    return body.get("passed", "")


def _objects(path: Path) -> Iterator[tuple[int | None, dict[str, Any]]]:
    return _values(path, (dict,))


def _values(path: Path, kinds: tuple[type, ...]) -> Iterator[tuple[int | None, Any]]:
    """The values of a file of JSON or JSON lines, each with its line; the entries of one array have none."""
    text = _text(path)
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        told = _lines(path, text)
    else:
        told = ((None, one) for one in whole) if isinstance(whole, list) else iter([(1, whole)])
    for line, value in told:
        if not isinstance(value, kinds):
            wanted = "an object or a text" if str in kinds else "an object"
            raise Refused("not what is wanted", file=str(path), line=line, found=repr(value)[:80], wanted=wanted)
        yield line, value


def _lines(path: Path, text: str) -> Iterator[tuple[int | None, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise Refused("not JSON", file=str(path), line=number, found=str(error), wanted="JSON lines") from None


def _text(path: Path) -> str:
    if (size := must_be_file(path).stat().st_size) > LARGEST:
        raise Refused("too large", file=str(path), found=f"{size:,} bytes", wanted=f"{LARGEST:,} at most")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8", file=str(path), found=f"byte {error.start}") from None
    if not text.strip():
        raise Refused("nothing in it", file=str(path))
    return text


def _read(make: Callable[[Any], T], path: Path, line: int | None, body: Any) -> T:
    try:
        return make(body)
    except Refused as refused:
        raise replace(refused, file=str(path), line=line) from None
    except (TypeError, ValueError) as error:
        raise Refused("not what is wanted", file=str(path), line=line, found=str(error)) from None
