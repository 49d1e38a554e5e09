"""Finds what a name means: a release, an alias, an adapter or a run, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Node
from headgate.release.aliases import all_aliases

ADAPTER, RUN, RELEASE = "adapter", "run", "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One adapter of the fleet, with the run that made it and the releases that carry it."""

    adapter: Node
    run: Node
    base: Node
    releases: tuple[Node, ...]
    aliases: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people call it: the newest release, or the adapter itself."""
        return self.releases[-1].name if self.releases else self.adapter.name


def member(ledger: Ledger, name: str) -> Member:
    """The adapter that a release, an alias, a run (its chosen adapter), or its own name or address means.

    Raises:
        Refused: nothing is called that, or what is called that is no adapter.
    """
    name = all_aliases(ledger).get(name, name)
    node = ledger.latest(RELEASE, name) or ledger.latest(ADAPTER, name) or ledger.node(name)
    if node.kind == RELEASE:
        node = next(one for one in _targets(ledger, node, "derived-from") if one.kind == ADAPTER)
    elif node.kind == RUN:
        node = _chosen(ledger, node)
    if node.kind != ADAPTER:
        raise Refused(
            "not an adapter", found=f"{node.kind} {node.name}", next_step="headgate ledger log --kind adapter"
        )
    return _member(ledger, node)


def fleet(ledger: Ledger) -> list[Member]:
    """Every adapter that has a release, or that no release came of but that is the newest of its flow."""
    made = [node for node in ledger.find(ADAPTER) if _run(ledger, node) is not None]
    found = [_member(ledger, node) for node in made]
    newest = {one.run.name: one.adapter.id for one in found}
    return [one for one in found if one.releases or newest[one.run.name] == one.adapter.id]


def _member(ledger: Ledger, adapter: Node) -> Member:
    targets = _targets(ledger, adapter, "derived-from")
    run = _run(ledger, adapter)
    base = next((one for one in targets if one.kind == "base"), None)
    if run is None or base is None:
        raise Refused("the adapter was not made by a run with a closure", found=adapter.name)
    links = ledger.edges_to(adapter.id, "derived-from")
    releases = sorted((n for n in (ledger.node(link.source_id) for link in links) if n.kind == RELEASE), key=_seq)
    names = {one.name for one in releases}
    aliases = tuple(sorted(alias for alias, release in all_aliases(ledger).items() if release in names))
    return Member(adapter=adapter, run=run, base=base, releases=tuple(releases), aliases=aliases)


def _run(ledger: Ledger, adapter: Node) -> Node | None:
    """The run that made an adapter; one that was put together from others has none of its own."""
    runs = [one for one in _targets(ledger, adapter, "derived-from") if one.kind == RUN]
    return next((one for one in runs if "plan" in one.body), None)


def _chosen(ledger: Ledger, run: Node) -> Node:
    adapters = [
        n for n in (ledger.node(one.source_id) for one in ledger.edges_to(run.id, "derived-from")) if n.kind == ADAPTER
    ]
    chosen = (run.body.get("choice") or {}).get("chosen")
    return next((one for one in adapters if one.body.get("seed") == chosen), adapters[0]) if adapters else run


def _targets(ledger: Ledger, node: Node, label: str) -> list[Node]:
    return [ledger.node(link.target_id) for link in ledger.edges_from(node.id, label)]


def _seq(node: Node) -> int:
    return node.seq


def project_of(store: Path | str) -> Path:
    """The folder of the project whose ledger lies in a folder; of a team's database, where the command is typed."""
    return store.resolve().parent if isinstance(store, Path) else Path()
