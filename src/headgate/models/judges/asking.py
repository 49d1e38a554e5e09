"""Asks one judge: whatever comes back ends as scored, unscored with a reason, or an error, and never as a zero."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from headgate.kit.errors import Refused
from headgate.kit.progress import progress
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.models.endpoint import NOBODY, EndpointModel, Otherwise, sent
from headgate.models.judges.book import LedgerBook, name_of
from headgate.models.judges.protocol import (
    COMPARE,
    Call,
    Unreadable,
    prompt_of,
    read_marks,
    read_preference,
    repaired,
    schema_of,
)
from headgate.models.model import AnswerBook, Completion, Prompt, Sampling, failed, request_key

Outcome = Literal["scored", "unscored", "error"]
LIMITS = ("concurrency", "timeout", "attempts", "retries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one call ended."""

    outcome: Outcome
    why: str = ""  # of an answer that is not scored
    better: str = ""  # of a pair: "first", "second" or "tie", in the order of the pair and not as shown
    marks: Mapping[str, str] = field(default_factory=dict)  # of a grading: mark by criterion
    version: str = ""
    tokens: tuple[int, int] = (0, 0)  # read, written


class JudgeDesk:
    """One judge with its endpoint and its answers on record."""

    def __init__(self, ledger: Ledger, node: Node, *, quiet: bool = True, first_wait: float = 0.5) -> None:
        """`node` is a judge of the ledger; `first_wait` in seconds, before the first retry of a request."""
        self.ledger, self.node, self.name = ledger, node, node.name
        self.identity = str(node.body["identity"])
        self.book = LedgerBook(ledger, node.id, self.identity)
        self.injections: Counter[str] = Counter()  # item -> passages that addressed the judge
        self.asked = 0  # requests that were sent in this process
        self._quiet, self._first_wait = quiet, first_wait
        self._endpoint: _SchemaEndpoint | None = None

    def answers(self, calls: Sequence[Call], title: str = "") -> list[Answer]:
        """One answer for each call, in order; equal calls are asked once, answers on record are used.

        Raises:
            Refused: the judge has no endpoint and an answer is not on record, or nobody answers at all.
        """
        keys = [call.key(self.identity) for call in calls]
        first = dict(zip(keys, calls, strict=True))
        said = {key: known for key in first if (known := self.book.known(name_of(key))) is not None}
        self._note(calls)
        said |= self._send({key: call for key, call in first.items() if key not in said}, title)
        read = {key: self._read(first[key], completion) for key, completion in said.items()}
        again = {key: one for key, one in read.items() if isinstance(one, str)}
        read |= self._again({key: first[key] for key in again}, said, again, title)
        return [one if isinstance(one := read[key], Answer) else _unscored(one, said[key]) for key in keys]

    def _note(self, calls: Sequence[Call]) -> None:
        for call in calls:
            if not call.swapped and call.repeat == 0:
                _, attempts = prompt_of(call)
                self.injections[call.item] = max(attempts, self.injections[call.item])

    def _again(
        self, calls: Mapping[str, Call], said: Mapping[str, Completion], why: Mapping[str, str], title: str
    ) -> dict[str, Answer | str]:
        """The one repair of answers that could not be read."""
        known = {key: one for key in calls if (one := self.book.known(name_of(key, repaired=True))) is not None}
        todo = {key: call for key, call in calls.items() if key not in known}
        known |= self._send(todo, title, {key: (said[key].text, why[key]) for key in todo})
        return {key: self._read(calls[key], one) for key, one in known.items()}

    def _send(
        self, calls: Mapping[str, Call], title: str, before: Mapping[str, tuple[str, str]] | None = None
    ) -> dict[str, Completion]:
        groups: dict[tuple[str, tuple[str, ...], int], dict[str, Call]] = defaultdict(dict)
        for key, call in calls.items():
            groups[call.task, call.criteria, call.repeat][key] = call
        out: dict[str, Completion] = {}
        for (task, criteria, repeat), group in groups.items():
            model = self._model()
            model.schema, model.repeat = schema_of(task, criteria), repeat
            prompts = {key: self._prompt(call, key, before) for key, call in group.items()}
            sampling = self._sampling(repeat)
            for key, prompt in prompts.items():
                request = request_key(model.fingerprint, prompt, sampling)
                self.book.expect(request, name_of(key, repaired=before is not None), prompt)
            with progress(title or self.name, len(prompts), quiet=self._quiet) as advance:
                found = asyncio.run(
                    model.complete(list(prompts.values()), settings=sampling, journal=self.book, advance=advance)
                )
            self.asked += len(prompts)
            out |= dict(zip(prompts, found, strict=True))
        return out

    def _prompt(self, call: Call, key: str, before: Mapping[str, tuple[str, str]] | None) -> Prompt:
        prompt, _ = prompt_of(call)
        return repaired(prompt, *before[key]) if before is not None else prompt

    def _sampling(self, repeat: int) -> Sampling:
        body = self.node.body
        return Sampling(max_tokens=int(body["max_tokens"]), temperature=float(body["temperature"]), seed=repeat)

    def _model(self) -> _SchemaEndpoint:
        if self._endpoint is None:
            body = self.node.body
            if not body["endpoint"]:
                raise Refused(
                    f"judge {self.name!r} has no endpoint, and an answer is not on record",
                    wanted=f'endpoint = "http://..." in [judges.{self.name}], or recorded answers',
                )
            limits = {"first_wait": self._first_wait} | {name: body[name] for name in LIMITS}
            self._endpoint = _SchemaEndpoint(
                str(body["endpoint"]), str(body["model"]), key_variable=body["key"], **limits
            )
            self._endpoint.fingerprint, self._endpoint.book = self.identity, self.book
        return self._endpoint

    def _read(self, call: Call, said: Completion) -> Answer | str:
        """What an answer says; a text says why it cannot be read and may be asked once more."""
        version, tokens = said.version, (said.usage.get("prompt", 0), said.usage.get("completion", 0))
        if said.outcome == "error":
            return Answer(outcome="error", why=said.error, version=version, tokens=tokens)
        if said.finish_reason == "length":
            return Answer(outcome="unscored", why="cut off at the token limit", version=version, tokens=tokens)
        if said.finish_reason == "refusal":
            return Answer(outcome="unscored", why="the judge refused", version=version, tokens=tokens)
        try:
            if call.task == COMPARE:
                better = _turned(read_preference(said.text), swapped=call.swapped)
                return Answer(outcome="scored", better=better, version=version, tokens=tokens)
            marks = read_marks(said.text, call.criteria)
        except Unreadable as error:
            return str(error)
        return Answer(outcome="scored", marks=marks, version=version, tokens=tokens)


