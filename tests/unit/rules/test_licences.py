"""The licence to annotate is a claim that ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from headgate.ledger.ledger import Ledger
from headgate.rows.labels import labels_of
from headgate.rules.given import Given
from headgate.rules.judge.jdg004_unlicensed_annotator import unlicensed_annotator
from headgate.rules.licences import is_licensed, record_licences
from headgate.rules.models import Kin, Kinship

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_licence_holds_for_its_days(tmp_path: Path) -> None:
    """Licensed and refused models are claimed as such, and nothing is known before and after."""
    records = [
        {"item": n, "annotator": who, "label": "no" if who == "gpt-3.5" and n % 2 else "yes"}
        for n in range(80)
        for who in ("ann", "bob", "eve", "gpt-4", "gpt-3.5")
    ]
    verdict = unlicensed_annotator.judge(Given({"labels": labels_of(records)}))
    with Ledger.open(tmp_path, create=True) as ledger:
        found = record_licences(ledger, verdict, source="refund intents, prompt 3", at=AT)
        days = unlicensed_annotator.options().days
        moments = [AT - timedelta(days=1), AT, AT + timedelta(days=days - 1), AT + timedelta(days=days)]
        assert {"gpt-4", "gpt-3.5"} == set(found)
        assert [None, True, True, None] == [is_licensed(ledger, "gpt-4", moment) for moment in moments]
        assert is_licensed(ledger, "gpt-3.5", AT) is False
        assert found == record_licences(ledger, verdict, source="refund intents, prompt 3", at=AT)


def test_kinship_of_names() -> None:
    """Dates, vendors and packaging make no other model; people are kin of themselves only."""
    kin = Kin(["ours=meta-llama/Llama-3-8B"])
    expected = {
        ("gpt-4o-2024-08-06", "openai/gpt-4o"): Kinship.SAME,
        ("Qwen2.5-7B-Instruct-AWQ", "qwen2.5-7b-instruct"): Kinship.SAME,
        ("ours", "llama-3-8b"): Kinship.INHERITS,
        ("vicuna-13b", "gpt-4"): Kinship.INHERITS,
        ("gpt-4", "o3-mini"): Kinship.FAMILY,
        ("claude-3-5-sonnet", "gpt-4"): Kinship.NONE,
        ("w0003", "w0015"): Kinship.NONE,
        ("anna", "anna"): Kinship.SAME,
    }
    assert expected == {pair: kin.between(*pair) for pair in expected}
