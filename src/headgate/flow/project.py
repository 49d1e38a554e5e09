"""A project: a flow file, and the folder `.headgate/` beside it that holds everything known."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.flow.file import FILE_NAME, Flow, read_flow
from headgate.kit.errors import Refused
from headgate.kit.locks import only_one

if TYPE_CHECKING:
    from headgate.flow.walking import Walked
    from headgate.ledger.ledger import Ledger
    from headgate.ledger.steps import StageContext

STORE = ".headgate"


@dataclass(frozen=True, slots=True)
class Project:
    """One flow and its ledger."""

    flow: Flow

    @property
    def folder(self) -> Path:
        """Where the flow file lies."""
        return self.flow.folder

    @property
    def store(self) -> Path:
        """Folder of the ledger, work files and reports."""
        return self.folder / STORE

    @property
    def dataset(self) -> str:
        """Name of the dataset that the flow curates."""
        named = next((settings.name for stage, settings in self.flow.stages if stage.name == "curate"), "")
        return str(named or self.flow.settings.name)

    def ledger(self) -> Ledger:
        """Opens the ledger, and makes it on first use; close it or use it as a context."""
        from headgate.flow.governing import open_ledger, where_of

        self.store.mkdir(exist_ok=True)
        return open_ledger(where_of(self.folder), create=True, beside=self.store)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other process walks this flow meanwhile: two would train twice and release twice."""
        with only_one(self.store / "work" / f"{self.flow.settings.name}.lock", "another run walks this flow"):
            yield

    def context(self, *, quiet: bool) -> StageContext:
        """What a stage is given, before any stage above it has run."""
        from headgate.kit.clock import now
        from headgate.ledger.steps import StageContext

        work = self.store / "work"
        work.mkdir(parents=True, exist_ok=True)
        return StageContext(
            folder=self.folder, work=work, outputs={}, quiet=quiet, now=now(), flow_name=self.flow.settings.name
        )

    def run(self, *, until: str | None = None, quiet: bool = True) -> Walked:
        """Walks the flow, as `headgate run` does: without words of rows for who may not read rows about people."""
        from headgate.flow.walking import walk
        from headgate.flow.withholding import may_read, withheld_walk
        from headgate.kit.clock import now

        walked = walk(self, until=until, quiet=quiet)
        with self.ledger() as ledger:
            return walked if may_read(ledger, now()) else withheld_walk(walked)


def open_project(folder: str | Path = ".", *, set: Sequence[str] = ()) -> Project:
    """Opens the project in a folder, or that of a flow file.

    Raises:
        Refused: there is no flow file, or it holds problems.
    """
    path = Path(folder)
    if path.is_dir():
        path = path / FILE_NAME
    elif path.suffix != ".toml":
        raise Refused("not a project", file=str(folder), wanted=f"a folder with {FILE_NAME}, or a flow file")
    return Project(read_flow(path, set))
