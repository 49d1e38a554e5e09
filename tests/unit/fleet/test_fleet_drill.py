"""Drills: an adapter is made again from its closure alone, and each planted gap fails with its own name."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import main
from headgate.fleet.causes import EDITED, GONE, KIT_CHANGED, OUTSIDE, UNCOMMITTED, UNDECLARED, UNPINNED
from headgate.fleet.drill import Drilled, _held_against, drill
from headgate.fleet.finding import fleet, member
from headgate.fleet.fresh import CURRENT, LINKED
from headgate.fleet.kit import CLOSURE, pack, read_kit
from headgate.fleet.migration.moving import made
from headgate.fleet.rescue import kit_that_stands, rescue
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest, digest_json
from headgate.ledger.ledger import Ledger
from headgate.models.adapter import adapter_mark, must_belong
from headgate.models.effect import Asked, Effect, write_effect
from headgate.models.fingerprint import fingerprint_of
from headgate.stats.verdict import Outcome

pytestmark = [pytest.mark.training, pytest.mark.xdist_group("fleet-drill")]
ROOT = Path(__file__).parents[3]
FLOW = """
[flow]
name = "topics"
[capture]
files = ["train.csv"]
columns = { prompt = "text", completion = "topic", subject = "customer" }
source = "banking77"
licence = "CC-BY-4.0"
[curate]
steps = ["select", "split"]
split = { train = 0.9, held = 0.1 }
[train]
base = "base"
steps = 3
batch = 8
"""
# Stands on the path of the process that trains and in no checkout; it reads a variable that nobody declared.
ELSEWHERE = """
import os
_count = os.cpu_count
def _scaled():
    return int(os.environ.get("ACME_SCALE", "1")) * _count()
os.cpu_count = _scaled
"""


def make(folder: Path, **variables: str) -> Path:
    """A project that was trained by a process of its own; returns its folder."""
    shutil.copytree(ROOT / "examples/base/headgate-tiny", folder / "base")
    with (ROOT / "tests/fixtures/requests/requests.csv").open(encoding="utf-8", newline="") as stream:
        rows = [one for one in csv.DictReader(stream) if one["split"] == "train"][:40]
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("text", "topic", "customer"))
        out.writerows((one["text"], one["topic"], f"c{i}") for i, one in enumerate(rows))
    (folder / "headgate.toml").write_text(FLOW, encoding="utf-8")
    paths = [variables.pop("elsewhere", ""), str(ROOT / "src")]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {**kept, **variables, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "train", "--quiet"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stderr
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one adapter of three steps, in a checkout whose code was changed since its only commit."""
    folder = tmp_path_factory.mktemp("checkout") / "flows"
    folder.mkdir()
    (folder / "score.py").write_text("LIMIT = 5\n", encoding="utf-8")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-q", "-m", "first")
    (folder / "score.py").write_text("LIMIT = 9\n", encoding="utf-8")
    return make(folder)


