"""OpenLineage events (specification 2-0-2), one JSON object a line: curation, training, release.

Every job is one that is over, so each has a START and a COMPLETE event; the moment is that of its record, as nothing
else is known of when it began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.rights.evidence.facts import Facts, ModelFacts, SourceFacts, uuid_of

NAMESPACE = "headgate"
PRODUCER = "urn:headgate:openlineage:1"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
FACETS = "https://openlineage.io/spec/facets/"
# Each facet that is written, with the place of its schema.
VERSION = "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
OWNERSHIP = "1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet"
DOCUMENTATION = "1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet"
JOB_TYPE = "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"


def events(facts: Facts) -> list[dict[str, Any]]:
    """The events of everything that led to what the facts are about, in order."""
    data = facts.data
    version = _dataset(data.version.manifest["dataset"], data.name.rpartition("@")[2])
    out = _run(f"curate {data.name}", "curate", data.frozen_at, [_source(one) for one in data.sources], [version])
    if (model := facts.model) is None:
        return out
    adapter = _dataset(f"adapter/{model.adapter.name}", model.digest)
    base = _dataset(f"base/{model.base.name}", str(model.base.body["fingerprint"]["root"]))
    out += _run(model.run.id, "train", model.run.at, [version, base], [adapter])
    return out + _release(model, adapter)


def _release(model: ModelFacts, adapter: Mapping[str, Any]) -> list[dict[str, Any]]:
    if model.node.id == model.adapter.id:
        return []
    made = _dataset(f"release/{model.name.rpartition('@')[0]}", model.name.rpartition("@")[2])
    return _run(model.node.id, "release", model.node.at, [adapter], [made])


def _run(
    key: str, job: str, at: str, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    kind = {"processingType": "BATCH", "integration": "HEADGATE", "jobType": "STAGE"}
    common = {
        "eventTime": at[:19] + "Z",
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}RunEvent",
        "run": {"runId": uuid_of(f"{NAMESPACE}:{key}"), "facets": {}},
        "job": {"namespace": NAMESPACE, "name": job, "facets": {"jobType": _facet(JOB_TYPE, kind)}},
    }
    return [
        common | {"eventType": "START", "inputs": [dict(one, inputFacets={}) for one in inputs], "outputs": []},
        common
        | {
            "eventType": "COMPLETE",
            "inputs": [dict(one, inputFacets={}) for one in inputs],
            "outputs": [dict(one, outputFacets={}) for one in outputs],
        },
    ]


def _dataset(name: str, version: str, **facets: Any) -> dict[str, Any]:
    facet = _facet(VERSION, {"datasetVersion": version})
    return {"namespace": NAMESPACE, "name": name, "facets": {"version": facet, **facets}}


def _source(one: SourceFacts) -> dict[str, Any]:
    told = f"licence {one.expression}; {one.rows:,} rows"
    facets = {"documentation": _facet(DOCUMENTATION, {"description": told})}
    if one.owner:
        facets["ownership"] = _facet(OWNERSHIP, {"owners": [{"name": one.owner.value}]})
    return {"namespace": NAMESPACE, "name": f"source/{one.name}", "facets": facets}


def _facet(schema: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": FACETS + schema, **body}
