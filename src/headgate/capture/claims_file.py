"""Claims about people and sources, from a file: one line for each statement of consent or licence."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from headgate.kit.clock import parse_moment
from headgate.kit.errors import Refused, merged
from headgate.kit.files import must_be_file

COLUMNS = ("subject", "consent", "of", "licence", "valid_from", "valid_to", "source")
WANTED = "subject and consent of a person, or of (a source) with its licence or consent"
EARLIEST = datetime.min.replace(tzinfo=UTC)
LARGEST = 256 << 20  # bytes; a file of claims is read whole


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: of whom or what, what it says, from when to when, and who says so."""

    subject: str  # of a person; empty where it is about a source
    consent: str
    of: str  # of a source; empty where it is about a person
    licence: str
    valid_from: datetime | None
    valid_to: datetime | None
    source: str
    line: int  # 1-based


def read_statements(path: Path) -> list[Statement]:
    """Statements of a CSV file with a header, or of JSON lines, in order of time.

    A later statement about the same person or source supersedes an earlier one; those without a beginning
    come first.

    Raises:
        Refused: unreadable, a column missing or unknown, or a bad line; all bad lines together.
    """
    must_be_file(path)
    if path.stat().st_size > LARGEST:
        raise Refused("the file of claims is too large", file=str(path), wanted=f"at most {LARGEST >> 20} MB")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("the file of claims is not UTF-8", file=str(path), found=str(error)) from None
    lines = _json_lines(path, text) if text.lstrip()[:1] == "{" else _csv_lines(path, text)
    found: list[Statement] = []
    errors: list[Refused] = []
    for line, body in lines:
        try:
            found.append(_statement(body, line))
        except Refused as error:
            error.file, error.line = str(path), line
            errors.append(error)
    if errors:
        raise merged(errors[:20])
    if not found:
        raise Refused("no claims in the file", file=str(path), wanted="a header and one line for each statement")
    return sorted(found, key=lambda one: one.valid_from or EARLIEST)


def _csv_lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = [name.strip() for name in reader.fieldnames or ()]
    _check_columns(path, header)
    reader.fieldnames = header
    try:
        for body in reader:
            if any(value for value in body.values()):
                yield reader.line_num, body
    except csv.Error as error:
        raise Refused("not a CSV file", file=str(path), line=reader.line_num, found=str(error)) from None


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, content in enumerate(text.splitlines(), start=1):
        if not content.strip():
            continue
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise Refused("not JSON", file=str(path), line=line, found=str(error)) from None
        if not isinstance(body, dict):
            raise Refused("not an object", file=str(path), line=line, wanted='{"subject": "...", "consent": "..."}')
        _check_columns(path, list(body), line)
        yield line, body


def _check_columns(path: Path, names: list[str], line: int = 1) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    there = set(names)
    if unknown or not ({"subject", "consent"} <= there or ("of" in there and there & {"licence", "consent"})):
        found, wanted = ", ".join(names) or "nothing", f"of {', '.join(COLUMNS)}: {WANTED}"
        raise Refused("wrong columns in the file of claims", file=str(path), line=line, found=found, wanted=wanted)


def _statement(body: Mapping[str, Any], line: int) -> Statement:
    texts = {name: "" if body.get(name) is None else str(body[name]).strip() for name in COLUMNS}
    if bool(texts["subject"]) == bool(texts["of"]):
        raise Refused("a claim is about a person or about a source", wanted=WANTED)
    if not (texts["consent"] or (texts["of"] and texts["licence"])) or (texts["subject"] and texts["licence"]):
        raise Refused("a claim that says nothing, or what it cannot say", wanted=WANTED)
    if None in body:
        raise Refused("more fields than columns")
    begin, end = (parse_moment(texts[name]) if texts[name] else None for name in ("valid_from", "valid_to"))
    if begin and end and end <= begin:
        raise Refused("a claim that ends before it begins", found=f"{texts['valid_from']} to {texts['valid_to']}")
    subject, consent, of, licence = (texts[name] for name in ("subject", "consent", "of", "licence"))
    return Statement(subject, consent, of, licence, begin, end, texts["source"], line)
