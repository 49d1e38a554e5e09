"""Feedback that one busy person gave, or that came in bursts, or is one text over and over.

## What it checks
Rows that came from feedback: how much of it the busiest actor gave, rows that one actor gave in a burst
(`burst` rows within `window` seconds), and answers that one actor gives again and again. The same answer from
many people, as in labels and canned replies, is no fault.

## Why it matters
One very active colleague, a load test and a stuck button all look like a thousand users. The model learns one
person's taste, and calls it what users want.

## How it is measured
Share of the busiest actor among rows with an actor, counted in full, at most `tolerated` (or twice an even share,
where actors are few); then the share of rows in bursts, and of rows whose answer their actor gave `repeats` times
or more, each at most `bursts`. The verdict speaks of the first that fails. The details name the top five, and the
share of each.

## When it cannot tell
Rows without an actor cannot be counted; when fewer than half have one, or under `least` rows, unsure. People
who were asked to label give many rows each, and that is no fault; rows without any field of feedback are left
alone.

## What to do
Cap rows by actor, drop bursts after a look at them, and ask where the identical texts come from.

## References
Nielsen 2006 on participation inequality; Gini 1912.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.rows.row import Row
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.rules.signals import Feedback, Signal, corrected_text, rows_of_feedback
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict

TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of dominant-actors."""

    tolerated: float = 0.2  # share of rows with feedback, 0..1, that one actor may have given
    bursts: float = 0.1  # share of rows, 0..1, that may stand in bursts, or repeat one text
    burst: int = 10  # rows of one actor
    window: float = 60.0  # seconds within which they are a burst
    repeats: int = 5  # rows of one actor with the same answer, from which on it counts as repeated
    least: int = 50  # rows with an actor from which on something can be said


@rule(
    "LIN005",
    failure="accidental-dataset",
    needs=("training-rows",),
    options=Options,
    status="stable",
    since="0.2",
    asks=(Feedback,),
)
def dominant_actors(given: Given, options: Options) -> Verdict:
    """Counts what the busiest actor gave, what came in bursts, and what repeats."""
    held = rows_of_feedback(given.rows("training-rows"))
    if not held:
        return dominant_actors.skipped("not given: rows that came from feedback (signal, purpose, actor, ...)")
    known = [(row, signal) for row, signal in held if signal.actor]
    if len(known) < options.least or 2 * len(known) < len(held):
        reason = (
            f"{len(known):,} of {len(held):,} rows of feedback name an actor; needs {options.least:,}, and half of them"
        )
        return cannot_tell(summary="who gave the feedback cannot be seen", reason=reason)
    actors = Counter(signal.actor for _, signal in known)
    bursts = _in_bursts(known, options)
    texts = Counter((signal.actor, _plain(row)) for row, signal in known)
    repeated = [row for row, signal in known if texts[signal.actor, _plain(row)] >= options.repeats and _plain(row)]
    busiest = min(actors, key=lambda name: (-actors[name], name))
    limit = max(options.tolerated, 2 / len(actors)) if len(actors) > 1 else options.tolerated
    by_busiest = [row for row, signal in known if signal.actor == busiest]
    parts = (
        ("rows of the busiest actor", by_busiest, len(known), limit, f"one actor, {busiest!r}, gave"),
        ("rows in bursts", bursts, len(known), options.bursts, "bursts hold"),
        ("rows with a repeated answer", repeated, len(known), options.bursts, "answers that one actor repeats make up"),
    )
    name, rows, of, allowed, told = next((part for part in parts if len(part[1]) > part[3] * part[2]), parts[0])
    failing = len(rows) > allowed * of
    return judge_share(
        len(rows),
        of,
        name=name,
        at_most=allowed,
        census=True,
        summary=f"{told} {len(rows):,} of {of:,} rows of feedback",
        findings=[_finding(name, row) for row in rows] if failing else (),
        details=_details(actors, len(known), len(bursts), len(repeated), texts, options),
    )


def _in_bursts(known: Sequence[tuple[Row, Signal]], options: Options) -> list[Row]:
    """Rows that stand among `burst` of one actor within the window."""
    by_actor: dict[str, list[tuple[float, Row]]] = defaultdict(list)
    for row, signal in known:
        if (at := _moment(row)) is not None:
            by_actor[signal.actor].append((at, row))
    found: dict[int, Row] = {}
    for given in by_actor.values():
        given.sort(key=lambda each: each[0])
        for first in range(len(given) - options.burst + 1):
            last = first + options.burst - 1
            if given[last][0] - given[first][0] <= options.window:
                found |= {id(row): row for _, row in given[first : last + 1]}
    return list(found.values())


def _moment(row: Row) -> float | None:
    if not row.side.created_at:
        return None
    try:
        return parse_moment(row.side.created_at).timestamp()
    except Refused:
        return None


def _plain(row: Row) -> str:
    return " ".join(corrected_text(row).lower().split())


def _finding(name: str, row: Row) -> Finding:
    return Finding(message=f"among {name}", place=row.place, row=row.id, remedy="review")


def _details(
    actors: Counter[str], known: int, bursts: int, repeated: int, texts: Counter[tuple[str, str]], options: Options
) -> Mapping[str, Any]:
    top = sorted(actors.items(), key=lambda each: (-each[1], each[0]))[:TOP]
    again = [(text, count) for (_, text), count in texts.most_common(TOP) if text and count >= options.repeats]
    return {
        "actors": len(actors),
        "top_five": {name: round(count / known, 4) for name, count in top},
        "top_five_share": round(sum(count for _, count in top) / known, 4),
        "rows_in_bursts": bursts,
        "rows_with_repeated_answers": repeated,
        "repeated_answers": {text[:60]: count for text, count in again},
    }
