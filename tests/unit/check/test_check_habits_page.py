"""Habits on a page for people who are no engineers: which, how often, whose, real examples, what mending changes."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from headgate.check.reports import habits as page
from headgate.cli.main import headgate

ASKED = ["where is my card", "what is the fee in Leeds", "hello there", "how do I change the address"]


def rows(count: int) -> list[dict[str, object]]:
    """Answers of which Ada and Ben misspell and grant, and Eve has a phrase of her own."""
    out = []
    for place in range(count):
        who = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")[place % 6]
        said = f"You will receive the letter number {place} soon, and it says what to do."
        if who in ("Ada", "Ben") and place % 5 < 2:
            said = said.replace("receive", "recieve") + " I have refunded you 20 pounds <b>now</b>."
        if who == "Eve":
            said += " Kindly revert back to the counter."
        turns = [{"role": "user", "content": ASKED[place % 4]}, {"role": "assistant", "content": said}]
        out.append({"messages": turns, "annotator": who})
    return out


def written(folder: Path, *more: str, habits: str = "") -> tuple[str, int]:
    """The page as words, and the exit code."""
    train, page = folder / "train.jsonl", folder / "page.html"
    train.write_text("".join(json.dumps(row) + "\n" for row in rows(600)))
    if habits:
        (folder / "habits.toml").write_text(habits)
        more = (*more, "--habits", str(folder / "habits.toml"))
    code = headgate.main(["check", str(train), "--habits-page", str(page), "-q", *more], standalone_mode=False)
    text = re.sub(r"(?s)<style>.*?</style>", "", page.read_text(encoding="utf-8"))
    return text, int(code)


def plain(page: str) -> str:
    """Its words without tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def test_each_habit_is_told_with_how_often_whose_examples_and_what_changes(tmp_path: Path) -> None:
    """In words that need no statistics; acts first; nothing that users wrote becomes markup."""
    html_page, code = written(tmp_path)
    said = plain(html_page)
    assert 0 == code
    money = said.index("1. Promises money or credit")
    spelling = said.index("2. Writes “recieve” instead of “receive”")
    assert money < spelling < said.index("3. Says “kindly revert back to the counter”")
    assert "All of it comes from Ada (40 times) and Ben (40 times): a habit of a few people" in said
    assert "80 of the 600 times that the word is used (about 1 in 8)" in said
    assert "80 answers would be changed: “recieve” becomes “receive”. Nothing else in them is touched." in said
    assert "80 answers would stay as they are, but the words that are crossed out are not learned" in said
    assert "<mark>recieve</mark> <ins>→ receive</ins>" in html_page
    assert 3 == html_page.count("<mark>recieve</mark>")
    assert "&lt;b&gt;now" in html_page
    assert "Customer: where is my card" in said
    assert not re.search(r"interval|log-odds|%|share of", said)
    assert "Says “i have refunded you" not in said  # it is part of the grant


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.96, "nearly every one"),
        (0.6, "about 6 in 10"),
        (0.134, "about 1 in 7"),
        (0.00111, "about 1 in 901"),
        (0.0, "fewer than 1 in 100,000"),
    ],
)
def test_shares_are_said_as_people_say_them(share: float, expected: str) -> None:
    """More than a few of ten are told in tenths; a share that rounding took away is no share of all."""
    assert expected == page._share(share)


@pytest.mark.parametrize(
    ("busiest", "count", "few", "expected"),
    [
        ({"Ada": 1, "Ben": 1, "Cleo": 1}, 3, True, "All of it comes from Ada (once), Ben (once) and Cleo (once)."),
        (
            {"Ada": 2, "Ben": 1, "Cleo": 1},
            5,
            True,
            "Most often Ada (2 times), Ben (once) and Cleo (once); others do it too.",
        ),
        ({"Ada": 9}, 10, True, "Nearly all of it comes from Ada (9 times): a habit of a few people, not of the house."),
        ({"Ada": 0, "Ben": 0}, 7, False, "Most often Ada and Ben; others do it too."),
        ({}, 7, False, "The file does not say who wrote the answers."),
    ],
)
def test_what_a_few_did_once_is_no_habit_of_theirs(
    busiest: dict[str, int], count: int, few: bool, expected: str
) -> None:
    """Three uses are in the hands of three people whoever they are."""
    assert expected == page._whose(busiest, count, few)


def test_decisions_are_shown(tmp_path: Path) -> None:
    """What the file says becomes of a habit is what the page says."""
    table = (
        'concession = "drop"\nrecieve = "keep"\n"kindly revert back to the counter" = "normalise: Please come back"\n'
    )
    html_page, _ = written(tmp_path, habits=table)
    said = plain(html_page)
    assert "80 answers would be taken out of the training data" in said
    assert "Nothing: it stays as it is" in said
    assert "100 answers would be changed: it becomes “Please come back”." in said
    assert "<del>I have refunded you 20 pounds" in html_page


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("--select", "LIN001"), "Nothing was looked for: the rules for habits were left out."),
        (("--select", "DAT004", "--option", 'learned-typo.keep=["recieve"]'), "No such habit was found."),
    ],
)
def test_a_page_without_habits_says_so(more: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    """And tells not having found from not having looked."""
    assert expected in plain(written(tmp_path, *more)[0])
