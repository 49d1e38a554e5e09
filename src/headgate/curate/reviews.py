"""Proposals and what people decided about them, as records of the ledger.

A proposal is a `case`: clusters of near-duplicates by row address, without their words. A decision
names rows that may go and rows that stay, who says so and why; of several about one row the newest
speaks. Rows are named by the address under which they were captured, which redaction does not change;
in a decision by the one that the ledger keeps when the row is erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from headgate.kit.errors import Refused
from headgate.kit.hashing import canonical_json, digest_json
from headgate.ledger.ledger import Edge, Ledger
from headgate.ledger.nodes import Node

CASE, DECISION = "case", "decision"
ACCEPT, KEEP = "accept", "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Near-duplicates of one dataset, as they were proposed by one curation."""

    id: str
    dataset: str
    clusters: tuple[Mapping[str, Any], ...]
    mixed: tuple[Mapping[str, Any], ...]  # alike in all words, of different slices or labels: kept
    slices: tuple[Mapping[str, Any], ...]  # rows before, and after if everything proposed goes
    prompt_only: int  # rows that share only the question with another
    at: str

    @property
    def rows(self) -> list[str]:
        """Captured addresses of the rows that may go."""
        return [str(one["root"]) for cluster in self.clusters for one in cluster["goes"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person said about one row."""

    id: str
    what: str  # ACCEPT or KEEP
    name: str
    reason: str
    at: str


def name_of(dataset: str) -> str:
    """Name of the records about a dataset's near-duplicates."""
    return f"{dataset}/near-duplicates"


def propose(ledger: Ledger, dataset: str, body: Mapping[str, Any]) -> str:
    """Records a proposal; the same one again adds nothing. Returns its id."""
    with ledger.transaction():
        listed = ledger.content.put(canonical_json(body))
        told = {"dataset": dataset, "clusters": len(body["clusters"]), "mixed": len(body["mixed"]), "list": listed}
        return ledger.record(CASE, name_of(dataset), told)


def proposal(ledger: Ledger, dataset: str) -> Proposal:
    """The newest proposal of a dataset.

    Raises:
        Refused: there is none.
    """
    node = ledger.latest(CASE, name_of(dataset))
    if node is None:
        raise Refused(f"nothing is proposed for {dataset}", next_step="headgate curate")
    return read_proposal(ledger, node)


def read_proposal(ledger: Ledger, node: Node) -> Proposal:
    """A proposal from its record."""
    body = orjson.loads(ledger.content.get(node.body["list"]))
    return Proposal(
        id=node.id,
        dataset=node.body["dataset"],
        clusters=tuple(body["clusters"]),
        mixed=tuple(body["mixed"]),
        slices=tuple(body["slices"]),
        prompt_only=body["prompt_only"],
        at=node.at,
    )


def decide(
    ledger: Ledger,
    dataset: str,
    *,
    accept: Iterable[str] = (),
    keep: Iterable[str] = (),
    name: str,
    reason: str = "",
    at: datetime,
    about: str | None = None,
) -> str:
    """Records what a person decided about rows; `about` is the proposal. Returns the decision's id.

    Raises:
        Refused: nothing is decided, nobody decides, or a row is both to go and to stay.
    """
    going, staying = sorted(set(accept)), sorted(set(keep))
    if not any(sign.isalpha() for sign in name):
        raise Refused("a decision needs a name", found=repr(name), wanted='--name "Ann Lee"')
    if not going and not staying:
        raise Refused("nothing is decided", wanted="rows or clusters to accept or to keep")
    if both := sorted(set(going) & set(staying)):
        raise Refused("a row is both accepted and kept", found=both[0])
    kept = _kept(ledger, [*going, *staying])
    rows = {ACCEPT: sorted(kept.get(row, row) for row in going), KEEP: sorted(kept.get(row, row) for row in staying)}
    body = {"dataset": dataset, **rows, "name": name.strip(), "reason": reason.strip()}
    edges = [Edge("judged-by", about)] if about else []
    return ledger.record(DECISION, name_of(dataset), body, edges=edges, at=at)


def decided(ledger: Ledger, dataset: str) -> dict[str, Decision]:
    """What speaks about each row, by captured address; an erased row has the one that the ledger keeps."""
    out: dict[str, Decision] = {}
    for node in ledger.find(DECISION, name_of(dataset)):
        for what in (ACCEPT, KEEP):
            for row in node.body[what]:
                out[row] = Decision(
                    id=node.id, what=what, name=node.body["name"], reason=node.body["reason"], at=node.body["at"]
                )
    captured = {kept: row for row, kept in _kept(ledger, out).items()}
    return {captured.get(row, row): one for row, one in out.items()}


def _kept(ledger: Ledger, rows: Iterable[str]) -> dict[str, str]:
    """By captured address the one that stays when a row is erased: what names a short text must go with it."""
    numbers = ledger.rows.numbers_of(rows)
    captured = dict(ledger.rows.ids(numbers))
    return {captured[number]: kept for number, kept in ledger.rows.kept(numbers)}


def state(ledger: Ledger, dataset: str) -> str:
    """Address of everything that was decided about a dataset."""
    return digest_json([node.id for node in ledger.find(DECISION, name_of(dataset))])


def choose(proposed: Proposal, words: Sequence[str]) -> list[str]:
    """Captured addresses of proposed rows, by cluster, by row address, or by the beginning of one.

    Raises:
        Refused: nothing proposed has that name, or several rows begin so.
    """
    out: list[str] = []
    for word in words:
        cluster = next((one for one in proposed.clusters if one["cluster"] == word), None)
        if cluster is not None:
            out += [str(one["root"]) for one in cluster["goes"]]
            continue
        goes = [one for cluster in proposed.clusters for one in cluster["goes"]]
        found = {str(one["root"]) for one in goes if len(word) >= 7 and (_begins(one, word))}
        if len(found) != 1:
            raise Refused(
                "no proposed row or cluster of that name" if not found else "several rows begin so",
                found=word,
                wanted="a cluster, or the address of one row",
                next_step="headgate curate review",
            )
        out += found
    return list(dict.fromkeys(out))


def _begins(one: Mapping[str, Any], word: str) -> bool:
    return str(one["root"]).startswith(word) or str(one["row"]).startswith(word)
