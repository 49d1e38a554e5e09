"""What documents may say: no text, no person, nothing that nobody stated; the same ledger gives the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headgate.gate.waivers import give
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge
from headgate.rights.evidence.facts import Term
from headgate.rights.evidence.formats import FORMATS
from headgate.rights.evidence.gathering import gather
from headgate.rights.evidence.licences import all_of, expression, page_of, reference
from headgate.rights.evidence.writing import made
from headgate.stats.verdict import Outcome

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECRETS = ("my-card-was-swallowed", "we-are-sorry-to-hear", "person-anna", "person-bert", "person-carl")


def test_no_document_holds_a_row_or_names_a_person(released, frozen, kept):
    """Neither words of rows nor keys of people are in any document, though the ledger has both."""
    bodies = b"".join(body for _, _, body in kept.ledger.rows.bodies(kept.ledger.rows.all_numbers())).decode()
    assert [] == [one for one in SECRETS if one not in bodies]
    documents = [content.decode() for facts in (released, frozen) for content in made(facts)[0].values()]
    assert [] == [one for one in SECRETS for text in documents if one in text]


def test_words_of_a_check_stay_in_the_house(released):
    """A finding may quote a row or a person; the card that leaves the house gives its number alone."""
    grounds = released.model.grounds
    quoting = replace(grounds.verdicts[0], summary="person-anna wrote 'my-card-was-swallowed'", outcome=Outcome.UNSURE)
    model = replace(released.model, grounds=replace(grounds, verdicts=(quoting, *grounds.verdicts[1:])))
    text = FORMATS["model-card"].make(replace(released, model=model)).decode()
    assert [] == [one for one in SECRETS if one in text]
    assert f"- Not settled: {quoting.rule}." in text


def test_counts_are_those_of_the_rows(frozen):
    """People, consent, authors, languages and dates, by counting the twelve rows by hand."""
    rows = frozen.data.rows
    assert (12, 0, 8, 3) == (rows.readable, rows.erased, rows.about_people, rows.people)
    assert ({"training": 2}, 1) == (rows.consent, rows.consent_unknown)
    assert ({"teacher-7b": 2}, 2, {"en": 12}) == (rows.generators, rows.synthetic, rows.languages)
    assert ("2025-01-15", "2025-06-15", 12) == (rows.first, rows.last, rows.dated)
    assert {"test": 1, "train": 11} == frozen.data.splits


def test_terms_are_those_of_the_moment(scene):
    """A withdrawal counts from its day on, and not before."""
    day = datetime(2026, 6, 1, tzinfo=UTC)
    scene.ledger.claims.assert_("subject:person-anna", "consent", "withdrawn", source="mail", observed_at=day,
                                valid_from=day)  # fmt: skip
    before, after = (gather(scene.ledger, "support@1", day + timedelta(days=n)) for n in (-1, 1))
    assert ({"training": 2}, {"training": 1, "withdrawn": 1}) == (before.data.rows.consent, after.data.rows.consent)


def test_erased_rows_are_said_to_be_gone(scene):
    """What can no longer be counted is told apart from what is not there."""
    numbers = scene.ledger.versions.get("support@1").numbers
    scene.ledger.rows.erase(list(numbers)[:2])
    facts = gather(scene.ledger, "support@1", AT)
    assert (10, 2, 3) == (facts.data.rows.readable, facts.data.rows.erased, facts.data.rows.people)
    package = next(
        one
        for one in json.loads(FORMATS["spdx"].make(facts))["@graph"]
        if one["type"] == "dataset_DatasetPackage" and one["name"] == "support"
    )
    assert "dataset_datasetSize" not in package
    assert "- **Bytes of the rows**: Unknown: the ledger does not say." in FORMATS["eu-sheet"].make(facts).decode()


def test_the_same_ledger_gives_the_same_bytes(kept):
    """Documents of one moment are equal byte by byte; another moment changes dates alone."""
    once, again = (made(gather(kept.ledger, "production", AT))[0] for _ in range(2))
    later = made(gather(kept.ledger, "production", AT + timedelta(days=1)))[0]
    assert once == again
    assert {"croissant", "slsa", "openlineage", "model-card"} == {name for name in once if once[name] == later[name]}


def test_silence_is_said_and_not_filled(scene):
    """Without claims, settings, decision or recipe every format says that nothing is known."""
    ledger = scene.ledger
    version = ledger.versions.get("support@1")
    run = ledger.record("run", "bare", {"outcome": "pass"}, edges=[Edge("trained-on", version.node_id)])
    base = ledger.find("base")[-1].id
    edges = [Edge("derived-from", run), Edge("derived-from", base)]
    ledger.record("adapter", "tiny@bare", {"digest": "b3:" + "9" * 64, "folder": "adapters/none"}, edges=edges)
    ledger.claims.assert_("source:forum", "licence", "unknown", source="x", observed_at="2026-02-01")
    facts = gather(ledger, "tiny@bare", AT)
    documents, left = made(facts)
    assert {"model-card": "no decision covers tiny@bare"} == left
    spdx = json.loads(documents["spdx"])["@graph"]
    package = next(one for one in spdx if one["type"] == "ai_AIPackage")
    assert ("NOASSERTION", "noAssertion") == (package["ai_limitation"], package["ai_useSensitivePersonalInformation"])
    assert "NOASSERTION" == json.loads(documents["croissant"])["license"]
    component = json.loads(documents["cyclonedx"])["metadata"]["component"]
    assert ["NOASSERTION"] == [one["license"]["name"] for one in component["licenses"]]
    assert "quantitativeAnalysis" not in component["modelCard"]
    assert 'license: "unknown"' in documents["dataset-card"].decode()


def test_a_changed_file_has_no_digest_that_was_not_recorded(scene):
    """SHA-256 is given only of files that still are those of the record."""
    facts = gather(scene.ledger, "production", AT)
    assert all(one.sha256 for one in facts.model.files)
    (scene.folder / scene.outputs["release"]["folder"] / "README.md").write_text("changed")
    changed = {one.name: one.sha256 for one in gather(scene.ledger, "production", AT).model.files}
    assert ["README.md"] == [name for name, digits in changed.items() if not digits]


def test_names_find_release_adapter_and_version(kept):
    """By full name, digest, alias, adapter's name or address, version and dataset."""
    release = kept.outputs["release"]["release"]
    adapter = kept.ledger.node(kept.outputs["train"]["adapter"])
    names = (release, release.partition("@")[2], "production", adapter.name, adapter.id, "support@1")
    found = [gather(kept.ledger, name, AT).name for name in names]
    assert [release, release, release, adapter.name, adapter.name, "support@1"] == found
    with pytest.raises(Refused, match="no such release, adapter or dataset version"):
        gather(kept.ledger, "nothing", AT)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("MIT", "MIT"),
        ("MIT OR Apache-2.0", "Apache-2.0 OR MIT"),
        ("cc by 4.0", "CC-BY-4.0"),
        ("none", "NONE"),
        ("MIT AND NOASSERTION", "NOASSERTION"),
        ("as agreed with ACME", reference("as agreed with ACME")),
        ("proprietary", reference("proprietary")),
        ("LicenseRef-own", "LicenseRef-own"),
        ("", "NOASSERTION"),
        ("unknown", "NOASSERTION"),
        ("(MIT", reference("(MIT")),
    ],
)
def test_licences_become_expressions(written, wanted):
    """Identifiers of the list stay, other words become a reference, silence stays silence."""
    assert wanted == expression(written)


