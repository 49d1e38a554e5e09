"""Aliases move with a history, and roll back to what was there."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from headgate.kit.errors import Refused
from headgate.release.aliases import MOVE, all_aliases, find_release, history, move, roll_back, withdraw
from headgate.release.run import run
from headgate.release.settings import Settings


@pytest.fixture
def three(scene, scenes):
    """Three releases, one after the other, and their names."""
    names = [run(scene.ledger, Settings(), context=scene.context).outputs["release"]]
    for scale in (0.6, 0.7):
        scene.now += timedelta(days=1)
        scene.adapter(scale)
        scene.step("check", scenes.check())
        scene.step("evaluate", *scenes.better(), outputs={"scores": str(scale)})
        scene.gate()
        names.append(run(scene.ledger, Settings(), context=scene.context).outputs["release"])
    return scene, names


def back(scene):
    return roll_back(scene.ledger, "production", project=scene.folder, now=scene.now).release


def test_rollback_walks_back_one_release_at_a_time(three):
    """From the third to the second to the first, and then there is nothing."""
    scene, (first, second, third) = three
    assert third == all_aliases(scene.ledger)["production"]
    assert [second, first] == [back(scene), back(scene)]
    with pytest.raises(Refused, match="nothing to roll production back to"):
        back(scene)
    assert [first, second, third, second, first] == [one.release for one in history(scene.ledger, "production")]


def test_a_move_after_a_rollback_starts_from_there(three):
    """After going back and forward again, the way back is the one that was walked."""
    scene, (first, second, third) = three
    back(scene)
    move(scene.ledger, "production", third, project=scene.folder, how=MOVE, now=scene.now)
    assert [second, first] == [back(scene), back(scene)]


def test_an_alias_may_follow_another(three):
    """A name, a digest or an alias names a release."""
    scene, (first, _, third) = three
    move(scene.ledger, "staging", "production", project=scene.folder, how=MOVE, now=scene.now)
    move(scene.ledger, "test", first.partition("@")[2], project=scene.folder, how=MOVE, now=scene.now)
    assert {"production": third, "staging": third, "test": first} == all_aliases(scene.ledger)
    with pytest.raises(Refused, match="fits several"):
        find_release(scene.ledger, "support")


def test_moving_to_the_same_place_is_no_move(three):
    """History has moves only."""
    scene, (_, _, third) = three
    move(scene.ledger, "production", third, project=scene.folder, how=MOVE, now=scene.now)
    assert 3 == len(history(scene.ledger, "production"))


@pytest.mark.parametrize("harm", ["changed", "added", "removed", "gone", "record"])
def test_rollback_refuses_what_is_no_longer_what_was_released(three, harm):
    """Any change to the files of the earlier release stops the rollback, and the alias stays."""
    scene, (_, second, third) = three
    place = scene.folder / "releases" / second
    if harm == "changed":
        (place / "adapter_model.safetensors").write_bytes(b"\0" * 64)
    elif harm == "added":
        (place / "more.bin").write_bytes(b"1")
    elif harm == "removed":
        (place / "README.md").unlink()
    elif harm == "record":
        body = json.loads((place / "release.json").read_bytes())
        (place / "release.json").write_text(json.dumps({**body, "decision": "b3:other"}))
    else:
        place.rename(scene.folder / "elsewhere")
    with pytest.raises(Refused):
        back(scene)
    assert third == all_aliases(scene.ledger)["production"]


@pytest.mark.parametrize(("alias", "release"), [("../up", "production"), ("", "production"), ("staging", "support@no")])
def test_bad_names_are_refused(three, alias, release):
    """Aliases are plain names, and releases are known ones."""
    scene, _ = three
    with pytest.raises(Refused):
        move(scene.ledger, alias, release, project=scene.folder, how=MOVE, now=scene.now)


def test_an_unknown_alias_is_refused(scene):
    """Nothing was released under that name."""
    with pytest.raises(Refused, match="no alias 'staging'"):
        roll_back(scene.ledger, "staging", project=scene.folder, now=scene.now)


def test_a_withdrawn_alias_points_at_nothing_and_has_no_way_back(three):
    """The next release stands under it alone; what was released before does not come back by itself."""
    scene, (_, second, third) = three
    (gone,) = withdraw(scene.ledger, third, scene.now)
    assert ("production", "", third) == (gone.alias, gone.release, gone.before)
    assert {} == all_aliases(scene.ledger)
    with pytest.raises(Refused, match="nothing to roll production back to"):
        back(scene)
    run(scene.ledger, Settings(), context=scene.context)
    assert {} == all_aliases(scene.ledger)
    move(scene.ledger, "production", second, project=scene.folder, how=MOVE, now=scene.now)
    assert {"production": second} == all_aliases(scene.ledger)


def test_a_retired_release_is_not_served_again(three):
    """Neither by a move nor by releasing its adapter again; others are."""
    scene, (first, _, third) = three
    node = find_release(scene.ledger, third)
    adapter = node.body["adapter"]
    scene.ledger.claims.assert_(adapter, "retired", "retired", source="A. Vos", observed_at=scene.now)
    with pytest.raises(Refused, match="is retired"):
        run(scene.ledger, Settings(), context=scene.context)
    with pytest.raises(Refused, match="is retired"):
        move(scene.ledger, "staging", third, project=scene.folder, how=MOVE, now=scene.now)
    move(scene.ledger, "staging", first, project=scene.folder, how=MOVE, now=scene.now)
    assert first == all_aliases(scene.ledger)["staging"]
