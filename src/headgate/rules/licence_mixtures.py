"""Mixtures of licences: what binds the whole, which parts conflict, and of which parts too little is known.

A part is what one source says of some rows, or what the provider of a teacher says of its outputs. All parts bind.
Where a licence leaves a choice, the choice is made that conflicts least: for each licence that the whole might have,
every part takes the best choice that it allows, so that a conflict is told only where no choice is without one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from headgate.kit.errors import Refused
from headgate.rules.given import Claims, Fact
from headgate.rules.licence_expressions import NOASSERTION, Licence, nearest, understood
from headgate.rules.licence_terms import (
    CONDITIONAL,
    FREE,
    NO,
    NOTHING_KNOWN,
    UNKNOWN,
    YES,
    Says,
    Terms,
    read_terms,
    strictest,
)

COMMERCIAL, RESEARCH, ANY = "commercial", "research", ""
USES = (COMMERCIAL, RESEARCH, ANY)
POLICY = "provider-policy"
TEXT, DOUBT, READ = "text", "doubt", "read"  # of a claim: how its text goes with its expression
OUTPUTS = "outputs-may-train"
SHARE_ALIKE = "share-alike"
NOT_SAID = "allows no commercial use, and the intended use is not said"
ROWS = "rows"  # who says it, where a licence stands on the rows alone
NAMED_AT_MOST = 8
TRIED = 512  # choices of all parts together that are tried for the least strict terms of the whole
HINTS = 8  # parts for which the nearest identifiers are looked up

Choices = tuple[Terms, ...]
Cost = tuple[int, int, tuple[int, ...]]  # conflicts, doubts, strictness


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some rows and the terms that bind them."""

    name: str  # such as "source shop" or "teacher some-model"
    licence: str  # as claimed and as written on rows, in words; empty: nothing is said
    choices: tuple[Terms, ...]
    rows: int
    why: str = ""  # why too little is known, where it is
    read_as: str = ""  # the identifier that an unusual spelling was read as
    since: str = ""  # from when the claim holds, or when it was seen
    until: str = ""  # to when it holds
    said_by: str = ""  # who claims it; "rows": it stands on the rows
    unlisted: str = ""  # a word in its licence that is no identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """What cannot be had together, and the parts that it is between."""

    kind: str
    parts: tuple[int, ...]  # places in the mixture
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """The terms of a whole."""

    parts: tuple[Part, ...]
    chosen: tuple[Terms, ...]  # of each part
    terms: Terms
    conflicts: tuple[Conflict, ...]
    doubts: tuple[tuple[int, str], ...]  # part, and what has to be known or read

    def as_json(self) -> dict[str, Any]:
        """As printed and stored."""
        return {
            "mixture": self.terms.as_json()
            | ({"under": sorted(self.terms.under)} if self.terms.under is not None else {}),
            "parts": [part_json(part, terms) for part, terms in zip(self.parts, self.chosen, strict=True)],
            "conflicts": [
                {"kind": one.kind, "between": [self.parts[place].name for place in one.parts], "text": one.text}
                for one in self.conflicts
            ],
            "doubts": [{"of": self.parts[place].name, "text": text} for place, text in self.doubts],
        }


def mixture(parts: Sequence[Part], use: str, *, adapted: bool = True) -> Mixture:
    """The mixture of some parts for an intended use; `adapted`: a tuned model counts as made from its rows.

    Raises:
        Refused: an unknown use.
    """
    if use not in USES:
        raise Refused("unknown use", found=repr(use), wanted='"commercial", "research" or "" (not said)')
    picked = _picked(Counter(part.choices for part in parts), use, adapted)
    chosen = tuple(picked[part.choices] for part in parts)
    doubts = [(place, text) for place, terms in enumerate(chosen) for text in _doubts(terms, use, adapted)]
    return Mixture(
        parts=tuple(parts),
        chosen=chosen,
        terms=strictest(chosen),
        conflicts=tuple(_conflicts(chosen, [_told(part) for part in parts], use, adapted)),
        doubts=_told_doubts(parts, doubts),
    )


