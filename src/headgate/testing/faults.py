"""What can go wrong at an OpenAI-compatible server, and plans that say when it does."""

from __future__ import annotations

from collections.abc import Callable

FAULTS = (
    "429",  # too many requests, with Retry-After
    "500",
    "401",
    "context",  # 400: the prompt does not fit
    "no-schema",  # 400 where the answer is wanted in a schema
    "new-limit",  # 400 where the longest answer is named max_tokens
    "stall",  # never answers; the connection closes when the server does
    "reset",  # the connection breaks in the middle of the body
    "malformed",  # status 200 and half a JSON object
    "empty",  # an answer without a word
    "length",  # cut at the limit of tokens
    "content_filter",
    "refusal",
    "no-usage",
    "new-fingerprint",  # the server says that it runs something else now
    "duplicate-choices",
    "split-utf8",  # streaming only: a piece ends inside a character
)

Plan = Callable[[int, str], str]  # (which attempt at this prompt, from 1; last message) -> fault, or ""


def never(attempt: int, text: str) -> str:  # noqa: ARG001 - the shape of a plan
    """No fault at all."""
    return ""


def always(fault: str) -> Plan:
    """The fault on every request."""
    return where("", fault)


def first(times: int, fault: str) -> Plan:
    """The fault on the first attempts at each prompt, then right answers."""
    return where("", fault, times=times)


def where(words: str, fault: str, *, times: int | None = None) -> Plan:
    """The fault on prompts whose last message holds these words; where given, only on the first `times` attempts."""
    if fault not in FAULTS:
        raise ValueError(f"no such fault: {fault!r}; known: {', '.join(FAULTS)}")
    return lambda attempt, text: fault if words in text and (times is None or attempt <= times) else ""


def either(*plans: Plan) -> Plan:
    """The first fault that any of the plans asks for."""

    def joined(attempt: int, text: str) -> str:
        return next((fault for plan in plans if (fault := plan(attempt, text))), "")

    return joined
