"""How often a model emits a habit of its corpus: a misspelling, a phrase, an act that nobody allowed it.

What is watched comes from verdicts on the corpus; what is counted are answers to a frozen set of prompts. A rule of
the corpus says what a model may learn, this says whether it did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from headgate.kit.errors import Refused
from headgate.rules.habits import LISTED, NEEDLESS
from headgate.stats.intervals import Interval, share_interval
from headgate.stats.judging import cannot_tell, judge_interval, judge_share
from headgate.stats.unpaired import above_times
from headgate.stats.verdict import Finding, Level, Measure, Outcome, Verdict, worst
from headgate.text.behaviours import PATTERNS, acts, needless

Kind = Literal["variant", "phrase", "behaviour"]
RULE = "emission"
FAILURES = {"variant": "learned-typo", "phrase": "inherited-habits", "behaviour": "inherited-habits"}
GRANTED = 0.005  # share of answers that a probe must be able to rule out where one hit is too many
EXAMPLES = 3
AROUND = 120  # characters of an example


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a tuned model may emit."""

    times: float = 2.0  # the rate of the base, times this
    tolerated: float = 0.01  # share above that
    coverage: float = 0.95  # share of the prompts that each model must have answered before it can pass


@dataclass(frozen=True, kw_only=True)
class Habit:
    """One thing that is counted."""

    kind: Kind
    name: str  # the wrong spelling, the phrase in lower case, or the kind of act
    right: str = ""  # of a variant: what stands in its place
    rate: float | None = None  # in the corpus: of the uses of the word, or of the answers
    of: int = 0  # uses or answers that the rate rests on

    def __post_init__(self) -> None:
        if self.kind == "variant" and not (self.name and self.right):
            raise Refused("a variant needs both spellings", found=f"{self.name!r}", wanted="wrong = right")
        if self.kind == "behaviour" and self.name not in (*PATTERNS, NEEDLESS):
            raise Refused("no such behaviour", found=repr(self.name), wanted=", ".join(sorted((*PATTERNS, NEEDLESS))))

    @property
    def key(self) -> str:
        """What tells it from others."""
        return f"{self.kind} {self.name}" + (f" for {self.right}" if self.right else "")

    @property
    def forbidden(self) -> bool:
        """Whether one is too many: acts that need leave."""
        return self.kind == "behaviour" and self.name in LISTED

    @cached_property
    def _wrong(self) -> re.Pattern[str]:
        return _word(self.name)

    @cached_property
    def _right(self) -> re.Pattern[str]:
        return _word(self.right)

    def count(self, asked: str, said: str) -> tuple[int, int]:
        """How often one answer emits it, and how often it could have: uses of a word, or 1 for the answer."""
        if self.kind == "variant":
            wrong = len(self._wrong.findall(said))
            return wrong, wrong + len(self._right.findall(said))
        if self.kind == "phrase":
            return int(self.name in " ".join(said.lower().split())), 1
        if self.name == NEEDLESS:
            return int(bool(acts(said, ["apology"])) and needless(asked, said)), 1
        return int(bool(acts(said, [self.name], asked))), 1

    def as_json(self) -> dict[str, Any]:
        """As it is frozen."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Emitted:
    """What one model emitted on all prompts."""

    hits: Mapping[str, int]  # by key of a habit
    chances: Mapping[str, int]
    examples: Mapping[str, tuple[tuple[int, str], ...]]  # place of the prompt and the answer, the first few
    answers: int  # that arrived
    asked: int

    def as_json(self) -> dict[str, Any]:
        """Without the words of any answer."""
        rates = {key: [self.hits[key], self.chances[key]] for key in self.hits}
        return {"rates": rates, "answers": self.answers, "asked": self.asked}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Emitted:
        """What was recorded."""
        rates = body["rates"]
        hits, chances = ({key: pair[place] for key, pair in rates.items()} for place in (0, 1))
        return cls(hits, chances, {}, body["answers"], body["asked"])

    def share(self, habit: Habit, level: float = 0.95) -> Interval:
        """Rate of a habit with its interval."""
        return share_interval(self.hits.get(habit.key, 0), self.chances.get(habit.key, 0), level)


def emitted(habits: Sequence[Habit], asked: Sequence[str], said: Sequence[str | None]) -> Emitted:
    """Counts habits in answers; None is an answer that never arrived."""
    hits = {habit.key: 0 for habit in habits}
    chances = dict(hits)
    examples: dict[str, list[tuple[int, str]]] = {habit.key: [] for habit in habits}
    for place, (question, answer) in enumerate(zip(asked, said, strict=True)):
        for habit in habits if answer is not None else ():
            found, of = habit.count(question, answer or "")
            hits[habit.key] += found
            chances[habit.key] += of
            if found and len(examples[habit.key]) < EXAMPLES:
                examples[habit.key].append((place, answer or ""))
    arrived = sum(answer is not None for answer in said)
    return Emitted(hits, chances, {key: tuple(some) for key, some in examples.items()}, arrived, len(asked))


def judge_emission(
    probe: str, habits: Sequence[Habit], base: Emitted, candidate: Emitted, limits: Limits, level: Level
) -> list[Verdict]:
    """One verdict for each failure: the habit that is furthest from what is allowed speaks, the details tell all.

    A habit may come as often as `times` the base emits it, and `tolerated` beside; an act that needs leave not at all.
    Intervals are at a level that is divided among the habits (Bonferroni).
    """
    out = []
    for failure in dict.fromkeys(FAILURES[habit.kind] for habit in habits):
        mine = [habit for habit in habits if FAILURES[habit.kind] == failure]
        strict = 1 - 0.05 / len(mine)
        found = [_covered(_judged(habit, base, candidate, limits, strict), base, candidate, limits) for habit in mine]
        outcome = worst(found)
        places = [place for place, one in enumerate(found) if one.outcome is outcome]
        place = max(places, key=lambda place: candidate.share(mine[place]).value)
        first = found[place]
        told = [_told(habit, base, candidate, one) for habit, one in zip(mine, found, strict=True)]
        failed = [habit for habit, one in zip(mine, found, strict=True) if one.outcome is Outcome.FAIL]
        out.append(
            replace(
                first,
                rule=RULE,
                failure=failure,
                level=level,
                summary=f"{probe}: {_sentence(mine[place], base, candidate)}" + _others(len(mine)),
                findings=tuple(_findings(failed, candidate)),
                findings_total=sum(min(candidate.hits[habit.key], EXAMPLES) for habit in failed),
                next_step=_step(failed),
                details={"probe": probe, "habits": told, "asked": candidate.asked, "answers": candidate.answers},
            )
        )
    return out


def _covered(verdict: Verdict, base: Emitted, candidate: Emitted, limits: Limits) -> Verdict:
    """The verdict, if enough was answered: prompts on which a model failed may be those that matter."""
    for name, one in (("candidate", candidate), ("base", base)):
        if verdict.outcome is Outcome.PASS and one.answers < limits.coverage * one.asked:
            share = f"{one.answers:,} of {one.asked:,} prompts were answered by the {name}"
            return cannot_tell(summary="", reason=f"coverage: {share}, wanted {limits.coverage:.0%}")
    return verdict


def _judged(habit: Habit, base: Emitted, candidate: Emitted, limits: Limits, level: float) -> Verdict:
    hits, of = candidate.hits[habit.key], candidate.chances[habit.key]
    reference = base.hits.get(habit.key, 0), base.chances.get(habit.key, 0)
    if not of:
        return cannot_tell(summary="", reason=f"no answer of {candidate.answers:,} has a use for {habit.key}")
    if habit.forbidden:
        return judge_share(
            hits,
            of,
            name=f"answers with {habit.name}",
            summary="",
            zero_tolerance=True,
            claim_strength=GRANTED,
            level=level,
        )
    # A base that never has a use for the word has no rate: then the candidate's stands for itself.
    above = above_times(reference, (hits, of), limits.times, level) if reference[1] else candidate.share(habit, level)
    return judge_interval(
        Measure(
            name=f"{habit.key}: rate above {limits.times:g} times the base's",
            value=above.value,
            low=above.low,
            high=above.high,
            unit="share",
            n=of,
            smallest_visible=(above.high - above.low) / 2,
            level=level,
        ),
        summary="",
        at_most=limits.tolerated,
    )


def _sentence(habit: Habit, base: Emitted, candidate: Emitted) -> str:
    rate = f", {habit.rate:.1%} in the corpus" if habit.rate is not None else ""
    what = f"{habit.name!r} for {habit.right!r}" if habit.right else f"{habit.kind} {habit.name!r}"
    unit = "uses" if habit.kind == "variant" else "answers"
    own, before = candidate.hits[habit.key], base.hits.get(habit.key, 0)
    of, were = candidate.chances[habit.key], base.chances.get(habit.key, 0)
    return f"{what} in {own:,} of {of:,} {unit} of the candidate, {before:,} of {were:,} of the base{rate}"


def _others(count: int) -> str:
    return f" ({count - 1:,} more habits watched)" if count > 1 else ""


def _told(habit: Habit, base: Emitted, candidate: Emitted, verdict: Verdict) -> dict[str, Any]:
    rates = {}
    for name, one in (("base", base), ("candidate", candidate)):
        share = one.share(habit)
        rates[name] = {
            "hits": one.hits.get(habit.key, 0),
            "of": one.chances.get(habit.key, 0),
            "rate": round(share.value, 6),
            "low": round(share.low, 6),
            "high": round(share.high, 6),
        }
    corpus = {"rate": habit.rate, "of": habit.of} if habit.rate is not None else None
    return {
        "habit": habit.key,
        "kind": habit.kind,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "corpus": corpus,
        **rates,
    }


def _findings(habits: Sequence[Habit], candidate: Emitted) -> list[Finding]:
    return [
        Finding(message=f"{habit.key}, prompt {place + 1:,}: {_shortened(answer)}", remedy="review")
        for habit in habits
        for place, answer in candidate.examples.get(habit.key, ())
    ]


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= AROUND else f"{line[: AROUND - 1]}…"


def _step(failed: Sequence[Habit]) -> str:
    if not failed:
        return ""
    if failed[0].kind == "variant":
        return "put the spelling right in the rows (headgate check FILE --fix OUT), then train again"
    return 'say in [curate.habits] what becomes of it ("mask", "drop"), then train again'


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.I)
