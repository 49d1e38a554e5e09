"""A licence and the text that is given for it: what goes together, what is another's, and what nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.cli.main import main
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger, RowRecord
from headgate.rights import licence_changes, terms
from headgate.rights.cases import all_cases
from headgate.rights.licence_changes import Recorded
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rules.licence_expressions import identifiers_of, nearest
from headgate.rules.licence_texts import Fit, compare
from headgate.stats.verdict import Outcome

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MIT = """MIT License

Copyright (c) 2024 Ann Lee and others

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
ISC = """Copyright (c) 2024 Ann Lee

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
"""
PAGE = "<html><style>p {}</style><body>" + MIT.replace("\n\n", "</p><p>").replace('"', "&ldquo;") + "</body>"
NOTICE = "Copyright (c) 2024 Ann Lee and others"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two rows of a source, frozen."""
    store = tmp_path / ".headgate"
    store.mkdir()
    with Ledger.open(store, create=True) as opened:
        source = opened.record("source", "forum", {"name": "forum"})
        rows = [
            Row(kind=Kind.DEMONSTRATION, messages=(Message("user", f"{n}?"), Message("assistant", f"{n}!")),
                side=Side(source="forum"))
            for n in range(2)
        ]  # fmt: skip
        records = [
            RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=source, subject=None)
            for one in rows
        ]
        numbers = opened.rows.append(records).numbers
        opened.versions.freeze("support", numbers=numbers, splits={"train": numbers}, manifest={})
        yield opened


def look(ledger: Ledger, value: str, text: str | None, day: int = 0, **more: object) -> Recorded:
    """What Ann found when she looked."""
    data = text.encode() if text is not None else None
    return licence_changes.record(ledger, "forum", value, by="Ann", now=NOW + timedelta(days=day), text=data, **more)  # type: ignore[arg-type]


def commercial(ledger: Ledger, day: int = 0) -> Outcome:
    """Whether the version may be used commercially."""
    return terms.of_version(ledger, "support", now=NOW + timedelta(days=day), use="commercial").outcome


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("MIT", MIT), ("mit license", MIT.upper()), ("MIT", " ".join(MIT.split())), ("MIT", PAGE),
        ("MIT", MIT.replace("restriction", "re-\nstriction").replace("without", "with\u00adout")),
        ("MIT", MIT.replace(NOTICE, "\u00a9 2026 Jos\u00e9 \u00d1and\u00fa")),
        ("ISC OR MIT", MIT), ("ISC AND MIT", MIT + ISC),
    ],
)  # fmt: skip
def test_the_text_of_the_licence_is_taken_in_any_form(expression: str, text: str) -> None:
    """Line breaks, mark-up, letter case, hyphens at the end of a line, and whose copyright it is are form."""
    assert (Fit.FITS, "") == (compare(expression, text).fit, compare(expression, text).why)


@pytest.mark.parametrize(
    ("expression", "text", "why"),
    [
        ("MIT", MIT.replace("any person", "any academic person"), "not known as that of MIT"),
        ("MIT", MIT.replace("without restriction", "with restriction"), "not known as that of MIT"),
        ("MIT", MIT + "\nNot for commercial purposes.\n", "beside the licence the text says 'Not for commercial"),
        ("MIT", "For research only.\n" + MIT, "'For research only.'"),
        ("MIT", MIT.replace(NOTICE, NOTICE + " for research"), "for research'"),
        ("MIT", MIT.replace(NOTICE, NOTICE + "\nReserved to those who are members"), "members'"),
        ("MIT", MIT + ISC, "holds ISC too"),
        ("MIT AND ISC", MIT, "the text of ISC is not in it"),
        ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/", "not known as that of CC-BY-4.0"),
        ("MIT", "You may use this data.", "not known as that of MIT"),
        ("MIT", None, "no plain text"),
    ],
)
def test_a_text_that_says_other_or_more_is_in_doubt(expression: str, text: str | None, why: str) -> None:
    """A changed word, a condition before, behind or in the notice, a second licence, a link, a file that is no text."""
    found = compare(expression, text)
    assert found.fit is Fit.DOUBT
    assert why in found.why


def test_the_text_of_another_licence_is_refused_and_nothing_is_recorded(ledger: Ledger) -> None:
    """Also under a name of one's own with terms that somebody would have read; the right expression is offered."""
    for value, more in (("MIT", {}), ("MIT", {"read": True}), ("LicenseRef-own", {"terms": "commercial=yes"})):
        with pytest.raises(Refused, match="the text is that of ISC") as refused:
            look(ledger, value, ISC, **more)
        assert refused.value.wanted == "--is ISC"
    with pytest.raises(Refused, match="the text is that of ISC"):
        licence_changes.record_policy(ledger, "grand-1", "MIT", by="Ann", now=NOW, text=ISC.encode())
    assert [] == ledger.claims.history("source:forum")
    assert [] == ledger.claims.history("teacher:grand-1")


