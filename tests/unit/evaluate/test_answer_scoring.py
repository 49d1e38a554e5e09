"""Finding answers in words, and comparing them with targets."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from headgate.evaluate.extractors import chain, normalised, numbers
from headgate.evaluate.scorers import Mark, Scorer, labels_in
from headgate.kit.errors import Refused
from headgate.models.model import Completion, failed

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def mark(scorer: Scorer, text: str, target: str) -> str:
    return scorer.score(Completion(text=text), target).mark.value


def test_released_verdicts_of_gsm8k_are_reproduced() -> None:
    """Number after the marker, else the last number: all released verdicts of the sample agree."""
    scorer = Scorer("number", ["after:A: then number", "number"])
    with gzip.open(FIXTURES / "gsm8k" / "graded_solutions.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    agreed = [(mark(scorer, row["solution"], row["target"]) == "pass") == row["is_correct"] for row in rows]
    assert (len(rows), sum(agreed)) == (800, 800)
    assert 200 < sum(row["is_correct"] for row in rows) < 600


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("16-3", [16, 3]),
        ("it is -3", [-3]),
        ("it is −3", [-3]),
        ("$1,234.50 or 12,345,678", [1234.5, 12345678]),
        ("1,2,3", [1, 2, 3]),
        ("3.14.", [3.14]),
        ("x=.5", [0.5]),
        ("1e3 and v2.5", [1000, 2.5]),
        ("(7) range 3-5", [7, 3, 5]),
        ("none", []),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, wanted: list[float]) -> None:
    """Signs, thousands, decimals and ranges."""
    assert numbers(text) == wanted


@pytest.mark.parametrize(
    ("extractors", "text", "found"),
    [
        ([], " all of it ", " all of it "),
        (["after:#### then number", "number"], "1 2 #### 3", "3"),
        (["after:#### then number", "number"], "1 2", "2"),
        (["first-line"], "\n one \ntwo", "one"),
        (["last-line then trim"], "why\n'Lost card.'\n", "Lost card"),
        (["no-thinking then first-line"], "<think>maybe 3\n</think>\n4", "4"),
        (["no-thinking"], "<think>never ends", None),
        (["letter"], "I think B, no, (C).", "C"),
        (["letter"], "I'd say so", None),
        (["regex:intent=(\\w+)"], "intent=a intent=b", "b"),
        (["before:because then trim"], "yes because no", "yes"),
        (["json-field:a.b"], 'sure: ```json\n{"a": {"b": [1, 2]}}\n```', "[1,2]"),
        (["json-field:a.1"], '{"a": ["x", "y"]}', "y"),
        (["json"], 'before {"a": 1} after', '{"a": 1}'),
        (["json"], "{not json}", None),
    ],
)
def test_extractors_find_what_they_say(extractors: list[str], text: str, found: str | None) -> None:
    """Alternatives in order, steps one after the other."""
    assert chain(extractors)(text) == found


@pytest.mark.parametrize(
    ("name", "text", "target", "wanted"),
    [
        ("exact", " lost card\n", "lost card", "pass"),
        ("exact", "Lost card", "lost card", "fail"),
        ("normalised", "“Lost_Card!”", "lost card", "pass"),
        ("normalised", "lost cards", "lost card", "fail"),
        ("contains", "It is a LOST card.", "lost card", "pass"),
        ("contains", "lost cards", "lost card", "fail"),
        ("regex", "order 4711 sent", r"order \d{4}\b", "pass"),
        ("regex", "order 47", r"order \d{4}\b", "fail"),
        ("number", "so 1,000.0 dollars", "#### 1000", "pass"),
        ("number", "no idea", "1000", "fail"),
        ("json-valid", "[1]", "", "pass"),
        ("json-valid", "one", "", "fail"),
        ("json-match", '{"a": 1, "b": {"c": [1, true]}, "x": 0}', '{"a": 1.0, "b": {"c": [1, true]}}', "pass"),
        ("json-match", '{"a": true}', '{"a": 1}', "fail"),
        ("json-match", '{"a": [1]}', '{"a": [1, 2]}', "fail"),
        ("json-match", "a = 1", '{"a": 1}', "fail"),
        ("exact", "", "x", "fail"),
    ],
)
def test_comparisons(name: str, text: str, target: str, wanted: str) -> None:
    """Each scorer on a right and a wrong answer."""
    assert mark(Scorer(name), text, target) == wanted


def test_a_label_must_be_the_only_one_named() -> None:
    """Labels count as whole words, a label inside a longer one does not, and two labels are no answer."""
    labels = ("card", "lost card", "refund")
    scorer = Scorer("label", labels=labels)
    assert labels_in("a lost card, sir", labels) == {"lost card"}
    said = ["Lost card!", "card", "lost card or refund", "cards", ""]
    scored = [scorer.score(Completion(text=one), "lost card") for one in said]
    assert [one.mark.value for one in scored] == ["pass", "fail", "fail", "fail", "fail"]
    assert [one.reason for one in scored] == ["", "", "names 2 labels", "names no label", "names no label"]


def test_four_endings_of_an_item() -> None:
    """What did not arrive is an error, what was cut is unscored, a refusal and an unparsed answer are wrong."""
    scorer = Scorer("number")
    cut = Completion(text="so 7", finish_reason="length")
    refusal = Completion(text="I cannot help", finish_reason="refusal")
    ends = [scorer.score(one, "7").mark for one in (failed("HTTP 500"), cut, refusal, Completion(text="7"))]
    assert ends == [Mark.ERROR, Mark.UNSCORED, Mark.FAIL, Mark.PASS]
    assert Scorer("number", cut_off="scored").score(cut, "7").mark is Mark.PASS


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("number", "seven", "holds no number"),
        ("json-match", "x", "is no JSON"),
        ("regex", "(", "is no regular expression"),
        ("exact", " ", "is empty"),
        ("json-valid", "", ""),
    ],
)
def test_targets_that_cannot_be_scored_are_found_before_asking(name: str, target: str, reason: str) -> None:
    """A suite with a useless target is refused with its line; here is why."""
    assert reason in Scorer(name).check_target(target) and bool(reason) == bool(Scorer(name).check_target(target))


@pytest.mark.parametrize("extractor", ["nothing", "after:", "regex:(", "json-field"])
def test_unknown_extractors_are_refused(extractor: str) -> None:
    """Misspelt names and useless arguments are the user's to mend."""
    with pytest.raises(Refused):
        Scorer("exact", [extractor])


def test_normalisers_are_applied_in_order() -> None:
    """Full-width letters, case, punctuation and space are levelled; articles on request."""
    assert normalised(" Ｔhe  Card—lost?") == "the card lost"
    assert normalised("The card", names=["case", "articles", "space"]) == "card"
    with pytest.raises(Refused):
        normalised("x", names=["cases"])
