"""Series over frozen versions in the ledger: evidence that is kept, own teachers that the ledger knows, files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.check.auditing import audit
from headgate.check.run import run
from headgate.check.settings import Settings
from headgate.ledger.ledger import Ledger
from headgate.ledger.nodes import Edge
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext
from headgate.rows.row import Row, to_bytes
from headgate.rules.given import Corpus
from headgate.rules.teacher_history import lines_in
from headgate.rules.variety_series import Variety
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.literate import row_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SAID = (
    "Order {n} left the depot of town {n} on day {n} with driver {n}.",
    "Order {n} left the depot of town {n} on day {n} with a driver.",
    "Order {n} left the depot of town {n} on its day with a driver.",
    "Order {n} left the depot of its town on its day with a driver.",
)


def rows(said: str, first: int = 0, **side: Any) -> list[Row]:
    """Two hundred rows with one sentence pattern."""
    return [row_of({"user": f"{n}?", "assistant": said.format(n=n), **side}) for n in range(first, first + 200)]


def frozen(ledger: Ledger, held: Sequence[Row]) -> str:
    """A version of the dataset `support` with these rows in it."""
    source = ledger.record("source", "shop", {"name": "shop"})
    numbers = ledger.rows.append(
        [RowRecord(id=r.id, content_id=r.content_id, body=to_bytes(r), source_id=source, subject=None) for r in held]
    ).numbers
    return ledger.versions.freeze("support", numbers=BitMap(numbers), splits={"train": numbers}, manifest={})


def checked(ledger: Ledger, folder: Path, name: str, rule: str, **options: Any) -> Verdict:
    """What the stage check says of a version."""
    context = StageContext(
        folder=folder, work=folder, outputs={"curate": {"dataset": name}}, quiet=True, now=NOW, flow_name="replies"
    )
    return run(ledger, Settings(select=[rule], rules={rule: options}), context=context).verdicts[0]


def test_a_series_is_kept_as_evidence_and_fires(tmp_path: Path) -> None:
    """Four versions that narrow: every one leaves its table in the ledger once, and erased rows are not read again."""
    with Ledger.open(tmp_path, create=True) as ledger:
        outcomes, alone = [], []
        for said in SAID:
            name = frozen(ledger, rows(said))
            verdict = checked(ledger, tmp_path, name, "narrowing-series")
            outcomes.append(verdict.outcome)
            alone.append(len(ledger.find("score")))
            again = checked(ledger, tmp_path, name, "narrowing-series")
            assert verdict.details == again.details
        assert [1, 2, 3, 4] == alone
        assert (Outcome.SKIPPED, Outcome.FAIL) == (outcomes[0], outcomes[-1])
        kept = ledger.find("score", "series/support@1/train")[0].body
        now = Variety.of(Corpus(rows(SAID[0])), "support@1")
        assert now.as_json()["measures"] == kept["measures"]


def test_versions_that_were_never_checked_are_measured(tmp_path: Path) -> None:
    """The rule is asked for the first time at the third version; the older two are measured then."""
    with Ledger.open(tmp_path, create=True) as ledger:
        for turn in range(2):
            frozen(ledger, rows(SAID[0], turn * 1000))
        verdict = checked(ledger, tmp_path, frozen(ledger, rows(SAID[0], 3000)), "narrowing-series")
        assert Outcome.PASS is verdict.outcome
        assert ["support@1", "support@2", "support@3"] == list(verdict.details["versions"])


def trained(ledger: Ledger, base: str, root: str, flow: str, digest: str) -> str:
    """A run and its adapter on a base; returns the adapter's name."""
    body = {"fingerprint": {"root": root}, "folder": base}
    base_id = ledger.record("base", base, body)
    run_id = ledger.record("run", flow, {"outcome": "pass", "d": digest}, edges=[Edge("derived-from", base_id)])
    name = f"{base}@{digest}"
    edges = [Edge("derived-from", run_id), Edge("derived-from", base_id)]
    adapter = ledger.record("adapter", name, {"digest": f"b3:{digest}", "base": root}, edges=edges)
    release = ledger.record(
        "release", f"{flow}@{digest}", {"adapter_digest": digest}, edges=[Edge("derived-from", adapter)]
    )
    ledger.record("deployment", f"{flow}-live", {"alias": f"{flow}-live"}, edges=[Edge("served-as", release)])
    return name


def test_the_ledger_knows_whose_line_a_teacher_is(tmp_path: Path) -> None:
    """Adapter, address, digest, release and alias of a tune of the same weights are own; a tune of others is not."""
    with Ledger.open(tmp_path, create=True) as ledger:
        trained(ledger, "copy-of-small", "b3:" + "1" * 64, "mails", "aaaa11112222")
        other = trained(ledger, "large", "b3:" + "2" * 64, "talks", "bbbb11112222")
        own = trained(ledger, "small", "b3:" + "1" * 64, "replies", "cccc11112222")
        node = ledger.latest("adapter", own)
        assert node is not None
        assert {"small", "copy-of-small"} <= lines_in(ledger, "replies").base
        outcomes = {}
        teachers = (own, node.id, "b3:cccc11112222", "replies@cccc11112222", "mails-live", "small", other, "gpt-4o")
        for turn, teacher in enumerate(teachers):
            name = frozen(ledger, rows(SAID[0], turn * 1000, generator=teacher))
            outcomes[teacher] = checked(ledger, tmp_path, name, "own-teacher").outcome
        free = {other, "gpt-4o"}
        assert {each: Outcome.PASS if each in free else Outcome.FAIL for each in teachers} == outcomes


def test_a_downgrade_of_the_teacher_warns_beside_enough_real_rows(tmp_path: Path) -> None:
    """The first version was taught by another family, the second by our own tune; half of each is real."""
    with Ledger.open(tmp_path, create=True) as ledger:
        own = trained(ledger, "small", "b3:" + "1" * 64, "replies", "cccc11112222")
        found = []
        for turn, teacher in enumerate(("gpt-4o", own, own)):
            held = rows(SAID[0], turn * 2000, depth=0) + rows(SAID[0], turn * 2000 + 1000, generator=teacher)
            verdict = checked(ledger, tmp_path, frozen(ledger, held), "own-teacher")
            found.append((verdict.outcome, verdict.level, verdict.details["switched_from"]))
        assert [
            (Outcome.PASS, Level.BLOCK, ""),
            (Outcome.FAIL, Level.WARN, "support@1"),
            (Outcome.PASS, Level.BLOCK, ""),
        ] == found


def test_files_name_the_versions_before_and_the_base(tmp_path: Path) -> None:
    """`--earlier` in their order and `--base`, in memory and in shards."""
    files = []
    for number, said in enumerate(SAID):
        lines = []
        for n in range(200):
            turns = [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": said.format(n=n)}]
            lines.append(json.dumps({"messages": turns, "generator": "small-instruct"}))
        files.append(tmp_path / f"v{number}.jsonl")
        files[-1].write_text("\n".join(lines), encoding="utf-8")
    asked: dict[str, Any] = {"earlier": files[:-1], "base": "shop/small", "select": ["narrowing-series", "own-teacher"]}
    asked["options"] = {"own-teacher": {"kin": ["small-instruct=small"]}}
    plain = audit(files[-1], **asked)
    sharded = audit(files[-1], engine="local", cache=tmp_path / "cache", **asked)
    told = [[(one.outcome, one.summary, one.details) for one in each.verdicts] for each in (plain, sharded)]
    sharded.close()
    assert told[0] == told[1]
    assert [Outcome.FAIL, Outcome.FAIL] == [one.outcome for one in plain.verdicts]
