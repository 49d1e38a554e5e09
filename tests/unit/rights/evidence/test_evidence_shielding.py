"""Fields that hold any text leave the house only as tags, words of closed lists, or names without a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from pyroaring import BitMap

from headgate.ledger.rows import RowRecord
from headgate.rights.evidence.dataset_card import plain
from headgate.rights.evidence.formats import FORMATS
from headgate.rights.evidence.gathering import gather
from headgate.rights.evidence.licences import reference
from headgate.rights.evidence.shielding import WITHHELD, Shield, consent, language
from headgate.rights.evidence.writing import made
from headgate.rows.row import Kind, Message, Row, Side, to_bytes

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENTENCE = "only as p-0003 agreed with Maria Jansen"
LEAKS = ("p-0003", "P-0003", "p-0004", "Lindenstrasse", "Maria", "Jansen", "<script", "\u202e")


@pytest.fixture
def leaking(scene):
    """A version of two sources whose rows hold a person in every field that takes text."""
    sides = [
        Side(subject="p-0003", source="a", language="subject p-0003 lives in Lindenstrasse 14", licence=SENTENCE,
             generator="written for p-0003 in the Lindenstrasse", created_at="2025-01-15"),
        Side(subject="p-0004", source="b", language="de-CH", licence="MIT", generator="big|model_<script>"),
    ]  # fmt: skip
    names = ("letters of\np-0004 | <script>alert(1)</script>", "mails\u202e | <b>bold</b>\n# Head")
    numbers, sources = BitMap(), []
    for name, side in zip(names, sides, strict=True):
        sources.append(scene.ledger.record("source", name, {"name": name}))
        messages = (Message("user", f"question {name}"), Message("assistant", "answer"))
        row = Row(kind=Kind.DEMONSTRATION, messages=messages, side=side)
        record = RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=sources[-1],
                           subject=side.subject)  # fmt: skip
        numbers |= scene.ledger.rows.append([record]).numbers
    said = {"source": "letter of P-0003", "observed_at": "2026-01-01"}
    word = "training by p-0003 only; says Maria Jansen"
    for about in ("subject:p-0003", *(f"source:{name}" for name in names)):
        scene.ledger.claims.assert_(about, "consent", word, **said)
    scene.ledger.claims.assert_(f"source:{names[1]}", "owner", "p-0004 and sons", **said)
    version = scene.ledger.versions.freeze(
        "leaking", numbers=numbers, splits={"train": numbers}, manifest={}, parents=sources
    )
    return gather(scene.ledger, version, AT)


def test_no_free_text_and_no_key_is_in_any_document(leaking):
    """Whatever fields of rows, claims and sources hold, no document quotes it."""
    documents, _ = made(leaking)
    assert {"croissant", "spdx", "cyclonedx", "openlineage", "dataset-card", "eu-sheet"} == set(documents)
    found = [(name, one) for name, content in documents.items() for one in LEAKS if one in content.decode()]
    assert [] == found


def test_what_the_fields_are_for_is_still_said(leaking):
    """Tags of languages, known licences and harmless names stay; the rest has one word."""
    rows = leaking.data.rows
    assert ({"de-CH": 1}, {"big|model_<script>": 1, WITHHELD: 1}) == (rows.languages, rows.generators)
    assert {"other": 1} == rows.consent
    assert ["mails | <b>bold</b> # Head", WITHHELD] == [one.name for one in leaking.data.sources]
    assert [{"MIT": 1}, {reference(SENTENCE): 1}] == [one.stated for one in leaking.data.sources]
    croissant = json.loads(FORMATS["croissant"].make(leaking))
    assert ["de-CH"] == croissant["inLanguage"]
    assert "big|model_<script> wrote 1 rows" in croissant["rai:machineAnnotationTools"]


def test_names_start_no_markup(leaking):
    """A reader of the Markdown gets the name as it was written, and no tag, cell or heading from it."""
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    for name in ("dataset-card", "eu-sheet"):
        parser.feed(FORMATS[name].make(leaking).decode())
    assert [] == tags
    assert r"\[a\](b) \`c\` \*d\* e\_f \| &lt;i&gt; &amp;lt; \\" == plain("[a](b) `c` *d*\ne_f | <i> &lt; \\")


def test_the_card_of_a_model_withholds_too(scene):
    """Sources, limits and waivers of a release go through the same shield."""
    claim = {"source": "mail of person-anna", "observed_at": "2026-03-01"}
    scene.ledger.claims.assert_("source:tickets", "consent", "says person-anna", **claim)
    scene.ledger.claims.assert_("source:tickets", "licence", "as person-anna wrote", **claim)
    text = FORMATS["model-card"].make(gather(scene.ledger, "production", AT)).decode()
    assert f"| tickets | {reference('as person-anna wrote')} | other |" in text
    assert "person-anna" not in text


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("en", "en"), ("en_US", "en-US"), ("zh-Hant-TW", "zh-Hant-TW"), ("es-419", "es-419"), ("ca-valencia", "ca"),
     ("de-x-p0003", "de"), ("German", ""), ("", ""), ("en lives in", ""), ("p-0003", ""), ("de\n", "de")],
)  # fmt: skip
def test_languages_are_tags(written, wanted):
    """Language, script and region stay; what may be somebody's own word goes."""
    assert wanted == language(written)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("training", "training"), ("Training and evaluation", "training, evaluation"), ("withdrawn", "withdrawn"),
     ("opt_out", "opt-out"), ("True", "true"), ("training by Maria", "other"), ("training; Maria", "other"),
     ("", "other")],
)  # fmt: skip
def test_consent_is_said_in_words_of_a_list(written, wanted):
    """One word that is not of the list makes the whole another."""
    assert wanted == consent(written)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [("of P-0003", WITHHELD), ("ofp-0003x", WITHHELD), ("p-\u200b0003", WITHHELD), ("\uff50-0003", WITHHELD),
     ("batch 42", WITHHELD), ("batch 421", "batch 421"), ("p-000", "p-000"), ("a\tb\x00c\r\nd", "a b c d")],
)  # fmt: skip
def test_text_with_a_key_is_withheld(written, wanted):
    """In any case, with invisible signs, in wide letters; a short key counts as a word alone."""
    assert wanted == Shield(["p-0003", "42", ""]).text(written)


def test_other_words_are_other_licences():
    """Two sentences share no name, the same one in two spacings does; a reference with a key is hashed as well."""
    assert reference("as agreed  with A") == reference("as agreed with A") != reference("as agreed with B")
    shield = Shield(["p-0003", "mit"])
    assert reference("LicenseRef-p-0003") == shield.licence("LicenseRef-p-0003")
    assert ("LicenseRef-own", "MIT") == (shield.licence("LicenseRef-own"), shield.licence("MIT"))
