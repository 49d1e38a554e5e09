"""The terms of a dataset version or of a source, by what is claimed now: parts, mixture, conflicts, what is unclear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from pyroaring import BitMap

from headgate.kit.clock import parse_moment
from headgate.ledger.claims import Claim
from headgate.ledger.ledger import Ledger
from headgate.rights.reach import SOURCE, Target, own_rows
from headgate.rows.row import Kind, Row, Side
from headgate.rules.ancestry import ancestry
from headgate.rules.claimed import claims_about, claims_on
from headgate.rules.licence_mixtures import Mixture, Part, mixture, part_of_source, written_in
from headgate.rules.licence_parts import bound_by, parts_of
from headgate.rules.licence_terms import DUTIES, PERMISSIONS, QUESTIONS, Says, Terms
from headgate.stats.verdict import Outcome

DAYS = 30  # after which a claim is to be looked up again
LOOKED_UP = ("licence", "provider-policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What binds some rows."""

    of: str
    rows: int
    use: str
    mixture: Mixture

    @property
    def outcome(self) -> Outcome:
        """Fail where something conflicts; unsure where too little is known."""
        if self.mixture.conflicts:
            return Outcome.FAIL
        return Outcome.UNSURE if self.mixture.doubts or not self.mixture.parts else Outcome.PASS

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {"of": self.of, "rows": self.rows, "use": self.use or "not said", **self.mixture.as_json()}


def of_version(
    ledger: Ledger, name: str, *, now: datetime, use: str = "", own: Mapping[str, str] | None = None
) -> Table:
    """The terms of a dataset version; `own`: terms of texts of one's own, by name.

    Raises:
        Refused: there is no such version, an unknown use, or terms that cannot be read.
    """
    with ledger.snapshot():
        version = ledger.versions.get(name)
        return _table(ledger, version.name, version.numbers, _sources(ledger, version.numbers), now, use, own)


def of_source(
    ledger: Ledger, name: str, *, now: datetime, use: str = "", own: Mapping[str, str] | None = None
) -> Table:
    """The terms of every row of a source.

    Raises:
        Refused: there is no such source, an unknown use, or terms that cannot be read.
    """
    with ledger.snapshot():
        target = Target(SOURCE, name)
        numbers = own_rows(ledger, target)
        return _table(ledger, str(target), numbers, {name: numbers}, now, use, own)


def _sources(ledger: Ledger, numbers: BitMap) -> dict[str, BitMap]:
    """Rows by the source that they were captured from."""
    found: dict[str, BitMap] = {}
    for node in map(ledger.node, sorted(ledger.rows.sources_of(numbers))):
        found[node.name] = found.get(node.name, BitMap()) | (ledger.rows.numbers_of_source(node.id) & numbers)
    return found


def _table(
    ledger: Ledger,
    of: str,
    numbers: BitMap,
    sources: Mapping[str, BitMap],
    now: datetime,
    use: str,
    own: Mapping[str, str] | None,
) -> Table:
    held = dict(_bare_rows(ledger, numbers))
    # The source that a row names where it was read is not always the one that it was captured from: both bind.
    bare, above = ancestry(ledger, held.values())
    claims = claims_about(ledger, [*bare, *above], now)
    parts, _ = parts_of(bound_by(bare, above), claims, own or {})
    named = {part.name for part in parts}
    beside = {name: inside for name, inside in sources.items() if f"source {name}" not in named and inside}
    more = claims_on(ledger, {f"source:{name}" for name in beside}, now)
    parts += [part_of_source(more, name, None, len(inside), own) for name, inside in beside.items()]
    return Table(of=of, rows=len(numbers), use=use, mixture=mixture(parts, use))


def _bare_rows(ledger: Ledger, numbers: BitMap) -> Iterator[tuple[int, Row]]:
    """Rows with what terms hang on and without their words, which would take four times as long to unfold."""
    for number, address, body in ledger.rows.bodies(numbers):
        known = orjson.loads(body).get("side") or {}
        told = {name: known[name] for name in ("source", "licence", "generator") if name in known}
        side = Side(parents=tuple(known.get("parents", ())), **told)
        yield number, Row(kind=Kind.DEMONSTRATION, side=side).known_as(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A claim that nobody has looked up for long, or whose time is over."""

    claim: Claim
    days: int  # since it was observed
    ended: bool

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {"days": self.days, "ended": self.ended, "claim": self.claim.as_json()}


def due(ledger: Ledger, *, now: datetime, days: int = DAYS) -> list[Due]:
    """The claims on licences and policies that were observed more than so many days ago, oldest first."""
    newest: dict[tuple[str, str], Claim] = {}
    for what in LOOKED_UP:
        for claim in sorted(ledger.claims.all(what), key=lambda one: (one.observed_at, one.seq)):
            newest[claim.about, what] = claim
    found = []
    for claim in newest.values():
        age = now - parse_moment(claim.observed_at)
        ended = claim.valid_to is not None and parse_moment(claim.valid_to) <= now
        if age > timedelta(days=days) or ended:
            found.append(Due(claim=claim, days=age.days, ended=ended))
    return sorted(found, key=lambda one: (one.claim.observed_at, one.claim.about))


def due_lines(found: list[Due], days: int) -> list[str]:
    """Claims to look up, one a line."""
    told = []
    for one in found:
        seen, ended = one.claim.observed_at[:10], (one.claim.valid_to or "")[:10]
        line = f"{one.claim.about:<28} {written_in(one.claim.value):<24} seen {seen}, {one.days} days ago"
        told.append(line + (f", ended {ended}" if one.ended else ""))
    return told or [f"every licence was looked up within {days} days"]


def lines(table: Table) -> list[str]:
    """A table in one screen."""
    found = table.mixture
    out = [f"{table.of}: {table.rows:,} rows, use {table.use or 'not said'}"]
    for part, terms in zip(found.parts, found.chosen, strict=True):
        line = f"  {part.name:<28} {part.licence or 'no licence':<32} {part.rows:>9,} rows  {_dates(part)}"
        out.append(line.rstrip())
        out.append(f"    {short(terms)}" + (f"; read as {part.read_as}" if part.read_as else ""))
    under = found.terms.under
    bound = f"; the result may be under: {', '.join(sorted(under)) or 'nothing'}" if under is not None else ""
    out.append(f"mixture   {short(found.terms)}{bound}")
    out += [f"conflict  {one.kind}: {one.text}" for one in found.conflicts]
    out += [f"unclear   {found.parts[place].name}: {text}" for place, text in found.doubts]
    return out


def short(terms: Terms) -> str:
    """Terms in one line: what is allowed, what is not, what is asked for."""
    known = any(getattr(terms, name) is not Says.UNKNOWN for name in QUESTIONS)
    return ", ".join(_words(terms)) if known else "unknown"


def _words(terms: Terms) -> Iterator[str]:
    for name in PERMISSIONS:
        says = getattr(terms, name)
        word = name.replace("_", " ")
        yield {"yes": word, "no": f"no {word}", "conditional": f"{word} on condition"}.get(says, f"{word} unknown")
    for name in DUTIES:
        says = getattr(terms, name)
        if says is not Says.NO:
            yield name.replace("_", " ") + {"yes": "", "conditional": " for parts"}.get(says, " unknown")


def _dates(part: Part) -> str:
    told = [f"since {part.since}" if part.since else "", f"until {part.until}" if part.until else ""]
    told.append({"": "", "rows": "as its rows say"}.get(part.said_by, f"says {part.said_by}"))
    return ", ".join(filter(None, told))
