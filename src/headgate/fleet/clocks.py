"""Decay clocks: everything that an adapter needs and that ends some day, with the day, read from dated claims.

    base          claim base-end-of-life about the base, "base:NAME", or its folder being gone or changed
    hosted API    claim provider-policy about the base or "base:NAME"
    licence       claim licence about the base or a source of the rows
    consent       claim consent about a source, or about a person with rows in the run
    rows          claim retention about a source or "kind:rows", or rows whose content is gone; those that seeds were
                  chosen by and that were probed too
    start         the adapter that the training went on from, being gone
    code          the recorded commit, in no repository at the project any more
    hardware      claim hardware about "hardware:CAPABILITY", such as hardware:avx512f
    dependency    claim dependency about "package:NAME" or "package:NAME==VERSION", such as a yanked one
    owner         claim owner about the adapter or a release of it
    drill         the last drill that passed, and whether a later one failed

A date in the value of a claim, or the day up to which it holds, is the end. Nothing is guessed: what nobody claimed
has no clock, but an adapter without an owner is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.fleet.checkout import reachable
from headgate.fleet.drill import all_drills
from headgate.fleet.finding import Member, fleet
from headgate.fleet.kit import splits_of, start_of
from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.ledger.claims import Claim, is_withheld, speaking
from headgate.ledger.ledger import Ledger
from headgate.models.fingerprint import Fingerprint, fingerprint_of
from headgate.stats.verdict import Outcome

DRILL_DAYS = 90
# What cannot be had again once it is lost; an owner can be found, and a drill can be run.
UNRECOVERABLE = frozenset(
    {"base", "hosted API", "licence", "consent", "rows", "start", "code", "hardware", "dependency"}
)
# Bytes that a verified rescue kit holds; rights it cannot hold.
KEPT_BY_KIT = frozenset({"base", "hosted API", "start", "code"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One thing that ends."""

    kind: str
    what: str  # which one
    days: float | None  # left, below 0: over; None: nobody knows
    why: str
    covered: bool = False  # a verified rescue kit holds it

    @property
    def unrecoverable(self) -> bool:
        """Whether its end is a loss that cannot be made good."""
        return self.kind in UNRECOVERABLE and not self.covered

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {"kind": self.kind, "what": self.what, "days": self.days, "why": self.why, "covered": self.covered}


class Known:
    """What the ledger knows that clocks are read from, read once for a whole fleet."""

    def __init__(self, ledger: Ledger, project: Path) -> None:
        self.ledger, self.project = ledger, project
        self._claims: dict[tuple[str, str], list[Claim]] = {}
        for claim in ledger.claims.all():
            self._claims.setdefault((claim.about, claim.what), []).append(claim)
        self._drills = all_drills(ledger)
        self._bases: dict[Path, Fingerprint | Refused] = {}
        self._commits: dict[str, bool] = {}

    def history(self, about: str, what: str) -> list[Claim]:
        """Claims of a kind about something, in order of recording."""
        return self._claims.get((about, what), [])

    def about(self, prefix: str, what: str) -> dict[str, list[Claim]]:
        """Claims of a kind about everything whose name begins so."""
        return {key[0]: claims for key, claims in self._claims.items() if key[1] == what and key[0].startswith(prefix)}

    def drills(self, run: str) -> list[Mapping[str, Any]]:
        """Drills of a run, oldest first."""
        return sorted(self._drills.get(run, []), key=lambda one: parse_moment(one["at"]))

    def last_good(self, run: str) -> Mapping[str, Any] | None:
        """The newest drill of a run that passed."""
        return next((one for one in reversed(self.drills(run)) if one["outcome"] == Outcome.PASS), None)

    def failed_since(self, run: str) -> Mapping[str, Any] | None:
        """The newest drill of a run where it failed: what passed before says nothing of today."""
        last = next((one for one in reversed(self.drills(run)) if one["outcome"] != Outcome.UNSURE), None)
        return last if last is not None and last["outcome"] == Outcome.FAIL else None

    def has_commit(self, commit: str) -> bool:
        """Whether a commit is in the repository at the project."""
        if commit not in self._commits:
            self._commits[commit] = reachable(self.project, commit)
        return self._commits[commit]

    def base(self, folder: Path) -> Fingerprint:
        """The fingerprint of a base's folder as it is now.

        Raises:
            Refused: it is not there, or damaged.
        """
        if folder not in self._bases:
            try:
                self._bases[folder] = fingerprint_of(folder)
            except Refused as error:
                self._bases[folder] = error
        found = self._bases[folder]
        if isinstance(found, Refused):
            raise found
        return found


