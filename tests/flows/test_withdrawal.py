"""A person withdraws after a release: the rows go, another adapter takes its place, and the case closes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.flows.test_planted_failures import CONTROL, plant

import headgate
from headgate.kit.clock import now
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.release.aliases import all_aliases, roll_back
from headgate.rights import cases, remedies
from headgate.rights.reach import Target, reach


@pytest.mark.training
def test_from_a_release_to_a_closed_case(tmp_path: Path) -> None:
    """The replacement is compared item by item, and there is no way back to what it replaced."""
    overrides = plant.write(CONTROL, tmp_path)
    person = Counter(row["subject"] for row in plant.honest().rows).most_common(1)[0][0]
    first = headgate.open(tmp_path, set=overrides).run().release
    with Ledger.open(tmp_path / ".headgate") as ledger:
        target = Target("subject", person)
        found = reach(ledger, target)
        assert [first, "production"] == [node.name for node in found.of("release", "deployment")]
        (old,) = found.of("adapter")
        case = cases.open_case(ledger, "withdrawal", target, reason="a mail", source="A. Vos", now=now())
    stopped = headgate.open(tmp_path, set=overrides).run()
    assert ("curate", None) == (stopped.steps[-1].stage.name, stopped.release)  # it does not train on them again
    second = headgate.open(tmp_path, set=[*overrides, 'curate.withdrawn="remove"']).run().release
    assert second not in (None, first)
    with Ledger.open(tmp_path / ".headgate") as ledger:
        new = ledger.find("adapter")[-1]
        assert not ledger.closure(new.id).rows & found.rows
        case = cases.get(ledger, case.name)
        case = remedies.apply(ledger, case, old.name, "retrain-without", by="A. Vos", now=now(), replacement=new.name)
        told = case.remedies[old.id]
        assert ["topics/dev", "topics/gate"] == [one["pool"] for one in told["difference"]]
        gate = told["difference"][1]
        assert gate["low"] < gate["effect"] < gate["high"]
        assert 140 == gate["items"]
        assert told["cost"]["cpu_s"] > 0
        closed, lacking = remedies.close(ledger, case, by="A. Vos", now=now())
        assert ([], cases.CLOSED) == (lacking, closed.state)
        assert {"production": second} == all_aliases(ledger)
        with pytest.raises(Refused, match="is replaced"):
            roll_back(ledger, "production", project=tmp_path, now=now())
        assert "pass" == ledger.verify().outcome.value
