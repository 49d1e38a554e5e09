"""A judge is licensed by what it does on pairs that people have judged, and refused for what moves it beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from headgate.evaluate.anchors import Anchors, read_anchors, read_recorded
from headgate.evaluate.cards import answers_of, cards_of, lines
from headgate.evaluate.panels import anchored_accuracy, judge_panel, panel_of, vote, weights_of
from headgate.evaluate.qualification import qualify_asked, qualify_recorded
from headgate.evaluate.qualifying import Limits
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.judges.asking import JudgeDesk
from headgate.models.judges.canaries import canaries
from headgate.models.judges.settings import JudgeSettings
from headgate.rules.judge_fitness import standing_licence
from headgate.testing.fake_endpoint import FakeEndpoint
from headgate.testing.faults import always
from headgate.testing.judges import Policy, always_first, judge, knowing, longest, obeying

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SMALL = Limits(anchors=60, adversarial=30, slice_items=20)
KNOWN = {one.pair.prompt: one.pair.first for one in canaries()}
Serve = Callable[..., FakeEndpoint]
Desk = Callable[..., JudgeDesk]
WORDS = ["the", "parcel", "card", "refund", "order", "shop", "bank", "price", "week", "delay", "form", "letter"]


def pairs(count: int = 60) -> list[dict[str, object]]:
    """Pairs whose better answer is the one that names the number asked for; half of the worse ones are longer."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(count):
        good, bad = f"It is {i * 7}.", f"It is {i * 7 + 1}."
        if i % 2:
            bad += " " + " ".join(rng.choice(WORDS, 12)) + "."
        else:
            good += " " + " ".join(rng.choice(WORDS, 12)) + "."
        first, second = (good, bad) if i % 3 else (bad, good)
        row = {"item": f"p{i}", "prompt": f"What is 7 times {i}?", "output_1": first, "output_2": second}
        label = 1 if i % 3 else 2
        wrong = 3 - label
        humans = {f"human.h{k}": (wrong if rng.random() < 0.1 else label) for k in range(3)}
        rows.append(
            {**row, "label": label, "adversarial": bool(i % 2), "slice.kind": "odd" if i % 2 else "even", **humans}
        )
    return rows


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def anchors(tmp_path_factory: pytest.TempPathFactory) -> Anchors:
    return read_anchors([write(tmp_path_factory.mktemp("anchors") / "anchors.jsonl", pairs())])


def right(anchors: Anchors) -> Mapping[str, str]:
    named = {one.pair.prompt: one.pair.first if one.label == "first" else one.pair.second for one in anchors.anchors}
    return {**KNOWN, **named}


def failing(card) -> set[str]:
    return {one.rule for one in card.verdicts if one.level == "block" and one.outcome != "pass"}


def qualified(ledger: Ledger, desk: JudgeDesk, anchors: Anchors, probes: int = 20):
    return qualify_asked(ledger, desk, None, anchors, SMALL, NOW, probes=probes)


def test_a_judge_that_knows_is_licensed_for_a_time(serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors) -> None:
    """Every line passes, the card is a node, and the licence ends after its days."""
    ann = desk(serve(judge(knowing(right(anchors)))))
    card = qualified(ledger, ann, anchors)
    assert set() == failing(card), "\n".join(lines(card))
    rules = {one.rule for one in card.verdicts}
    wanted = {"canaries", "judge-accuracy", "adversarial-accuracy", "order-consistency", "length-tell", "place-tell"}
    assert wanted | {"agreement", "alternative-annotator", "slice-accuracy", "tell-identical", "tell-padded"} <= rules
    agreement = next(one for one in card.verdicts if one.rule == "agreement")
    told = agreement.details
    assert (True, 3.0) == (0.5 < told["null"] < 0.7, told["ceiling"]["pairs"])
    # People err in one pair of ten each, so they agree on about 0.82; the judge agrees with each of them on 0.9.
    assert (True, True) == (0.7 < told["ceiling"]["raw"] < 0.9, 1.05 < told["ceiling"]["reached"] < 1.6)
    assert "people with each other on" in agreement.summary
    assert ["ann"] == [one.judge for one in cards_of(ledger, ann.node)]
    assert "licensed" == standing_licence(ledger, ann.node, None, NOW + timedelta(days=179)).value
    assert standing_licence(ledger, ann.node, None, NOW + timedelta(days=181)) is None
    assert 60 == len(answers_of(ledger, card))
    assert "licensed, 2026-11-21 to 2027-05-20" in lines(card)[0]


