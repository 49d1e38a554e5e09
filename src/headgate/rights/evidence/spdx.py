"""SPDX 3.0.1 with the profiles dataset, AI and simple licensing, as JSON-LD.

Field names: SPDX specification 3.0.1. What the profiles require and nobody stated is `NOASSERTION`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.rights.evidence.facts import (
    DataFacts,
    Facts,
    FileFacts,
    ModelFacts,
    curation,
    hex_of,
    people,
    urn,
)
from headgate.rights.evidence.licences import NOASSERTION, references
from headgate.rights.evidence.scores import SUITE, Score, scores

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
CREATION = "_:creation"


class Graph:
    """Elements of one document; each carries the one record of its making."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.elements: list[dict[str, Any]] = []
        self._agents: dict[str, str] = {}
        self._licences: dict[str, str] = {}

    def name(self, kind: str, part: str) -> str:
        """Identifier of an element of this document."""
        return f"{urn('spdx', self.facts.id)}:{kind}:{part}"

    def add(self, kind: str, id_: str, **body: Any) -> str:
        """Adds an element; parts without a value are left out."""
        kept = {key: value for key, value in body.items() if value not in (None, "", [])}
        self.elements.append({"type": kind, "spdxId": id_, "creationInfo": CREATION, **kept})
        return id_

    def agent(self, name: str) -> str:
        """Somebody who answers for something."""
        if name not in self._agents:
            self._agents[name] = self.add("Agent", self.name("agent", str(len(self._agents) + 1)), name=name)
        return self._agents[name]

    def licence(self, expression: str) -> str:
        """A licence expression."""
        if expression not in self._licences:
            # A reference of one's own means nothing beyond this document, so its address is one of this document.
            own = {one: self.name("licence", one) for one in references([expression])}
            self._licences[expression] = self.add(
                "simplelicensing_LicenseExpression",
                self.name("licence", str(len(self._licences) + 1)),
                simplelicensing_licenseExpression=expression,
                simplelicensing_customIdToUri=_entries(own),
            )
        return self._licences[expression]

    def relate(self, from_: str, kind: str, to: Iterable[str], completeness: str = "complete") -> None:
        """Adds a relationship."""
        number = sum(one["type"] == "Relationship" for one in self.elements) + 1
        targets = list(to)
        if targets:
            self.add(
                "Relationship", self.name("relationship", str(number)), relationshipType=kind, to=targets,
                completeness=completeness, **{"from": from_},
            )  # fmt: skip


def document(facts: Facts) -> dict[str, Any]:
    """The dataset version, and the adapter that was trained on it, as one SPDX document."""
    graph = Graph(facts)
    maker = graph.add("SoftwareAgent", graph.name("agent", "headgate"), name=f"headgate {facts.made_by}")
    data = _dataset(graph, facts.data)
    root = _model(graph, facts.model, data) if facts.model else data
    profiles = ["core", "software", "simpleLicensing", "dataset", *(["ai"] if facts.model else [])]
    graph.add(
        "SpdxDocument", graph.name("document", "1"), name=facts.name, profileConformance=profiles, rootElement=[root],
        element=[one["spdxId"] for one in graph.elements],
    )  # fmt: skip
    creation = {"type": "CreationInfo", "@id": CREATION, "specVersion": "3.0.1", "created": facts.second}
    return {"@context": CONTEXT, "@graph": [{**creation, "createdBy": [maker]}, *graph.elements]}


def _dataset(graph: Graph, data: DataFacts) -> str:
    rows = data.rows
    made = graph.add(
        "dataset_DatasetPackage",
        urn("dataset-version", data.version.node_id),
        name=data.version.manifest["dataset"],
        summary=f"{len(data.version.numbers):,} rows",
        description="; ".join(people(data)),
        software_packageVersion=data.name.rpartition("@")[2],
        software_primaryPurpose="data",
        software_downloadLocation=NOASSERTION,
        builtTime=_second(data.frozen_at),
        releaseTime=_second(data.frozen_at),
        originatedBy=[graph.agent(name) for name in data.owners],
        externalIdentifier=_identifier(data.version.manifest_digest, "manifest"),
        dataset_datasetType=["text"],
        dataset_datasetSize=None if rows.erased else rows.size,
        dataset_dataPreprocessing=curation(data),
        dataset_dataCollectionProcess=f"Captured from the sources named; how those were collected: {NOASSERTION}",
        dataset_hasSensitivePersonalInformation="noAssertion",
        dataset_intendedUse="training and evaluation of an adapter",
    )
    graph.relate(made, "hasDeclaredLicense", [graph.licence(data.licence)])
    sources = [_source(graph, data, index) for index in range(len(data.sources))]
    graph.relate(made, "descendantOf", sources)
    return made