def _turned(shown: str, *, swapped: bool) -> str:
    if shown == "tie":
        return "tie"
    return "first" if (shown == "A") != swapped else "second"


def _unscored(why: str, said: Completion) -> Answer:
    return Answer(outcome="unscored", why=f"not readable after one repair: {why}", version=said.version)


class _SchemaEndpoint(EndpointModel):
    """An endpoint that is asked for JSON of a schema, where it can do that, and whose answers are timed."""

    schema: Mapping[str, Any]
    book: LedgerBook
    repeat = 0
    _takes_schema = True
    _dead = ""  # why no more requests are sent

    def _body(self, prompt: Prompt, settings: Sampling) -> dict[str, Any]:
        body = super()._body(prompt, settings)
        if self._takes_schema:
            named = {"name": "judgement", "strict": True, "schema": self.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        body["seed"] = self.repeat
        return body

    async def _ask(
        self, client: httpx.AsyncClient, key: str, prompt: Prompt, settings: Sampling, journal: AnswerBook
    ) -> Completion:
        if self._dead:
            return failed(self._dead)
        started = time.perf_counter()
        waited = _Timed(journal, self.book, key, started)
        return await super()._ask(client, key, prompt, settings, waited)

    def _gave_up(self, key: str, reason: str, journal: AnswerBook, attempts: int) -> Completion:
        if reason != NOBODY and self._in_a_row + 1 >= max(20, 2 * self._concurrency):
            # The other judges of a panel go on; this one is told as what it is, a judge that did not answer.
            journal.note_failure(key, reason)
            self._dead = f"not asked: the endpoint fails for every request; last: {reason}"
            return failed(f"failed after {attempts} attempts: {reason}")
        return super()._gave_up(key, reason, journal, attempts)

    def _refused(self, response: httpx.Response, data: bytes) -> Completion:
        # By what this request held: several may be under way when the first is refused.
        wants_none = response.status_code in (400, 422) and sent(response, "response_format")
        if wants_none and any(word in data for word in (b"response_format", b"json_schema", b"structured")):
            self._takes_schema = False
            raise Otherwise
        return super()._refused(response, data)


class _Timed:
    """Notes how long an answer took before it is recorded."""

    def __init__(self, inner: AnswerBook, book: LedgerBook, key: str, started: float) -> None:
        self._inner, self._book, self._key, self._started = inner, book, key, started

    def get(self, key: str) -> Completion | None:
        return self._inner.get(key)

    def put(self, key: str, completion: Completion) -> None:
        self._book.seconds[self._key] = time.perf_counter() - self._started
        self._inner.put(key, completion)

    def note_failure(self, key: str, reason: str) -> None:
        self._inner.note_failure(key, reason)
