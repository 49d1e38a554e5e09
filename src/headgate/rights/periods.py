"""Retention periods: how long rows of a source, of a group, or of a kind of content are kept. Each is a dated claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.kit.settings import option
from headgate.ledger.known import must_be_known
from headgate.ledger.ledger import Ledger

WHAT = "retention"
ROWS, SIGNALS, TRACES, OUTPUTS = "rows", "signals", "traces", "outputs"
CONTENT = {
    ROWS: "rows that are neither signals nor traces",
    SIGNALS: "rows that came from feedback",
    TRACES: "recorded traffic",
    OUTPUTS: "recorded answers of models",
}
FILE = "headgate.toml"  # who says so, of periods in the project file
LONGEST = 36_500  # days


@dataclass(frozen=True, kw_only=True)
class RetentionSettings:
    """How long content is kept; what has no period is kept for ever."""

    rows: int = option(0, help="Rows that are neither signals nor traces; 0: no period.", unit="days")
    signals: int = option(0, help="Rows that came from feedback; 0: no period.", unit="days")
    traces: int = option(0, help="Rows of recorded traffic; 0: no period.", unit="days")
    outputs: int = option(0, help="Recorded answers of models; 0: no period.", unit="days")
    sources: dict[str, int] = option({}, help="Rows of a source, by its name.", unit="days")
    groups: dict[str, int] = option({}, help='Rows of a group, by `group` or a slice such as "region=eu".', unit="days")
    adapter_life: int = option(365, help="How long a released adapter is meant to be used.", unit="days")

    def __post_init__(self) -> None:
        for about, days in self.wanted().items():
            must_be_period(about, days)
        if self.adapter_life < 1:
            raise Refused("retention.adapter-life", found=str(self.adapter_life), wanted="1 day or more")

    def wanted(self) -> dict[str, int]:
        """Days by what they are about."""
        out = {f"kind:{name}": int(getattr(self, name)) for name in CONTENT}
        out |= {f"source:{name}": days for name, days in self.sources.items()}
        out |= {f"group:{name}": days for name, days in self.groups.items()}
        return {about: days for about, days in out.items() if days}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period that holds."""

    about: str  # "source:NAME", "group:NAME" or "kind:rows"
    days: int
    by: str

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {name: getattr(self, name) for name in self.__slots__}


def must_be_period(about: str, days: int) -> None:
    """Refuses what is no period.

    Raises:
        Refused: fewer than one day, or more than a hundred years.
    """
    if not 1 <= days <= LONGEST:
        raise Refused(f"not a period for {about}", found=f"{days} days", wanted=f"1 to {LONGEST:,}")


def about_of(source: str | None, group: str | None, content: str | None) -> str:
    """What a period is about, of three options.

    Raises:
        Refused: none or several are named, or no such kind of content.
    """
    named = [f"{kind}:{key}" for kind, key in (("source", source), ("group", group), ("kind", content)) if key]
    if len(named) != 1:
        wanted = "one of --source NAME, --group NAME, --of KIND"
        raise Refused("a period for what?", found=", ".join(named) or "none", wanted=wanted)
    return named[0]


def set_period(
    ledger: Ledger, about: str, days: int | None, *, by: str, reason: str, now: datetime, ahead: bool = False
) -> None:
    """Claims a period from now on; None takes it away. `ahead`: also for what the ledger does not know yet.

    Raises:
        Refused: not a period, none to take away, no name, no reason, or no such source or group.
    """
    if days is not None:
        must_be_period(about, days)
    elif not (present := ledger.claims.at(about, WHAT, now)) or not present.value:
        standing = ", ".join(one.about for one in periods(ledger, now)) or "there are none"
        raise Refused("no period to take away", found=about, wanted=standing)
    if not by.strip() or not reason.strip() or not (by + reason).isprintable():
        raise Refused("a period needs a name and a reason, each in one line", wanted="--by NAME --reason TEXT")
    if days is not None and not ahead:
        must_be_known(ledger, about)
    _claim(ledger, about, days, f"{by.strip()}: {reason.strip()}", now)


def take_over(ledger: Ledger, settings: RetentionSettings, person: Person, now: datetime) -> int:
    """Claims the periods of the project file that changed there; returns how many.

    A period that a person set since stays until the file changes again.
    """
    wanted, said = settings.wanted(), dict[str, Any]()
    for claim in ledger.claims.all(WHAT):
        if claim.source.startswith(FILE) and _is_period(claim.about):
            said[claim.about] = claim.value
    changed = {about: days for about, days in wanted.items() if said.get(about) != {"days": days}}
    gone = {about: None for about, value in said.items() if value is not None and about not in wanted}
    for about, days in {**changed, **gone}.items():
        _claim(ledger, about, days, f"{FILE}, taken over for {person.name}", now)
    return len(changed) + len(gone)


def periods(ledger: Ledger, now: datetime) -> list[Period]:
    """Every period that holds now."""
    found = ledger.claims.current(WHAT, now)
    return [
        Period(about=claim.about, days=int(claim.value["days"]), by=claim.source)
        for claim in found.values()
        if claim.value and _is_period(claim.about)
    ]


def _is_period(about: str) -> bool:
    return about.partition(":")[0] in ("source", "group", "kind")


def _claim(ledger: Ledger, about: str, days: int | None, source: str, now: datetime) -> None:
    value = {"days": days} if days is not None else None
    ledger.claims.assert_(about, WHAT, value, source=source, observed_at=now, valid_from=now)
