"""What a project serves: its base, and the releases and aliases of its ledger as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.kit.clock import now, parse_moment
from headgate.kit.errors import Refused
from headgate.ledger.nodes import Node
from headgate.release.aliases import all_aliases, must_be_in_use, must_stand
from headgate.serve.names import GivenNames, Names, Served, Snapshot

if TYPE_CHECKING:
    from headgate.flow.project import Project
    from headgate.ledger.ledger import Ledger


class LedgerNames:
    """Releases that are in use, and aliases, read anew each time."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def read(self) -> Snapshot:
        """All names as they are now."""
        with self._project.ledger() as ledger:
            served = {node.name: self._served(node) for node in ledger.find("release") if _in_use(ledger, node)}
            return Snapshot(served, all_aliases(ledger))

    def _served(self, node: Node) -> Served:
        return Served(
            name=node.name,
            folder=self._project.folder / str(node.body["folder"]),
            digest=str(node.body["adapter_digest"]),
            created=int(parse_moment(node.at).timestamp()),
            check=partial(must_stand, node, self._project.folder),
        )


def served_from(flow_file: Path, base: str, adapters: Mapping[str, Path]) -> tuple[Path, str, Names]:
    """Folder and name of the base, and the names: those given by hand, or those of the project.

    Raises:
        Refused: neither adapters nor a project are given, the base is not there, or an adapter cannot be read.
    """
    if adapters:
        if not base:
            raise Refused("adapters by name need their base", next_step="headgate serve --base FOLDER --adapter …")
        return _folder(Path(base)), Path(base).resolve().name, GivenNames(adapters)
    from headgate.flow.project import open_project
    from headgate.train.closure import find_base

    project = open_project(flow_file)
    trained = next((settings.base for stage, settings in project.flow.stages if stage.name == "train"), "")
    if not (base or trained):
        raise Refused("no base to serve on", file=str(flow_file), wanted="a section [train], or --base")
    with project.ledger() as ledger:
        found = find_base(ledger, base or trained, Path() if base and Path(base).is_dir() else project.folder)
    return found.folder, found.name, LedgerNames(project)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise Refused("no such model folder", file=str(path), next_step="check the spelling of the base")
    return path


def _in_use(ledger: Ledger, node: Node) -> bool:
    try:
        must_be_in_use(ledger, node, now())
    except Refused:
        return False
    return True
