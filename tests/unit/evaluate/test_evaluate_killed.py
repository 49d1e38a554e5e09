"""An evaluation that was killed goes on where it was: no answered item is sent again, and its look counts once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from headgate.stats.verdict import Outcome
from headgate.testing.fake_endpoint import FakeEndpoint

STAGE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from headgate.evaluate.run import run
from headgate.evaluate.settings import Settings, SuiteSettings
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext

folder, base, candidate = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
suite = SuiteSettings(gate="gate.jsonl", sealed="sealed.jsonl")
settings = Settings(suites={"topics": suite}, base=base, candidate=candidate, concurrency=1, look_budget=1, actor="a")
context = StageContext(folder=folder, work=folder / ".headgate" / "work", outputs={}, quiet=True,
                       now=datetime(2026, 11, 21, tzinfo=UTC), flow_name="f")
with Ledger.open(folder / ".headgate") as ledger:
    print(run(ledger, settings, context=context).outcome.value)
"""


@pytest.mark.parametrize(("pool", "start"), [("gate", 100), ("sealed", 200)])
def test_kill_9_in_the_middle_of_a_pool(
    project: Any, serve: Callable[..., FakeEndpoint], world: ModuleType, pool: str, start: int
) -> None:
    """Killed while the eighth item of a pool stalls, the next run sends that one again and no other."""
    stalled = world.items(start, 30)[7][0]
    server = serve(world.policy, lambda attempt, text: "stall" if attempt == 1 and text == stalled else "")
    command = [sys.executable, "-c", STAGE, str(project.folder), server.spec("base"), server.spec("candidate")]
    first = subprocess.Popen(command, stdout=subprocess.PIPE)
    end = time.monotonic() + 60
    while not server.sent()[stalled]:
        assert time.monotonic() < end and first.poll() is None, "the evaluation did not get so far"
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    # The other model's first attempt at the stalled item is let through as well.
    server.faults = lambda attempt, text: ""
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert second.stdout.strip() == Outcome.PASS.value
    twice = {(r.model, r.text) for r in server.journal if r.attempt > 1}
    assert twice == {("base" if pool == "gate" else "candidate", stalled)}
    assert len(server.journal) == 2 * 60 + 1
    log = (project.folder / ".headgate" / "access-log.jsonl").read_text().splitlines()
    assert [json.loads(line)["answer"] for line in log] == ["opened", "pass better"]
