"""From files to rows of the flow: what is stored, claimed, refused and stopped."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyroaring import BitMap

from headgate.capture.run import depends_on, run
from headgate.capture.settings import Settings
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import from_bytes
from headgate.stats.verdict import Outcome

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
COLUMNS = {"prompt": "text", "completion": "category", "slice.intent": "category"}
BANKING = Settings(
    files=["intents_300.csv"], source="banking77", licence="CC-BY-4.0", consent="training", columns=COLUMNS
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(FIXTURES / "banking77" / "intents_300.csv", tmp_path)
    shutil.copy(FIXTURES / "star" / "dialogues_40.jsonl", tmp_path)
    return tmp_path


def chats(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def chat(text: str, **side: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "ok"}], **side}


def test_rows_of_a_real_file_enter_the_flow(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Every row of the file is in the ledger under its source, and the output names exactly those rows."""
    result = run(ledger, BANKING, context=context)
    assert (result.outcome, result.facts["new"]) == (Outcome.PASS, 300)
    numbers = BitMap.deserialize(ledger.content.get(result.outputs["rows"]))
    assert numbers == ledger.rows.numbers_of_source(result.facts["sources"]["banking77"])
    rows = [from_bytes(body) for _, _, body in ledger.rows.bodies(numbers)]
    assert {row.side.source for row in rows} == {"banking77"}
    assert len({row.side.slices["intent"] for row in rows}) == 5


