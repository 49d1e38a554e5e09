"""Reviewing a proposal: what a person may decide, by hand or from a file, and bringing rows back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from headgate.curate.differences import ClusterDiff, differences, mixed_texts
from headgate.curate.reviews import ACCEPT, KEEP, Proposal, choose, decide, decided, read_proposal
from headgate.curate.showing import cluster_lines, heading, mixed_lines
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.versions import DatasetVersion

REPORTED = 30  # clusters in the HTML report
SHORTEST = 7  # signs of the beginning of an address
RESTORABLE = ("near-duplicates", "exact-duplicates")
OTHERWISE = {
    "firewall": "headgate curate retire ITEM --name ... --reason ...",
    "decontaminate": "take the item's file out of curate.against",
    "select": "change curate.where",
    "consent": "headgate capture, with consent that holds",
    "split": "it is linked to rows of another split; see split.together",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Captured addresses of rows that may go, and of rows that stay."""

    accept: tuple[str, ...]
    keep: tuple[str, ...]


def chosen(proposed: Proposal, accept: Sequence[str], keep: Sequence[str]) -> Choice:
    """What was typed: all, none, files, clusters and rows; what is kept is kept, whatever is accepted.

    A file is JSON: {"accept": [...], "keep": [...]}, each "all", a cluster or a row.

    Raises:
        Refused: a file cannot be read, or names something that is not proposed.
    """
    going: list[str] = []
    staying = _named(proposed, keep)
    for word in accept:
        if word == "none":
            staying += proposed.rows
        elif Path(word).is_file():
            body = _read(Path(word))
            going += _named(proposed, body.get(ACCEPT, []))
            staying += _named(proposed, body.get(KEEP, []))
        else:
            going += _named(proposed, [word])
    stays = dict.fromkeys(staying)
    return Choice(tuple(row for row in dict.fromkeys(going) if row not in stays), tuple(stays))


def record(ledger: Ledger, proposed: Proposal, choice: Choice, *, name: str, reason: str, at: datetime) -> str:
    """Records the decision; returns its id.

    Raises:
        Refused: nobody decides.
    """
    about = proposed.id
    return decide(
        ledger, proposed.dataset, accept=choice.accept, keep=choice.keep, name=name, reason=reason, at=at, about=about
    )


def lines(ledger: Ledger, proposed: Proposal, first: int, *, colour: bool) -> list[str]:
    """The whole proposal: slices on top, the largest clusters, and what was kept because it is mixed."""
    said = decided(ledger, proposed.dataset)
    out = top(ledger, proposed)
    for one in differences(ledger, proposed, said, first):
        out += ["", *cluster_lines(one, colour=colour)]
    if first and len(proposed.clusters) > first:
        out += ["", f"and {len(proposed.clusters) - first:,} more clusters: --first 0 shows all"]
    return [*out, *mixed_lines(mixed_texts(ledger, proposed))]


def top(ledger: Ledger, proposed: Proposal) -> list[str]:
    """How much is proposed and undecided, and what it would do to slices."""
    said = decided(ledger, proposed.dataset)
    open_ones = sum(any(one["root"] not in said for one in cluster["goes"]) for cluster in proposed.clusters)
    return heading(proposed, open_ones)


def undecided(
    ledger: Ledger, proposed: Proposal, first: int, *, colour: bool
) -> Iterator[tuple[ClusterDiff, list[str]]]:
    """Clusters with a row that nobody decided about, and their text."""
    said = decided(ledger, proposed.dataset)
    for one in differences(ledger, proposed, said, first):
        if any(row.row not in said for row in one.goes):
            yield one, cluster_lines(one, colour=colour)


def for_report(ledger: Ledger, node: str) -> dict[str, Any]:
    """The same for the HTML report: the largest clusters with their words."""
    proposed = read_proposal(ledger, ledger.node(node))
    clusters = differences(ledger, proposed, decided(ledger, proposed.dataset), REPORTED)
    return {"heading": top(ledger, proposed), "clusters": clusters, "mixed": mixed_texts(ledger, proposed)[:REPORTED]}


def as_json(proposed: Proposal, choice: Choice | None) -> dict[str, Any]:
    """The proposal by address, and what was decided now."""
    return {
        "dataset": proposed.dataset,
        "proposal": proposed.id,
        "clusters": list(proposed.clusters),
        "mixed": list(proposed.mixed),
        "slices": list(proposed.slices),
        "prompt_only": proposed.prompt_only,
        "accepted": list(choice.accept) if choice else [],
        "kept": list(choice.keep) if choice else [],
    }


def restore(
    ledger: Ledger, version: DatasetVersion, words: Sequence[str], *, name: str, reason: str, at: datetime
) -> tuple[str, list[str]]:
    """Records that removed rows come back at the next curation; returns the decision and the rows' captured addresses.

    Raises:
        Refused: no reason, a row was not removed from this version, or not as a duplicate.
    """
    if not any(sign.isalpha() for sign in reason):
        raise Refused("bringing a row back needs a reason", found=repr(reason), wanted='--reason "..."')
    removed = _removed(ledger, version)
    rows = [_root(_found(removed, word, version.name)) for word in words]
    base = version.name.rpartition("@")[0]
    return decide(ledger, base, keep=rows, name=name, reason=reason, at=at), rows


def _removed(ledger: Ledger, version: DatasetVersion) -> list[dict[str, Any]]:
    address = version.manifest["manifest"].get("removed", {}).get("list", "")
    return [orjson.loads(line) for line in ledger.content.get(address).splitlines()] if address else []


def _found(removed: Sequence[dict[str, Any]], word: str, version: str) -> dict[str, Any]:
    mine = [one for one in removed if len(word) >= SHORTEST and (one["row"].startswith(word) or _root(one) == word)]
    if len({one["row"] for one in mine}) != 1:
        what = f"several rows removed from {version} begin so" if mine else f"no such row was removed from {version}"
        raise Refused(what, found=word, next_step="headgate curate review")
    if mine[0]["step"] not in RESTORABLE:
        raise Refused(
            f"the row was removed by the step {mine[0]['step']}, which no decision on duplicates brings back",
            found=word,
            next_step=OTHERWISE.get(mine[0]["step"]),
        )
    return mine[0]


def _root(one: Mapping[str, Any]) -> str:
    return str(one.get("root") or one["row"])


def _named(proposed: Proposal, words: Any) -> list[str]:
    listed = [words] if isinstance(words, str) else list(words or [])
    return proposed.rows if listed == ["all"] else choose(proposed, listed)


def _read(file: Path) -> dict[str, Any]:
    try:
        body = orjson.loads(file.read_bytes())
    except OSError as error:
        raise Refused("the file of decisions cannot be read", file=str(file), found=str(error.strerror)) from None
    except ValueError as error:
        raise Refused("the file of decisions is not JSON", file=str(file), found=str(error)) from None
    if not isinstance(body, dict) or not set(body) <= {ACCEPT, KEEP}:
        wanted = '{"accept": ["all"], "keep": [...]}'
        raise Refused("not a file of decisions", file=str(file), found=str(body)[:80], wanted=wanted)
    return body
