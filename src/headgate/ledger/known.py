"""Names of sources, people and groups that a ledger knows, and the nearest of them to one that it does not."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection

import orjson
from sqlalchemy import func, select

from headgate.kit.errors import Refused
from headgate.kit.people import plain_name
from headgate.ledger import schema
from headgate.ledger.cases import rows_of
from headgate.ledger.ledger import Ledger

SOURCE, SUBJECT, GROUP = "source", "subject", "group"
NEAREST = 3
CLOSE = 0.6  # of difflib, from 0 to 1
ALIKE_IN_LENGTH = 3  # characters; keys that differ more are not held against each other, for there may be millions


def is_known(ledger: Ledger, kind: str, key: str) -> bool:
    """Whether rows of a source, about a person, or of a group or slice were ever captured; any other kind is."""
    if kind == SOURCE:
        return bool(ledger.find(SOURCE, key))
    if kind == SUBJECT:
        return bool(rows_of(ledger, SUBJECT, key))
    return kind != GROUP or key in groups(ledger)


def must_be_known(ledger: Ledger, about: str) -> None:
    """Refuses what nothing in the ledger has the name of: a slip of the pen would keep nothing and delete nothing.

    `about`: "source:NAME", "subject:KEY" or "group:NAME"; anything else is let through.

    Raises:
        Refused: it is not known; with the nearest names.
    """
    kind, _, key = about.partition(":")
    if is_known(ledger, kind, key):
        return
    near = nearest(ledger, kind, key)
    raise Refused(
        f"the ledger knows no such {'person' if kind == SUBJECT else kind}", found=key,
        wanted=f"nearest: {', '.join(near)}" if near else None,
        next_step="correct the name, or add --ahead to say it before the first row comes",
    )  # fmt: skip


def nearest(ledger: Ledger, kind: str, key: str) -> list[str]:
    """The known names that are spelled most like a name."""
    if kind == SOURCE:
        names = [node.name for node in ledger.find(SOURCE)]
    elif kind == GROUP:
        names = sorted(groups(ledger))
    else:
        names = _people_like(ledger, key)
    folded = {name.casefold(): name for name in names}
    return [folded[one] for one in difflib.get_close_matches(key.casefold(), folded, n=NEAREST, cutoff=CLOSE)]


def written_alike(ledger: Ledger, key: str) -> dict[str, int]:
    """Other keys of people that read like one, and how many rows each has: other letter case, spaces, accents.

    A table that people filled in calls one person "anna", "Anna" and "anna "; to the ledger these are three.
    """
    return all_written_alike(ledger, [key]).get(key, {})


def all_written_alike(ledger: Ledger, keys: Collection[str]) -> dict[str, dict[str, int]]:
    """The same for many keys; those that no other reads like are left out."""
    if not keys:
        return {}
    table, found = schema.rows.c, dict[str, dict[str, int]]()
    query = select(table.subject, func.count()).where(table.subject.is_not(None)).group_by(table.subject)
    wanted: dict[str, list[str]] = {}
    for key in keys:
        wanted.setdefault(_as_read(key), []).append(key)
    with ledger.snapshot() as connection:
        for one, count in sorted((str(one), int(count)) for one, count in connection.execute(query)):
            for key in wanted.get(_as_read(one), ()):
                if one != key:
                    found.setdefault(key, {})[one] = count
    return found


def _as_read(key: str) -> str:
    """A key without what nobody sees, such as the mark at the beginning of a file."""
    return plain_name("".join(sign for sign in key if unicodedata.category(sign) != "Cf"))


def groups(ledger: Ledger) -> set[str]:
    """Groups of rows, and their slices as NAME=VALUE, of rows whose words were not erased."""
    found = set[str]()
    for _, _, body in ledger.rows.bodies(ledger.rows.all_numbers()):
        side = orjson.loads(body).get("side") or {}
        found |= {str(side["group"])} if side.get("group") else set()
        found |= {f"{name}={value}" for name, value in (side.get("slices") or {}).items()}
    return found


def _people_like(ledger: Ledger, key: str) -> list[str]:
    table = schema.rows.c
    query = select(table.subject).where(table.subject.is_not(None)).distinct()
    with ledger.snapshot() as connection:
        return [one for one in connection.scalars(query) if abs(len(one) - len(key)) <= ALIKE_IN_LENGTH]
