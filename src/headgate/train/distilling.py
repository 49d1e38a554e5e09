"""Self-distilled targets: the base's own answers to prompts are taught beside the task.

What a model says by itself is what tuning takes away first. Its own answers to general and to harmful
prompts, taught in a small share of every batch, hold it without anyone writing answers for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.models.doors import LOCAL
from headgate.models.model import Sampling
from headgate.rows.row import Kind, Message, Row
from headgate.train.rendering import as_dict


def distilled(rows: Sequence[Row], base: Path, most: int, *, quiet: bool) -> tuple[tuple[Row, ...], str]:  # noqa: ARG001
    """The rows with the base's greedy answer in each prompt, and the address of these answers.

    Raises:
        Refused: no row is a prompt, or the base does not end an answer.
    """
    places = [i for i, row in enumerate(rows) if row.kind is Kind.PROMPT]
    if not places:
        raise Refused(
            'distil = "prompts" needs prompts',
            found=f"none among {len(rows):,} rows",
            wanted="rows of kind prompt: their answers come from the base",
        )
    model = open_door(LOCAL).open_local(base)
    prompts = [tuple(dict(as_dict(one)) for one in rows[i].prompt) for i in places]
    answers = model.generate(prompts, Sampling(max_tokens=most))
    model.close()
    out = list(rows)
    told: dict[str, str] = {}
    for i, answer in zip(places, answers, strict=True):
        if answer.outcome != "ok" or answer.finish_reason != "stop" or not answer.text.strip():
            continue  # an answer without an end teaches not to end
        row = rows[i]
        taught = replace(row, kind=Kind.DEMONSTRATION, messages=(*row.prompt, Message("assistant", answer.text)))
        side = replace(row.side, generator=base.name, depth=(row.side.depth or 0) + 1)
        out[i] = replace(taught, side=side).known_as(row.id)
        told[row.id] = answer.text
    if not told:
        raise Refused("the base ends none of its answers", found=f"{len(places)} prompts, {most} tokens each")
    return tuple(row for row in out if row.kind is not Kind.PROMPT), digest_json(told)
