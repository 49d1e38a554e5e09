"""Terms of what was trained on: tables, claims that are looked up again, and the cases that changes open."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from tests.unit.rights.test_rights_licence_texts import ISC, MIT

from headgate.cli.main import main
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.rights import licence_changes, terms
from headgate.rights.cases import all_cases
from headgate.rights.licence_changes import Recorded, same_text
from headgate.rights.reach import SOURCE, Target, reach
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.stats.verdict import Outcome

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEXT = """MIT License

Copyright (c) 2024 The forum

Permission is hereby granted, free of charge, to any person obtaining a copy of this data, to deal in it
without restriction, subject to the following: version 1.5 of this notice shall be included in all copies.
"""
RUNS = {"alone": "desk", "both": "desk forum", "other": "wiki", "forum": "forum"}
REFLOWED = """<html><head><style>p { color: red }</style></head><body><h1>MIT&nbsp;LICENSE</h1>
<p>Copyright &copy; 2026 the forum</p>
<p>&ldquo;Permission&rdquo; is hereby granted — free of charge — to any person obtaining a copy of this
data, to deal in it with&shy;out re-<br/>striction,  subject to the following: version 1.5 of this notice shall be
included in all copies.</p></body></html>"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Three sources of ten rows; runs trained on one, on two of them and on the third."""
    store = tmp_path / ".headgate"
    store.mkdir()
    with Ledger.open(store, create=True) as opened:
        numbers = {name: add(opened, name) for name in ("desk", "forum", "wiki")}
        for name in numbers:
            claim(opened, name, "MIT", NOW - timedelta(days=100))
        for run, sources in {
            "alone": ["desk"],
            "both": ["desk", "forum"],
            "other": ["wiki"],
            "forum": ["forum"],
        }.items():
            rows = BitMap.union(*(numbers[name] for name in sources))
            version = opened.versions.freeze(run, numbers=rows, splits={"train": rows}, manifest={})
            trained = [Edge("trained-on", opened.versions.get(version).node_id)]
            node = opened.record("run", run, {}, edges=trained)
            opened.record("adapter", f"{run}-adapter", {}, edges=[Edge("derived-from", node)])
        yield opened


def add(ledger: Ledger, source: str, **side: object) -> BitMap:
    """Ten rows of a source."""
    node = ledger.record("source", source, {"name": source})
    records = []
    for number in range(10):
        turns = (Message("user", f"{source} asks {number}"), Message("assistant", f"{number} it is"))
        row = Row(kind=Kind.DEMONSTRATION, messages=turns, side=Side(source=source, **side))  # type: ignore[arg-type]
        records.append(
            RowRecord(id=row.id, content_id=row.content_id, body=to_bytes(row), source_id=node, subject=None)
        )
    return ledger.rows.append(records).numbers


def claim(ledger: Ledger, source: str, value: object, at: datetime, **more: object) -> None:
    """What somebody else said before."""
    ledger.claims.assert_(f"source:{source}", "licence", value, source="page", observed_at=at, **more)  # type: ignore[arg-type]


def look(ledger: Ledger, value: str, text: str | None = None, source: str = "forum", **more: object) -> Recorded:
    """What Ann found when she looked."""
    data = text.encode() if text is not None else None
    return licence_changes.record(ledger, source, value, by="Ann", now=NOW, text=data, **more)  # type: ignore[arg-type]


def test_a_source_turns_non_commercial_and_exactly_its_runs_are_listed(ledger: Ledger) -> None:
    """One of three sources is flipped after training: the two runs that used it are touched, the others are not."""
    done = look(ledger, "CC-BY-NC-4.0", TEXT)
    assert ("the licence was MIT and is CC-BY-NC-4.0",) == done.changes
    assert done.case is not None
    assert ("licence-change", Target(SOURCE, "forum")) == (done.case.kind, done.case.target)
    assert {"both-adapter", "forum-adapter"} == {one["name"] for one in done.case.touched}
    found = reach(ledger, Target(SOURCE, "forum"))
    assert {"both", "forum"} == {node.name for node in found.of("run")}
    assert TEXT.encode() == ledger.content.get(str(done.claim.evidence))
    assert done.case.body["evidence"] == done.claim.evidence


