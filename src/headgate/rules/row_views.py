"""What the firewall looks at in rows: what their turns say, and each piece beside the words as a text of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from headgate.rows.beside import TOOL, Piece, described, sentences
from headgate.rows.row import Row
from headgate.text.protection import COPIES, DEFINITIONS, EIGHTS, FOURS, RUN, WHOLE, Block, Matches, Sieve

SHORT_CHARACTERS = 400  # of a value that may be a short question as a whole
CONTAINING = (RUN, EIGHTS, FOURS, WHOLE)  # definitions that say how much of a text is held


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that matches a text by one definition."""

    row: int  # place among the rows
    text: int  # of the index
    definition: str
    share: float
    copy: bool  # whether it makes a copy
    where: str  # the place beside the words in which it was found; empty: in what turns say


class Views:
    """Rows to be held against several indexes."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._pieces: list[tuple[int, Piece]] = [
            (place, one)
            for place, row in enumerate(rows)
            if row.turns is None
            for one in (*row.beside, *described(row))
        ]

    def hits(self, sieve: Sieve) -> Iterator[Hit]:
        """Every match of the rows, those beside the words last."""
        found = sieve.matches(self._words)
        for row, text, code, share in zip(*_columns(found), strict=True):
            yield Hit(row, text, DEFINITIONS[code], share, DEFINITIONS[code] in COPIES, "")
        if not self._pieces:
            return
        found = sieve.matches(self._beside)
        for number, text, code, share in zip(*_columns(found), strict=True):
            row, piece = self._pieces[number]
            name = DEFINITIONS[code]
            if piece.kind != TOOL:
                yield Hit(row, text, name, share, name in COPIES, piece.place)
            elif name in CONTAINING and share >= 1.0:
                # Requests restate what tools are for: a copy is what holds the whole of a longer item.
                yield Hit(row, text, name, share, name == RUN, piece.place)

    @cached_property
    def _words(self) -> Block:
        texts, owners = [], []
        for place, row in enumerate(self._rows):
            asked = [message.content for message in row.messages if message.role == "user"]
            for text in [row.prompt_text or row.text, *(asked if len(asked) > 1 else [])]:
                texts.append(text)
                owners.append(place)
        both = [f"{row.prompt_text}\n{row.answer_text}" for row in self._rows]
        return Block([row.text for row in self._rows], texts, owners, both)

    @cached_property
    def _beside(self) -> Block:
        texts, owners = [], []
        for number, (_, piece) in enumerate(self._pieces):
            # The kind comes first, so that a word or two of reasoning are no question as a whole.
            alone = [] if piece.kind == TOOL else list(_alone(piece))
            for text in [f"{piece.kind}\n{piece.text}", *alone]:
                texts.append(text)
                owners.append(number)
        return Block([piece.text for _, piece in self._pieces], texts, owners)


def _alone(piece: Piece) -> Iterator[str]:
    for value in piece.values:
        found = list(sentences(value))
        yield from found
        if len(value) <= SHORT_CHARACTERS and value.strip() not in found:
            yield value


def _columns(found: Matches) -> tuple[list[int], list[int], list[int], list[float]]:
    return found.rows.tolist(), found.texts.tolist(), found.definition.tolist(), found.share.tolist()
