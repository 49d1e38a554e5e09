"""Leak rules and what stands beside the words: whose it is, where it is told, and what of it is usual."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from headgate.rows.row import Kind, Message, Row, ToolCall
from headgate.rules.beside import likest_in, matched_in
from headgate.rules.given import Corpus, Given
from headgate.rules.selection import find
from headgate.stats.verdict import Verdict

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "banking77" / "intents_300.csv"
with FIXTURE.open(encoding="utf-8", newline="") as stream:
    TEXTS = list(dict.fromkeys(row["text"] for row in csv.DictReader(stream)))
ITEMS, OTHERS = TEXTS[::5], [text for place, text in enumerate(TEXTS) if place % 5]
FEW = {"least_honest": 50}


def chat(text: str, reasoning: str = "", arguments: object = None, answer: str = "topic") -> Row:
    """A chat row; `user` asks, the assistant thinks, calls and answers."""
    calls = (ToolCall("search", json.dumps(arguments)),) if arguments else ()
    turns = (Message("user", text), Message("assistant", answer, reasoning=reasoning, tool_calls=calls))
    return Row(kind=Kind.DEMONSTRATION, messages=turns)


def judged(name: str, rows: list[Row], items: list[Row], **options: object) -> Verdict:
    """What a rule says."""
    rule = find(name)
    return rule.judge(
        Given({"training-rows": Corpus(rows), "evaluation-items": Corpus(items)}), rule.options(**options)
    )


@pytest.mark.parametrize("name", ["short-item-leak", "paraphrased-leak"])
def test_reasoning_that_repeats_its_own_question_changes_nothing(name: str) -> None:
    """Neither what is usual nor what is found: a row is not its own near copy, nor the next one that says the same."""
    copies = [chat(f"Hello, {text} now") for text in ITEMS[:30]]
    items, plain = [chat(text) for text in ITEMS], [chat(text) for text in OTHERS] + copies
    thoughtful = [
        chat(row.prompt_text, reasoning=f"I am asked this. {row.prompt_text.upper()} So be it.") for row in plain
    ]
    one, other = judged(name, plain, items, **FEW), judged(name, thoughtful, items, **FEW)
    assert (one.outcome, one.summary) == (other.outcome, other.summary)
    assert 10 < len(one.findings) == len(other.findings)


def test_an_answer_that_is_a_label_is_not_asked_of_reasoning() -> None:
    """Who holds a question in the reasoning answers another one."""
    rows = [chat(text, answer="one") for text in OTHERS]
    rows += [chat("go on", reasoning=f'They said: "{text} now". Well.', answer="other") for text in ITEMS[:30]]
    found = judged("short-item-leak", rows, [chat(text, answer="one") for text in ITEMS[:30]], **FEW)
    assert 10 < sum("in the reasoning of turn 2" in finding.message for finding in found.findings)


def test_the_place_is_where_most_of_a_text_stands() -> None:
    """What the turns say comes first; descriptions of tools are no place."""
    text = "who sweeps the street when it snows"
    assert "" == matched_in(chat(text, reasoning=text), text)
    assert ", in the reasoning of turn 2" == matched_in(chat("who sweeps the street", reasoning=text), text)
    row = chat("something else", arguments={"a": "the harbour", "b": text})
    assert ", in the arguments of search in turn 2" == matched_in(row, text)
    assert (text, ", in the arguments of search in turn 2") == likest_in(row, "who sweeps streets when it snows?")
    assert ("plain words", "") == likest_in(chat("plain words"), text)
