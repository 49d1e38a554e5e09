"""The turns of many rows end to end, and which of them the text, the prompt and the answer of each row are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row

FIELDS = ("text", "prompt", "answer")
BESIDE = "beside"  # the field of what rows hold beside the words of their turns
_OF_ROW = ((0,), (1,), (2,), ())
_WITH_BESIDE = ((0,), (1,), (2,), (3,))


class Parts(NamedTuple):
    """Parts of N rows; K of them."""

    parts: list[str]  # K
    # By field: parts end to end, and N + 1 offsets. `BESIDE` is left out where no row holds anything beside its words.
    made_of: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]


def turn_parts_of(rows: Sequence[Row]) -> Parts:
    """What text, prompt, answer and `Row.beside_text` of rows are made of: parts joined by line breaks."""
    parts: list[str] = []
    codes, begins = [], []
    known: dict[tuple[str, ...], int] = {}
    patterns: list[tuple[tuple[int, ...], ...]] = [_OF_ROW, _WITH_BESIDE]
    for row in rows:
        begins.append(len(parts))
        turns = row.turns
        if turns is None or not _plain(*turns):
            beside = row.beside_text
            codes.append(1 if beside else 0)
            parts += (row.text, row.prompt_text, row.answer_text, beside)[: 4 if beside else 3]
            continue
        roles, texts = turns
        code = known.get(roles)
        if code is None:
            code = known[roles] = len(patterns)
            patterns.append(_pattern(roles))
        codes.append(code)
        parts += texts
    code_of, begin_of = np.array(codes, dtype=np.int64), np.array(begins, dtype=np.int64)
    fields = (*FIELDS, BESIDE) if (code_of == 1).any() else FIELDS
    made_of = {
        field: _placed(code_of, begin_of, [pattern[place] for pattern in patterns])
        for place, field in enumerate(fields)
    }
    return Parts(parts, made_of)


def _plain(roles: tuple[str, ...], texts: tuple[str, ...]) -> bool:
    """Whether what was asked is in the turns of the user: a row that ends otherwise may have nothing there."""
    if roles[-1:] == ("assistant",):
        return True
    return any(text for role, text in zip(roles, texts, strict=True) if role == "user")


def _pattern(roles: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    def said(wanted: str) -> tuple[int, ...]:
        return tuple(place for place, role in enumerate(roles) if role == wanted)

    return tuple(range(len(roles))), said("user"), said("assistant"), ()


def _placed(
    codes: NDArray[np.int64], begins: NDArray[np.int64], patterns: Sequence[tuple[int, ...]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes = np.array([len(one) for one in patterns], dtype=np.int64)
    flat = np.array([place for one in patterns for place in one], dtype=np.int64)
    heads = np.cumsum(sizes) - sizes
    counts = sizes[codes]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    inside = np.arange(int(offsets[-1])) + np.repeat(heads[codes] - offsets[:-1], counts)
    return flat[inside] + np.repeat(begins, counts), offsets
