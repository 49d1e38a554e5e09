"""One label an item: which vote is believed, what is written, and what is refused."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.cli.main import main

TRUE = "yes", "no"


def votes(path: Path, said: dict[str, Callable[[int, str], str]], items: int, gold: int) -> Path:
    """What each annotator says of items that are `yes` and `no` in turn, and the truth of the first ones."""
    lines = []
    for item in range(items):
        truth = TRUE[item % 2]
        lines += [json.dumps({"item": f"i{item}", "annotator": "gold", "label": truth})] if item < gold else []
        lines += [
            json.dumps({"item": f"i{item}", "annotator": name, "label": says(item, truth)})
            for name, says in said.items()
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def erring(rate: float, seed: int) -> Callable[[int, str], str]:
    """An annotator who errs by lot; the same seed errs on the same items."""
    wrong = random.Random(seed)
    lots = [wrong.random() < rate for _ in range(1000)]
    return lambda item, truth: TRUE[TRUE.index(truth) ^ lots[item]]


def run(*arguments: object) -> int:
    """Exit code of `headgate check`."""
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    return int(ended.value.code or 0)


def right(records: list[dict[str, str]]) -> float:
    """Share of the items that were decided by votes and are right."""
    decided = [one for one in records if one["by"] != "gold"]
    return sum(one["label"] == TRUE[int(one["item"][1:]) % 2] for one in decided) / len(decided)


def test_those_who_err_apart_are_believed_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four annotators of three quarters each: Dawid-Skene is right more often than the best of them."""
    said = {name: erring(0.25, seed) for seed, name in enumerate(("ann", "bob", "cal", "dee"))}
    labels = votes(tmp_path / "labels.jsonl", said, 600, 300)
    assert 0 == run(labels, "--select", "shared-errors", "--consensus", tmp_path / "agreed.csv", "--json")
    told = json.loads(capsys.readouterr().out)["consensus"]
    assert ("Dawid-Skene", 600, 300, 0) == (told["by"], told["items"], told["gold"], told["open"])
    with (tmp_path / "agreed.csv").open() as stream:
        records = list(csv.DictReader(stream))
    assert ["item", "label", "confidence", "votes", "for_it", "by"] == list(records[0])
    assert ({"gold", "Dawid-Skene"}, {"4"}) == ({one["by"] for one in records}, {one["votes"] for one in records})
    assert right(records) > 0.8


def test_a_clique_is_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three that err on the same items against one who is mostly right: gold items say whom to believe."""
    clique = erring(0.4, 7)
    said = {"gpt-4o": clique, "gpt-4o-mini": clique, "gpt-4.1": clique, "eve": erring(0.05, 8)}
    labels = votes(tmp_path / "labels.jsonl", said, 600, 200)
    run(labels, "--select", "rows-without-lesson,shared-errors", "--consensus", tmp_path / "agreed.jsonl")
    assert "the others by the anchored vote" in capsys.readouterr().out
    records = [json.loads(line) for line in (tmp_path / "agreed.jsonl").read_text().splitlines()]
    alone = [one for one in records if one["by"] == "anchored vote" and one["for_it"] == 1]
    assert 100 < len(alone)  # where eve says something else than all of the clique
    assert right(records) > 0.9


def test_what_nobody_says_stays_open(tmp_path: Path) -> None:
    """An item on which all abstained has no label, and is in the file."""
    labels = votes(tmp_path / "labels.jsonl", {"ann": erring(0.1, 1), "bob": erring(0.1, 2)}, 40, 10)
    with labels.open("a") as stream:
        stream.write('{"item": "odd", "annotator": "ann", "label": ""}\n')
    run(labels, "--select", "shared-errors", "--consensus", tmp_path / "agreed.jsonl", "--quiet")
    records = [json.loads(line) for line in (tmp_path / "agreed.jsonl").read_text().splitlines()]
    assert [("odd", None, 0, "")] == [
        (one["item"], one["label"], one["votes"], one["by"]) for one in records if one["label"] is None
    ]
    assert 41 == len(records)


def test_agreement_alone_and_rows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No gold item, rows in place of labels, the file itself: exit code 2, nothing written or replaced."""
    labels = votes(tmp_path / "labels.jsonl", {"ann": erring(0.1, 1), "bob": erring(0.1, 2)}, 20, 0)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "Where is it?", "completion": "On the shelf."}\n')
    target, before = tmp_path / "agreed.csv", labels.read_text()
    assert 2 == run(labels, "--consensus", target)
    assert "--reference GOLD" in capsys.readouterr().err
    assert 2 == run(rows, "--consensus", target)
    assert "a consensus is of labels" in capsys.readouterr().err
    assert 2 == run(labels, "--consensus", labels)
    assert "the target is a file that is read" in capsys.readouterr().err
    assert (False, before) == (target.exists(), labels.read_text())


def test_labels_of_which_a_line_cannot_be_read_have_no_consensus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line that is missing might decide: it is named, and nothing is written."""
    labels = votes(tmp_path / "labels.jsonl", {"ann": erring(0.1, 1), "bob": erring(0.1, 2)}, 20, 10)
    lines = labels.read_text().splitlines(keepends=True)
    labels.write_text("".join([*lines[:6], '{"item": "i2", "annot\n', *lines[7:]]))
    assert 2 == run(labels, "--consensus", tmp_path / "agreed.csv")
    assert f"{labels}:7" in capsys.readouterr().err
    assert not (tmp_path / "agreed.csv").exists()
