"""Pre-flight of rows that say which answer is better, or whether one is good.

Every answer is looked at as if it were to be learned by itself: rendered and tokenised as in serving,
its end in the loss, nothing cut away. What is added is what a comparison needs: two answers that
differ, no other row that prefers the opposite, and no habit of preferring the longer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headgate.kit.errors import Refused
from headgate.kit.progress import Advance, silent
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.row import Kind, Message, Row
from headgate.rules.data.dat009_rows_without_lesson import rows_without_lesson
from headgate.rules.given import Corpus, Given, TokenCount
from headgate.stats.judging import judge_share
from headgate.stats.verdict import Finding, Level, Verdict
from headgate.train.preflight import BLOCK_ROWS, Examined, PreFlight, Size, census, examine
from headgate.train.shard import shard_of

SAME = "chosen and rejected are the same"
NO_PAIR = "a pair needs a chosen and a rejected answer"
NO_LABEL = "the answer is labelled neither good nor bad"
OPPOSITE = "another row prefers the opposite"
# Failure mode 12: balanced while chosen is the longer one in 40 to 60 % of pairs.
LONGER_AT_LEAST, LONGER_AT_MOST = 0.4, 0.6
PROVED = "text and tokens are those of serving, every answer differs and ends in the loss"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one step of training looks at: the answers of a pair, or one answer with its label."""

    row: Row
    answers: tuple[tuple[Message, ...], ...]  # the preferred one first
    label: bool | None = None
    number: int = 0  # of the lesson in its row

    @property
    def id(self) -> str:
        """Address of the row, with the number of the lesson where a row has several."""
        return f"{self.row.id}#{self.number}" if self.number else self.row.id

    def demonstrations(self) -> list[Row]:
        """Each answer as a row that teaches it; nothing before the answer is learned."""
        asked = tuple(replace(one, weight=0.0) for one in self.row.messages)
        return [
            Row(kind=Kind.DEMONSTRATION, messages=asked + said, tools=self.row.tools, place=self.row.place)
            for said in self.answers
        ]


def pairs_of(rows: Sequence[Row]) -> list[Lesson]:
    """One lesson for each rejected answer.

    Raises:
        Refused: rows of another kind.
    """
    _must_be(rows, (Kind.PREFERENCE,), "dpo", "rows with a chosen and a rejected answer")
    return [
        Lesson(row, (row.chosen, answer) if row.chosen and answer else (), number=number)
        for row in rows
        for number, answer in enumerate(row.rejected or ((),))
    ]


def judged_of(rows: Sequence[Row]) -> list[Lesson]:
    """One lesson for each answer that is good or bad; a pair gives one of each.

    Raises:
        Refused: rows of another kind.
    """
    _must_be(rows, (Kind.UNPAIRED, Kind.PREFERENCE), "kto", "rows with an answer that is labelled good or bad")
    out: list[Lesson] = []
    for row in rows:
        if row.kind is Kind.UNPAIRED:
            said = row.answer
            asked = replace(row, messages=row.prompt).known_as(row.id)
            out.append(Lesson(asked, (said,) if said and row.label is not None else (), row.label))
            continue
        judged = [(row.chosen, True), *((answer, False) for answer in row.rejected)]
        out += [Lesson(row, (said,) if said else (), good, i) for i, (said, good) in enumerate(judged)]
    return out


def _must_be(rows: Sequence[Row], kinds: tuple[Kind, ...], method: str, wanted: str) -> None:
    other = [row for row in rows if row.kind not in kinds]
    if not other:
        return
    place = other[0].place
    raise Refused(
        f"method {method} cannot learn from these rows",
        file=place.file if place else None,
        line=place.line if place else None,
        found=f"{len(other):,} of {len(rows):,} rows are of kind {other[0].kind.value}",
        wanted=wanted,
        next_step=NEXT_STEPS.get(other[0].kind, "keep them out of the split that is trained on"),
    )


NEXT_STEPS = {
    Kind.DEMONSTRATION: 'train on demonstrations with method = "sft"',
    Kind.TEXT: 'train on text with method = "sft"',
    Kind.PREFERENCE: 'train on pairs with method = "dpo" or "kto"',
    Kind.UNPAIRED: 'train on good and bad answers with method = "kto"',
    Kind.PROMPT: 'train on prompts with method = "grpo"',
}