def test_the_table_before_and_after(ledger: Ledger) -> None:
    """A commercial version passes, conflicts after the flip, and one without the source still passes."""
    before = terms.of_version(ledger, "both", now=NOW, use="commercial")
    assert (Outcome.PASS, 20, ["source desk", "source forum"]) == (
        before.outcome,
        before.rows,
        sorted(part.name for part in before.mixture.parts),
    )
    look(ledger, "CC-BY-NC-4.0")
    after = terms.of_version(ledger, "both@1", now=NOW, use="commercial")
    assert (Outcome.FAIL, ["non-commercial"]) == (after.outcome, [one.kind for one in after.mixture.conflicts])
    assert Outcome.PASS is terms.of_version(ledger, "alone", now=NOW, use="commercial").outcome
    assert Outcome.PASS is terms.of_version(ledger, "both", now=NOW, use="research").outcome
    assert Outcome.UNSURE is terms.of_version(ledger, "both", now=NOW).outcome
    assert Outcome.FAIL is terms.of_source(ledger, "forum", now=NOW, use="commercial").outcome
    text = "\n".join(terms.lines(after))
    assert "source forum (CC-BY-NC-4.0): no commercial use" in text
    assert "10 rows  since 2026-11-21, says Ann" in text


@pytest.mark.parametrize("written", ["MIT", "mit", "MIT License", "(MIT)", "MIT OR MIT", "MIT AND (MIT OR Apache-2.0)"])
def test_the_same_written_differently_opens_nothing(ledger: Ledger, written: str) -> None:
    """The claim is recorded, so that it counts as looked up; no case is opened."""
    done = look(ledger, written)
    assert ((), None) == (done.changes, done.case)
    assert [] == all_cases(ledger)
    assert written == ledger.claims.at("source:forum", "licence", NOW).value  # type: ignore[union-attr]


def test_a_text_that_changed_only_in_form_opens_nothing(ledger: Ledger) -> None:
    """Mark-up, line breaks, quotation marks, hyphens, case and the year of a notice are no terms."""
    assert same_text(TEXT.encode(), REFLOWED.encode())
    for text in (TEXT, REFLOWED, TEXT.replace("\n", "\r\n"), TEXT.upper(), "\ufeff" + TEXT.replace(" ", "  "), TEXT):
        assert ((), None) == (look(ledger, "MIT", text).changes, look(ledger, "MIT", text).case)
    assert [] == all_cases(ledger)


