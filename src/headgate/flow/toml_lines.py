"""Where each key of a TOML file stands, so that an error can name its line.

`tomllib` reads values and forgets places; this scan keeps places and reads no values. It follows
table headers, plain and dotted keys, and keys of inline tables on the line on which they begin.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_INLINE = re.compile(r"[{,]\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*=")


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Line (1-based) of every table and key, by its full path."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = last = _parts(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            last = table + _parts(key[1])
            for depth in range(len(table) + 1, len(last) + 1):
                lines.setdefault(last[:depth], number)
            _inline(line[key.end() :], last, number, lines)
        else:
            _inline(line, last, number, lines)
    return lines


def _inline(rest: str, parent: tuple[str, ...], number: int, lines: dict[tuple[str, ...], int]) -> None:
    for found in _INLINE.finditer(rest):
        lines.setdefault((*parent, *_parts(found[1])), number)


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\s]+", dotted))
