"""Mixed terms on files: what `--fix` writes, what decisions change, and what people are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import headgate

SAID = [f"You can pay for parcel {n} with PayPal, see our real-time map." for n in range(20)]
SAID += [f"Paypal is fine for parcel {n}. You can pay with paypal for it." for n in range(4)]
SAID += [f"You see parcel {n} in real time. We got your e-mail today." for n in range(20)]
SAID += [f"We got your email today, parcel {n}. Write to `email` or EMAIL." for n in range(3)]
SAID += ["We got your email today."]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A chat file in which four answers write a name otherwise, and four another term."""
    path = tmp_path / "train.jsonl"
    lines = []
    for said in SAID:
        turns = [{"role": "user", "content": "May I use Paypal?"}, {"role": "assistant", "content": said}]
        lines.append(json.dumps({"messages": turns}) + "\n")
    path.write_text("".join(lines))
    return path


def mended(source: Path, *more: str) -> list[str]:
    """The answers of the copy that `--fix` writes."""
    target = source.with_name("out.jsonl")
    rules = ["--select", "DAT022", "--option", "mixed-terms.least=2"]
    headgate.main(["check", str(source), "--fix", str(target), "-q", *rules, *more], standalone_mode=False)
    rows = [json.loads(line)["messages"] for line in target.read_text().splitlines()]
    assert {"May I use Paypal?"} == {row[0]["content"] for row in rows}
    return [row[1]["content"] for row in rows]


def test_answers_are_put_right_where_every_place_is_meant(source: Path) -> None:
    """A row in which code or capitals have the same letters is left for review; the input stays as it was."""
    before = source.read_bytes()
    answers = mended(source)
    assert before == source.read_bytes()
    assert SAID[:20] == answers[:20]
    assert SAID[24:47] == answers[24:47]
    assert "We got your e-mail today." == answers[47]


def test_decisions_go_before_what_is_proposed(source: Path, tmp_path: Path) -> None:
    """What is kept stays, and other proposals are carried out in their own rows only."""
    table = tmp_path / "habits.toml"
    table.write_text('email = "keep"\n')
    answers = mended(source, "--habits", str(table))
    assert (SAID[47], SAID[44]) == (answers[47], answers[44])
    table.write_text('paypal = "keep"\n')
    answers = mended(source, "--habits", str(table))
    assert (SAID[20], SAID[44], "We got your e-mail today.") == (answers[20], answers[44], answers[47])


def test_terms_are_on_the_page_of_habits(source: Path, tmp_path: Path) -> None:
    """A card in plain words, with examples."""
    page = tmp_path / "page.html"
    headgate.main(["check", str(source), "--habits-page", str(page), "-q"], standalone_mode=False)
    told = page.read_text(encoding="utf-8")
    assert "Writes “email” where others write “e-mail”" in told
    assert "not both in one house" in told
    assert "<mark>email</mark> <ins>→ e-mail</ins>" in told