def clocks(known: Known, one: Member, now: datetime, *, kept: bool = False) -> list[Clock]:
    """Every clock of an adapter, the one that ends first in front; `kept`: a verified rescue kit is there."""
    found = [
        *_base(known, one, now),
        *_rows(known, one, now),
        *_beside(known, one),
        *_machine(known, one, now),
        *_owner(known, one, now),
        *_drill(known, one, now),
    ]
    if kept:
        found = [_covered(clock) if clock.kind in KEPT_BY_KIT else clock for clock in found]
    return sorted(found, key=lambda clock: (clock.days is None, clock.days or 0.0, clock.kind, clock.what))


def _covered(clock: Clock) -> Clock:
    return Clock(kind=clock.kind, what=clock.what, days=clock.days, why=clock.why, covered=True)


def _base(known: Known, one: Member, now: datetime) -> Iterator[Clock]:
    base = one.base
    abouts = (base.id, f"base:{base.name}")
    yield from _ends(known, "base", base.name, abouts, "base-end-of-life", now)
    yield from _ends(known, "hosted API", base.name, abouts, "provider-policy", now)
    yield from _ends(known, "licence", base.name, abouts, "licence", now)
    folder = known.project / str(base.body["folder"])
    try:
        changed = known.base(folder).differences(base.body["fingerprint"])
    except Refused as error:
        yield Clock(kind="base", what=base.name, days=0.0, why=f"cannot be read: {error.what}")
        return
    if changed:
        yield Clock(kind="base", what=base.name, days=0.0, why="changed since: " + ", ".join(changed))


def _rows(known: Known, one: Member, now: datetime) -> Iterator[Clock]:
    plan, ledger = one.run.body["plan"], known.ledger
    version = ledger.versions.get(str(plan["data"]["dataset"]))
    numbers = BitMap.union(*(version.splits[split] for split in splits_of(plan).values()))
    there = sum(1 for _ in ledger.rows.bodies(numbers))
    if there != len(numbers):
        lost = f"{len(numbers) - there:,} of {len(numbers):,} rows have no content any more"
        yield Clock(kind="rows", what=version.name, days=0.0, why=lost)
    for source in ledger.nodes.many(sorted(ledger.rows.sources_of(numbers))):
        abouts = (source.id, f"source:{source.name}")
        yield from _ends(known, "licence", source.name, abouts, "licence", now)
        yield from _ends(known, "consent", source.name, abouts, "consent", now)
        for claim in _speaking(known, (*abouts, "kind:rows"), "retention", now):
            period = claim.value.get("days") if isinstance(claim.value, dict) else claim.value
            end = parse_moment(source.at) + timedelta(days=period) if isinstance(period, int) else _end(claim)
            if end is not None:
                yield _clock("rows", source.name, end, now, f"retention, says {claim.source}")
    for about, claims in known.about("subject:", "consent").items():
        if not (ledger.rows.numbers_of_subject(about.removeprefix("subject:")) & numbers):
            continue
        if (last := _last(claims)) is not None and (end := _end(last)) is not None:
            yield _clock("consent", "a person", end, now, f"says {last.source}")


def _beside(known: Known, one: Member) -> Iterator[Clock]:
    """What a method needs beside rows and base, where it is gone; what is there has no end that anybody knows."""
    if one.run.body["plan"].get("start"):
        node, folder = start_of(known.ledger, one.run.body["plan"], known.project)
        if not folder.is_dir():
            yield Clock(kind="start", what=node.name, days=0.0, why="the adapter that it went on from is gone")
    state = ((one.run.body.get("history") or {}).get("code") or {}).get("project") or {}
    commit = str(state.get("commit") or "")
    if commit and not known.has_commit(commit):
        yield Clock(kind="code", what=f"commit {commit[:12]}", days=0.0, why="in no repository at the project")


def _machine(known: Known, one: Member, now: datetime) -> Iterator[Clock]:
    hardware = one.run.body["plan"]["hardware"]
    capability = str(hardware.get("capability") or hardware.get("machine"))
    yield from _ends(known, "hardware", capability, (f"hardware:{capability}",), "hardware", now)
    packages = one.run.body["plan"]["environment"]["packages"]
    for about, claims in known.about("package:", "dependency").items():
        name, _, version = about.removeprefix("package:").partition("==")
        if packages.get(name) is None or version not in ("", packages[name]):
            continue
        last = _last(claims)
        if last is not None:
            # A version that was yanked can be gone any day: it is lost from the day on that the claim holds.
            end = _end(last) or parse_moment(last.valid_from or last.observed_at)
            yield _clock("dependency", f"{name} {packages[name]}", end, now, f"{last.value}, says {last.source}")


