"""The file of claims: read strictly, asserted once, later statements superseding earlier ones."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from headgate.capture.claims_file import read_statements
from headgate.capture.settings import Settings
from headgate.capture.terms import assert_terms
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Row, Side
from headgate.rules.claimed import claims_about

CSV = """subject,consent,valid_from,valid_to,source
ann,withdrawn,2026-06-01,,portal
ann,training,2026-01-01,,form
bob,training,2026-01-01,2026-09-01,form
"""


def test_statements_come_in_order_of_time(tmp_path: Path) -> None:
    """Statements are sorted by when they begin, whatever their order in the file."""
    (tmp_path / "c.csv").write_text(CSV)
    found = read_statements(tmp_path / "c.csv")
    assert [(one.subject, one.consent, one.line) for one in found] == [
        ("ann", "training", 3),
        ("bob", "training", 4),
        ("ann", "withdrawn", 2),
    ]


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    """The same columns as JSON objects."""
    (tmp_path / "c.jsonl").write_text('{"subject": "ann", "consent": "training"}\n\n{"subject": 7, "consent": "no"}\n')
    assert [(one.subject, one.consent) for one in read_statements(tmp_path / "c.jsonl")] == [
        ("ann", "training"),
        ("7", "no"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("subject,consnt\nann,yes\n", 1),
        ("consent\nyes\n", 1),
        ("subject,consent,valid_from\nann,yes,tomorrow\n", 2),
        ("subject,consent\n,yes\n", 2),
        ("of,consent,subject\nforum,yes,ann\n", 2),
        ("subject,consent,licence\nann,yes,MIT\n", 2),
        ("of,licence\nforum,\n", 2),
        ("of,valid_to\nforum,2026-01-01\n", 1),
        ("subject,consent\nann,yes,more\n", 2),
        ("subject,consent,valid_from,valid_to\nann,yes,2026-02-01,2026-01-01\n", 2),
        ('{"subject": "ann", "consent": "yes"}\n{"subject"\n', 2),
        ('{"subject": "ann", "consent": "yes", "who": 1}\n', 1),
        ("subject,consent\n", None),
        ("", 1),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str, line: int | None) -> None:
    """A wrong column, date, order or shape is refused with the line."""
    (tmp_path / "c").write_text(text)
    with pytest.raises(Refused) as error:
        read_statements(tmp_path / "c")
    assert error.value.line == line


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8."""
    (tmp_path / "latin").write_bytes(b"subject,consent\n\xe9,yes\n")
    for name in ("latin", "none"):
        with pytest.raises(Refused):
            read_statements(tmp_path / name)


def test_reading_again_does_not_undo_a_withdrawal(ledger: Ledger, context: StageContext, tmp_path: Path) -> None:
    """A withdrawal recorded elsewhere still speaks after the old file of claims is read once more."""
    (tmp_path / "c.csv").write_text("subject,consent,valid_from\nann,training,2026-01-01\n")
    settings = Settings(files=["x"], source="shop", claims="c.csv")
    assert assert_terms(ledger, settings, tmp_path, context.now).new == {"consent": 1}
    later = context.now + timedelta(days=1)
    ledger.claims.assert_("subject:ann", "consent", "withdrawn", source="letter", observed_at=later)
    assert assert_terms(ledger, settings, tmp_path, later + timedelta(days=1)).known == 1
    row = Row(kind=Kind.TEXT, side=Side(subject="ann"))
    assert claims_about(ledger, [row], later + timedelta(days=2)).value("subject:ann", "consent") == "withdrawn"


def test_claims_speak_by_the_beginning_of_their_time(ledger: Ledger, context: StageContext, tmp_path: Path) -> None:
    """Read from one file, the statement that began last speaks at each moment."""
    (tmp_path / "c.csv").write_text(CSV)
    assert_terms(ledger, Settings(files=["x"], source="shop", claims="c.csv"), tmp_path, context.now)
    rows = [Row(kind=Kind.TEXT, side=Side(subject=name)) for name in ("ann", "bob")]
    claims = claims_about(ledger, rows, context.now)
    assert claims.value("subject:ann", "consent") == "withdrawn"
    assert claims.value("subject:bob", "consent") is None
    assert claims.latest("subject:bob", "consent").ended_by(context.now)  # type: ignore[union-attr]


