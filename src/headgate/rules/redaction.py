"""Personal data in rows becomes placeholders: one mechanism for what is captured and for what is curated.

The same value has the same placeholder throughout a conversation, so that a row still says who wrote to whom.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence

from headgate.rows.masking import Masked, Replacement, mask_row
from headgate.rows.row import Row
from headgate.text.personal import Detector, Placeholders, names, personal_spans

CONVERSATIONS = 50_000  # kept in mind at a time; a row of an older one begins to count again
SHORTEST = 3  # letters of a part of a name that is looked for by itself
KEYS = ("id", "subject", "conversation", "group", "user", "annotator")  # identities, which are never changed


class Redactor:
    """Redacts one row after another."""

    def __init__(self, using: Sequence[Detector], *, name_columns: Sequence[str] = ()) -> None:
        """`name_columns`: keys of a row's own columns that hold the name of a person, looked for in that row."""
        self._using = tuple(using)
        self._columns = tuple(name_columns)
        self._known: OrderedDict[str, Placeholders] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._using or self._columns)

    def __call__(self, row: Row) -> Masked:
        """The row with placeholders, and how many of each kind; one without personal data comes back as it is."""
        said, using = self._placeholders(row), (*names(_names_in(row, self._columns)), *self._using)

        def find(text: str) -> list[Replacement]:
            return [
                Replacement(one.start, one.end, said.of(one.kind, text[one.start : one.end]), one.kind)
                for one in personal_spans(text, using)
            ]

        return mask_row(row, find)

    def text(self, text: str) -> str:
        """A text outside of any row, such as a line that could not be read, with the kinds as placeholders."""
        out, at = "", 0
        for one in personal_spans(text, self._using):
            out, at = f"{out}{text[at : one.start]}[{one.kind.upper()}]", one.end
        return out + text[at:]

    def in_keys(self, row: Row) -> Counter[str]:
        """Kinds of personal data in the keys of a row, which stay as they are: they are how it is found again."""
        values = [str(getattr(row.side, name) or "") for name in KEYS] + list(row.side.slices.values())
        return Counter({one.kind for value in values for one in personal_spans(value, self._using)})

    def _placeholders(self, row: Row) -> Placeholders:
        conversation = row.side.conversation
        if conversation is None:
            return Placeholders()
        known = self._known.setdefault(conversation, Placeholders())
        self._known.move_to_end(conversation)
        if len(self._known) > CONVERSATIONS:
            self._known.popitem(last=False)
        return known


def _names_in(row: Row, columns: Sequence[str]) -> Iterator[str]:
    """The names in some columns of a row, whole and in parts."""
    for column in columns:
        value = row.side.extra.get(column)
        if isinstance(value, str):
            yield value
            yield from (part for part in value.split() if len(part) >= SHORTEST and part[0].isupper())
