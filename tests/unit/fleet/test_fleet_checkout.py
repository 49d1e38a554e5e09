"""The project's code in a kit: the recorded commit and its patch, laid out again; no rows, nothing outside."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headgate.fleet.checkout import DIFF, edited_code, lay_out, pack_checkout
from headgate.fleet.fresh import clean_variables
from headgate.kit.errors import Refused
from headgate.train.environment import changes_of, environment, git_state
from headgate.train.rewards import rewards_of
from headgate.train.settings import Settings
from headgate.train.surroundings import undeclared

REWARD = """
from acme.wording import LIMIT
def short(prompt, answer, reference):
    return float(len(answer) < LIMIT)
"""


def git(folder: Path, *words: str) -> str:
    """What git says in a folder, by a committer of its own."""
    who = ["-c", "user.name=A. Vos", "-c", "user.email=vos@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in the folder `flows` of a checkout whose code and rows were changed since its only commit."""
    top = tmp_path / "author"
    (top / "acme").mkdir(parents=True)
    (top / "flows").mkdir()
    (top / "acme/wording.py").write_text("LIMIT = 5\n", encoding="utf-8")
    (top / "acme/link.py").symlink_to("/etc/hostname")
    (top / "flows/reward.py").write_text(REWARD, encoding="utf-8")
    (top / "flows/people.csv").write_text("name\nAnn\n", encoding="utf-8")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "first")
    (top / "acme/wording.py").write_text("LIMIT = 9\n", encoding="utf-8")
    (top / "flows/people.csv").write_text("name\nBeatrix\n", encoding="utf-8")
    return top / "flows"


def packed(project: Path, kit: Path) -> dict[str, Any]:
    """A kit's folder with the code of the project, and the part of its closure that speaks of it."""
    kit.mkdir()
    state = git_state(project)
    assert state is not None
    told = pack_checkout(state, project, kit)
    (kit / DIFF).write_bytes(changes_of(project))
    return {"checkout": told, "files": [str(one.relative_to(kit)) for one in kit.rglob("*") if one.is_file()]}


def test_a_rebuild_gets_the_recorded_commit_with_its_patch_and_no_rows(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code as it was trained with, also when the author's folder is gone; rows stay out, changed or not."""
    closure = packed(project, tmp_path / "kit")
    shutil.rmtree(project.parent)
    place = lay_out(tmp_path / "kit", closure, tmp_path / "checkout")
    assert tmp_path / "checkout/flows" == place
    assert "LIMIT = 9\n" == (tmp_path / "checkout/acme/wording.py").read_text()
    assert ["acme/wording.py", "flows/reward.py"] == sorted(
        str(path.relative_to(tmp_path / "checkout")) for path in (tmp_path / "checkout").rglob("*") if path.is_file()
    )
    assert b"Beatrix" not in (tmp_path / "kit" / DIFF).read_bytes()
    monkeypatch.syspath_prepend(str(tmp_path / "checkout"))
    (reward,) = rewards_of(["python:reward.py:short"], place)
    assert [1.0, 0.0] == [reward.score((), answer, "") for answer in ("eight...", "ten letters")]


def without_commit(project: Path) -> None:
    git(project, "commit", "-q", "--amend", "--all", "-m", "another")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "-q", "--prune=now")


def without_repository(project: Path) -> None:
    shutil.rmtree(project.parent / ".git")


@pytest.mark.parametrize("plant", [without_commit, without_repository])
def test_a_commit_that_is_gone_is_said_to_be(project: Path, tmp_path: Path, plant: Callable[[Path], None]) -> None:
    """Rewritten history, or a repository that was deleted; a project in no checkout lacks nothing."""
    state = git_state(project)
    plant(project)
    (tmp_path / "kit").mkdir()
    told = pack_checkout(state, project, tmp_path / "kit")
    assert ["is in no repository"] == [" ".join(one.split()[2:6]) for one in told["lacking"]]
    assert {} == pack_checkout(None, project, tmp_path / "kit")


@pytest.mark.parametrize("body", [b"--- a/acme/wording.py\n+++ b/acme/wording.py\n@@ -1 +1 @@\n-X\n+Y\n", b"no patch"])
def test_a_patch_that_does_not_fit_is_refused(project: Path, tmp_path: Path, body: bytes) -> None:
    """Rather than that code is guessed."""
    closure = packed(project, tmp_path / "kit")
    (tmp_path / "kit" / DIFF).write_bytes(body)
    with pytest.raises(Refused, match="does not fit its commit"):
        lay_out(tmp_path / "kit", closure, tmp_path / "checkout")


def test_nothing_is_laid_out_beside_the_checkout(project: Path, tmp_path: Path) -> None:
    """The place of the flow file and the patch come from the kit, and may name anything."""
    closure = packed(project, tmp_path / "kit")
    closure["checkout"]["within"] = "../../elsewhere"
    with pytest.raises(Refused, match="leads out of its folder"):
        lay_out(tmp_path / "kit", closure, tmp_path / "checkout")
    closure["checkout"]["within"] = "flows"
    out = (
        b"diff --git a/x.py b/../evil.py\nnew file mode 100644\n--- /dev/null\n+++ b/../evil.py\n@@ -0,0 +1 @@\n+bad\n"
    )
    (tmp_path / "kit" / DIFF).write_bytes(out)
    with pytest.raises(Refused, match="does not fit its commit"):
        lay_out(tmp_path / "kit", closure, tmp_path / "checkout")
    assert not list(tmp_path.rglob("evil.py"))


def test_files_that_the_plan_names_are_held_against_their_addresses(tmp_path: Path) -> None:
    """A reward or prompts of a probe that were edited since the run."""
    (tmp_path / "reward.py").write_text("changed", encoding="utf-8")
    reward = {"name": "python:reward.py:f", "file": "reward.py", "digest": "b3:0"}
    plan = {
        "rewards": [reward, {**reward, "file": ""}],
        "settings": {"probe": {"drift": "asked.jsonl"}},
        "drift": "b3:1",
    }
    assert ["reward.py", "asked.jsonl"] == edited_code(plan, tmp_path)


def test_a_declared_variable_is_part_of_the_plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the settings name is set again in a rebuild, so it is no gap; a secret may not be named."""
    monkeypatch.setenv("ACME_SCALE", "2")
    assert "2" == environment(["ACME_SCALE"])["variables"]["ACME_SCALE"]
    assert (["ACME_SCALE"], []) == (undeclared(["ACME_SCALE"]), undeclared(["ACME_SCALE"], ["ACME_SCALE"]))
    assert "2" == clean_variables({"ACME_SCALE": "2"}, tmp_path, tmp_path)["ACME_SCALE"]
    for name in ("ACME_API_KEY", "no name"):
        with pytest.raises(Refused, match=r"\[train\] cannot be used"):
            Settings(base="-", variables=[name])
