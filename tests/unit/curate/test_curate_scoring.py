"""Rows get the loss of the current model, and curation goes by it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.curate import scoring
from headgate.kit.errors import Refused
from headgate.rows.reading import read_rows
from headgate.rules.classed import classes_of

BASE = Path(__file__).parents[3] / "examples/base/headgate-tiny"
FLOW = """
[flow]
name = "support"
[capture]
files = ["{file}"]
source = "shop"
licence = "MIT"
[curate]
steps = ["select", "split"]
where = "{where}"
split = {{ train = 1.0 }}
level = {{ lost-register = "warn" }}
"""


class Known:
    """Finds an answer as unlikely as it is long; takes no prompt and answer of over 60 signs."""

    name = "known"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def log_probabilities(self, pairs: Sequence[tuple[Any, str]]) -> list[list[float]]:
        self.asked.append(len(pairs))
        if any(len(str(prompt[-1]["content"])) + len(answer) > 60 for prompt, answer in pairs):
            raise Refused("prompt and answer do not fit the context")
        return [[-float(len(answer)), -float(len(answer)) - 2.0] for _, answer in pairs]

    def close(self) -> None:
        self.asked.append(-1)


def line(user: str, said: str, **more: Any) -> str:
    turns = [{"role": "user", "content": user}, {"role": "assistant", "content": said}]
    return json.dumps({"messages": turns, "subject": "anna", **more}) + "\n"


def ended(*arguments: str) -> object:
    """The exit code of `headgate curate`."""
    with pytest.raises(SystemExit) as left:
        main(["curate", *arguments])
    return left.value.code


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    model = Known()
    monkeypatch.setattr(scoring, "open_model", lambda *_, **__: model)
    return model


def test_each_row_gets_the_mean_loss_of_its_last_answer(tmp_path: Path, known: Known) -> None:
    """In order and in the format they came in; a row that is too long has no score, and no old one either."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(line("One", "abc") + line("x" * 70, "long", loss=9.0) + line("Two", "abcdefg"))
    tally, report = scoring.score_file(source, target, "local:base")
    rows = list(read_rows(target))
    assert [4.0, None, 8.0] == [row.side.extra.get("loss") for row in rows]
    assert ["abc", "long", "abcdefg"] == [row.answer_text for row in rows]
    assert (2, 0, 1, 3) == (tally.scored, tally.unanswered, tally.too_long, report.written)
    assert -1 == known.asked[-1]


def test_nothing_is_written_where_nothing_can_be_scored(tmp_path: Path, known: Known) -> None:
    """Rows that do not fit, a model that tells no probabilities, and a file that is its own target."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(line("x" * 70, "long"))
    with pytest.raises(Refused, match="no row could be scored"):
        scoring.score_file(source, target, "local:base")
    with pytest.raises(Refused, match="same file"):
        scoring.score_file(source, source, "local:base")
    assert ["in.jsonl"] == [path.name for path in tmp_path.iterdir()]
    assert [1, -1] == known.asked


def test_a_model_behind_a_url_is_refused(tmp_path: Path) -> None:
    """It says nothing of answers that it did not give."""
    (tmp_path / "in.jsonl").write_text(line("One", "abc"))
    with pytest.raises(Refused, match="does not say how likely"):
        scoring.score_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", "http://localhost:1/v1#small")


@pytest.mark.training
def test_the_curation_diff_goes_by_the_loss_of_a_real_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the base was trained to say is easy, other words are hard; a filter for easy rows loses the hard ones."""
    kinds = ("card arrival", "lost or stolen card")
    easy = [line(f"Where is card {n}?", kinds[n % 2]) for n in range(15)]
    hard = [line(f"Where is card {n}?", f"zq{n}xv wkpt jj{n}") for n in range(30)]
    (tmp_path / "in.jsonl").write_text("".join(easy + hard))
    out = tmp_path / "scored.jsonl"
    assert 0 == ended("score", str(tmp_path / "in.jsonl"), "--model", f"local:{BASE}", "-o", str(out))
    assert "45 rows scored" in capsys.readouterr().out
    rows = list(read_rows(out))
    losses = [float(row.side.extra["loss"]) for row in rows]
    assert all(math.isfinite(one) and one > 0 for one in losses)
    assert max(losses[:15]) < min(losses[15:])
    assert "loss of the current model, on 100% of the rows" == classes_of(rows).hardness
    cut = (max(losses[:15]) + min(losses[15:])) / 2
    (tmp_path / "headgate.toml").write_text(FLOW.format(file="scored.jsonl", where=f"extra.loss < {cut:.4f}"))
    assert 0 == ended("--file", str(tmp_path / "headgate.toml"), "--quiet")
    capsys.readouterr()
    assert 0 == ended("diff", "--file", str(tmp_path / "headgate.toml"), "--json")
    found = json.loads(capsys.readouterr().out)
    assert "loss of the current model, on 100% of the rows" == found["difficulty-from"]
    bands = {one["class"]: one for one in found["steps"][0]["classes"] if one["kind"] == "difficulty"}
    assert (15, 15) == (bands["hard"]["before"], bands["hard"]["removed"])
    assert 0 == bands.get("easy", {"removed": 0})["removed"]
