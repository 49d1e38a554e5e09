"""Roles: who may do what, what is refused and kept, and the second of two people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.gate.waivers import give
from headgate.kit.errors import Refused
from headgate.kit.people import Person, acting
from headgate.ledger import approvals, roles
from headgate.rights import erasure
from headgate.rights.reach import Target

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Person("Ann Lee", "--by", "ann")


def table(**given) -> roles.Roles:
    """A table in which Ann Lee and B. Kim erase, and only Ann changes it."""
    base = {"erase": ["@privacy"], "roles": ["Ann Lee"], "groups": {"privacy": ["Ann Lee", "B. Kim"]}}
    return roles.Roles(**base | given)


def erased(world, by: str, **flags) -> erasure.Erased:
    """Ann's rows, erased by somebody."""
    planned = erasure.plan(world.ledger, Target("subject", "ann"), **flags)
    store = world.ledger.file.parent
    return erasure.erase(world.ledger, planned, store=store, by=by, reason="case 1", now=NOW)


def test_without_a_table_everyone_may(world):
    """No table, no refusal, as before there were any."""
    assert roles.require(world.ledger, roles.ERASE, by="Anybody", now=NOW).name == "Anybody"
    assert list(roles.refusals(world.ledger)) == []


def test_who_has_no_role_is_refused_before_anything_is_written(world):
    """The refusal says who, which role and who holds it; it is kept, with the key of the person veiled."""
    roles.adopt(world.ledger, table(), ANN, NOW)
    with pytest.raises(Refused) as refused:
        erased(world, "Mallory")
    assert "Mallory may not erase rows" in str(refused.value)
    assert "the role erase, which Ann Lee, B. Kim hold" in str(refused.value)
    assert world.ledger.find("decision", "erasure") == []
    assert len(list(world.ledger.rows.bodies(world.ledger.rows.numbers_of_subject("ann")))) == 2
    (kept,) = roles.refusals(world.ledger)
    assert (kept["verb"], kept["by"], kept["why"]) == ("erase", "Mallory", "held by Ann Lee, B. Kim")
    assert kept["about"] == f"subject:{roles.key_address(world.ledger, 'ann')}"


def test_a_person_has_one_role_under_all_their_names(world):
    """Spaces, letter case and other names make nobody else of a person."""
    roles.adopt(world.ledger, table(also={"B. Kim": ["kim@corp.example", "bkim"]}), ANN, NOW)
    for name in ("b.  kim", "BKIM", "kim@corp.example"):
        assert roles.require(world.ledger, roles.ERASE, by=name, now=NOW).name == name


def test_a_letter_with_its_accent_apart_makes_nobody_else(world):
    """Composed or not, José and JOSE\u0301 are one person, who cannot be the second of two."""
    composed, apart = "Jos\u00e9", "jose\u0301"
    roles.adopt(world.ledger, table(erase=[composed, "B. Kim"], two_people=["erase"]), ANN, NOW)
    assert roles.require(world.ledger, roles.ERASE, by=apart, now=NOW).name == apart
    planned = erasure.plan(world.ledger, Target("subject", "ann"))
    approvals.approve(world.ledger, "erase", "subject:ann", planned.scope, by=composed, reason="read it", now=NOW)
    with pytest.raises(Refused, match="who acts now"):
        erased(world, apart.upper())


def test_two_processes_do_not_spend_one_approval(world):
    """Whoever looked first is not the one who spends first: the second is refused."""
    roles.adopt(world.ledger, table(two_people=["erase"]), ANN, NOW)
    approval = approvals.approve(world.ledger, "erase", "subject:ann", "scope", by="B. Kim", reason="read", now=NOW)
    approvals.spend(world.ledger, approval, ANN, NOW)
    with pytest.raises(Refused, match="a moment ago"):
        approvals.spend(world.ledger, approval, ANN, NOW)


def test_a_verb_that_lists_nobody_is_open_to_nobody_and_a_star_to_all(world):
    """With a table in force, what it leaves out is closed."""
    roles.adopt(world.ledger, table(waive=["*"]), ANN, NOW)
    said = {"flow": "support", "name": "Zoe", "reason": "known", "until": "2026-12-31", "now": NOW}
    assert give(world.ledger, rule="self-leak", **said).name == "Zoe"
    with pytest.raises(Refused, match="which nobody hold"):
        roles.require(world.ledger, roles.RELEASE, by="Ann Lee", now=NOW)


