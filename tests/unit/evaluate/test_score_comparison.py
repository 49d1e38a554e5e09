"""Files of scores are compared by the method that fits them, and read without making zeros of what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from headgate.cli.evaluate_compare import compare
from headgate.evaluate.score_comparison import Terms, compare_scores, halves_of, one_system
from headgate.evaluate.score_files import Columns, Scores, read_scores
from headgate.kit.errors import Refused
from headgate.stats.paired import compare_paired


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scores(values: list[float], *, clusters: int = 0, times: int = 1, name: str = "one") -> Scores:
    """One answer to each item, or the same answers several times."""
    items = {str(i): [value] * times for i, value in enumerate(values)}
    groups = {one: str(int(one) // clusters) for one in items} if clusters else {}
    return Scores(name, answers=items, clusters=groups, items=set(items))


def test_files_are_compared_item_by_item_whatever_their_order(tmp_path: Path) -> None:
    """The numbers are those of the paired comparison; the claim of the command line decides the exit code."""
    rng = np.random.default_rng(1)
    before, after = (rng.random((2, 400)) < [[0.5], [0.7]]).astype(float)
    base = written(tmp_path / "base.jsonl", [{"item": i, "score": before[i]} for i in range(400)])
    order = rng.permutation(400)
    other = written(tmp_path / "cand.jsonl", [{"item": int(i), "score": bool(after[i])} for i in order])
    done = CliRunner().invoke(compare, [str(base), str(other), "--json"], standalone_mode=False)
    told = json.loads(done.output)
    verdict = told["verdicts"][0]
    expected = compare_paired(before, after)
    assert (0, "pass") == (done.return_value, verdict["outcome"])
    assert pytest.approx([expected.d, expected.p]) == [verdict["details"]["comparison"][key] for key in ("d", "p")]
    back = CliRunner().invoke(compare, [str(other), str(base), "--quiet"], standalone_mode=False)
    assert (1, "") == (back.return_value, back.output)


@pytest.mark.parametrize(
    ("values", "options", "how"),
    [
        ([1, 0] * 10, {}, "Beta posterior"),
        ([1, 0] * 20, {}, "Wilson"),
        ([0.2, 0.9] * 20, {}, "t over 40 clusters"),
        ([1, 0] * 20, {"clusters": 4}, "t over 10 clusters, design effect 0.00"),
    ],
)
def test_one_system_has_the_interval_that_fits(values: list[float], options: dict[str, int], how: str) -> None:
    """Few items, many, scores between, clusters."""
    side = one_system(scores(values, **options), "mean")
    assert side.how.startswith(how)
    assert side.metric.low < side.metric.high or options


def test_repeats_are_no_new_items() -> None:
    """The same answer four times leaves the standard error where it was, and more of them bring nothing."""
    side = one_system(scores([1, 0, 1, 1] * 15, times=4), "mean")
    assert side.repeats is not None
    assert (60, 4.0, 0.0) == (side.n, side.repeats.answers, side.repeats.within)
    assert pytest.approx(side.repeats.floor) == side.repeats.se_with(100)
    pair = [scores(values * 15, times=4) for values in ([1, 0, 1, 1], [1, 0, 0, 1])]
    found = compare_scores(*pair, Terms())
    assert found.repeats is not None
    assert found.repeats.items_needed(0.1) == found.repeats.items_needed(0.1, answers=(8, 8))


def test_declared_looks_share_the_level() -> None:
    """A difference that is shown in one look is not in one of twenty."""
    pair = scores([0] * 90 + [1] * 10), scores([0] * 83 + [1] * 17)
    one, twenty = (compare_scores(*pair, Terms(looks=looks)).verdict for looks in (1, 20))
    assert one is not None
    assert twenty is not None
    assert ("pass", "unsure") == (one.outcome.value, twenty.outcome.value)
    assert one.measure is not None
    assert twenty.measure is not None
    assert twenty.measure.low < one.measure.low


def test_looks_at_any_time_say_when_it_was_shown() -> None:
    """A sequence is wider than a test of one look, and tells the item from which on the claim held."""
    rng = np.random.default_rng(0)
    pair = scores([0.0] * 400), scores([float(v) for v in rng.random(400) < 0.4])
    found = compare_scores(*pair, Terms(any_time=True))
    assert found.verdict is not None
    assert "pass" == found.verdict.outcome.value
    assert found.settled is not None
    assert 10 < found.settled < 200
    equal = compare_scores(pair[1], pair[1], Terms(any_time=True))
    assert (None, "unsure") == (equal.settled, equal.verdict.outcome.value if equal.verdict else "")


def test_a_median_is_bootstrapped() -> None:
    """What is no mean has an interval by resampling, in its own units."""
    rng = np.random.default_rng(0)
    base = scores([float(v) for v in rng.exponential(1, 150)])
    slower = scores([base.answers[str(i)][0] + 5 for i in range(150)])
    found = compare_scores(base, slower, Terms(metric="median", margin=2.0)).verdict
    assert found is not None
    assert found.measure is not None
    assert ("pass", 5.0) == (found.outcome.value, round(found.measure.value, 6))


def test_labels_put_a_detector_right_for_its_own_system() -> None:
    """A detector that finds too much: the rate by labels holds the true one, the raw rate does not."""
    rng = np.random.default_rng(3)
    truth = rng.random(600) < 0.3
    said = [float(v) for v in np.where(truth, rng.random(600) < 0.95, rng.random(600) < 0.3)]
    one = scores(said)
    one.labels = {str(i): bool(truth[i]) for i in range(150)}
    side = one_system(one, "mean")
    corrected = side.corrected["by_labels"]
    assert corrected["low"] < truth.mean() < corrected["high"]
    assert side.metric.low > truth.mean()
    assert abs(side.corrected["rogan_gladen"] - truth.mean()) < 0.1


def test_what_has_no_score_is_no_zero(tmp_path: Path) -> None:
    """An empty score is counted; with too many of them nothing is claimed."""
    rows = [{"item": i, "score": None if i % 8 == 0 else 1} for i in range(80)]
    read = read_scores(written(tmp_path / "some.jsonl", rows), Columns())
    assert (70, 10, 1.0) == (len(read.answers), read.unscored, float(np.mean(read.means(sorted(read.answers)))))
    found = compare_scores(read, scores([1.0] * 80), Terms()).verdict
    assert found is not None
    assert ("unsure", True) == (found.outcome.value, "coverage: 87.5%" in found.reason)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"score": 1}', "a line without item"),
        ('{"item": 2}', "a line without score"),
        ('{"item": 2, "score": "good"}', "score is no number"),
        ('{"item": 2, "score": "nan"}', "score is no number"),
        ('{"item": 1, "score": 1, "cluster": "b"}', "an item in two clusters"),
        ('{"item": 2, "score": 1, "label": 0.5}', "label is no label"),
        ("[1", "broken JSON"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, wrong: str) -> None:
    """With file and line."""
    path = tmp_path / "scores.jsonl"
    path.write_text('{"item": 1, "score": 1, "cluster": "a"}\n' + line + "\n")
    with pytest.raises(Refused) as refused:
        read_scores(path, Columns())
    assert (wrong in refused.value.what, str(path), 2) == (True, refused.value.file, refused.value.line), refused.value


def test_files_without_a_shared_item_are_refused() -> None:
    other = Scores("other", answers={"x": [1.0]}, items={"x"})
    with pytest.raises(Refused, match="share no item"):
        compare_scores(scores([1.0]), other, Terms())


def test_halves_of_one_file_say_what_a_bare_threshold_is_worth() -> None:
    """Halves of 100 items differ by five points by chance alone, and by more where the items come in clusters."""
    rng = np.random.default_rng(4)
    alike, clustered = np.full(200, 0.8), np.repeat(rng.random(20), 10)
    plain, grouped = (
        scores([float(one) for one in rng.random(200) < chance], clusters=size)
        for chance, size in ((alike, 0), (clustered, 10))
    )
    found, wider = halves_of(plain, "mean", 0.05), halves_of(grouped, "mean", 0.05)
    assert found is not None and wider is not None
    # The standard error of the difference is 5.7 points: 38 % lie beyond five of them.
    assert 0.25 < found.alarms.value < 0.5 < wider.alarms.value
    calibrated = halves_of(plain, "mean", found.calibrated)
    assert calibrated is not None and 0 < calibrated.alarms.value <= 0.05
    assert halves_of(scores([1.0, 0.0, 1.0]), "mean", 0.05) is None
