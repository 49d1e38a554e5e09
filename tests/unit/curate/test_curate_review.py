"""Near-duplicates are proposed, reviewed by a person, carried out, weighted, and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.curate import reviewing, reviews
from headgate.curate.duplicates import Likeness, near_duplicates
from headgate.curate.run import depends_on, run
from headgate.curate.settings import NearDuplicateSettings, Settings, SplitSettings
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext, StepResult
from headgate.rows.row import Kind, Message, Row, Side
from headgate.rows.stored import stored_rows

Store = Callable[[Sequence[Row]], None]
NOW = datetime(2026, 11, 2, tzinfo=UTC)
TEXTS = (
    "my card was swallowed by the machine at the station this morning",
    "my card was swallowed by the machine at the station this morning!",
    "Hello, my card was swallowed by the machine at the station this morning",
    "how long does a transfer to an account in Norway take these days?",
    "how long does a transfer to an account in Norway take these days",
)
PROPOSING = Settings(steps=["split", "exact-duplicates"], split=SplitSettings(shares={"train": 1.0}))
APPLYING = replace(PROPOSING, steps=["split", "exact-duplicates", "near-duplicates"])


def row(text: str, answer: str = "ok", **side: object) -> Row:
    return Row(
        kind=Kind.DEMONSTRATION,
        messages=(Message("user", text), Message("assistant", answer)),
        side=Side(**side),  # type: ignore[arg-type]
    )


@pytest.fixture
def proposed(ledger: Ledger, context: StageContext, store: Store, banking: list[Row]) -> StepResult:
    """Two clusters among forty unlike rows."""
    store([*banking[:40], *map(row, TEXTS)])
    return run(ledger, PROPOSING, context=context)


def texts(ledger: Ledger, version: str) -> set[str]:
    return {one.prompt_text for _, one in stored_rows(ledger, ledger.versions.get(version).numbers)}


def decide(ledger: Ledger, accept: Sequence[str] = (), keep: Sequence[str] = (), reason: str = "") -> str:
    found = reviews.proposal(ledger, "support")
    choice = reviewing.chosen(found, accept, keep)
    return reviewing.record(ledger, found, choice, name="Ann Lee", reason=reason, at=NOW)


def mine(ledger: Ledger) -> list[dict[str, Any]]:
    """The two planted clusters, the larger first."""
    found = reviews.proposal(ledger, "support")
    planted = {one.id for _, one in stored_rows(ledger, range(41, 46))}
    return [dict(one) for one in found.clusters if {goes["row"] for goes in one["goes"]} & planted]


def test_a_proposal_names_partner_similarity_field_and_slice_and_no_words(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """Each row that may go has its witness; the record holds addresses only; the same proposal is recorded once."""
    rows = [row(text, slices={"intent": "card"}) for text in TEXTS]
    store(rows)
    first = run(ledger, PROPOSING, context=context)
    assert first.facts["proposal"] == run(ledger, PROPOSING, context=context).facts["proposal"]
    found = reviews.proposal(ledger, "support")
    assert [2, 1] == [len(one["goes"]) for one in found.clusters]
    stays = {one["row"] for cluster in found.clusters for one in cluster["stays"]}
    for cluster in found.clusters:
        assert {"intent": "card"} == cluster["slices"]
        for one in cluster["goes"]:
            assert one["partner"] in stays
            assert 0.7 <= one["similarity"] == min(one["fields"].values())
            assert ("prompt", "proposed") == (one["field"], one["state"])
    assert {"slice": "intent=card", "before": 5, "after": 2} in found.slices
    stored = ledger.content.get(ledger.node(found.id).body["list"])
    assert b"swallowed" not in stored


def test_nothing_goes_before_a_person_accepts_it(ledger: Ledger, context: StageContext, proposed: StepResult) -> None:
    """Proposed, then accepted by name: the next version is without those rows, and the reason says who and when."""
    assert set(TEXTS) <= texts(ledger, "support@1")
    before = depends_on(ledger, PROPOSING, context)
    larger = mine(ledger)[0]
    decide(ledger, [larger["cluster"]])
    assert before != depends_on(ledger, PROPOSING, context)
    result = run(ledger, PROPOSING, context=context)
    assert 3 == len(set(TEXTS) & texts(ledger, result.outputs["dataset"]))
    lines = [json.loads(line) for line in (Path(result.facts["lists"]) / "removed.jsonl").read_text().splitlines()]
    reasons = {one["reason"] for one in lines if one["step"] == "near-duplicates"}
    assert {"is a near-duplicate of another row; accepted by Ann Lee on 2026-11-02"} == reasons


def test_what_a_person_keeps_stays_where_the_step_would_take_it(
    ledger: Ledger, context: StageContext, proposed: StepResult
) -> None:
    """With the step among the steps rows go by themselves; a row that was kept by name stays, with its weight."""
    kept = mine(ledger)[0]["goes"][0]["root"]
    decide(ledger, keep=[kept[:12]], reason="the exclamation mark matters")
    how = replace(APPLYING, near_duplicates=NearDuplicateSettings(floors=False), level={"erased-slice": "warn"})
    result = run(ledger, how, context=context)
    held = {one.id for _, one in stored_rows(ledger, ledger.versions.get(result.outputs["dataset"]).numbers)}
    others = {one["root"] for cluster in mine(ledger) for one in cluster["goes"]} - {kept}
    assert kept in held
    assert set() == others & held
    step = next(one for one in result.facts["steps"] if one["step"] == "near-duplicates")
    assert {"keep by Ann Lee": 1} == step["notes"]["decided"]


def test_a_removed_row_comes_back_with_its_reason(ledger: Ledger, context: StageContext, proposed: StepResult) -> None:
    """Removed after a review, restored by address: the next version has it again, and the record says why."""
    decide(ledger, ["all"])
    second = run(ledger, PROPOSING, context=context).outputs["dataset"]
    gone = mine(ledger)[0]["goes"][0]["root"]
    version = ledger.versions.get(second)
    with pytest.raises(Refused, match="needs a reason"):
        reviewing.restore(ledger, version, [gone], name="Ann Lee", reason="", at=NOW)
    with pytest.raises(Refused, match="no such row was removed"):
        reviewing.restore(ledger, version, [row(TEXTS[0]).id], name="Ann Lee", reason="none of it", at=NOW)
    decision, rows = reviewing.restore(ledger, version, [gone[:14]], name="Ann Lee", reason="the only mail", at=NOW)
    assert ([gone], "the only mail") == (rows, ledger.node(decision).body["reason"])
    third = run(ledger, PROPOSING, context=context).outputs["dataset"]
    assert (False, True) == tuple(
        ledger.rows.number_of(gone) in ledger.versions.get(v).numbers for v in (second, third)
    )


def test_an_exact_copy_can_be_brought_back(ledger: Ledger, context: StageContext, store: Store) -> None:
    """The same words of another customer are a duplicate, until somebody says that both count."""
    twin = row(TEXTS[0], subject="s2")
    store([row(TEXTS[0], subject="s1"), twin, row(TEXTS[3])])
    name = run(ledger, PROPOSING, context=context).outputs["dataset"]
    assert 2 == len(ledger.versions.get(name).numbers)
    address = next(one.id for _, one in stored_rows(ledger, [2]))
    reviewing.restore(ledger, ledger.versions.get(name), [address], name="Ann Lee", reason="two customers", at=NOW)
    assert 3 == len(ledger.versions.get(run(ledger, PROPOSING, context=context).outputs["dataset"]).numbers)


def test_rows_that_others_took_are_not_restored_here(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """A row that the filter left out is no duplicate; the refusal names what to change."""
    store(banking[:20])
    how = replace(PROPOSING, steps=["select", "split"], where="words >= 12")
    name = run(ledger, how, context=context).outputs["dataset"]
    out = next(one for _, one in stored_rows(ledger, range(1, 21)) if len(one.text.split()) < 12)
    with pytest.raises(Refused, match="step select") as caught:
        reviewing.restore(ledger, ledger.versions.get(name), [out.id], name="Ann Lee", reason="needed", at=NOW)
    assert "curate.where" in str(caught.value.next_step)


def test_small_slices_are_weighted_and_not_thinned(ledger: Ledger, context: StageContext, store: Store) -> None:
    """Five variants of a rare slice stay; its near-duplicates carry half the weight, in turn and side data."""
    plain = [
        row(f"question {n} about {'abcdefgh'[n % 8] * 4} and {n * 37}", slices={"tone": "plain"}) for n in range(60)
    ]
    store([*plain, *(row(text, slices={"tone": "hostile"}) for text in TEXTS)])
    result = run(ledger, APPLYING, context=context)
    rows = [one for _, one in stored_rows(ledger, ledger.versions.get(result.outputs["dataset"]).numbers)]
    hostile = {one.prompt_text: one for one in rows if one.side.slices["tone"] == "hostile"}
    assert set(TEXTS) == set(hostile)
    halves = [one for one in hostile.values() if one.messages[-1].weight == 0.5]
    assert 3 == len(halves)
    assert {(0.5, None)} == {(one.side.extra["near-duplicate-weight"], one.messages[0].weight) for one in halves}
    assert all(ledger.rows.number_of(one.side.parents[0]) in range(61, 66) for one in halves)
    assert all(one.messages[-1].weight is None for one in rows if one.side.slices["tone"] == "plain")
    again = run(ledger, APPLYING, context=context)
    assert again.outputs == result.outputs


def test_the_weight_reaches_the_loss(ledger: Ledger, context: StageContext, store: Store) -> None:
    """What the trainer renders of a weighted row has the weight on its answer."""
    from headgate.curate.weighting import weighted
    from headgate.models.chat_template import ChatTemplate
    from headgate.train.rendering import rendered

    source = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    source += "{% if add_generation_prompt %}<assistant>{% endif %}"
    template = ChatTemplate(source)
    spans = [rendered(one, template).spans[-1].weight for one in (row(TEXTS[0]), weighted(row(TEXTS[0]), 0.5))]
    assert [1.0, 0.5] == spans


def test_clusters_that_mix_labels_or_tones_are_kept_and_named(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """The same words in two tones are no duplicates, even with floors off; the proposal says in what they differ."""
    rows = [row(TEXTS[0], slices={"tone": "plain"}), row(TEXTS[1], slices={"tone": "hostile"}), row(TEXTS[3])]
    store(rows)
    result = run(ledger, replace(APPLYING, near_duplicates=NearDuplicateSettings(floors=False)), context=context)
    assert 3 == result.facts["rows"]
    (mixed,) = reviews.proposal(ledger, "support").mixed
    assert {"tone": ["hostile", "plain"]} == mixed["differ"]
    assert 2 == len(mixed["rows"])


def test_rows_that_share_only_the_question_are_counted_apart() -> None:
    """Two answers to one question are two examples."""
    rows = [
        row(TEXTS[0], "We will send you another card within the week, free of charge."),
        row(TEXTS[1], "Please call the bank whose machine it is; they keep the plastic."),
        row(TEXTS[3], "One day."),
    ]
    choice = near_duplicates(rows, Likeness())
    assert ((), 2) == (choice.removals, choice.prompt_only)


def test_the_review_shows_slices_differences_and_states(ledger: Ledger, proposed: StepResult) -> None:
    """Slices first, then clusters with marked words, and who decided what since."""
    found = reviews.proposal(ledger, "support")
    shown = "\n".join(reviewing.lines(ledger, found, 0, colour=False))
    assert shown.index("if all of them go") < shown.index("cluster ")
    assert "[-" in shown or "{+" in shown
    decide(ledger, [mine(ledger)[1]["cluster"]])
    after = "\n".join(reviewing.lines(ledger, found, 0, colour=False))
    assert "accepted by Ann Lee (2026-11-02)" in after
    names = [one.name for one, _ in reviewing.undecided(ledger, found, 0, colour=False)]
    assert mine(ledger)[1]["cluster"] not in names
    assert mine(ledger)[0]["cluster"] in names


def test_choices_from_words_and_files(ledger: Ledger, proposed: StepResult, tmp_path: Path) -> None:
    """all, none, clusters, rows and a file; what is kept is kept whatever is accepted; nonsense is refused."""
    found = reviews.proposal(ledger, "support")
    first = found.clusters[0]
    row_of_it = first["goes"][0]["root"]
    assert set(found.rows) == set(reviewing.chosen(found, ["all"], []).accept)
    assert ((), set(found.rows)) == (lambda c: (c.accept, set(c.keep)))(reviewing.chosen(found, ["none"], []))
    choice = reviewing.chosen(found, [first["cluster"]], [row_of_it])
    assert (row_of_it in choice.keep, row_of_it in choice.accept) == (True, False)
    file = tmp_path / "decided.json"
    file.write_text(json.dumps({"accept": ["all"], "keep": [row_of_it]}))
    choice = reviewing.chosen(found, [str(file)], [])
    assert (len(found.rows) - 1, (row_of_it,)) == (len(choice.accept), choice.keep)
    for wrong in ("[1]", "{", '{"drop": []}'):
        file.write_text(wrong)
        with pytest.raises(Refused):
            reviewing.chosen(found, [str(file)], [])
    with pytest.raises(Refused, match="no proposed row"):
        reviewing.chosen(found, ["b3:0000000000"], [])
    with pytest.raises(Refused, match="needs a name"):
        reviewing.record(ledger, found, reviewing.chosen(found, ["all"], []), name="", reason="", at=NOW)


def test_erased_words_are_shown_as_erased(ledger: Ledger, proposed: StepResult) -> None:
    """A proposal outlives its rows: what was erased is not shown."""
    ledger.rows.erase(range(41, 46))
    shown = "\n".join(reviewing.lines(ledger, reviews.proposal(ledger, "support"), 0, colour=False))
    assert "(erased)" in shown
    assert "swallowed" not in shown