def test_the_table_of_a_day_is_known_later(world):
    """Every change is a dated claim: who was allowed what on a day can be told."""
    roles.adopt(world.ledger, table(), ANN, NOW)
    roles.adopt(world.ledger, table(erase=["Ann Lee"]), ANN, NOW + timedelta(days=10))
    before = roles.in_force(world.ledger, NOW + timedelta(days=9))
    after = roles.in_force(world.ledger, NOW + timedelta(days=11))
    assert before is not None
    assert after is not None
    assert (before.allows("B. Kim", "erase"), after.allows("B. Kim", "erase")) == (True, False)
    assert roles.in_force(world.ledger, NOW - timedelta(days=1)) is None
    assert [one.source for one in roles.history(world.ledger)] == ["Ann Lee (--by, login ann)"] * 2
    assert roles.adopt(world.ledger, table(erase=["Ann Lee"]), ANN, NOW + timedelta(days=12)) is False


def test_only_who_may_changes_the_table(world):
    """A table that says who may change it is changed by nobody else."""
    roles.adopt(world.ledger, table(), ANN, NOW)
    with pytest.raises(Refused, match="Mallory may not change the table"):
        roles.adopt(world.ledger, table(erase=["*"]), Person("Mallory", "--by", "m"), NOW)
    assert [one["verb"] for one in roles.refusals(world.ledger)] == ["roles"]


def test_two_people_erase(world):
    """Nobody else approved, the same person approved, the rows changed since: refused; then it goes, once."""
    roles.adopt(world.ledger, table(two_people=["erase"]), ANN, NOW)
    with pytest.raises(Refused, match="nobody approved it"):
        erased(world, "Ann Lee")
    planned = erasure.plan(world.ledger, Target("subject", "ann"))
    said = {"reason": "read it", "now": NOW}
    approvals.approve(world.ledger, "erase", "subject:ann", planned.scope, by="ann lee", **said)
    with pytest.raises(Refused, match="who acts now"):
        erased(world, "Ann Lee")
    approvals.approve(world.ledger, "erase", "subject:ann", planned.scope, by="B. Kim", **said)
    with pytest.raises(Refused, match="not what it was then"):
        erased(world, "Ann Lee", merged=True)
    found = approvals.second(world.ledger, "erase", "subject:ann", planned.scope, ANN, NOW)
    assert found is not None
    assert found.body["by"] == "B. Kim"
    approvals.spend(world.ledger, found, ANN, NOW)
    with pytest.raises(Refused, match="who acts now"):
        erased(world, "Ann Lee")


def test_an_approval_grows_old_and_needs_the_role(world):
    """After some days it counts for nothing; who lacks the role approves nothing."""
    roles.adopt(world.ledger, table(two_people=["erase"]), ANN, NOW)
    planned = erasure.plan(world.ledger, Target("subject", "ann"))
    with pytest.raises(Refused, match="Mallory may not"):
        approvals.approve(world.ledger, "erase", "subject:ann", planned.scope, by="Mallory", reason="x", now=NOW)
    person = acting("Ann Lee")
    approvals.approve(world.ledger, "erase", "subject:ann", planned.scope, by="B. Kim", reason="read it", now=NOW)
    with pytest.raises(Refused, match="more than 7 days ago"):
        approvals.second(world.ledger, "erase", "subject:ann", planned.scope, person, NOW + timedelta(days=8))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"erase": ["@nobody"]}, "no such group"),
        ({"two_people": ["waive"]}, "roles.two-people"),
        ({"also": {"A": ["x"], "B": ["x"]}}, "two people have one name"),
        ({"groups": {"g": ["@privacy"], "privacy": []}}, "holds no person"),
        ({"erase": [" "]}, "a role without a name"),
        ({"approval_days": 0}, "not a time"),
    ],
)
def test_a_table_that_says_nothing_sensible_is_refused(given, said):
    """Groups that are none, names that two people have, acts that nobody does in pairs."""
    with pytest.raises(Refused, match=said):
        table(**given)


def test_the_acting_person_is_named_then_told_by_the_environment_then_by_git(monkeypatch, tmp_path: Path):
    """--by, HEADGATE_USER, git's user.email, the login: in this order, and how is kept."""
    monkeypatch.setenv("HEADGATE_USER", "Env Person")
    assert acting("Typed").how == "--by"
    assert (acting().name, acting().how) == ("Env Person", "HEADGATE_USER")
    monkeypatch.delenv("HEADGATE_USER")
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\temail = git@corp.example\n")
    for name, value in {"GIT_CONFIG_GLOBAL": str(config), "GIT_DIR": str(tmp_path / "none")}.items():
        monkeypatch.setenv(name, value)
    from headgate.kit import people

    people._git_mail.cache_clear()
    assert (acting().name, acting().how) == ("git@corp.example", "git")
    config.write_text("")
    people._git_mail.cache_clear()
    assert acting().how == "login"
    people._git_mail.cache_clear()
