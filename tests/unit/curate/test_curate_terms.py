"""The transition from row to dataset version asks whether the terms of all sources go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headgate.curate.run import run
from headgate.curate.settings import Settings
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext
from headgate.rights.erasure import erase, plan
from headgate.rights.reach import Target
from headgate.rows.row import Kind, Message, Row, Side, to_bytes
from headgate.rows.stored import stored_rows
from headgate.stats.verdict import Outcome, Verdict

Store = Callable[[Sequence[Row]], None]


def row(number: int, **side: object) -> Row:
    """A row about one person, each another one."""
    turns = (Message("user", f"Where is parcel {number}?"), Message("assistant", f"In town {number * 7}."))
    return Row(kind=Kind.DEMONSTRATION, messages=turns, side=Side(subject=f"p{number}", **side))  # type: ignore[arg-type]


def judged(
    ledger: Ledger, context: StageContext, steps: Sequence[str] = (), where: str = "", **options: object
) -> Verdict:
    """The verdict on terms of a curation."""
    rules = {"conflicting-terms": options}
    settings = Settings(steps=list(steps), where=where, split={"train": 1.0}, rules=rules)
    result = run(ledger, settings, context=context)
    return next(one for one in result.verdicts if one.rule == "conflicting-terms")


def add(ledger: Ledger, one: Row, source: str) -> None:
    """A row of another source."""
    node = ledger.record("source", source, {"name": source})
    named = one.with_side(source=source)
    ledger.rows.append(
        [
            RowRecord(
                id=named.id,
                content_id=digest(named.id.encode()),
                body=to_bytes(named),
                source_id=node,
                subject=named.side.subject,
                parents=named.side.parents,
            )
        ]
    )


def test_a_source_for_research_only_stops_a_commercial_version(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """Nothing is frozen for a commercial use; for research the same rows pass."""
    store([row(n) for n in range(20)])
    add(ledger, row(50), "forum")
    for what, value in (("licence", "CC-BY-NC-4.0"), ("consent", "training")):
        ledger.claims.assert_("source:forum", what, value, source="test", observed_at="2026-01-01")
    stopped = judged(ledger, context, use="commercial")
    assert (Outcome.FAIL, True, 1) == (stopped.outcome, stopped.blocks, len(stopped.findings))
    assert "source forum (CC-BY-NC-4.0): no commercial use" == stopped.findings[0].message
    assert [] == ledger.versions.names()
    assert Outcome.UNSURE is judged(ledger, context).outcome
    assert Outcome.PASS is judged(ledger, context, use="research").outcome
    assert ["support@1"] == ledger.versions.names()


def test_a_row_inherits_the_terms_of_what_it_was_made_from(ledger: Ledger, context: StageContext, store: Store) -> None:
    """The old row is replaced by what was made from it, whose own source is free: the terms go with it."""
    old = row(50)
    add(ledger, old, "forum")
    for what, value in (("licence", "CC-BY-ND-4.0"), ("consent", "training")):
        ledger.claims.assert_("source:forum", what, value, source="test", observed_at="2026-01-01")
    parent = old.with_side(source="forum").id
    store([*(row(n) for n in range(20)), row(51, parents=(parent,))])
    verdict = judged(ledger, context, steps=["select"], where='source == "shop"', use="research")
    assert (Outcome.FAIL, 1) == (verdict.outcome, len(verdict.findings))
    assert "source forum (CC-BY-ND-4.0): nothing may be made from it" == verdict.findings[0].message


def test_what_was_made_from_rows_of_another_source_goes_with_them(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """A file names parents by ids of its own. Their person withdrew, and only the paraphrases are selected."""
    store([row(n, id=f"o{n}") for n in range(4)])
    originals = {one.side.id: one for one in stored(ledger)}
    node = ledger.record("source", "synthetic", {"name": "synthetic"})
    for what, value in (("licence", "MIT"), ("consent", "training")):
        ledger.claims.assert_("source:synthetic", what, value, source="test", observed_at="2026-01-01")
    made = [row(n + 10, parents=(f"o{n}",)).with_side(source="synthetic", subject=None) for n in range(4)]
    for one in made:
        above = (originals[one.side.parents[0]].id,)
        ledger.rows.append(
            [RowRecord(id=one.id, content_id=one.content_id, body=to_bytes(one), source_id=node, parents=above)]
        )
    ledger.claims.assert_("subject:p2", "consent", "withdrawn", source="letter", observed_at="2026-10-01")
    settings = Settings(sources=["synthetic"], steps=["split"], split={"train": 1.0})
    stopped = run(ledger, settings, context=context)
    assert ["withdrawn-subject"] == [one.rule for one in stopped.verdicts if one.blocks]
    passed = run(ledger, replace(settings, withdrawn="remove"), context=context)
    assert Outcome.PASS is passed.outcome
    numbers = ledger.versions.get(passed.outputs["dataset"]).numbers
    assert {made[n].id for n in (0, 1, 3)} == {address for _, address in ledger.rows.ids(numbers)}


def test_a_merged_row_that_outlives_an_erased_parent_is_stopped_as_before(
    ledger: Ledger, context: StageContext, store: Store
) -> None:
    """Ann's words are gone from the ledger, and a row that was also made from Bob's stays: she has withdrawn still."""
    store([row(n) for n in range(3)])
    first, second, third = stored(ledger)
    store([row(10, parents=(first.id, second.id)), row(11, parents=(second.id, third.id))])
    ledger.claims.assert_("subject:p0", "consent", "withdrawn", source="letter", observed_at="2026-10-01")
    target = Target("subject", "p0")
    erase(ledger, plan(ledger, target), store=ledger.file.parent, by="A", reason="letter", now=context.now)
    settings = Settings(steps=["split"], split={"train": 1.0})
    stopped = run(ledger, settings, context=context)
    assert ["withdrawn-subject"] == [one.rule for one in stopped.verdicts if one.blocks]
    passed = run(ledger, replace(settings, withdrawn="remove"), context=context)
    assert [2, 3, 5] == [*ledger.versions.get(passed.outputs["dataset"]).numbers]


def stored(ledger: Ledger) -> list[Row]:
    """Every row of the ledger."""
    return [one for _, one in stored_rows(ledger, ledger.rows.all_numbers())]


def test_each_doubt_is_told_with_the_step_that_settles_it(ledger: Ledger, context: StageContext, store: Store) -> None:
    """A claim about a source lifts nothing that a row states itself, and a teacher is no source."""
    store([row(n) for n in range(3)])
    add(ledger, row(50, licence="MIT AND"), "shop")
    slip = judged(ledger, context, use="commercial").next_step
    assert "mend their column" in slip
    assert "--teacher" not in slip
    add(ledger, row(51, generator="some-model"), "shop")
    assert "--teacher NAME" in judged(ledger, context, use="commercial").next_step
