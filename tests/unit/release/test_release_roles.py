"""Who releases: the role, the second person, and what a rollback asks."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.kit.people import Person
from headgate.ledger import approvals, roles
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