def test_licences_of_sources_come_from_the_same_file(ledger: Ledger, context: StageContext, tmp_path: Path) -> None:
    """A line about a source claims its licence and consent, with dates; the later one speaks from its day on."""
    (tmp_path / "c.csv").write_text(
        "of,licence,consent,valid_from,source\n"
        "forum,MIT,training,2026-01-01,its page\n"
        "forum,CC-BY-NC-4.0,,2026-06-01,a mail\n"
    )
    settings = Settings(files=["x"], source="shop", claims="c.csv", teachers={"grand-1": "no", "open-2": "Apache-2.0"})
    made = assert_terms(ledger, settings, tmp_path, context.now)
    assert {"licence": 3, "consent": 1, "provider-policy": 1} == dict(made.new)
    spoken = [ledger.claims.at("source:forum", "licence", day) for day in ("2026-03-01", "2026-07-01")]
    assert [("MIT", "its page"), ("CC-BY-NC-4.0", "a mail")] == [(one.value, one.source) for one in spoken if one]
    assert "no" == ledger.claims.at("teacher:grand-1", "provider-policy", context.now).value  # type: ignore[union-attr]
    assert 5 == assert_terms(ledger, settings, tmp_path, context.now).known


def test_a_licence_does_not_change_in_passing(ledger: Ledger, context: StageContext, tmp_path: Path) -> None:
    """Another licence in the settings is refused and named; other spelling is no change, a dated line may be one."""
    settings = Settings(files=["x"], source="forum", licence="CC-BY-NC-4.0")
    assert_terms(ledger, settings, tmp_path, context.now)
    for licence in ("MIT", "GPL", "CC-BY-NC-4.0 OR MIT"):
        with pytest.raises(Refused, match=r"settings of capture said CC-BY-NC-4\.0") as refused:
            assert_terms(ledger, Settings(files=["x"], source="forum", licence=licence), tmp_path, context.now)
        assert "headgate rights licence --source forum" in str(refused.value.next_step)
    assert 1 == len(ledger.claims.history("source:forum", "licence"))
    again = assert_terms(ledger, Settings(files=["x"], source="forum", licence="cc by-nc 4.0"), tmp_path, context.now)
    assert {"licence": 1} == dict(again.new)
    (tmp_path / "c.csv").write_text("of,licence,valid_from\nforum,MIT,2026-06-01\n")
    dated = Settings(files=["x"], source="shop", claims="c.csv")
    assert {"licence": 1} == dict(assert_terms(ledger, dated, tmp_path, context.now).new)


def test_a_name_said_again_lifts_no_doubt_about_a_text(ledger: Ledger, context: StageContext, tmp_path: Path) -> None:
    """Whoever says it: the licence is in doubt until somebody read its text."""
    doubted = {"licence": "MIT", "text": {"doubt": "the text is not known as that of MIT"}}
    ledger.claims.assert_("source:forum", "licence", doubted, source="A. Vos", observed_at=context.now)
    settings = Settings(files=["x"], source="forum", licence="mit", licence_source="somebody else")
    assert 1 == assert_terms(ledger, settings, tmp_path, context.now).known
    assert doubted == ledger.claims.at("source:forum", "licence", context.now).value  # type: ignore[union-attr]


def test_a_copy_of_an_old_list_does_not_bring_back_who_withdrew(tmp_path: Path) -> None:
    """Under another name its lines are new observations; they began before the withdrawal, and say nothing after it."""
    from datetime import UTC, datetime

    now = datetime(2026, 11, 21, tzinfo=UTC)
    (tmp_path / "december.csv").write_text(
        "subject,consent,valid_from\nann,training,2026-01-01\nbob,training,2026-01-01\n"
    )
    (tmp_path / "anew.csv").write_text("subject,consent,valid_from\nann,training,2026-11-20\n")
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.claims.assert_(
            "subject:ann", "consent", "withdrawn", source="A. Vos", observed_at="2026-06-01", valid_from="2026-06-01"
        )
        for file, wanted in (("december.csv", "withdrawn"), ("anew.csv", "training")):
            settings = Settings(files=["rows.jsonl"], source="desk", claims=file)
            assert_terms(ledger, settings, tmp_path, now)
            claim = ledger.claims.at("subject:ann", "consent", now)
            assert claim is not None
            assert wanted == claim.value
        assert "training" == ledger.claims.at("subject:bob", "consent", now).value
