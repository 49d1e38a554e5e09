"""kill -9 during a freeze: there is no version or a whole one, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from headgate.curate.disjoint import prove_disjoint
from headgate.curate.run import run
from headgate.curate.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Row

SETTINGS = Settings(steps=["redact", "split", "exact-duplicates"])
# Kills itself when the ledger has been told of the named change, before the transaction ends.
PROGRAM = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from headgate.curate.run import run
from headgate.curate.settings import Settings
from headgate.ledger import chain
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext

folder, fatal = Path(sys.argv[1]), sys.argv[2]
append = chain.Writing.append

def told(self, action, payload):
    seq = append(self, action, payload)
    if action == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return seq

chain.Writing.append = told
context = StageContext(folder=folder, work=folder / "work", outputs={}, quiet=True,
                       now=datetime(2026, 11, 1, tzinfo=UTC), flow_name="support")
with Ledger.open(folder) as ledger:
    run(ledger, Settings(steps=["redact", "split", "exact-duplicates"]), context=context)
"""


@pytest.mark.parametrize("fatal", ["content", "version"])
def test_no_version_or_a_whole_one(
    ledger: Ledger,
    context: StageContext,
    store: Callable[[Sequence[Row]], None],
    banking: list[Row],
    fatal: str,
) -> None:
    """Killed while the manifest or the version is written: no version; the next run freezes it as if nothing was."""
    store(banking)
    ledger.close()
    command = [sys.executable, "-c", PROGRAM, str(context.folder), fatal]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with Ledger.open(context.folder) as opened:
        assert opened.versions.names() == []
        assert opened.verify().problems == ()
        version = run(opened, SETTINGS, context=context).outputs["dataset"]
        assert version == "support@1"
        assert prove_disjoint(opened, version).holds
        assert opened.verify().problems == ()
