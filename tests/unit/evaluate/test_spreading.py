"""Items are spread by cluster, by person and by time, and never move."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.evaluate.protecting import suites_of
from headgate.evaluate.settings import SuiteSettings
from headgate.evaluate.spreading import clusters_of, keys_of, spread
from headgate.evaluate.suites import load_suite
from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row, Side
from headgate.testing.fake_endpoint import FakeEndpoint

SHARES = {"dev": 0.3, "gate": 0.4, "sealed": 0.3}
WORDS = ("lost", "card", "refund", "euro", "pin", "office", "train", "bread", "river", "lamp", "window", "paper")


def row(number: int, *more: str, text: str = "", **side: str) -> Row:
    """An item with words of its own."""
    own = text or " ".join(WORDS[(number * k + k) % 12] for k in (1, 5, 7)) + f" {number * 7919}"
    turns = [Message("user", own)]
    for one in more:
        turns += [Message("assistant", "and?"), Message("user", one)]
    return Row(kind=Kind.ITEM, messages=(*turns, Message("assistant", "a")), side=Side(**side))  # type: ignore[arg-type]


def test_people_and_groups_hang_together_over_each_other() -> None:
    """One row names a group and a user: everything of either is one cluster, and goes to one pool."""
    rows = [row(1, user="u1"), row(2, user="u1", group="g"), row(3, group="g"), row(4, subject="u1"), row(5)]
    assert [0, 0, 0, 0] == clusters_of(rows)[:4] and clusters_of(rows)[4] != 0
    for number in range(20):
        found = spread(f"suite {number}", rows, SHARES, {})
        assert 1 == len(set(found.pools[:4])) and 2 == found.clusters


def test_nearly_the_same_question_and_the_same_opening_hang_together() -> None:
    """A reworded question, and two conversations that begin alike."""
    asked = "I was charged twice for the same coffee at the station this morning, what can I do about it now"
    rows = [
        row(1, text=asked), row(2, text=asked + " please"), row(3, "and then?", text="Hello there"),
        row(4, "so what?", text="hello THERE"), row(5, text="Hello there"),
    ]  # fmt: skip
    one, two, three, four, five = clusters_of(rows)
    assert one == two and three == four == five and one != three


def test_pools_by_time_keep_a_cluster_whole(tmp_path: Path) -> None:
    """The newest item of a cluster decides; an item without a time is named with its line."""
    since = {"gate": "2026-03-01", "sealed": "2026-06-01"}
    rows = [
        row(1, created_at="2026-01-05"), row(2, created_at="2026-03-01"), row(3, created_at="2026-07-01", user="u"),
        row(4, created_at="2026-01-01", user="u"),
    ]  # fmt: skip
    assert ("dev", "gate", "sealed", "sealed") == spread("s", rows, SHARES, since).pools
    lines = [{"prompt": "a?", "completion": "a", "created_at": "2026-01-01"}, {"prompt": "b?", "completion": "b"}]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    with pytest.raises(Refused, match="an item without a time") as caught:
        load_suite("s", SuiteSettings(items="all.jsonl", since=since), tmp_path)
    assert 2 == caught.value.line
    with pytest.raises(Refused, match="sealed items begin before gate items"):
        load_suite(
            "s", SuiteSettings(items="all.jsonl", since={"gate": "2026-06-01", "sealed": "2026-01-01"}), tmp_path
        )


def test_old_items_stay_and_a_row_between_two_pools_is_left_out() -> None:
    """Two clusters in different pools, then a row of both: it goes nowhere, and they do not move."""
    rows = [row(i, user=f"u{i}") for i in range(40)]
    before = spread("s", rows, SHARES, {}).pools
    known = {one.content_id: pool for one, pool in zip(rows, before, strict=True)}
    dev, sealed = before.index("dev"), before.index("sealed")
    bridge, friend = row(90, user=f"u{dev}", group="g"), row(91, user=f"u{dev}")
    more = [*rows, friend, bridge, row(92, group="g", user=f"u{sealed}")]
    found = spread("s", more, SHARES, {}, known)
    assert before == found.pools[:40]
    assert [40, 41, 42] == found.bridges
    joined = spread("s", [*rows, friend], SHARES, {}, known)
    assert (before, "dev") == (joined.pools[:40], joined.pools[40])


def test_pools_are_remembered_in_the_ledger(tmp_path: Path, project) -> None:  # type: ignore[no-untyped-def]
    """Other shares do not move an item that was frozen; new items go by them."""
    lines = [
        {"prompt": f"{one} number {i * 7919}?", "completion": "a", "user": f"u{i}"} for i, one in enumerate(WORDS * 5)
    ]
    path = project.folder / "all.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines[:40]))
    none = {"dev": "", "gate": "", "sealed": "", "items": "all.jsonl"}
    with FakeEndpoint(lambda _: "x") as server:
        first, other = (project.settings(server, suite={**none, "shares": s}) for s in (SHARES, {"gate": 1.0}))
    (before,) = suites_of(project.ledger, first, project.context)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    (after,) = suites_of(project.ledger, other, project.context)
    places = {item.id: item.pool for item in after.items}
    assert all(places[item.id] == item.pool for item in before.items)
    assert all(before.pools[name] for name in ("dev", "gate", "sealed"))
    assert 20 == len(after.pools["gate"]) - len(before.pools["gate"])


def test_what_hangs_rows_together_is_said_by_keys() -> None:
    """The keys of a row: who, which conversation, how it began, what it asks."""
    told = list(keys_of(row(1, "again", user="u", conversation="c")))
    assert ["conversation:c", "person:u"] == told[:2]
    assert [True, True] == [told[2].startswith("opening:b3:"), told[3].startswith("question:b3:")]


def test_another_name_of_a_suite_deals_nothing_anew(project) -> None:  # type: ignore[no-untyped-def]
    """Items that were read one by one in development do not become gate items of a suite under another name."""
    lines = [{"prompt": f"{one} number {i * 7919}?", "completion": "a"} for i, one in enumerate(WORDS * 5)]
    (project.folder / "all.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    pools = {"dev": "", "gate": "", "sealed": "", "items": "all.jsonl", "shares": SHARES}
    with FakeEndpoint(lambda _: "x") as server:
        settings = project.settings(server, suite=pools)
    (before,) = suites_of(project.ledger, settings, project.context)
    renamed = replace(settings, suites={"subjects": settings.suites["topics"]})
    (after,) = suites_of(project.ledger, renamed, project.context)
    assert {item.id: item.pool for item in before.items} == {item.id: item.pool for item in after.items}


def test_a_person_with_many_conversations_is_one_cluster(project) -> None:  # type: ignore[no-untyped-def]
    """Error bars go by whoever wrote the items, over conversations and documents."""
    lines = [
        {"prompt": f"{one} number {i * 7919}?", "completion": "a", "conversation": f"c{i // 2}", "user": f"u{i // 6}"}
        for i, one in enumerate(WORDS * 2)
    ]
    (project.folder / "gate.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    suite = load_suite("s", SuiteSettings(gate="gate.jsonl"), project.folder)
    clusters = [item.cluster for item in suite.pools["gate"]]
    assert (4, 24) == (len(set(clusters)), len(clusters))
    assert [1, 1, 1, 1] == [len(set(clusters[start : start + 6])) for start in range(0, 24, 6)]
