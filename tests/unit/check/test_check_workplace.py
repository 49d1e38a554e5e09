"""The folder in which an audit works: its own for as long as it lives, and there again for whoever goes on."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headgate.check.workplace import LOCK, remove, work_folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """A folder in which another process is at work."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def test_two_audits_of_the_same_files_do_not_share_a_folder(tmp_path: Path) -> None:
    """Whoever is done first removes its folder, under the feet of the other if it were the same."""
    (first := tmp_path / "audit-key").mkdir()
    with held(first):
        second = work_folder(tmp_path, "key")
        assert tmp_path / "audit-key-2" == second
        assert second == work_folder(tmp_path, "key")
        remove(second)
        assert [first] == list(tmp_path.iterdir())


def test_an_audit_that_was_ended_is_gone_on_with(tmp_path: Path) -> None:
    """Its folder is nobody's any more, and what it scanned is still there."""
    (first := tmp_path / "audit-key").mkdir()
    with held(first):
        (first / "shard-000000").touch()
    assert first == work_folder(tmp_path, "key")
    assert (first / "shard-000000").exists()
    remove(first)
    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_was_removed_by_hand_is_made_again(tmp_path: Path) -> None:
    """And is held again."""
    first = work_folder(tmp_path, "key")
    (first / LOCK).unlink()
    first.rmdir()
    assert first == work_folder(tmp_path, "key")
    assert (first / LOCK).exists()
    remove(first)