def preference_flight(
    rows: Sequence[Row],
    lessons: Sequence[Lesson],
    tokenizer: Tokenizer,
    template: ChatTemplate | None,
    limit: int,
    advance: Advance = silent,
) -> PreFlight:
    """Renders, tokenises and examines every answer of every lesson."""
    seen: list[list[Examined]] = []
    for start in range(0, len(lessons), BLOCK_ROWS):
        block = [one.demonstrations() for one in lessons[start : start + BLOCK_ROWS]]
        flat = iter(examine([row for group in block for row in group], tokenizer, template, limit))
        seen += [[next(flat) for _ in group] for group in block]
    advance(len(rows))
    problems = _by_row(rows, lessons, [_problem(one, found) for one, found in zip(lessons, seen, strict=True)])
    for row, message in _opposites(lessons, seen).items():
        problems[row] = problems[row] or message
    counts = _counts(rows, lessons, seen)
    whole = [(one, found) for one, found in zip(lessons, seen, strict=True) if found]
    flat_seen = [one for _, found in whole for one in found]
    size = Size(learned=sum(c.supervised_tokens for c in counts), tokens=sum(len(e.tokens) for e in flat_seen))
    told = [problems[row.id] for row in rows]
    verdicts = [census(rows, told, size, limit, template, PROVED)]
    given = Given({"training-rows": Corpus(rows, "training rows"), "tokens": counts})
    verdicts.append(rows_without_lesson.judge(given))
    pairs = [(one.row, found[0], found[1]) for one, found in whole if len(found) == 2]
    if pairs:
        verdicts.append(_lengths(pairs))
    labels = [one.label for one, _ in whole if one.label is not None]
    return PreFlight(
        shard=shard_of(
            [one.id for one, _ in whole],
            [one.tokens for one in flat_seen],
            [one.weights for one in flat_seen],
            each=2 if pairs else 1,
            labels=[bool(label) for label in labels],
        ),
        counts=counts,
        verdicts=tuple(verdicts),
        longest=max((len(one.tokens) for one in flat_seen), default=0),
        pad_id=tokenizer.pad_id or 0,
    )


def _problem(lesson: Lesson, found: Sequence[Examined]) -> str:
    if not found:
        return NO_LABEL if lesson.row.kind is Kind.UNPAIRED else NO_PAIR
    if len(found) == 2 and found[0].tokens == found[1].tokens:
        return SAME
    return next((one.problem for one in found if one.problem), "")


def _by_row(rows: Sequence[Row], lessons: Sequence[Lesson], problems: Sequence[str]) -> dict[str, str]:
    """The first problem of each row, by its address."""
    out = {row.id: "" for row in rows}
    for lesson, problem in zip(lessons, problems, strict=True):
        out[lesson.row.id] = out[lesson.row.id] or problem
    return out


def _opposites(lessons: Sequence[Lesson], seen: Sequence[Sequence[Examined]]) -> dict[str, str]:
    """Rows whose preferred answer to a prompt is another row's rejected one, and the other way round."""
    known: dict[tuple[tuple[int, ...], tuple[int, ...]], str] = {}
    found: dict[str, str] = {}
    for lesson, both in zip(lessons, seen, strict=True):
        if len(both) != 2:
            continue
        better, worse = tuple(both[0].tokens), tuple(both[1].tokens)
        if better != worse and (other := known.get((worse, better))) is not None:
            found |= {other: OPPOSITE, lesson.row.id: OPPOSITE}
        known[better, worse] = lesson.row.id
    return found


def _counts(
    rows: Sequence[Row], lessons: Sequence[Lesson], seen: Sequence[Sequence[Examined]]
) -> tuple[TokenCount, ...]:
    """For each row what the trainer would do with all its answers together."""
    parts: dict[str, list[TokenCount]] = {row.id: [] for row in rows}
    for lesson, found in zip(lessons, seen, strict=True):
        parts[lesson.row.id] += [one.count for one in found]
    return tuple(
        TokenCount(
            supervised_tokens=sum(one.supervised_tokens for one in parts[row.id]),
            end_token_supervised=all(one.end_token_supervised for one in parts[row.id]),
            cut=any(one.cut for one in parts[row.id]),
            answer_cut=any(one.answer_cut for one in parts[row.id]),
        )
        for row in rows
    )


def _lengths(pairs: Sequence[tuple[Row, Examined, Examined]]) -> Verdict:
    """Whether the preferred answer is the longer one so often that length is what would be learned."""
    sizes = [(row, better.count.supervised_tokens, worse.count.supervised_tokens) for row, better, worse in pairs]
    unequal = [(row, better, worse) for row, better, worse in sizes if better != worse]
    longer = sum(better > worse for _, better, worse in unequal)
    mean = sum(better - worse for _, better, worse in sizes) / len(sizes)
    side = longer >= len(unequal) - longer
    verdict = judge_share(
        longer,
        len(unequal),
        name="pairs in which chosen is the longer answer",
        at_least=LONGER_AT_LEAST,
        at_most=LONGER_AT_MOST,
        summary=(
            f"chosen is the longer answer in {longer:,} of {len(unequal):,} pairs of unequal length, "
            f"by {mean:+.1f} tokens on average"
        ),
        findings=tuple(
            Finding(
                message=f"chosen has {better} tokens, rejected {worse}", row=row.id, place=row.place, remedy="review"
            )
            for row, better, worse in unequal
            if (better > worse) == side
        ),
        details={"pairs": len(sizes), "equal": len(sizes) - len(unequal), "mean_difference": round(mean, 3)},
        next_step="balance the pairs by length, or read the results with length held fixed",
    )
    return replace(verdict, rule="pair-length", failure="preference-budget", level=Level.WARN)
