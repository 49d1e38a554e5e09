"""Aliases: names that move. Every move is a record, so that the way back is known.

A release or an explicit move puts a release on top; a rollback takes the top off. What lies below is
what a further rollback returns to. An alias that was withdrawn points at nothing, and there is no way back to what it
pointed at before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused
from headgate.kit.names import must_be_name
from headgate.kit.people import Person, acting
from headgate.ledger.approvals import second, spend
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node
from headgate.ledger.roles import RELEASE as MAY_RELEASE
from headgate.ledger.roles import require
from headgate.release.folder import RECORD, must_be_adapter, must_be_same, read_record

KIND = "deployment"
RELEASE, MOVE, ROLLBACK, WITHDRAWN = "release", "move", "rollback", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of an alias."""

    id: str
    alias: str
    release: str  # empty where it was withdrawn
    before: str  # release that it pointed at, empty for the first move
    how: str
    at: str

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        return {name: getattr(self, name) for name in self.__slots__}


def history(ledger: Ledger, alias: str) -> list[Move]:
    """Every move of an alias, oldest first."""
    return [_read(node) for node in ledger.find(KIND, alias)]


def all_aliases(ledger: Ledger) -> dict[str, str]:
    """Each alias with the release that it points at."""
    latest = {node.name: str(node.body["release"]) for node in ledger.find(KIND)}
    return {alias: release for alias, release in latest.items() if release}


def stack(moves: list[Move]) -> list[str]:
    """Releases under an alias, the present one last; rollbacks have taken off what they took off."""
    under: list[str] = []
    for move in moves:
        if move.how == WITHDRAWN:
            under.clear()
        elif move.how == ROLLBACK:
            while under and under[-1] != move.release:
                under.pop()
        elif not under or under[-1] != move.release:
            under.append(move.release)
    return under


def move(ledger: Ledger, alias: str, release: str, *, project: Path, how: str, now: datetime, by: str = "") -> Move:
    """Points an alias at a release whose folder is as it was released.

    Raises:
        Refused: no such release, it was retired, its folder was changed, not a name for an alias, or who acts
            (`by`, or whom the machine names) may not release.
    """
    must_be_name(alias, "not a name for an alias")
    node = find_release(ledger, release)
    person, approval = acting(by), None
    if how != RELEASE:  # a release that moves its alias has asked before
        person = require(ledger, MAY_RELEASE, by=by, about=node.name, now=now)
    if how == MOVE:
        adapter = str(node.body["adapter"])
        approval = second(ledger, MAY_RELEASE, adapter, adapter, person, now)
    must_be_in_use(ledger, node, now)
    must_stand(node, project)
    with ledger.transaction():
        moves = history(ledger, alias)
        if moves and moves[-1].release == node.name:
            return moves[-1]
        spend(ledger, approval, person, now)
        return _record(ledger, alias, node.name, moves, how, now, [Edge("served-as", node.id)], person)


def withdraw(ledger: Ledger, release: str, now: datetime) -> list[Move]:
    """Takes every alias off a release; they point at nothing until another release stands under them."""
    with ledger.transaction():
        pointing = [alias for alias, name in all_aliases(ledger).items() if name == release]
        return [_record(ledger, alias, "", history(ledger, alias), WITHDRAWN, now, []) for alias in pointing]


def _record(
    ledger: Ledger, alias: str, release: str, moves: list[Move], how: str, now: datetime, edges: list[Edge],
    person: Person | None = None,
) -> Move:  # fmt: skip
    before = moves[-1].release if moves else ""
    body: dict[str, Any] = {"alias": alias, "release": release, "before": before, "how": how, "number": len(moves) + 1}
    body |= {"person": person.as_json()} if person else {}
    edges = edges + ([Edge("supersedes", moves[-1].id)] if moves else [])
    return _read(ledger.node(ledger.record(KIND, alias, body, edges=edges, at=now)))


def must_be_in_use(ledger: Ledger, node: Node, now: datetime) -> None:
    """Refuses a release whose adapter was retired, or is in quarantine now.

    Raises:
        Refused: it was retired.
    """
    adapters = [link.target_id for link in ledger.edges_from(node.id, "derived-from")]
    for about in (node.id, *adapters):
        claim = ledger.claims.at(about, "retired", now)
        if claim is not None:
            last = parse_moment(claim.valid_to) - timedelta(seconds=1) if claim.valid_to else None
            until = f" until {last:%Y-%m-%d}" if last else ""
            said = f"says {claim.source}, {claim.observed_at[:10]}"
            raise Refused(f"{node.name} is {claim.value}{until}", found=said)


def roll_back(ledger: Ledger, alias: str, *, project: Path, now: datetime, by: str = "") -> Move:
    """Points an alias at the release before the present one.

    Raises:
        Refused: the alias is unknown, there is nothing before, or the folder of what was before is gone
            or changed.
    """
    moves = history(ledger, alias)
    if not moves:
        known = ", ".join(sorted(all_aliases(ledger))) or "none yet"
        raise Refused(f"no alias {alias!r}", wanted=f"one of: {known}", next_step="headgate release list")
    under = stack(moves)
    if len(under) < 2:
        raise Refused(
            f"nothing to roll {alias} back to",
            found=f"{moves[-1].release} is the first release under it",
            next_step="headgate release list",
        )
    return move(ledger, alias, under[-2], project=project, how=ROLLBACK, now=now, by=by)


def find_release(ledger: Ledger, name: str) -> Node:
    """A release by its full name, by its digest, or by the alias that points at it.

    Raises:
        Refused: there is none, or the name fits several.
    """
    wanted = all_aliases(ledger).get(name, name)
    releases = {node.name: node for node in ledger.find("release")}
    fitting = [key for key in releases if key == wanted or key.partition("@")[2] == wanted]
    if not fitting:
        fitting = [key for key in releases if key.partition("@")[0] == wanted]
    if len(fitting) == 1:
        return releases[fitting[0]]
    if not fitting:
        raise Refused("no such release", found=repr(name), next_step="headgate release list")
    raise Refused("the name fits several releases", found=", ".join(fitting), wanted="NAME@DIGEST")


def must_stand(node: Node, project: Path) -> None:
    """Refuses a release whose folder is not, file by file, what was released.

    Raises:
        Refused: the folder is gone, or a file was changed, added or removed.
    """
    folder = project / str(node.body["folder"])
    must_be_same(folder, node.body["files"])
    if read_record(folder) != {key: value for key, value in node.body.items() if key != "folder"}:
        raise Refused("the record in the release is not that of the ledger", file=str(folder / RECORD))
    must_be_adapter(folder, str(node.body["adapter_digest"]))


def _read(node: Node) -> Move:
    body = node.body
    return Move(
        id=node.id, alias=body["alias"], release=body["release"], before=body["before"], how=body["how"], at=body["at"]
    )