def _source(graph: Graph, data: DataFacts, index: int) -> str:
    one = data.sources[index]
    made = graph.add(
        "dataset_DatasetPackage",
        urn("source", one.id),
        name=one.name,
        summary=f"{one.rows:,} rows of it stand in {data.name}",
        comment=f"consent of the source: {one.consent.as_text() if one.consent else NOASSERTION}",
        software_primaryPurpose="data",
        software_downloadLocation=NOASSERTION,
        originatedBy=[graph.agent(one.owner.value if one.owner else NOASSERTION)],
        dataset_datasetType=["noAssertion"],
        dataset_hasSensitivePersonalInformation="noAssertion",
    )
    graph.relate(made, "hasDeclaredLicense", [graph.licence(one.expression)])
    return made


def _model(graph: Graph, model: ModelFacts, data: str) -> str:
    found = scores(model)
    made = graph.add(
        "ai_AIPackage",
        urn(model.kind, model.node.id),
        name=model.name,
        description=model.settings.about,
        comment=f"out of use: {model.retired.as_text()}" if model.retired else "",
        software_packageVersion=model.name.rpartition("@")[2],
        software_primaryPurpose="model",
        software_downloadLocation=NOASSERTION,
        builtTime=_second(model.adapter.at),
        releaseTime=_second(model.node.at),
        suppliedBy=graph.agent(NOASSERTION),
        externalIdentifier=_identifier(str(model.adapter.body.get("digest", "")), "tensors and settings"),
        ai_autonomyType="noAssertion",
        ai_typeOfModel=["LoRA adapter of a language model"],
        ai_hyperparameter=_entries(model.recipe),
        ai_metric=_entries({one.key: one.text for one in found}),
        ai_metricDecisionThreshold=_entries({one.key: one.threshold for one in found if one.threshold}),
        ai_informationAboutTraining=f"run {model.run.id}, plan {model.run.body.get('plan_digest', NOASSERTION)}",
        ai_limitation=" ".join(model.settings.limits) or NOASSERTION,
        ai_modelDataPreprocessing=curation(graph.facts.data),
        ai_useSensitivePersonalInformation="noAssertion",
    )
    base = graph.add(
        "ai_AIPackage",
        urn("base", model.base.id),
        name=model.base.name,
        software_primaryPurpose="model",
        software_downloadLocation=NOASSERTION,
        suppliedBy=graph.agent(NOASSERTION),
        externalIdentifier=_identifier(str(model.base.body["fingerprint"]["root"]), "fingerprint"),
    )
    graph.relate(made, "hasDeclaredLicense", [graph.licence(model.licence)])
    graph.relate(base, "hasDeclaredLicense", [graph.licence(NOASSERTION)])
    graph.relate(made, "dependsOn", [base])
    graph.relate(made, "trainedOn", [data])
    graph.relate(made, "contains", [_file(graph, one) for one in model.files])
    graph.relate(made, "testedOn", _suites(graph, found), "noAssertion")
    return made


def _file(graph: Graph, one: FileFacts) -> str:
    digests = {"blake3": one.blake3, "sha256": one.sha256}
    hashes = [{"type": "Hash", "algorithm": name, "hashValue": digits} for name, digits in digests.items() if digits]
    return graph.add("software_File", graph.name("file", one.name), name=one.name, verifiedUsing=hashes)


def _suites(graph: Graph, found: Iterable[Score]) -> list[str]:
    about = {"dataset_datasetType": ["text"], "software_primaryPurpose": "test"}
    return [
        graph.add(
            "dataset_DatasetPackage",
            graph.name(SUITE, name),
            name=f"{SUITE} {name}",
            software_downloadLocation=NOASSERTION,
            **about,
        )
        for name in dict.fromkeys(one.suite for one in found)
    ]


def _entries(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"type": "DictionaryEntry", "key": key, "value": value} for key, value in pairs.items()]


def _identifier(address: str, of: str) -> list[dict[str, str]]:
    if not address:
        return []
    told = f"BLAKE3 over the canonical form of {of}"
    return [
        {
            "type": "ExternalIdentifier",
            "externalIdentifierType": "other",
            "identifier": hex_of(address),
            "comment": told,
        }
    ]


def _second(moment: str) -> str:
    return moment[:19] + "Z"
