"""Weights instead of deletion: a near-duplicate in a small slice stays and counts for less in the loss.

The weight is that of the assistant's turns, which the trainer multiplies each token's loss with; and it
stands in the side data, for trainers and kinds of row that know no weight of turns.
"""

from __future__ import annotations

from dataclasses import replace

from headgate.rows.row import Kind, Message, Row

MARK = "near-duplicate-weight"  # key of `extra`
WEIGHED = (Kind.DEMONSTRATION,)  # kinds whose turns carry weights that the trainer reads


def weighted(row: Row, weight: float) -> Row:
    """The row with a share of its weight, made from the row as it was."""
    turns = tuple(_weighted(turn, weight) for turn in row.messages) if row.kind in WEIGHED else row.messages
    side = replace(row.side, parents=(row.id,), extra={**row.side.extra, MARK: weight})
    return replace(row, messages=turns, side=side)


def made_by_weighting(row: Row) -> bool:
    """Whether a row is the weighted form of another; such rows are reached through the row they were made from."""
    return MARK in row.side.extra and len(row.side.parents) == 1


def _weighted(turn: Message, weight: float) -> Message:
    if turn.role != "assistant":
        return turn
    return replace(turn, weight=round((1.0 if turn.weight is None else turn.weight) * weight, 6))
