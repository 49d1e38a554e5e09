"""Roles: who may waive, erase, release, work on cases, look at sealed answers and personal content.

The table that is in force is a dated claim in the ledger, so that years later one can tell who was allowed what on a
day. It is written in the project file; a table there that differs from the claim is taken over and recorded. Without
a table everyone may do everything. Names are what people say they are: this guards against mistakes and leaves a
record, and whoever can write the ledger or the project file can get around it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from headgate.kit.clock import stamp
from headgate.kit.errors import HeadgateError, Refused
from headgate.kit.people import Person, acting, plain_name
from headgate.kit.settings import key_of, option
from headgate.ledger.claims import Claim
from headgate.ledger.ledger import Ledger

ABOUT, WHAT = "roles", "roles"  # of the claim
WAIVE, ERASE, RELEASE, CASE = "waive", "erase", "release", "case"
SEALED, PERSONAL, RETIRE, RETENTION, ROLES = "sealed", "personal", "retire", "retention", "roles"
VERBS = {
    WAIVE: "waive a failure",
    ERASE: "erase rows",
    RELEASE: "release, and move or roll back an alias",
    CASE: "open, remedy or close a case",
    SEALED: "look at sealed answers",
    PERSONAL: "read the content of rows about people",
    RETIRE: "retire models or protected items",
    RETENTION: "set retention periods and legal holds",
    ROLES: "change the table of roles",
}
TWICE = (ERASE, RELEASE)  # what may want two people
EVERYONE, GROUP = "*", "@"
REFUSAL = "refused-act"  # name of the decision that records one
LOGGED = "must-be-logged"


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Who may do what: names of people, `@group`, or `*` for everyone. A verb that lists nobody is open to nobody."""

    waive: list[str] = option([], help="Who may waive a failure.")
    erase: list[str] = option([], help="Who may erase rows.")
    release: list[str] = option([], help="Who may release, and move or roll back an alias.")
    case: list[str] = option([], help="Who may open, remedy and close cases.")
    sealed: list[str] = option([], help="Who may look at sealed answers.")
    personal: list[str] = option([], help="Who may read the content of rows about people.")
    retire: list[str] = option([], help="Who may retire models, and items from the firewall.")
    retention: list[str] = option([], help="Who may set retention periods and legal holds.")
    roles: list[str] = option([], help="Who may change this table; empty: whoever acts next.")
    two_people: list[str] = option([], help="Verbs that a second person approves first: erase, release.")
    approval_days: int = option(7, help="How long an approval counts.", unit="days")
    reads: Literal["logged", "must-be-logged"] = option(
        "logged", help="Whether personal content may be read where the read cannot be recorded."
    )
    purpose: list[str] = option([], help="Verbs that want a purpose: personal. Looks at sealed pools have one anyway.")
    groups: dict[str, list[str]] = option({}, help="Groups of people, used as @name.")
    also: dict[str, list[str]] = option({}, help="Other names of a person, such as mail address and login.")

    def __post_init__(self) -> None:
        _known("two-people", self.two_people, TWICE)
        _known("purpose", self.purpose, (PERSONAL,))
        if self.approval_days < 1:
            raise Refused("not a time for an approval", found=f"{self.approval_days} days", wanted="1 or more")
        named = [name for verb in VERBS for name in getattr(self, verb)]
        for name in [one for one in named if one.startswith(GROUP) and one[1:] not in self.groups]:
            raise Refused("no such group of people", found=name, wanted=", ".join(f"@{g}" for g in self.groups) or None)
        for name in [*named, *(one for group in self.groups.values() for one in group), *self.also]:
            if not name.strip() or not name.isprintable():
                raise Refused("a role without a name", found=repr(name), wanted='such as "Ann Lee"')
        for group, names in self.groups.items():
            if inner := [name for name in names if name[:1] in (GROUP, EVERYONE)]:
                raise Refused(f"group {group} holds no person", found=inner[0], wanted="names of people")
        seen: dict[str, str] = {}
        for name, others in self.also.items():
            for other in [name, *others]:
                if seen.setdefault(plain_name(other), name) != name:
                    raise Refused("two people have one name", found=f"{other}: {seen[plain_name(other)]}, {name}")

    def canonical(self, name: str) -> str:
        """The one form of a person's name, whichever of their names is given."""
        for main, others in self.also.items():
            if plain_name(name) in map(plain_name, [main, *others]):
                return plain_name(main)
        return plain_name(name)

    def holders(self, verb: str) -> list[str]:
        """The people who may do something, groups opened; `*` is everyone."""
        out: dict[str, None] = {}
        for name in getattr(self, verb):
            out |= dict.fromkeys(self.groups[name[1:]] if name.startswith(GROUP) else [name])
        return list(out)

    def allows(self, name: str, verb: str) -> bool:
        """Whether a person may do something."""
        holders = self.holders(verb)
        return EVERYONE in holders or self.canonical(name) in map(self.canonical, holders)

    def changed_by(self, person: Person) -> bool:
        """Whether a person may put another table in the place of this one."""
        return not self.roles or self.allows(person.name, ROLES)

    def as_json(self) -> dict[str, Any]:
        """As claimed: keys as in the project file."""
        return {key_of(field): getattr(self, field.name) for field in fields(self)}


