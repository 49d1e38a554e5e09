"""Decay clocks over a fleet of twenty with planted losses: ranking, lead times, and silence where all is well."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap

from headgate.cli.main import main
from headgate.fleet.doctor import Patient, examine
from headgate.fleet.drill import STAGE
from headgate.fleet.finding import fleet, member
from headgate.fleet.rescue import adopt, retire
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Edge, Ledger, RowRecord
from headgate.ledger.steps import StepResult, record_step
from headgate.models.fingerprint import fingerprint_of
from headgate.stats.verdict import Outcome

BASE = Path(__file__).parents[3] / "examples/base/headgate-tiny"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
HEALTHY = [f"well-{i}" for i in range(10)]
# What is planted, and days to the loss; negative: it is over.
PLANTED = {
    "base-43": ("base", 43), "base-2": ("base", 2), "api-14": ("hosted API", 14), "licence-7": ("licence", 7),
    "consent-0": ("consent", 0), "rows-21": ("rows", 21), "hardware-90": ("hardware", 90),
    "yanked-3": ("dependency", -3), "owner-left": ("owner", -5), "never-drilled": ("drill", None),
}  # fmt: skip


def day(days: float) -> datetime:
    return NOW + timedelta(days=days)


class Fleet:
    """A ledger with one adapter a name, each with a base, rows and a machine of its own."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        self.print = fingerprint_of(BASE).as_json()

    def add(self, name: str) -> str:
        """One adapter with a release, an owner and a good drill; returns its address."""
        ledger = self.ledger
        source = ledger.record("source", f"source-{name}", {})
        body = name.encode()
        record = RowRecord(id=digest(body), content_id=digest(body), body=body, source_id=source, subject=f"s-{name}")
        numbers = ledger.rows.append([record]).numbers
        dataset = ledger.versions.freeze(name, numbers=numbers, splits={"train": BitMap(numbers)}, manifest={})
        place = {"fingerprint": self.print, "folder": str(BASE)}
        base = ledger.record("base", f"base-{name}", place)
        plan = {
            "data": {"dataset": dataset, "split": "train"},
            "hardware": {"capability": f"cpu-{name}"},
            "environment": {"packages": {f"lib-{name}": "1.0"}},
        }
        run = ledger.record("run", name, {"outcome": "pass", "plan": plan}, edges=[Edge("derived-from", base)])
        edges = [Edge("derived-from", run), Edge("derived-from", base)]
        adapter = ledger.record("adapter", f"adapter-{name}", {"digest": digest(body)}, edges=edges)
        ledger.record("release", name, {"adapter": adapter}, edges=[Edge("derived-from", adapter)])
        ledger.claims.assert_(adapter, "owner", "A. Vos", source="staff list", observed_at=LONG_AGO)
        if name != "never-drilled":
            self.drill(run, "A. Vos")
        return adapter

    def drill(self, run: str, by: str, ago: float = 10, outcome: Outcome = Outcome.PASS) -> None:
        facts = {"run": run, "by": by, "at": day(-ago).isoformat(), "wall_s": 60.0}
        record_step(self.ledger, StepResult(stage=STAGE, outcome=outcome, summary="", facts=facts), f"{run}{by}{ago}")

    def plant(self, name: str) -> None:
        """Claims what is planted under a name."""
        kind, days = PLANTED[name]
        one, claims = member(self.ledger, name), self.ledger.claims
        if kind == "drill" or days is None:
            return
        said: dict[str, Any] = {"source": "planted", "observed_at": day(-30)}
        if kind == "base":
            claims.assert_(f"base:base-{name}", "base-end-of-life", day(days).date().isoformat(), **said)
        elif kind == "hosted API":
            claims.assert_(one.base.id, "provider-policy", "fine-tuning ends", valid_to=day(days), **said)
        elif kind == "licence":
            claims.assert_(f"source:source-{name}", "licence", "CC-BY-4.0", valid_to=day(days), **said)
        elif kind == "consent":
            claims.assert_(f"subject:s-{name}", "consent", "training", valid_to=day(days), **said)
        elif kind == "rows":
            claims.assert_(f"source:source-{name}", "retention", {"days": days}, **said)
        elif kind == "hardware":
            claims.assert_(f"hardware:cpu-{name}", "hardware", "sold", valid_to=day(days), **said)
        elif kind == "dependency":
            claims.assert_(f"package:lib-{name}==1.0", "dependency", "yanked", valid_from=day(days), **said)
        elif kind == "owner":
            claims.assert_(one.adapter.id, "owner", "A. Vos", valid_to=day(days), supersedes=None, **said)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty adapters: ten that are well, ten with a loss planted."""
    folder = tmp_path_factory.mktemp("fleet")
    with Ledger.open(folder, create=True, clock=lambda: NOW) as ledger, ledger.transaction():
        fleet_of = Fleet(ledger, folder)
        for name in (*HEALTHY, *PLANTED):
            fleet_of.add(name)
        for name in PLANTED:
            fleet_of.plant(name)
    return folder


@pytest.fixture
def made(planted: Path, tmp_path: Path) -> Iterator[Fleet]:
    """A copy of it."""
    shutil.copytree(planted, tmp_path / ".headgate")
    with Ledger.open(tmp_path / ".headgate", clock=lambda: NOW) as ledger:
        yield Fleet(ledger, tmp_path)


def by_name(made: Fleet, **more: Any) -> dict[str, Patient]:
    return {one.member.name: one for one in examine(made.ledger, made.folder, NOW, **more)}


def test_twenty_adapters_are_ranked_by_their_first_loss(made: Fleet) -> None:
    """Lead times are those planted, in order; what is well is silent; an owner and a drill are no loss of matter."""
    found = examine(made.ledger, made.folder, NOW)
    order = [(one.member.name, one.orphan_days) for one in found if one.orphan_days is not None]
    assert [
        ("consent-0", 0), ("yanked-3", 0), ("base-2", 2), ("licence-7", 7), ("api-14", 14),
        ("rows-21", 21), ("base-43", 43), ("hardware-90", 90),
    ] == [(name, math.ceil(days)) for name, days in order]  # fmt: skip
    outcomes = {one.member.name: one.verdict.outcome for one in found}
    assert {Outcome.PASS} == {outcomes[name] for name in HEALTHY}
    assert {"base-43", "hardware-90"} == {name for name in PLANTED if outcomes[name] is Outcome.PASS}
    assert Outcome.UNSURE is outcomes["never-drilled"]
    assert {one.member.name: one.alarms[0].kind for one in found if one.alarms} == {
        name: kind for name, (kind, _) in PLANTED.items() if name not in ("base-43", "hardware-90")
    }


def test_the_horizon_is_the_readers(made: Fleet) -> None:
    """With ninety days everything planted is near, and what is well stays silent."""
    alarmed = {name for name, one in by_name(made, within_days=90).items() if one.alarms}
    assert set(PLANTED) <= alarmed
    assert {name for name in HEALTHY if by_name(made, within_days=79)[name].alarms} == set()


def test_lost_rows_and_a_changed_base_are_seen_without_a_claim(made: Fleet, tmp_path: Path) -> None:
    """What is gone is gone, whoever claimed it: content of rows, and the folder of the base."""
    one = member(made.ledger, "well-0")
    base = made.ledger.record("base", "elsewhere", {"fingerprint": made.print, "folder": "gone"})
    run = made.ledger.record("run", "moved", dict(one.run.body), edges=[Edge("derived-from", base)])
    edges = [Edge("derived-from", run), Edge("derived-from", base)]
    made.ledger.record("adapter", "moved", {"digest": "b3:m"}, edges=edges)
    clocks = by_name(made)["moved"].clocks
    assert [("base", 0.0)] == [(clock.kind, clock.days) for clock in clocks if clock.unrecoverable]
    assert 21 == len(fleet(made.ledger))


def test_rebuildability_counts_people_and_age(made: Fleet) -> None:
    """One person counts half, two count whole, an old drill counts less, none counts nothing."""
    run = member(made.ledger, "well-1").run.id
    before = by_name(made)["well-1"].rebuildability
    made.drill(run, "B. Lund", ago=5)
    made.drill(member(made.ledger, "well-2").run.id, "C", ago=200, outcome=Outcome.FAIL)
    now = by_name(made)
    assert (0.5, 1.0, 0.5, 0.0) == (before, *(now[n].rebuildability for n in ("well-1", "well-2", "never-drilled")))
    later = {one.member.name: one for one in examine(made.ledger, made.folder, NOW + timedelta(days=200))}
    assert 0.3 < later["well-1"].rebuildability < 0.7
    assert ["drill"] == [clock.kind for clock in later["well-1"].alarms]


def test_a_drill_that_failed_later_takes_back_what_passed_before(made: Fleet) -> None:
    """Nothing is known of today by what passed then: an alarm, no rebuildability, and nobody adopts on it."""
    one = member(made.ledger, "well-4")
    made.drill(one.run.id, "A. Vos", ago=4, outcome=Outcome.FAIL)
    found = by_name(made)["well-4"]
    assert (["drill"], 0.0, Outcome.FAIL) == (
        [alarm.kind for alarm in found.alarms], found.rebuildability, found.verdict.outcome,
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        adopt(made.ledger, one, owner="A. Vos", by="desk", now=NOW)
    assert "their last drill ended with fail" == refused.value.found
    made.drill(one.run.id, "A. Vos", ago=3)
    assert ((), 0.5) == ((again := by_name(made)["well-4"]).alarms, again.rebuildability)
    adopt(made.ledger, one, owner="A. Vos", by="desk", now=NOW)


def test_what_else_a_rebuild_needs_has_its_clock(made: Fleet) -> None:
    """Rows that were probed, the adapter that was gone on from, the commit: each is missed when it is gone."""
    ledger, one = made.ledger, member(made.ledger, "well-5")
    source = ledger.record("source", "probed", {})
    record = RowRecord(id=digest(b"p"), content_id=digest(b"p"), body=b"p", source_id=source, subject=None)
    held = BitMap(ledger.rows.append([record]).numbers)
    train = ledger.versions.get("well-5@1").splits["train"]
    dataset = ledger.versions.freeze(
        "probed", numbers=held | train, splits={"train": train, "held": held}, manifest={}
    )  # fmt: skip
    begun = ledger.record("adapter", "begun", {"folder": "adapters/begun"})
    plan = {
        **one.run.body["plan"], "data": {"dataset": dataset, "split": "train"}, "start": {"node": begun},
        "settings": {"probe": {"split": "held"}},
    }  # fmt: skip
    history = {"code": {"project": {"commit": "ab" * 20}}}
    body = {"outcome": "pass", "plan": plan, "history": history}
    run = ledger.record("run", "begun", body, edges=[Edge("derived-from", one.base.id)])
    ledger.record(
        "adapter", "went-on", {"digest": "b3:w"}, edges=[Edge("derived-from", run), Edge("derived-from", one.base.id)]
    )
    ledger.claims.assert_("source:probed", "retention", {"days": 9}, source="planted", observed_at=day(-1))
    found = {(clock.kind, clock.what, clock.days) for clock in by_name(made)["went-on"].clocks if clock.unrecoverable}
    assert {("code", "commit abababababab", 0.0), ("start", "begun", 0.0), ("rows", "probed", 9.0)} == found
    (made.folder / ".headgate/work/adapters/begun").mkdir(parents=True)
    assert "start" not in {clock.kind for clock in by_name(made)["went-on"].clocks}


def test_adoption_needs_a_drill_of_ones_own(made: Fleet) -> None:
    """Another person's drill is no evidence, a failed one neither; with one, the owner changes and the alarm ends."""
    one = member(made.ledger, "owner-left")
    with pytest.raises(Refused, match="adoption needs evidence"):
        adopt(made.ledger, one, owner="B. Lund", by="desk", now=NOW)
    made.drill(one.run.id, "B. Lund", ago=3, outcome=Outcome.FAIL)
    with pytest.raises(Refused, match="adoption needs evidence"):
        adopt(made.ledger, one, owner="B. Lund", by="desk", now=NOW)
    made.drill(one.run.id, "B. Lund", ago=2)
    adopt(made.ledger, one, owner="B. Lund", by="desk", now=NOW)
    assert "B. Lund" == made.ledger.claims.at(one.adapter.id, "owner", NOW + timedelta(seconds=1)).value
    assert () == by_name(made)["owner-left"].alarms


