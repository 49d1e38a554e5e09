"""Reads what an OpenAI-compatible server sent: a completion, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from headgate.kit import clock
from headgate.kit.errors import Retryable
from headgate.kit.hashing import canonical_json
from headgate.models.model import Completion, failed

QUOTED = 200  # characters of a server's message that are repeated


def read_completion(body: bytes) -> Completion:
    """The first choice of a chat completion.

    A refusal is an answer, marked by its finish reason. An answer that a filter withheld is an error.

    Raises:
        Retryable: not JSON, not a chat completion, or an answer without a word in it.
    """
    try:
        answer = orjson.loads(body)
        choices = answer["choices"]
        choice = min(choices, key=lambda one: one.get("index", 0))
        message = choice["message"]
        finish = str(choice.get("finish_reason") or "stop")
        text, refusal = _text(message), message.get("refusal") or ""
    except orjson.JSONDecodeError as error:
        # Without the place, which differs from answer to answer: reasons are counted.
        raise Retryable("malformed answer", found=f"no whole JSON, {error.msg}"[:QUOTED]) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Retryable("malformed answer", found=f"{type(error).__name__}: {error}"[:QUOTED]) from None
    if finish == "content_filter":
        return failed("withheld by the server's content filter", finish_reason=finish, text=text)
    if refusal:
        text, finish = str(refusal), "refusal"
    if not text.strip() and finish != "length":
        raise Retryable("empty answer", found=f"finish_reason {finish!r}")
    usage, notes = _usage(answer.get("usage")), []
    if len(choices) > 1:
        notes.append(f"{len(choices)} choices were sent, the first was used")
    if not usage:
        notes.append("no usage was sent")
    version = str(answer.get("system_fingerprint") or "")
    return Completion(text=text, finish_reason=finish, usage=usage, version=version, notes=tuple(notes))


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content)
    if not content and message.get("tool_calls"):
        content = canonical_json(message["tool_calls"]).decode()
    if content is not None and not isinstance(content, str):
        raise TypeError("content is not text")
    return content or ""


def _usage(usage: Any) -> dict[str, int]:
    if not isinstance(usage, Mapping):
        return {}
    names = {"prompt": "prompt_tokens", "completion": "completion_tokens"}
    return {ours: int(usage[theirs]) for ours, theirs in names.items() if isinstance(usage.get(theirs), int)}


def server_message(body: bytes) -> str:
    """What a server said about an error, cut for reading."""
    try:
        error = orjson.loads(body)["error"]
        said = error["message"] if isinstance(error, Mapping) else error
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = body.decode(errors="replace")
    return " ".join(str(said).split())[:QUOTED]


def context_exceeded(body: bytes) -> bool:
    """Whether a server refused a prompt because it is too long for the model."""
    said = body.decode(errors="replace").lower()
    return "context_length_exceeded" in said or "maximum context length" in said or "context window" in said


def retry_after(value: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for: a number or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return None
