"""A proposal with the words of its rows: what a person reads on the terminal and in the report."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.curate.reviews import Decision, Proposal
from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row
from headgate.rows.stored import stored_rows

SAME, GONE, NEW = "same", "gone", "new"
SHOWN = 600  # characters of a text
ERASED = "(erased)"
Piece = tuple[str, str]  # SAME, GONE (only in the row that may go) or NEW (only in the row that stays); text


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A row that may go, beside its witness."""

    row: str  # captured address
    similarity: float
    field: str
    state: str  # what the last curation did, or what a person decided since
    prompt: tuple[Piece, ...]
    answer: tuple[Piece, ...]  # empty where the answers are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDiff:
    """One cluster."""

    name: str
    slices: str  # "intent=refund, tone=plain"
    stays: tuple[str, ...]  # texts
    goes: tuple[Going, ...]


def differences(ledger: Ledger, proposed: Proposal, said: Mapping[str, Decision], first: int = 0) -> list[ClusterDiff]:
    """Clusters with their words, largest first; only so many as `first` says, all where it is 0."""
    clusters = proposed.clusters[: first or None]
    wanted = {one["row"] for cluster in clusters for one in (*cluster["stays"], *cluster["goes"])}
    wanted |= {one["partner"] for cluster in clusters for one in cluster["goes"]}
    rows = {row.id: row for _, row in stored_rows(ledger, ledger.rows.numbers_of(wanted))}
    return [
        ClusterDiff(
            name=cluster["cluster"],
            slices=", ".join(f"{name}={value}" for name, value in cluster["slices"].items()),
            stays=tuple(_text(rows.get(one["row"])) for one in cluster["stays"]),
            goes=tuple(_going(one, rows, said) for one in cluster["goes"]),
        )
        for cluster in clusters
    ]


def mixed_texts(ledger: Ledger, proposed: Proposal) -> list[tuple[str, tuple[str, ...]]]:
    """Rows that are alike in all words and were kept: in what they differ, and their texts."""
    rows = stored_rows(ledger, ledger.rows.numbers_of(row for one in proposed.mixed for row in one["rows"]))
    texts = {row.id: _text(row) for _, row in rows}
    out = []
    for one in proposed.mixed:
        differ = "; ".join(f"{name}: {' | '.join(values)}" for name, values in one["differ"].items())
        out.append((differ or "another kind of row", tuple(texts.get(row, ERASED) for row in one["rows"])))
    return out


def pieces(going: str, staying: str) -> tuple[Piece, ...]:
    """Word by word: what both have, what only the row that may go has, what only the one that stays has."""
    one, two = (re.findall(r"\s+|\w+|[^\w\s]", text[:SHOWN]) for text in (going, staying))
    out: list[Piece] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if what == "equal":
            out.append((SAME, "".join(one[a:b])))
        else:
            out += [(kind, "".join(words)) for kind, words in ((GONE, one[a:b]), (NEW, two[c:d])) if words]
    return tuple(out)


def _going(one: Mapping[str, Any], rows: Mapping[str, Row], said: Mapping[str, Decision]) -> Going:
    row, partner = rows.get(one["row"]), rows.get(one["partner"])
    decision = said.get(one["root"])
    words = {"accept": "accepted", "keep": "kept"}
    state = f"{words[decision.what]} by {decision.name} ({decision.at[:10]})" if decision else str(one["state"])
    prompt: tuple[Piece, ...] = ((SAME, ERASED),)
    answer: tuple[Piece, ...] = ()
    if row is not None and partner is not None:
        prompt = pieces(row.prompt_text or row.text, partner.prompt_text or partner.text)
        if row.answer_text != partner.answer_text:
            answer = pieces(row.answer_text, partner.answer_text)
    return Going(
        row=one["root"], similarity=one["similarity"], field=one["field"], state=state, prompt=prompt, answer=answer
    )


def _text(row: Row | None) -> str:
    return ERASED if row is None else (row.prompt_text or row.text)[:SHOWN]


def marked(found: Sequence[Piece], *, colour: bool) -> str:
    """A difference as one line: coloured where there is a screen, else [-only here-]{+only there+}."""
    styles = {SAME: "{}", GONE: "\033[9;31m{}\033[0m", NEW: "\033[32m{}\033[0m"}
    plain = {SAME: "{}", GONE: "[-{}-]", NEW: "{{+{}+}}"}
    forms = styles if colour else plain
    return " ".join("".join(forms[kind].format(text) for kind, text in found).split())