SAID = ("you", "may", "not", "use", "share", "30", "1.5", "data", "§", "5%", "naïve")
FORMS = (" ", "\n", "\r\n\r\n", ", ", " — ", "<br/>", "</p>\n<p>", "-\n")
WORDS = st.lists(st.sampled_from(SAID), min_size=1, max_size=30)
BREAKS = st.lists(st.sampled_from(FORMS), min_size=30, max_size=30)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(WORDS, BREAKS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.integers(0, 29))
def test_form_is_told_from_words(words: list[str], breaks: list[str], encoding: str, place: int) -> None:
    """However a text is broken, marked up and encoded, it says the same; one word more, and it does not."""
    old = " ".join(words).encode()
    new = "".join(word + space for word, space in zip(words, breaks, strict=False))
    assert same_text(old, new.upper().replace("<BR/>", "<BR>").encode(encoding))
    more = [*words[:place], "never", *words[place:]]
    assert not same_text(old, " ".join(more).encode(encoding))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (b"1. Do this\n2. Not that", b"<ol><li>Do this</li><li>Not that</li></ol>", True),
        (b"as in section\n2. You may", b"as in section 2. You may", True),
        ("na\u00efve".encode("cp1252"), "na\u00efve".encode(), True),
        ("\ufb01ne \u201cprint\u201d".encode(), b'fine "print"', True),
        (b"Copyright (c) 2020-2024, 2025 A", b"\xc2\xa9 2026 A", True),
        (b"Copyright (c) 2020-2024, 2025 A", b"copyright 2026 A", True),
        (b"(c) 1999 copies", b"(c) 2024 copies", False),
        (b"at most 30 copies", b"at most 300 copies", False),
        (b"pay 5%", b"pay 5", False),
        (b"1 000 copies", b"1000 copies", False),
        (b"non-commercial", b"noncommercial", True),
        (b"(a) Do this\n(b) Not that\n(c) Nor", b"i. Do this\nii. Not that\niii. Nor", True),
        (b"within\n30. After that", b"within\n60. After that", False),
        (b"You may <not> use", b"You may use", False),
        (b"<P CLASS='x'>You may<br/>use</P>", b"You may use", True),
        (b"%PDF-1.7 a", b"%PDF-1.7  a", False),
        (b"%PDF-1.7 a", b"%PDF-1.7 a", True),
    ],
)
def test_what_is_form(old: bytes, new: bytes, same: bool) -> None:
    """Numbers of a list are, other numbers are not; what cannot be read as text is held byte by byte."""
    assert (same, same) == (same_text(old, new), same_text(new, old))


SWAPPED = {
    "may": "must", "must": "may", "shall": "may", "not": "now", "or": "and", "and": "or", "any": "no", "no": "any",
    "all": "some", "with": "without", "without": "with", "free": "fee", "only": "also", "unless": "if", "2": "3",
    "except": "expect", "commercial": "noncommercial", "grants": "denies", "granted": "denied", "retain": "remove",
}  # fmt: skip


@pytest.mark.parametrize("name", ["MIT", "ISC", "Apache-2.0"])
def test_one_word_of_a_real_licence_is_never_form(name: str) -> None:
    """Wherever a word with a meaning is another one; and the whole text in another form says the same."""
    text = {"MIT": MIT, "ISC": ISC}.get(name) or (Path(__file__).resolve().parents[3] / "LICENSE").read_text()
    page = "<html><body>" + "</p>\n<p class='x'>".join(text.replace("<", "&lt;").split("\n\n")) + "</p></body></html>"
    for form in (text.upper(), " ".join(text.split()), text.replace("\n", "\r\n\r\n"), page, textwrap.fill(text, 40)):
        assert same_text(text.encode(), form.encode())
    places = [word for word in re.finditer(r"\w+", text) if word.group().casefold() in SWAPPED]
    assert len(places) > 15
    for word in places:
        changed = text[: word.start()] + SWAPPED[word.group().casefold()] + text[word.end() :]
        assert not same_text(text.encode(), changed.encode()), text[word.start() - 20 : word.end() + 20]


@pytest.mark.parametrize(
    ("old", "new"),
    [("any person", "any academic person"), ("1.5", "15"), ("without restriction", "with restriction")],
)
def test_a_text_that_changed_in_words_opens_a_case(ledger: Ledger, old: str, new: str) -> None:
    """The expression is the same, and the words under it are not; the case quotes where they part."""
    look(ledger, "MIT", TEXT)
    done = look(ledger, "MIT", REFLOWED.replace(old, new).replace("with&shy;out re-<br/>striction", new))
    assert done.case is not None
    assert done.changes[0].startswith("the text of MIT changed: '")
    assert ["licence-change"] == [one.kind for one in all_cases(ledger)]


def test_a_licence_that_is_gone_opens_a_case_and_allows_nothing(ledger: Ledger) -> None:
    """What cannot be found any more is unknown; when it is found again, nothing more is opened."""
    done = look(ledger, "NONE")
    assert ("the licence is gone: it was MIT",) == done.changes
    assert Outcome.UNSURE is terms.of_version(ledger, "both", now=NOW, use="research").outcome
    again = licence_changes.record(ledger, "forum", "MIT", by="Ann", now=NOW + timedelta(days=1))
    assert ((), None) == (again.changes, again.case)
    assert 1 == len(all_cases(ledger))