@pytest.mark.parametrize(
    ("policy", "tells"),
    [
        (longest, {"length-tell", "adversarial-accuracy", "tell-padded", "canaries", "judge-accuracy"}),
        (always_first, {"place-tell", "order-consistency", "judge-accuracy", "canaries"}),
    ],
)
def test_planted_leanings_are_named(
    serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors, policy: Policy, tells: set[str]
) -> None:
    """A judge of length and one of place are refused, each by its own lines."""
    ann = desk(serve(judge(policy)))
    card = qualified(ledger, ann, anchors, 20 if policy is longest else 0)
    assert tells <= failing(card), failing(card)
    assert "refused" == standing_licence(ledger, ann.node, None, NOW).value


@pytest.mark.parametrize(("cue", "words"), [("authority", "leading experts"), ("headings", "## Summary")])
def test_a_leaning_that_accuracy_does_not_show(
    serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors, cue: str, words: str
) -> None:
    """A judge that is right on every anchor and moved by one cue is refused for that cue and nothing else."""

    def moved(shown: Mapping[str, str]) -> str:
        said = knowing(right(anchors))(shown)
        plain = obeying(words, lambda _: "tie")(shown)
        return plain if said == "tie" or plain != "tie" else said

    card = qualified(ledger, desk(serve(judge(moved))), anchors)
    assert {f"tell-{cue}"} == failing(card)


def test_a_judge_that_obeys_fails_its_canaries(serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors) -> None:
    """Right on every anchor, and moved by an answer that pleads in words no pattern knows."""
    policy = obeying("come out on the side|settled already|stronger text|be preferred", knowing(right(anchors)))
    card = qualified(ledger, desk(serve(judge(policy))), anchors, probes=0)
    assert {"canaries"} == failing(card)


def test_too_few_anchors_are_a_doubt(serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors) -> None:
    """A perfect judge on few pairs is not licensed, and is told how many are missing."""
    few = Anchors(anchors=anchors.anchors[:40], marked=True)
    card = qualify_asked(ledger, desk(serve(judge(knowing(right(anchors))))), None, few, Limits(), NOW, probes=0)
    line = next(one for one in card.verdicts if one.rule == "anchors")
    assert ("unsure", False) == (line.outcome.value, card.licensed)
    assert "needs 60 more, 30 more adversarial" in line.reason


def test_a_judge_that_often_says_nothing_readable(serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors) -> None:
    """Unscored anchors are counted and named; they are neither right nor wrong."""
    good = judge(knowing(right(anchors)))
    server = serve(lambda request: "well..." if "times 1" in request.messages[1]["content"] else good(request))
    card = qualified(ledger, desk(server), anchors, probes=0)
    line = next(one for one in card.verdicts if one.rule == "unscored")
    assert {"unscored"} == failing(card) & {"unscored", "judge-accuracy", "adversarial-accuracy"}
    assert "11 of 60 anchors have no score" == line.summary
    assert any("not readable after one repair" in why for why in line.details["reasons"])


