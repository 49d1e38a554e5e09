"""Series of rewards: what a proxy and an outcome said of the same prompts at each step of a loop.

Whoever makes steps records them here: an epoch of training, an n of a best-of-n, a round of a feedback loop. A line
holds `prompt`, the proxy, one outcome or more, and where known `answer`, `prompt_text`, `reference`, `cluster`, `kl`
(nats) or `n` (of a best-of-n), `logprobs` beside `reference_logprobs`, `held` (rewards that were never optimised, by
name) and `optimised` (whether the optimiser saw this prompt). Of answers only features and which of them are equal
are kept, no text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.rows.detection import container_of
from headgate.rows.reading import MAX_LINE_BYTES
from headgate.rows.records import Problem, records
from headgate.stats.governing import divergence_of_best, divergence_of_samples
from headgate.text.baits import baits, echoes, names, overlap, words_of

Floats = NDArray[np.float64]
KIND, PREFIX = "score", "reward/"
HALF, HELD = "governor-half", "governor-held"
WANTED = '{"prompt": "p1", "step": 3, "proxy": 0.7, "outcome": 1, "answer": "..."}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Under which names the lines hold proxy and outcomes; the words that count as keyword stuffing."""

    proxy: str = "proxy"
    outcomes: tuple[str, ...] = ("outcome",)
    keywords: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.outcomes:
            raise Refused("a reward without an outcome", wanted="an independent outcome, such as solved or refunded")
        if self.proxy in self.outcomes or len(set(self.outcomes)) < len(self.outcomes):
            raise Refused("the outcome is the proxy", found=self.proxy, wanted="an outcome that nothing optimises")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One step, in columns of one entry for each prompt."""

    step: str
    prompts: tuple[str, ...]
    proxy: tuple[float, ...]
    outcomes: Mapping[str, tuple[float | None, ...]]
    clusters: tuple[str, ...] = ()
    divergence: float | None = None  # nats
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    answers: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)  # same, empty, echo, overlap
    held: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    optimised: tuple[bool | None, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As kept in the ledger."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Batch:
        """Reads a batch back."""
        tables = ("outcomes", "features", "answers", "held")
        given: dict[str, Any] = {name: {k: tuple(v) for k, v in body[name].items()} for name in tables}
        given |= {name: tuple(body[name]) for name in ("prompts", "proxy", "clusters", "optimised")}
        return cls(step=body["step"], divergence=body["divergence"], **given)


def half_of(name: str) -> bool:
    """In which half of the prompts a prompt (or its cluster) lies; the same at every look."""
    return bool(int(digest_json([HALF, name])[3:11], 16) & 1)


def held_back(prompt: str, share: float) -> bool:
    """Whether a prompt is held back from the optimiser: a share of all prompts, the same ones for ever."""
    return int(digest_json([HELD, prompt])[3:15], 16) / 16**12 < share


def read_lines(paths: Sequence[Path], fields: Fields) -> list[Batch]:
    """Steps of files of per-prompt scores: in numeric order, or, where they have names, as they first come.

    Raises:
        Refused: a line without prompt, proxy or outcome, or the same prompt twice at a step; with file and line.
    """
    by_step: dict[str, dict[str, dict[str, Any]]] = {}
    for path in paths:
        for line, body in records(path, *container_of(path), MAX_LINE_BYTES):
            if isinstance(body, Problem):
                raise Refused(body.what, file=str(path), line=line, found=body.found or None)
            try:
                row = _checked(dict(body), fields)
            except Refused as error:
                error.file, error.line = str(path), line
                raise
            step = by_step.setdefault(_step_name(body, path, line), {})
            if row["prompt"] in step:
                raise Refused("the same prompt twice at a step", file=str(path), line=line, found=row["prompt"][:80])
            step[row["prompt"]] = row
    if not by_step:
        raise Refused("no scores", file=", ".join(map(str, paths)) or None, wanted=WANTED)
    return [_batch(name, list(by_step[name].values()), fields) for name in _ordered(by_step)]


def batch_of(step: str | int, rows: Iterable[Mapping[str, Any]], fields: Fields) -> Batch:
    """One step from lines in memory.

    Raises:
        Refused: no lines, or as for `read_lines`.
    """
    checked = [_checked(dict(row), fields) for row in rows]
    known = {row["prompt"] for row in checked}
    if not checked or len(known) < len(checked):
        raise Refused("a step needs prompts, each once", found=f"{len(checked)} lines, {len(known)} prompts")
    return _batch(str(step), checked, fields)


def _step_name(body: Mapping[str, Any], path: Path, line: int) -> str:
    step = body.get("step")
    if isinstance(step, bool) or not isinstance(step, int | float | str) or not str(step).strip():
        raise Refused("a line without a step", file=str(path), line=line, found=repr(step), wanted=WANTED)
    return f"{step:g}" if isinstance(step, float) else str(step)


def _ordered(names_: Iterable[str]) -> list[str]:
    given = list(names_)
    try:
        return sorted(given, key=float)
    except ValueError:
        return given


def _checked(row: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """A line with prompt, proxy and outcomes as they should be; an outcome may be missing, the proxy may not."""
    if isinstance(row.get("prompt"), int | str) and not isinstance(row["prompt"], bool):
        row["prompt"] = str(row["prompt"])
    if not isinstance(row.get("prompt"), str) or not row["prompt"].strip():
        raise Refused("a line without a prompt", found=str(sorted(row))[:120], wanted=WANTED)
    if any(sign.isspace() for sign in row["prompt"]):  # a text and no name: its address stands for it
        row["prompt_text"] = row.get("prompt_text") or row["prompt"]
        row["prompt"] = digest_json(row["prompt"])
    row["_proxy"] = _number(row.get(fields.proxy), fields.proxy)
    if row["_proxy"] is None:
        raise Refused(
            f"no {fields.proxy}",
            found=", ".join(key for key in row if key[:1] != "_")[:120],
            wanted="a number: what was optimised",
        )
    row["_outcomes"] = {name: _number(row.get(name), name) for name in fields.outcomes}
    held = row.get("held") or {}
    if not isinstance(held, Mapping):
        raise Refused("held is no table", found=repr(held)[:80], wanted='{"other-reward": 0.4}')
    row["_held"] = {str(name): _number(value, str(name)) for name, value in held.items()}
    if not isinstance(row.get("optimised"), bool | None):
        raise Refused("optimised", found=repr(row["optimised"])[:40], wanted="true or false")
    for name in ("answer", "prompt_text", "reference", "cluster"):
        if not isinstance(row.get(name), str | None):
            raise Refused(f"{name} is no text", found=repr(row[name])[:80])
    _must_match(row)
    return row


def _must_match(row: Mapping[str, Any]) -> None:
    own, other = row.get("logprobs"), row.get("reference_logprobs")
    if own is None and other is None:
        return
    wrong = Refused("logprobs and reference_logprobs", wanted="two lists of numbers for the same tokens")
    if not isinstance(own, list) or not isinstance(other, list) or len(own) != len(other):
        raise wrong
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in [*own, *other]):
        raise wrong


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise Refused(f"{name} is no number", found=repr(value)[:80], wanted="a finite number, true or false")
    return float(value)


def _batch(step: str, rows: Sequence[Mapping[str, Any]], fields: Fields) -> Batch:
    said = [row.get("answer") for row in rows]
    features: dict[str, tuple[float, ...]] = {}
    answers: dict[str, tuple[float | None, ...]] = {}
    if all(one is not None for one in said):
        texts = [str(one) for one in said]
        asked = [str(row.get("prompt_text") or row["prompt"]) for row in rows]
        table = baits(texts, asked, fields.keywords)
        features = {name: tuple(map(float, table[:, at])) for at, name in enumerate(names(fields.keywords))}
        answers = _answers(texts, asked, [row.get("reference") for row in rows])
    held = dict.fromkeys(name for row in rows for name in row["_held"])
    return Batch(
        step=step,
        prompts=tuple(row["prompt"] for row in rows),
        clusters=tuple(str(row.get("cluster") or row["prompt"]) for row in rows),
        proxy=tuple(row["_proxy"] for row in rows),
        outcomes={name: tuple(row["_outcomes"][name] for row in rows) for name in fields.outcomes},
        divergence=_divergence(step, rows),
        features=features,
        answers=answers,
        held={name: tuple(row["_held"].get(name) for row in rows) for name in held},
        optimised=tuple(row.get("optimised") for row in rows),
    )


def _answers(texts: Sequence[str], asked: Sequence[str], wanted: Sequence[Any]) -> dict[str, tuple[float | None, ...]]:
    plain = [" ".join(words_of(text)) for text in texts]
    codes: dict[str, int] = {}
    return {
        "same": tuple(float(codes.setdefault(text, len(codes))) for text in plain),
        "empty": tuple(float(not text) for text in plain),
        "echo": tuple(echoes(text, question) for text, question in zip(texts, asked, strict=True)),
        "overlap": tuple(None if ref is None else overlap(text, ref) for text, ref in zip(texts, wanted, strict=True)),
    }


def _divergence(step: str, rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Of a step in nats: as given, of its best-of-n, or from log-probabilities of the answers' tokens."""
    given = [_number(row["kl"], "kl") for row in rows if row.get("kl") is not None]
    if given:
        return float(np.mean([one for one in given if one is not None]))
    drawn = {row["n"] for row in rows if row.get("n") is not None}
    if drawn:
        if len(drawn) > 1 or not isinstance(one := drawn.pop(), int):
            raise Refused(f"step {step}: one number of draws for a step", found=str(sorted(map(str, drawn))))
        return divergence_of_best(one)
    pairs = [(row["logprobs"], row["reference_logprobs"]) for row in rows if row.get("logprobs")]
    if not pairs:
        return None
    own, other = ([value for pair in pairs for value in pair[side]] for side in (0, 1))
    # The estimator is a mean over tokens; the divergence is that of whole answers.
    return divergence_of_samples(own, other) * len(own) / len(pairs)


