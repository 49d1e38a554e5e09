"""Releases for people to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.release.aliases import all_aliases, find_release, history, must_stand
from headgate.release.folder import CARD


def overview(ledger: Ledger, project: Path) -> list[dict[str, Any]]:
    """Every release, oldest first: name, time, state of its files, aliases."""
    aliases = all_aliases(ledger)
    return [
        {
            "release": node.name,
            "at": node.at,
            "files": state(node, project),
            "aliases": sorted(alias for alias, name in aliases.items() if name == node.name),
            "folder": node.body["folder"],
        }
        for node in ledger.find("release")
    ]


def describe(ledger: Ledger, project: Path, name: str) -> tuple[dict[str, Any], str]:
    """The record of a release with the history of its aliases, and its card.

    Raises:
        Refused: no such release, or its files were changed or removed.
    """
    node = find_release(ledger, name)
    must_stand(node, project)
    aliases = dict.fromkeys(one.name for one in ledger.find("deployment"))
    moves = [move.as_json() for alias in aliases for move in history(ledger, alias)]
    mine = [move for move in moves if node.name in (move["release"], move["before"])]
    card = (project / str(node.body["folder"]) / CARD).read_text(encoding="utf-8")
    return {**node.body, "id": node.id, "at": node.at, "moves": mine}, card


def state(node: Node, project: Path) -> str:
    """`whole`, `changed`, or `gone`."""
    if not (project / str(node.body["folder"])).is_dir():
        return "gone"
    try:
        must_stand(node, project)
    except Refused:
        return "changed"
    return "whole"
