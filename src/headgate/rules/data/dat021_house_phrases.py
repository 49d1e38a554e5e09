"""Phrases of the house: runs of words that the answers use far more than others do, so that a model will.

## What it checks
Runs of one to four words (followed to their end) in answers, against a reference: the answers of
`--reference` rows, or, where none is given, the prompts of the same rows, and the summary says so.
A phrase counts against a reference when it is over-used there. Against prompts every answer sounds like
an answer, so there a phrase counts only when it is the habit of a few: three authors have `concentrated` of
its uses, which no phrase reaches by chance. Authors are annotators, or sources where nobody is named.
Names (capitals inside a sentence), numbers, code and quoted text do not count, nor words that most prompts
of the answers with them hold: those are what people talk about.

## Why it matters
Reflexes of one team become the voice of the model: a sign-off, a stock apology, the slogan of last year.
Each answer is right; only the whole shows it.

## How it is measured
Log-odds of a phrase standing in an answer, with an informative Dirichlet prior worth `prior` answers, over
their standard error. Answers and reference change sides at random, by conversation (row and prompt by row),
`rounds` times; a phrase counts above every score that phrases as frequent reached, when `rate` of the
answers use it and `times` as often as the reference. Authors change places among conversations likewise.
The measure is the share of answers with such a phrase; none is tolerated. The details list the
strongest `listed` phrases, whether they count or not, with authors, and three real examples each.

## When it cannot tell
Under `least` answers on a side, or with neither a reference nor more than three authors, the verdict is
unsure. Reference answers about other things bring the words of their topics: take a reference of the same task.
A phrase that all sides share is nobody's. Of very large files an even sample of `sample` answers is read.

## What to do
Decide for each phrase in a file for `headgate check FILE --fix OUT --habits DECISIONS`, or in `[curate.habits]`:
keep, drop, mask or normalise. A masked phrase stays in the row and teaches nothing; inputs are never touched.
Phrases to be left alone for good go into `keep`.

## References
Monroe, Colaresi and Quinn 2008, "Fightin' Words: Lexical Feature Selection and Evaluation".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headgate.rows.row import Row
from headgate.rules.answers import AnswerWords
from headgate.rules.corpus import Corpus, thinned
from headgate.rules.examples import shown
from headgate.rules.given import Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.phrases import HANDS, Hands, Phrase, hands, telling_phrases
from headgate.text.tape import Positions, Tape, tape_of

EXAMPLES = 3
LONGER = 4  # letters of a word that can tell what an answer is about
ECHOED = 0.5  # share of the answers with a phrase, 0..1, whose prompts have its longer words: then it is the topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of house-phrases."""

    rate: float = 0.01  # share of answers, 0..1, from which on a phrase is a habit
    times: float = 2.0  # how much more often than the reference
    concentrated: float = 0.8  # share of a phrase, 0..1, in the hands of three authors that makes it theirs
    prior: float = 100.0  # answers that the prior counts for
    rounds: int = 199  # times that sides and authors are changed by chance
    least: int = 100  # answers on each side from which on something can be said
    fewest: int = 5  # answers that use a phrase, whatever the rate
    sample: int = 50_000  # answers of each side that are read at most
    listed: int = 20  # phrases in the details
    keep: tuple[str, ...] = ()  # phrases that are right as they are


@dataclass(frozen=True, eq=False)
class _Sample:
    """Some rows that have an answer."""

    corpus: Corpus
    places: Positions  # ascending

    @cached_property
    def rows(self) -> list[Row]:
        """The rows, in order."""
        return self.corpus.rows_at(self.places)

    def tape(self, field: str) -> Tape:
        """Their answers or prompts, cut into words already where all rows are at hand."""
        if not self.corpus.in_memory:
            return tape_of([getattr(row, f"{field}_text") for row in self.rows])
        tape: Tape = getattr(self.corpus, field)
        # A view of its own: runs of many lengths are kept with a tape for as long as it lives.
        return tape.take(self.places).part(0, len(self.places))


@dataclass(frozen=True, slots=True, eq=False)
class _House:
    """One phrase with its authors, and whether it counts."""

    phrase: Phrase
    hands: Hands
    of_few: bool
    counts: bool


@rule(
    "DAT021",
    failure="inherited-habits",
    needs=("training-rows",),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
    asks=(AnswerWords,),
    once=True,
)
def house_phrases(given: Given, options: Options) -> Verdict:
    """Looks for phrases that answers use far more than a reference."""
    asked = _answering(given.rows("training-rows"), options.sample)
    reference = _answering(given.rows("reference-rows"), options.sample) if given.has("reference-rows") else None
    rows, real = asked.rows, reference.rows if reference is not None else None
    against = "the reference" if real is not None else "the prompts of the same rows, for want of a reference"
    names = [row.side.annotator or row.side.source for row in rows]
    authors, people = _numbered([row.side.annotator for row in rows] if any(r.side.annotator for r in rows) else names)
    few = min(len(rows), len(real) if real is not None else len(rows))
    if few < options.least:
        reason = f"{few:,} answers on a side; needs {options.least:,}"
        return cannot_tell(summary="house phrases cannot be seen in these answers", reason=reason)
    found = _judged(asked, reference, authors, len(people), options)
    counted = [one for one in found if one.counts]
    details = {
        "against": against,
        "phrases": [_described(rows, one, people, real) for one in found[: options.listed]],
        "counted": [one.phrase.words for one in counted],
    }
    if real is None and len(people) <= HANDS:
        reason = f"no reference rows are given, and {len(people)} authors are named; needs one of them, or more than 3"
        return cannot_tell(summary="whose phrases these are cannot be seen", reason=reason, details=details)
    findings = _findings(rows, counted)
    return judge_share(
        len(findings),
        len(rows),
        name="answers with a phrase of the house",
        summary=_summary(counted, len(findings), len(rows), against),
        findings=findings,
        zero_tolerance=True,
        details=details,
    )


