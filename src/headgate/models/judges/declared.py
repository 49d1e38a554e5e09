"""Judges and rubrics of a project as nodes of its ledger, and which of them are declared at present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.models.judges.settings import JudgeSettings, RubricSettings

FILE = "judges.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the flow file declares, by name."""

    judges: Mapping[str, Node] = field(default_factory=dict)
    rubrics: Mapping[str, Node] = field(default_factory=dict)

    def judge(self, name: str) -> Node:
        """A judge by name.

        Raises:
            Refused: none of that name is declared.
        """
        return _named(self.judges, name, "judge", "judges")

    def rubric(self, name: str) -> Node | None:
        """A rubric by name; None for the empty name, a plain preference.

        Raises:
            Refused: none of that name is declared.
        """
        return _named(self.rubrics, name, "rubric", "rubrics") if name else None


def _named(nodes: Mapping[str, Node], name: str, what: str, section: str) -> Node:
    if name not in nodes:
        known = ", ".join(sorted(nodes)) or "none is declared"
        raise Refused(f"no {what} of that name", found=repr(name), wanted=known, next_step=f"add [{section}.{name}]")
    return nodes[name]


def declare(
    ledger: Ledger, judges: Mapping[str, JudgeSettings], rubrics: Mapping[str, RubricSettings], work: Path
) -> Declared:
    """Records judges and rubrics, and notes for the stages which are meant by which name."""
    made: dict[str, dict[str, Node]] = {"judge": {}, "rubric": {}}
    with ledger.transaction():
        for kind, given in (("judge", judges), ("rubric", rubrics)):
            for name, settings in given.items():
                made[kind][name] = ledger.node(ledger.record(kind, name, settings.body()))
    noted = {f"{kind}s": {name: node.id for name, node in nodes.items()} for kind, nodes in made.items()}
    if made["judge"] or made["rubric"] or (work / FILE).exists():
        with atomic_write(work / FILE) as stream:
            stream.write(orjson.dumps(noted, option=orjson.OPT_SORT_KEYS))
    return Declared(judges=made["judge"], rubrics=made["rubric"])


def declared(ledger: Ledger, work: Path) -> Declared:
    """What was declared when the flow file was last read."""
    path = work / FILE
    if not path.exists():
        return Declared()
    noted = orjson.loads(path.read_bytes())
    read = {
        part: {name: ledger.node(address) for name, address in noted[part].items()} for part in ("judges", "rubrics")
    }
    return Declared(judges=read["judges"], rubrics=read["rubrics"])
