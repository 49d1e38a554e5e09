"""Any OpenAI-compatible server as a model.

Requests run side by side up to a bound, are tried again with growing waits (`Retry-After` is
obeyed), and are journalled one by one. A request that keeps failing becomes a completion with
outcome "error"; the run goes on. What only the user can mend (a wrong key, a wrong name, nobody
listening) stops the run with everything answered so far on disk.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from headgate.kit.errors import Refused, Retryable
from headgate.kit.hashing import digest_json
from headgate.kit.progress import Advance
from headgate.models.model import AnswerBook, Completion, Prompt, Sampling, failed, request_key, seed_of
from headgate.models.reading import context_exceeded, read_completion, retry_after, server_message

KEY_VARIABLE = "HEADGATE_API_KEY"
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LARGEST_ANSWER = 16 << 20  # bytes
NOBODY = "nobody is listening"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def sent(response: httpx.Response, key: str) -> bool:
    """Whether the request that was answered held a key; a text that quotes the key is escaped and does not count."""
    return f'"{key}"'.encode() in response.request.content


class EndpointModel:
    """A named model behind a URL."""

    context_length: int | None = None

    def __init__(
        self,
        url: str,
        name: str,
        *,
        key_variable: str = KEY_VARIABLE,
        concurrency: int = 8,
        timeout: float = 120.0,
        attempts: int = 6,
        retries: int | None = None,
        first_wait: float = 0.5,
        longest_wait: float = 60.0,
    ) -> None:
        """Times in seconds; `attempts` counts the first one; `retries` are those of all requests together (None: any).

        Raises:
            Refused: the URL is not http or https, or carries a password.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("not the address of a model", found=repr(url), wanted="http://host:port/v1#model-name")
        if parts.username or parts.password:
            raise Refused(
                "a URL with a password in it would end up in records and logs",
                wanted=f"the key in the environment variable {key_variable}",
            )
        self.url, self.name = url.rstrip("/"), name
        self.fingerprint = digest_json(["endpoint", self.url, name])
        self.versions: Counter[str] = Counter()  # system_fingerprint values seen, with counts
        self._key = os.environ.get(key_variable, "")
        self._key_variable = key_variable
        self._local = parts.hostname in LOOPBACK
        self._concurrency, self._timeout, self._attempts = max(1, concurrency), timeout, max(1, attempts)
        self._first_wait, self._longest_wait = first_wait, longest_wait
        self.retries_left = retries
        self._limit_name = "max_tokens"
        self._in_a_row = 0  # requests that failed since the last answer
        self._heard = False

    def count_tokens(self, prompt: Prompt) -> int | None:  # noqa: ARG002 - the shape of a model
        """None: the tokenizer is on the other side."""
        return None

    def close(self) -> None:
        """Nothing stays open between calls."""

    async def complete(
        self, prompts: Sequence[Prompt], *, settings: Sampling, journal: AnswerBook, advance: Advance
    ) -> list[Completion]:
        """One completion for each prompt, in order; equal prompts are asked once.

        Raises:
            Refused: the server refuses the key or the model's name, or answers nothing at all.
        """
        keys = [request_key(self.fingerprint, prompt, settings) for prompt in prompts]
        shares = Counter(keys)
        answers: dict[str, Completion] = {}
        todo: dict[str, Prompt] = {}
        for key, prompt in zip(keys, prompts, strict=True):
            known = journal.get(key)
            if known is not None:
                answers[key] = known
                advance(1)
            else:
                todo[key] = prompt
        waiting = iter(todo.items())

        async def worker(client: httpx.AsyncClient) -> None:
            for key, prompt in waiting:
                answers[key] = await self._ask(client, key, prompt, settings, journal)
                advance(shares[key])

        async with self._client() as client:
            workers = [asyncio.create_task(worker(client)) for _ in range(min(self._concurrency, len(todo)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for one in workers:
                    one.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        self.versions.update(answers[key].version for key in keys if answers[key].version)
        return [answers[key] for key in keys]

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
        # A proxy for the outside world must not see requests to this machine.
        return httpx.AsyncClient(headers=headers, limits=limits, timeout=self._timeout, trust_env=not self._local)

    async def _ask(
        self, client: httpx.AsyncClient, key: str, prompt: Prompt, settings: Sampling, journal: AnswerBook
    ) -> Completion:
        dice = random.Random(key)
        reason = ""
        attempt = 0
        while attempt < self._attempts:
            try:
                completion = await self._once(client, prompt, settings)
            except Otherwise:
                continue
            except (httpx.TransportError, Retryable) as error:
                reason, attempt = self._told(error), attempt + 1
                if attempt < self._attempts:
                    if not self._may_retry():
                        return self._gave_up(key, f"{reason}; no retries are left for this run", journal, attempt)
                    await asyncio.sleep(self._wait(attempt - 1, getattr(error, "after", None), dice))
                continue
            self._in_a_row, self._heard = 0, True
            if completion.settled:
                journal.put(key, completion)
            else:
                journal.note_failure(key, completion.error)
            return completion
        return self._gave_up(key, reason, journal, self._attempts)

    def _may_retry(self) -> bool:
        if self.retries_left is None:
            return True
        self.retries_left -= 1
        return self.retries_left >= 0

    def _gave_up(self, key: str, reason: str, journal: AnswerBook, attempts: int) -> Completion:
        self._in_a_row += 1
        journal.note_failure(key, reason)
        unreachable = reason == NOBODY and not self._heard
        if unreachable or self._in_a_row >= max(20, 2 * self._concurrency):
            raise Refused(
                f"{self.name} does not answer",
                found=f"{self._in_a_row} requests in a row failed after {self._attempts} attempts each; last: {reason}",
                wanted=f"an OpenAI-compatible server at {self.url}",
                next_step="see to the server and run the same command again; answers so far are kept",
            )
        return failed(f"failed after {attempts} attempt{'s' if attempts > 1 else ''}: {reason}")

    async def _once(self, client: httpx.AsyncClient, prompt: Prompt, settings: Sampling) -> Completion:
        body = self._body(prompt, settings)
        async with client.stream("POST", f"{self.url}/chat/completions", json=body) as response:
            data = bytearray()
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > LARGEST_ANSWER:
                    return failed(f"the answer is larger than {LARGEST_ANSWER >> 20} MiB")
        if response.status_code == 200:
            return read_completion(bytes(data))
        return self._refused(response, bytes(data))

    def _body(self, prompt: Prompt, settings: Sampling) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in prompt],
            self._limit_name: settings.max_tokens,
            "temperature": settings.temperature,
        }
        if settings.stop:
            body["stop"] = list(settings.stop)
        if (seed := seed_of(settings, body["messages"])) is not None:
            body["seed"] = seed
        return body

    def _refused(self, response: httpx.Response, data: bytes) -> Completion:
        status, said = response.status_code, self._hidden(server_message(data))
        if status in AGAIN:
            raise Later(f"HTTP {status}", found=said, after=retry_after(response.headers.get("Retry-After")))
        if status in (401, 403):
            found = said if self._key else f"no key: the environment variable {self._key_variable} is not set"
            raise Refused(
                f"{self.url} refuses the key (HTTP {status})",
                found=found,
                next_step=f"export {self._key_variable}=... and run the same command again",
            )
        if status == 404 or 300 <= status < 400:
            raise Refused(
                f"no such model or route (HTTP {status})",
                found=said,
                wanted=f"{self.url}/chat/completions with model {self.name!r}",
                next_step=f"curl {self.url}/models lists the names",
            )
        if "max_completion_tokens" in said and sent(response, "max_tokens"):
            self._limit_name = "max_completion_tokens"
            raise Otherwise
        if context_exceeded(data):
            return failed("the prompt does not fit the model's context", finish_reason="context")
        return failed(f"HTTP {status}: {said}")

    def _wait(self, attempt: int, asked: float | None, dice: random.Random) -> float:
        if asked is not None:
            return min(asked, self._longest_wait)
        # Half of the wait is chance, so that requests that failed together do not come back together.
        longest = min(self._first_wait * 2.0**attempt, self._longest_wait)
        return longest * (0.5 + dice.random() / 2)

    def _told(self, error: httpx.TransportError | Retryable) -> str:
        if isinstance(error, Retryable):
            return self._hidden(f"{error.what}: {error.found}" if error.found else error.what)
        if isinstance(error, httpx.ConnectError):
            return NOBODY
        if isinstance(error, httpx.TimeoutException):
            return f"no answer within {self._timeout:g} s"
        return f"the connection broke ({type(error).__name__})"

    def _hidden(self, text: str) -> str:
        # Some servers repeat the key in their error messages.
        return text.replace(self._key, "[key]") if self._key else text


class Otherwise(Exception):
    """A server wants a request written in another way; asking so is no new attempt.

    Raised only for what the request held, which the next one does not hold any more.
    """


class Later(Retryable):
    """A server asks to come back, perhaps after a time."""

    def __init__(self, what: str, *, found: str | None = None, after: float | None = None) -> None:
        super().__init__(what, found=found)
        self.after = after
