"""Items of suites are protected when they are read; retired ones stand in the development pool."""

from __future__ import annotations

from collections import Counter
from typing import Any

from headgate.evaluate.protecting import suites_of
from headgate.testing.fake_endpoint import FakeEndpoint


def test_every_item_of_every_pool_is_protected(project: Any) -> None:
    """Ten, thirty and thirty items of three pools; reading them again adds nothing."""
    with FakeEndpoint(lambda _: "x") as server:
        settings = project.settings(server)
    for _ in range(2):
        suites_of(project.ledger, settings, project.context)
        sizes = Counter({one.name: len(one.items) for one in project.ledger.protection.sets()})
        assert {"suite:topics/dev": 10, "suite:topics/gate": 30, "suite:topics/sealed": 30} == dict(sizes)
    (suite,) = project.ledger.find("suite")
    members = {link.source_id for link in project.ledger.edges_to(suite.id, "member-of")}
    assert {one.id for one in project.ledger.protection.sets()} <= members


def test_a_retired_item_moves_to_the_development_pool(project: Any) -> None:
    """It is no longer among the gate items, and is asked where everything may be read."""
    with FakeEndpoint(lambda _: "x") as server:
        settings = project.settings(server)
    (suite,) = suites_of(project.ledger, settings, project.context)
    item = suite.pools["gate"][4]
    project.ledger.protection.retire([item.id], name="Ann Lee", reason="quoted in a talk")
    (after,) = suites_of(project.ledger, settings, project.context)
    assert {"dev": 11, "gate": 29, "sealed": 30} == {pool: len(items) for pool, items in after.pools.items()}
    assert ("dev", item.id) == (after.pools["dev"][-1].pool, after.pools["dev"][-1].id)
