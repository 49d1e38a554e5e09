"""What rows of one split share: hashes of their keys, and pairs of near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headgate.curate.components import NO_PAIRS, Pairs
from headgate.curate.settings import SplitSettings
from headgate.curate.splitting import Member, key_hash
from headgate.curate.working import Item
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.rows.row import Row
from headgate.text.near_duplicates import near_duplicate_pairs
from headgate.text.tape import tape_of

CONTENT = "content"  # family of the key that every row has: equal content is never in two splits


def keys_of(row: Row, settings: SplitSettings) -> tuple[int, ...]:
    """Hashes of everything that a row must stay together with, its own content first."""
    held = [(CONTENT, row.content_id)]
    held += [(name, str(value)) for name in settings.together if (value := _value(row, name)) not in (None, "")]
    return tuple(key_hash(family, value, settings.salt) for family, value in held)


def members_of(items: Sequence[Item], settings: SplitSettings) -> list[Member]:
    """What splitting knows of each row.

    Raises:
        Refused: there is a cutoff and a row's date cannot be read.
    """
    dated = settings.cutoff is not None
    return [
        Member(
            root=item.root,
            keys=keys_of(item.row, settings),
            moment=parse_moment(item.row.side.created_at) if dated and item.row.side.created_at else None,
        )
        for item in items
    ]


def alike_pairs(rows: Sequence[Row], settings: SplitSettings) -> Pairs:
    """Positions of rows whose prompts are alike, guarded pairs included: a twin with another number gives away too."""
    if not settings.near_duplicates:
        return NO_PAIRS
    found = near_duplicate_pairs(
        tape_of([row.prompt_text or row.text for row in rows]),
        threshold=settings.threshold,
        short_threshold=settings.short_threshold,
    )
    return np.stack([found.left, found.right], axis=1)


def check_together(rows: Sequence[Row], settings: SplitSettings) -> None:
    """Refuses a key named by the user that no row has.

    Raises:
        Refused: a slice or extra field of `together` is on no row.
    """
    for name in settings.together:
        if "." in name and not any(_value(row, name) not in (None, "") for row in rows):
            raise Refused("rows are to be kept together by a field that no row has", found=name)


def _value(row: Row, name: str) -> object:
    family, _, key = name.partition(".")
    if family == "slice":
        return row.side.slices.get(key)
    if family == "extra":
        return row.side.extra.get(key)
    return getattr(row.side, name)
