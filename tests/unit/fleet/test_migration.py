"""Another base: roads by nearness, acceptance on both sides, aliases that were moved."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from made_adapters import BASE, make_adapter

from headgate.cli.main import main
from headgate.evaluate.settings import SuiteSettings
from headgate.evaluate.suites import load_suite
from headgate.fleet.composition.matrix import Scores
from headgate.fleet.migration.acceptance import accepted
from headgate.fleet.migration.moving import acceptance, made, planned, watched
from headgate.fleet.migration.nearness import COPY, DISTIL, RETIRE, nearness
from headgate.fleet.migration.roads import settings_for
from headgate.fleet.migration.screening import screened, stored, written
from headgate.fleet.migration.watching import watch
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.models.adapter import adapter_mark, must_belong, read_record
from headgate.models.engines.transformers_local import open_local
from headgate.models.fingerprint import fingerprint_of
from headgate.models.model import Completion, Sampling
from headgate.models.opening import open_model
from headgate.models.safetensors_header import read_header
from headgate.stats.verdict import Level, Outcome
from headgate.testing.fake_endpoint import FakeEndpoint
from headgate.train.settings import Grpo, Settings, resolved

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SEEDS = ["play the next song", "what is my balance", "where is my card", "change my pin", "pay my phone bill", "hi you"]


def other_base(folder: Path, noise: float, **config: object) -> Path:
    """The shipped base with noise on its matrices, in shares of their spread, and other settings."""
    shutil.copytree(BASE, folder)
    path = folder / "model.safetensors"
    header, start = read_header(path)
    raw = bytearray(path.read_bytes())
    rng = np.random.default_rng(4)
    for _, shape, begin, end in header.values():
        if len(shape) == 2:
            part = np.frombuffer(raw, "<f4", (end - begin) // 4, start + begin)
            changed = part + rng.normal(0, noise * part.std(), part.shape)
            raw[start + begin : start + end] = changed.astype("<f4").tobytes()
    path.write_bytes(bytes(raw))
    (folder / "config.json").write_text(json.dumps(json.loads((folder / "config.json").read_text()) | config))
    return folder


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base whose weights moved by a tenth."""
    return other_base(tmp_path_factory.mktemp("bases") / "near", 0.1)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the shipped base."""
    return make_adapter(tmp_path_factory.mktemp("adapters") / "one", seed=1, strength=0.3)


def test_a_near_base_is_copied_to_and_a_far_one_is_not(adapter: Path, near: Path, tmp_path: Path) -> None:
    """The overlap of leading directions tells; other text or other shapes close the road whatever it is."""
    far = other_base(tmp_path / "far", 20.0)
    found = {name: nearness(adapter, BASE, base) for name, base in (("near", near), ("far", far))}
    assert found["near"].overlap > 0.95 > 0.6 > found["far"].overlap
    assert 0.1 == pytest.approx(found["near"].changed, abs=0.02)
    roads = {name: [one["road"] for one in planned(adapter, BASE, base, tmp_path, prompts=True)["roads"]]
             for name, base in (("near", near), ("far", far))}  # fmt: skip
    assert {"near": [COPY, DISTIL, RETIRE], "far": [DISTIL, RETIRE]} == roads
    text = other_base(tmp_path / "text", 0.1)
    (text / "chat_template.jinja").write_text((text / "chat_template.jinja").read_text() + "\n{# other #}")
    assert COPY not in [one["road"] for one in planned(adapter, BASE, text, tmp_path, prompts=True)["roads"]]
    with pytest.raises(Refused, match="the same base"):
        planned(adapter, BASE, BASE, tmp_path, prompts=False)


def test_a_copy_belongs_to_the_new_base_and_says_whence(adapter: Path, near: Path, tmp_path: Path) -> None:
    """What was refused there before is taken now, and by the old base no more."""
    fingerprint = fingerprint_of(near)
    with pytest.raises(Refused, match="another base"):
        must_belong(adapter, near, fingerprint)
    told = made(adapter, BASE, near, "copy", tmp_path / "copy", tmp_path)
    must_belong(tmp_path / "copy", near, fingerprint)
    record = read_record(tmp_path / "copy")
    assert record is not None
    assert ("copy", told["adapter"]) == (record["migrated"]["road"], record["migrated"]["parent"])
    with pytest.raises(Refused, match="another base"):
        must_belong(tmp_path / "copy", BASE, fingerprint_of(BASE))
    with pytest.raises(Refused, match="there already"):
        made(adapter, BASE, near, "copy", tmp_path / "copy", tmp_path)
    with pytest.raises(Refused, match="does not know the run"):
        made(adapter, BASE, near, "rebuild", tmp_path / "rebuilt", tmp_path)


def suite_of(folder: Path, n: int):
    with (folder / "items.csv").open("w", newline="") as stream:
        rows = [(f"question {i}", "yes", "young" if i % 4 else "old") for i in range(n)]
        csv.writer(stream).writerows([("prompt", "completion", "age"), *rows])
    columns = {"prompt": "prompt", "completion": "completion", "slice.age": "age"}
    return load_suite("task", SuiteSettings(gate="items.csv", columns=columns), folder)


@pytest.mark.parametrize(
    ("n", "lost", "gained", "outcome"),
    [
        (800, 4, 4, Outcome.PASS), (800, 60, 0, Outcome.FAIL), (800, 0, 60, Outcome.FAIL), (60, 1, 1, Outcome.UNSURE),
    ],
)  # fmt: skip
def test_equivalence_wants_both_sides_of_the_margin(tmp_path: Path, n, lost, gained, outcome) -> None:
    """The same within two points passes; worse fails and so does better; few items are unsure and say how many."""
    suite = suite_of(tmp_path, n)
    before = np.r_[np.ones(n // 2), np.zeros(n - n // 2)]
    after = before.copy()
    after[:lost], after[n - gained :] = 0.0, 1.0
    order = np.random.default_rng(0).permutation(n)
    scored = [{"task": Scores(tuple(one[order]), ("",) * n)} for one in (before, after)]
    verdict, *slices = accepted([suite], *scored)
    assert outcome is verdict.outcome
    assert (outcome is Outcome.UNSURE) == ("items" in verdict.reason)
    assert all((Level.BLOCK if one.outcome is Outcome.FAIL else Level.WARN) is one.level for one in slices)
    assert {"task, age old", "task, age young"} == {one.details["suite"] for one in slices}


def test_a_slice_that_is_lost_is_named(tmp_path: Path) -> None:
    """A loss that the whole hides."""
    suite = suite_of(tmp_path, 800)
    old = [item.slices["age"] == "old" for item in suite.pools["gate"]]
    after = tuple(0.0 if hit and n % 8 == 0 else 1.0 for n, hit in enumerate(old))
    scored = [{"task": Scores(one, ("",) * 800)} for one in ((1.0,) * 800, after)]
    failed = [one.details["suite"] for one in accepted([suite], *scored) if one.outcome is Outcome.FAIL]
    assert "task, age old" in failed
    assert "task, age young" not in failed


def test_screens_say_what_they_took() -> None:
    """Evaluation items, repeats and empty prompts go, whatever their capitals."""
    left = stored(["Pay my bill", "pay my  bill!", "", "Lost card", "Play"], ["lost card"])
    assert ("Pay my bill", "Play") == left.prompts
    assert {"empty": 1, "evaluation item": 1, "seen before": 1} == left.taken


@pytest.mark.training
def test_prompts_are_made_from_a_few_examples_and_screened(adapter: Path) -> None:
    """New ones, as long as the examples, that the teacher is sure about; the same seed makes the same."""
    texts = written(BASE, SEEDS, 30, seed=1)
    assert texts == written(BASE, SEEDS, 30, seed=1)
    teacher = open_local(BASE, adapter=adapter)
    found = screened([*texts, SEEDS[0]], SEEDS, [], teacher)
    assert 31 == len(found.prompts) + sum(found.taken.values())
    assert {2} == {found.depth}
    assert not set(SEEDS) & set(found.prompts)
    assert all(2 <= len(one.split()) <= 5 for one in found.prompts)
    with pytest.raises(Refused, match="too few examples"):
        written(BASE, SEEDS[:4], 3, seed=1)


@pytest.mark.training
def test_a_distilled_adapter_says_on_the_new_base_what_the_old_stack_said(near: Path, tmp_path: Path, capsys) -> None:
    """From stored prompts alone: a candidate that belongs to the new base and learned the teacher's answer."""
    teacher = make_adapter(tmp_path / "teacher", seed=3, strength=0.01)
    prompts = tmp_path / "prompts.csv"
    with prompts.open("w", newline="") as stream:
        texts = [
            f"{a} {b}" for a in ("lost my", "found a", "pay the", "see my") for b in ("card", "pin", "bill", "phone")
        ]
        csv.writer(stream).writerows([("prompt", "completion"), *((text, "-") for text in texts)])

    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["fleet", "migrate", *words, "--ledger", str(tmp_path / "store")])
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out + out.err

    pair = ["--from", str(BASE), "--to", str(near)]
    made_of = ["make", str(teacher), *pair, "--road", "distil", "--prompts", str(prompts), "--steps", "2"]
    code, out = run(*made_of, "--out", str(tmp_path / "new"), "--json")
    assert (0, True) == (code, json.loads(out)["warm"]), out
    must_belong(tmp_path / "new", near, fingerprint_of(near))
    with Ledger.open(tmp_path / "store") as ledger:
        (run_node,) = ledger.find("run")
        assert "pass" == run_node.body["outcome"]

    # Its run is known, so that the next base gets it by training on the same rows by the same settings.
    third = other_base(tmp_path / "third", 0.05)
    again = ["make", str(tmp_path / "new"), "--from", str(near), "--to", str(third), "--road", "rebuild"]
    code, out = run(*again, "--out", str(tmp_path / "third-adapter"), "--json")
    assert code == 0, out
    must_belong(tmp_path / "third-adapter", third, fingerprint_of(third))
    with Ledger.open(tmp_path / "store") as ledger:
        first, second = (node.body["plan"] for node in ledger.find("run"))
        assert first["data"]["row_ids"] == second["data"]["row_ids"]
        assert first["settings"] | {"start": ""} == second["settings"] | {"start": ""}
        # Both began with the teacher's tensors, each on its own base.
        begun = [ledger.node(one["start"]["node"]).body for one in (first, second)]
        assert [adapter_mark(teacher).digest] * 2 == [one["digest"] for one in begun]
        assert [fingerprint_of(one).root for one in (near, third)] == [one["base"] for one in begun]

    code, out = run(*made_of, "--cold", "--out", str(tmp_path / "cold"), "--json")
    assert (0, False) == (code, json.loads(out)["warm"])
    assert adapter_mark(tmp_path / "cold") != adapter_mark(tmp_path / "new")


