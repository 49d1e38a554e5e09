"""Preferences and rewards over two processes, which are started once for all three methods."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from headgate.kit.errors import Refused
from headgate.models.adapter import TENSORS
from headgate.train import training, worker
from headgate.train.job import Job, Trained, trained_of
from headgate.train.settings import Adapter, Grpo

pytestmark = pytest.mark.training

STEPS = 2
EACH = """import sys
from pathlib import Path
from headgate.train.worker import leave_together, main
for one in sys.argv[1:]:
    main(Path(one))
leave_together()
"""
GIVEN: dict[str, Any] = {
    "steps": STEPS, "learning_rate": 5e-3, "save_every": 0, "device": "cpu", "processes": 2,
    "adapter": Adapter(rank=4, alpha=8.0),
}  # fmt: skip
OF_METHOD: dict[str, dict[str, Any]] = {
    "dpo": {"batch": 8},
    "kto": {"batch": 8},
    # Most fresh answers are no JSON at all, and short enough only now and then.
    "grpo": {"batch": 2, "grpo": Grpo(rewards=["python:short.py:short"], generations=4, answer_tokens=8)},
}
SHORT = "def short(prompt, answer, reference):\n    return 1 / (1 + len(answer))\n"


@pytest.fixture
def jobs(project, maker, monkeypatch: pytest.MonkeyPatch) -> dict[str, Job]:
    """What the stage would hand to several processes, for each method."""
    found: dict[str, Job] = {}

    def taken(job: Job, folder: Path) -> Trained:
        found[job.settings.method] = job
        raise Refused("taken", file=str(folder))

    monkeypatch.setattr(training, "train_together", taken)
    (project.folder / "short.py").write_text(SHORT, encoding="utf-8")
    rows = {"dpo": ("pairs", maker.pairs()), "kto": ("judged", maker.judged())}
    for method, more in OF_METHOD.items():
        of = project.of(*rows[method]) if method in rows else project
        with pytest.raises(Refused, match="taken"):
            of.train(method=method, **GIVEN, **more)
    return found


def test_two_processes_share_preferences_and_rewards(jobs: dict[str, Job], tmp_path: Path) -> None:
    """The losses of one process; drawn answers earn in every step, and the first process writes one adapter."""
    from headgate.train.engines import trl_methods

    for method, job in jobs.items():
        worker.write(
            replace(job, out=tmp_path / f"{method}-adapter", checkpoints=tmp_path / f"{method}-c"), tmp_path / method
        )
    (tmp_path / "each.py").write_text(EACH, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    command += ["--local-addr", "127.0.0.1", str(tmp_path / "each.py"), *(str(tmp_path / one) for one in jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=worker._variables(on_cpu=True))
    assert 0 == done.returncode, done.stderr[:1500] + done.stderr[-1500:]
    together = {one: trained_of(orjson.loads((tmp_path / one / worker.DONE).read_bytes())) for one in jobs}
    for method, near in (("dpo", 1e-3), ("kto", 2e-2)):
        job = jobs[method]
        single = replace(job, settings=replace(job.settings, processes=1), out=tmp_path / f"{method}-one")
        alone = trl_methods.train(single)
        assert together[method].losses == pytest.approx(alone.losses, rel=near), method
        assert together[method].losses[0] != together[method].losses[-1]
    rewards = together["grpo"].measures["reward"]
    assert (STEPS, True) == (len(rewards), all(one is not None and 0 < one <= 1 for one in rewards))
    assert np.any(np.asarray(together["grpo"].measures["reward_std"], dtype=float) > 0)
    assert all((tmp_path / f"{method}-adapter" / TENSORS).is_file() for method in jobs)
