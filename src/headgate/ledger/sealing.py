"""The secret key of a ledger, under which every address is made that an erasure leaves behind.

A plain hash of a short text lets anyone who holds it try texts until one fits. So the addresses that the ledger keeps
of rows, of content and of records that may quote a person are keyed (BLAKE3 in its keyed mode), and the key lies
beside the database and never in it: a copy of the ledger, an export or an evidence bundle gives nothing to try texts
against. Rows have their plain address too, next to their words, and lose both together. Other records (runs,
releases, decisions, versions) are never erased: theirs stay plain, so that anybody can recompute them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from blake3 import blake3

from headgate.kit.errors import Refused
from headgate.kit.files import flush_folder
from headgate.kit.hashing import PREFIX, canonical_json, digest
from headgate.ledger import schema

SIZE = 32  # bytes
VARIABLE = "HEADGATE_LEDGER_KEY"
SUFFIX = ".key"
# What models are asked: a person decides whether an item goes.
ITEMS = frozenset({"item", "suite", "probe"})
# What was measured or shown, and can be made again. All other records say who, what and when, and are kept.
QUOTING = frozenset({"verdict", "step", "trace", "signal", "score", "case"})


class Seal:
    """Makes addresses under a key; without one, as ledgers of schema 2 and older have it, they are plain."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    @property
    def keyed(self) -> bool:
        """Whether addresses need the key."""
        return self._key is not None

    def address(self, data: bytes) -> str:
        """Address of bytes, as the ledger keeps it."""
        if self._key is None:
            return digest(data)
        return PREFIX + blake3(data, key=self._key).hexdigest()

    def of(self, plain: str) -> str:
        """What the ledger keeps in place of a plain address."""
        return plain if self._key is None else self.address(schema.raw(plain))

    def either(self, addresses: set[str]) -> set[str]:
        """Addresses as given, and sealed: a person may name a row by the one or by the other."""
        if self._key is None:
            return addresses
        return addresses | {self.of(one) for one in addresses if schema.is_address(one)}

    def node(self, kind: str, name: str, body: object) -> str:
        """Address of a record; a plain one where it is never erased."""
        data = canonical_json({"kind": kind, "name": name, "body": body})
        return self.address(data) if kind in QUOTING | ITEMS else digest(data)


def fingerprint(key: bytes) -> str:
    """What the ledger keeps to know its key by."""
    return digest(b"key of a ledger" + key)


def key_of(file: Path, *, create: bool = False) -> bytes:
    """The key of a ledger: from the environment, or from the file beside it.

    Raises:
        Refused: there is none, or it is not 64 hex digits.
    """
    place = file.with_suffix(SUFFIX)
    if text := os.environ.get(VARIABLE, ""):
        return read_key(text, VARIABLE)
    if create and not place.exists():
        _make(place)
    try:
        return read_key(place.read_text(encoding="ascii", errors="replace"), str(place))
    except FileNotFoundError:
        raise Refused(
            "the key of the ledger is missing",
            file=str(place),
            next_step=f"bring {place.name} back from where the ledger was, or set {VARIABLE}",
        ) from None
    except OSError as error:
        raise Refused("the key of the ledger cannot be read", file=str(place), found=error.strerror or "") from error


def must_fit(key: bytes, wanted: str, file: Path) -> None:
    """Refuses the key of another ledger.

    Raises:
        Refused: the key is not the one that the ledger was made with.
    """
    if fingerprint(key) != wanted:
        raise Refused(
            "the key is not the one of this ledger",
            file=VARIABLE if os.environ.get(VARIABLE) else str(file.with_suffix(SUFFIX)),
            next_step=f"bring the key back that was made with {file.name}",
        )


def read_key(text: str, place: str) -> bytes:
    """A key from its text.

    Raises:
        Refused: it is not 64 hex digits.
    """
    with contextlib.suppress(ValueError):
        if len(key := bytes.fromhex(text.strip())) == SIZE:
            return key
    raise Refused("not the key of a ledger", file=place, found=f"{len(text)} characters", wanted="64 hex digits")


def _make(place: Path) -> None:
    """Writes a new key, whole or not at all; of two processes that do it at once, one is first."""
    made = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(SIZE) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(made, place)
        except FileExistsError:
            pass  # another process was first
        except OSError:
            made.replace(place)  # a file system without links
        flush_folder(place.parent)
    except OSError as error:
        raise Refused("the key of the ledger cannot be written", file=str(place), found=error.strerror or "") from error
    finally:
        made.unlink(missing_ok=True)
