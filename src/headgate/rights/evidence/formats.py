"""The table of formats: what each file is called, what it is for, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from headgate.rights.evidence import (
    croissant,
    cyclonedx,
    dataset_card,
    eu_sheet,
    model_card,
    openlineage,
    slsa,
    spdx,
)
from headgate.rights.evidence.facts import Facts

OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, slots=True)
class Format:
    """One format of evidence."""

    name: str
    file: str
    make: Callable[[Facts], bytes]
    lacks: Callable[[Facts], str]  # why it cannot be made; empty where it can


def _nothing(facts: Facts) -> str:  # noqa: ARG001 - one shape for all
    return ""


def _no_model(facts: Facts) -> str:
    return "" if facts.model else f"{facts.name} is a dataset version"


def _json(document: Callable[[Facts], Any]) -> Callable[[Facts], bytes]:
    return lambda facts: _dumped(document(facts), OPTIONS)


def _dumped(document: Any, option: int) -> bytes:
    """JSON that may stand in a page of the web: no text in it can end a script; readers get the same text."""
    written = orjson.dumps(document, option=option)
    return written.replace(b"<", rb"\u003c").replace(b">", rb"\u003e").replace(b"&", rb"\u0026")


def _text(written: Callable[[Facts], str]) -> Callable[[Facts], bytes]:
    return lambda facts: written(facts).encode()


def _lines(facts: Facts) -> bytes:
    line = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return b"".join(_dumped(event, line) for event in openlineage.events(facts))


FORMATS = {
    one.name: one
    for one in (
        Format("croissant", "croissant.json", _json(croissant.document), _nothing),
        Format("spdx", "spdx.json", _json(spdx.document), _nothing),
        Format("cyclonedx", "cyclonedx.json", _json(cyclonedx.document), _nothing),
        Format("slsa", "provenance.json", _json(slsa.document), _no_model),
        Format("openlineage", "openlineage.jsonl", _lines, _nothing),
        Format("dataset-card", "DATASET.md", _text(dataset_card.card), _nothing),
        Format("model-card", "MODEL.md", _text(model_card.card), model_card.lacks),
        Format("eu-sheet", "EU-TRAINING-DATA.md", _text(eu_sheet.sheet), _nothing),
    )
}
