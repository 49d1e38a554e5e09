"""The embedded engine: one base in this process, many adapters, one thread that steps all rows together."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from headgate.kit.errors import Refused
from headgate.models.adapter import TENSORS, must_belong
from headgate.models.engines.transformers_local import SMALL, load_base
from headgate.serve.engines.choosing import chosen, generator_of
from headgate.serve.engines.cohort import Cohort, begun, joined, kept, stepped
from headgate.serve.engines.lora_rows import LoraRows, Weights, read_weights, seen_of
from headgate.serve.names import Served
from headgate.serve.runtime import Ask, Feed, Full, Piece, Ticket
from headgate.serve.settings import Settings
from headgate.serve.unfolding import Unfolding

PREFILL = 4096  # prompt tokens that are begun in one step, padding included; running rows wait for them


@dataclass
class _Row:
    """An answer that runs."""

    ticket: Ticket
    weights: Weights | None
    unfolding: Unfolding
    generator: torch.Generator | None
    tokens: int = 0


def open_runtime(base: Path, settings: Settings) -> Embedded:
    """Loads a base and starts the thread that answers.

    Raises:
        Refused: the base cannot be loaded.
    """
    return Embedded(base, settings)


class Embedded:
    """A base with rows that run on it; see `headgate.serve.runtime.Runtime`."""

    most: int | None = None
    context: int | None = None

    def __init__(self, base: Path, settings: Settings) -> None:
        self._loaded = load_base(base)
        self.fingerprint = self._loaded.fingerprint
        self._model = self._loaded.model
        self._lora = LoraRows(self._model)
        size = sum(one.numel() for one in self._model.parameters())
        self._threads = settings.threads or (1 if size < SMALL else torch.get_num_threads())
        self._batch, self._queue = settings.batch, settings.queue
        self._adapters: dict[str, Weights] = {}
        self._waiting: deque[Ticket] = deque()
        self._rows: list[_Row] = []
        self._cohort: Cohort | None = None
        self._wake = threading.Condition()
        self._closing = False
        self.steps = self.answered = self.mixed = 0
        self._try()
        self._thread = threading.Thread(target=self._work, name="headgate-embedded", daemon=True)
        self._thread.start()

    def load(self, served: Served) -> int:
        """Maps a copy of an adapter's file after proof that it belongs to the base."""
        file = served.folder / TENSORS
        before = seen_of(file)
        served.must_stand()
        must_belong(served.folder, self._loaded.folder, self.fingerprint)
        weights = read_weights(served.folder, self._model.dtype, self._model.device)
        if seen_of(file) != before:
            raise Refused("the adapter's file was changed while it was loaded", file=str(file))
        self._lora.must_fit(weights, served.name)
        self._adapters[served.name] = weights
        return weights.bytes

    def unload(self, served: Served) -> None:
        """Lets an adapter's pages go."""
        self._adapters.pop(served.name, None)

    def submit(self, ask: Ask, feed: Feed) -> Ticket:
        """Queues an answer."""
        ticket = Ticket(ask, feed)
        with self._wake:
            if self._closing:
                raise Full("the server is stopping")
            if len(self._waiting) >= self._queue:
                raise Full(f"{len(self._waiting)} answers wait already")
            self._waiting.append(ticket)
            self._wake.notify_all()
        return ticket

    def standing(self) -> dict[str, Any]:
        """What runs and what waits."""
        counts = {"steps": self.steps, "answered": self.answered, "mixed_steps": self.mixed}
        return {"running": len(self._rows), "waiting": len(self._waiting), **counts}

    def trouble(self) -> str:
        """Nothing stands between this process and its base but the thread that answers."""
        return "" if self._thread.is_alive() else "the thread that answers has ended"

    def close(self, grace: float) -> None:
        """Answers what is there, for `grace` seconds at most; what is left then ends with an error."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(grace)
        with self._wake:
            for ticket in (*self._waiting, *(row.ticket for row in self._rows)):
                ticket.cancel()
        self._thread.join(5.0)

    def _try(self) -> None:
        """Refuses a base whose memory of earlier tokens is of another kind, before anybody asks."""
        try:
            with torch.inference_mode():
                stepped(self._model, begun(self._model, [[0, 0], [0]], 0), [0, 0])
        except (TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
            raise Refused(
                "the embedded engine cannot run this base", file=str(self._loaded.folder), found=str(error)
            ) from error

    def _work(self) -> None:
        torch.set_num_threads(self._threads)
        with torch.inference_mode():
            while True:
                with self._wake:
                    while not (self._waiting or self._rows or self._closing):
                        self._wake.wait()
                    if self._closing and not self._waiting and not self._rows:
                        return
                    arriving = self._arriving()
                try:
                    self._step(arriving)
                except Exception as error:  # noqa: BLE001 - one bad step must not end the server
                    self._fail(arriving, f"{type(error).__name__}: {error}")

    def _arriving(self) -> list[_Row]:
        """Rows that begin now: as many as the batch has room for, and no more tokens than one step may take."""
        if self._cohort is not None and not self._cohort.joins:
            return []
        rows: list[_Row] = []
        longest = 0
        while self._waiting and len(self._rows) + len(rows) < self._batch:
            longest = max(longest, len(self._waiting[0].ask.prompt))
            if rows and longest * (len(rows) + 1) > PREFILL:
                break
            ticket = self._waiting.popleft()
            row = self._row(ticket)
            if row is not None:
                rows.append(row)
        return rows

    def _row(self, ticket: Ticket) -> _Row | None:
        if ticket.cancelled:
            ticket.feed(Piece(error="cancelled"))
            return None
        ask, weights = ticket.ask, None
        if ask.adapter:
            weights = self._adapters.get(ask.adapter)
            if weights is None:
                ticket.feed(Piece(error=f"{ask.adapter} is not loaded"))
                return None
        unfolding = Unfolding(self._loaded.tokenizer.decode, ask.stop)
        return _Row(ticket, weights, unfolding, generator_of(ask.temperature, ask.seed))

    def _step(self, arriving: list[_Row]) -> None:
        if arriving:
            self._lora.use([row.weights for row in arriving])
            pad = self._loaded.tokenizer.pad_id or 0
            fresh = begun(self._model, [row.ticket.ask.prompt for row in arriving], pad)
            self._cohort = fresh if self._cohort is None else joined(self._cohort, fresh)
            self._rows += arriving
        if self._cohort is None:
            return
        tokens = [self._next(row, scores) for row, scores in zip(self._rows, self._cohort.logits, strict=True)]
        going = [n for n, token in enumerate(tokens) if token is not None]
        self.steps += 1
        self.mixed += len({id(row.weights) for row in self._rows}) > 1
        changed = bool(arriving) or len(going) < len(self._rows)
        if len(going) < len(self._rows):
            self._cohort = kept(self._cohort, going) if going else None
            self._rows = [self._rows[n] for n in going]
        if self._cohort is None:
            self._lora.use([])
            return
        if changed:
            self._lora.use([row.weights for row in self._rows])
        self._cohort = stepped(self._model, self._cohort, [int(tokens[n] or 0) for n in going])

    def _next(self, row: _Row, scores: torch.Tensor) -> int | None:
        """The next token of a row, which is told; None: the answer has ended."""
        ask, feed = row.ticket.ask, row.ticket.feed
        if row.ticket.cancelled:
            feed(Piece(error="cancelled"))
            return None
        if not bool(torch.isfinite(scores).any()) or bool(torch.isnan(scores).any()):
            feed(Piece(error="the model gave no numbers"))
            return None
        try:
            token = chosen(scores.cpu(), ask.temperature, ask.top_p, row.generator)
        except RuntimeError as error:  # what one request asked for ends its own answer, not those beside it
            feed(Piece(error=f"{type(error).__name__}: {error}"))
            return None
        row.tokens += 1
        ended = token in self._loaded.tokenizer.end_ids
        text = "" if ended else row.unfolding.add(token)
        full = row.tokens >= ask.max_tokens
        if ended or full:
            text += row.unfolding.end()
        if ended or full or row.unfolding.stopped:
            self.answered += 1
            feed(Piece(text, 1, "stop" if ended or row.unfolding.stopped else "length"))
            return None
        feed(Piece(text, 1))
        return token

    def _fail(self, arriving: list[_Row], why: str) -> None:
        for row in {id(one): one for one in (*self._rows, *arriving)}.values():
            row.ticket.feed(Piece(error=why))
        self._rows, self._cohort = [], None
        self._lora.use([])
