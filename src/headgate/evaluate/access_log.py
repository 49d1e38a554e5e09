"""The chained log of every look at a sealed pool.

One JSON object per line; each entry carries the SHA-256 of the one before it, and its own hash
covers everything in it. An edited, deleted, inserted or moved entry breaks the chain; a log cut
off at the end is told by the head that the ledger remembers. The log is no lock: whoever holds
the files can read the items. It makes looks countable and their traces hard to lose by accident.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from headgate.kit import clock
from headgate.kit.errors import Refused
from headgate.kit.files import as_refusal
from headgate.kit.hashing import canonical_json

ORIGIN = "0" * 64  # what the first entry names as its predecessor
OPENED = "opened"  # answer of an entry that opens a look


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: a look that was opened, or the answer that it was given."""

    seq: int  # from 1
    time: str  # ISO 8601, UTC
    actor: str
    candidate: str  # fingerprint of what was looked at
    suite: str  # digest of the sealed suite
    purpose: str
    look: str  # digest of everything that makes two looks the same
    answer: str  # "opened", or the class of the answer given
    bits: float  # what the answer gave away, at most
    previous: str
    detail: Mapping[str, Any] = field(default_factory=dict)  # the answer as it was shown
    hash: str = ""

    def sealed(self) -> Entry:
        """The entry with its own hash: SHA-256 over the previous hash and the canonical JSON of the rest."""
        body = asdict(self)
        body.pop("hash")
        told = hashlib.sha256(self.previous.encode() + canonical_json(body)).hexdigest()
        return replace(self, hash=told)


class AccessLog:
    """The log of one project, in memory and on disk."""

    def __init__(self, path: Path) -> None:
        """Reads what is there.

        Raises:
            Refused: the file cannot be read.
        """
        self.path = path
        self.entries: list[Entry] = []
        self.torn: list[str] = []  # lines that are no entries
        try:
            data = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise as_refusal(error, path) from error
        for number, line in enumerate(data.splitlines(), 1):
            try:
                self.entries.append(Entry(**orjson.loads(line)))
            except (orjson.JSONDecodeError, TypeError):
                self.torn.append(f"line {number} is no entry")

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry."""
        return (self.entries[-1].seq, self.entries[-1].hash) if self.entries else (0, ORIGIN)

    def append(
        self,
        *,
        actor: str,
        candidate: str,
        suite: str,
        purpose: str,
        look: str,
        answer: str,
        bits: float = 0.0,
        detail: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> Entry:
        """Adds an entry; on disk when this returns.

        Raises:
            Refused: the disk is full, the folder cannot be written, or the log is damaged.
        """
        if self.torn:
            raise Refused("the access log is damaged", file=str(self.path), found=self.torn[0])
        seq, previous = self.head
        entry = Entry(
            seq=seq + 1,
            time=clock.stamp(at),
            actor=actor,
            candidate=candidate,
            suite=suite,
            purpose=purpose,
            look=look,
            answer=answer,
            bits=bits,
            previous=previous,
            detail=dict(detail or {}),
        ).sealed()
        self._write(orjson.dumps(asdict(entry), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS))
        self.entries.append(entry)
        return entry

    def _write(self, line: bytes) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                while line:
                    line = line[os.write(handle, line) :]
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise as_refusal(error, self.path) from error

    def problems(self, head: tuple[int, str] | None = None) -> list[str]:
        """What is wrong with the log; nothing for a whole one.

        `head` is a number and hash remembered elsewhere; the entry of that number must have that hash.
        """
        found = list(self.torn)
        previous = ORIGIN
        for number, entry in enumerate(self.entries, 1):
            if entry.seq != number:
                found.append(f"entry {number} says that it is entry {entry.seq}")
            if entry.previous != previous:
                found.append(f"entry {number} does not follow the one before it")
            if entry.sealed().hash != entry.hash:
                found.append(f"entry {number} was changed")
            previous = entry.hash
        if head is not None and head[0] > len(self.entries):
            found.append(f"the ledger remembers {head[0]} entries, the log holds {len(self.entries)}")
        elif head is not None and head[0] and self.entries[head[0] - 1].hash != head[1]:
            found.append(f"entry {head[0]} is not the one that the ledger remembers")
        if head is not None and len(self.entries) > head[0] + 1:
            # One may be there: a run that was killed between the log and the ledger.
            found.append(f"{len(self.entries) - head[0]} entries follow the last one that the ledger remembers")
        return found

    def looks(self, suite: str) -> list[str]:
        """Digests of the different looks that were opened at a suite, in order."""
        return list(dict.fromkeys(e.look for e in self.entries if e.suite == suite and e.answer == OPENED))

    def answer_to(self, look: str, upto: int | None = None) -> Entry | None:
        """The answer that a look was given, or None; of the first `upto` entries, where a ledger remembers so many."""
        known = self.entries if upto is None else self.entries[:upto]
        given: Sequence[Entry] = [e for e in known if e.look == look and e.answer != OPENED]
        return given[-1] if given else None

    def bits(self, *suites: str) -> float:
        """What all answers about pools gave away, at most."""
        return float(sum(e.bits for e in self.entries if e.suite in suites))
