"""Two requests in one input, where real rows have such inputs and their label joins two labels.

A pair of labels is joined only if a real row joins the two, and as often as real rows do. Both requests stand in the
merged input word for word. The second refers to nothing before it, and neither denies or sets a condition, so that
each asks what it asked alone.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from headgate.kit.errors import Refused
from headgate.rows.row import Row
from headgate.text.guards import DENYING
from headgate.text.manners import ASKS, IMPERATIVE

JOINTS = (" and also ", " and ", " also ", "? ", ". ", ", ")  # the first that a real input has is its own
REFERRING = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|he|she|him|her|his|one|ones|same|again|instead|too|also|either"
    r"|still|then|there|so|such|other|another|else)\b|^\W*(?:and|or|but|because)\b",
    re.IGNORECASE,
)
CONDITION = re.compile(r"\b(?:if|unless|when|whether|in case|provided|until)\b|n['’]t\b", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]+")
Pair = tuple[str, str]  # labels, in the order in which real rows join them


def merge_inputs(rows: Sequence[Row], real: Sequence[Row], separator: str, seed: int) -> dict[int, Row]:
    """Rows that another row was merged into, by position; the other row stays where it is as well.

    Raises:
        Refused: labels do not repeat as labels do, or no real row joins two labels of the rows.
    """
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if _plain(row) and separator not in row.answer_text:
            places.setdefault(row.answer_text.strip(), []).append(place)
    pairs, joints = _joined(real, separator, places)
    if not pairs:
        raise Refused(
            "no real input asks for two things: what two labels may be joined nobody says",
            found=f"{len(real):,} real rows, none with two labels of the rows and {separator!r} between them",
            wanted="real rows whose answers join two labels",
        )
    drawn = random.Random(f"{seed}/merged")
    wanted = round(len(rows) * sum(pairs.values()) / len(real))
    out: dict[int, Row] = {}
    used: set[int] = set()
    for _ in range(4 * wanted):  # a pair may find no partner
        if len(out) >= wanted:
            break
        pair = drawn.choices(list(pairs), list(pairs.values()))[0]
        first = _drawn(drawn, [place for place in places[pair[0]] if place not in used and _alone(rows[place])])
        if first is None:
            continue
        able = [place for place in places[pair[1]] if place not in used and _fits(rows[first], rows[place])]
        second = _drawn(drawn, able)
        if second is not None:
            joint = drawn.choices(list(joints), list(joints.values()))[0]
            out[first] = _merged(rows[first], rows[second], joint, separator)
            used |= {first, second}
    return out


def _plain(row: Row) -> bool:
    """One request and one answer, all of it learned."""
    roles = [turn.role for turn in row.messages if turn.role not in ("system", "developer")]
    return roles == ["user", "assistant"] and not any(
        turn.masked or turn.tool_calls or turn.parts or turn.weight is not None for turn in row.messages
    )


def _joined(real: Sequence[Row], separator: str, known: Mapping[str, object]) -> tuple[Counter[Pair], Counter[str]]:
    """Pairs of known labels that real rows join, and what stands between the two requests."""
    pairs: Counter[Pair] = Counter()
    joints: Counter[str] = Counter()
    for row in real:
        labels = [part.strip() for part in row.answer_text.split(separator)]
        joint = next((joint for joint in JOINTS if joint in row.prompt_text.strip().lower()), None)
        if len(labels) == 2 and labels[0] != labels[1] and joint and all(label in known for label in labels):
            pairs[labels[0], labels[1]] += 1
            joints[joint] += 1
    return pairs, joints


def _alone(row: Row) -> bool:
    text = row.prompt_text
    return not CONDITION.search(text) and not any(word.lower() in DENYING for word in WORD.findall(text))


def _fits(first: Row, second: Row) -> bool:
    """Whether the second may follow the first: it stands alone, and both are of the same person and the same terms."""
    one, other = first.side, second.side
    same = all(
        getattr(one, name) == getattr(other, name)
        for name in ("subject", "source", "licence", "consent", "language", "conversation", "generator")
    )
    instructed = [turn for turn in first.messages if turn.role in ("system", "developer")]
    return (
        same
        and instructed == [turn for turn in second.messages if turn.role in ("system", "developer")]
        and _alone(second)
        and not REFERRING.search(second.prompt_text)
    )


def _drawn(drawn: random.Random, places: Sequence[int]) -> int | None:
    return drawn.choice(places) if places else None


def _merged(first: Row, second: Row, joint: str, separator: str) -> Row:
    asked, more = first.prompt_text.strip(), second.prompt_text.strip()
    if joint[0].isalpha() or joint[0] in " ,":  # within one sentence
        begins = ASKS.match(more) or IMPERATIVE.match(more)
        more = more[:1].lower() + more[1:] if begins else more
        asked = asked.rstrip(".!?")
        text = f"{asked}{joint}{more}"
    else:
        text = f"{asked.rstrip('.!?')}{joint}{more}"
    said = f"{first.answer_text.strip()}{separator}{second.answer_text.strip()}"
    turns = tuple(
        replace(turn, content={"user": text, "assistant": said}.get(turn.role, turn.content)) for turn in first.messages
    )
    return replace(first, messages=turns).with_side(parents=(first.id, second.id))
