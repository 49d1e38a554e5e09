"""Words that were erased and are there again: a ledger that was brought back from a copy made before the erasure.

Such a ledger is whole in itself, and knows nothing of the erasure. So each one that came to its end is noted in a file
of its own beside the ledger too, by whom or what it was about; a copy of the whole folder brings back neither.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import orjson

from headgate.kit.errors import Refused
from headgate.kit.files import atomic_write
from headgate.kit.hashing import PREFIX
from headgate.ledger.approvals import DONE, ERASURE
from headgate.ledger.cases import rows_of
from headgate.ledger.ledger import Ledger
from headgate.rights.reach import ROW, SOURCE, SUBJECT, Target

NOTES = "erased"  # the folder of the notes, beside the ledger


def note(store: Path, target: Target, at: str, record: str) -> None:
    """Notes an erasure that came to its end. `at`: its moment; `record`: address of what the ledger says of it."""
    if target.kind not in (SUBJECT, SOURCE, ROW):
        return  # of rows past their period, which are past it after a return as well
    folder = store / NOTES
    folder.mkdir(exist_ok=True)
    with atomic_write(folder / f"{record.removeprefix(PREFIX)[:32]}.json") as stream:
        stream.write(orjson.dumps({"kind": target.kind, "key": target.key, "at": at}))


def come_back(ledger: Ledger, store: Path) -> list[tuple[Target, str]]:
    """Who or what was erased here, on which day, and has words in the ledger that knows nothing of it."""
    newest: dict[Target, str] = {}
    for target, at in _notes(store / NOTES):
        newest[target] = max(at, newest.get(target, ""))
    if not newest:
        return []
    known: dict[str, str] = {}
    for node in ledger.find("decision", ERASURE):  # oldest first
        if node.body["state"] == DONE:
            known[str(node.body["target"])] = max(str(node.body["at"]), known.get(str(node.body["target"]), ""))
    missing = [target for target in newest if known.get(str(target), "") < newest[target]]
    return [(one, newest[one]) for one in missing if _has_words(ledger, one)]


def must_not_have_come_back(ledger: Ledger, store: Path) -> None:
    """Refuses to work with words that were erased.

    Raises:
        Refused: some are there again.
    """
    if found := come_back(ledger, store):
        raise Refused(
            "words that were erased are in the ledger again: it was brought back from an older copy",
            found="; ".join(f"{target}, erased on {at[:10]}" for target, at in found[:5]),
            next_step=again(found[0][0]),
        )


def again(target: Target) -> str:
    """The command that erases them again."""
    return f"headgate rights erase --{target.kind} {shlex.quote(target.key)} --by NAME --reason TEXT --yes"


def _has_words(ledger: Ledger, target: Target) -> bool:
    return any(True for _ in ledger.rows.bodies(rows_of(ledger, target.kind, target.key)))


def _notes(folder: Path) -> Iterator[tuple[Target, str]]:
    for path in sorted(folder.glob("*.json")):
        try:
            told = orjson.loads(path.read_bytes())
            yield Target(str(told["kind"]), str(told["key"])), str(told["at"])
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Refused(
                "a note of an erasure cannot be read", file=str(path), found=str(error),
                next_step="remove the file where `headgate ledger log --kind decision` shows that erasure",
            ) from None  # fmt: skip
