"""Every document is taken by the format's own validator or library, and a broken one is not."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import spdx_python_model
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from huggingface_hub import DatasetCard, ModelCard
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from openlineage.client import event_v2
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.documentation_dataset import DocumentationDatasetFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.ownership_dataset import Owner, OwnershipDatasetFacet
from openlineage.client.serde import Serde

from headgate.rights.evidence.formats import FORMATS
from headgate.rights.evidence.gathering import gather
from headgate.rights.evidence.licences import reference

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOTH = ("released", "frozen")


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    """A document by format and by the name of the fixture whose facts it is about."""

    def write(form: str, about: str = "released") -> Any:
        content = FORMATS[form].make(request.getfixturevalue(about)).decode()
        return json.loads(content) if FORMATS[form].file.endswith(".json") else content

    return write


def read_croissant(document: dict[str, Any]) -> Any:
    """A dataset as MLCommons' own library reads it; the import warns of its own dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlcroissant

        return mlcroissant.Dataset(jsonld=document)


def read_spdx(document: dict[str, Any]) -> Any:
    """The elements as SPDX's own model reads them, each property checked for type, value and number."""
    model, found = spdx_python_model.load_data(document)
    assert set() == found.missing_ids
    model.JSONLDSerializer().write(found, io.BytesIO())
    return model, found


def problem_of_bom(document: dict[str, Any]) -> Any:
    """What CycloneDX's own validator says; None where it is content."""
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))


def read_statement(document: dict[str, Any]) -> Any:
    """Statement and predicate as in-toto's own messages, which take no unknown field."""
    statement = Statement.copy_from_pb(json_format.ParseDict(document, statement_pb2.Statement()))
    statement.validate()
    return json_format.ParseDict(document["predicate"], provenance_pb2.Provenance())


FACETS = {
    "version": DatasetVersionDatasetFacet,
    "documentation": DocumentationDatasetFacet,
    "ownership": OwnershipDatasetFacet,
    "jobType": JobTypeJobFacet,
}


def facet(name: str, body: dict[str, Any]) -> Any:
    """A facet as the class of OpenLineage's client."""
    given = {key: value for key, value in body.items() if not key.startswith("_")}
    if name == "ownership":
        given["owners"] = [Owner(**one) for one in given["owners"]]
    return FACETS[name](producer=body["_producer"], **given)


def read_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event made again by the classes of OpenLineage's client, as they write it."""

    def datasets(kind: Any, found: list[dict[str, Any]]) -> list[Any]:
        return [
            kind(one["namespace"], one["name"], facets={key: facet(key, body) for key, body in one["facets"].items()})
            for one in found
        ]

    job = event["job"]
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(event["run"]["runId"]),
        job=event_v2.Job(job["namespace"], job["name"], {key: facet(key, one) for key, one in job["facets"].items()}),
        inputs=datasets(event_v2.InputDataset, event["inputs"]),
        outputs=datasets(event_v2.OutputDataset, event["outputs"]),
    )
    return Serde.to_dict(made)


@pytest.mark.parametrize("about", BOTH)
def test_croissant_is_read_without_an_error_and_says_the_splits(written, about):
    """MLCommons' library takes the document, loses no field of it, and reads the sizes of splits."""
    document = written("croissant", about)
    found = read_croissant(document)
    assert [] == sorted(found.metadata.ctx.issues.errors)
    assert "http://mlcommons.org/croissant/1.1" in document["conformsTo"]
    assert [("test", 1), ("train", 11)] == [(one["splits/name"], one["splits/rows"]) for one in found.records("splits")]
    assert ["8 rows are about 3 people; their pseudonymous keys are not published."] == (
        found.metadata.personal_sensitive_information[:1]
    )


def test_a_broken_croissant_is_not_read(written):
    """A field without a type is refused by the library."""
    document = written("croissant")
    del document["recordSet"][0]["field"][0]["dataType"]
    with pytest.raises(Exception, match="dataType"):
        read_croissant(document)