def _told_doubts(parts: Sequence[Part], doubts: Sequence[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Doubts in words; of the first by name, with the identifiers that are nearest to what is written."""
    bare = sorted(
        (parts[place].name, parts[place].unlisted, place)
        for place, text in doubts
        if not text and parts[place].unlisted
    )
    hints = {place: f" ({nearest(parts[place].unlisted)})" for *_, place in bare[:HINTS]}
    told = ((place, text or parts[place].why or "its terms are not all known", text) for place, text in doubts)
    return tuple((place, words + ("" if text else hints.get(place, ""))) for place, words, text in told)


def part_of_source(
    claims: Claims | None, source: str | None, stated: str | None, rows: int, own: Mapping[str, str] | None = None
) -> Part:
    """The part that rows of one source are, with the licence that they state themselves; `own`: terms by name.

    What is claimed and what is stated both bind. A claim that has run out leaves nothing known.
    """
    name = f"source {source}" if source else "rows without a source"
    fact = claims.latest(f"source:{source}", "licence") if claims and source else None
    on_rows = (stated or "").strip()
    said = [on_rows] if understood(on_rows).canonical != NOASSERTION else []
    licences = [licence_of(written, own) for written in said]
    dates = {"said_by": ROWS} if said else {}
    if claims and fact is not None:
        dates = _dates(fact)
        if written_in(fact.value) not in said:
            said.insert(0, written_in(fact.value))
            licences.insert(0, licence_of(fact.value, own))
        if fact.ended_by(claims.at):
            ended = f"its licence ran out on {dates['until']}"
            return Part(name=name, licence=" + ".join(said), choices=(NOTHING_KNOWN,), rows=rows, why=ended, **dates)
    if not licences:
        return Part(name=name, licence="", choices=(NOTHING_KNOWN,), rows=rows, why="no licence is known")
    return Part(
        name=name,
        licence=" + ".join(said),
        choices=tuple(dict.fromkeys(strictest(each) for each in product(*(one.choices for one in licences)))),
        rows=rows,
        why="; ".join(one.why for one in licences if one.why),
        read_as="; ".join(one.read_as for one in licences if one.read_as),
        unlisted=next((one.unlisted for one in licences if one.unlisted), ""),
        **dates,
    )


def part_of_teacher(claims: Claims | None, teacher: str, rows: int) -> Part:
    """The part that rows written by a model are: whether its provider lets its outputs train another model.

    A claim `provider-policy` about `teacher:NAME` says yes, no or conditional; else the licence of the teacher does.
    """
    name, about = f"teacher {teacher}", f"teacher:{teacher}"
    policy = claims.latest(about, POLICY) if claims else None
    fact = policy or (claims.latest(about, "licence") if claims else None)
    if claims is None or fact is None:
        why = "nobody said whether its outputs may train another model"
        return Part(name=name, licence="", choices=(_outputs(UNKNOWN),), rows=rows, why=why)
    if fact.ended_by(claims.at):
        says, licence, why = [UNKNOWN], "", f"what was claimed of it ran out on {fact.valid_to:%Y-%m-%d}"
    elif policy is not None:
        says = [_policy(fact.value)]
        licence = f"{OUTPUTS}={says[0]}"
        why = f"its policy is not yes, no or conditional: {fact.value!r}" if says[0] is UNKNOWN else ""
    else:
        read = licence_of(fact.value)
        says, licence, why = [each.outputs_may_train for each in read.choices], read.written, read.why
    choices = tuple(_outputs(each) for each in dict.fromkeys(says))
    return Part(name=name, licence=licence, choices=choices, rows=rows, why=why, **_dates(fact))


def _conflicts(chosen: Sequence[Terms], told: Sequence[str], use: str, adapted: bool) -> Iterator[Conflict]:
    for place, terms in enumerate(chosen):
        for kind, text in _lone(terms, use, adapted):
            yield Conflict(kind=kind, parts=(place,), text=f"{told[place]}: {text}")
    bound = [place for place, terms in enumerate(chosen) if terms.under is not None]
    if bound and not frozenset.intersection(*(chosen[place].under or frozenset() for place in bound)):
        among = listed(list(dict.fromkeys(told[place] for place in bound)))
        yield Conflict(kind=SHARE_ALIKE, parts=tuple(bound), text=f"no licence is allowed by all of {among}")


def _lone(terms: Terms, use: str, adapted: bool) -> Iterator[tuple[str, str]]:
    """What is wrong with one part whatever stands beside it."""
    if use == COMMERCIAL and terms.commercial is NO:
        yield "non-commercial", "no commercial use"
    if use == COMMERCIAL and terms.research_only is YES:
        yield "research-only", "for research only"
    if adapted and terms.derivatives is NO:
        yield "no-derivatives", "nothing may be made from it"
    if terms.outputs_may_train is NO:
        yield "outputs-may-not-train", "its outputs may not train another model"


def _doubts(terms: Terms, use: str, adapted: bool) -> Iterator[str]:
    """What has to be known or read of one part; an empty text: its terms."""
    if terms.unknown:
        yield ""
    if use == ANY and (terms.commercial is NO or terms.research_only is YES):
        yield NOT_SAID
    asked = {"commercial": use != RESEARCH, "derivatives": adapted, "outputs_may_train": True}
    for name, wanted in asked.items():
        if wanted and getattr(terms, name) is CONDITIONAL:
            yield f"{name.replace('_', '-')} is under a condition that a person has to read"


def _picked(parts: Counter[Choices], use: str, adapted: bool) -> dict[Choices, Terms]:
    """The choice that fits best for each set of choices, of which there are so many parts.

    Parts with the same choices need no different ones: what binds two of them binds the whole no less than one does.
    """
    costs = {terms: _cost_alone(terms, use, adapted) for choices in parts for terms in choices}
    licences = sorted(frozenset().union(*(terms.under or () for terms in costs)))
    ways: list[Sequence[Terms]] = []
    for licence in (None, "", *licences):  # None: whatever stands beside it; "": none, so nothing that binds to some
        fitting = [[each for each in choices if _fits(each, licence)] for choices in parts]
        if all(fitting):
            ways.append([min(some, key=costs.__getitem__) for some in fitting])
    if 1 < prod(map(len, parts)) <= TRIED:
        ways.extend(product(*parts))
    numbers = list(parts.values())

    def cost(chosen: Sequence[Terms]) -> Cost:
        bound = [terms.under for terms in chosen if terms.under is not None]
        apart = bool(bound) and not frozenset.intersection(*bound)
        conflicts = sum(costs[terms][0] * number for terms, number in zip(chosen, numbers, strict=True))
        doubts = sum(costs[terms][1] * number for terms, number in zip(chosen, numbers, strict=True))
        return conflicts + apart, doubts, strictest(chosen).strictness()

    best = min(ways, key=cost)
    return dict(zip(parts, best, strict=True))


def _fits(terms: Terms, licence: str | None) -> bool:
    """Whether what these terms bind may be under a licence; None: does not matter."""
    return licence is None or terms.under is None or licence in terms.under


def _cost_alone(terms: Terms, use: str, adapted: bool) -> Cost:
    """Sorts the choice first that fits best where nothing stands beside it: conflicts, doubts, strictness."""
    return sum(1 for _ in _lone(terms, use, adapted)), sum(1 for _ in _doubts(terms, use, adapted)), terms.strictness()


def listed(names: Sequence[str]) -> str:
    """Names in one line; of many, the first."""
    rest = f" and {len(names) - NAMED_AT_MOST:,} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + rest


def _told(part: Part) -> str:
    return f"{part.name} ({part.licence})" if part.licence else part.name


def _dates(fact: Fact) -> dict[str, str]:
    return {
        "since": f"{fact.valid_from or fact.observed_at:%Y-%m-%d}",
        "until": f"{fact.valid_to:%Y-%m-%d}" if fact.valid_to else "",
        "said_by": fact.source,
    }


def written_in(value: Any) -> str:
    """The expression of a claim: its text, or the `licence` of an object that also says the terms."""
    return str(value.get("licence", "") if isinstance(value, Mapping) else value).strip()


def licence_of(value: Any, own: Mapping[str, str] | None = None) -> Licence:
    """The licence of a claim. Terms that a person read count only where the expression alone leaves them unknown."""
    written = written_in(value)
    licence = understood(written)
    doubt = value.get(TEXT, {}).get(DOUBT, "") if isinstance(value, Mapping) else ""
    if doubt:
        licence = replace(licence, choices=tuple(strictest((one, NOTHING_KNOWN)) for one in licence.choices), why=doubt)
    told = value.get("terms") if isinstance(value, Mapping) else (own or {}).get(written)
    if not told or not any(terms.unknown for terms in licence.choices):
        return licence
    terms = read_terms(str(told), written)
    return replace(licence, choices=(terms,), why=licence.why if terms.unknown else "")


def _policy(value: Any) -> Says:
    told = value.get(OUTPUTS, "") if isinstance(value, Mapping) else value
    word = ("yes" if told else "no") if isinstance(told, bool) else str(told).strip().lower()
    return Says(word) if word in set(Says) else UNKNOWN


def _outputs(says: Says) -> Terms:
    """Terms of what a model wrote, as far as its provider binds it."""
    return replace(FREE, outputs_may_train=says)


def part_json(part: Part, terms: Terms) -> dict[str, Any]:
    """A part as printed and stored; what is not known of it is left out."""
    named = {name: getattr(part, name) for name in ("licence", "read_as", "since", "until", "said_by", "why")}
    if not terms.unknown:
        named["why"] = ""  # what is not known of a choice that is not taken
    kept = {name.replace("_", "-"): value for name, value in named.items() if value}
    return {"name": part.name, "rows": part.rows, **kept, "terms": terms.as_json()}
