"""Pre-flight of prompts whose answers are drawn and rewarded.

What is proved for each row: the prompt is rendered and tokenised as in serving, an answer of the
longest length fits behind it, and the row's own reference earns the full reward of every scorer that
compares with it. A scorer that does not know the right answer when it sees it teaches the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.progress import Advance, silent
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.row import Kind, Row
from headgate.rules.given import TokenCount
from headgate.train.preferences import NEXT_STEPS
from headgate.train.preflight import PreFlight, Size, census
from headgate.train.rendering import as_dict, tools_of
from headgate.train.rewards import Reward
from headgate.train.shard import shard_of

PROVED = "prompts are those of serving, answers fit, references earn the full reward"


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt and what its answers are held against."""

    prompt: tuple[dict[str, Any], ...]
    text: str
    reference: str
    problem: str = ""


def asked_of(rows: Sequence[Row], key: str, template: ChatTemplate | None) -> list[Asked]:
    """The prompt and reference of each row; `key` names the column with the reference, empty: the answer.

    Raises:
        Refused: rows of another kind.
    """
    other = [row for row in rows if row.kind not in (Kind.PROMPT, Kind.DEMONSTRATION)]
    if other:
        place = other[0].place
        raise Refused(
            "method grpo cannot learn from these rows",
            file=place.file if place else None,
            line=place.line if place else None,
            found=f"{len(other):,} of {len(rows):,} rows are of kind {other[0].kind.value}",
            wanted="prompts, or demonstrations whose answer is the reference",
            next_step=NEXT_STEPS.get(other[0].kind, "keep them out of the split that is trained on"),
        )
    return [_asked(row, key, template) for row in rows]


def _asked(row: Row, key: str, template: ChatTemplate | None) -> Asked:
    value = row.side.extra.get(key) if key else "\n".join(one.content for one in row.answer)
    reference = "" if value is None else str(value)
    turns = tuple(dict(as_dict(message)) for message in row.prompt)
    if template is None:
        return Asked(turns, "", reference, "the base has no chat template")
    if any(message.parts for message in row.prompt):
        return Asked(turns, "", reference, "images and audio cannot be trained on")
    try:
        text = template.render(list(turns), add_generation_prompt=True, tools=tools_of(row))
    except Refused as error:
        return Asked(turns, "", reference, f"{error.what}: {error.found}" if error.found else error.what)
    return Asked(turns, text, reference)


def prompt_flight(
    rows: Sequence[Row],
    asked: Sequence[Asked],
    rewards: Sequence[Reward],
    tokenizer: Tokenizer,
    template: ChatTemplate | None,
    limit: int,
    answer_tokens: int,
    advance: Advance = silent,
) -> PreFlight:
    """Tokenises every prompt and tries every scorer on the row's own reference."""
    tokens = tokenizer.ids([one.text for one in asked])
    problems = [
        one.problem or next(_problems(row, one, rewards, tokenizer, len(ids) + answer_tokens, limit), "")
        for row, one, ids in zip(rows, asked, tokens, strict=True)
    ]
    advance(len(rows))
    size = Size(learned=0, tokens=sum(map(len, tokens)))
    return PreFlight(
        shard=shard_of([row.id for row in rows], tokens, [[0.0] * len(ids) for ids in tokens]),
        counts=tuple(TokenCount(supervised_tokens=0) for _ in rows),
        verdicts=(census(rows, problems, size, limit, template, PROVED),),
        longest=max(map(len, tokens), default=0),
        pad_id=tokenizer.pad_id or 0,
    )


def _problems(
    row: Row, asked: Asked, rewards: Sequence[Reward], tokenizer: Tokenizer, longest: int, limit: int
) -> Iterator[str]:
    smuggled = [name for name in tokenizer.special if any(name in message.content for message in row.prompt)]
    if smuggled:
        yield f"a message holds the control token {smuggled[0]}"
    if longest > limit:
        yield f"{longest} tokens of prompt and answer do not fit {limit}"
    for reward in rewards:
        if unfit := reward.unfit(asked.reference):
            yield f"reward {reward.name}: {unfit}"
        elif reward.proves_itself and reward.score(asked.prompt, asked.reference, asked.reference) < 1:
            yield f"reward {reward.name}: the reference itself does not earn it"
        elif asked.reference and not reward.needs_reference:
            reward.score(asked.prompt, asked.reference, asked.reference)  # a scorer that fails says so before step one