def _owner(known: Known, one: Member, now: datetime) -> Iterator[Clock]:
    abouts = (one.adapter.id, *(node.id for node in one.releases))
    history = [claim for about in abouts for claim in known.history(about, "owner")]
    last = _last(history)
    if last is None:
        yield Clock(kind="owner", what="nobody", days=None, why="no claim says who owns it")
    elif (end := _end(last)) is not None:
        yield _clock("owner", str(last.value), end, now, f"leaves, says {last.source}")


def _drill(known: Known, one: Member, now: datetime) -> Iterator[Clock]:
    last, failed = known.last_good(one.run.id), known.failed_since(one.run.id)
    if failed is not None:
        named = dict.fromkeys(str(cause["cause"]) for cause in failed.get("causes") or ())
        why = f"failed on {str(failed['at'])[:10]}: {', '.join(named) or 'other bits'}"
        yield Clock(kind="drill", what="rebuild", days=0.0, why=why)
    elif last is None:
        yield Clock(kind="drill", what="rebuild", days=None, why="no drill has passed yet")
    else:
        end = parse_moment(last["at"]) + timedelta(days=DRILL_DAYS)
        yield _clock("drill", "rebuild", end, now, f"last drill by {last['by']}, due every {DRILL_DAYS} days")


def _ends(known: Known, kind: str, what: str, abouts: Iterable[str], claimed: str, now: datetime) -> Iterator[Clock]:
    """The clock of what a claim about something says, where it says an end or that it is over."""
    history = [claim for about in abouts for claim in known.history(about, claimed)]
    last = _last(history)
    if last is None:
        return
    if is_withheld(last.value) and (last.valid_from is None or parse_moment(last.valid_from) <= now):
        yield Clock(kind=kind, what=what, days=0.0, why=f"{last.value}, says {last.source}")
    elif (end := _end(last)) is not None:
        yield _clock(kind, what, end, now, f"says {last.source}")


def _last(history: list[Claim]) -> Claim | None:
    """What was observed last, whether it holds, is over or is still to come; corrected claims are left out."""
    corrected = {claim.supersedes for claim in history}
    known = [claim for claim in history if claim.id not in corrected]
    return max(known, key=lambda claim: (claim.observed_at, claim.valid_from or "", claim.seq), default=None)


def _speaking(known: Known, abouts: Iterable[str], claimed: str, now: datetime) -> list[Claim]:
    found = [speaking(known.history(about, claimed), now) for about in abouts]
    return [one for one in found if one is not None]


def _end(claim: Claim) -> datetime | None:
    """The day in the value of a claim, or the one up to which it holds."""
    value = claim.value.get("date") if isinstance(claim.value, dict) else claim.value
    if isinstance(value, str):
        try:
            return parse_moment(date.fromisoformat(value[:10]))
        except ValueError:
            pass
    return parse_moment(claim.valid_to) if claim.valid_to else None


def _clock(kind: str, what: str, end: datetime, now: datetime, why: str) -> Clock:
    days = round((end - now).total_seconds() / 86_400, 1)
    return Clock(kind=kind, what=what, days=days, why=f"{end:%Y-%m-%d}, {why}")


def unused_by(ledger: Ledger, *, package: str | None = None, hardware: str | None = None) -> bool:
    """Whether a claim on a package or a class of processor concerns no adapter in use: perhaps a slip of the pen."""
    if not package and not hardware:
        return False
    name, _, version = (package or "").partition("==")
    for one in fleet(ledger):
        plan = one.run.body["plan"]
        packages = plan["environment"]["packages"]
        if package and name in packages and version in ("", packages[name]):
            return False
        if hardware and hardware in (plan["hardware"].get("capability"), plan["hardware"].get("machine")):
            return False
    return True


def about_of(claimed: str, one: Member | None, *, package: str | None = None, hardware: str | None = None) -> str:
    """What a claim of a kind is about, so that its clock finds it.

    Raises:
        Refused: the kind of claim is about something else than was named.
    """
    if claimed == "dependency":
        wanted, found = "--package NAME==VERSION", f"package:{package}" if package else ""
    elif claimed == "hardware":
        wanted, found = "--hardware CAPABILITY", f"hardware:{hardware}" if hardware else ""
    else:
        wanted = "--about NAME of an adapter, a release or an alias"
        found = "" if one is None else one.adapter.id if claimed == "owner" else one.base.id
    if not found:
        raise Refused(f"a claim on {claimed} is about something else", wanted=wanted)
    return found
