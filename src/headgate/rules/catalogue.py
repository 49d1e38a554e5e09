"""The catalogue: every rule of headgate, sorted by code. A rule that is not here does not exist."""

from __future__ import annotations

from headgate.rules.data.dat004_learned_typo import learned_typo
from headgate.rules.data.dat009_rows_without_lesson import rows_without_lesson
from headgate.rules.shape import Rule

CATALOGUE: tuple[Rule, ...] = (learned_typo, rows_without_lesson)
