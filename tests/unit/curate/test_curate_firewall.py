"""Curation and the firewall: refused rows are listed with their reason, and sealed words are nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from pyroaring import BitMap

from headgate.curate.run import depends_on, run
from headgate.curate.settings import Settings, SplitSettings
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Row
from headgate.rules.firewall import Protected, protect
from headgate.stats.verdict import Outcome

Store = Callable[[Sequence[Row]], None]
ALL_TRAIN = Settings(steps=["split"], split=SplitSettings(shares={"train": 1.0}))


def verdict_of(result: object) -> object:
    return next(one for one in result.verdicts if one.rule == "firewall")  # type: ignore[attr-defined]


def listed(result: object) -> list[dict[str, object]]:
    path = Path(result.facts["lists"]) / "removed.jsonl"  # type: ignore[attr-defined]
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def seal(ledger: Ledger, rows: Sequence[Row]) -> None:
    protect(ledger, "suite:topics", map(Protected.of, rows), pool="sealed")


def leaky(banking: Sequence[Row], count: int) -> list[Row]:
    """Copies of some rows' questions in rows of their own."""
    messages = [(replace(one.messages[0], content=one.prompt_text.upper()), one.messages[1]) for one in banking[:count]]
    return [replace(one, messages=turns) for one, turns in zip(banking, messages, strict=False)]


def test_without_protected_items_the_firewall_is_skipped(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Nothing to hold rows against is said, and does not stop."""
    store(banking[:40])
    result = run(ledger, ALL_TRAIN, context=context)
    assert (Outcome.PASS, Outcome.SKIPPED) == (result.outcome, verdict_of(result).outcome)  # type: ignore[attr-defined]


def test_rows_that_match_are_refused_with_item_and_definition(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Five copies of sealed items do not enter; each says by what it was told and of which suite, without its words."""
    seal(ledger, banking[100:105])
    store([*banking[:40], *leaky(banking[100:], 5)])
    result = run(ledger, ALL_TRAIN, context=context)
    everything = [one for one in listed(result) if one["step"] == "firewall"]
    gone = [one for one in everything if one["number"] in range(41, 46)]
    assert (Outcome.PASS, 5) == (result.outcome, len(gone))
    assert {"copies a protected item (same-words)"} == {one["reason"] for one in gone}
    assert {"suite:topics/sealed"} == {one["partner-place"] for one in gone}
    assert not any("partner-text" in one for one in gone)
    assert ledger.versions.get("support@1").numbers.isdisjoint(BitMap(one["number"] for one in gone))
    assert len(everything) == verdict_of(result).details["refused"]  # type: ignore[attr-defined]


def test_rows_that_are_only_alike_are_listed_and_stay(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """A question with one letter less is kept and named for a look; with alike = "remove" it goes."""
    item = next(one for one in banking[100:] if 6 <= len(one.prompt_text.split()) <= 9)
    text = item.prompt_text[:3] + item.prompt_text[4:]
    store([*banking[:40], replace(item, messages=(replace(item.messages[0], content=text), *item.messages[1:]))])
    seal(ledger, [item])
    result = run(ledger, ALL_TRAIN, context=context)
    details = verdict_of(result).details  # type: ignore[attr-defined]
    assert (0, 1) == (details["refused"], details["to_review"])
    assert ["review"] == [one["remedy"] for one in details["alike"]]
    assert 41 in ledger.versions.get("support@1").numbers
    result = run(ledger, replace(ALL_TRAIN, alike="remove"), context=context)
    details = verdict_of(result).details  # type: ignore[attr-defined]
    assert (1, 0) == (details["refused"], details["to_review"])
    assert 41 not in ledger.versions.get("support@2").numbers


def test_the_run_stops_at_copies_where_asked(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """With leaked = "stop" nothing is frozen, and the findings name the rows."""
    seal(ledger, banking[100:105])
    store([*banking[:40], *leaky(banking[100:], 5)])
    result = run(ledger, replace(ALL_TRAIN, leaked="stop"), context=context)
    stopping = verdict_of(result)
    assert (Outcome.FAIL, {}) == (result.outcome, dict(result.outputs))
    assert 5 == len(stopping.findings)  # type: ignore[attr-defined]
    words = {word for one in banking[100:105] for word in one.prompt_text.split() if len(word) > 7}
    assert not any(word in finding.message for finding in stopping.findings for word in words)  # type: ignore[attr-defined]


def test_new_items_reopen_rows_of_the_version_before(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """What is protected later takes its copies out of the next version, and the report counts them as reopened."""
    store(banking[:40])
    seal(ledger, banking[200:203])
    run(ledger, ALL_TRAIN, context=context)
    before = depends_on(ledger, ALL_TRAIN, context)
    seal(ledger, banking[10:12])
    assert before != depends_on(ledger, ALL_TRAIN, context)
    result = run(ledger, ALL_TRAIN, context=context)
    assert {"dataset": "support@2"} == dict(result.outputs)
    details = verdict_of(result).details  # type: ignore[attr-defined]
    assert ({11, 12}, "support@1") == (set(details["reopened"]) & {11, 12}, details["reopened_of"])


def test_items_without_matches_make_no_new_version(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """The same rows are the same version, however many items they were held against."""
    store(banking[:40])
    first = run(ledger, ALL_TRAIN, context=context)
    seal(ledger, banking[295:298])
    again = run(ledger, ALL_TRAIN, context=context)
    assert again.facts["removed"] == 0
    assert first.outputs == again.outputs


@pytest.mark.parametrize("split", [{"train": 0.5, "dev": 0.5}])
def test_held_out_splits_keep_their_rows(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row], split: dict[str, float]
) -> None:
    """Rows that are not trained on stay and are counted."""
    store(banking[:60])
    seal(ledger, banking[:60])
    result = run(ledger, Settings(steps=["split"], split=split), context=context)
    assert (0, True) == (result.facts["splits"].get("train", 0), result.facts["splits"]["dev"] > 10)
    assert result.facts["splits"]["dev"] == verdict_of(result).details["held_out_rows_that_match"]  # type: ignore[attr-defined]