def record_scores(
    ledger: Ledger, series: str, step: str | int, rows: Iterable[Mapping[str, Any]], *, fields: Fields | None = None,
    flow: str = "", suite: str = "", on: Sequence[str] = (), take: str = "",
) -> str:  # fmt: skip
    """Records one step of a series; the same again adds nothing, another for the step stands in its place.

    `on` are the nodes (run, adapter, dataset version) that this step is about: what is made from them inherits a
    stop. `suite` names the outcome suite. `take` tells one run of the loop from the next (a plan's digest, a date):
    only steps of the newest take are read.

    Raises:
        Refused: as for `batch_of`.
    """
    named = fields or Fields()
    return keep(ledger, series, batch_of(step, rows, named), named, flow=flow, suite=suite, on=on, take=take)


def keep(
    ledger: Ledger, series: str, batch: Batch, fields: Fields, *, flow: str = "", suite: str = "",
    on: Sequence[str] = (), take: str = "",
) -> str:  # fmt: skip
    """Records a batch; the node's id."""
    outcomes = {name: [one for one in values if one is not None] for name, values in batch.outcomes.items()}
    with ledger.transaction():
        body = {
            "series": series, "step": batch.step, "flow": flow, "suite": suite, "take": take, "n": len(batch.prompts),
            "proxy": {fields.proxy: float(np.mean(batch.proxy))},
            "outcomes": {name: float(np.mean(some)) if some else None for name, some in outcomes.items()},
            "divergence": batch.divergence,
            "content": ledger.content.put(canonical_json(batch.as_json())),
        }  # fmt: skip
        return ledger.record(KIND, PREFIX + series, body, edges=[Edge("derived-from", one) for one in on])


def recorded(ledger: Ledger, series: str, *, after: int = 0) -> list[tuple[Node, Batch]]:
    """The steps of a series' newest take, in their order, the newest record of each; only those later than `after`."""
    nodes = [node for node in ledger.find(KIND, PREFIX + series) if node.body and node.seq > after]
    newest = {str(node.body["step"]): node for node in nodes if node.body["take"] == nodes[-1].body["take"]}
    out = []
    for step in _ordered(newest):
        address = newest[step].body["content"]
        if ledger.content.has(address):
            out.append((newest[step], Batch.from_json(orjson.loads(ledger.content.get(address)))))
    return out


def series_in(ledger: Ledger) -> list[str]:
    """Names of all series on record."""
    return sorted({node.name.removeprefix(PREFIX) for node in ledger.find(KIND) if node.name.startswith(PREFIX)})
