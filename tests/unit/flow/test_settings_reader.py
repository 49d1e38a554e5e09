"""The strict reader: every problem of a section at once, each with its line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pytest

from headgate.flow.settings_reader import Spot, read_section
from headgate.flow.toml_lines import key_lines
from headgate.kit.settings import option


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A nested table."""

    kind: Literal["lora"] = option("lora", help="kind of adapter")
    rank: int = option(16, help="rank", unit="dimensions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A section."""

    base: str = option(help="folder of the base")
    steps: int = option(60, help="steps")
    learning_rate: float = option(3e-3, help="step size")
    adapter: Adapter = option(Adapter(), help="what to train")
    seeds: list[int] = option([1], help="seeds")
    shares: dict[str, float] = option({}, help="shares", unit="share")
    until: date | None = option(None, help="a date")
    on: bool = option(False, help="a switch")
    tried: dict[str, list[Any]] = option({}, help="values")


def read(text: str) -> tuple[Any, list[str]]:
    """Settings and the errors as (line, what)."""
    spot = Spot("flow.toml", ("train",), key_lines(text))
    settings, errors = read_section(Settings, tomllib.loads(text)["train"], spot)
    return settings, [f"{error.line}: {error.what}" for error in errors]


def test_a_right_section_is_read() -> None:
    """Types convert, defaults stay, nested tables nest."""
    settings, errors = read(
        "[train]\nbase = 'b'\nsteps = 40\nlearning-rate = 1\nadapter.rank = 8\n"
        "shares = {train = 0.9}\nuntil = 2026-12-31\n"
    )
    assert [] == errors
    assert (
        Settings(
            base="b",
            steps=40,
            learning_rate=1.0,
            adapter=Adapter(rank=8),
            shares={"train": 0.9},
            until=date(2026, 12, 31),
        )
        == settings
    )


def test_all_errors_come_together_with_their_lines() -> None:
    """Unknown key, wrong types and a missing key in one report."""
    settings, errors = read('[train]\nstpes = 40\nlearning-rate = "fast"\nseeds = [1, "two"]\non = 1\n')
    assert settings is None
    assert [
        "2: unknown key 'train.stpes'",
        "3: train.learning-rate has the wrong type or value",
        "4: train.seeds has the wrong type or value",
        "5: train.on has the wrong type or value",
        "1: train.base is missing",
    ] == errors


def test_the_nearest_key_is_proposed() -> None:
    """A slip of the fingers is answered with the right key."""
    text = '[train]\nbase = "b"\n[train.adapter]\nrnak = 8\n'
    _, errors = read_section(Settings, tomllib.loads(text)["train"], Spot("f", ("train",), key_lines(text)))
    assert ["did you mean 'rank'?"] == [error.next_step for error in errors]
    assert [4] == [error.line for error in errors]


def test_a_true_is_not_a_number_and_a_choice_is_checked() -> None:
    """`steps = true` and an unknown kind are refused."""
    _, errors = read('[train]\nbase = "b"\nsteps = true\nadapter = { kind = "lorra" }\n')
    assert 2 == len(errors)


@pytest.mark.parametrize(
    ("key", "number"),
    [
        *(("learning-rate = {}", one) for one in ("nan", "inf", "-inf")),
        ("shares = {{ x = {} }}", "nan"),
        ("tried = {{ x = [1, {}] }}", "nan"),
        ("steps = {}", "99999999999999999999"),
        ("seeds = [1, {}]", "-99999999999999999999"),
        ("tried = {{ x = [1, {}] }}", "99999999999999999999"),
    ],
)
def test_numbers_that_nothing_can_use_are_refused(key: str, number: str) -> None:
    """`nan` passes every comparison, and what does not fit 64 bits cannot be kept."""
    settings, errors = read(f'[train]\nbase = "b"\n{key.format(number)}\n')
    assert settings is None
    assert 1 == len(errors)
    assert "has the wrong type or value" in errors[0]


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("[a]\nb.c = 1\n", ("a", "b", "c"), 2),
        ("# note\n[a.b]\n'x y' = 1\n", ("a", "b", "x y"), 3),
        ("[[a]]\nb = [\n  { c = 1 },\n]\n", ("a", "b", "c"), 3),
    ],
)
def test_lines_of_keys(text: str, path: tuple[str, ...], line: int) -> None:
    """Plain, dotted, quoted and inline keys are found on their line."""
    assert line == key_lines(text)[path]
