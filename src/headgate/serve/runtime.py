"""What an engine of serving is given and gives back, whatever runs behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from headgate.serve.names import Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One answer that is wanted."""

    prompt: tuple[int, ...]  # token ids
    adapter: str = ""  # immutable name; empty: the base alone
    max_tokens: int = 256
    temperature: float = 0.0  # 0: greedy
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer, or its end."""

    text: str = ""
    tokens: int = 0  # tokens that this part took, the end token included
    finish_reason: str = ""  # "stop" or "length" in the last part
    error: str = ""  # why the answer ends without a finish reason


Feed = Callable[[Piece], None]  # called from whatever thread the engine runs in


@dataclass(eq=False)
class Ticket:
    """An answer under way."""

    ask: Ask
    feed: Feed
    cancelled: bool = False  # whoever asked is gone
    state: Any = field(default=None, repr=False)  # the engine's own

    def cancel(self) -> None:
        """Lets the engine drop the answer at its next step."""
        self.cancelled = True


class Full(Exception):
    """As many answers wait as may wait."""


class Runtime(Protocol):
    """An engine: a base in memory, adapters that come and go, answers."""

    most: int | None  # adapters that may be loaded, whatever their size; None: as many as memory takes
    context: int | None  # tokens of prompt and answer, where it is less than what the base takes

    def load(self, served: Served) -> int:
        """Makes an adapter ready after proof that it belongs to the base; returns its bytes in memory.

        Raises:
            Refused: it does not belong to the base, or cannot be read.
        """

    def unload(self, served: Served) -> None:
        """Lets an adapter go; answers that run with it are over."""

    def submit(self, ask: Ask, feed: Feed) -> Ticket:
        """Queues an answer.

        Raises:
            Full: the queue is full.
        """

    def standing(self) -> dict[str, Any]:
        """What runs and what waits, as JSON."""

    def trouble(self) -> str:
        """Why it cannot answer, in one line; empty: it can."""

    def close(self, grace: float) -> None:
        """Ends when nothing runs any more, after `grace` seconds at the latest."""
