"""Requests in the OpenAI shape: what is taken, what is refused and in which words.

A parameter that would change the answer and that is not served is refused, never ignored: an answer that
silently is something else cannot be told from a right one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.serve.runtime import Ask
from headgate.serve.settings import Settings

# Parameters of the surface that change no word of an answer.
IDLE = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls",
    "stream_options", "verbosity",
})  # fmt: skip
# Parameters that change the answer and are not served, with the values that mean "not used".
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (None, 0), "presence_penalty": (None, 0), "logit_bias": (None, {}), "logprobs": (None, False),
    "top_logprobs": (None, 0), "response_format": (None, {"type": "text"}), "tool_choice": (None, "none", "auto"),
    "functions": (None, []), "function_call": (None, "none", "auto"), "best_of": (None, 1), "echo": (None, False),
    "suffix": (None, ""), "modalities": (None, ["text"]), "audio": (None,), "prediction": (None,),
    "reasoning_effort": (None,), "web_search_options": (None,),
}  # fmt: skip
OURS = frozenset(
    {"model", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "stream"}
)
MAX_STOPS = 16


class Problem(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, status: int, message: str, *, code: str, param: str | None = None, retry: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.retry = status, message, code, param, retry

    @property
    def kind(self) -> str:
        """The kind of error in the words of the surface."""
        if self.status == 429:
            return "rate_limit_error"
        if self.status == 401:
            return "authentication_error"
        return "invalid_request_error" if self.status < 500 else "server_error"

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One request, read and checked."""

    model: str
    prompts: tuple[tuple[int, ...], ...]
    choices: int  # answers to each prompt
    ask: Ask  # of the first prompt; the others differ in their prompt alone
    stream: bool
    with_usage: bool  # a last chunk with counts
    text: str | None = None  # what the person says, for a router; None: there is not one text

    def asks(self, adapter: str) -> list[Ask]:
        """Every answer that is wanted, in order: all choices of the first prompt, then of the next."""
        a = self.ask
        return [
            Ask(
                prompt=prompt,
                adapter=adapter,
                max_tokens=a.max_tokens,
                temperature=a.temperature,
                top_p=a.top_p,
                seed=None if a.seed is None else a.seed + n,
                stop=a.stop,
            )
            for prompt in self.prompts
            for n in range(self.choices)
        ]


