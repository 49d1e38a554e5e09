"""Whether an adapter may be used on a base: files first, then the recorded effect, and the answer kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.kit.doors import open_door
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StepResult, record_step
from headgate.models.adapter import adapter_mark
from headgate.models.compatibility import Compatibility, Kind, compare
from headgate.models.doors import EFFECT
from headgate.models.effect import PROMPTS, Effect, decided, read_effect, retention, write_effect
from headgate.models.fingerprint import fingerprint_of
from headgate.models.model import Prompt
from headgate.rows.reading import read_rows
from headgate.stats.verdict import Outcome, Verdict
from headgate.train.rendering import as_dict

STAGE = "compat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said of one adapter on one base."""

    pair: Compatibility
    adapter: str  # digest
    base: str  # root of the fingerprint
    replayed: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Files and replay together."""
        return decided(self.pair, self.replayed)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """That of the files, then those of the replay."""
        return (self.pair.named_verdict, *self.replayed)

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {**self.pair.as_json(), "verdicts": [one.as_json() for one in self.verdicts]}


def ask(adapter: Path, base: Path, *, effect: Path | None = None) -> Answer:
    """Holds an adapter against a base, and replays its recorded effect where one is given and the tensors fit.

    Raises:
        Refused: a folder or file is missing or damaged, or the effect is that of another adapter.
        Unavailable: a replay is asked for and the libraries that run models are not installed.
    """
    recorded = read_effect(effect) if effect else None
    fingerprint = fingerprint_of(base)
    pair = compare(adapter, base, fingerprint=fingerprint)
    digest = adapter_mark(adapter).digest
    replayed: tuple[Verdict, ...] = ()
    if recorded is not None:
        if recorded.adapter != digest:
            raise Refused("the effect of another adapter", file=str(effect), found=recorded.adapter, wanted=digest)
        if pair.kind is not Kind.CANNOT_LOAD:
            now: Effect = open_door(EFFECT).replay(recorded, base, adapter)
            replayed = retention(recorded, now)
    return Answer(pair=pair, adapter=digest, base=fingerprint.root, replayed=replayed)


def record_effect(adapter: Path, base: Path, prompts: Sequence[Prompt], out: Path, *, max_tokens: int = 16) -> Effect:
    """Records what an adapter does on the base it was made for.

    Raises:
        Refused: the pair is not the one it was made for, or there are no prompts.
        Unavailable: the libraries that run models are not installed.
    """
    effect: Effect = open_door(EFFECT).record(base, adapter, prompts[:PROMPTS], max_tokens=max_tokens)
    write_effect(effect, out)
    return effect


def prompts_of(file: Path, columns: dict[str, str] | None = None) -> list[Prompt]:
    """The prompts in a file of rows: each conversation up to its last answer."""
    prompts: list[Prompt] = []
    for row in read_rows(file, columns=columns or None):
        last = max((i for i, one in enumerate(row.messages) if one.role == "assistant"), default=len(row.messages))
        turns = tuple(as_dict(one) for one in row.messages[:last])
        if turns:
            prompts.append(turns)
    if not prompts:
        raise Refused("no prompts in the file", file=str(file))
    return prompts


def remember(ledger: Ledger, answer: Answer) -> str:
    """Keeps the answer in the ledger; returns the id of its step."""
    facts = {"adapter": answer.adapter, "base": answer.base, **answer.pair.as_json()}
    result = StepResult(
        stage=STAGE, outcome=answer.outcome, summary=answer.pair.verdict.summary, verdicts=answer.verdicts, facts=facts
    )
    return record_step(ledger, result, digest_json(answer.as_json()))
