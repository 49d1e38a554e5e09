"""Depth of rows: over ancestors that only the ledger has, over long chains, and in shards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from headgate.check.auditing import audit
from headgate.check.run import run
from headgate.check.settings import Settings
from headgate.curate import habits, redaction, weighting
from headgate.ledger.ledger import Ledger
from headgate.ledger.rows import RowRecord
from headgate.ledger.steps import StageContext
from headgate.rows.row import Row, to_bytes
from headgate.rules.generations import COPIES, generations
from headgate.rules.given import Corpus, Given
from headgate.stats.verdict import Level, Outcome, Verdict
from headgate.testing.literate import row_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def row(said: str, **side: Any) -> Row:
    """A row with one turn of each side."""
    return row_of({"user": said, "assistant": f"Answer to {said}.", **side})


def in_flow(tmp_path: Path, rows: list[Row], trained: list[Row], **options: Any) -> Verdict:
    """What the stage says of a version that holds some of the rows of a ledger."""
    tmp_path.mkdir(exist_ok=True)
    with Ledger.open(tmp_path, create=True) as ledger:
        source = ledger.record("source", "shop", {"name": "shop"})
        records = [
            RowRecord(id=r.id, content_id=r.content_id, body=to_bytes(r), source_id=source, parents=r.side.parents)
            for r in rows
        ]
        ledger.rows.append(records)
        numbers = BitMap([ledger.rows.number_of(r.id) for r in trained])
        name = ledger.versions.freeze("support", numbers=numbers, splits={"train": numbers}, manifest={})
        context = StageContext(
            folder=tmp_path, work=tmp_path, outputs={"curate": {"dataset": name}}, quiet=True, now=NOW, flow_name="f"
        )
        settings = Settings(select=["deep-generation"], rules={"deep-generation": options})
        return run(ledger, settings, context=context).verdicts[0]


def test_parents_that_only_the_ledger_has_count(tmp_path: Path) -> None:
    """A grandchild of a person's row stands alone in the version; its parent was written by a model."""
    first = row("first", depth=0)
    second = row("second", generator="gpt-4o", parents=[first.id])
    third = row("third", generator="gpt-4o", parents=[second.id])
    verdict = in_flow(tmp_path, [first, second, third], [first, third])
    assert (Outcome.FAIL, {"0": 1, "2": 1}) == (verdict.outcome, verdict.details["rows_by_depth"])


def test_a_curated_copy_in_the_ledger_is_no_generation(tmp_path: Path) -> None:
    """The weighted form of a synthetic row stays one generation away from people."""
    first = row("first", depth=0)
    second = row("second", generator="gpt-4o", parents=[first.id])
    copy = weighting.weighted(second, 0.5)
    verdict = in_flow(tmp_path, [first, second, copy], [first, copy])
    assert (Outcome.PASS, {"0": 1, "1": 1}) == (verdict.outcome, verdict.details["rows_by_depth"])


def test_every_mark_of_curation_is_known() -> None:
    """The marks are named twice, since rules may not import a stage."""
    assert {habits.MARK, weighting.MARK, redaction.MARK} == COPIES


def test_a_chain_of_ten_thousand(tmp_path: Path) -> None:
    """Depth is walked without recursion."""
    rows = [row("0", id="r0", depth=0)]
    rows += [row(str(n), id=f"r{n}", generator="m", parents=[f"r{n - 1}"]) for n in range(1, 10_000)]
    found = generations(Given({"training-rows": Corpus(rows)}))
    assert list(range(10_000)) == found.depths.tolist()


def test_between_floor_and_what_is_wanted_it_warns(tmp_path: Path) -> None:
    """The rule blocks below a tenth of real rows, and only warns below a quarter."""
    said = [row(str(n), generator="m") for n in range(80)]
    levels = {}
    for people in (5, 20, 40):
        rows = [row(f"h{n}", depth=0) for n in range(people)] + said
        verdict = in_flow(tmp_path / str(people), rows, rows)
        levels[people] = (verdict.outcome, verdict.level)
    assert {
        5: (Outcome.FAIL, Level.BLOCK),
        20: (Outcome.FAIL, Level.WARN),
        40: (Outcome.PASS, Level.BLOCK),
    } == levels


def test_shards_give_the_same_answer(tmp_path: Path) -> None:
    """A parent may stand in another shard than its child."""
    bodies = [{"user": f"question {n}", "depth": 0, "id": f"h{n}"} for n in range(40)]
    bodies += [{"user": f"more {n}", "generator": "m", "id": f"s{n}", "parents": [f"h{n % 40}"]} for n in range(40)]
    bodies += [{"user": f"most {n}", "generator": "m", "parents": [f"s{n}"]} for n in range(3)]
    lines = []
    for body in bodies:
        turns = [{"role": "user", "content": body.pop("user")}, {"role": "assistant", "content": "Yes."}]
        lines.append(json.dumps({"messages": turns, **body}))
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    plain = audit(file, select=["deep-generation"])
    sharded = audit(file, select=["deep-generation"], engine="local", cache=tmp_path / "cache")
    told = [
        (one.verdicts[0].summary, one.verdicts[0].details, one.verdicts[0].findings_total) for one in (plain, sharded)
    ]
    sharded.close()
    assert told[0] == told[1]
    assert (Outcome.FAIL, 3) == (plain.outcome, told[0][2])
