"""What was made from a person's rows, from a source, or from one row: rows, dataset versions, models, deployments.

The walk goes through rows that were made from rows, whole dataset versions, runs, adapters, merges and releases. It
reads the ledger alone and no text, so that it still answers when every row has been erased.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.ledger.cases import rows_of
from headgate.ledger.known import nearest, written_alike
from headgate.ledger.ledger import Ledger, Node
from headgate.ledger.versions import Share
from headgate.release.aliases import all_aliases

SUBJECT, SOURCE, ROW = "subject", "source", "row"
VERSION = "dataset-version"
# Kinds that a person may have to act on, in the order in which they came to be; verdicts and steps are left out.
SHOWN = (VERSION, "run", "adapter", "probe", "score", "decision", "release", "deployment")
MODELS = ("adapter", "release")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked about: a person by key, a source by name, or a row by address."""

    kind: str  # SUBJECT, SOURCE or ROW
    key: str

    def __str__(self) -> str:
        # A key is whatever a file says: one with signs that are not printed would look like other lines.
        key = self.key if self.key.isprintable() else repr(self.key)
        return key if self.kind == ROW else f"{self.kind}:{key}"

    @property
    def about(self) -> str:
        """What claims about it are about: the key as rows have it, however it looks where it is printed."""
        return f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Everything downstream of a target."""

    target: Target
    own: BitMap  # rows of the target itself
    derived: BitMap  # rows made from them, whoever they are about
    versions: tuple[Share, ...]  # that hold any of them, in order of freezing
    nodes: tuple[Node, ...]  # of the kinds in SHOWN but versions, oldest first
    shared: int  # own rows whose words stand in rows of others too, which remain

    @property
    def rows(self) -> BitMap:
        """Own and derived rows."""
        return self.own | self.derived

    def of(self, *kinds: str) -> list[Node]:
        """The nodes of some kinds."""
        return [node for node in self.nodes if node.kind in kinds]

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {
            "of": str(self.target),
            "rows": len(self.own),
            "derived_rows": len(self.derived),
            "shared_rows": self.shared,
            "dataset_versions": [
                {"id": one.node_id, "name": one.name, "rows": one.rows, "splits": one.splits, "newest": one.newest}
                for one in self.versions
            ],
            "nodes": [{"id": n.id, "kind": n.kind, "name": n.name, "at": n.at} for n in self.nodes],
        }


def target_of(subject: str | None, source: str | None, row: str | None) -> Target:
    """The one target that is named.

    Raises:
        Refused: none or several are named.
    """
    named = [Target(kind, key) for kind, key in ((SUBJECT, subject), (SOURCE, source), (ROW, row)) if key]
    if len(named) != 1:
        found = ", ".join(map(str, named)) or "none"
        raise Refused("whose rights?", found=found, wanted="one of --subject KEY, --source NAME, --row ADDRESS")
    return named[0]


def own_rows(ledger: Ledger, target: Target) -> BitMap:
    """The rows of a target, erased ones included.

    Raises:
        Refused: the ledger knows no such person, source or row.
    """
    own = rows_of(ledger, target.kind, target.key)
    if own or (target.kind == SOURCE and ledger.find(SOURCE, target.key)):
        return own
    if target.kind == ROW:
        raise Refused("the ledger has no such row", found=target.key, wanted="b3: and 64 hex digits")
    if target.kind == SOURCE:
        known = ", ".join(dict.fromkeys(node.name for node in ledger.find(SOURCE))) or "there are none yet"
        raise Refused("the ledger has no such source", found=target.key, wanted=known)
    near = ", ".join(map(repr, nearest(ledger, SUBJECT, target.key)))
    hint = "people are known by the `subject` of rows" + f"; nearest: {near}" * bool(near)
    raise Refused("no row about this person", found=target.key, wanted=hint)


def alike(ledger: Ledger, target: Target) -> dict[str, int]:
    """Keys of people that read like that of a target and are others, with their rows: they are not reached."""
    return written_alike(ledger, target.key) if target.kind == SUBJECT else {}


def alike_lines(found: Mapping[str, int]) -> list[str]:
    """These keys on one screen."""
    # Two ways to write an accent look the same on a screen.
    shown = {key: repr(key) if unicodedata.is_normalized("NFC", key) else ascii(key) for key in found}
    return [f"  not reached, though it reads alike: subject {shown[key]}, {_rows(found[key])}" for key in found]


def as_kept(ledger: Ledger, target: Target) -> Target:
    """The target as it is written down: a row by the address that stays when it is erased."""
    own = rows_of(ledger, ROW, target.key) if target.kind == ROW else None
    return Target(ROW, next(address for _, address in ledger.rows.kept(own))) if own else target


def reach(ledger: Ledger, target: Target) -> Reach:
    """Everything that was made from the rows of a target, at one moment of the ledger.

    Raises:
        Refused: the ledger knows no such person, source or row.
    """
    with ledger.snapshot():
        own = own_rows(ledger, target)
        found = ledger.impact_of_rows(own)
        rows = found.rows | own
        held = {node.seq: (node.id, found.held.get(node.id, 0)) for node in found.of(VERSION)}
        versions = tuple(ledger.versions.shares(rows, held))
        nodes = tuple(node for node in found.nodes if node.kind in SHOWN and node.kind != VERSION)
        shared = len(ledger.rows.said_elsewhere(own))
    return Reach(target=target, own=own, derived=rows - own, versions=versions, nodes=nodes, shared=shared)


def moved_on(ledger: Ledger, found: Reach) -> set[str]:
    """Aliases that pointed at one of its releases once, and do so no more."""
    now, reached = all_aliases(ledger), {node.name for node in found.of("release")}
    return {node.name for node in found.of("deployment") if now.get(node.name) not in reached}


def lines(found: Reach, moved: Collection[str] = ()) -> list[str]:
    """A reach in one screen; `moved`: aliases that point at none of it any more."""
    made = f", {len(found.derived):,} more made from them" if found.derived else ""
    out = [f"{found.target}: {_rows(len(found.own))}{made}"]
    if found.shared:
        out.append(f"  {_rows(found.shared)} say what rows of others say word for word; those others are not reached")
    for held in found.versions:
        splits = ", ".join(f"{split} {count:,}" for split, count in held.splits.items())
        out.append(f"  {VERSION:<16} {held.name:<36} {_rows(held.rows)}" + (f" ({splits})" if splits else ""))
    alike: dict[tuple[str, str], list[Node]] = {}
    for node in found.nodes:
        alike.setdefault((node.kind, node.name), []).append(node)
    for (kind, name), nodes in alike.items():
        times = f", {len(nodes)} records" if len(nodes) > 1 else ""
        gone = ", points elsewhere by now" if kind == "deployment" and name in moved else ""
        out.append(f"  {kind:<16} {name:<36} {nodes[-1].at[:10]}{times}{gone}")
    if not found.versions and not found.nodes:
        out.append("  no dataset version and no model was made from them")
    return out


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
