"""Croissant 1.1 with the vocabulary for responsible AI: what is in a dataset version, without its rows.

Field names: Croissant Format Specification 1.1 (MLCommons, 2026-01-29) and Croissant RAI 1.0. No file of rows is
published, so there is no `distribution`; splits are a record set with their sizes.
"""

from __future__ import annotations

from typing import Any

from headgate.rights.evidence.facts import DataFacts, Facts, SourceFacts, curation, people, urn
from headgate.rights.evidence.licences import NOASSERTION, page_of

CONFORMS = "http://mlcommons.org/croissant/1.1"
CONFORMS_RAI = "http://mlcommons.org/croissant/RAI/1.0"
# The kinds of split that Croissant knows, by the names that people give theirs.
SPLITS = {
    "train": "cr:TrainingSplit", "training": "cr:TrainingSplit",
    "dev": "cr:ValidationSplit", "val": "cr:ValidationSplit", "validation": "cr:ValidationSplit",
    "test": "cr:TestSplit", "held-out": "cr:TestSplit",
}  # fmt: skip
OWN = {  # names of Croissant's own that the context gives a short form
    name: f"cr:{name}"
    for name in (
        "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
        "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
        "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
        "source", "subField", "transform",
    )
}  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **OWN,
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}


def document(facts: Facts) -> dict[str, Any]:
    """The dataset version as a Croissant document."""
    data = facts.data
    out: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [CONFORMS, CONFORMS_RAI],
        "name": data.version.manifest["dataset"],
        "description": _description(data),
        "url": urn("dataset-version", data.version.node_id),
        "identifier": data.version.manifest_digest,
        "version": f"{data.name.rpartition('@')[2]}.0.0",
        "license": page_of(data.licence) or data.licence,
        "creator": [{"@type": "sc:Organization", "name": name} for name in data.owners],
        "dateCreated": data.frozen_at[:10],
        "datePublished": data.frozen_at[:10],
        "prov:wasDerivedFrom": [_source(one) for one in data.sources],
        "prov:wasGeneratedBy": {"@type": "prov:Activity", "prov:label": "curation by headgate"},
        **_responsible(data),
    }
    if data.rows.first:
        out["temporalCoverage"] = f"{data.rows.first}/{data.rows.last}"
    if data.rows.languages:
        out["inLanguage"] = list(data.rows.languages)
    if data.splits:
        out["recordSet"] = [_splits(data)]
    return out


def _description(data: DataFacts) -> str:
    parts = ", ".join(f"{split} {count:,}" for split, count in data.splits.items())
    return f"{len(data.version.numbers):,} rows" + (f" in splits: {parts}" if parts else "") + ", frozen by content."


def _source(one: SourceFacts) -> dict[str, Any]:
    out: dict[str, Any] = {
        "@type": "prov:Entity",
        "@id": urn("source", one.id),
        "prov:label": one.name,
        "license": page_of(one.expression) or one.expression,
        "size": f"{one.rows} rows",
        "usageInfo": one.consent.as_text() if one.consent else NOASSERTION,
    }
    if one.owner:
        out["prov:wasAttributedTo"] = {"@type": "prov:Agent", "prov:label": one.owner.value}
    return out


def _responsible(data: DataFacts) -> dict[str, Any]:
    """What the vocabulary for responsible AI asks for and the ledger knows."""
    rows = data.rows
    listed = ", ".join(f"{one.name} ({one.rows:,} rows)" for one in data.sources)
    out: dict[str, Any] = {
        "rai:dataCollection": f"Captured from {listed}. How the sources were collected: {NOASSERTION}.",
        "rai:dataPreprocessingProtocol": curation(data) or [NOASSERTION],
        "rai:personalSensitiveInformation": people(data),
        "rai:dataLimitations": [f"{rows.erased:,} of {rows.erased + rows.readable:,} rows have been erased since."]
        if rows.erased
        else [NOASSERTION],
        "rai:dataBiases": [NOASSERTION],
    }
    if rows.generators:
        out["rai:machineAnnotationTools"] = [f"{name} wrote {count:,} rows" for name, count in rows.generators.items()]
    return out


def _splits(data: DataFacts) -> dict[str, Any]:
    rows = []
    for split, count in data.splits.items():
        one: dict[str, Any] = {"splits/name": split, "splits/rows": count}
        if split in SPLITS:
            one["splits/url"] = SPLITS[split]
        rows.append(one)
    types = {"name": "sc:Text", "rows": "sc:Integer", "url": "sc:URL"}
    used = [name for name in types if all(f"splits/{name}" in row for row in rows)]
    fields = [
        {"@type": "cr:Field", "@id": f"splits/{name}", "name": f"splits/{name}", "dataType": types[name]}
        for name in used
    ]
    shown = [{f"splits/{name}": row[f"splits/{name}"] for name in used} for row in rows]
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": fields,
        "data": shown,
    }
