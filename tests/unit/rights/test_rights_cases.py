"""Cases: from the day something is known to the evidence that ends it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyroaring import BitMap

from headgate.kit.errors import Refused
from headgate.ledger.ledger import Edge
from headgate.release.aliases import all_aliases, must_be_in_use
from headgate.rights import cases, remedies
from headgate.rights.reach import Target
from headgate.rules.claimed import claims_on

ANN = Target("subject", "ann")


@pytest.fixture
def opened(world, now):
    """Ann has withdrawn."""
    return cases.open_case(world.ledger, "withdrawal", ANN, reason="a mail", source="A. Vos", now=now)


@pytest.fixture
def now(world):
    """The moment at which the ledger stands."""
    return world.ledger._clock()


def test_a_withdrawal_opens_a_clock_and_claims_it(world, opened, now) -> None:
    """It is due in a month, lists both adapters, and consent is gone from now on."""
    assert ("rights/1", "open", 30.0) == (opened.name, opened.state, opened.days_left(now))
    assert ["adapter of support@2", "merged"] == [one["name"] for one in opened.touched if one["kind"] == "adapter"]
    claim = world.ledger.claims.at("subject:ann", "consent", now)
    assert claim is not None
    assert ("withdrawn", "A. Vos") == (claim.value, claim.source)
    assert world.ledger.claims.at("subject:ann", "consent", now - timedelta(days=1)) is None


def test_the_same_case_is_not_opened_twice(world, opened, now) -> None:
    """The same mail changes nothing; another one is kept with the case that is open, and its clock runs on."""
    same = cases.open_case(world.ledger, "withdrawal", ANN, reason="a mail", source="A. Vos", now=now)
    assert opened.node == same.node
    later = now + timedelta(days=3)
    again = cases.open_case(world.ledger, "withdrawal", ANN, reason="another mail", source="B", now=later)
    assert (opened.due_at, 1) == (again.due_at, len(cases.all_cases(world.ledger)))
    assert any("another mail (says B" in line for line in cases.lines(again, later))


@pytest.mark.parametrize("reason", ["", "x\nrights/9  closed"])
def test_a_reason_is_one_line(world, now, reason) -> None:
    """Nobody forges a line of a case."""
    with pytest.raises(Refused, match="reason in one line"):
        cases.open_case(world.ledger, "withdrawal", ANN, reason=reason, source="A", now=now)


def test_a_case_closes_only_when_the_ledger_bears_it_out(world, opened, now) -> None:
    """Without remedies it says what is missing; then each of them is done, and it closes."""
    ledger = world.ledger
    stays, lacking = remedies.close(ledger, opened, by="A. Vos", now=now)
    assert cases.OPEN == stays.state
    assert 3 == len(lacking)
    assert "support@2, the newest dataset-version, holds 1 of the rows" in lacking[0]
    case = remedies.apply(ledger, stays, "merged", "retire", by="A. Vos", now=now)
    assert {} == all_aliases(ledger)
    with pytest.raises(Refused, match="is retired"):
        must_be_in_use(ledger, ledger.node("release of merged"), now)
    without = BitMap([world.numbers["bob-1"], world.numbers["bob-2"]])
    ledger.versions.freeze("support", numbers=without, splits={"train": without}, manifest={})
    run = ledger.record("run", "again", {}, edges=[Edge("trained-on", ledger.versions.get("support").node_id)])
    ledger.record("adapter", "clean", {}, edges=[Edge("derived-from", run)])
    case = remedies.apply(
        ledger, case, "adapter of support@2", "retrain-without", by="A. Vos", now=now, replacement="clean"
    )
    done, lacking = remedies.close(ledger, case, by="A. Vos", now=now)
    assert ([], cases.CLOSED) == (lacking, done.state)
    assert 4 == len(cases.history(ledger, done))  # opened, two remedies, closed; looking at it changed nothing
    with pytest.raises(Refused, match="closed"):
        remedies.apply(ledger, done, "merged", "retire", by="A. Vos", now=now)
    assert "pass" == ledger.verify().outcome.value


def test_a_replacement_made_from_the_same_rows_is_refused(world, opened, now) -> None:
    """`merged` was made from the adapter that it would replace."""
    with pytest.raises(Refused, match="made from the same rows"):
        remedies.apply(
            world.ledger, opened, "adapter of support@2", "retrain-without", by="A", now=now, replacement="merged"
        )
    assert {} == cases.get(world.ledger, "1").remedies


@pytest.mark.parametrize(
    ("how", "given", "said"),
    [
        ("justify", {"until": date(2027, 1, 1)}, "without a reason"),
        ("justify", {"until": date(2027, 1, 1), "reason": "a legal duty"}, "without a document"),
        ("quarantine", {"until": date(9999, 12, 31)}, "within 3650 days"),
        ("justify", {"reason": "a legal duty to keep it"}, "last day"),
        ("quarantine", {"until": date(2026, 11, 20)}, "last day"),
        ("retrain-without", {}, "nothing takes its place"),
        ("forget", {}, "unknown remedy"),
    ],
)
def test_half_a_remedy_is_refused(world, opened, now, how, given, said) -> None:
    """Nothing is recorded and no alias is moved."""
    with pytest.raises(Refused, match=said):
        remedies.apply(world.ledger, opened, "merged", how, by="A. Vos", now=now, **given)
    assert {"production": "release of merged"} == all_aliases(world.ledger)


def test_a_quarantine_ends_by_itself_and_then_the_case_cannot_close(world, opened, now) -> None:
    """While it lasts the release is out of use; after its last day it is not, and the case says so."""
    ledger = world.ledger
    case = remedies.apply(ledger, opened, "merged", "quarantine", by="A", now=now, until=date(2026, 12, 1))
    release = ledger.node("release of merged")
    with pytest.raises(Refused, match="quarantined until 2026-12-01"):
        must_be_in_use(ledger, release, now)
    later = now + timedelta(days=20)
    must_be_in_use(ledger, release, later)
    _, lacking = remedies.close(ledger, case, by="A", now=later)
    assert any("its last day, 2026-12-01, is over" in one for one in lacking)


def test_what_was_made_after_the_case_was_opened_needs_a_remedy_too(world, opened, now) -> None:
    """A third adapter of the same version appears; the case has it the next time that it is looked at."""
    world.record("adapter", "late", ("derived-from", "run of support@2"))
    case, lacking = remedies.close(world.ledger, opened, by="A", now=now)
    assert "late" in [one["name"] for one in case.touched]
    assert any("adapter late has no remedy" in one for one in lacking)


def test_a_case_may_be_answered_for_until_a_day(world, opened, now) -> None:
    """Where each model is justified the rows are too; when one justification is over the case cannot be closed."""
    ledger, until = world.ledger, {"until": date(2027, 1, 1), "reason": "kept under a legal duty", "evidence": "b3:00"}
    case = remedies.apply(ledger, opened, "merged", "justify", by="A", now=now, **until)
    assert 2 == len(remedies.close(ledger, case, by="A", now=now)[1])
    case = remedies.apply(ledger, case, "adapter of support@2", "justify", by="A", now=now, **until)
    _, lacking = remedies.close(ledger, case, by="A", now=now + timedelta(days=60))
    assert ["is over" in one for one in lacking] == [True, True]
    closed, lacking = remedies.close(ledger, case, by="A", now=now)
    assert ([], cases.CLOSED) == (lacking, closed.state)
    assert "" == cases.lapsed(closed, now)
    assert "answered for until 2027-01-01: OVERDUE" in cases.clock_of(closed, now + timedelta(days=60))


def test_the_same_weights_trained_twice_are_one_adapter(world, opened, now) -> None:
    """Two records of one name; one remedy is for both."""
    ledger = world.ledger
    again = ledger.record("adapter", "merged", {"again": True}, edges=[Edge("derived-from", world.ids["merged"])])
    case = remedies.apply(ledger, opened, "merged", "retire", by="A", now=now)
    assert {again, world.ids["merged"]} == set(case.remedies)
    told = cases.lines(case, now)
    assert 1 == sum("merged" in line and "adapter" in line for line in told)


def test_two_people_who_change_one_case_do_not_overwrite_each_other(world, opened, now) -> None:
    """The second one worked on a state that is not the latest any more."""
    remedies.apply(world.ledger, opened, "merged", "retire", by="A", now=now)
    stale = opened
    with pytest.raises(Refused, match="meanwhile"):
        cases.changed(world.ledger, stale, state="closed")


def test_an_overdue_case_says_so(world, opened, now) -> None:
    """By how many days."""
    assert "6 days OVERDUE" in cases.clock_of(opened, now + timedelta(days=36))


@pytest.mark.parametrize("key", ["u\u00a017", "u\n17", 'u"17', "u%"])
def test_a_key_that_is_not_printed_as_it_is_withdraws_too(world, now, key) -> None:
    """A claim has the key that rows have, or no rule would hear of it: a space of another kind is common in tables."""
    world.add("hers", "desk", key)
    cases.open_case(world.ledger, "withdrawal", Target("subject", key), reason="a mail", source="A", now=now)
    claim = world.ledger.claims.at(f"subject:{key}", "consent", now)
    assert claim is not None
    assert "withdrawn" == claim.value


@pytest.mark.parametrize("ahead", [timedelta(seconds=2), timedelta(days=400)])
@pytest.mark.parametrize("since", [None, date(2020, 1, 1)])
def test_a_withdrawal_is_heard_over_a_consent_that_a_clock_ahead_recorded(world, now, ahead, since) -> None:
    """Machines of a team differ by seconds, and clocks are set back: whoever withdraws last is heard by every rule."""
    ledger = world.ledger
    ledger.claims.assert_("subject:ann", "consent", "training", source="a list", observed_at=now + ahead)
    cases.open_case(ledger, "withdrawal", ANN, reason="a mail", source="A", now=now, since=since)
    for when in (now, now + ahead + timedelta(days=1)):
        spoken = claims_on(ledger, {"subject:ann"}, when).latest("subject:ann", "consent")
        assert spoken is not None
        assert "withdrawn" == spoken.value
        assert "withdrawn" == ledger.claims.at("subject:ann", "consent", when).value


def test_who_consents_again_and_withdraws_again_has_withdrawn(world, opened, now) -> None:
    """The case is still open; the same words are heard anew, for something was said in between."""
    ledger, later = world.ledger, now + timedelta(days=2)
    ledger.claims.assert_("subject:ann", "consent", "training", source="a form", observed_at=now + timedelta(days=1))
    again = cases.open_case(ledger, "withdrawal", ANN, reason="a mail", source="A. Vos", now=later)
    assert (opened.name, opened.due_at) == (again.name, again.due_at)
    assert "withdrawn" == ledger.claims.at("subject:ann", "consent", later).value


def test_consent_is_not_gone_from_a_day_that_lies_ahead(world, now) -> None:
    """Curation would keep the rows until then, while the gate stops every adapter; tomorrow is today somewhere."""
    with pytest.raises(Refused, match="lies ahead"):
        cases.open_case(
            world.ledger, "withdrawal", ANN, reason="a mail", source="A", now=now, since=now + timedelta(days=2)
        )
    tomorrow = (now + timedelta(hours=14)).date()
    cases.open_case(world.ledger, "withdrawal", ANN, reason="a mail", source="A", now=now, since=tomorrow)
    assert "withdrawn" == world.ledger.claims.at("subject:ann", "consent", now).value