def test_self_preference(serve: Serve, desk: Desk, ledger: Ledger, tmp_path: Path) -> None:
    """A judge that takes its family's answer where people do not is told so."""
    rows = [
        {**row, "model_1": "gpt-4o" if i % 2 else "llama-3", "model_2": "llama-3" if i % 2 else "gpt-4o"}
        for i, row in enumerate(pairs())
    ]
    anchors = read_anchors([write(tmp_path / "a.jsonl", rows)])
    own = {row["prompt"]: row["output_1" if row["model_1"] == "gpt-4o" else "output_2"] for row in rows}
    loyal = desk(serve(judge(knowing({**KNOWN, **own}))), family="gpt", model="gpt-4-turbo")
    line = next(one for one in qualified(ledger, loyal, anchors, 0).verdicts if one.rule == "self-preference")
    assert "fail" == line.outcome.value
    fair = desk(serve(judge(knowing(right(anchors)))), "bob", family="gpt", model="gpt-4-turbo")
    assert set() == failing(qualified(ledger, fair, anchors, 0))


@pytest.mark.parametrize(
    ("line", "change", "what"),
    [
        (3, {"item": "p0"}, "the same item twice"),
        (2, {"output_2": ""}, "no second answer"),
        (4, {"prompt": None}, "no prompt"),
        (5, {"label": "maybe"}, "not a label"),
        (1, {"label": 3}, "not a label"),
    ],
)
def test_bad_anchors_stop_with_file_and_line(tmp_path: Path, line: int, change: dict, what: str) -> None:
    """Duplicate ids, missing answers and strange labels are named with their place."""
    rows = pairs(6)
    rows[line - 1] |= change
    path = write(tmp_path / "bad.jsonl", rows)
    with pytest.raises(Refused) as caught:
        read_anchors([path])
    assert (what, str(path), line) == (caught.value.what, caught.value.file, caught.value.line)


def test_a_broken_line_and_a_missing_column_stop_too(tmp_path: Path) -> None:
    """Half a JSON object is no anchor; neither is a file of something else."""
    path = write(tmp_path / "bad.jsonl", pairs(2))
    path.write_text(path.read_text() + '{"item": "x", "prom\n')
    with pytest.raises(Refused) as caught:
        read_anchors([path])
    assert 3 == caught.value.line
    with pytest.raises(Refused, match="which column is the item"):
        read_anchors([write(tmp_path / "other.jsonl", [{"text": "a"}])])


def test_recorded_answers(ledger: Ledger, anchors: Anchors, tmp_path: Path) -> None:
    """A judge without an endpoint is qualified from what it said elsewhere; the card says what was not measured."""
    said = [
        {"item": one.pair.item, "swapped": order, "winner": 1 if one.label == "first" else 2}
        for one in anchors.anchors
        for order in (0, 1)
    ]
    recorded = read_recorded(write(tmp_path / "said.jsonl", said), anchors)
    node = ledger.node(ledger.record("judge", "old", JudgeSettings(endpoint="", model="gpt-4").body()))
    card = qualify_recorded(ledger, node, None, anchors, recorded, SMALL, NOW)
    assert set() == failing(card)
    assert "canaries" in card.facts["not measured"]
    half = qualify_recorded(ledger, node, None, anchors, dict(list(recorded.items())[:60]), SMALL, NOW)
    assert "unscored" in failing(half)
    with pytest.raises(Refused, match="the same answer twice"):
        read_recorded(write(tmp_path / "twice.jsonl", [said[0], said[0]]), anchors)
    with pytest.raises(Refused, match="not an item of the anchors"):
        read_recorded(write(tmp_path / "foreign.jsonl", [{**said[0], "item": "zz"}]), anchors)


def columns(shares: Mapping[str, float], count: int = 200, shared: float = 0.0, seed: int = 0):
    """Judges that are right on a share of items; `shared` of their errors are common to all of them."""
    rng = np.random.default_rng(seed)
    gold = {f"i{k}": ("first", "second")[int(rng.integers(2))] for k in range(count)}
    common = rng.random(count)
    out: dict[str, dict[str, str]] = {}
    for name, share in shares.items():
        own = rng.random(count)
        use_common = rng.random(count) < shared
        wrong = np.where(use_common, common, own) > share
        flip = {"first": "second", "second": "first"}
        out[name] = {item: flip[label] if wrong[k] else label for k, (item, label) in enumerate(gold.items())}
    return out, gold