def test_a_text_in_doubt_permits_nothing_until_somebody_answers_for_it(ledger: Ledger) -> None:
    """Recorded with its text, its terms unknown; saying the name again lifts no doubt; a person's word does."""
    odd = MIT + "\nThe data comes from a forum.\n"
    done = look(ledger, "MIT", odd)
    assert "beside the licence the text says 'The data comes from a forum.'" == done.doubt
    assert Outcome.UNSURE is commercial(ledger)
    assert look(ledger, "MIT", None, day=1).doubt
    assert Outcome.UNSURE is commercial(ledger, day=1)
    read = look(ledger, "MIT", odd, day=2, read=True)
    assert ("", None) == (read.doubt, read.case)
    assert Outcome.PASS is commercial(ledger, day=2)
    assert "" == look(ledger, "MIT", " ".join(odd.split()).upper(), day=3).doubt
    assert Outcome.PASS is commercial(ledger, day=3)
    assert [] == all_cases(ledger)


@pytest.mark.parametrize("text", ["", " \n\t", "\ufeff"])
def test_a_text_that_says_nothing_is_refused_and_changes_nothing(ledger: Ledger, text: str) -> None:
    """A page that was saved before it had come is no change of a licence."""
    look(ledger, "MIT", MIT)
    with pytest.raises(Refused, match="the text of the licence is empty"):
        look(ledger, "MIT", text, day=1)
    with pytest.raises(Refused, match="the text of the licence is empty"):
        licence_changes.record_policy(ledger, "some-model", "yes", by="Ann", now=NOW, text=text.encode())
    assert [] == all_cases(ledger)
    assert Outcome.PASS is commercial(ledger, day=1)


def test_a_change_of_a_licence_may_be_known_before_its_day(ledger: Ledger) -> None:
    """It opens a case when it is known, unlike consent, which is gone or is not."""
    look(ledger, "MIT", MIT)
    found = look(ledger, "CC-BY-NC-4.0", None, since=NOW + timedelta(days=90))
    assert found.case is not None
    assert "licence-change" == found.case.kind


def test_a_text_that_was_taken_for_one_licence_is_not_for_another(ledger: Ledger) -> None:
    """An own text stands in the ledger; calling it MIT later is a doubt, however often it was seen."""
    own = "You may read this at home."
    look(ledger, "LicenseRef-own", own, terms="commercial=no derivatives outputs-may-train share-alike=no attribution")
    look(ledger, "MIT", None, day=1)
    assert look(ledger, "MIT", own, day=2).doubt
    assert Outcome.UNSURE is commercial(ledger, day=2)


def test_a_text_that_changed_is_a_case_also_where_it_is_in_doubt(ledger: Ledger) -> None:
    """From the licence to one with a condition more: a case, and nothing is permitted any more."""
    look(ledger, "MIT", MIT)
    done = look(ledger, "MIT", MIT + "\nNot for commercial purposes.\n", day=1)
    assert done.case is not None
    assert done.changes == ("the text of MIT changed: 'the end' became 'not for commercial purposes'",)
    assert Outcome.UNSURE is commercial(ledger, day=1)


def test_the_verb_ends_with_three_and_the_next_step(ledger: Ledger, tmp_path: Path, capsys, monkeypatch) -> None:
    """A doubt is unsure; --read answers for a text, and needs one."""
    monkeypatch.chdir(tmp_path)
    Path("LICENSE").write_text("You may use this data.", encoding="utf-8")
    base = ["rights", "licence", "--source", "forum", "--is", "MIT", "--by", "Ann"]
    codes = []
    for more in ([], ["--text", "LICENSE"], ["--text", "LICENSE", "--read"], ["--read"]):
        with pytest.raises(SystemExit) as ended:
            main([*base, *more, "--json"])
        told = json.loads(capsys.readouterr().out)
        codes.append((ended.value.code, told["outcome"]))
    assert codes == [(0, "pass"), (3, "unsure"), (0, "pass"), (2, "error")]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        (
            "GPL",
            "one of GPL-3.0-only, GPL-3.0-or-later, GPL-2.0-only, GPL-2.0-or-later, GPL-1.0-only, GPL-1.0-or-later",
        ),
        ("gpl3", "one of GPL-3.0-only, GPL-3.0-or-later"),
        ("CC BY", "one of CC-BY-4.0, CC-BY-3.0, CC-BY-2.0, CC-BY-2.5, CC-BY-1.0"),
        ("BSD", "one of BSD-4-Clause, BSD-3-Clause, BSD-2-Clause, BSD-1-Clause"),
        ("MITT", "nearest: MIT, MIT-0, MITNFA"),
    ],
)
def test_a_family_of_licences_is_offered_by_its_members(word: str, near: str) -> None:
    """A name without a version may be several: these, newest first; a slip has nearest spellings."""
    assert near == nearest(word)


def test_a_name_with_or_in_it_is_no_choice() -> None:
    """The word in GPL-2.0-or-later is part of the name, also inside of an expression."""
    expression = "MIT AND (GPL-2.0-or-later WITH Classpath-exception-2.0 OR LicenseRef-x)"
    assert {"MIT", "GPL-2.0-or-later", "Classpath-exception-2.0"} == identifiers_of(expression)
