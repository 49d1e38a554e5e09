"""Statements about removal and redaction that hold for any rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.curate.redaction import redactor
from headgate.curate.slices import Floors, thin
from headgate.curate.survivors import Removal, at_least, choose
from headgate.rows.row import Kind, Message, Row
from headgate.text.personal import patterns

EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(60, 99)), max_size=30)
SLICES = st.lists(st.lists(st.sampled_from(["a=1", "a=2", "b=1"]), unique=True, max_size=2), min_size=1, max_size=40)
PIECES = st.sampled_from(
    ["bob@x.example", "+44 20 7946 0958", "4111 1111 1111 1111", "order 123456", "$12.50", "[EMAIL]", "é", "\n", "on"]
)


def pairs_of(edges: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    unique = {(min(a, b), max(a, b)): score / 100 for a, b, score in edges if a != b}
    pairs = np.array(sorted(unique), dtype=np.int64).reshape(-1, 2)
    return pairs, np.array([unique[one, other] for one, other in pairs.tolist()])


@settings(max_examples=200, derandomize=True, deadline=None)
@given(EDGES, st.lists(st.floats(0, 9), min_size=12, max_size=12))
def test_who_goes_has_a_neighbour_that_stays(edges: list, scores: list[float]) -> None:
    """Every removed row is a near-duplicate of its survivor, survivors stay, and no two that stay are alike."""
    pairs, alike = pairs_of(edges)
    choice = choose(12, pairs, alike, [(score,) for score in scores], [str(n) for n in range(12)])
    gone = {one.position for one in choice.removals}
    near = {frozenset(pair) for pair in pairs.tolist()}
    assert all(frozenset((one.position, one.survivor)) in near for one in choice.removals)
    assert not gone & {one.survivor for one in choice.removals}
    assert all(gone & pair for pair in near)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(EDGES, st.lists(st.floats(0, 9), min_size=12, max_size=12), st.permutations(range(12)))
def test_the_choice_does_not_depend_on_the_order(edges: list, scores: list[float], order: list[int]) -> None:
    """Rows in another order: the same rows go, to the same survivors."""
    pairs, alike = pairs_of(edges)
    ties = [f"{n:02d}" for n in range(12)]
    straight = choose(12, pairs, alike, [(score,) for score in scores], ties)
    place = {row: position for position, row in enumerate(order)}
    moved = np.array([[place[a], place[b]] for a, b in pairs.tolist()], dtype=np.int64).reshape(-1, 2)
    mixed = choose(12, moved, alike, [(scores[row],) for row in order], [ties[row] for row in order])
    assert {(one.position, one.survivor) for one in straight.removals} == {
        (order[one.position], order[one.survivor]) for one in mixed.removals
    }


@settings(max_examples=100, derandomize=True, deadline=None)
@given(EDGES, st.integers(1, 5))
def test_clusters_keep_what_was_asked(edges: list, keep: int) -> None:
    """Each cluster keeps `keep` rows, or all where it has fewer."""
    pairs, alike = pairs_of(edges)
    choice = choose(12, pairs, alike, [(0.0,)] * 12, [str(n) for n in range(12)])
    gone = {one.position for one in at_least(choice.removals, choice.clusters, keep)}
    assert all(len(set(cluster) - gone) >= min(keep, len(cluster)) for cluster in choice.clusters)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(SLICES, st.integers(0, 30), st.integers(1, 99), st.booleans(), st.data())
def test_no_slice_falls_under_its_floor(slices: list, rows: int, share: int, named: bool, data: st.DataObject) -> None:
    """Whatever is proposed, every slice keeps its floor, and each proposal is carried out or has a slice to thank."""
    positions = data.draw(st.lists(st.integers(0, len(slices) - 1), unique=True))
    removals = [Removal(position, 0, 0.9) for position in positions]
    floors = Floors(rows=rows, share=share / 100, protect=("a",) if named else ())
    done = thin(removals, slices, floors)
    before = Counter(name for own in slices for name in own)
    lost = Counter(name for one in done.removals for name in slices[one.position])
    overall = 1 - len(removals) / len(slices)
    assert {one.position for one in done.removals} | set(done.kept) == set(positions)
    for name, size in before.items():
        assert lost[name] == 0 or size >= rows
        assert size - lost[name] >= share / 100 * (1.0 if floors.protects(name) else overall) * size - 1e-9


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(PIECES, max_size=8))
def test_redacting_twice_is_redacting_once(pieces: list[str]) -> None:
    """What was redacted holds nothing more to redact, and points at what it was made from."""
    redact = redactor(patterns())
    row = Row(kind=Kind.TEXT, messages=(Message("user", " ".join(pieces)),))
    once = redact(row)
    assert redact(once.row).counts == {}
    assert (once.row.side.parents == (row.id,)) is once.changed
