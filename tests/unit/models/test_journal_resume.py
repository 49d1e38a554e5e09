"""Answers survive kill -9: what is in the journal is never asked for again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.models.journal import Journal
from headgate.models.model import Completion
from headgate.testing.fake_endpoint import FakeEndpoint, Request
from headgate.testing.faults import where

CLIENT = """
import asyncio, sys
from pathlib import Path
from headgate.kit.progress import silent
from headgate.models.journal import Journal
from headgate.models.model import Sampling
from headgate.models.opening import open_model

model = open_model(sys.argv[1], concurrency=int(sys.argv[3]))
prompts = [({"role": "user", "content": f"item {i}"},) for i in range(12)]
with Journal.of(Path(sys.argv[2]), model.fingerprint) as journal:
    answers = asyncio.run(model.complete(prompts, settings=Sampling(), journal=journal, advance=silent))
print("".join(a.text for a in answers))
"""


def echo(request: Request) -> str:
    return f"[{request.text}]"


def start(spec: str, folder: Path, concurrency: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CLIENT, spec, str(folder), str(concurrency)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def until(condition: object, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "the client did not get so far"
        time.sleep(0.01)


def test_no_answer_is_asked_for_twice_after_kill_9(tmp_path: Path) -> None:
    """Killed while item 7 stalls, the run goes on with item 7; items 0 to 6 are sent once in all."""
    with FakeEndpoint(echo, faults=where("item 7", "stall", times=1)) as server:
        first = start(server.spec(), tmp_path)
        until(lambda: server.sent()["item 7"])
        first.send_signal(signal.SIGKILL)
        first.communicate()
        second = start(server.spec(), tmp_path)
        out, _ = second.communicate(timeout=60)
        assert out.strip() == "".join(f"[item {i}]" for i in range(12))
        assert {text: n for text, n in server.sent().items() if n > 1} == {"item 7": 2}
        assert len(server.sent()) == 12


def test_side_by_side_requests_repeat_only_what_was_in_flight(tmp_path: Path) -> None:
    """With four requests at a time, what the journal held at the kill is sent once in all."""
    with FakeEndpoint(echo, faults=where("item 7", "stall", times=1)) as server:
        first = start(server.spec(), tmp_path, concurrency=4)
        until(lambda: len(server.journal) == 12)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        known = next(tmp_path.glob("*.jsonl")).read_text()
        second = start(server.spec(), tmp_path, concurrency=4)
        out, _ = second.communicate(timeout=60)
        assert out.strip() == "".join(f"[item {i}]" for i in range(12))
        twice = [text for text, n in server.sent().items() if n > 1]
        assert "item 7" in twice and len(twice) <= 4
        assert not [text for text in twice if f"[{text}]" in known]


def test_a_torn_line_is_cut_off_and_the_rest_kept(tmp_path: Path) -> None:
    """Half a line at the end is dropped; new answers follow whole ones."""
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.put("a", Completion(text="1"))
        journal.put("b", Completion(text="2", notes=("odd",)))
    whole = path.read_bytes()
    for cut in range(1, 40):
        path.write_bytes(whole + whole[:cut].rstrip(b"\n"))
        with Journal(path) as journal:
            assert (journal.size, journal.get("b")) == (2, Completion(text="2", notes=("odd",)))
        assert path.read_bytes() == whole


def test_a_line_that_is_no_answer_is_counted(tmp_path: Path) -> None:
    """Rubbish in the middle costs one answer, is counted, and stops nothing."""
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.put("a", Completion(text="1"))
    path.write_bytes(b'{"key": 1}\nrubbish\n' + path.read_bytes())
    with Journal(path) as journal:
        assert (journal.size, journal.unreadable) == (1, 2)


def test_two_runs_cannot_share_a_journal(tmp_path: Path) -> None:
    """A second opener is refused while the first holds the file, and may have it afterwards."""
    path = tmp_path / "j.jsonl"
    with Journal(path), pytest.raises(Refused, match="another run"):
        Journal(path)
    with Journal(path) as journal:
        assert journal.size == 0


def test_the_journal_is_private(tmp_path: Path) -> None:
    """Nobody else on the machine may read the answers."""
    with Journal(tmp_path / "deep" / "j.jsonl") as journal:
        assert journal.path.stat().st_mode & 0o077 == 0