def test_terms_of_several_sources_hold_together():
    """All bind; one that is silent leaves the whole without assertion; only one of the list has a page."""
    assert "CC-BY-4.0 AND (Apache-2.0 OR MIT)" == all_of(["CC-BY-4.0", "MIT OR Apache-2.0", "CC-BY-4.0"])
    assert "NOASSERTION" == all_of(["MIT", ""]) == all_of([]) == all_of(["MIT", "none"])
    assert "NONE" == all_of(["none", "none"])
    assert ["https://spdx.org/licenses/MIT", "", ""] == [page_of(one) for one in ("MIT", "LicenseRef-a", "NOASSERTION")]


def test_a_term_says_who_and_until_when():
    """The end of a claim is part of it."""
    term = Term(value="training", said_by="mail", observed="2026-01-01", until="2026-12-31T00:00:00.000000Z")
    assert "training (says mail, 2026-01-01, until 2026-12-31)" == term.as_text()


def test_an_adapter_that_may_not_be_released_says_so(scene, scenes):
    """Its card is that of the newest decision, and its provenance names the outcome."""
    adapter = scene.ledger.node(scene.outputs["train"]["adapter"])
    scene.step("check", scenes.check(3))
    scene.gate()
    facts = gather(scene.ledger, adapter.id, AT)
    documents, left = made(facts)
    assert {} == left
    assert "The newest decision about this adapter is: fail." in documents["model-card"].decode()
    decision = json.loads(documents["slsa"])["predicate"]["runDetails"]["byproducts"][0]
    assert ("decision", "fail") == (decision["name"], decision["annotations"]["outcome"])
    assert ["curate", "curate", "train", "train"] == [
        json.loads(line)["job"]["name"] for line in documents["openlineage"].splitlines()
    ]


def test_a_waiver_stands_in_the_bill_of_materials(scene, scenes):
    """Who reads the bill sees which failure somebody answers for, and until when."""
    told = {"flow": "support", "name": "Ann Lee", "reason": "known until the rename", "until": "2026-12-31"}
    give(scene.ledger, rule="learned-typo", **told, now=AT)
    scene.step("check", scenes.check(3))
    scene.gate()
    component = json.loads(FORMATS["cyclonedx"].make(gather(scene.ledger, "tiny@planned", AT)))["metadata"]["component"]
    assert ["learned-typo until 2026-12-31"] == [
        one["value"] for one in component["properties"] if one["name"] == "headgate:waiver"
    ]


def test_a_model_out_of_use_says_so_from_that_day_on(scene):
    """A reader of a card learns that the adapter was retired, and by whom; a document of the day before does not."""
    adapter = scene.outputs["train"]["adapter"]
    scene.ledger.claims.assert_(adapter, "retired", "retired", source="A. Vos, rights/1", observed_at=AT, valid_from=AT)
    before, after = (made(gather(scene.ledger, "production", AT + timedelta(days=n)))[0] for n in (-1, 1))
    said = "retired (says A. Vos, rights/1, 2026-11-21)"
    told = {name for name, content in after.items() if said in content.decode()}
    assert {"spdx", "cyclonedx", "model-card", "eu-sheet"} == told
    assert [] == [name for name, content in before.items() if said in content.decode()]
