"""How much of what each run learned from came from a person or a source: shares of its rows and of its learned tokens.

Rows are counted from the dataset version that the run names. Tokens are those that reached the loss, counted in the
shard that was trained on; a shard that was erased or moved away leaves the count of tokens unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headgate.kit.errors import Refused
from headgate.kit.hashing import PREFIX
from headgate.ledger.ledger import Ledger, Node
from headgate.rights.reach import Reach
from headgate.train.closure import salted
from headgate.train.material import salt_of
from headgate.train.shard import read


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one run saw of a target."""

    run: Node
    adapters: tuple[str, ...]  # names of what it made
    rows: int  # of the target, own and derived, in the split that was trained on
    of_rows: int
    tokens: int | None  # learned tokens of those rows; None: the shard is gone
    of_tokens: int

    def as_json(self) -> dict[str, Any]:
        """As printed."""
        told = {name: getattr(self, name) for name in ("adapters", "rows", "of_rows", "tokens", "of_tokens")}
        shares = {
            "row_share": self.rows / self.of_rows if self.of_rows else 0.0,
            "token_share": self.tokens / self.of_tokens if self.tokens is not None and self.of_tokens else None,
        }
        return {"run": self.run.id, "name": self.run.name, **told, **shares}


def exposure(ledger: Ledger, found: Reach, store: Path) -> list[Exposure]:
    """The exposure of every run that was trained on rows of a target, oldest first. `store`: folder of the ledger."""
    ids = {row_id for _, row_id in ledger.rows.ids(found.rows)}
    out = []
    for run in found.of("run"):
        data = run.body.get("plan", {}).get("data")
        if data is None:
            continue  # it stopped before its first step
        split = ledger.versions.get(str(data["dataset"])).splits[str(data["split"])]
        rows = split.intersection_cardinality(found.rows)
        made = ledger.nodes.many(link.source_id for link in ledger.edges_to(run.id, "derived-from"))
        adapters = dict.fromkeys(node.name for node in made if node.kind == "adapter")
        salt = salt_of(ledger, str(data["manifest"])) if data.get("salted") else ""
        tokens = _learned(_shard(store, str(data["shard"]), salt), ids)
        out.append(Exposure(run, tuple(adapters), rows, len(split), tokens, int(data["learned_tokens"])))
    return out


def _shard(store: Path, address: str, salt: str) -> Path:
    """The file of a shard that a run names; one that is not there where none is."""
    places = (store / "work" / "shards").glob("*.shard")
    found = (path for path in places if salted(salt, f"{PREFIX}{path.stem}") == address)
    return next(found, store / "work" / "shards" / "gone.shard")


def _learned(path: Path, ids: set[str]) -> int | None:
    """Tokens of some rows in a shard that reached the loss."""
    try:
        shard = read(path)
    except Refused:
        return None
    counts = np.concatenate([[0], np.cumsum(shard.weights != 0)])
    own = np.array([row_id in ids for row_id in shard.row_ids], dtype=bool)
    learned = counts[shard.offsets[1:]] - counts[shard.offsets[:-1]]
    return int(learned[own].sum())


def lines(found: list[Exposure]) -> list[str]:
    """One line a run."""
    out = []
    for one in found:
        tokens = "tokens unknown: the shard is gone"
        if one.tokens is not None:
            tokens = f"{one.tokens:,} of {one.of_tokens:,} learned tokens ({one.tokens / max(1, one.of_tokens):.1%})"
        share = f"{one.rows:,} of {one.of_rows:,} rows ({one.rows / max(1, one.of_rows):.1%})"
        made = ", ".join(one.adapters) or "no adapter"
        out.append(f"  {'exposure':<16} {made:<36} {share}, {tokens}")
    return out
