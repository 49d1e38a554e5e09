"""The journal of a model: every answer is written down before it is used, so that none is asked for twice.

One file per model, JSON lines. Each answer is handed to the operating system at once, so a kill at
any moment loses at most the line being written (it is cut off when the journal is next opened). The
disk is told to keep them five times a second: a power cut costs the answers of the last moment, which
are asked again. Prompts are not
stored, only the key made of model, prompt and sampling. Failed attempts are noted for the reader and
are asked again by the next run.
"""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import Any, Self

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import as_refusal
from headgate.kit.locks import take
from headgate.models.model import Completion, completion_of

SYNC_EVERY = 0.2  # seconds


class Journal:
    """Answers of one model by request key. Open in one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failures = 0  # failed attempts noted in the file
        self.unreadable = 0  # whole lines that could not be read; their requests are asked again
        self._answers: dict[str, Completion] = {}
        self._synced = 0.0  # monotonic seconds
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise as_refusal(error, path) from error
        try:
            take(self._handle, path, "another run is asking the same model")
        except Refused:
            os.close(self._handle)
            raise
        self._read()

    @classmethod
    def of(cls, folder: Path, fingerprint: str) -> Self:
        """The journal of the model with this fingerprint, inside a folder of journals."""
        return cls(folder / f"{fingerprint.removeprefix('b3:')[:32]}.jsonl")

    def _read(self) -> None:
        whole = 0
        with os.fdopen(os.dup(self._handle), "rb") as stream:
            stream.seek(0)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                self._take(line)
        os.ftruncate(self._handle, whole)
        os.lseek(self._handle, 0, os.SEEK_END)

    def _take(self, line: bytes) -> None:
        try:
            body = orjson.loads(line)
            if "failed" in body:
                self.failures += 1
            else:
                self._answers[body["key"]] = completion_of(body["answer"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self.unreadable += 1

    def get(self, key: str) -> Completion | None:
        """The answer on record, or None."""
        return self._answers.get(key)

    def put(self, key: str, completion: Completion) -> None:
        """Records an answer; it survives the end of this process when this returns.

        Raises:
            Refused: the disk is full.
        """
        self._append({"key": key, "answer": completion.as_json()})
        self._answers[key] = completion

    def note_failure(self, key: str, reason: str) -> None:
        """Notes that a request failed; it stays open and the next run asks again."""
        self._append({"key": key, "failed": reason})
        self.failures += 1

    def _append(self, body: dict[str, Any]) -> None:
        line = orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
        try:
            while line:
                line = line[os.write(self._handle, line) :]
            if monotonic() - self._synced > SYNC_EVERY:
                self._sync()
        except OSError as error:
            raise as_refusal(error, self.path) from error

    def _sync(self) -> None:
        os.fdatasync(self._handle)
        self._synced = monotonic()

    @property
    def size(self) -> int:
        """Number of answers on record."""
        return len(self._answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and lets other processes have it."""
        if self._handle >= 0:
            self._sync()
            os.close(self._handle)
            self._handle = -1
