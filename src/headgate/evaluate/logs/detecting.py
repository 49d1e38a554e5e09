"""Which tool wrote a log, told by what is in it and not by its name."""

from __future__ import annotations

from pathlib import Path

from headgate.evaluate.logs import inspect, lm_eval, promptfoo
from headgate.evaluate.logs.bounded import JsonWalk, outline
from headgate.evaluate.logs.shape import Log, Wanted
from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file

ZIP = b"PK"
KNOWN = "an Inspect log (.json, .eval), results_*.json or samples_*.jsonl of lm-evaluation-harness, promptfoo results"
FORMATS = ("inspect", "lm-eval", "promptfoo")


def open_log(path: Path, wanted: Wanted | None = None) -> Log:
    """A log, whoever wrote it.

    Raises:
        Refused: it cannot be read, or nobody known wrote it.
    """
    must_be_file(path)
    wanted = wanted or Wanted()
    with path.open("rb") as stream:
        start = stream.read(4096)
    if not start:
        raise Refused("an empty file", file=str(path), wanted=KNOWN)
    if start.startswith(ZIP):
        return inspect.read(path, wanted, packed=True)
    found = _format(path)
    if found == "inspect":
        return inspect.read(path, wanted, packed=False)
    if found == "lm-eval":
        return lm_eval.read(path, wanted)
    return promptfoo.read(path, wanted, lines=found == "promptfoo lines")


def _format(path: Path) -> str:
    keys = _first_keys(path)
    if {"version", "eval"} <= keys or {"eval", "samples"} <= keys:
        return "inspect"
    if {"doc_id", "resps"} <= keys or {"doc_id", "target"} <= keys or {"results", "configs"} <= keys:
        return "lm-eval"
    if {"promptIdx", "testIdx"} <= keys or {"provider", "success"} <= keys:
        return "promptfoo lines"
    if "results" in keys:
        return "promptfoo"
    raise Refused("no log that is known", file=str(path), found="keys " + ", ".join(sorted(keys)[:10]), wanted=KNOWN)


def _first_keys(path: Path) -> set[str]:
    """Keys of the outermost object, or of the first line."""
    walk = JsonWalk(path)
    try:
        if walk.peek() != "{":
            raise Refused("no log that is known", file=str(path), found=repr(walk.peek()), wanted=KNOWN)
        keys = set()
        for key in walk.members():
            keys.add(key)
            if {"version", "eval"} <= keys or {"results", "configs"} <= keys:
                break  # enough is known; what follows may be long
            outline(walk, ("results",)) if walk.peek() == "{" else walk.skip()
        return keys
    finally:
        walk.close()
