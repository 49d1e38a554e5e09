"""Real judges by their released verdicts on LLMBar: who is licensed, and which vote of them is right.

The fixture holds no words; answers stand as texts of the same length and with as many marks.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.evaluate.anchors import Anchor, Anchors
from headgate.evaluate.panels import anchored_accuracy, judge_panel, panel_of
from headgate.evaluate.qualification import qualify_recorded
from headgate.evaluate.qualifying import Limits
from headgate.ledger.ledger import Ledger
from headgate.models.judges.asking import Answer
from headgate.models.judges.protocol import Pair
from headgate.models.judges.settings import JudgeSettings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SIDES = {"1": "first", "2": "second"}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    path = Path(__file__).parents[2] / "fixtures" / "llmbar" / "verdicts.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def text(length: int, marks: int, end: str) -> str:
    marked = "- x\n" * marks
    return (marked + "x" * length)[: length - 1] + end


def anchor(row: dict[str, Any]) -> Anchor:
    first, second = (text(n, m, e) for n, m, e in zip(row["lengths"], row["marks"], "ab", strict=True))
    pair = Pair(item=row["item"], prompt=row["item"], first=first, second=second)
    hard = "Adversarial" in row["item"]
    return Anchor(
        pair=pair, label=SIDES[str(row["label"])], adversarial=hard, slices={"subset": row["item"].rpartition("/")[0]}
    )


def card(ledger: Ledger, rows: list[dict[str, Any]], name: str):
    asked = [row for row in rows if name in row["said"]]
    answers = {
        (row["item"], bool(order)): Answer(outcome="scored", better=SIDES[said]) if said in SIDES
        else Answer(outcome="unscored", why="not readable")
        for row in asked for order, said in enumerate(row["said"][name])
    }  # fmt: skip
    node = ledger.node(ledger.record("judge", "j", JudgeSettings(endpoint="", model=name).body()))
    anchors = Anchors(anchors=tuple(anchor(row) for row in asked), marked=True)
    return qualify_recorded(ledger, node, None, anchors, answers, Limits(), NOW)


@pytest.mark.parametrize(
    ("name", "licensed"),
    [
        ("GPT-4 Metrics_Reference", True),
        ("PaLM2 Metrics_Reference", True),
        ("ChatGPT Vanilla", False),
        ("LLaMA2 Vanilla", False),
        ("Falcon Vanilla", False),
    ],
)
def test_who_is_licensed(ledger: Ledger, rows: list[dict[str, Any]], name: str, licensed: bool) -> None:
    """The two best with metrics and a reference are; three plain ones are refused for what moves them."""
    found = card(ledger, rows, name)
    failing = {one.rule for one in found.verdicts if one.level == "block" and one.outcome != "pass"}
    assert licensed == found.licensed, failing
    if not licensed:
        assert {"adversarial-accuracy", "length-tell", "place-tell"} <= failing


def columns(rows: list[dict[str, Any]], prompt: str = "") -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    mine = [row for row in rows if row["item"].startswith("LLMBar")]
    gold = {row["item"]: SIDES[str(row["label"])] for row in mine}
    out: dict[str, dict[str, str]] = {}
    for row in mine:
        for name, said in row["said"].items():
            if not prompt or name.endswith(f" {prompt}"):
                for order, side in enumerate(said):
                    if side in SIDES:
                        out.setdefault(f"{name} {order}", {})[row["item"]] = SIDES[side]
    return out, gold


def test_the_anchored_vote_of_real_judges(rows: list[dict[str, Any]]) -> None:
    """Twenty anchors over all prompts: at least 0.84 on the other pairs, in the mean of 100 draws."""
    assert float(np.mean(anchored_accuracy(*columns(rows), anchors=20, draws=100))) >= 0.84


def test_a_plain_pool_is_told_unsafe_without_anchors(rows: list[dict[str, Any]]) -> None:
    """Judges that share a surface bias: no consensus of theirs is believed while none is qualified."""
    found = panel_of(*columns(rows, "Vanilla"))
    assert not found.safe
    assert ("unsafe", 3.0) == (found.as_json()["unanchored"], round(found.effective.value, 1))
    assert found.majority.high < found.anchored.low
    outcomes = {one.rule: one.outcome.value for one in judge_panel(found, {}, [])}
    assert "unsure" == outcomes["shared-errors"]