def in_force(ledger: Ledger, now: datetime) -> Roles | None:
    """The table that holds at a moment; None where everyone may."""
    claim = ledger.claims.at(ABOUT, WHAT, now)
    return _read(claim) if claim is not None and claim.value else None


def history(ledger: Ledger) -> list[Claim]:
    """Every table that was ever in force, with who brought it, oldest first."""
    return ledger.claims.history(ABOUT, WHAT)


def adopt(ledger: Ledger, table: Roles | None, person: Person, now: datetime, *, reason: str = "") -> bool:
    """Takes over a table (None: everyone may) where it differs from the one in force; whether it did.

    Raises:
        Refused: the table in force says who may change it, and this person is not among them.
    """
    present = in_force(ledger, now)
    if (present and present.as_json()) == (table and table.as_json()):
        return False
    if present is not None and not present.changed_by(person):
        _refuse(ledger, present, ROLES, person, "", now)
    said = f"{person.name} ({person.how}, login {person.login})" + (f": {reason}" if reason else "")
    ledger.claims.assert_(
        ABOUT, WHAT, table.as_json() if table else None, source=said, observed_at=now, valid_from=now
    )  # fmt: skip
    return True


def require(ledger: Ledger, verb: str, *, by: str = "", about: str = "", now: datetime) -> Person:
    """The acting person, who may do what they are about to; call it before anything is written.

    `about`: what the act is about, for the record of a refusal. Call it outside of a transaction, which would take
    that record back.

    Raises:
        Refused: the table in force does not give them the role.
    """
    person = acting(by)
    table = in_force(ledger, now)
    if table is not None and not table.allows(person.name, verb):
        _refuse(ledger, table, verb, person, about, now)
    return person


def refusals(ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Every act that was refused, oldest first."""
    yield from (dict(node.body) for node in ledger.find("decision", REFUSAL))


def record_refusal(ledger: Ledger, verb: str, person: Person, about: str, why: str, now: datetime) -> None:
    """Keeps that somebody was refused; a ledger that cannot be written keeps nothing, and they are refused all the
    same."""
    said = {"verb": verb, "about": veiled(ledger, about), "why": why, **person.as_json()}
    with contextlib.suppress(HeadgateError):
        ledger.record("decision", REFUSAL, said, at=now)


def veiled(ledger: Ledger, about: str) -> str:
    """The key of a person as an address that only this ledger makes; everything else as it is."""
    kind, colon, key = about.partition(":")
    return f"{kind}:{key_address(ledger, key)}" if colon and kind == "subject" else about


def key_address(ledger: Ledger, key: str) -> str:
    """The address of the key of a person, under the secret key of the ledger."""
    return ledger.seal.address(b"subject\0" + key.encode())


def _refuse(ledger: Ledger, table: Roles, verb: str, person: Person, about: str, now: datetime) -> None:
    holders = ", ".join(table.holders(verb)) or "nobody"
    record_refusal(ledger, verb, person, about, f"held by {holders}", now)
    raise Refused(
        f"{person.name} may not {VERBS[verb]}",
        found=f"{person.name}, by {person.how}",
        wanted=f"the role {verb}, which {holders} hold" + "s" * (len(table.holders(verb)) < 2),
        next_step=f"ask one of them, or see who may what: headgate rights roles (table of {stamp(now)[:10]})",
    )


def _read(claim: Claim) -> Roles:
    known = {key_of(field): field.name for field in fields(Roles)}
    return Roles(**{known[key]: value for key, value in claim.value.items() if key in known})


def _known(what: str, given: list[str], known: tuple[str, ...]) -> None:
    if unknown := [one for one in given if one not in known]:
        raise Refused(f"roles.{what}", found=", ".join(unknown), wanted=", ".join(known))
