"""A model: anything that answers prompts, wherever it runs.

A model never raises for one bad answer. What did not arrive whole is a completion with outcome
"error" and the reason, so that no caller can count a failed request as a wrong answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from headgate.kit.hashing import digest_json
from headgate.kit.progress import Advance

Prompt = tuple[Mapping[str, Any], ...]  # messages in the OpenAI shape: {"role": ..., "content": ...}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How an answer is drawn; part of the key under which it is journalled."""

    max_tokens: int = 256
    temperature: float = 0.0  # 0: greedy
    stop: tuple[str, ...] = ()
    seed: int | None = None  # used where the temperature is not 0 and the model takes one

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON."""
        return {
            "max_tokens": self.max_tokens,
            "temperature": float(self.temperature),
            "stop": list(self.stop),
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer, or the reason why there is none."""

    text: str = ""
    finish_reason: str = "stop"  # "stop", "length", "content_filter", "refusal", ...; empty when nothing arrived
    outcome: Literal["ok", "error"] = "ok"
    error: str = ""  # one line; empty when the outcome is "ok"
    usage: Mapping[str, int] = field(default_factory=dict)  # tokens: {"prompt": ..., "completion": ...}; may be empty
    version: str = ""  # what the server says it ran (system_fingerprint); empty where it says nothing
    notes: tuple[str, ...] = ()  # oddities that did not spoil the answer, such as "2 choices sent, first used"

    @property
    def settled(self) -> bool:
        """Whether asking again would bring the same: an answer, or an error that the model itself decided on."""
        return self.outcome == "ok" or bool(self.finish_reason)

    def as_json(self) -> dict[str, Any]:
        """The completion as plain JSON; `completion_of` reads it back."""
        return {
            "text": self.text,
            "finish_reason": self.finish_reason,
            "outcome": self.outcome,
            "error": self.error,
            "usage": dict(self.usage),
            "version": self.version,
            "notes": list(self.notes),
        }


def completion_of(body: Mapping[str, Any]) -> Completion:
    """Reads the JSON form of a completion."""
    return Completion(**{**body, "notes": tuple(body.get("notes", ()))})


def failed(reason: str, *, finish_reason: str = "", text: str = "") -> Completion:
    """A completion that did not arrive whole."""
    return Completion(text=text, finish_reason=finish_reason, outcome="error", error=reason)


def request_key(fingerprint: str, prompt: Prompt, sampling: Sampling) -> str:
    """The address of one request: the same model, words and sampling give the same key."""
    return digest_json([fingerprint, [dict(message) for message in prompt], sampling.as_json()])


def seed_of(sampling: Sampling, prompt: Any) -> int | None:
    """The seed of one answer; `prompt` is JSON-able.

    Where answers are drawn each prompt has its own: with the same random numbers for all of them, answers to
    different prompts would err together, and a rate over prompts would be all or nothing.
    """
    if sampling.seed is None or sampling.temperature == 0:
        return sampling.seed
    return int(digest_json([sampling.seed, prompt])[3:10], 16)


def identity(fingerprint: str, completions: Sequence[Completion]) -> str:
    """The address of what answered: the model and every version that its server reported."""
    versions = sorted({one.version for one in completions if one.version})
    return digest_json([fingerprint, versions]) if versions else fingerprint


class AnswerBook(Protocol):
    """What a model needs of a journal: answers that are already known, and a place for new ones."""

    def get(self, key: str) -> Completion | None:
        """The answer on record, or None."""

    def put(self, key: str, completion: Completion) -> None:
        """Records a settled answer; it survives the end of this process when this returns."""

    def note_failure(self, key: str, reason: str) -> None:
        """Notes that a request failed and stays open."""


class Model(Protocol):
    """Something that can be sampled."""

    name: str  # as a person would call it
    fingerprint: str  # address of what would answer: weights or endpoint, tokenizer, template, adapter
    context_length: int | None  # tokens of prompt and answer together; None: not known

    async def complete(
        self, prompts: Sequence[Prompt], *, settings: Sampling, journal: AnswerBook, advance: Advance
    ) -> list[Completion]:
        """One completion for each prompt, in order.

        An answer in the journal under `request_key(self.fingerprint, prompt, settings)` is used and
        not asked for again; every new answer is put there as soon as it exists. `advance(1)` is
        called once per prompt. A prompt that does not fit the context is a completion with outcome
        "error" and finish_reason "context", never a cut prompt.
        """

    def count_tokens(self, prompt: Prompt) -> int | None:
        """Tokens of the rendered prompt, or None where the model cannot tell."""

    def close(self) -> None:
        """Lets go of connections and memory."""


class Scorer(Model, Protocol):
    """A model that tells how likely it finds given answers; local ones do."""

    def log_probabilities(self, pairs: Sequence[tuple[Prompt, str]]) -> list[list[float]]:
        """Natural-log probability of each token of given answers, the end token included."""
