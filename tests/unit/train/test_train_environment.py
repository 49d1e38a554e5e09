"""What surrounds a training, as a plan records it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.train.environment import packages


def test_folders_that_a_library_adds_while_it_runs_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed is found again by a process that did other things before."""
    before = packages()
    info = tmp_path / "stowaway-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stowaway\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    packages.cache_clear()
    assert before == packages()
    assert "torch" in before