def test_recorded_settings_of_every_method_go_along(near: Path) -> None:
    """What only one method reads is not lost on the way; an adapter to go on from cannot go along."""
    recorded = resolved(Settings(base="old", method="grpo", grpo=Grpo(rewards=["exact"], generations=4)))
    assert recorded | {"base": str(near.resolve())} == resolved(settings_for(recorded, near))
    with pytest.raises(Refused, match="went on from an adapter of the old base"):
        settings_for(recorded | {"start": "tuned"}, near)


@pytest.mark.training
def test_acceptance_on_the_command_line(near: Path, adapter: Path, tmp_path: Path, capsys) -> None:
    """A stack against itself passes, against a base without the skill it fails; the ledger keeps both."""
    asked = [f"{word} my card {n}" for n in range(30) for word in ("lost", "block", "send")]
    said = open_local(BASE, adapter=adapter).generate(
        [({"role": "user", "content": text},) for text in asked],
        Sampling(max_tokens=4),
    )
    with (tmp_path / "task.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [("prompt", "completion"), *((t, o.text or "?") for t, o in zip(asked, said, strict=True))]
        )

    def run(*words: str) -> int:
        given = ["fleet", "migrate", "accept", "--from", str(BASE), "--old", str(adapter), "--max-tokens", "4"]
        suite = ["--suite", f"task={tmp_path / 'task.csv'}", "--margin", "0.05", "--ledger", str(tmp_path)]
        with pytest.raises(SystemExit) as ended:
            main([*given, *words, *suite])
        capsys.readouterr()
        return int(ended.value.code or 0)

    Ledger.open(tmp_path, create=True).close()
    assert [0, 1] == [run("--to", str(BASE), "--new", str(adapter)), run("--to", str(BASE))]
    with Ledger.open(tmp_path) as ledger:
        assert ["pass", "fail"] == [node.body["outcome"] for node in ledger.find("step", "migrate")]


