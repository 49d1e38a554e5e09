"""CycloneDX 1.6, as a bill of materials of a machine-learning model (ML-BOM) or of a dataset."""

from __future__ import annotations

from typing import Any

from headgate.rights.evidence.facts import (
    DataFacts,
    Facts,
    FileFacts,
    ModelFacts,
    SourceFacts,
    counted,
    curation,
    people,
    urn,
)
from headgate.rights.evidence.facts import uuid_of as same_uuid
from headgate.rights.evidence.licences import NOASSERTION, OWN, SILENT
from headgate.rights.evidence.scores import scores

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"


def document(facts: Facts) -> dict[str, Any]:
    """The bill of materials of a model, its base and its data; or of a dataset and its sources."""
    data = _dataset(facts.data)
    sources = [_source(one) for one in facts.data.sources]
    depends = [{"ref": data["bom-ref"], "dependsOn": [one["bom-ref"] for one in sources]}]
    root, components = data, sources
    if facts.model:
        root, base = _model(facts.model, data["bom-ref"]), _base(facts.model)
        components = [base, data, *sources]
        depends.insert(0, {"ref": root["bom-ref"], "dependsOn": [base["bom-ref"], data["bom-ref"]]})
    maker = {"type": "application", "name": "headgate", "version": facts.made_by}
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{same_uuid(f'{facts.id} {facts.second}')}",
        "version": 1,
        "metadata": {"timestamp": facts.second, "tools": {"components": [maker]}, "component": root},
        "components": components,
        "dependencies": depends,
    }


def _model(model: ModelFacts, data: str) -> dict[str, Any]:
    decision = model.grounds.decision.id if model.grounds else NOASSERTION
    card: dict[str, Any] = {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "text-generation",
            "modelArchitecture": "LoRA adapter",
            "datasets": [{"ref": data}],
        },
        "considerations": {
            "useCases": [model.settings.about or NOASSERTION],
            "technicalLimitations": model.settings.limits or [NOASSERTION],
        },
        "properties": [_property(f"recipe:{key}", value) for key, value in model.recipe.items()],
    }
    if metrics := _metrics(model):
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return {
        "type": "machine-learning-model",
        "bom-ref": urn(model.kind, model.node.id),
        "name": model.name,
        "version": model.name.rpartition("@")[2],
        "licenses": _licences(model.licence),
        "modelCard": card,
        "components": [_file(model, one) for one in model.files],
        "properties": [
            _property("adapter-digest", str(model.adapter.body.get("digest", NOASSERTION))),
            _property("run", model.run.id),
            _property("plan", str(model.run.body.get("plan_digest") or NOASSERTION)),
            _property("decision", decision),
            *([_property("out-of-use", model.retired.as_text())] if model.retired else []),
            *(_property("waiver", f"{one['rule']} until {one['until']}") for one in _waivers(model)),
        ],
    }


def _waivers(model: ModelFacts) -> list[dict[str, Any]]:
    return model.grounds.waivers if model.grounds else []


def _metrics(model: ModelFacts) -> list[dict[str, Any]]:
    return [
        {
            "type": f"accuracy gained over {one.reference}",
            "value": f"{one.measure.value:.4f}",
            "slice": f"{one.suite}, {one.pool}",
            "confidenceInterval": {"lowerBound": f"{one.measure.low:.4f}", "upperBound": f"{one.measure.high:.4f}"},
        }
        for one in scores(model)
    ]


def _base(model: ModelFacts) -> dict[str, Any]:
    prints = sorted((name, value) for name, value in model.base.body["fingerprint"].items() if value)
    return {
        "type": "machine-learning-model",
        "bom-ref": urn("base", model.base.id),
        "name": model.base.name,
        "licenses": _licences(NOASSERTION),
        "properties": [_property(f"fingerprint:{name}", value) for name, value in prints],
    }


def _dataset(data: DataFacts) -> dict[str, Any]:
    rows = data.rows
    told = {
        "manifest": data.version.manifest_digest,
        "rows": str(len(data.version.numbers)),
        "rows-erased-since": str(rows.erased),
        **{f"split:{split}": str(count) for split, count in data.splits.items()},
        "kinds": counted(rows.kinds),
        "languages": counted(rows.languages),
        "rows-written-by-models": str(rows.synthetic),
        "people": str(rows.people),
        "people-by-consent": counted(rows.consent, NOASSERTION),
        "people-without-a-claim-of-consent": str(rows.consent_unknown),
    }
    content = {
        "type": "dataset",
        "name": data.name,
        "governance": {"owners": [{"organization": {"name": name}} for name in data.owners]},
        "description": " ".join(people(data)),
    }
    return {
        "type": "data",
        "bom-ref": urn("dataset-version", data.version.node_id),
        "name": str(data.version.manifest["dataset"]),
        "version": data.name.rpartition("@")[2],
        "licenses": _licences(data.licence),
        "data": [content],
        "properties": [
            *(_property(name, value) for name, value in told.items()),
            *(_property("curation", text) for text in curation(data)),
        ],
    }


def _source(one: SourceFacts) -> dict[str, Any]:
    owner = one.owner.value if one.owner else NOASSERTION
    return {
        "type": "data",
        "bom-ref": urn("source", one.id),
        "name": one.name,
        "licenses": _licences(one.expression),
        "data": [{"type": "dataset", "governance": {"owners": [{"organization": {"name": owner}}]}}],
        "properties": [
            _property("rows", str(one.rows)),
            _property("licence-claimed", one.licence.as_text() if one.licence else NOASSERTION),
            _property("licences-stated-by-rows", counted(one.stated, NOASSERTION)),
            _property("consent", one.consent.as_text() if one.consent else NOASSERTION),
        ],
    }


def _file(model: ModelFacts, one: FileFacts) -> dict[str, Any]:
    digests = (("BLAKE3", one.blake3), ("SHA-256", one.sha256))
    return {
        "type": "file",
        "bom-ref": f"{urn(model.kind, model.node.id)}/{one.name}",
        "name": one.name,
        "hashes": [{"alg": name, "content": digits} for name, digits in digests if digits],
    }


def _licences(expression: str) -> list[dict[str, Any]]:
    # The list of SPDX has no word for silence; a name may be anything.
    if expression in SILENT or (expression.startswith(OWN) and " " not in expression):
        return [{"license": {"name": expression, "acknowledgement": "declared"}}]
    return [{"expression": expression, "acknowledgement": "declared"}]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"headgate:{name}", "value": value}
