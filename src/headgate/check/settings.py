"""The section [check] of the flow file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headgate.kit.settings import option


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which rules a dataset version must pass before it may be trained on, and against which items."""

    select: list[str] = option(["data", "lineage", "synthetic", "judge"], help="Rules by name, code, shelf or failure.")
    ignore: list[str] = option([], help="Rules to leave out, in the same words.")
    eval: list[str] = option([], help="Evaluation files that training rows must not resemble.", unit="files")
    columns: dict[str, str] = option({}, help="Our column names and those of the evaluation files.")
    format: str = option("", help="Format of the evaluation files; empty: detected.")
    reference: list[str] = option([], help="Real rows to hold the training rows against.", unit="files")
    before: list[str] = option([], help="Rows that the training rows were rewritten from.", unit="files")
    registry: list[str] = option([], help="Real identifiers: one a line, FILE:COLUMN, or rows.", unit="files")
    prompts: list[str] = option([], help="Few-shot prompts as they are sent.", unit="files")
    past_run: str = option("", help="Which items failed and passed in an earlier evaluation.", unit="file")
    instructions: list[str] = option([], help="Instructions that go with every request, all versions.", unit="files")
    looks: list[str] = option([], help="Looks at evaluation items, such as an access log.", unit="files")
    judge: str = option("", help="Model that is sent likely pairs to compare, http://host/v1#name; empty: none.")
    labels: list[str] = option([], help="Labels of annotators: item, annotator, label.", unit="files")
    gold: list[str] = option([], help="Right labels of some of these items: item, label.", unit="files")
    split: str = option("train", help="Split that the rules read.")
    held: list[str] = option([], help="Splits of the version that count as evaluation items as well.")
    level: dict[str, str] = option({}, help="note, warn or block, by rule.")
    rules: dict[str, dict[str, Any]] = option({}, help="Options of rules, by rule.")
