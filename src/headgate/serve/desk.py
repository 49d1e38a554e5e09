"""The desk: takes a checked request, finds and holds its adapter, queues its answers, hands on their pieces.

Independent of the web server and of the engine behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from headgate.kit.errors import HeadgateError, Refused, Retryable
from headgate.kit.hashing import digest_json
from headgate.models.fingerprint import Fingerprint
from headgate.serve.names import Directory, Served
from headgate.serve.requests import Problem, Reader, Wanted
from headgate.serve.residents import Residents, reason
from headgate.serve.routes import Routed, Routes
from headgate.serve.runtime import Ask, Full, Piece, Runtime, Ticket

BUSY_S = 1  # seconds after which a client may try again


class Desk:
    """One base with its adapters, ready to be asked."""

    def __init__(
        self, *, base: str, fingerprint: Fingerprint, directory: Directory, residents: Residents, runtime: Runtime,
        reader: Reader, routes: Routes | None = None,
    ) -> None:  # fmt: skip
        self.base, self.fingerprint, self.reader = base, fingerprint, reader
        self.routes = routes or Routes({})
        self.stopping = False
        self._directory, self._residents, self._runtime = directory, residents, runtime
        self._engine = ""  # why the engine cannot answer; empty: it can

    async def turn(self, wanted: Wanted) -> Turn:
        """Holds the adapter and queues every answer; all of them or none.

        Raises:
            Problem: unknown model, refused adapter, full queue, or the server is stopping.
        """
        if self.stopping:
            raise Problem(503, "the server is stopping", code="stopping", retry=BUSY_S)
        routed = self._routed(wanted)
        model = wanted.model if routed is None else routed.adapter or self.base
        stack = contextlib.ExitStack()
        try:
            served = await asyncio.to_thread(self._hold, model, stack)
        except BaseException:
            stack.close()
            raise
        identity = {"base": self.fingerprint.root} | ({"adapter": served.digest} if served else {})
        turn = Turn(served.name if served else self.base, digest_json(identity), stack)
        turn.routed = routed
        turn.asks = wanted.asks(served.name if served else "")
        try:
            for number, ask in enumerate(turn.asks):
                turn.tickets.append(self._runtime.submit(ask, turn.feed_of(number)))
        except Full as full:
            turn.cancel()
            stack.close()
            raise Problem(429, f"too many requests: {full}", code="queue_full", retry=BUSY_S) from None
        return turn

    def _routed(self, wanted: Wanted) -> Routed | None:
        """Where a router sends a request; None: it asked for a model."""
        if wanted.model not in self.routes:
            return None
        if wanted.text is None:
            raise Problem(400, "a router needs one prompt as text", code="invalid_value", param="prompt")
        return self.routes.choose(wanted.model, wanted.text)

    def _hold(self, model: str, stack: contextlib.ExitStack) -> Served | None:
        try:
            candidates = self._directory.candidates(model)
        except Refused as error:
            raise Problem(404, error.what, code="model_not_found", param="model") from None
        first: HeadgateError | None = None
        for served in candidates:
            try:
                stack.enter_context(self._residents.hold(served))
            except Retryable as error:
                raise Problem(429, reason(error), code="no_room", retry=BUSY_S) from None
            except Refused as error:
                first = first or error
                continue
            self._directory.serves(model, served)
            return served
        if first is None:
            return None
        raise Problem(
            503, f"{candidates[0].name} is not served: {reason(first)}", code="adapter_refused", param="model"
        )

    def refresh(self) -> None:
        """Reads names again, lets go of what was taken out of use, and looks whether the engine is well."""
        found = self._directory.refresh()
        self._residents.keep_only(lambda served: found.served.get(served.name) == served)
        self._engine = self._runtime.trouble()

    def models(self) -> list[dict[str, Any]]:
        """Every name: immutable ones, aliases with what they mean, and the base."""
        now = self._directory.snapshot
        said = [
            {
                "id": self.base,
                "object": "model",
                "created": 0,
                "owned_by": "headgate",
                "root": self.base,
                "parent": None,
            }
        ]
        for name, one in now.served.items():
            said.append(self._model(name, one))
        for alias, name in now.aliases.items():
            if name in now.served:
                said.append(self._model(alias, now.served[name]))
        for name, mark in self.routes.marks.items():
            told = {"id": name, "object": "model", "created": 0, "owned_by": "headgate"}
            said.append(told | {"root": mark, "parent": self.base})
        return said

    def _model(self, name: str, one: Served) -> dict[str, Any]:
        body = {"id": name, "object": "model", "created": one.created, "owned_by": "headgate"}
        return body | {"root": one.name, "parent": self.base}

    def health(self) -> dict[str, Any]:
        """What is loaded, what runs, what was refused and why."""
        refused, behind = self._residents.refused(), self._directory.behind()
        trouble = self._directory.trouble
        state = "stopping" if self.stopping else "degraded" if behind or trouble or self._engine else "ok"
        return {
            "status": state,
            "base": {"name": self.base, "fingerprint": self.fingerprint.root},
            "adapters": self._residents.standing(),
            "answers": self._runtime.standing(),
            "refused": refused,
            "aliases_behind": behind,
            "names": trouble or "ok",
            "engine": self._engine or "ok",
            "routes": self.routes.counts,
            "routes_not_kept": self.routes.lost,
        }

    def check(self) -> dict[str, str]:
        """Loads every adapter once; name and why it was refused, empty where it was not."""
        found = {}
        for name, served in self._directory.snapshot.served.items():
            try:
                with self._residents.hold(served):
                    found[name] = ""
            except HeadgateError as error:
                found[name] = reason(error)
        return found

    def close(self, grace: float) -> None:
        """Ends the engine."""
        self.stopping = True
        self._runtime.close(grace)


class Turn:
    """The answers to one request."""

    def __init__(self, model: str, version: str, stack: contextlib.ExitStack) -> None:
        self.model, self.version = model, version
        self.asks: list[Ask] = []
        self.routed: Routed | None = None  # where a router sent the request
        self.tickets: list[Ticket] = []
        self._stack, self._loop = stack, asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[int, Piece]] = asyncio.Queue()

    def feed_of(self, number: int) -> Any:
        """What an engine calls, from any thread, with each part of an answer."""

        def feed(piece: Piece) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._queue.put_nowait, (number, piece))

        return feed

    async def pieces(self, timeout: float) -> AsyncIterator[tuple[int, Piece]]:
        """Parts of all answers as they come, each with the number of its answer.

        Raises:
            Problem: an answer failed, or they took longer than `timeout` seconds.
        """
        open_answers = set(range(len(self.asks)))
        end = self._loop.time() + timeout
        while open_answers:
            try:
                number, piece = await asyncio.wait_for(self._queue.get(), max(0.0, end - self._loop.time()))
            except TimeoutError:
                raise Problem(504, f"no answer within {timeout:g} seconds", code="timeout") from None
            if number not in open_answers:
                continue
            if piece.error:
                raise Problem(500, f"the answer failed: {piece.error}", code="answer_failed")
            if piece.finish_reason:
                open_answers.discard(number)
            yield number, piece

    def cancel(self) -> None:
        """Drops all answers."""
        for ticket in self.tickets:
            ticket.cancel()

    def close(self) -> None:
        """Drops what is not answered, and lets the adapter go."""
        self.cancel()
        self._stack.close()