class Reader:
    """Reads requests for one base."""

    def __init__(
        self,
        settings: Settings,
        render: Callable[[Sequence[Mapping[str, Any]], Sequence[Any]], str],
        encode: Callable[[str], list[int]],
        context: int | None,
        vocabulary: int,
    ) -> None:
        self._settings, self._render, self._encode = settings, render, encode
        self._context, self._vocabulary = context, vocabulary

    def chat(self, raw: bytes) -> Wanted:
        """A request for a chat completion.

        Raises:
            Problem: it is not one, or asks for what is not served.
        """
        body = _object(raw)
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
            raise _invalid("'messages' must be a list of at least one message", "messages")
        told = [_message(one, n) for n, one in enumerate(messages)]
        tools = body.get("tools") or []
        if not isinstance(tools, list):
            raise _invalid("'tools' must be a list", "tools")
        try:
            text = self._render(told, tools)
        except Refused as error:
            raise _invalid(f"{error.what}: {error.found}", "messages") from None
        wanted = self._wanted(body, [tuple(self._encode(text))], OURS | {"messages", "tools"})
        return replace(wanted, text=next((str(one["content"]) for one in reversed(told) if one["role"] == "user"), ""))

    def plain(self, raw: bytes) -> Wanted:
        """A request for a completion of text or of token ids.

        Raises:
            Problem: it is not one, or asks for what is not served.
        """
        body = _object(raw)
        prompt = body.get("prompt")
        given = [prompt] if isinstance(prompt, str) or _is_ids(prompt) else prompt
        if not isinstance(given, list) or not given or not all(isinstance(one, str) or _is_ids(one) for one in given):
            raise _invalid("'prompt' must be text, token ids, or a list of either", "prompt")
        prompts = [tuple(self._encode(one)) if isinstance(one, str) else tuple(one) for one in given]
        if any(not 0 <= token < self._vocabulary for one in prompts for token in one):
            raise _invalid(f"a token id is not below {self._vocabulary}", "prompt")
        if any(not one for one in prompts):
            raise _invalid("an empty prompt has nothing to go on from", "prompt")
        text = given[0] if len(given) == 1 and isinstance(given[0], str) else None
        return replace(self._wanted(body, prompts, OURS | {"prompt"}), text=text)

    def _wanted(self, body: Mapping[str, Any], prompts: Sequence[tuple[int, ...]], known: frozenset[str]) -> Wanted:
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise _invalid("'model' must be the name of a model", "model")
        _must_be_served(body, known)
        options = body.get("stream_options") or {}
        choices = int(_number(body, "n", 1, 1, self._settings.choices, whole=True))
        if choices * len(prompts) > self._settings.queue:
            raise _invalid(f"more than {self._settings.queue} answers in one request", "n")
        seed = body.get("seed")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise _invalid("'seed' must be a whole number", "seed")
        ask = Ask(
            prompt=prompts[0],
            max_tokens=self._length(body, max(len(one) for one in prompts)),
            temperature=_number(body, "temperature", 1.0, 0.0, 2.0),
            top_p=_number(body, "top_p", 1.0, 0.0, 1.0),
            seed=seed,
            stop=_stops(body.get("stop")),
        )
        return Wanted(
            model=model,
            prompts=tuple(prompts),
            choices=choices,
            ask=ask,
            stream=_flag(body, "stream"),
            with_usage=isinstance(options, Mapping) and bool(options.get("include_usage")),
        )

    def _length(self, body: Mapping[str, Any], longest: int) -> int:
        limit, most = self._context, self._settings.max_tokens
        name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
        asked = body.get(name)
        if asked is not None:
            asked = int(_number(body, name, 1, 1, most, whole=True))
        if limit is None:
            return asked or most
        if longest + (asked or 1) > limit:
            raise Problem(
                400,
                f"This model's maximum context length is {limit} tokens. However, your request has {longest} tokens "
                f"in the prompt and asks for {asked or 1} in the answer.",
                code="context_length_exceeded",
                param="messages" if "messages" in body else "prompt",
            )
        return asked or min(most, limit - longest)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the request is not JSON: {error}", code="invalid_json") from None
    if not isinstance(body, dict):
        raise Problem(400, "the request is not a JSON object", code="invalid_json")
    return body


def _message(body: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A message whose content is text, whichever way it came."""
    where = f"messages[{number}]"
    if not isinstance(body.get("role"), str):
        raise _invalid(f"'{where}.role' must be text", where)
    content = body.get("content")
    if isinstance(content, list):
        parts = [one.get("text") if isinstance(one, dict) and one.get("type") == "text" else None for one in content]
        if not all(isinstance(one, str) for one in parts):
            raise _invalid(f"'{where}.content' has a part that is not text", where)
        content = "".join(str(one) for one in parts)
    if content is not None and not isinstance(content, str):
        raise _invalid(f"'{where}.content' must be text", where)
    if content is None and not body.get("tool_calls"):
        raise _invalid(f"'{where}.content' is missing", where)
    return {**body, "content": content or ""}


def _must_be_served(body: Mapping[str, Any], known: frozenset[str]) -> None:
    for name, value in body.items():
        if name in known or name in IDLE or (name in NEUTRAL and value in NEUTRAL[name]):
            continue
        raise Problem(400, f"the parameter {name!r} is not served here", code="unsupported_parameter", param=name)


def _number(
    body: Mapping[str, Any], name: str, otherwise: float, low: float, high: float, *, whole: bool = False
) -> float:
    value = body.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value != int(value)):
        raise _invalid(f"'{name}' must be a {'whole ' if whole else ''}number", name)
    if not low <= value <= high:
        raise _invalid(f"'{name}' must lie between {low:g} and {high:g}", name)
    return float(value)


def _stops(value: Any) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value or []
    if not isinstance(given, list) or len(given) > MAX_STOPS or not all(isinstance(one, str) and one for one in given):
        raise _invalid(f"'stop' must be text, or a list of at most {MAX_STOPS} texts", "stop")
    return tuple(given)


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name) or False
    if not isinstance(value, bool):
        raise _invalid(f"'{name}' must be true or false", name)
    return value


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def _invalid(message: str, param: str) -> Problem:
    return Problem(400, message, code="invalid_value", param=param)