@pytest.mark.parametrize("about", BOTH)
def test_spdx_is_read_with_every_reference_resolved(written, about):
    """SPDX's own model takes the document, and the dataset says rows, licence and preprocessing."""
    model, found = read_spdx(written("spdx", about))
    packages = {one.name: one for one in found.foreach_type(model.dataset_DatasetPackage)}
    assert ["filter: 14 rows to 12"] == list(packages["support"].dataset_dataPreprocessing)
    assert 3434 == packages["support"].dataset_datasetSize
    expressions = {
        one.simplelicensing_licenseExpression for one in found.foreach_type(model.simplelicensing_LicenseExpression)
    }
    assert {"MIT", "CC-BY-4.0", "CC-BY-4.0 AND MIT"} <= expressions
    assert (about == "released") == bool(list(found.foreach_type(model.ai_AIPackage)))


def test_spdx_says_what_the_adapter_is_trained_on_and_depends_on(written):
    """The relationships lead from the adapter to base, data, files and suites."""
    document = written("spdx")
    names = {one.get("spdxId"): one.get("name") for one in document["@graph"]}
    links = {
        (one["relationshipType"], names[to])
        for one in document["@graph"]
        if one["type"] == "Relationship" and names[one["from"]].startswith("support@")
        for to in one["to"]
    }
    assert {("trainedOn", "support"), ("dependsOn", "tiny"), ("testedOn", "suite support")} <= links
    assert ("contains", "adapter_model.safetensors") in links


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("dataset_DatasetPackage", "dataset_datasetType", None),
        ("dataset_DatasetPackage", "dataset_hasSensitivePersonalInformation", "maybe"),
        ("dataset_DatasetPackage", "dataset_datasetSize", -1),
        ("ai_AIPackage", "ai_nothing", "x"),
        ("CreationInfo", "created", "yesterday"),
    ],
)
def test_a_broken_spdx_document_is_not_read(written, kind, field, value):
    """A missing, wrong or unknown property is refused by the model."""
    document = written("spdx")
    element = next(one for one in document["@graph"] if one["type"] == kind)
    if value is None:
        del element[field]
    else:
        element[field] = value
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        read_spdx(document)


@pytest.mark.parametrize("about", BOTH)
def test_a_bill_of_materials_is_valid(written, about):
    """CycloneDX's strict validator has nothing to say."""
    assert problem_of_bom(written("cyclonedx", about)) is None


def test_a_bill_of_materials_has_a_model_card_with_scores(written):
    """The metrics are the comparisons that the decision rests on, with their intervals."""
    card = written("cyclonedx")["metadata"]["component"]["modelCard"]
    first = card["quantitativeAnalysis"]["performanceMetrics"][0]
    assert ("accuracy gained over base", "0.1750", "support, gate") == (first["type"], first["value"], first["slice"])
    assert {"lowerBound", "upperBound"} == set(first["confidenceInterval"])


@pytest.mark.parametrize("field", ["name", "type"])
def test_a_broken_bill_of_materials_is_not_valid(written, field):
    """A component without a name or a type is found."""
    document = written("cyclonedx")
    del document["components"][0][field]
    assert problem_of_bom(document) is not None


def test_provenance_is_a_statement_with_a_predicate_of_slsa(written):
    """in-toto's own messages take both, and they say which data, base and code made which files."""
    document = written("slsa")
    found = read_statement(document)
    definition = found.build_definition
    assert ["tiny", "support@1", "headgate 0.1.0", "project"] == [one.name for one in definition.resolved_dependencies]
    assert "0.002" == definition.external_parameters["settings"]["learning-rate"]
    files = {one["name"]: one["digest"] for one in document["subject"]}
    assert {"blake3", "sha256"} == set(files["adapter_model.safetensors"])


@pytest.mark.parametrize("field", ["subject", "predicateType", "_type"])
def test_a_broken_statement_is_not_taken(written, field):
    """Without a subject, a type of predicate or its own type it is refused."""
    document = written("slsa")
    del document[field]
    with pytest.raises(ValueError, match=r"subject|type|Type"):
        read_statement(document)


