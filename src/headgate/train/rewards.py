"""Verifiable rewards: named scorers of a drawn answer, the same comparisons that score an evaluation.

A reward is `exact`, `contains` and so on against the row's reference, `json-schema:FILE`, or
`python:FILE:FUNCTION`, a function of the user's own that is called with `prompt`, `answer` and
`reference`. Files lie inside the project and are recorded by their hash.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.hashing import digest, digest_file
from headgate.text.answers import COMPARISONS, json_text, unfit_target

Prompt = Sequence[Mapping[str, Any]]
Score = Callable[[Prompt, str, str], float]


@dataclass(frozen=True, slots=True)
class Reward:
    """One scorer of drawn answers."""

    name: str  # as the flow file has it
    score: Score  # of prompt, answer and reference; from 0 to 1 for all but the user's own
    needs_reference: bool
    file: str = ""  # that the scorer is read from, relative to the project
    digest: str = ""  # of that file

    def as_json(self) -> dict[str, str]:
        """What the closure keeps."""
        return {"name": self.name, "file": self.file, "digest": self.digest}

    @property
    def proves_itself(self) -> bool:
        """Whether the reference, given as the answer, must earn the full reward."""
        return self.needs_reference and self.name != "regex"

    def unfit(self, reference: str) -> str:
        """Why a reference cannot be scored against; empty: it can."""
        if not self.needs_reference:
            return ""
        return unfit_target(self.name, reference)


def rewards_of(names: Sequence[str], project: Path) -> list[Reward]:
    """The scorers that a flow file names.

    Raises:
        Refused: an unknown name, or a file that is missing, outside the project, or not what it should be.
    """
    return [_reward(name, project) for name in names]


def _reward(name: str, project: Path) -> Reward:
    if name in COMPARISONS:
        compare = COMPARISONS[name]
        return Reward(name, lambda _, answer, reference: float(compare(answer, reference)), name != "json-valid")
    kind, _, rest = name.partition(":")
    if kind == "json-schema" and rest:
        path = inside(rest, project, "a reward")
        return Reward(name, _by_schema(path), False, rest, digest_file(path))
    file, _, function = rest.rpartition(":")
    if kind == "python" and file and function:
        path = inside(file, project, "a reward")
        return Reward(name, _by_function(path, function), False, file, digest_file(path))
    raise Refused(
        "no such reward",
        found=repr(name),
        wanted=", ".join([*COMPARISONS, "json-schema:FILE", "python:FILE:FUNCTION"]),
    )


def inside(file: str, project: Path, what: str) -> Path:
    """The path of a file of the project that a setting names.

    Raises:
        Refused: it lies outside the project, where no closure could hold it, or is no file.
    """
    path = (project / file).resolve()
    if not path.is_relative_to(project.resolve()):
        raise Refused(f"{what} is read from outside the project", file=str(path), wanted=f"a file below {project}")
    return must_be_file(path)


def _by_schema(path: Path) -> Score:
    try:
        library: Any = importlib.import_module("jsonschema")
    except ImportError:
        raise Refused(
            "answers cannot be held against a JSON schema",
            found="not installed: jsonschema",
            next_step='pip install "headgate[train]"',
        ) from None
    try:
        schema = orjson.loads(path.read_bytes())
        kind = library.validators.validator_for(schema)
        kind.check_schema(schema)
    except orjson.JSONDecodeError as error:
        raise Refused("not a JSON schema", file=str(path), found=str(error)) from None
    except library.SchemaError as error:
        raise Refused("not a JSON schema", file=str(path), found=str(error.message)) from None
    validator = kind(schema)

    def score(_: Prompt, answer: str, __: str) -> float:
        found = json_text(answer)
        return float(found is not None and validator.is_valid(orjson.loads(found)))

    return score


def _by_function(path: Path, function: str) -> Score:
    # A name of its own for each content, so that two files of one name do not meet.
    spec = importlib.util.spec_from_file_location(f"reward_{digest(path.read_bytes())[3:15]}", path)
    if spec is None or spec.loader is None:
        raise Refused("a reward cannot be read", file=str(path), wanted="a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a file that ends the process must not end it as if all were well
        raise Refused("a reward cannot be read", file=str(path), found=f"{type(error).__name__}: {error}") from error
    call = getattr(module, function, None)
    if not callable(call):
        raise Refused("a reward has no such function", file=str(path), found=repr(function))

    def score(prompt: Prompt, answer: str, reference: str) -> float:
        try:
            value = float(call(prompt=[dict(turn) for turn in prompt], answer=answer, reference=reference))
        except (Exception, SystemExit) as error:
            raise _failed(path, function, f"{type(error).__name__}: {error}", answer) from error
        if not math.isfinite(value):
            raise _failed(path, function, f"gave {value}", answer)
        return value

    return score


def _failed(path: Path, function: str, found: str, answer: str) -> Refused:
    return Refused(
        f"the reward {function} failed",
        file=str(path),
        found=f"{found} for the answer {answer[:80]!r}",
        wanted="a finite number for every answer",
    )
