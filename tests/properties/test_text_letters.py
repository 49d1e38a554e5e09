"""The letters of a text are its words without what stands between them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.text.definitions import letters
from headgate.text.tape import tape_of


@settings(max_examples=120, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text(st.characters(max_codepoint=127), max_size=40)))
def test_letters_are_those_of_the_words(text: str) -> None:
    """In ASCII, where they are read at once, and elsewhere."""
    tape = tape_of([text])
    spans = zip(tape.starts.tolist(), tape.ends.tolist(), strict=True)
    assert "".join(text.lower()[start:end] for start, end in spans) == letters(tape, 0)
