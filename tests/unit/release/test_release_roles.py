"""Who releases: the role, the second person, and what a rollback asks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger import approvals, roles
from headgate.ledger.ledger import Ledger
from headgate.release.aliases import MOVE, all_aliases, history, move
from headgate.release.run import run
from headgate.release.settings import Settings

ANN = Person("Ann Lee", "--by", "ann")


@pytest.fixture
def ruled(scene, monkeypatch):
    """A scene in which Ann and Ben release, two of them together."""
    monkeypatch.setenv("HEADGATE_USER", "Ann Lee")
    table = roles.Roles(release=["Ann Lee", "Ben Roe"], two_people=["release"])
    roles.adopt(scene.ledger, table, ANN, scene.now)
    return scene


def approved(scene, by: str) -> None:
    """Somebody approves the release of the candidate."""
    adapter = scene.outputs["train"]["adapter"]
    approvals.approve(scene.ledger, "release", adapter, adapter, by=by, reason="read the card", now=scene.now)


def test_who_may_not_release_leaves_no_folder(ruled, monkeypatch):
    """Refused before anything is written, and kept."""
    monkeypatch.setenv("HEADGATE_USER", "Mallory")
    with pytest.raises(Refused, match="Mallory may not release"):
        run(ruled.ledger, Settings(), context=ruled.context)
    assert not (ruled.folder / "releases").exists()
    assert ruled.ledger.find("release") == []
    assert [one["by"] for one in roles.refusals(ruled.ledger)] == ["Mallory"]


def test_two_people_release(ruled):
    """Alone it is refused, and with one's own approval too; with another's it goes, and says who."""
    with pytest.raises(Refused, match="nobody approved it"):
        run(ruled.ledger, Settings(), context=ruled.context)
    approved(ruled, "Ann Lee")
    with pytest.raises(Refused, match="who acts now"):
        run(ruled.ledger, Settings(), context=ruled.context)
    assert ruled.ledger.find("release") == []
    approved(ruled, "Ben Roe")
    result = run(ruled.ledger, Settings(), context=ruled.context)
    assert result.facts["person"]["by"] == "Ann Lee"
    assert list(all_aliases(ruled.ledger)) == ["production"]
    assert len(ruled.ledger.find("decision", approvals.SPENT)) == 1


def test_a_move_wants_two_people_and_names_who_moved(ruled):
    """The approval of the release was spent by it; the move wants its own."""
    approved(ruled, "Ben Roe")
    name = run(ruled.ledger, Settings(), context=ruled.context).outputs["release"]
    asked = {"project": ruled.folder, "how": MOVE, "now": ruled.now}
    with pytest.raises(Refused, match="two people release"):
        move(ruled.ledger, "staging", name, by="Ben Roe", **asked)
    approvals.approve(
        ruled.ledger, "release", ruled.outputs["train"]["adapter"], ruled.outputs["train"]["adapter"],
        by="Ann Lee", reason="looked again", now=ruled.now,
    )  # fmt: skip
    moved = move(ruled.ledger, "staging", name, by="Ben Roe", **asked)
    assert ruled.ledger.node(moved.id).body["person"]["by"] == "Ben Roe"
    assert [one.release for one in history(ruled.ledger, "staging")] == [name]
    with pytest.raises(Refused, match="Mallory may not release"):
        move(ruled.ledger, "staging", name, by="Mallory", **asked)


DYING = """
import importlib.util, os, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("headgate_test_scene", sys.argv[1])
scenes = sys.modules["headgate_test_scene"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scenes)
from headgate.ledger.ledger import Ledger
from headgate.release import aliases, run as stage
from headgate.release.settings import Settings
folder, act, moment, name = Path(sys.argv[2]), *sys.argv[3:6]
where = stage if act == "release" else aliases
def dead(*_, **__):
    os.kill(os.getpid(), 9)
def after(function):
    return lambda *some, **more: (function(*some, **more), dead())
if moment == "before":
    where.spend = dead
elif moment == "spent":
    where.spend = after(where.spend)
else:
    where._record = after(where._record)
with Ledger.open(folder / ".headgate") as ledger:
    decision = ledger.find("decision", "support")[-1].id
    outputs = {"train": {"adapter": ledger.find("adapter")[-1].id}, "gate": {"decision": decision}}
    context = scenes.Scene(folder=folder, ledger=ledger, outputs=outputs).context
    if act == "release":
        stage.run(ledger, Settings(), context=context)
    else:
        aliases.move(ledger, "staging", name, by="Ann Lee", project=folder, how=aliases.MOVE, now=context.now)
"""


def told(ledger: Ledger) -> tuple[object, ...]:
    """How many releases, where aliases point, and how many approvals were spent."""
    return len(ledger.find("release")), all_aliases(ledger), len(ledger.find("decision", approvals.SPENT))


@pytest.mark.parametrize("act", ["release", "move"])
@pytest.mark.parametrize("moment", ["before", "spent", "written"])
def test_a_kill_between_the_approval_and_the_act_spends_nothing(ruled, scenes, act, moment):
    """Both are one transaction: nothing is let out and the approval stands; the next try goes through, and only one."""
    name = ""
    if act == "move":
        approved(ruled, "Ben Roe")
        name = run(ruled.ledger, Settings(), context=ruled.context).outputs["release"]
    before = told(ruled.ledger)
    approvals.approve(
        ruled.ledger, "release", ruled.outputs["train"]["adapter"], ruled.outputs["train"]["adapter"],
        by="Ben Roe", reason="looked again", now=ruled.now,
    )  # fmt: skip
    command = [sys.executable, "-c", DYING, scenes.__file__, str(ruled.folder), act, moment, name]
    assert subprocess.run(command, check=False).returncode == -9
    with Ledger.open(ruled.folder / ".headgate") as ledger:
        assert told(ledger) == before
        assert ledger.verify().outcome.value == "pass"

    def go() -> object:
        if act == "release":
            return run(ruled.ledger, Settings(), context=ruled.context).outputs["release"]
        return move(ruled.ledger, "staging", name, project=ruled.folder, how=MOVE, now=ruled.now)

    assert go()
    assert len(ruled.ledger.find("decision", approvals.SPENT)) == before[2] + 1
    assert [path.name for path in (ruled.folder / "releases").iterdir()] == [ruled.ledger.find("release")[-1].name]
    released = ruled.ledger.find("release")[-1].name
    with pytest.raises(Refused, match="nobody approved it"):
        move(ruled.ledger, "other", released, project=ruled.folder, how=MOVE, now=ruled.now)
