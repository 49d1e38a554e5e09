"""Questions of rules to rows in shards: what a scan writes for them, their answers, and further looks.

A question that a rule always asks is looked at by the first scan. One that only an answer gives rise to is
looked at by a scan of its own, on the same engine, into the same folder, finished shard by finished shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.check.packets import Part, parts_of
from headgate.kit.errors import Broken
from headgate.kit.files import atomic_write
from headgate.kit.hashing import PREFIX, digest_json
from headgate.kit.progress import progress
from headgate.rules.corpus import Corpus
from headgate.rules.meeting import look_together
from headgate.rules.questions import Arrays, Found, Question, read, written

if TYPE_CHECKING:
    from headgate.check.scanning import Plan

LookAgain = Callable[[tuple[str, ...]], list[Part]]  # the parts of a scan that asks some questions


def found_in(block: Corpus, questions: Sequence[str]) -> dict[str, Any]:
    """What the questions find in a block of rows, under names of their own."""
    return {f"{_mark(text)}{name}": array for text in questions for name, array in read(text).find(block).items()}


def answered(
    questions: Sequence[Question], plan: Plan, parts: Sequence[Part], look_again: LookAgain | None
) -> list[Any]:
    """The answers to some questions.

    Raises:
        Broken: the scan did not ask them, and nobody can look again.
    """
    texts = [written(question) for question in questions]
    unasked = tuple(dict.fromkeys(text for text in texts if text not in plan.questions))
    seen: Sequence[Part] = ()
    if unasked:
        if look_again is None:
            raise Broken("a rule asks what nobody can look at again", found=unasked[0][:200])
        seen = look_together(look_again, unasked)
    return [
        question.put_together(list(_found(seen if text in unasked else parts, _mark(text))))
        for question, text in zip(questions, texts, strict=True)
    ]


def looking_again(plan: Plan, folder: Path, engine: Any, *, quiet: bool) -> LookAgain:
    """What scans all shards of a plan for more questions."""

    def look(questions: tuple[str, ...]) -> list[Part]:
        asked = replace(plan, asks=(), kind="", known={}, questions=questions, again=True)
        name = "look-" + digest_json([*questions, plan.left_out]).removeprefix(PREFIX)[:16]
        targets = [folder / f"{name}-{number:06}" for number in range(len(plan.shards))]
        wanted = [(number, target) for number, target in enumerate(targets) if not target.exists()]
        if wanted:
            plan_file = folder / f"plan-{name}"
            with atomic_write(plan_file) as stream:
                asked.write(stream)
            with progress("looking again", len(targets), quiet=quiet) as advance:
                advance(len(targets) - len(wanted))
                engine.run(asked, plan_file, wanted, advance)
        return [part for target in targets for part in parts_of(target)]

    return look


def _found(parts: Sequence[Part], mark: str) -> Iterator[Found]:
    first = 0
    for part in parts:
        rows = int(part.facts["rows"])
        yield Found(first, rows, _Kept(part, mark))
        first += rows


class _Kept(Arrays):
    """The arrays of one question in a part, read when they are asked for."""

    def __init__(self, part: Part, mark: str) -> None:
        self._part, self._mark = part, mark

    def __getitem__(self, name: str) -> Any:
        return self._part.array(self._mark + name)

    def __iter__(self) -> Any:
        return (name.removeprefix(self._mark) for name in self._part.places if name.startswith(self._mark))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _mark(question: str) -> str:
    return f"asked:{digest_json(question).removeprefix(PREFIX)[:16]}:"
