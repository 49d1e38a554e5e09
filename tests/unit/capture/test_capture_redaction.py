"""Personal data masked at capture: nothing of it reaches the ledger, and the same value has the same placeholder."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from headgate.capture.run import import_once
from headgate.capture.settings import Settings
from headgate.kit.errors import Refused
from headgate.ledger import schema
from headgate.ledger.ledger import Ledger
from headgate.rows.row import Row, from_bytes

PLANTED = {
    "email": "jane.doe@mail.example",
    "phone": "+44 20 7946 0958",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "id": "123-45-6789",
    "ip": "192.168.17.12",
    "url": "https://ann:hunter2@host.example/a",
    "secret": "AKIAIOSFODNN7EXAMPLE",
}


def captured(folder: Path, rows: list[dict], **given) -> tuple[dict, list[Row]]:
    """What capturing some rows says, and the rows as they were stored."""
    (folder / "chats.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    settings = Settings(files=["chats.jsonl"], source="desk", licence="CC0-1.0", **given)
    result, _ = import_once(folder, settings, quiet=True)
    with Ledger.open(folder / ".headgate") as ledger:
        return result.facts, [from_bytes(body) for _, _, body in ledger.rows.bodies(ledger.rows.all_numbers())]


def chat(prompt: str, answer: str = "ok", **side) -> dict:
    """A row about somebody."""
    return {"prompt": prompt, "completion": answer, "subject": "s-1", **side}


def everything(store: Path) -> bytes:
    """Every byte of a ledger: its files as they lie, and everything in them unpacked."""
    raw = b"".join(path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file())
    with Ledger.open(store) as ledger:
        bodies = b"".join(body for _, _, body in ledger.rows.bodies(ledger.rows.all_numbers()))
        with ledger.snapshot() as connection:
            known = list(connection.scalars(select(schema.content_bytes.c.digest)))
        nodes = b"".join(orjson.dumps(dict(node.body)) for kind in ("step", "verdict") for node in ledger.find(kind))
        return raw + bodies + nodes + b"".join(ledger.content.get(one) for one in known)


def test_no_byte_of_a_masked_value_reaches_the_ledger(tmp_path: Path):
    """Every kind, in prompt, answer and unmapped columns, and in a line that is no row; told by count and kind."""
    rows = [
        chat(f"my {kind}: {value}.", f"noted {value} today", note=f"said {value}") for kind, value in PLANTED.items()
    ]
    (tmp_path / "bad").mkdir()
    facts, stored = captured(tmp_path, rows, redact=["personal", "secret"])
    assert facts["masked"] == dict.fromkeys(sorted(PLANTED), 3)
    told = everything(tmp_path / ".headgate")
    assert [value for value in PLANTED.values() if value.encode() in told] == []
    assert b"hunter2" not in told
    assert stored[0].prompt_text == "my email: [EMAIL_1]."
    assert dict(stored[0].side.extra) == {"note": "said [EMAIL_1]", "masked-at-capture": {"email": 3}}


def test_a_bad_line_is_told_without_its_personal_data(tmp_path: Path):
    """What a reader quotes of a line that is no row is masked as well."""
    (tmp_path / "chats.jsonl").write_text(
        json.dumps(chat("fine")) + "\n" + '{"prompt": "mail jane.doe@mail.example", "completion": 7\n'
    )
    settings = Settings(
        files=["chats.jsonl"], source="desk", licence="CC0-1.0", redact=["personal"], bad_lines_at_most=0.9
    )
    result, _ = import_once(tmp_path, settings, quiet=True)
    assert result.facts["bad-lines-total"] == 1
    assert b"jane.doe@mail.example" not in everything(tmp_path / ".headgate")


def test_one_value_has_one_placeholder_throughout_a_conversation(tmp_path: Path):
    """In every message and row of it, however a number is spaced; another conversation counts for itself."""
    rows = [
        chat("from a@x.example to b@x.example, call +44 20 7946 0958", "wrote to B@X.example", conversation="c1"),
        chat("again b@x.example", "call +442079460958", conversation="c1"),
        chat("here b@x.example", conversation="c2"),
    ]
    _, stored = captured(tmp_path, rows, redact=["personal"])
    said = [(row.prompt_text, row.answer_text) for row in stored]
    assert said == [
        ("from [EMAIL_1] to [EMAIL_2], call [PHONE_1]", "wrote to [EMAIL_2]"),
        ("again [EMAIL_2]", "call [PHONE_1]"),
        ("here [EMAIL_1]", "ok"),
    ]


def test_known_names_are_masked_and_others_are_not(tmp_path: Path):
    """From a file, and from a column of the row; a name that nobody listed stays, for no model looks for names."""
    (tmp_path / "names.txt").write_text("Maria  Lopez\nZhang Wei\n")
    rows = [chat("Maria Lopez and Tom Brown met Annabel. Ask Anna.", customer="Anna Kern"), chat("Annabel Kern")]
    facts, stored = captured(tmp_path, rows, redact_names="names.txt", redact_name_columns=["customer"])
    assert stored[0].prompt_text == "[NAME_1] and Tom Brown met Annabel. Ask [NAME_2]."
    assert stored[1].prompt_text == "Annabel Kern"
    assert facts["masked"] == {"name": 3}


def test_personal_data_in_a_key_is_told_and_stays(tmp_path: Path):
    """A key is how a person's rows are found again; the report says how many hold an address."""
    facts, stored = captured(tmp_path, [chat("hello") | {"subject": "jane.doe@mail.example"}], redact=["personal"])
    assert facts["personal-keys"] == {"email": 1}
    assert stored[0].side.subject == "jane.doe@mail.example"