def test_the_same_file_again_adds_nothing(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """A second reading finds every row and every claim known, and gives the same output."""
    first = run(ledger, BANKING, context=context)
    again = run(ledger, BANKING, context=context)
    assert (again.facts["new"], again.facts["known"], again.outputs) == (0, 300, first.outputs)
    assert again.facts["claims"] == {"new": {}, "known": 2}
    assert depends_on(ledger, BANKING, context) == depends_on(ledger, BANKING, context)


def test_repeated_lines_are_one_row_and_counted(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """The same line twice is stored once and said; the same words of another person are a row of their own."""
    chats(folder, "a.jsonl", [chat("a", subject="s"), chat("a", subject="s"), chat("a", subject="t")])
    result = run(ledger, Settings(files=["a.jsonl"], source="s", licence="MIT"), context=context)
    assert (result.facts["rows"], result.facts["repeated"]) == (2, 1)
    assert "lines that repeat a row: 1" in result.summary


def test_output_names_only_what_this_run_read(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Rows of the same source that came from another file are not in the output."""
    run(ledger, BANKING, context=context)
    (folder / "more.csv").write_text("text,category\nwhere is my card,card_arrival\n")
    result = run(ledger, replace(BANKING, files=["more.csv"]), context=context)
    assert list(BitMap.deserialize(ledger.content.get(result.outputs["rows"]))) == [301]


def test_terms_become_claims(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Licence, owner and consent are claimed for the source with their end, and do not touch the rows."""
    run(ledger, replace(BANKING, owner="data team", licence_until=date(2027, 1, 1)), context=context)
    assert ledger.claims.at("source:banking77", "licence", "2026-12-31").value == "CC-BY-4.0"  # type: ignore[union-attr]
    assert ledger.claims.at("source:banking77", "licence", "2027-01-01") is None
    assert ledger.claims.at("source:banking77", "owner", "2026-12-31").value == "data team"  # type: ignore[union-attr]
    (_, _, body), *_ = ledger.rows.bodies([1])
    assert from_bytes(body).side.licence is None


def test_missing_licence_stops_the_stage_and_loses_nothing(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Rows of a source without terms do not enter the flow; the file stays, and mending the terms lets them in."""
    settings = replace(BANKING, licence="")
    before = (folder / "intents_300.csv").read_bytes()
    stopped = run(ledger, settings, context=context)
    assert (stopped.outcome, dict(stopped.outputs)) == (Outcome.FAIL, {})
    assert [v.rule for v in stopped.verdicts if v.blocks] == ["unsourced-rows"]
    assert "300 without licence" in stopped.summary
    assert (folder / "intents_300.csv").read_bytes() == before
    assert run(ledger, BANKING, context=context).outcome is Outcome.PASS


def test_an_expired_licence_stops_the_stage(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """A licence whose day is over is no licence."""
    assert run(ledger, replace(BANKING, licence_until=date(2026, 10, 1)), context=context).outcome is Outcome.FAIL


def test_rows_need_a_subject_or_consent_for_the_source(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Without a subject key and without consent for all, rows cannot be traced to a person."""
    stopped = run(ledger, replace(BANKING, consent=""), context=context)
    assert "300 without subject" in stopped.summary
    star = Settings(files=["dialogues_40.jsonl"], source="star", licence="MIT")
    assert run(ledger, star, context=context).outcome is Outcome.PASS


def test_rows_name_their_own_sources(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """A source on the row wins over the setting, and gets a node of its own."""
    rows = [chat("a", subject="s", source="shop", licence="MIT"), chat("b", subject="s", licence="MIT")]
    chats(folder, "mixed.jsonl", rows)
    result = run(ledger, Settings(files=["mixed.jsonl"], source="rest"), context=context)
    assert result.facts["rows-by-source"] == {"shop": 1, "rest": 1}
    assert sorted(node.name for node in ledger.find("source")) == ["rest", "shop"]


def test_bad_lines_fail_unless_tolerated(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Bad lines are listed with file and line; the share that is tolerated decides."""
    chats(folder, "a.jsonl", [chat(f"text {n}", subject="s") for n in range(9)])
    with (folder / "a.jsonl").open("a") as stream:
        stream.write("{broken\n")
    settings = Settings(files=["a.jsonl"], source="s", licence="MIT")
    stopped = run(ledger, settings, context=context)
    finding = stopped.verdicts[0].findings[0]
    assert stopped.outcome is Outcome.FAIL
    assert (finding.place.file, finding.place.line) == (str(folder / "a.jsonl"), 10)  # type: ignore[union-attr]
    tolerant = run(ledger, replace(settings, bad_lines_at_most=0.1), context=context)
    assert (tolerant.outcome, tolerant.facts["bad-lines-total"]) == (Outcome.PASS, 1)
    with pytest.raises(Refused) as error:
        run(ledger, replace(settings, strict=True), context=context)
    assert error.value.line == 10


def test_patterns_and_missing_files(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """A pattern opens to its files, each once; a pattern or a name without a file is refused."""
    for name in ("a", "b"):
        chats(folder, f"{name}.jsonl", [chat(name, subject="s")])
    settings = Settings(files=["[ab].jsonl", "a.jsonl"], source="s", licence="MIT")
    assert run(ledger, settings, context=context).facts["rows"] == 2
    for files in (["x*.jsonl"], ["x.jsonl"]):
        with pytest.raises(Refused):
            run(ledger, replace(settings, files=files), context=context)


def test_masking_before_storing(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """What is to be masked never reaches the ledger."""
    chats(folder, "a.jsonl", [chat("mail bob@x.example or ORD-1", subject="s")])
    settings = Settings(
        files=["a.jsonl"], source="s", licence="MIT", redact=["email"], redact_patterns={"order": r"ORD-\d+"}
    )
    assert run(ledger, settings, context=context).facts["masked"] == {"email": 1, "order": 1}
    (_, _, body), *_ = ledger.rows.bodies([1])
    assert b"bob" not in body
    assert from_bytes(body).prompt_text == "mail [EMAIL_1] or [ORDER_1]"


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": []},
        {"bad_lines_at_most": 1.0},
        {"batch": 0},
        {"source": "", "licence": "MIT"},
        {"redact": ["mail"]},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    """Settings that cannot be meant are refused when they are read."""
    with pytest.raises(Refused):
        replace(BANKING, **wrong)  # type: ignore[arg-type]


def test_parents_may_be_named_by_the_ids_of_the_file(ledger: Ledger, context: StageContext, folder: Path) -> None:
    """Of a row behind it, of another file, of an earlier import; the same name in two files means the own file's."""
    own = replace(BANKING, columns={}, strict=True)
    chats(folder, "a.jsonl", [chat("a is lost", id="1", subject="ann"), chat("b is lost", id="2", subject="bob")])
    chats(folder, "b.jsonl", [
        chat("made of three", id="4", parents=["3"]), chat("made of a", id="3", parents=["1"]),
        chat("of own one", id="5", parents=["2"]), chat("another two", id="2", subject="eve"),
        chat("of nobody", id="6", parents=["nobody", "1"]),
    ])  # fmt: skip
    run(ledger, replace(own, files=["a.jsonl"]), context=context)
    result = run(ledger, replace(own, files=["b.jsonl"]), context=context)
    assert (1, 5, 5) == (
        result.facts["unknown-parents"],
        result.facts["new"],
        result.facts["files"][str(folder / "b.jsonl")]["new"],
    )
    assert "parents that no row is called: 1" in result.summary
    reached = {
        key: ledger.impact_of_subject(key).rows - ledger.rows.numbers_of_subject(key) for key in ("ann", "bob", "eve")
    }
    said = {n: from_bytes(body).prompt_text for n, _, body in ledger.rows.bodies(ledger.rows.all_numbers())}
    assert {
        "ann": {"made of a", "made of three", "of nobody"}, "bob": set(), "eve": {"of own one"},
    } == {key: {said[n] for n in rows} for key, rows in reached.items()}  # fmt: skip
    assert run(ledger, replace(own, files=["b.jsonl"]), context=context).facts["new"] == 0


def test_a_name_that_rows_of_several_files_have_means_all_of_them(
    ledger: Ledger, context: StageContext, folder: Path
) -> None:
    """An erasure must rather find too many than miss one; and a parent may be named by the address of its words."""
    own = replace(BANKING, columns={}, strict=True)
    for name in ("ann", "bob"):
        chats(folder, f"{name}.jsonl", [chat(f"{name} lost it", id="1", subject=name)])
    run(ledger, replace(own, files=["ann.jsonl", "bob.jsonl"]), context=context)
    words = from_bytes(next(body for _, _, body in ledger.rows.bodies([1]))).content_id
    chats(folder, "made.jsonl", [chat("of either", parents=["1"]), chat("of those words", parents=[words])])
    run(ledger, replace(own, files=["made.jsonl"]), context=context)
    assert [{1, 3, 4}, {2, 4}] == [set(ledger.impact_of_rows(BitMap([n])).rows) for n in (1, 2)]  # names wait
    assert [{1}, {1, 2}] == [set(ledger.rows.parents_of([n])) for n in (3, 4)]


def test_a_parent_that_comes_later_is_linked_to_the_rows_that_named_it(
    ledger: Ledger, context: StageContext, folder: Path
) -> None:
    """Only where nothing had the name: a row that found its parent is not given another by a file that came later."""
    own = replace(BANKING, columns={}, strict=True)
    chats(folder, "child.jsonl", [
        chat("of seven", id="8", parents=["7"]), chat("of eight", parents=["8"]), chat("of nobody", parents=["nobody"]),
    ])  # fmt: skip
    assert 2 == run(ledger, replace(own, files=["child.jsonl"]), context=context).facts["unknown-parents"]
    late = [chat("seven was lost", id="7", subject="ann"), chat("another eight", id="8", subject="bob")]
    chats(folder, "late.jsonl", late)
    results = [run(ledger, replace(own, files=["late.jsonl"]), context=context) for _ in range(2)]
    assert [1, 0] == [one.facts["links-to-earlier"] for one in results]
    assert ["rows of earlier imports made from these: 1" in one.summary for one in results] == [True, False]
    reached = [set(ledger.impact_of_subject(key).rows) for key in ("ann", "bob")]
    assert [{1, 2, 4}, {5}] == reached
    grandchild = next(row_id for _, row_id in ledger.rows.kept([1]))
    assert {2, 4} == set(ledger.closure(grandchild).rows)
    assert () == tuple(ledger.verify().problems)


def test_a_withdrawal_of_a_key_that_rows_write_otherwise_is_told(
    ledger: Ledger, context: StageContext, folder: Path
) -> None:
    """The file of claims takes spaces off its cells, a table of rows does not: nothing would hear of the withdrawal."""
    chats(folder, "a.jsonl", [chat("one", subject=" ann"), chat("two", subject="Bob"), chat("three", subject="carl")])
    (folder / "claims.csv").write_text("subject,consent\n ann,withdrawn\nbob,Opt-out\ncarl,withdrawn\nCARL,training\n")
    settings = Settings(files=["a.jsonl"], source="chat", licence="MIT", claims="claims.csv")
    result = run(ledger, settings, context=context)
    assert {"ann": {" ann": 1}, "bob": {"Bob": 1}} == result.facts["withheld-alike"]
    assert "consent is gone of keys that read like others: 'ann' (rows have ' ann'), 'bob'" in result.summary