PROMPTS = [({"role": "user", "content": f"prompt {n}"},) for n in range(20)]


def look(ledger: Ledger, answers, days: int):
    with FakeEndpoint(answers) as server:
        model = open_model(server.spec("support"))
        try:
            return watch(ledger, "support", model, PROMPTS, NOW + timedelta(days=days))
        finally:
            model.close()


def test_two_suites_of_one_name_are_refused() -> None:
    """One of them would be left out without a word."""
    given = {"columns": (), "scorer": "exact", "margin": 0.02, "max_tokens": 8, "store": None}
    with pytest.raises(Refused, match="two suites of one name"):
        acceptance(old=BASE, new=BASE, before=None, after=None, suites=("a=x.csv", "a=y.csv"), **given)


def test_an_alias_that_answers_as_before_is_silent_and_one_that_changed_opens_a_case(tmp_path: Path) -> None:
    """One answer of twenty is still the same alias; another snapshot is a case below the first look."""
    steady = lambda request: "the answer to " + request.text  # noqa: E731
    with Ledger.open(tmp_path, create=True) as ledger:
        assert look(ledger, steady, 0).first
        again = look(ledger, steady, 1)
        assert ("", False) == (again.case, any(one.outcome is Outcome.FAIL for one in again.verdicts))
        one_off = look(ledger, lambda r: "x" if r.text == "prompt 3" else steady(r), 2)
        assert "" == one_off.case
        moved = look(ledger, lambda r: "a new answer to " + r.text, 3)
        assert [Outcome.FAIL] == [one.outcome for one in moved.verdicts if one.rule == "alias-behaviour"]
        case = ledger.node(moved.case)
        assert ("case", "migration/support", "open") == (case.kind, case.name, case.body["state"])
        with pytest.raises(Refused, match="other prompts"):
            watch(ledger, "support", open_model("http://127.0.0.1:9/v1#x"), PROMPTS[:9], NOW)


