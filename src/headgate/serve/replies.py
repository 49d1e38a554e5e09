"""Answers in the OpenAI shape: whole, and as events."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

DONE = b"data: [DONE]\n\n"


@dataclass
class Answer:
    """One answer as it grows."""

    prompt_tokens: int
    text: str = ""
    tokens: int = 0
    finish_reason: str = ""


@dataclass(frozen=True)
class Shape:
    """What all parts of the answer to one request have alike."""

    chat: bool
    model: str  # immutable name of what answers
    version: str  # address of base and adapter
    created: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def whole(self, answers: Sequence[Answer], choices: int) -> dict[str, Any]:
        """A completion with all its choices."""
        return {
            **self._head("chat.completion" if self.chat else "text_completion"),
            "choices": [self._choice(n, one) for n, one in enumerate(answers)],
            "usage": usage(answers, choices),
        }

    def opening(self, number: int) -> bytes:
        """The first event of a choice; a plain completion has none."""
        if not self.chat:
            return b""
        return self._event([_delta(number, {"role": "assistant", "content": ""}, None)])

    def part(self, number: int, text: str) -> bytes:
        """An event with more text of one choice."""
        if self.chat:
            return self._event([_delta(number, {"content": text}, None)])
        return self._event([{"index": number, "text": text, "logprobs": None, "finish_reason": None}])

    def ending(self, number: int, reason: str) -> bytes:
        """The event that ends a choice."""
        if self.chat:
            return self._event([_delta(number, {}, reason)])
        return self._event([{"index": number, "text": "", "logprobs": None, "finish_reason": reason}])

    def counts(self, answers: Sequence[Answer], choices: int) -> bytes:
        """The last event, with counts and no choice."""
        return self._event([], usage=usage(answers, choices))

    def _choice(self, number: int, answer: Answer) -> dict[str, Any]:
        said: dict[str, Any] = {"index": number, "logprobs": None, "finish_reason": answer.finish_reason}
        if self.chat:
            return said | {"message": {"role": "assistant", "content": answer.text, "refusal": None}}
        return said | {"text": answer.text}

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return event({**self._head(kind), "choices": choices, **more})

    def _head(self, kind: str) -> dict[str, Any]:
        prefix = "chatcmpl-" if self.chat else "cmpl-"
        return {
            "id": prefix + self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.version,
        }


def event(body: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


def usage(answers: Sequence[Answer], choices: int) -> dict[str, int]:
    """Token counts; a prompt with several choices counts once."""
    prompt = sum(one.prompt_tokens for one in answers[::choices])
    completion = sum(one.tokens for one in answers)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _delta(number: int, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": number, "delta": delta, "logprobs": None, "finish_reason": reason}