def test_what_rows_state_is_what_was_known_where_nothing_was_claimed(ledger: Ledger) -> None:
    """The first claim about a source is held against the licences of its rows in frozen versions."""
    rows = add(ledger, "stated", licence="CC-BY-4.0")
    sources = {"stated": {"rows": 10, "licences": {"CC-BY-4.0": 10}}}
    ledger.versions.freeze("stated", numbers=rows, splits={"train": rows}, manifest={"sources": sources})
    assert None is look(ledger, "cc by 4.0", source="stated").case
    assert None is not licence_changes.record(ledger, "stated", "CC-BY-ND-4.0", by="Ann", now=NOW).case
    add(ledger, "silent")
    assert ("", ()) == ((done := look(ledger, "CC-BY-NC-4.0", source="silent")).before, done.changes)


def test_terms_that_a_person_read_count_for_own_texts(ledger: Ledger) -> None:
    """A licence of somebody's own is unclear until its terms are claimed; other terms later open a case."""
    claim(ledger, "forum", "LicenseRef-forum", NOW - timedelta(days=50))
    assert Outcome.UNSURE is terms.of_version(ledger, "both", now=NOW, use="research").outcome
    read = "commercial=no derivatives outputs-may-train share-alike=no attribution research-only=no"
    own = {"LicenseRef-forum": read}
    assert Outcome.PASS is terms.of_version(ledger, "both", now=NOW, use="research", own=own).outcome
    assert None is not look(ledger, "LicenseRef-forum", terms=read).case
    assert Outcome.PASS is terms.of_version(ledger, "both", now=NOW, use="research").outcome
    assert Outcome.FAIL is terms.of_version(ledger, "both", now=NOW, use="commercial").outcome


def test_a_teacher_may_forbid_training_on_its_outputs(ledger: Ledger) -> None:
    """Nobody's word is unclear, a no conflicts, a yes passes."""
    rows = add(ledger, "made", generator="grand-1")
    claim(ledger, "made", "CC0-1.0", NOW - timedelta(days=5))
    ledger.versions.freeze("made", numbers=rows, splits={"train": rows}, manifest={})
    outcomes = [terms.of_version(ledger, "made", now=NOW).outcome]
    for day, says in enumerate(("no", "yes", "Apache-2.0")):
        moment = NOW + timedelta(days=day)
        licence_changes.record_policy(ledger, "grand-1", says, by="Ann", now=moment)
        outcomes.append(terms.of_version(ledger, "made", now=moment).outcome)
    assert [Outcome.UNSURE, Outcome.FAIL, Outcome.PASS, Outcome.PASS] == outcomes


def test_claims_are_due_after_thirty_days(ledger: Ledger) -> None:
    """What was looked up lately is not due, whatever was claimed before; what ended is."""
    assert ["source:desk", "source:forum", "source:wiki"] == [one.claim.about for one in terms.due(ledger, now=NOW)]
    look(ledger, "MIT")
    claim(ledger, "desk", "MIT", NOW - timedelta(days=3), valid_to=NOW - timedelta(days=1))
    found = terms.due(ledger, now=NOW)
    assert [("source:wiki", 100, False), ("source:desk", 3, True)] == [
        (one.claim.about, one.days, one.ended) for one in found
    ]
    assert ["source:desk"] == [one.claim.about for one in terms.due(ledger, now=NOW, days=365)]


def test_what_cannot_be_right_is_refused(ledger: Ledger) -> None:
    """A slip names the nearest identifier; nothing is recorded."""
    with pytest.raises(Refused, match="not an SPDX licence identifier") as caught:
        look(ledger, "CC-BY-NC")
    assert "CC-BY-NC-4.0" in str(caught.value.wanted)
    with pytest.raises(Refused, match="no such source"):
        look(ledger, "MIT", source="nowhere")
    with pytest.raises(Refused, match="without a name"):
        licence_changes.record(ledger, "forum", "MIT", by=" ", now=NOW)
    with pytest.raises(Refused, match="not a term"):
        look(ledger, "LicenseRef-x", terms="comercial=no")
    assert 1 == len(ledger.claims.history("source:forum"))