class Told:
    """A model that says which version it is."""

    name, fingerprint, context_length = "told", "b3:x", None

    def __init__(self, version: str) -> None:
        self.version = version

    async def complete(self, prompts, *, settings, journal, advance):
        return [Completion(text="same", version=self.version) for _ in prompts]

    def count_tokens(self, prompt):
        return None

    def close(self) -> None:
        pass


def test_an_alias_that_says_it_is_another_version_opens_a_case_though_it_answers_the_same(tmp_path: Path) -> None:
    """The fingerprint alone is enough."""
    with Ledger.open(tmp_path, create=True) as ledger:
        watch(ledger, "s", Told("fp_1"), PROMPTS, NOW)
        assert Outcome.PASS is watch(ledger, "s", Told("fp_1"), PROMPTS, NOW).outcome
        moved = watch(ledger, "s", Told("fp_2"), PROMPTS, NOW + timedelta(days=1))
    assert {"alias-version": Outcome.FAIL, "alias-behaviour": Outcome.PASS} == {
        one.rule: one.outcome for one in moved.verdicts
    }
    assert moved.case


def test_one_change_is_one_case_until_the_watch_begins_anew(tmp_path: Path) -> None:
    """A look every hour opens no case every hour; after a migration the new answers are what shall be."""
    with Ledger.open(tmp_path, create=True) as ledger:
        watch(ledger, "s", Told("fp_1"), PROMPTS, NOW)
        moved = watch(ledger, "s", Told("fp_2"), PROMPTS, NOW + timedelta(days=1))
        again = watch(ledger, "s", Told("fp_2"), PROMPTS, NOW + timedelta(days=2))
        assert moved.case == again.case != ""
        assert watch(ledger, "s", Told("fp_2"), PROMPTS, NOW + timedelta(days=3), anew=True).first
        assert "closed" == ledger.latest("case", "migration/s").body["state"]
        assert Outcome.PASS is watch(ledger, "s", Told("fp_2"), PROMPTS, NOW + timedelta(days=4)).outcome
        with pytest.raises(Refused, match="not the name of an alias"):
            watch(ledger, " ", Told("fp_2"), PROMPTS, NOW)


def test_a_folder_that_is_watched_is_told_by_its_address(near: Path, tmp_path: Path) -> None:
    """No server names its version, and eight prompts may be answered alike by two models."""
    prompts = tmp_path / "probe.csv"
    prompts.write_text("prompt\n" + "".join(f"prompt {n}\n" for n in range(8)), encoding="utf-8")
    Ledger.open(tmp_path, create=True).close()
    looks = [watched("local", f"local:{base}", prompts, (), tmp_path) for base in (BASE, BASE, near)]
    assert [True, False, False] == [one.first for one in looks]
    assert [Outcome.PASS, Outcome.FAIL] == [
        next(two.outcome for two in one.verdicts if two.rule == "alias-version") for one in looks[1:]
    ]
    assert ("", True) == (looks[1].case, bool(looks[2].case))
