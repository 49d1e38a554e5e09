"""Values that are split over two turns of one speaker: "4111 1111 1111" and, in the next turn, "1111".

Only where the first turn ends and the next one begins in the middle of such a value, and where the whole passes the
check of its kind that neither half passes alone. What is said between the halves, and thirds, is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from headgate.rows.json_masking import Finder, Replacement
from headgate.rows.row import Message

# A half may end with a digit, or with the sign in the middle of an address; then only signs that a person adds.
ENDS = re.compile(r"(?P<last>\d|\w@)(?P<rest>[\s,…–-]{0,8}(?:\.{2,3})?\s{0,8})$")
BEGINS = re.compile(r"^\s{0,8}(?:\.{2,3}|…|[–-])?\s{0,8}(?P<first>[\dA-Za-z])")
SEEN = 64  # characters of each turn that are looked at
BETWEEN = 2  # turns from one half to the other at most: one of somebody else may stand between them
GLUE = (" ", "", "-")

Half = tuple[int, int, Replacement, Replacement]


def halves(turns: Sequence[Message], own: Sequence[Sequence[Replacement]], find: Finder) -> Iterator[Half]:
    """Pairs of turns with what is to be replaced at the end of the first and at the beginning of the second.

    `own`: what is replaced in each turn anyway; a half that overlaps with it is none.
    """
    spoke: dict[str, int] = {}
    for place, turn in enumerate(turns):
        before = spoke.get(turn.role)
        if turn.content.strip():
            spoke[turn.role] = place
        if before is None or place - before > BETWEEN:
            continue
        found = _split(turns[before].content, turn.content, find)
        if found is None:
            continue
        left, right = found
        clear = all(one.end <= left.start for one in own[before]) and all(one.start >= right.end for one in own[place])
        if clear:
            yield before, place, left, right


def _split(first: str, second: str, find: Finder) -> tuple[Replacement, Replacement] | None:
    end, begin = ENDS.search(first, max(len(first) - SEEN, 0)), BEGINS.search(second)
    if end is None or begin is None or not _fit(end["last"], begin["first"]):
        return None
    last, start = end.start("rest"), begin.start("first")
    head, tail = first[max(last - SEEN, 0) : last], second[start : start + SEEN]
    for glue in GLUE:
        for one in find(head + glue + tail):
            over = one.end - len(head) - len(glue)
            if one.start < len(head) and over > 0:
                left = Replacement(last - (len(head) - one.start), last, one.text, one.kind)
                return left, Replacement(start, start + over, one.text, one.kind)
    return None


def _fit(last: str, first: str) -> bool:
    """A number goes on with a digit, an address with the name of a host."""
    return first.isdigit() or not last.isdigit()