def test_an_unknown_field_of_provenance_is_not_taken(written):
    """The messages know no field that the specification lacks."""
    document = written("slsa")
    document["predicate"]["runDetails"]["trusted"] = True
    with pytest.raises(json_format.ParseError):
        read_statement(document)


@pytest.mark.parametrize(("about", "jobs"), [("released", ["curate", "train", "release"]), ("frozen", ["curate"])])
def test_events_are_those_that_the_client_writes(written, about, jobs):
    """Made again with the classes of the client, each event is the same, and each run has a start and an end."""
    found = [json.loads(line) for line in written("openlineage", about).splitlines()]
    assert found == [read_event(one) for one in found]
    assert [(job, kind) for job in jobs for kind in ("START", "COMPLETE")] == [
        (one["job"]["name"], one["eventType"]) for one in found
    ]


def test_a_broken_event_is_not_made(written):
    """The classes of the client refuse a run without an identifier and a moment that is none."""
    event = json.loads(written("openlineage").splitlines()[0])
    with pytest.raises(ValueError, match="UUID"):
        read_event(event | {"run": {"runId": "seven"}})
    with pytest.raises(ValueError, match="time"):
        read_event(event | {"eventTime": "2026-11-21"})


@pytest.mark.parametrize("about", BOTH)
def test_a_dataset_card_has_front_matter_that_registries_read(written, about):
    """The registry's library reads licence, language and class of size."""
    data = DatasetCard(written("dataset-card", about)).data
    assert ("other", "CC-BY-4.0 AND MIT", ["en"]) == (data.license, data.license_name, data.language)
    assert ["n<1K"] == data.size_categories


def test_a_model_card_is_that_of_the_release_with_the_rights_behind_it(written, kept):
    """The registry's library reads base and licence; the numbers are those of the release's own card."""
    text = written("model-card")
    data = ModelCard(text).data
    assert ("tiny", "Apache-2.0", ["support@1"]) == (data.base_model, data.license, data.datasets)
    own = (kept.folder / kept.outputs["release"]["folder"] / "README.md").read_text()
    line = next(one for one in own.splitlines() if one.startswith("| support | gate | base"))
    assert line in text
    assert "Support team (says headgate.toml, 2026-01-01)" in text


def test_a_card_with_broken_front_matter_is_not_read(written):
    """The registry's library refuses front matter that is no YAML."""
    with pytest.raises(Exception, match=r"(?i)yaml|mapping|scan|pars"):
        DatasetCard(written("dataset-card").replace('license: "other"', "license: [other"))


def test_the_sheet_has_every_section_of_the_template(written):
    """All sections stand there in order, and what the ledger cannot know is said to be unknown."""
    text = written("eu-sheet")
    wanted = (
        "1. General", "1.1", "1.2", "1.3", "2. List", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3. Data", "3.1", "3.2",
        "3.3",
    )  # fmt: skip
    found = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#") and line.lstrip("# ")[0].isdigit()]
    assert len(wanted) == len(found)
    assert [] == [one for one, title in zip(wanted, found, strict=True) if not title.startswith(one)]
    assert "- **Provider name and contact**: Unknown: the ledger does not say." in text
    assert "2 of 12 rows were written by models: teacher-7b: 2" in text


@pytest.mark.parametrize(
    ("said", "wanted"), [("as agreed in 2024", reference("as agreed in 2024")), ("none", "NONE"), ("?!", "LicenseRef-")]
)
def test_words_that_are_no_licence_leave_valid_documents(scene, said, wanted):
    """Whatever people wrote as a licence, every document stays one that its format takes."""
    claim = {"source": "mail", "observed_at": "2026-03-01"}
    for source in ("tickets", "forum"):
        scene.ledger.claims.assert_(f"source:{source}", "licence", said, **claim)
    facts = gather(scene.ledger, "production", AT)
    assert all(wanted in one.expression for one in facts.data.sources if not one.stated)
    spdx, bom, croissant = (json.loads(FORMATS[name].make(facts)) for name in ("spdx", "cyclonedx", "croissant"))
    read_spdx(spdx)
    assert problem_of_bom(bom) is None
    assert [] == sorted(read_croissant(croissant).metadata.ctx.issues.errors)
