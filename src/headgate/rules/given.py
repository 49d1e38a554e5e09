"""What a rule is given: named inputs, and rows with the arrays that several rules share.

A rule never opens a file and never imports an engine; whatever it needs comes in here.
Names in use: `training-rows`, `evaluation-items` (both `Corpus`), `selected-rows` (what a curation
kept of `training-rows`), `claims` (dated facts by row source or subject), `tokens` (what the
trainer would supervise, from pre-flight), `slice-by` (names of slices to report).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from headgate.kit.errors import Broken
from headgate.rows.row import Row
from headgate.text.tape import Tape, tape_of


class Corpus(Sequence[Row]):
    """Rows in a fixed order with one tape per field, built on first use and shared by all rules."""

    def __init__(self, rows: Sequence[Row], name: str = "") -> None:
        self.rows = list(rows)
        self.name = name  # as printed in messages, such as a file name

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @cached_property
    def text(self) -> Tape:
        """Tape of every word of each row."""
        return tape_of([row.text for row in self.rows])

    @cached_property
    def prompt(self) -> Tape:
        """Tape of what people said in each row."""
        return tape_of([row.prompt_text for row in self.rows])

    @cached_property
    def answer(self) -> Tape:
        """Tape of what the model is to say in each row."""
        return tape_of([row.answer_text for row in self.rows])

    def slices(self, name: str) -> list[str | None]:
        """The value of one slice for each row; None where a row has none."""
        return [row.side.slices.get(name) for row in self.rows]

    @cached_property
    def slice_names(self) -> list[str]:
        """Names of all slices that any row carries, sorted."""
        return sorted({name for row in self.rows for name in row.side.slices})


class Given:
    """Named inputs of a rule."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._inputs = {name: value for name, value in inputs.items() if value is not None}

    def has(self, name: str) -> bool:
        """Whether an input was given."""
        return name in self._inputs

    def rows(self, name: str) -> Corpus:
        """An input that is rows."""
        value = self._inputs[name]
        if not isinstance(value, Corpus):
            raise Broken(f"input {name!r} is not rows", found=type(value).__name__)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Any other input."""
        return self._inputs.get(name, default)
