"""What is proposed: clusters of near-duplicates with witness, field and slice, and what it would do to slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headgate.curate.components import component_labels, groups
from headgate.curate.slices import reported
from headgate.curate.survivors import Choice, Removal
from headgate.curate.working import Item
from headgate.kit.hashing import digest_json
from headgate.rows.row import Row

NAME_DIGITS = 8  # of a cluster
MIXED_SHOWN = 200


def body_of(
    choice: Choice, items: Sequence[Item], roots: Mapping[int, str], states: Mapping[int, str]
) -> dict[str, Any]:
    """A proposal as it is recorded: addresses, similarities and slices, no words.

    `items` are the rows that were compared, `roots` the address of each root number, and `states` says
    of a position what became of it (default: proposed).
    """
    gone = {one.position: one for one in choice.removals}
    clusters = [
        _cluster([items[place] for place in group], [gone.get(place) for place in group], items, roots, states)
        for group in _groups(choice, len(items))
        if any(place in gone for place in group)
    ]
    clusters.sort(key=lambda one: (-len(one["goes"]), one["cluster"]))
    mixed = [_mixed([items[place].row for place in group]) for group in choice.mixed[:MIXED_SHOWN]]
    return {
        "clusters": clusters,
        "mixed": sorted(mixed, key=lambda one: str(one["rows"])),
        "slices": _slices([item.row for item in items], set(gone)),
        "prompt_only": choice.prompt_only,
    }


def _groups(choice: Choice, size: int) -> list[list[int]]:
    """Clusters, with a removal's witness in the cluster of the row that it speaks for."""
    edges = [(one.position, one.survivor) for one in choice.removals]
    edges += [(cluster[0], place) for cluster in choice.clusters for place in cluster[1:]]
    pairs = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return [group for group in groups(component_labels([()] * size, pairs)) if len(group) > 1]


def _cluster(
    members: Sequence[Item],
    gone: Sequence[Removal | None],
    items: Sequence[Item],
    roots: Mapping[int, str],
    states: Mapping[int, str],
) -> dict[str, Any]:
    addresses = sorted(roots[one.root] for one in members)
    goes = [
        {
            "row": item.row.id,
            "root": roots[item.root],
            "partner": items[one.survivor].row.id,
            "similarity": round(one.similarity, 4),
            "field": one.field,
            "fields": {name: round(value, 4) for name, value in one.fields.items()},
            "state": states.get(one.position, "proposed"),
        }
        for item, one in zip(members, gone, strict=True)
        if one is not None
    ]
    stays = [{"row": item.row.id, "root": roots[item.root]} for item, one in zip(members, gone, strict=True) if not one]
    return {
        "cluster": digest_json(addresses)[3 : 3 + NAME_DIGITS],
        "slices": dict(sorted(members[0].row.side.slices.items())),
        "stays": sorted(stays, key=lambda one: one["root"]),
        "goes": sorted(goes, key=lambda one: (-one["similarity"], one["root"])),
    }


def _mixed(rows: Sequence[Row]) -> dict[str, Any]:
    """Rows that are alike in all words, and in what they differ."""
    names = sorted({name for row in rows for name in row.side.slices})
    differ: dict[str, list[str]] = {}
    for name in names:
        values = sorted({str(row.side.slices.get(name, "")) for row in rows})
        if len(values) > 1:
            differ[name] = values
    if len({row.label for row in rows}) > 1:
        differ["label"] = sorted({str(row.label) for row in rows})
    return {"rows": sorted(row.id for row in rows), "differ": differ}


def _slices(rows: Sequence[Row], gone: set[int]) -> list[dict[str, Any]]:
    """Every slice that would lose rows: how many it has, and would have; the most thinned first."""
    before = Counter(name for row in rows for name in reported(row))
    lost = Counter(name for place in gone for name in reported(rows[place]))
    lines = [{"slice": name, "before": before[name], "after": before[name] - count} for name, count in lost.items()]
    return sorted(lines, key=lambda line: (line["after"] / line["before"], line["slice"]))
