"""What was made from a person's rows, from a source and from one row."""

from __future__ import annotations

import pytest

from headgate.kit.errors import Refused
from headgate.rights.reach import Target, alike, alike_lines, lines, moved_on, reach, target_of


def names(found, *kinds):
    """Names of what was found."""
    return [node.name for node in found.of(*kinds)]


def test_a_person_is_reached_through_grandchildren_and_merges(world) -> None:
    """Ann's own rows were never trained on; a paraphrase of a paraphrase of one was, and its adapter was merged."""
    found = reach(world.ledger, Target("subject", "ann"))
    assert {world.numbers[one] for one in ("ann-1", "ann-2")} == set(found.own)
    assert {world.numbers[one] for one in ("paraphrase", "paraphrase of it", "of both")} == set(found.derived)
    assert ["support@1", "support@2"] == [held.name for held in found.versions]
    assert [{"held": 1}, {"train": 1}] == [held.splits for held in found.versions]
    assert [False, True] == [held.newest for held in found.versions]
    assert ["run of support@2", "adapter of support@2", "merged"] == names(found, "run", "adapter")
    assert ["release of merged", "production"] == names(found, "release", "deployment")


def test_words_that_two_people_said_remain_for_the_other(world) -> None:
    """Bob's row with the same words is not Ann's, and the answer says that there is one."""
    found = reach(world.ledger, Target("subject", "ann"))
    assert world.numbers["bob-1"] not in found.rows
    assert 1 == found.shared


def test_the_answer_is_the_same_when_every_row_is_erased(world) -> None:
    """Lineage holds no text."""
    before = reach(world.ledger, Target("subject", "ann")).as_json()
    world.ledger.rows.erase(world.ledger.rows.all_numbers())
    assert before == reach(world.ledger, Target("subject", "ann")).as_json()


def test_a_source_reaches_all_of_its_rows_and_a_row_only_its_own(world) -> None:
    """The forum's row went into another dataset and into what was made from it."""
    forum = reach(world.ledger, Target("source", "forum"))
    assert {world.numbers[one] for one in ("bob-2", "of both", "of bob")} == set(forum.rows)
    assert ["support@1", "other@1"] == [held.name for held in forum.versions]
    row = reach(world.ledger, Target("row", world.ids["paraphrase of it"]))
    assert ([world.numbers["paraphrase of it"]], []) == (list(row.own), list(row.derived))
    assert any("support@2" in line and "train 1" in line for line in lines(row))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target("subject", "nobody"), "no row about this person"),
        (Target("source", "nowhere"), "desk, forum, synthetic"),
        (Target("row", "b3:12"), "no such row"),
    ],
)
def test_nobody_such_is_refused(world, target, said) -> None:
    """An empty answer would look like an acquittal."""
    with pytest.raises(Refused, match=said):
        reach(world.ledger, target)


@pytest.mark.parametrize("named", [(None, None, None), ("ann", "desk", None)])
def test_one_target_is_wanted(named) -> None:
    """Neither none nor two."""
    with pytest.raises(Refused, match="whose rights"):
        target_of(*named)


def test_keys_that_read_alike_are_named_and_not_reached(world) -> None:
    """A table that people filled in calls one person by four keys; whoever acts on one is told of the others."""
    for number, key in enumerate(("Ann", " ann", "\ufeffann", "anna", "Zo\u00eb", "Zoe\u0308")):
        world.add(f"row {number}", "desk", key)
    assert {" ann": 1, "Ann": 1, "\ufeffann": 1} == alike(world.ledger, Target("subject", "ann"))
    assert {} == alike(world.ledger, Target("source", "desk"))
    (line,) = alike_lines(alike(world.ledger, Target("subject", "Zo\u00eb")))
    assert "subject 'Zoe\\u0308', 1 row" in line
    with pytest.raises(Refused, match="no row about this person") as refused:
        reach(world.ledger, Target("subject", "Anm"))
    assert "nearest: 'ann'" in str(refused.value.wanted)


def test_an_alias_that_points_elsewhere_by_now_is_said_to(world) -> None:
    """What it pointed at stays on record; nobody is to think that it still does."""
    ledger, target = world.ledger, Target("subject", "ann")
    found = reach(ledger, target)
    assert set() == moved_on(ledger, found)
    other = {"release": "release of adapter of other@1", "before": "release of merged", "how": "move", "number": 2}
    ledger.record("deployment", "production", other | {"alias": "production", "at": "2026-11-21T00:00:00Z"})
    assert {"production"} == moved_on(ledger, found)
    (line,) = [line for line in lines(found, moved_on(ledger, found)) if "deployment" in line]
    assert line.endswith("points elsewhere by now")
