"""What the ledger keeps of each version of a dataset so that versions can be followed: its variety and its teachers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Edge
from headgate.ledger.versions import DatasetVersion
from headgate.rows.stored import stored_rows
from headgate.rules.corpus import Corpus
from headgate.rules.generations import origin_of, teacher_of
from headgate.rules.variety_series import Variety, model_of

KIND = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was measured of one version."""

    version: str
    variety: Variety
    teachers: Mapping[str, int]  # rows by the model that wrote them


def evidence_of(ledger: Ledger, version: DatasetVersion, split: str, rows: Corpus) -> list[Evidence]:
    """Evidence of every version of the dataset up to this one, oldest first; what is not known is measured and kept."""
    found: list[Evidence] = []
    dataset, _, number = version.name.partition("@")
    for name in ledger.versions.names():
        base, _, other = name.partition("@")
        if base != dataset or int(other) > int(number):
            continue
        each = version if name == version.name else ledger.versions.get(name)
        if split not in each.splits:
            continue
        model = model_of([one.variety for one in found])
        known = _kept(ledger, each, split, model)
        found.append(known or _measured(ledger, each, split, model, _rows_of(ledger, version, each, split, rows)))
    return found


def _rows_of(
    ledger: Ledger, version: DatasetVersion, each: DatasetVersion, split: str, rows: Corpus
) -> Callable[[], Corpus]:
    def read() -> Corpus:
        if each.name == version.name:
            return rows
        return Corpus([row for _, row in stored_rows(ledger, each.splits[split])], each.name)

    return read


def _name(version: DatasetVersion, split: str) -> str:
    return f"series/{version.name}/{split}"


def _kept(ledger: Ledger, version: DatasetVersion, split: str, model: Variety | None) -> Evidence | None:
    for node in reversed(ledger.find(KIND, _name(version, split))):
        body: Mapping[str, Any] = node.body
        variety = Variety.from_json(version.name, body)
        same = variety is not None and (model is None or (variety.texts, variety.words) == (model.texts, model.words))
        if variety is not None and same and body.get("version") == version.node_id:
            return Evidence(version=version.name, variety=variety, teachers=body["teachers"])
    return None


def _measured(
    ledger: Ledger, version: DatasetVersion, split: str, model: Variety | None, read: Callable[[], Corpus]
) -> Evidence:
    rows = read()
    variety, origins = Variety.of(rows, version.name, model), rows.coded(origin_of)
    teachers: dict[str, int] = {}
    for origin, count in zip(origins.values, origins.counts, strict=True):
        if teacher := teacher_of(origin):
            teachers[teacher] = teachers.get(teacher, 0) + count
    body = {"version": version.node_id, "split": split, **variety.as_json(), "teachers": dict(sorted(teachers.items()))}
    ledger.record(KIND, _name(version, split), body, edges=[Edge("derived-from", version.node_id)])
    return Evidence(version=version.name, variety=variety, teachers=teachers)


def varieties(evidence: Sequence[Evidence]) -> list[Variety]:
    """The varieties alone."""
    return [one.variety for one in evidence]
