"""A project of Ann, Bob and what quotes them, wherever its ledger lies; her erasure, and a kill in the middle of it."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.curate import reviews
from headgate.kit.hashing import canonical_json, digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.rights import erasure
from headgate.rights.reach import Target
from headgate.rows.row import Kind, Message, Row, Side, to_bytes

ADDRESS = re.compile(rb"b3:[0-9a-f]{64}")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Target("subject", "ann")
SECRET = 'My neighbour\'s "blue" gate was left open on the 3rd of May, and the dog ran into the harbour – nobody paid.'
PARAPHRASE = (
    "On 3 May the dog of a neighbour escaped through an open blue gate towards the harbour and was never paid for."
)
COMMON = "Where can I see the transactions of last month?"
BOB = "The card that you sent to me in April does not work abroad at all."
MERGED = f"{BOB} Also, there was a matter about a harbour that somebody else had raised before."


def words(row: str, parents: tuple[str, ...] = ()) -> bytes:
    """The body of a row that says something."""
    said = [{"role": "user", "content": row}, {"role": "assistant", "content": "ok"}]
    made = {"side": {"parents": list(parents)}} if parents else {}
    return json.dumps({"kind": "demonstration", "messages": said, **made}).encode()


def opened(store: Path) -> Ledger:
    """The ledger of a project: in its folder, or in the place that a hidden file names."""
    named = store.parent / ".place"
    where, content = json.loads(named.read_text()) if named.exists() else (str(store), None)
    return Ledger.open(where, create=True, content=content, beside=store, clock=lambda: NOW)


def build(store: Path) -> None:
    """Ann's row, one that Bob says too, a paraphrase, a merge with Bob's; and quotes of them in many places."""
    store.mkdir(exist_ok=True)
    with opened(store) as ledger:
        source = ledger.record("source", "desk", {})
        ids = [digest(f"row {number}".encode()) for number in range(6)]
        said = [SECRET, COMMON, COMMON, BOB, PARAPHRASE, MERGED]
        whose = ["ann", "ann", "bob", "bob", None, None]
        parents = [(), (), (), (), (ids[0],), (ids[0], ids[3])]
        ledger.rows.append(
            [
                RowRecord(
                    id=ids[n],
                    content_id=digest(said[n].encode()),
                    body=words(said[n], parents[n]),
                    source_id=source,
                    subject=whose[n],
                    parents=parents[n],
                )
                for n in range(6)
            ]
        )
        every = BitMap(range(1, 7))
        ledger.versions.freeze("support", numbers=every, splits={"train": every}, manifest={})
        run = ledger.record("run", "run", {}, edges=[Edge("trained-on", ledger.versions.get("support").node_id)])
        ledger.record("adapter", "adapter", {}, edges=[Edge("derived-from", run)])
        ledger.record("verdict", "check", {"examples": [SECRET[10:70]]})
        ledger.record("item", "topics/gate", {"question": SECRET})
        ledger.content.put(json.dumps({"transcript": SECRET}).encode())
        ledger.content.put(words(BOB))
    work = store / "work"
    work.mkdir()
    (work / "removed.jsonl").write_text(json.dumps({"text": SECRET}) + "\n")
    (work / "kept.jsonl").write_text(json.dumps({"text": BOB}) + "\n")
    (work / "packed.jsonl.gz").write_bytes(gzip.compress(words(PARAPHRASE)))
    (work / "report.html").write_text(f"<p>{escape(SECRET)}</p>")
    (work / "asked.shard").write_bytes(shard(ids[0]))
    (work / "other.shard").write_bytes(shard(ids[3]))
    (store.parent / "train.jsonl").write_text(json.dumps({"text": SECRET}, ensure_ascii=False) + "\n")


def short_family(store: Path) -> list[str]:
    """Ann says "no", Bob "yes", a row was made from both and one from that; records and files name them all.

    Returns every plain address that somebody could compute who guesses what Ann said and knows all the rest.
    """

    def said(text: str, *parents: Row, **side: Any) -> Row:
        turns = Message("user", text), Message("assistant", "ok")
        return Row(kind=Kind.DEMONSTRATION, messages=turns, side=Side(parents=tuple(one.id for one in parents), **side))

    ann, bob = said("no", subject="ann"), said("yes", subject="bob")
    both = said("no yes", ann, bob)
    masked = replace(both, side=Side(parents=(both.id,), extra={"masked": {"name": 1}}))
    by_words = replace(said("maybe"), side=Side(parents=(ann.content_id, bob.id)))
    rows = [ann, bob, both, masked, by_words]
    with opened(store) as ledger:
        source = ledger.record("source", "short", {})
        ledger.rows.append(
            [
                RowRecord(
                    id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=source,
                    subject=one.side.subject, parents=one.side.parents,
                )
                for one in rows
            ]
        )  # fmt: skip
        ledger.record("verdict", "near", {"findings": [{"row": one.id} for one in rows]})
        ledger.content.put(canonical_json([{"row": masked.id, "partner": both.id}]))
        reviews.decide(ledger, "support", accept=[ann.id, both.id], keep=[masked.id], name="A. Vos", at=NOW)
    (store / "work" / "of-both.shard").write_bytes(shard(both.id))
    (store / "work" / "kin.json").write_text(json.dumps([masked.id, by_words.id]))
    return [
        *(one.id for one in rows if one is not bob), ann.content_id,
        *(digest(to_bytes(one)) for one in rows if one is not bob),
    ]  # fmt: skip


def as_written(addresses: list[str]) -> list[bytes]:
    """Addresses in each form in which they may stand: digits, and bytes."""
    return [form for one in addresses for form in (one[3:].encode(), bytes.fromhex(one[3:]))]


def shard(row_id: str) -> bytes:
    """A shard of one row, as the trainer reads it."""
    import numpy as np

    from headgate.train.shard import Shard

    none = np.zeros(0, dtype=np.int32)
    return Shard(
        row_ids=(row_id,), offsets=np.zeros(2, dtype=np.int64), tokens=none, weights=none.astype(np.float32)
    ).to_bytes()


def run(store: Path, **more: bool) -> erasure.Erased:
    """An erasure of Ann."""
    with opened(store) as ledger:
        planned = erasure.plan(ledger, ANN, **more)
        return erasure.erase(ledger, planned, store=store, by="A. Vos", reason="case 1", now=NOW)


def state(store: Path) -> tuple[object, ...]:
    """What can be told afterwards."""
    with opened(store) as ledger:
        every = ledger.rows.all_numbers()
        # Keyed addresses are those of one ledger: another one names the same rows.
        named = lambda found: f"row {ledger.rows.number_of(found[0].decode())}".encode()  # noqa: E731
        bodies = [(number, ADDRESS.sub(named, body)) for number, _, body in ledger.rows.bodies(every)]
        files = sorted(path.name for path in (store / "work").iterdir())
        verdicts = [(node.name, node.erased) for node in ledger.find("verdict")]
        return bodies, files, verdicts, len(every), ledger.verify().outcome.value


KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from headgate.ledger import ledger as module
import erased_person as tests

left = int(sys.argv[2])
def counted(function):
    def called(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return called
Path.unlink = counted(Path.unlink)
module.Ledger.sweep = counted(module.Ledger.sweep)
from headgate.ledger.chain import Writing
Writing.append = counted(Writing.append)
from headgate.ledger import postgres
postgres.turn_over = counted(postgres.turn_over)
from headgate.ledger.engines.s3 import S3Bucket
for name in ("put", "delete", "versions"):
    setattr(S3Bucket, name, counted(getattr(S3Bucket, name)))
tests.run(Path(sys.argv[1]), items=True)
"""


def killed_after(steps: int, store: Path) -> int:
    """How the process ended that erased in a project and was to be killed after some steps."""
    command = [sys.executable, "-c", KILLED, str(store), str(steps), str(Path(__file__).parent)]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, check=False).returncode