def test_what_is_retired_is_no_longer_looked_after(made: Fleet) -> None:
    """A reason is asked for; the adapter leaves the list and the claim stays."""
    one = member(made.ledger, "yanked-3")
    with pytest.raises(Refused, match="without a reason"):
        retire(made.ledger, one, reason="old", by="A. Vos", now=NOW)
    retire(made.ledger, one, reason="a prompt does as well", by="A. Vos", now=NOW - timedelta(hours=1))
    assert "yanked-3" not in by_name(made)
    assert "retired" == made.ledger.claims.at(one.adapter.id, "retired", NOW).value
    with pytest.raises(Refused, match="a retired adapter has no owner"):
        adopt(made.ledger, one, owner="A. Vos", by="desk", now=NOW)


def test_the_verbs_say_the_same(made: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    """doctor, claim, adopt and retire on the command line: exit codes, JSON, and what to try."""
    store = ["--ledger", str(made.folder / ".headgate")]

    def run(*words: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["fleet", *words, *store])
        return int(ended.value.code or 0)

    assert 1 == run("doctor", "--json")
    told = json.loads(capsys.readouterr().out)
    assert 20 == len(told["fleet"])
    assert 0 == run(
        "claim", "owner", "--about", "well-3", "--value", "A. Vos", "--until", "2026-11-01", "--source", "x"
    )
    assert 2 == run("claim", "dependency", "--about", "well-3", "--value", "yanked", "--source", "x")
    capsys.readouterr()
    assert 1 == run("doctor")
    assert "headgate fleet adopt" in capsys.readouterr().out
    assert 2 == run("adopt", "well-3", "--owner", "nobody")
    assert 0 == run("retire", "well-3", "--reason", "nobody uses it any more", "--quiet")
    assert [2, 2, 2] == [run("doctor", "--within", days) for days in ("soon", "nan", "-1")]
    assert 2 == run("claim", "owner", "--about", "well-3", "--value", "A. Vos", "--source", " ")
    capsys.readouterr()
    assert 0 == run("claim", "dependency", "--package", "lib-well_3", "--value", "yanked", "--source", "x")
    assert "no adapter in use was made with it" in capsys.readouterr().out
    assert 0 == run("claim", "dependency", "--package", "lib-well-4==1.0", "--value", "yanked", "--source", "x")
    assert "no adapter in use" not in capsys.readouterr().out
