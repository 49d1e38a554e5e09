"""Files appear whole or not at all, and refusals say why."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.kit.files import TEMPORARY, atomic_write, must_be_file, write_text


def left_over(folder: Path) -> list[str]:
    """Temporary files that a write left behind."""
    return [p.name for p in folder.iterdir() if p.name.startswith(TEMPORARY)]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    """An error half-way changes nothing and leaves nothing behind."""
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(ZeroDivisionError), atomic_write(target) as stream:
        stream.write(b"new")
        raise ZeroDivisionError
    assert "old" == target.read_text()
    assert [] == left_over(tmp_path)


def test_a_full_disk_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No space: exit code 2, a clear word, nothing half-written."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused) as caught:
        write_text(tmp_path / "a.txt", "text")
    assert "the disk is full" == caught.value.what
    assert [] == list(tmp_path.iterdir())


def test_a_missing_folder_is_a_refusal(tmp_path: Path) -> None:
    """The message carries the command that makes the folder."""
    with pytest.raises(Refused) as caught:
        write_text(tmp_path / "no" / "a.txt", "text")
    assert f"mkdir -p {tmp_path / 'no'}" == caught.value.next_step


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    """Missing, dangling link, folder: three different words."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    words = []
    for path in (tmp_path / "gone", link, tmp_path):
        with pytest.raises(Refused) as caught:
            must_be_file(path)
        words.append(caught.value.what)
    assert ["no such file", "dangling link", "a directory, not a file"] == words


def test_a_pipe_or_device_is_never_written_over(tmp_path: Path) -> None:
    """What stands for something else than a file stays, also behind a link."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    words = []
    for target in (pipe, link):
        with pytest.raises(Refused) as caught:
            write_text(target, "text")
        words.append(caught.value.what)
    assert ["not a regular file, so it is not written over"] * 2 == words
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert [] == left_over(tmp_path)


def test_a_name_too_long_is_a_refusal(tmp_path: Path) -> None:
    """To read and to write alike; no error of the operating system comes through."""
    words = []
    for use in (must_be_file, lambda path: write_text(path, "text")):
        with pytest.raises(Refused) as caught:
            use(tmp_path / ("a" * 300))
        words.append(caught.value.what)
    assert ["the name is too long"] * 2 == words


def test_kill_in_the_middle_of_writes_leaves_old_or_new(tmp_path: Path) -> None:
    """SIGKILL at some moment: the file is whole, with one of the contents written."""
    target = tmp_path / "a.txt"
    code = (
        "import sys; from pathlib import Path; from headgate.kit.files import write_text\n"
        f"p = Path({str(target)!r})\n"
        "n = 0\nwhile True:\n    n += 1; write_text(p, str(n) * 50_000); print(n, flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for _ in range(3):
        process.stdout.readline()
    time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    acknowledged = 3 + sum(1 for _ in process.stdout)
    process.stdout.close()
    text = target.read_text()
    number = int(text[: len(text) // 50_000])
    assert str(number) * 50_000 == text
    assert number in (acknowledged, acknowledged + 1)
