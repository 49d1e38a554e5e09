"""The looks that the ledger knows of: every score of a candidate on the items of a pool that decides something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.kit.clock import parse_moment
from headgate.kit.hashing import canonical_json
from headgate.ledger.ledger import Ledger
from headgate.rules.looks import Look

DECIDING = ("gate", "sealed")


def instructions_in(suite: Mapping[str, Any]) -> str:
    """What goes with every item of a suite, as one text that can be compared: system message and template."""
    return canonical_json([suite.get("system", ""), suite.get("template", "")]).decode()


def looks_in(ledger: Ledger) -> list[Look]:
    """Looks at gate and sealed pools, oldest first; looks at development pools are free."""
    suites = {node.id: node for node in ledger.find("suite")}
    found = []
    for node in ledger.find("score"):
        suite = suites.get(str(node.body.get("suite")))
        if suite is None or node.body.get("arm") != "candidate" or node.body.get("pool") not in DECIDING:
            continue
        pool = str(node.body["pool"])
        found.append(
            Look(
                at=parse_moment(node.at),
                suite=f"{suite.name}, {pool}",
                candidate=str(node.body["model"]),
                instructions=instructions_in(suite.body),
                items=frozenset(suite.body["pools"][pool]),
                score=node.body["accuracy"]["value"] if node.body.get("accuracy") else None,
            )
        )
    return found