@pytest.mark.parametrize("hidden", ["\n", "\r", "\t", "\0", "\x1b[2J", "\u2028", "\u202e", "\ud800", "\x9b"])
def test_control_characters_are_refused(ledger: Ledger, hidden: str) -> None:
    """What breaks a line or hides a word is neither recorded nor printed as it is."""
    about = [
        ("MI" + hidden + "T", "Ann", ""),
        ("MIT", f"Ann{hidden}", ""),
        ("LicenseRef-x", "Ann", f"commercial{hidden}"),
    ]
    for value, by, read in about:
        with pytest.raises(Refused, match="control character") as caught:
            licence_changes.record(ledger, "forum", value, by=by, now=NOW, terms=read)
        assert hidden not in str(caught.value.found)
    for teacher, value, by in (("m", f"yes{hidden}", "Ann"), ("m", "yes", hidden), (f"m{hidden}", "yes", "Ann")):
        with pytest.raises(Refused, match="control character"):
            licence_changes.record_policy(ledger, teacher, value, by=by, now=NOW)
    assert 1 == len(ledger.claims.history("source:forum"))
    assert [] == ledger.claims.history("teacher:m")


def test_an_empty_licence_is_refused(ledger: Ledger) -> None:
    """A licence that is gone or not known has a word for it; nothing at all is a slip."""
    for value in ("", " ", "\u00a0"):
        with pytest.raises(Refused, match="without a word"):
            look(ledger, value)
        with pytest.raises(Refused, match="without a word"):
            licence_changes.record_policy(ledger, "m", value, by="Ann", now=NOW)
    assert 1 == len(ledger.claims.history("source:forum"))
    assert ("NOASSERTION", "José Ñandú 李") == (
        (claim := licence_changes.record(ledger, "forum", "NOASSERTION", by="José Ñandú 李", now=NOW).claim).value,
        claim.source,
    )


def asked(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict[str, object]]:
    """Exit code and answer of a verb."""
    with pytest.raises(SystemExit) as ended:
        main(["rights", *command, "--json"])
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


def test_verbs_answer_with_exit_codes(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 where all goes together, 3 where it is unclear, 1 for a conflict and for claims that are due."""
    monkeypatch.chdir(tmp_path)
    Path("LICENSE").write_text(TEXT, encoding="utf-8")
    assert 0 == asked(capsys, "terms", "both", "--use", "commercial")[0]
    code, told = asked(
        capsys, "licence", "--source", "forum", "--is", "CC-BY-NC-4.0", "--text", "LICENSE", "--by", "Ann"
    )
    assert (3, ["the licence was MIT and is CC-BY-NC-4.0"]) == (code, told["changes"])
    assert {"both", "forum"} == {node["name"] for node in told["reach"]["nodes"] if node["kind"] == "run"}  # type: ignore[index]
    assert 1 == asked(capsys, "terms", "both", "--use", "commercial")[0]
    assert 3 == asked(capsys, "terms", "--source", "forum")[0]
    assert 1 == asked(capsys, "terms", "--due")[0]
    assert 0 == asked(capsys, "licence", "--teacher", "grand-1", "--is", "no", "--by", "Ann")[0]
    for wrong in (("terms",), ("terms", "both", "--due"), ("licence", "--is", "MIT", "--by", "Ann")):
        assert 2 == asked(capsys, *wrong)[0]
    assert 2 == asked(capsys, "terms", "both", "--own", "=commercial")[0]
    for value, by in (("", "Ann"), ("MIT\n", "Ann"), ("MIT", "Ann\x1b[2J"), ("MIT", "")):
        assert 2 == asked(capsys, "licence", "--source", "forum", "--is", value, "--by", by)[0]
