"""Rows and processes that write them, for tests of ledgers that several use."""

from __future__ import annotations

import random
import string
import subprocess
import sys
from typing import Any

from headgate.kit.hashing import digest
from headgate.ledger.ledger import RowRecord

NOISE = random.Random(5)


def words(count: int) -> bytes:
    """Text of random letters: what zstd stores of it is as good as unique."""
    return "".join(NOISE.choices(string.ascii_letters, k=count)).encode()


def row(name: str, body: bytes, source: str, subject: str | None = None) -> RowRecord:
    """A row."""
    return RowRecord(id=digest(name.encode()), content_id=digest(body), body=body, source_id=source, subject=subject)


WRITER = """
import sys
from pathlib import Path
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Ledger, RowRecord

where, folder, name, batches = sys.argv[1:]
with Ledger.open(where, beside=Path(folder)) as ledger:
    source = ledger.record("source", name, {})
    for batch in range(int(batches)):
        ids = [digest(f"{name} {batch} {i}".encode()) for i in range(20)]
        ledger.rows.append([RowRecord(id=i, content_id=i, body=i.encode() * 9, source_id=source) for i in ids])
        print(ids[0], ids[-1], flush=True)
"""


def writers(shared: Any, names: list[str], batches: int) -> list[subprocess.Popen[str]]:
    """Processes that append at the same time."""
    shared.open().close()
    commands = [[sys.executable, "-c", WRITER, shared.where, str(shared.folder), name, str(batches)] for name in names]
    return [subprocess.Popen(one, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for one in commands]
