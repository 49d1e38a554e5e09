"""Erasing in copies that were written at a person's wish, wherever they lie: recorded effects, rescue kits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from headgate.ledger.copies import copies
from headgate.ledger.ledger import Ledger
from headgate.rights.traces import Traces


@dataclass(slots=True)
class InCopies:
    """What became of the copies that hold the words; paths as seen from the project."""

    gone: list[str] = field(default_factory=list)  # they can be made again
    kept: list[str] = field(default_factory=list)  # changed since, or the only copy of other people's rows


def erase_in_copies(ledger: Ledger, traces: Traces, project: Path, unread: list[str]) -> InCopies:
    """Deletes copies that hold the words, can be made again, and are as they were written; names the others."""
    out = InCopies()
    for copy in copies(ledger):
        for path in traces.in_files(copy.files(project), unread):
            name = os.path.relpath(path, project)
            if copy.may_go and copy.is_as_written(project):
                try:
                    path.unlink()
                    out.gone.append(name)
                    continue
                except OSError as error:
                    unread.append(f"{name}: {error.strerror}")
            out.kept.append(name)
    return out
