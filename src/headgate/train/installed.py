"""The distributions that an installer put here, read once and read fast.

`importlib.metadata` parses a whole header for every question; a training asks four of each of a hundred distributions,
which cost it most of a second. Here the header is read once, up to its first empty line.
"""

from __future__ import annotations

import re
import site
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata


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
    header = (one.read_text("METADATA") or one.read_text("PKG-INFO") or "").partition("\n\n")[0].splitlines()
    record = one.read_text("RECORD") or ""
    return Installed(
        name=next(iter(_values(header, "Name")), ""),
        version=next(iter(_values(header, "Version")), ""),
        requires=tuple(_values(header, "Requires-Dist")),
        tops=_tops(one.read_text("top_level.txt"), record),
        record=record,
        origin=one.read_text("direct_url.json") or "",
    )


def _values(header: Sequence[str], key: str) -> list[str]:
    start = key.lower() + ":"
    return [line[len(start) :].strip() for line in header if line.lower().startswith(start)]


def _tops(told: str | None, record: str) -> frozenset[str]:
    if told:
        return frozenset(told.split())
    firsts = {line.partition(",")[0].partition("/")[0] for line in record.splitlines()}
    return frozenset(
        re.sub(r"\.(py|[^/]*so|pyd)$", "", one) for one in firsts if not one.endswith((".dist-info", ".."))
    )