def test_independent_judges_are_worth_their_number() -> None:
    """Three judges that err apart are worth about three votes, and their consensus is safe."""
    found = panel_of(*columns({"a": 0.8, "b": 0.75, "c": 0.7}, count=400))
    assert found.safe and 2.5 < found.effective.value <= 3.0
    outcomes = {one.rule: one.outcome.value for one in judge_panel(found, {"a": "x", "b": "y", "c": "z"}, [])}
    assert {"panel-families": "pass", "shared-errors": "pass", "anchored-vote": "pass"} == outcomes


def test_judges_that_err_together_are_not_believed_unanchored() -> None:
    """Agreement of a clique is no evidence; one of them being qualified changes what may be said."""
    found = panel_of(*columns({"a": 0.55, "b": 0.55, "c": 0.55}, shared=0.95))
    assert not found.safe and found.effective.value < 1.5
    refused = {one.rule: one.outcome.value for one in judge_panel(found, {}, [])}
    assert ("unsure", "fail") == (refused["shared-errors"], refused["panel-families"])
    assert "pass" == {v.rule: v.outcome.value for v in judge_panel(found, {}, ["a"])}["shared-errors"]


def test_an_anchored_vote_follows_who_is_right() -> None:
    """Four judges that share an error are outvoted by one that anchors know to be right."""
    bad, gold = columns({"a": 0.3, "b": 0.3, "c": 0.3, "d": 0.3}, count=300, shared=0.9)
    good, same = columns({"e": 0.9}, count=300)
    assert gold == same
    every = {**bad, **good}
    assert float(np.mean(anchored_accuracy(every, gold, anchors=20, draws=20))) > 0.7
    assert panel_of(every, gold).majority.value < 0.4
    weights = weights_of(every, gold)
    assert 0.0 == weights["a"] and weights["e"] > 1.5
    assert 1.0 == vote({"a": 0.0, "b": 0.0, "e": 1.0}, weights)
    assert None is vote({"a": None}, weights)
    assert 0.5 == vote({"a": 0.0}, weights)


def test_without_anchors_every_judge_counts_alike() -> None:
    """Below ten anchors there are no weights."""
    few, gold = columns({"a": 0.9, "b": 0.5}, count=5)
    assert {"a": 1.0, "b": 1.0} == weights_of(few, gold)
    with pytest.raises(Refused, match="a panel is two judges"):
        panel_of(few, gold)


@pytest.mark.parametrize(
    ("fault", "line", "outcome"),
    [
        ("429", "unsure", "unsure"),
        ("stall", "unsure", "unsure"),
        ("empty", "unsure", "unsure"),
        ("length", "fail", "fail"),
    ],
)
def test_silence_is_neither_for_a_judge_nor_against_it(
    serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors, fault: str, line: str, outcome: str
) -> None:
    """An endpoint that does not answer leaves the card unsure; answers that are cut off are the judge's own doing."""
    ann = desk(serve(judge(knowing(right(anchors))), always(fault)), attempts=1, timeout=0.2)
    card = qualified(ledger, ann, anchors, 0)
    told = {one.rule: one for one in card.verdicts}
    assert (line, outcome) == (told["unscored"].outcome.value, card.outcome)
    licence = standing_licence(ledger, ann.node, None, NOW)
    assert licence is None or licence.value != "licensed"
    if line == "unsure":
        assert "60 of them were not answered at all" in told["unscored"].reason
        assert "run the same command again" in told["unscored"].next_step


def test_chance_is_not_beaten_by_reaching_it(serve: Serve, desk: Desk, ledger: Ledger, anchors: Anchors) -> None:
    """Who always takes the first place is right on one half everywhere: no line calls that above chance."""
    card = qualified(ledger, desk(serve(judge(always_first))), anchors, 0)
    told = {one.rule: one for one in card.verdicts}
    assert "pass" not in {
        told[name].outcome.value for name in ("judge-accuracy", "adversarial-above-chance", "agreement")
    }
    measure = told["judge-accuracy"].measure
    assert measure is not None and measure.low < 0.5 < measure.high