def test_without_redact_rows_are_stored_as_they_are(tmp_path: Path):
    """Nothing is masked that nobody asked for."""
    facts, stored = captured(tmp_path, [chat("mail jane.doe@mail.example")])
    assert (facts["masked"], stored[0].prompt_text) == ({}, "mail jane.doe@mail.example")


def test_a_file_of_names_that_is_not_there_is_refused(tmp_path: Path):
    """Before anything is stored."""
    with pytest.raises(Refused):
        captured(tmp_path, [chat("hello")], redact_names="none.txt")


def test_masked_arguments_of_a_call_are_json(tmp_path: Path):
    """A number becomes a string, a key is masked, and the numbers that nobody is behind keep their spelling."""
    arguments = '{"phone": 442079460958, "card": 4111111111111111, "jane.doe@mail.example": {"amount": 12.50}}'
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}
    row = {"messages": [{"role": "user", "content": "find me"}, {"role": "assistant", "tool_calls": [call]}]}
    facts, (stored,) = captured(tmp_path, [row], redact=["personal"])
    assert stored.messages[1].tool_calls[0].arguments == (
        '{"phone": "[PHONE_1]", "card": "[CARD_1]", "[EMAIL_1]": {"amount": 12.50}}'
    )
    assert facts["masked"] == {"card": 1, "email": 1, "phone": 1}


def test_a_value_split_over_turns_or_parts_is_found(tmp_path: Path):
    """A card in two turns of one person or two parts of one message has the placeholder of the whole card."""
    parts = [{"type": "text", "text": "my card is 4111 1111 "}, {"type": "text", "text": "1111 1111"}]
    turns = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "which one?"},
        {"role": "user", "content": "4111 1111 1111 -"},
        {"role": "assistant", "content": "yes?"},
        {"role": "user", "content": "1111. Or mail jane.doe@"},
        {"role": "user", "content": "mail.example please"},
    ]
    _, (stored,) = captured(
        tmp_path, [{"messages": [*turns, {"role": "assistant", "content": "ok"}]}], redact=["personal"]
    )
    said = [turn.content for turn in stored.messages if turn.role == "user"]
    assert said == [
        "my card is [CARD_1]", "[CARD_1] -", "[CARD_1]. Or mail [EMAIL_1]", "[EMAIL_1] please",
    ]  # fmt: skip
