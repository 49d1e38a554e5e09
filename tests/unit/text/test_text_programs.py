"""The shape of programs: what is left when names, numbers and words are blanked."""

from __future__ import annotations

import pytest

from headgate.text.programs import is_program, shape_of

PYTHON = """
def close(numbers, gap):
    for n in numbers:
        if abs(n - 3) < gap:
            return True
    return False
"""
SCRIPT = "function total(prices) {\n  let out = 0;\n  for (const p of prices) { out += p; }\n  return out;\n}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PYTHON, True),
        (SCRIPT, True),
        ("#include <stdio.h>\nint main() {\n  return 0;\n}", True),
        ("The function of the heart is to pump blood. Return to the text for more.", False),
        ("I was taught (in a class at school) that if you wait, it rains.\nThen we ran home;\n", False),
        ("print it out", False),
        ("", False),
    ],
)
def test_programs_are_told_from_prose(text: str, expected: bool) -> None:
    """A definition and two lines of code."""
    assert expected == is_program(text)


def test_names_numbers_and_layout_do_not_count() -> None:
    """Another name, another number, other spaces: the same shape."""
    renamed = PYTHON.replace("numbers", "values").replace("gap", "limit").replace("3", "17").replace("    ", "\t")
    assert shape_of(PYTHON) == shape_of(renamed) != ""


def test_what_the_program_does_counts() -> None:
    """Another operator, another keyword, another call is another shape."""
    shapes = {shape_of(PYTHON.replace(*change)) for change in (("<", ">"), ("if", "while"), ("abs", "round"), ("", ""))}
    assert 4 == len(shapes)


def test_prose_has_no_shape() -> None:
    """Nothing is compared where there is no program."""
    assert "" == shape_of("Tell me how to write a program in Python.")
