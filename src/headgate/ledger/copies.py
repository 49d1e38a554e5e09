"""Copies of rows and answers that were written outside of the ledger at a person's wish: recorded effects, rescue kits.

The ledger remembers where each lies and what it was, so that erasing somebody's words looks there too. What is still,
byte for byte, what was written may be deleted; what was changed or moved into is a person's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headgate.kit.hashing import digest_file, digest_json
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StepResult, record_step
from headgate.stats.verdict import Outcome

STAGE = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One file or folder."""

    path: Path  # relative to the project
    what: str
    digest: str  # of a file; empty: a folder
    may_go: bool  # it can be made again, so that erasing may delete it

    def files(self, project: Path) -> Iterator[Path]:
        """The files of it that are there now, weights left out."""
        place = project / self.path
        for path in [place] if place.is_file() else sorted(place.rglob("*")) if place.is_dir() else ():
            if path.is_file() and not path.is_symlink() and path.suffix != ".safetensors":
                yield path

    def is_as_written(self, project: Path) -> bool:
        """Whether it is a file that nobody changed."""
        return bool(self.digest) and digest_file(project / self.path) == self.digest


def note_copy(ledger: Ledger, path: Path, project: Path, *, what: str, may_go: bool) -> str:
    """Remembers a copy; returns the id of its step."""
    facts = {
        "path": os.path.relpath(path.resolve(), project.resolve()),
        "digest": digest_file(path) if path.is_file() else "",
        "what": what,
        "may_go": may_go,
    }
    result = StepResult(stage=STAGE, outcome=Outcome.PASS, summary=f"{what} at {facts['path']}", facts=facts)
    return record_step(ledger, result, digest_json(facts))


def copies(ledger: Ledger) -> list[Copy]:
    """Every copy that is remembered, the newest of each path."""
    found = {}
    for node in ledger.find("step", STAGE):
        facts = node.body["facts"]
        found[str(facts["path"])] = Copy(
            path=Path(str(facts["path"])), what=str(facts["what"]), digest=str(facts["digest"]),
            may_go=bool(facts["may_go"]),
        )  # fmt: skip
    return list(found.values())
