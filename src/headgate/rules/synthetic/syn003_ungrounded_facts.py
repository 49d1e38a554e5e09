"""Numbers and identifiers in the answers that no source has.

## What it checks
Every number and every identifier (API path, model or part number, case number, address on the web) of
an answer is looked up: numbers in the row's own source, identifiers in all sources. A row's source is the
reference row (`--reference`) that its `group` or `parents` name; without one, all reference rows. What the
row's own system and user turns say always counts as a source.

## Why it matters
Synthetic rows about a domain keep the fluency and lose the facts: an invented endpoint, a dose from
another drug. The model learns that inventing is what the house does, and a judge that reads for style sees nothing.

## How it is measured
Share of answers with facts that hold at least one that no source has, against `tolerated`, by the 95 %
Wilson interval. Whole numbers up to ten, numbers of lists, and numbers that follow an equals sign are not
looked up. A finding names the fact and, for identifiers, the known one that it resembles.

## When it cannot tell
Numbers that were worked out ("so 14 of 20, that is 70 %") are not in any source and look invented: use the
rule where answers restate sources. A fact of the wrong row of the right source, a wrong name in plain words
and a false sentence of true words are not seen. Without sources, or under `least` answers with facts, unsure.

## What to do
Drop the row, or mend the fact where the finding names what was meant. Name the source of every synthetic row.

## References
Typed extraction as in Min and others 2023, "FActScore", reduced to what can be looked up without a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headgate.rows.row import Row
from headgate.rules.given import Corpus, Given
from headgate.rules.shape import rule
from headgate.stats.judging import cannot_tell, judge_share
from headgate.stats.verdict import Finding, Verdict
from headgate.text.facts import Fact, Registry, facts

QUOTED = 3  # facts that a finding names


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of ungrounded-facts."""

    tolerated: float = 0.02  # share of answers with facts, 0..1, that may hold one without a source
    numbers: bool = True  # whether numbers are looked up
    least: int = 50  # answers with facts from which on something can be said


@dataclass(frozen=True, slots=True)
class _Ungrounded:
    row: int
    facts: tuple[Fact, ...]
    meant: tuple[str, ...]


class _Sources:
    """Reference rows by the names that rows give them, and all of them together."""

    def __init__(self, reference: Corpus) -> None:
        self._texts: dict[str, str] = {}
        self.all = Registry()
        for row in reference:
            self.all.add(row.text)
            for name in (row.id, row.side.id, row.side.group):
                if name:
                    self._texts[name] = f"{self._texts.get(name, '')}\n{row.text}"
        self._known: dict[tuple[str, ...], Registry] = {}

    def of(self, row: Row) -> Registry:
        names = tuple(name for name in (*row.side.parents, row.side.group or "") if name in self._texts)
        if not names:
            return self.all
        if names not in self._known:
            self._known[names] = Registry(self._texts[name] for name in names)
        return self._known[names]


@rule(
    "SYN003",
    failure="domain-synthetic",
    needs=("training-rows", "reference-rows"),
    options=Options,
    level="warn",
    status="stable",
    since="0.2",
)
def ungrounded_facts(given: Given, options: Options) -> Verdict:
    """Looks every number and identifier of an answer up in its sources."""
    rows, sources = given.rows("training-rows"), _Sources(given.rows("reference-rows"))
    held = looked_up = 0
    found = []
    for number, row in enumerate(rows):
        told = [fact for fact in _told(row.answer_text) if options.numbers or fact.kind != "number"]
        held += bool(told)
        looked_up += len(told)
        missing = tuple(_missing(told, row, sources))
        if missing:
            meant = (sources.all.nearest(fact) for fact in missing)
            found.append(_Ungrounded(number, missing, tuple(name for name in meant if name)))
    details = {
        "answers_with_facts": held,
        "facts": looked_up,
        "numbers_without_source": sum(fact.kind == "number" for one in found for fact in one.facts),
        "identifiers_without_source": sum(fact.kind == "identifier" for one in found for fact in one.facts),
        "near_misses": sum(len(one.meant) for one in found),
    }
    if held < options.least:
        return cannot_tell(
            summary="facts cannot be looked up",
            reason=f"{held:,} of {len(rows):,} answers hold a number or an identifier; needs {options.least:,}",
            details=details,
        )
    return judge_share(
        len(found),
        held,
        name="answers with a fact that no source has",
        at_most=options.tolerated,
        summary=_summary(found, held, rows, details),
        findings=tuple(_finding(one, rows) for one in found),
        details=details,
    )


def _told(answer: str) -> Iterator[Fact]:
    for fact in facts(answer):
        if not answer[: fact.start].rstrip().endswith("="):
            yield fact


def _missing(told: Sequence[Fact], row: Row, sources: _Sources) -> Iterator[Fact]:
    if not told:
        return
    asked = Registry(turn.content for turn in row.messages if turn.role in ("system", "developer", "user", "tool"))
    own = sources.of(row)
    for fact in told:
        known = own.knows(fact) or asked.knows(fact)
        if not known and fact.kind == "identifier":
            known = sources.all.knows(fact)
        if not known:
            yield fact


def _summary(found: Sequence[_Ungrounded], held: int, rows: Corpus, details: Mapping[str, int]) -> str:
    if not found:
        return f"each of {details['facts']:,} facts in {held:,} answers has a source"
    first = found[0].facts[0]
    quote = rows[found[0].row].answer_text[first.start : first.end]
    return f"{len(found):,} of {held:,} answers hold a fact that no source has, such as {quote!r}"


def _finding(one: _Ungrounded, rows: Corpus) -> Finding:
    row = rows[one.row]
    quotes = ", ".join(repr(row.answer_text[fact.start : fact.end]) for fact in one.facts[:QUOTED])
    more = f" and {len(one.facts) - QUOTED} more" if len(one.facts) > QUOTED else ""
    meant = f"; near to {', '.join(map(repr, one.meant[:QUOTED]))}" if one.meant else ""
    return Finding(message=f"no source has {quotes}{more}{meant}", place=row.place, row=row.id, remedy="review")
