"""The dataset card: front matter that registries read, and what the ledger knows of a version, in counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from headgate.rights.evidence.facts import DataFacts, Facts, counted, curation, people
from headgate.rights.evidence.licences import SILENT, page_of

# Size classes of the registries, by the number of rows below which each holds.
SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"),
)  # fmt: skip
UNKNOWN = "Unknown: the ledger does not say."


def card(facts: Facts) -> str:
    """The card in Markdown."""
    data = facts.data
    parts = [
        front_matter(data),
        f"# {data.name}\n",
        f"{len(data.version.numbers):,} rows, manifest `{data.version.manifest_digest}`, "
        f"frozen {data.frozen_at[:10]}; claims as of {facts.second}.\n",
        section("Splits", table(("split", "rows"), [(name, f"{n:,}") for name, n in data.splits.items()])),
        section("Sources", sources(data)),
        section("People", people(data)),
        section("Rows", rows(data)),
        section("Curation", [f"- {plain(one)}" for one in curation(data)]),
    ]
    return "\n".join(parts)


def front_matter(data: DataFacts) -> str:
    """The block that registries read; JSON strings are YAML strings."""
    known = page_of(data.licence)
    fields: list[tuple[str, str | list[str]]] = [
        ("pretty_name", data.name),
        ("license", data.licence.lower() if known else "unknown" if data.licence in SILENT else "other"),
        ("license_name", "" if known or data.licence in SILENT else data.licence),
        ("language", list(data.rows.languages)),
        ("size_categories", [size_class(len(data.version.numbers))]),
        ("tags", ["headgate"]),
    ]
    lines = ["---"]
    for key, value in fields:
        if isinstance(value, list) and value:
            lines += [f"{key}:", *(f"- {json.dumps(one, ensure_ascii=False)}" for one in value)]
        elif isinstance(value, str) and value:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join([*lines, "---", ""])


def size_class(rows: int) -> str:
    """The class of size that registries know."""
    return next((name for below, name in SIZES if rows < below), "100M<n<1B")


def sources(data: DataFacts) -> list[str]:
    """One line a source: rows, licence, owner, consent, each with who says so."""
    cells = [
        (
            one.name,
            f"{one.rows:,}",
            one.expression,
            one.licence.as_text() if one.licence else "not claimed",
            counted(one.stated, "no row states one"),
            one.owner.as_text() if one.owner else "not claimed",
            one.consent.as_text() if one.consent else "not claimed",
        )
        for one in data.sources
    ]
    titles = ("source", "rows", "licence, SPDX", "licence claimed", "licences stated by rows", "owner", "consent")
    return [*table(titles, cells), "", f"All together: {data.licence}."]


def rows(data: DataFacts) -> list[str]:
    """What the rows are, in counts."""
    told = data.rows
    dated = f"{told.dated:,} rows are dated, {told.first} to {told.last}" if told.dated else "no row is dated"
    facts = [
        ("kinds", counted(told.kinds)),
        ("languages", counted(told.languages)),
        ("written by a model", f"{told.synthetic:,}" + (f" ({counted(told.generators)})" if told.generators else "")),
        ("written", dated),
        ("erased since", f"{told.erased:,}"),
    ]
    return table(("what", "count"), facts)


def section(title: str, lines: Sequence[str]) -> str:
    """One section; an empty one says so."""
    return f"## {title}\n\n" + ("\n".join(lines) or UNKNOWN) + "\n"


def table(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; none where there are no rows."""
    if not cells:
        return []
    head = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    return head + ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in cells]


def plain(text: str) -> str:
    """Words of others, so that they neither end a cell nor start markup."""
    return marked(text).replace("|", "\\|").replace("<", "&lt;")


def marked(text: str) -> str:
    """Words of others for a text that sees to `|` and `<` itself: every other sign of markup is only itself."""
    return re.sub(r"([\\`*_\[\]~])", r"\\\1", " ".join(text.split())).replace("&", "&amp;").replace(">", "&gt;")


def said(known: Mapping[str, str]) -> list[str]:
    """Questions of a form with their answers; one without an answer says so."""
    return [f"- **{question}**: {plain(answer) if answer else UNKNOWN}" for question, answer in known.items()]
