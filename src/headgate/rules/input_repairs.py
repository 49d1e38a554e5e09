"""Repairing the inputs of rows: which operators lower the gap, by how much, and whether the label is kept.

Real inputs are dealt into three parts: error models are fitted to the first, operators are chosen by the second, and
what is reported is measured against the third. An operator stays if the cross-validated AUC of input-gap would be
higher by `gain` without it, beside the others; it is dropped otherwise, and used on half of the rows where that is
better.
Answers stay byte for byte, unless inputs are merged, which somebody must ask for. A repaired input whose numbers or
negations differ, or whose label (or topic) has become doubtful by a model of the other rows, keeps its words: only
marks and capitals are repaired. Where that is not enough it is left as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headgate.kit.errors import Refused
from headgate.kit.progress import Advance, silent
from headgate.rows.row import Message, Row
from headgate.rules.merged_inputs import merge_inputs
from headgate.stats.two_sample import TwoSample, two_sample
from headgate.text.guards import guard_keys
from headgate.text.labels_kept import doubtful_labels
from headgate.text.manners import Forms
from headgate.text.repairs import BY_NAME, CUT, MIXED, OPERATORS, WORDLESS, Models, models_of, rate_of
from headgate.text.surface import surface
from headgate.text.tape import tape_of
from headgate.text.topics import topics

PARTS = (0.4, 0.7)  # of the real inputs: fitted up to here, chosen up to here, the rest measured
HALF = 0.5  # of the inputs: tried where an operator goes too far on all of them
PER_TOPIC, TOPICS = 10, 32  # real inputs of a part a topic on average; topics
DRAWS = 3  # divisions into folds, whose mean says which operators stay
REPEATED = 5  # rows an answer, from which on answers count as labels
NEAR = 0.08  # cosine by which a repaired input must be nearer to its own label than to another, to lose some of that
MERGED = "merged"  # name of the operator that joins two inputs
Matrix = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How inputs are repaired."""

    cut: bool = False  # whether trailing sentences may go
    mixes: Forms = field(default_factory=dict)  # word -> what real inputs may write in its place in another language
    joined: str = ""  # what stands between two labels of one answer; empty: no inputs are merged
    seed: int = 0
    gain: float = 0.005  # AUC by which an operator must lower the gap
    least: int = 200  # real inputs needed, and 100 inputs to repair
    sample: int = 500  # inputs by which operators are chosen
    measured: int = 1000  # inputs by which the gap is told, before and after


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One operator: what it is fitted to, and what it gave when it was chosen or dropped."""

    name: str
    does: str
    share: float  # of the inputs that it is carried out on; 0: dropped
    real: float  # rate among real inputs (slips: for each word)
    before: float  # rate among the inputs to repair
    after: float
    gives: float  # AUC by which it lowers the gap beside the others, by the second part
    changed: int  # inputs that it changed

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        numbers = {name: round(getattr(self, name), 4) for name in ("share", "real", "before", "after", "gives")}
        return {"operator": self.name, "does": self.does, **numbers, "changed": self.changed}


@dataclass(frozen=True, slots=True)
class Change:
    """One repaired row, by its position."""

    position: int
    operators: tuple[str, ...]
    before: Row
    after: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """What was repaired."""

    changes: tuple[Change, ...]
    tried: tuple[Tried, ...]
    looked_at: int  # inputs that could be repaired
    kept_as_written: Mapping[str, int] = field(default_factory=dict)  # why a repaired input was taken back -> rows
    before: TwoSample  # against real inputs that nothing was fitted to
    after: TwoSample
    real: tuple[int, int, int]  # real inputs fitted to, chosen by, measured against

    def as_json(self) -> dict[str, Any]:
        """As printed and recorded: numbers and no words."""
        told = {
            name: {"value": round(found.auc, 4), "low": round(found.low, 4), "high": round(found.high, 4)}
            for name, found in (("auc_before", self.before), ("auc_after", self.after))
        }
        return {
            **told,
            "inputs": self.looked_at,
            "repaired": len(self.changes),
            "taken_back": dict(self.kept_as_written),
            "real_inputs": dict(zip(("fitted", "chosen", "measured"), self.real, strict=True)),
            "operators": [one.as_json() for one in self.tried],
        }


def repair_inputs(
    rows: Sequence[Row], reference: Sequence[Row], how: How | None = None, *, advance: Advance = silent
) -> Repairs:
    """Repairs the inputs of the rows marked synthetic; of all rows, where none is marked.

    `advance` is told of each trial of an operator.

    Raises:
        Refused: too few real inputs, or too few to repair.
        Unavailable: the word list is not installed.
    """
    how = how or How()
    places = [place for place in synthetic(rows) if _said(rows[place])]
    real = [row for row in reference if _said(row)]
    if len(real) < how.least:
        raise Refused("too few real inputs to fit repairs to", found=f"{len(real):,}", wanted=f"{how.least:,} and more")
    if len(places) < how.least // 2:
        raise Refused("too few inputs to repair", found=f"{len(places):,}", wanted=f"{how.least // 2:,} and more")
    mine = [rows[place] for place in places]
    plain = _Bench(mine, real, how, advance)
    bench, tried, merged, gives = plain, plain.choose(), dict[int, Row](), 0.0
    if how.joined:
        bench, tried, merged, gives = _with_merged(plain, tried, real, advance)
    shares = {one.name: one.share for one in tried if one.share}
    done = [bench.repaired(number, shares) for number in range(len(places))]
    refused = _changed_meaning(bench.rows, [row for row, _ in done])
    for number in refused:
        done[number] = bench.repaired(number, {name: share for name, share in shares.items() if name in WORDLESS})
    refused = _changed_meaning(bench.rows, [row for row, _ in done]) if refused else refused
    changes = tuple(
        Change(places[number], (*([MERGED] if number in merged else []), *operators), mine[number], after)
        for number, (after, operators) in enumerate(done)
        if (operators or number in merged) and number not in refused
    )
    told = Counter(name for one in changes for name in one.operators)
    if how.joined:
        tried.append(_of_merging(mine, bench.parts[0], how.joined, gives, told[MERGED]))
    kept = {change.position: change.after for change in changes}
    final = [kept.get(place, rows[place]) for place in places]
    return Repairs(
        changes=changes,
        tried=tuple(
            one if one.name == MERGED else replace(one, after=bench.rate(one.name, final), changed=told[one.name])
            for one in tried
        ),
        looked_at=len(places),
        kept_as_written=dict(sorted(Counter(refused.values()).items())),
        before=plain.measured(mine),
        after=bench.measured(final),
        real=bench.sizes,
    )


def _with_merged(
    plain: _Bench, tried: list[Tried], real: Sequence[Row], advance: Advance
) -> tuple[_Bench, list[Tried], dict[int, Row], float]:
    """The inputs with some merged, where that lowers the gap beside the operators; else those that are not."""
    how = plain.how
    merged = merge_inputs(plain.rows, plain.parts[0], how.joined, how.seed)
    other = _Bench([merged.get(number, row) for number, row in enumerate(plain.rows)], real, how, advance)
    chosen, gives = other.choose(), plain.reached - other.reached
    return (other, chosen, merged, gives) if gives >= how.gain else (plain, tried, {}, gives)


def _of_merging(rows: Sequence[Row], real: Sequence[Row], separator: str, gives: float, changed: int) -> Tried:
    """What merging gave; its rates are shares of rows whose answer joins labels."""
    two, had = (sum(separator in row.answer_text for row in some) for some in (real, rows))
    return Tried(
        name=MERGED,
        does="two requests in one input, their labels joined",
        share=float(changed > 0),
        real=two / len(real),
        before=had / len(rows),
        after=(had + changed) / len(rows),
        gives=gives,
        changed=changed,
    )


def synthetic(rows: Sequence[Row]) -> list[int]:
    """Positions of the rows that a generator wrote; all, where side data say it of none."""
    marked = [place for place, row in enumerate(rows) if row.side.generator or row.side.depth]
    return marked or list(range(len(rows)))


def _said(row: Row) -> bool:
    """Whether people say something in a row, which a repair can change."""
    return any(turn.content.strip() and not turn.masked for turn in row.messages if turn.role == "user")


def _changed(row: Row, models: Models, shares: Mapping[str, float], key: str) -> tuple[Row, tuple[str, ...]]:
    """The row with the turns of people repaired, and by which operators."""
    answer = "\n".join((row.answer_text, *(call.arguments for turn in row.messages for call in turn.tool_calls)))
    turns: list[Message] = []
    done: dict[str, None] = {}
    for number, turn in enumerate(row.messages):
        if turn.role == "user" and not turn.masked:
            out = models.repaired(turn.content, answer=answer, shares=shares, key=f"{key}/{number}")
            done |= dict.fromkeys(out.done)
            turn = replace(turn, content=out.text) if out.done else turn
        turns.append(turn)
    return (replace(row, messages=tuple(turns)), tuple(done)) if done else (row, ())


class _Bench:
    """Real and written inputs in hand, dealt into parts, with features that are computed once for each text."""

    def __init__(self, rows: Sequence[Row], real: Sequence[Row], how: How, advance: Advance) -> None:
        self.rows, self.how, self.advance = list(rows), how, advance
        rng = np.random.default_rng(how.seed)
        dealt = [real[place] for place in rng.permutation(len(real)).tolist()]
        first, second = (round(share * len(dealt)) for share in PARTS)
        self.parts = dealt[:first], dealt[first:second], dealt[second:]
        said = [turn.content for row in self.parts[0] for turn in row.messages if turn.role == "user"]
        self.models = models_of(said, how.mixes)
        self.numbers = rng.permutation(len(rows)).tolist()
        self._features: dict[str, Matrix] = {}
        self._known: dict[int, list[tuple[frozenset[str], tuple[Row, tuple[str, ...]]]]] = {}
        self._gaps: dict[tuple[str, ...], float] = {}
        self.reached = 1.0  # AUC under the operators that were chosen, by the second part
        texts = [row.prompt_text for part in (self.rows, *self.parts[1:]) for row in part]
        about = topics(tape_of(texts), count=max(min(len(self.parts[1]) // PER_TOPIC, TOPICS), 1))
        self.about = about[: len(rows)]
        self.about_real = np.split(about[len(rows) :], [len(self.parts[1])])

    @property
    def sizes(self) -> tuple[int, int, int]:
        one, two, three = (len(part) for part in self.parts)
        return one, two, three

    def repaired(self, number: int, shares: Mapping[str, float]) -> tuple[Row, tuple[str, ...]]:
        """A row after operators. Those that changed nothing can be left out without another look."""
        asked = frozenset(shares) if all(share == 1 for share in shares.values()) else None
        known = self._known.setdefault(number, [])
        if asked is not None:
            for names, result in known:
                if asked <= names and not (names - asked).intersection(result[1]):
                    return result
        row = self.rows[number]
        result = _changed(row, self.models, shares, f"{self.how.seed}/{row.content_id}/{number}")
        if asked is not None:
            known.append((asked, result))
        return result

    def choose(self) -> list[Tried]:
        """All operators: those that were taken, by what they give, and then those that were dropped.

        Begins with all of them and drops the one that gives least, for as long as one gives less than `gain`: where
        many things give an input away, none of them lowers the gap on its own.
        """
        mine = self.numbers[: self.how.sample]
        asked = {CUT: self.how.cut, MIXED: bool(self.models.fitted.mixed)}
        taken = {one.name: 1.0 for one in OPERATORS if asked.get(one.name, True)}
        names, dropped = list(taken), dict[str, float]()
        while taken:
            now = self._gap(mine, taken)
            gives = {name: self._gap(mine, _without(taken, name)) - now for name in taken}
            least = min(gives, key=gives.__getitem__)
            if gives[least] >= self.how.gain:
                break
            dropped[least] = gives[least]
            taken = _without(taken, least)
        for name in list(taken):
            half = {**taken, name: HALF}
            if self._gap(mine, half) < self._gap(mine, taken) - self.how.gain:
                taken = half
        now = self.reached = self._gap(mine, taken)
        gives = {name: self._gap(mine, _without(taken, name)) - now for name in taken}
        order = sorted(gives, key=gives.__getitem__, reverse=True)
        left = [name for name in names if name not in taken]
        return [self._tried(name, taken.get(name, 0.0), (gives | dropped)[name]) for name in (*order, *left)]

    def rate(self, name: str, rows: Sequence[Row]) -> float:
        """How often inputs show what an operator brings about; slips are counted anew, mixed words are those fitted."""
        return rate_of(BY_NAME[name], [row.prompt_text for row in rows], self.models.fitted if name == MIXED else None)

    def _tried(self, name: str, share: float, gives: float) -> Tried:
        operator = BY_NAME[name]
        real = [row.prompt_text for row in self.parts[0]]
        return Tried(
            name=name,
            does=operator.does,
            share=share,
            real=rate_of(operator, real, self.models.fitted),
            before=self.rate(name, self.rows),
            after=0.0,
            gives=gives,
            changed=0,
        )

    def _gap(self, mine: Sequence[int], shares: Mapping[str, float]) -> float:
        """AUC of some inputs under some operators against the second part; nothing is gained below one half."""
        texts = tuple(self.repaired(number, shares)[0].prompt_text for number in mine)
        if texts not in self._gaps:  # many an operator changes nothing
            drawn = [self._test(texts, self.about[mine], 1, seed).auc for seed in range(DRAWS)]
            self._gaps[texts] = max(sum(drawn) / DRAWS, 0.5)
        self.advance(1)
        return self._gaps[texts]

    def measured(self, rows: Sequence[Row]) -> TwoSample:
        """The gap against the third part, of rows that operators were not chosen by where there are enough."""
        others = self.numbers[self.how.sample :]
        mine = (others if len(others) >= self.how.least // 2 else self.numbers)[: self.how.measured]
        return self._test([rows[number].prompt_text for number in mine], self.about[mine], 2)

    def _test(self, texts: Sequence[str], about: Integers, part: int, seed: int = 0) -> TwoSample:
        real = [row.prompt_text for row in self.parts[part]]
        features = np.concatenate([self._surface(real), self._surface(texts)])
        labels = np.repeat([0, 1], [len(real), len(texts)])
        strata = np.concatenate([self.about_real[part - 1], about])
        return two_sample(features, labels, strata=strata, permutations=0, seed=seed)

    def _surface(self, texts: Sequence[str]) -> Matrix:
        new = [text for text in dict.fromkeys(texts) if text not in self._features]
        self._features |= dict(zip(new, surface(new), strict=True))
        return np.stack([self._features[text] for text in texts])


def _without(shares: Mapping[str, float], name: str) -> dict[str, float]:
    return {other: share for other, share in shares.items() if other != name}


def _changed_meaning(before: Sequence[Row], after: Sequence[Row]) -> dict[int, str]:
    """Rows whose repaired input may not mean what it meant, and why."""
    old, new = (tape_of([row.prompt_text for row in rows]) for rows in (before, after))
    out = dict.fromkeys(np.flatnonzero(guard_keys(old) != guard_keys(new)).tolist(), "numbers or negations differ")
    answers = [row.answer_text for row in before]
    named = _repeat(answers)
    labels = np.unique(answers, return_inverse=True)[1] if named else topics(old)
    found = doubtful_labels(
        old.texts, new.texts, labels.astype(np.int64), near=NEAR if named else 0.0, guessed=not named
    )
    for number in np.flatnonzero(found).tolist():
        out.setdefault(number, "nearer to another label or topic")
    return out


def _repeat(answers: Sequence[str]) -> bool:
    return len(set(answers)) * REPEATED <= len(answers)
