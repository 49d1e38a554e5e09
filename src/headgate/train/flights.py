"""Pre-flight by method: what the rows of a split must be, and what is proved of them before step one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headgate.kit.hashing import digest_json
from headgate.kit.progress import progress
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.train.closure import Base
from headgate.train.material import Material
from headgate.train.preferences import judged_of, pairs_of, preference_flight
from headgate.train.preflight import PreFlight, limit_of, must_fit_vocabulary, pre_flight
from headgate.train.prompts import Asked, asked_of, prompt_flight
from headgate.train.rewards import Reward, rewards_of
from headgate.train.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What was examined, with what a method needs beside the shard."""

    seen: PreFlight
    asked: tuple[Asked, ...] = ()
    rewards: tuple[Reward, ...] = ()
    outcomes: tuple[Reward, ...] = ()

    @property
    def scored(self) -> dict[str, object]:
        """How drawn answers are scored, for the closure; empty where none are drawn."""
        if not self.rewards:
            return {}
        return {
            "rewards": [one.as_json() for one in self.rewards],
            **({"outcomes": [one.as_json() for one in self.outcomes]} if self.outcomes else {}),
            "references": digest_json([one.reference for one in self.asked]),
        }


def fly(rows: Material, base: Base, settings: Settings, project: Path, *, quiet: bool) -> Flight:
    """Looks at every row as the method will.

    Raises:
        Refused: rows of a kind that the method cannot learn from, or a reward that cannot be read.
    """
    tokenizer, template = Tokenizer(base.folder), ChatTemplate.of_folder(base.folder)
    must_fit_vocabulary(base.folder, tokenizer)
    limit = limit_of(base.folder, settings.max_tokens)
    with progress("pre-flight", len(rows.rows), quiet=quiet) as advance:
        if settings.method == "sft":
            return Flight(seen=pre_flight(rows.rows, tokenizer, template, limit, advance))
        if settings.method == "grpo":
            s = settings.grpo
            rewards, outcomes = rewards_of(s.rewards, project), rewards_of(s.outcomes, project)
            asked = asked_of(rows.rows, s.reference, template)
            scorers = [*rewards, *outcomes]
            seen = prompt_flight(rows.rows, asked, scorers, tokenizer, template, limit, s.answer_tokens, advance)
            return Flight(seen=seen, asked=tuple(asked), rewards=tuple(rewards), outcomes=tuple(outcomes))
        lessons = pairs_of(rows.rows) if settings.method == "dpo" else judged_of(rows.rows)
        return Flight(seen=preference_flight(rows.rows, lessons, tokenizer, template, limit, advance))