def git(folder: Path, *words: str) -> str:
    """What git says in a folder, by a committer of its own."""
    who = ["-c", "user.name=A. Vos", "-c", "user.email=vos@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def kit(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit of its run."""
    out = tmp_path_factory.mktemp("kits") / "kit"
    with Ledger.open(project / ".headgate") as ledger:
        pack(ledger, ledger.find("run")[-1], project, out)
    return out


@pytest.fixture
def copied(kit: Path, tmp_path: Path) -> Path:
    """A copy of the kit, to plant something in."""
    return Path(shutil.copytree(kit, tmp_path / "kit"))


def edit(kit: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes the closure of a kit."""
    body = json.loads((kit / CLOSURE).read_bytes())
    change(body)
    (kit / CLOSURE).write_text(json.dumps(body), encoding="utf-8")


def causes(found: Drilled) -> set[str]:
    return {one.name for one in found.causes}


def test_a_rescue_kit_rebuilds_bit_by_bit_where_only_its_lock_is(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The author's folder is not needed: rows, base and program come from the kit, libraries from the lock."""
    with Ledger.open(project / ".headgate") as ledger:
        name = ledger.find("adapter")[-1].name
    words = [
        "fleet",
        "rescue",
        name,
        "--to",
        str(tmp_path / "kit"),
        "--environment",
        "linked",
        "--by",
        "A. Vos",
        "--json",
    ]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--ledger", str(project / ".headgate")])
    told = json.loads(capsys.readouterr().out)
    assert (0, True, [], "linked") == (ended.value.code, told["identical"], told["causes"], told["environment"])
    assert ([], git(project, "rev-parse", "HEAD")) == (told["differences"], told["checkout"])
    assert "LIMIT = 5\n" == (tmp_path / "kit/checkout/flows/score.py").read_text(encoding="utf-8")
    with Ledger.open(project / ".headgate") as ledger:
        one = member(ledger, name)
        assert tmp_path / "kit" == Path(os.path.normpath(kit_that_stands(ledger, one.run.id, project) or ""))
        (tmp_path / "kit" / "rows.jsonl").write_bytes(b"")
        assert kit_that_stands(ledger, one.run.id, project) is None


def test_another_patch_or_one_that_does_not_fit_is_named(copied: Path) -> None:
    """The patch has its own address in the record; one of another commit cannot be applied."""
    patch = copied / "project.diff"
    body = patch.read_bytes().replace(b"LIMIT = 5", b"LIMIT = 6")
    patch.write_bytes(body)
    assert {UNCOMMITTED, KIT_CHANGED} == causes(drill(copied, kind=CURRENT))

    def consistent(closure: dict[str, Any]) -> None:
        closure["files"]["project.diff"] = closure["history"]["code"]["project"]["diff"] = digest(body)

    edit(copied, consistent)
    found = drill(copied, kind=CURRENT)
    assert {UNCOMMITTED} == causes(found)
    assert "does not fit its commit" in found.causes[0].what


def test_a_commit_that_is_gone_and_code_that_was_edited_are_named(copied: Path) -> None:
    """Nothing is trained for either."""

    def planted(closure: dict[str, Any]) -> None:
        closure["checkout"]["lacking"] = ["commit 123 is in no repository at the project"]
        closure["plan"]["rewards"] = [{"name": "r", "file": "reward.py", "digest": "b3:0"}]
        closure["plan_digest"] = digest_json(closure["plan"])

    edit(copied, planted)
    found = drill(copied, kind=CURRENT)
    assert ({UNCOMMITTED, "changed code"}, Outcome.FAIL) == (causes(found), found.verdict.outcome)


def test_a_training_that_leans_on_what_is_elsewhere_says_so(tmp_path: Path) -> None:
    """Code outside the repository and a variable nobody declared are in the record, and fail the drill by name."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "sitecustomize.py").write_text(ELSEWHERE, encoding="utf-8")
    (tmp_path / "project").mkdir()
    project = make(tmp_path / "project", elsewhere=str(tmp_path / "elsewhere"), ACME_SCALE="2", MKL_DEBUG_CPU_TYPE="5")
    with Ledger.open(project / ".headgate") as ledger:
        pack(ledger, ledger.find("run")[-1], project, tmp_path / "kit")
    found = drill(tmp_path / "kit", kind=CURRENT)
    assert {
        (OUTSIDE, "module sitecustomize"), (UNDECLARED, "ACME_SCALE"),
    } == {(one.name, one.what) for one in found.causes}  # fmt: skip
    assert Outcome.FAIL is found.verdict.outcome
    assert "5" == read_kit(tmp_path / "kit").plan["environment"]["variables"]["MKL_DEBUG_CPU_TYPE"]


def test_rows_edited_after_the_run_are_named_by_line(copied: Path) -> None:
    """One word in one row of the kit."""
    path = copied / "rows.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"card", b"cart", 1)
    path.write_bytes(b"".join(lines))
    found = drill(copied, kind=CURRENT)
    assert ({EDITED}, ["rows.jsonl was edited: line 5"]) == (causes(found), [one.what for one in found.causes])


def test_a_row_that_is_none_any_more_and_an_edited_plan_are_named(copied: Path) -> None:
    """An edit may break what is edited: it is a cause, not an accident; a plan has its address like everything."""
    rows = copied / "rows.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b"demonstration", b"demonstr@tion", 1))
    edit(copied, lambda body: body["plan"]["settings"].update({"learning-rate": 0.5}))
    found = drill(copied, kind=CURRENT)
    assert [(KIT_CHANGED, "the plan in closure.json was edited"), (EDITED, "rows.jsonl was edited: line 1")] == [
        (one.name, one.what) for one in found.causes
    ]


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_a_base_that_is_another_one_makes_no_kit_and_fails_a_drill_by_name(
    name: str, project: Path, tmp_path: Path
) -> None:
    """Half a base is a changed base, not an unknown cause; a rescue refuses it before anything is written."""
    copy = Path(shutil.copytree(project.parent, tmp_path / "checkout")) / project.name
    path = copy / "base" / name
    if name == "tokenizer.json":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-4096])
    with Ledger.open(copy / ".headgate") as ledger:
        one = fleet(ledger)[-1]
        with pytest.raises(Refused, match=r"the base is not the one|cut short"):
            rescue(ledger, one, copy, tmp_path / "rescued", kind=CURRENT, by="A. Vos", now=datetime.now(UTC))
        assert not (tmp_path / "rescued").exists()
        pack(ledger, one.run, copy, tmp_path / "kit")
    found = drill(tmp_path / "kit", kind=CURRENT)
    assert ({"changed base"}, Outcome.FAIL) == (causes(found), found.verdict.outcome)


def test_the_effect_of_another_adapter_is_put_into_no_kit(project: Path, tmp_path: Path) -> None:
    """Nor is a file that is no effect; nothing is left behind."""
    asked = Asked(messages=(), answer="", log_probabilities=(), likeliest=(), divergence=(0.1,))
    write_effect(Effect(adapter="b3:other", base="b3:base", asked=(asked,)), tmp_path / "effect.json")
    (tmp_path / "words").write_text("no effect", encoding="utf-8")
    with Ledger.open(project / ".headgate") as ledger:
        for effect, said in (
            (tmp_path / "effect.json", "the effect of another adapter"),
            (tmp_path / "words", "not a recorded"),
        ):
            with pytest.raises(Refused, match=said):
                pack(ledger, ledger.find("run")[-1], project, tmp_path / "kit", effect=effect)
    assert {"effect.json", "words"} == {one.name for one in tmp_path.iterdir()}


def test_rows_edited_in_the_ledger_are_named_too(project: Path, tmp_path: Path) -> None:
    """What is packed is held against the addresses of the rows, not only against itself."""
    import sqlite3

    import zstandard

    copy = Path(shutil.copytree(project.parent, tmp_path / "checkout")) / project.name
    with sqlite3.connect(copy / ".headgate" / "ledger.sqlite") as database:
        triggers = database.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:  # somebody who edits a ledger by hand takes its guards away first
            database.execute(f"drop trigger {name}")
        number, body = database.execute("select number, body from row_bodies order by number limit 1").fetchone()
        text = zstandard.ZstdDecompressor().decompress(body).replace(b"card", b"cart", 1)
        database.execute(
            "update row_bodies set body = ? where number = ?", (zstandard.ZstdCompressor().compress(text), number)
        )
    database.close()
    with Ledger.open(copy / ".headgate") as ledger:
        pack(ledger, ledger.find("run")[-1], copy, tmp_path / "kit")
    assert {EDITED} == causes(drill(tmp_path / "kit", kind=CURRENT))


def unpinned(body: dict[str, Any]) -> None:
    body["surroundings"]["lock"]["peft"]["from"] = "folder"


def unversioned(body: dict[str, Any]) -> None:
    body["surroundings"]["lock"]["peft"]["version"] = ""


def forgotten(body: dict[str, Any]) -> None:
    del body["surroundings"]["lock"]["peft"]


def moved(body: dict[str, Any]) -> None:
    body["surroundings"]["lock"]["accelerate"]["version"] = "0.0.1"


def erased(body: dict[str, Any]) -> None:
    body["erased"] = {"rows.jsonl": 3}


@pytest.mark.parametrize(
    ("change", "wanted", "said"),
    [
        (unpinned, UNPINNED, "peft was installed from a folder"),
        (unversioned, UNPINNED, "peft has no version"),
        (forgotten, UNPINNED, "peft"),
        (moved, UNPINNED, "accelerate"),
        (erased, GONE, "3 of rows.jsonl"),
    ],
)
def test_each_gap_fails_with_its_own_name(copied: Path, change: Any, wanted: str, said: str) -> None:
    """A dependency without a pin, without a version, left out of the lock, or another than here; rows that are gone."""
    edit(copied, change)
    found = drill(copied, kind=LINKED)
    assert ({wanted}, Outcome.FAIL) == (causes(found), found.verdict.outcome)
    assert said in found.causes[0].what


def test_a_changed_program_or_base_is_told_from_rows(copied: Path) -> None:
    """Every file of a kit has its address."""
    (copied / "base" / "config.json").write_text("{}", encoding="utf-8")
    (copied / "headgate.tar").unlink()
    assert {"changed base", KIT_CHANGED} == causes(drill(copied, kind=CURRENT))


def rebuilt(kit: Path, *, tensors: str | None = None, seeds: int = 1, shift: float = 0.0, **hardware: str) -> Drilled:
    """How a drill would be judged that gave these tensors on that machine."""
    found = read_kit(kit)
    result = found.closure["results"][0]
    before = [{**result, "seed": seed, "held_loss": 1.0 + 0.1 * seed} for seed in range(seeds)]
    found.closure["results"][:] = before  # type: ignore[index]
    found.closure["salt"] = ""  # type: ignore[index]  # the answer below is in the words of the plan already
    plan = found.plan
    after = [{**one, "tensors": tensors or one["tensors"], "held_loss": one["held_loss"] + shift} for one in before]
    answer = {
        "shard": plan["data"]["shard"], "schedules": plan["schedules"], "base": plan["base"]["fingerprint"],
        "engine": plan["engine"]["source"], "environment": plan["environment"],
        "hardware": {**plan["hardware"], **hardware}, "adapters": after,
    }  # fmt: skip
    return _held_against(found, CURRENT, {"rebuilt": answer}, 1.0)


def test_other_bits_are_judged_by_the_machine_and_the_seed_noise(kit: Path) -> None:
    """Same machine: fail. Another: unsure with one seed, and inside or outside two standard deviations with three."""
    assert Outcome.PASS is rebuilt(kit).verdict.outcome
    assert Outcome.PASS is rebuilt(kit, capability="avx2-emulated").verdict.outcome
    assert Outcome.FAIL is rebuilt(kit, tensors="b3:other").verdict.outcome
    assert Outcome.UNSURE is rebuilt(kit, tensors="b3:other", capability="sve").verdict.outcome
    inside = rebuilt(kit, tensors="b3:other", capability="sve", seeds=3, shift=0.1)
    outside = rebuilt(kit, tensors="b3:other", capability="sve", seeds=3, shift=0.3)
    assert (Outcome.PASS, Outcome.FAIL) == (inside.verdict.outcome, outside.verdict.outcome)
    assert pytest.approx(1.0) == inside.moved


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "base/../../x", "a\\..\\b", ""])
def test_a_kit_may_not_name_what_is_outside(copied: Path, name: str) -> None:
    """Names in a kit come from elsewhere."""
    edit(copied, lambda body: body["files"].update({name: "b3:0"}))
    with pytest.raises(Refused, match="leads out of its folder"):
        read_kit(copied)


def test_a_full_disk_leaves_no_half_kit(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with the reason; nothing stands under the name."""
    import headgate.fleet.kit as module

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.shutil, "copyfile", full)
    with Ledger.open(project / ".headgate") as ledger, pytest.raises(Refused, match="the disk is full"):
        pack(ledger, ledger.find("run")[-1], project, tmp_path / "kit")
    assert [] == list(tmp_path.iterdir())


def test_wrong_use_is_told(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kit that is none, neither name nor kit, both ways at once, and a folder that is taken."""
    store = ["--ledger", str(project / ".headgate")]
    for words in (
        ["drill"],
        ["drill", "--kit", str(tmp_path)],
        ["drill", "--kit", "x", "--environment", "nowhere"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["fleet", *words, *store])
        assert 2 == ended.value.code
    with Ledger.open(project / ".headgate") as ledger, pytest.raises(Refused, match="is taken"):
        pack(ledger, ledger.find("run")[-1], project, tmp_path)
    capsys.readouterr()


def test_an_adapter_is_made_anew_on_another_base_from_its_kit_alone(kit: Path, project: Path, tmp_path: Path) -> None:
    """Neither the ledger nor its rows are there; a kit of another adapter, or one that was edited, is refused."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    newer = Path(shutil.copytree(project / "base", tmp_path / "newer"))
    tensors = {name: value + np.float32(0.001) for name, value in load_file(newer / "model.safetensors").items()}
    save_file(tensors, newer / "model.safetensors", metadata={"format": "pt"})
    (adapter,) = (project / ".headgate/work/adapters").iterdir()
    given = {"adapter": adapter, "old": project / "base", "new": newer, "store": tmp_path / "none", "kit": kit}
    told = made(**given, road="rebuild", out=tmp_path / "moved")
    must_belong(tmp_path / "moved", newer, fingerprint_of(newer))
    assert told["adapter"] == adapter_mark(tmp_path / "moved").digest != adapter_mark(adapter).digest
    assert not (tmp_path / "none").exists()
    edited = Path(shutil.copytree(kit, tmp_path / "edited"))
    (edited / "rows.jsonl").write_bytes(b"")
    with pytest.raises(Refused, match="not what it was"):
        made(**{**given, "kit": edited}, road="rebuild", out=tmp_path / "again")
    with pytest.raises(Refused, match="for the road rebuild"):
        made(**given, road="copy", out=tmp_path / "again")
    edit(edited, lambda body: body["results"][0].update(adapter="b3:other"))
    with pytest.raises(Refused, match="of another adapter"):
        made(**{**given, "kit": edited}, road="rebuild", out=tmp_path / "again")
    assert not (tmp_path / "again").exists()
