"""The distributions that an installer put here, read once and read fast.

`importlib.metadata` parses a whole header for every question; a training asks four of each of a hundred distributions,
which cost it most of a second. Here the header is read once, up to its first empty line.
"""

from __future__ import annotations

import os
import re
import site
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

WANTED = re.compile(r"^(Name|Version|Requires-Dist):(.*)$", re.IGNORECASE | re.MULTILINE)
FIRST = re.compile(r"^[^,/\r\n]+", re.MULTILINE)  # of a path in a list of files
ENDING = re.compile(r"\.(py|[^/]*so|pyd)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One distribution."""

    name: str  # as it calls itself
    version: str
    requires: tuple[str, ...]  # as it writes them, with extras and markers
    tops: frozenset[str]  # names that can be imported
    record: str  # its list of files and hashes; empty where there is none
    origin: str  # direct_url.json; empty: from an index


@cache
def installed() -> tuple[Installed, ...]:
    """Every distribution below the folders of an installer.

    Only what an installer put there counts: some libraries add folders of their own to `sys.path` while they
    run (Ray does), and a plan must not depend on what else the process did before.
    """
    places = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    known = metadata.distributions(path=[*dict.fromkeys(place for place in places if place in sys.path)])
    return tuple(one for one in map(_read, known) if one.name)


def _read(one: metadata.Distribution) -> Installed:
    header, record = _text(one, "METADATA") or _text(one, "PKG-INFO"), _text(one, "RECORD")
    header = header.replace("\r\n", "\n").partition("\n\n")[0]
    told: dict[str, list[str]] = {"name": [], "version": [], "requires-dist": []}
    for key, value in WANTED.findall(header):
        told[key.lower()].append(value.strip())
    return Installed(
        name=next(iter(told["name"]), ""),
        version=next(iter(told["version"]), ""),
        requires=tuple(told["requires-dist"]),
        tops=_tops(_text(one, "top_level.txt"), record),
        record=record,
        origin=_text(one, "direct_url.json"),
    )


def _text(one: metadata.Distribution, name: str) -> str:
    """A file of a distribution's metadata, empty where it has none; as the library reads it, in fewer steps."""
    folder = getattr(one, "_path", None)
    if not isinstance(folder, Path):
        return one.read_text(name) or ""
    try:
        with open(f"{folder}{os.sep}{name}", "rb", buffering=0) as stream:
            return stream.read().decode()  # ends of lines stay as they are: changing them takes longer than all else
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, KeyError, PermissionError):
        return ""


def _tops(told: str | None, record: str) -> frozenset[str]:
    if told:
        return frozenset(told.split())
    return frozenset(ENDING.sub("", one) for one in _firsts(record) if not one.endswith((".dist-info", "..")))


def _firsts(record: str) -> set[str]:
    """What the paths of a list of files begin with; lines that lie together in one folder are passed over at once."""
    found, place = set(), 0
    while one := FIRST.search(record, place):
        found.add(one[0])
        below = f"\n{one[0]}/"
        last = record.rfind(below, one.end())
        if last > 0 and record.count("\n", one.end(), last + 1) == record.count(below, one.end(), last + len(below)):
            place = last + len(below)
        else:
            place = one.end()
    return found
