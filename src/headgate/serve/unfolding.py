"""Token ids to text piece by piece: whole characters only, and nothing that may be part of a stop text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

REPLACEMENT = "\ufffd"  # what a decoder puts where a character is not whole yet


class Unfolding:
    """The text of an answer as it grows."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self._decode, self._stops = decode, [stop for stop in stops if stop]
        self._ids: list[int] = []
        self._from = self._read = 0  # ids from `_from` are decoded together; those before `_read` were given out
        self._held = ""
        self.stopped = False  # a stop text has come

    def add(self, token: int) -> str:
        """The text that one more token makes certain."""
        self._ids.append(token)
        # A token's text can depend on what stands before it, so a few are decoded again.
        before = self._decode(self._ids[self._from : self._read])
        after = self._decode(self._ids[self._from :])
        if len(after) <= len(before) or after.endswith(REPLACEMENT):
            return ""
        self._from, self._read = self._read, len(self._ids)
        return self._release(after[len(before) :])

    def end(self) -> str:
        """What is still held back when the answer ends without a stop text."""
        before = self._decode(self._ids[self._from : self._read])
        rest = self._decode(self._ids[self._from :])[len(before) :]
        self._from = self._read = len(self._ids)
        text = self._release(rest)
        if self.stopped:
            return text
        text, self._held = text + self._held, ""
        return text

    def _release(self, text: str) -> str:
        self._held += text
        places = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            self.stopped = True
            out, self._held = self._held[: min(places)], ""
            return out
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        out, self._held = self._held[:cut], self._held[cut:]
        return out


def _overlap(text: str, stop: str) -> int:
    """The longest end of a text that begins a stop text."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
