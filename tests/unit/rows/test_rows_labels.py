"""Files of labels: what makes one, how columns are named, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from headgate.cli.check import command
from headgate.kit.errors import Refused
from headgate.rows.labels import is_labels, labels_of, read_labels


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_labels_with_a_file_of_gold(tmp_path: Path) -> None:
    """Workers, items, labels and gold come from two tables; repeated labels and places are kept."""
    labels = written(tmp_path / "l.csv", "worker,item,label\nw1,a,yes\nw2,a,no\nw1,b,yes\nw1,b,yes\nw2,c,\n")
    gold = written(tmp_path / "g.csv", "item,label\na,yes\nb,no\n")
    found, told = read_labels([labels], gold=[gold])
    assert (("w1", "w2"), ("a", "b", "c"), ("no", "yes")) == (found.annotators, found.items, found.labels)
    assert [1, 0, -1] == found.gold.tolist()
    assert (4, 3, 1) == (len(found.votes), len(found.votes.first()), found.abstained)
    assert [5, 2] == [count for _, count, _ in told]
    assert f"{labels}:3" == str(found.place(1))


def test_json_lines_with_gold_kinds_and_slices(tmp_path: Path) -> None:
    """Gold may be an annotator, kinds and slices stand beside the label."""
    bodies = [
        {"item": 1, "rater": "ann", "rating": 5, "annotator_kind": "human", "slices": {"lang": "de"}},
        {"item": 1, "rater": "gpt-4", "rating": 4, "annotator_kind": "llm", "slice.source": "web"},
        {"item": 1, "rater": "gold", "rating": 5},
    ]
    found, _ = read_labels([written(tmp_path / "l.jsonl", "\n".join(map(json.dumps, bodies)))])
    assert {"ann": "human", "gpt-4": "model"} == found.kinds
    assert ("4", "5") == found.labels
    assert [1] == found.gold.tolist()
    assert {0: "de"} == found.slices["lang"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("item,annotator,label\na,b,c\n", True),
        ("text,annotator,label\na,b,c\n", False),
        ('{"item": "1", "annotator": "x", "label": "y", "prompt": "z"}\n', False),
        ('{"messages": []}\n', False),
        ("", False),
    ],
)
def test_what_is_a_file_of_labels(tmp_path: Path, text: str, expected: bool) -> None:
    """Item, annotator and label without anything that is asked; all else is left to the reader of rows."""
    assert expected is is_labels(written(tmp_path / "f", text))


def test_columns_are_named_by_the_user(tmp_path: Path) -> None:
    """A mapping that names an item makes a file of labels; a wrong column is refused with the option to type."""
    file = written(tmp_path / "l.csv", "a,b,c\n1,x,yes\n")
    mapping = {"item": "a", "annotator": "b", "label": "c"}
    assert is_labels(file, columns=mapping)
    assert ("x",) == read_labels([file], columns=mapping)[0].annotators
    with pytest.raises(Refused, match="no such column: z") as caught:
        read_labels([file], columns={**mapping, "label": "z"})
    assert "--columns item=THEIR_COLUMN" in str(caught.value.next_step)
    with pytest.raises(Refused, match="unknown name 'labl'"):
        read_labels([file], columns={**mapping, "labl": "c"})


def test_two_gold_labels_are_refused() -> None:
    """One item has one right label."""
    with pytest.raises(ValueError, match="two gold labels"):
        labels_of([{"item": "a", "annotator": "gold", "label": x} for x in ("yes", "no")])


def test_bad_lines_are_reported_and_exit_with_two(tmp_path: Path) -> None:
    """A record without an item is named with its line; labels and rows in one check are refused."""
    file = written(tmp_path / "l.csv", "item,annotator,label\n" + "a,x,yes\na,y,yes\n" * 3 + ",x,no\n")
    result = CliRunner().invoke(command, [str(file), "--json"], standalone_mode=False)
    body = json.loads(result.output)
    assert (2, [8]) == (result.return_value, [one["line"] for one in body["bad_lines"]])
    rows = written(tmp_path / "r.csv", "text,label\nhow long,two days\n")
    mixed = CliRunner().invoke(command, [str(file), str(rows)], standalone_mode=False)
    assert "labels and rows in one check" == getattr(mixed.exception, "what", "")


def test_labels_are_asked_by_rules_about_labels_alone(tmp_path: Path) -> None:
    """With no selection, rules about rows stay out of a check of labels, and those about labels say what they lack."""
    labels = written(tmp_path / "l.csv", "item,annotator,label\na,x,yes\na,y,yes\n")
    rows = written(tmp_path / "r.csv", "text,answer\nhow long,two days\n")
    told = {
        path: {
            one["rule"]: one["outcome"]
            for one in json.loads(CliRunner().invoke(command, [str(path), "--json"]).output)["verdicts"]
        }
        for path in (labels, rows)
    }
    assert {"low-agreement", "shared-errors", "unanimous-errors", "unlicensed-annotator"} == set(told[labels])
    assert {"skipped"} == {told[rows][name] for name in told[labels]}
