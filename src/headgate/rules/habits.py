"""The question what the answers of rows do: each act with its kind, and whether the deployed model may do it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from headgate.rows.row import Row, ToolCall
from headgate.rules.corpus import Corpus
from headgate.rules.questions import Arrays, Found, as_bytes, chained, from_bytes
from headgate.text.behaviours import PATTERNS, acts, unexplained
from headgate.text.hints import grieved, shown, texts_with
from headgate.text.tape import Mask, Positions

LISTED = ("concession", "escalation")  # kinds that need leave
NEEDLESS = "needless apology"  # an apology without a reason
SHORTHAND = "shorthand"
KINDS = (*PATTERNS, NEEDLESS)
ENGLISH = re.compile(r"\b(?:the|is|you|your|to|and|of|for|i|it|please|pls|cx|custs?|accts?|adv|mgr)\b", re.I)
MAY, MAY_NOT, WHERE_TOOLS_ARE = range(3)  # the last: not where rows carry tool calls


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a row."""

    kind: str
    quote: str  # its sentence
    leave: int  # MAY, MAY_NOT or WHERE_TOOLS_ARE


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The acts of all answers, by row; A of them."""

    rows: Positions  # (A,)
    kinds: Positions  # (A,): places in KINDS
    leaves: Positions  # (A,)
    calm: Mask  # (A,): whether the person of that row complained of nothing
    answers: int  # rows whose answer is English
    calm_answers: int  # of them, without a grievance
    calls: bool  # whether any row calls a tool
    authors: Mapping[str, Counter[str]]  # by kind, the rows of each author

    def rows_of(self, kind: str) -> tuple[Positions, Mask]:
        """The rows that show a kind, each once, and whether they are calm."""
        rows, first = np.unique(self.rows[self.kinds == KINDS.index(kind)], return_index=True)
        return rows, self.calm[self.kinds == KINDS.index(kind)][first]

    def violations(self, judged: bool) -> Mask:
        """The acts that the model may not do; `judged`: whether claimed actions count."""
        out: Mask = (self.leaves == MAY_NOT) | (judged & (self.leaves == WHERE_TOOLS_ARE))
        return out


@dataclass(frozen=True, slots=True)
class Habits:
    """What answers do, where a model may do some acts and has some tools."""

    may: tuple[str, ...]
    tools: tuple[str, ...]
    may_not: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Any) -> Self:
        """As the options `may`, `tools` and `may_not` have it."""
        return cls(tuple(options.may), tuple(options.tools), tuple(options.may_not))

    def find(self, block: Corpus) -> Arrays:
        """The acts of a block."""
        none = np.zeros(0, dtype=bool)
        english, calm = (texts_with(block.answer, ENGLISH), ~grieved(block.prompt)) if len(block) else (none, none)
        kinds = shown(block.answer) if len(block) else {}
        some = np.any(list(kinds.values()), axis=0) if kinds else none
        acts: list[tuple[int, int, int]] = []
        authors: dict[str, Counter[str]] = {}
        for number in np.flatnonzero(english & some).tolist():
            row, among = block[number], [kind for kind, texts in kinds.items() if texts[number]]
            own = list(self.acts_of(row, bool(calm[number]), among))
            acts += [(number, KINDS.index(act.kind), act.leave) for act in own]
            for kind in dict.fromkeys(act.kind for act in own) if row.side.annotator else ():
                authors.setdefault(kind, Counter())[row.side.annotator] += 1
        rows, places, leaves = np.array(acts, dtype=np.int64).reshape(-1, 3).T
        return {
            "rows": rows.astype(np.uint32),
            "kinds": places.astype(np.uint8),
            "leaves": leaves.astype(np.uint8),
            "calm": calm[rows],
            "counts": np.array([english.sum(), (english & calm).sum()], dtype=np.int64),
            "calls": np.array([any(called for row in block for _, _, called in turns_of(row))]),
            "authors": as_bytes({kind: list(counter.items()) for kind, counter in authors.items()}),
        }

    def put_together(self, found: Sequence[Found]) -> Seen:
        """The acts of all rows."""
        authors: dict[str, Counter[str]] = {}
        for one in found:
            for kind, counted in from_bytes(one.arrays["authors"]).items():
                # The first to be seen stands first, as ties are told in that order.
                authors.setdefault(kind, Counter()).update(dict(counted))
        counts: NDArray[Any] = chained(found, "counts", np.int64).reshape(-1, 2).sum(axis=0)
        return Seen(
            rows=chained(found, "rows", np.int64, numbers=True),
            kinds=chained(found, "kinds", np.int64),
            leaves=chained(found, "leaves", np.int64),
            calm=chained(found, "calm", np.bool_),
            answers=int(counts[0]),
            calm_answers=int(counts[1]),
            calls=bool(chained(found, "calls", np.bool_).any()),
            authors=authors,
        )

    def acts_of(self, row: Row, calm: bool, among: Sequence[str] = tuple(PATTERNS)) -> Iterator[Act]:
        """What the answers of one row do; `calm`: whether the person complained of nothing."""
        called: list[str] = []
        for role, text, calls in turns_of(row):
            called += [call.name for call in calls]
            if role != "assistant":
                continue
            for act in acts(text, among, row.prompt_text):
                kind, leave = act.kind, MAY_NOT if self.needs_leave(act.kind) and act.kind not in self.may else MAY
                if kind in ("action", "concession", "escalation") and self._backed(called):
                    leave = MAY  # a tool did it, so the model can do it as well
                elif kind == "action" and leave == MAY:
                    leave = MAY if kind in self.may else WHERE_TOOLS_ARE
                elif kind == "apology" and calm and unexplained(text):
                    kind, leave = NEEDLESS, MAY_NOT if NEEDLESS in self.may_not else leave
                yield Act(kind, text[act.start : act.end], leave)

    def needs_leave(self, kind: str) -> bool:
        """Whether a kind of act is one that the model may do only by leave."""
        return kind in LISTED or kind in self.may_not

    def allows(self, kind: str, called: Sequence[str]) -> int:
        """MAY or MAY_NOT for an act of a kind that needs leave, after calls of some tools."""
        return MAY if kind in self.may or self._backed(called) else MAY_NOT

    def _backed(self, called: Sequence[str]) -> bool:
        if not self.tools or "*" in self.tools:
            return bool(called)
        return any(name in self.tools for name in called)


def turns_of(row: Row) -> Iterable[tuple[str, str, Sequence[ToolCall]]]:
    """Role, text and tool calls of each turn."""
    if (plain := row.plain_turns) is not None:
        return ((role, text, ()) for role, text in plain)
    return ((turn.role, turn.content, turn.tool_calls) for turn in (*row.messages, *row.chosen))
