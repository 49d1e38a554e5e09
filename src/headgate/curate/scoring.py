"""How hard rows are for the model as it is now: the mean loss of each answer, kept with the row.

What curation says about difficulty, and which of near-duplicates stays, goes by this score where rows have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from headgate.kit.errors import Refused
from headgate.kit.progress import Advance, progress
from headgate.models.model import Prompt, Scorer
from headgate.models.opening import open_model
from headgate.rows.losses import LossReport
from headgate.rows.reading import read_rows
from headgate.rows.row import Message, Row
from headgate.rows.writing import write_rows

LOSS = "loss"  # key of `extra`
BATCH = 32  # rows at a time
BANDS = (("easy", 1 / 6), ("middle", 1 / 2), ("hard", 5 / 6))  # the middle of each third


@dataclass(slots=True)
class Tally:
    """What became of the rows."""

    scored: int = 0
    unanswered: int = 0  # nothing that a model is to say
    too_long: int = 0  # prompt and answer do not fit the context
    losses: list[float] | None = None

    def quantiles(self) -> dict[str, float]:
        """The loss in the middle of each third, in nats a token."""
        return {name: round(float(np.quantile(self.losses, at)), 4) for name, at in BANDS} if self.losses else {}


def score_file(
    source: Path,
    target: Path,
    model: str,
    *,
    adapter: Path | None = None,
    key: str = LOSS,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    quiet: bool = True,
) -> tuple[Tally, LossReport]:
    """Writes the rows of a file with the loss of each under `key` of their `extra`, in the format they came in.

    The loss is the mean of minus the natural logarithm of the probability of each token of the last answer, its end
    included, after all that stands before it: nats a token.

    Raises:
        Refused: source and target are one file, a line cannot be read, no row could be scored, or the model tells no
            probabilities of given answers.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise Refused("IN and OUT are the same file", file=str(target), next_step="choose another name for OUT")
    reader = read_rows(source, format=format, columns=dict(columns or {}), strict=True)
    opened = open_model(model, adapter=adapter)
    try:
        if not hasattr(opened, "log_probabilities"):
            raise Refused(
                "this model does not say how likely it finds given answers",
                found=model,
                wanted="local:FOLDER",
                next_step="score with the weights on this machine, or bring a score of your own as a column",
            )
        tally = Tally(losses=[])
        with progress("rows scored", None, quiet=quiet) as advance:
            rows = _told(scored(reader, cast(Scorer, opened), tally, key), tally, advance)
            report = write_rows(target, rows, format=reader.detected.format, columns=reader.detected.columns or None)
    finally:
        opened.close()
    return tally, report


def scored(rows: Iterable[Row], model: Scorer, tally: Tally, key: str = LOSS) -> Iterator[Row]:
    """The same rows in the same order, with their loss; those that cannot be scored lose a score they had."""
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield from _batch(batch, model, tally, key)
            batch = []
    yield from _batch(batch, model, tally, key)


def _batch(rows: Sequence[Row], model: Scorer, tally: Tally, key: str) -> Iterator[Row]:
    pairs = [_pair(row) for row in rows]
    asked = [pair for pair in pairs if pair is not None]
    losses = iter(_losses(model, asked))
    for row, pair in zip(rows, pairs, strict=True):
        loss = next(losses) if pair is not None else None
        tally.unanswered += pair is None
        tally.too_long += pair is not None and loss is None
        tally.scored += loss is not None
        if loss is not None and tally.losses is not None:
            tally.losses.append(loss)
        extra: dict[str, Any] = {name: value for name, value in row.side.extra.items() if name != key}
        yield row.with_side(extra=extra if loss is None else {**extra, key: round(loss, 6)})


def _losses(model: Scorer, pairs: list[tuple[Prompt, str]]) -> list[float | None]:
    """Mean over the tokens of each answer; None where prompt and answer do not fit the context."""
    if not pairs:
        return []
    try:
        return [-float(np.mean(logs)) for logs in model.log_probabilities(pairs)]
    except Refused:
        if len(pairs) == 1:
            return [None]
        return [loss for pair in pairs for loss in _losses(model, [pair])]


def _pair(row: Row) -> tuple[Prompt, str] | None:
    """What stands before the last answer, and that answer; of a preference the chosen one."""
    turns: list[Message] = [*row.messages, *row.chosen]
    last = next((place for place in reversed(range(len(turns))) if turns[place].role == "assistant"), None)
    if not last or not turns[last].content.strip():
        return None
    return tuple({"role": turn.role, "content": turn.content} for turn in turns[:last]), turns[last].content


def _told(rows: Iterator[Row], tally: Tally, advance: Advance) -> Iterator[Row]:
    for row in rows:
        advance(1)
        yield row
    if not tally.scored:
        raise Refused(
            "no row could be scored",
            found=f"{tally.unanswered:,} rows without an answer, {tally.too_long:,} too long for the model",
            wanted="rows with a prompt and an answer that fit its context",
        )