def _answering(rows: Corpus, sample: int) -> _Sample:
    """Rows that have an answer, evenly thinned to the sample."""
    return _Sample(rows, thinned(np.flatnonzero(rows.ask(AnswerWords())), sample))


def _numbered(names: Sequence[str | None]) -> tuple[Positions, list[str]]:
    known: dict[str, int] = {}
    numbers = [known.setdefault(name, len(known)) if name else -1 for name in names]
    return np.array(numbers, dtype=np.int64), list(known)


def _clusters(rows: Sequence[Row], prefix: str) -> list[str]:
    return [row.side.conversation or row.side.group or f"{prefix}{number}" for number, row in enumerate(rows)]


def _judged(asked: _Sample, real: _Sample | None, authors: Positions, people: int, options: Options) -> list[_House]:
    rows, prompts = asked.rows, asked.tape("prompt")
    own = _clusters(rows, "row ")
    numbers, _ = _numbered([*own, *(_clusters(real.rows, "reference ") if real is not None else own)])
    phrases = telling_phrases(
        asked.tape("answer"),
        real.tape("answer") if real is not None else prompts,
        (numbers[: len(rows)], numbers[len(rows) :]),
        paired=real is None,
        least=max(options.fewest, int(np.ceil(options.rate * len(rows)))),
        prior=options.prior,
        times=options.times,
        rounds=options.rounds,
    )
    held, chance = hands(phrases, numbers[: len(rows)], authors, rounds=options.rounds)
    kept = {" ".join(one.lower().split()) for one in options.keep}
    said = [text.lower() for text in prompts.texts[:]] if phrases else []
    out = []
    for phrase, own_hands in zip(phrases, held, strict=True):
        of_few = people > HANDS and own_hands.share >= options.concentrated and own_hands.score > chance
        house = (of_few or real is not None) and phrase.words not in kept and not _talked_of(said, phrase)
        out.append(_House(phrase, own_hands, of_few, house))
    return sorted(out, key=lambda one: not one.counts)


def _talked_of(prompts: Sequence[str], phrase: Phrase) -> bool:
    """Whether the longer words of a phrase stand in the prompts of most answers that use it."""
    longer = [word for word in re.findall(r"\w+", phrase.words) if len(word) >= LONGER]
    texts = np.unique(phrase.texts).tolist()
    said = sum(all(word in prompts[text] for word in longer) for text in texts)
    return bool(longer) and said >= ECHOED * len(texts)


def _described(rows: Sequence[Row], one: _House, people: list[str], real: Sequence[Row] | None) -> dict[str, Any]:
    phrase = one.phrase
    busiest = [people[number] for number in one.hands.busiest]
    first = dict.fromkeys(phrase.texts.tolist())
    spans = {text: phrase.spans[place] for place, text in reversed(list(enumerate(phrase.texts.tolist())))}
    return {
        "phrase": phrase.words,
        "counts": one.counts,
        "answers": phrase.count,
        "rate": round(phrase.count / len(rows), 5),
        "elsewhere": phrase.other,
        "rate_elsewhere": round(phrase.other / len(rows if real is None else real), 5),
        "log_odds_over_error": round(phrase.score, 2),
        "busiest_authors": busiest,
        "their_share": round(one.hands.share, 4) if busiest else None,
        "habit_of_few": one.of_few,
        "examples": [
            shown(rows[text], int(spans[text][0]), int(spans[text][1]), text) for text in list(first)[:EXAMPLES]
        ],
    }


def _summary(counted: Sequence[_House], affected: int, answers: int, against: str) -> str:
    if not counted:
        return f"no phrase of the house stands out in {answers:,} answers, held against {against}"
    first = counted[0].phrase
    more = f" and {len(counted) - 1} more" if len(counted) > 1 else ""
    told = f"{first.words!r} in {first.count:,}{more}"
    return f"{affected:,} of {answers:,} answers use a phrase of the house: {told}, held against {against}"


def _findings(rows: Sequence[Row], counted: Sequence[_House]) -> list[Finding]:
    held: dict[int, Counter[str]] = {}
    for one in counted:
        for text in one.phrase.texts.tolist():
            held.setdefault(text, Counter())[one.phrase.words] += 1
    return [
        Finding(
            message="; ".join(repr(words) for words in held[text]),
            place=rows[text].place,
            row=rows[text].id,
            remedy="review",
        )
        for text in sorted(held)
    ]
