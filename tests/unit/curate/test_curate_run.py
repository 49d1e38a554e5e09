"""The whole stage on real rows: every step, every reason, frozen versions that hold still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from pyroaring import BitMap

from headgate.curate import disjoint
from headgate.curate.disjoint import prove_disjoint
from headgate.curate.run import run
from headgate.curate.settings import DecontaminateSettings, Settings, SplitSettings
from headgate.kit.errors import Refused
from headgate.kit.hashing import digest
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Message, Row, Side, from_bytes
from headgate.stats.verdict import Outcome

Store = Callable[[Sequence[Row]], None]
COLUMNS = {"prompt": "text", "completion": "category"}
ALL = Settings(
    steps=["select", "redact", "split", "exact-duplicates", "near-duplicates", "decontaminate"],
    against=["items.csv"],
    decontaminate=DecontaminateSettings(columns=COLUMNS),
    where="words >= 4",
)


def row(text: str, answer: str = "ok", **side: object) -> Row:
    return Row(
        kind=Kind.DEMONSTRATION,
        messages=(Message("user", text), Message("assistant", answer)),
        side=Side(**side),  # type: ignore[arg-type]
    )


def rows_of(ledger: Ledger, version: str, split: str) -> list[Row]:
    return [from_bytes(body) for _, _, body in ledger.rows.bodies(ledger.versions.get(version).splits[split])]


def removed(result: object) -> list[dict[str, object]]:
    path = Path(result.facts["lists"]) / "removed.jsonl"  # type: ignore[attr-defined]
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_row_is_in_a_split_or_on_the_list(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """All 300 rows are accounted for: frozen, or removed with step and reason; the manifest says the same."""
    store(banking)
    result = run(ledger, ALL, context=context)
    version = ledger.versions.get(result.outputs["dataset"])
    gone = removed(result)
    assert result.outcome is Outcome.PASS
    assert len(version.numbers) + len(gone) == 300
    assert BitMap(one["number"] for one in gone) == BitMap(range(1, 301)) - version.numbers
    assert all(one["step"] and one["reason"] for one in gone)
    manifest = version.manifest["manifest"]
    assert manifest["removed"]["rows"] == len(gone)
    listed = ledger.content.get(manifest["removed"]["list"]).splitlines()
    assert [orjson.loads(line)["row"] for line in listed] == [one["row"] for one in gone]
    assert b"text" not in ledger.content.get(manifest["removed"]["list"])
    before, after = (manifest["steps"][at][key] for at, key in ((0, "before"), (-1, "after")))
    assert (before, after) == (300, len(version.numbers))


def test_each_step_reports_counts_and_reasons(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """The reports chain: what one step leaves is what the next begins with, and the reasons add up."""
    store(banking)
    steps = run(ledger, ALL, context=context).facts["steps"]
    assert [step["step"] for step in steps][:6] == ALL.steps
    for one, after in pairwise(steps):
        assert one["after"] == after["before"]
        assert one["before"] - one["after"] == sum(one["reasons"].values())


def test_the_same_again_is_the_same_version(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Nothing changed: no new version; another setting: a new one."""
    store(banking)
    first = run(ledger, ALL, context=context).outputs["dataset"]
    assert run(ledger, ALL, context=context).outputs["dataset"] == first == "support@1"
    assert run(ledger, replace(ALL, where="words >= 5"), context=context).outputs["dataset"] == "support@2"


def test_added_rows_move_no_old_row(ledger: Ledger, context: StageContext, store: Store, banking: list[Row]) -> None:
    """Rows that come later, and other shares, leave every old row in its split."""
    store(banking[:200])
    settings = replace(ALL, steps=["select", "redact", "split"], against=[])
    old = ledger.versions.get(run(ledger, settings, context=context).outputs["dataset"])
    store(banking)
    more = replace(settings, split={"train": 0.5, "dev": 0.5})
    new = ledger.versions.get(run(ledger, more, context=context).outputs["dataset"])
    assert len(new.numbers) > len(old.numbers)
    for name, numbers in old.splits.items():
        assert numbers <= new.splits[name]


def test_redaction_makes_new_rows_and_keeps_the_split(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """A redacted row is a new row made from the old; splits follow the row through a change of redaction."""
    texts = [one.prompt_text for one in banking[60:100]]
    personal = [row(f"{text} write to user{n}@shop.example", subject=f"s{n}") for n, text in enumerate(texts)]
    store([*banking[:60], *personal])
    settings = Settings(steps=["split"], split={"train": 0.5, "dev": 0.5})
    plain = ledger.versions.get(run(ledger, settings, context=context).outputs["dataset"])
    result = run(ledger, replace(settings, steps=["redact", "split"]), context=context)
    masked = ledger.versions.get(result.outputs["dataset"])
    notes = result.facts["steps"][0]["notes"]
    assert (notes["replaced"], notes["rows"]) == ({"email": 40}, 40)
    for name in ("train", "dev"):
        roots = {one.side.parents[0] if one.side.parents else one.id for one in rows_of(ledger, masked.name, name)}
        assert roots == {address for _, address in ledger.rows.ids(plain.splits[name])}
    made = [one for one in rows_of(ledger, masked.name, "train") if one.side.parents]
    assert all("[EMAIL_1]" in one.prompt_text and "@" not in one.prompt_text for one in made)
    parents = [one.side.parents[0] for one in made]
    assert len(ledger.rows.children_of(ledger.rows.numbers_of(parents))) == len(made)
    assert len(ledger.rows.numbers_of_subject("s7")) == 2


def test_redacted_forms_are_not_taken_twice(ledger: Ledger, context: StageContext, store: Store) -> None:
    """The next curation starts from the captured rows, not from the redacted forms of the last."""
    store([row(f"write to user{n}@shop.example about order {n}") for n in range(20)])
    settings = Settings(steps=["redact", "split"], split=SplitSettings(near_duplicates=False))
    first = run(ledger, settings, context=context)
    again = run(ledger, settings, context=context)
    assert (again.outputs, again.facts["rows"]) == (first.outputs, 20)


def test_dialogues_split_by_conversation_and_caller(
    ledger: Ledger, context: StageContext, store: Store, star: list[Row]
) -> None:
    """No caller and no conversation is in two splits, and the proof can be computed again."""
    store(star)
    result = run(ledger, Settings(steps=["split"], split={"train": 0.5, "dev": 0.5}), context=context)
    version = result.outputs["dataset"]
    callers = [{one.side.subject for one in rows_of(ledger, version, name)} for name in ("train", "dev")]
    assert all(callers)
    assert callers[0] & callers[1] == set()
    checked = prove_disjoint(ledger, version)
    assert checked.holds
    assert checked.proof.between == {"dev and train": {"content": 0, "keys": 0, "near-duplicates": 0}}
    # Without the key of the ledger nobody can try texts for a row that was erased against what the manifest keeps.
    contents = "\n".join(sorted(one.content_id for one in rows_of(ledger, version, "train"))).encode()
    told = ledger.versions.get(version).manifest["manifest"][disjoint.ENTRY]["splits"]["train"]["content"]
    assert told["digest"] == ledger.seal.address(contents) != digest(contents)


def test_a_version_whose_splits_share_a_caller_does_not_prove(
    ledger: Ledger, context: StageContext, store: Store, star: list[Row]
) -> None:
    """A version frozen by other hands, with one caller on both sides, is found out."""
    store(star)
    manifest = {"settings": {"split": {"together": ["subject"]}}}
    numbers = BitMap(range(1, 41))
    splits = {"train": BitMap(range(1, 21)), "dev": BitMap(range(21, 41))}
    checked = prove_disjoint(ledger, ledger.versions.freeze("loose", numbers=numbers, splits=splits, manifest=manifest))
    assert not checked.holds
    assert not checked.recorded
    assert checked.proof.between["dev and train"]["keys"] > 0


def test_time_split(ledger: Ledger, context: StageContext, store: Store, star: list[Row]) -> None:
    """Dialogues from the cutoff on are the test; training and development hold none of them nor of their callers."""
    store(star)
    how = SplitSettings(shares={"train": 0.8, "dev": 0.2}, cutoff=date(2020, 5, 14), later="future")
    result = run(ledger, Settings(steps=["split"], split=how), context=context)
    version = result.outputs["dataset"]
    late = [str(one.side.created_at) for one in rows_of(ledger, version, "future")]
    early = [str(one.side.created_at) for one in rows_of(ledger, version, "train")]
    assert max(early) < "2020-05-14" <= min(late)
    assert all("after the cutoff" in str(one["reason"]) for one in removed(result))
    assert prove_disjoint(ledger, version).holds


def test_withdrawn_consent_stops_the_freeze(
    ledger: Ledger, context: StageContext, store: Store, star: list[Row]
) -> None:
    """One caller withdraws: nothing is frozen, and the verdict names the rule."""
    store(star)
    ledger.claims.assert_("subject:caller-03", "consent", "withdrawn", source="letter", observed_at="2026-10-01")
    result = run(ledger, Settings(), context=context)
    assert (result.outcome, dict(result.outputs)) == (Outcome.FAIL, {})
    assert [verdict.rule for verdict in result.verdicts if verdict.blocks] == ["withdrawn-subject"]
    assert ledger.versions.names() == []


def test_withdrawn_rows_can_be_removed(ledger: Ledger, context: StageContext, store: Store, star: list[Row]) -> None:
    """With `withdrawn = "remove"` the caller's rows go with a reason, and the rest is frozen."""
    store(star)
    ledger.claims.assert_("subject:caller-03", "consent", "withdrawn", source="letter", observed_at="2026-10-01")
    result = run(ledger, Settings(withdrawn="remove"), context=context)
    assert result.outcome is Outcome.PASS
    gone = ledger.rows.numbers_of_subject("caller-03")
    assert not ledger.versions.get("support").numbers & gone
    assert BitMap(one["number"] for one in removed(result) if one["step"] == "consent") == gone


def test_expired_consent_stops_the_freeze(ledger: Ledger, context: StageContext, store: Store, star: list[Row]) -> None:
    """Consent that has run out is no consent; a day earlier it was."""
    store(star)
    ledger.claims.assert_(
        "subject:caller-03", "consent", "training", source="form", observed_at="2026-02-01", valid_to="2026-10-31"
    )
    assert run(ledger, Settings(), context=context).outcome is Outcome.FAIL
    earlier = replace(context, now=context.now.replace(month=10, day=30))
    assert run(ledger, Settings(), context=earlier).outcome is Outcome.PASS


def test_exact_duplicates_go_from_training_and_name_the_first(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Copies from other subjects go, the earliest row stays and is pointed at."""
    copies = [one.with_side(subject="copy") for one in banking[:30]]
    store([*banking[:100], *copies])
    settings = Settings(steps=["split", "exact-duplicates"])
    result = run(ledger, settings, context=context)
    gone = [one for one in removed(result) if one["step"] == "exact-duplicates"]
    train = ledger.versions.get("support").splits["train"]
    originals = {address: number for number, address in ledger.rows.ids(range(1, 101))}
    assert {originals[str(one["partner"])] for one in gone} <= set(train)
    assert {one["number"] for one in gone} <= set(range(101, 131))
    contents = [one.content_id for one in rows_of(ledger, "support", "train")]
    assert len(contents) == len(set(contents))


def test_decontamination_takes_twins_of_items(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Copies, embedded copies and copies with another number of an item leave training; each names its item."""
    item = "I have been waiting for my new card for more than 10 days now, when will it arrive?"
    (context.folder / "gate.csv").write_text(f'text,category\n"{item}",card_arrival\n')
    leaked = [
        row(item.upper()),
        row(f"Hello team. {item} Please tell me, I am leaving for a long trip soon and need it."),
        row(item.replace("10", "12")),
    ]
    honest = [row("When does a card that I ordered usually arrive in the post?")]
    store([*banking[:50], *leaked, *honest])
    settings = Settings(
        steps=["split", "decontaminate"],
        split=SplitSettings(shares={"train": 1.0}),
        against=["gate.csv"],
        decontaminate=DecontaminateSettings(columns=COLUMNS),
    )
    gone = removed(run(ledger, settings, context=context))
    assert {one["number"] for one in gone} == {51, 52, 53}
    assert all(str(one["partner-place"]).endswith("gate.csv:2") for one in gone)


def test_decontamination_takes_rows_tied_to_items(
    ledger: Ledger, context: StageContext, store: Store, star: list[Row]
) -> None:
    """Dialogues of a caller who is also in the evaluation file leave training."""
    item = '{"prompt": "Is my doctor in on Monday?", "completion": "Yes.", "subject": "caller-05"}\n'
    (context.folder / "gate.jsonl").write_text(item)
    store(star)
    settings = Settings(
        steps=["split", "decontaminate"], split=SplitSettings(shares={"train": 1.0}), against=["gate.jsonl"]
    )
    result = run(ledger, settings, context=context)
    assert {one["number"] for one in removed(result)} == set(ledger.rows.numbers_of_subject("caller-05"))
    assert result.facts["steps"][1]["reasons"] == {"group-leak points at it": 3}


def test_proposals_are_written_without_being_applied(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Near-duplicates are only proposed when the step is not listed."""
    store([*banking[:60], *(row(one.prompt_text + " please", one.answer_text, slices=dict(one.side.slices))
                            for one in banking[:10])])  # fmt: skip
    result = run(ledger, Settings(steps=["split"], split=SplitSettings(shares={"train": 1.0})), context=context)
    proposals = (Path(result.facts["lists"]) / "proposals.jsonl").read_bytes().splitlines()
    assert (result.facts["removed"], result.facts["rows"]) == (0, 70)
    assert len(proposals) >= 8
    assert {"text", "partner-text", "similarity", "partner"} <= set(orjson.loads(proposals[0]))


def test_rows_of_the_stages_above_only(ledger: Ledger, context: StageContext, store: Store, banking: list[Row]) -> None:
    """In a flow, the rows are those that capture named, less those of sources not asked for."""
    store(banking[:50])
    address = ledger.content.put(BitMap(range(1, 31)).serialize())
    above = replace(context, outputs={"capture": {"rows": address}})
    assert run(ledger, Settings(steps=["split"]), context=above).facts["selected"] == 30
    with pytest.raises(Refused) as error:
        run(ledger, Settings(steps=["split"], sources=["shopp"]), context=context)
    assert "'shop'" in str(error.value.wanted)


def test_nothing_to_curate_is_refused(ledger: Ledger, context: StageContext, store: Store, banking: list[Row]) -> None:
    """No rows, a filter that keeps none, a key that no row has, a missing evaluation file."""
    with pytest.raises(Refused):
        run(ledger, Settings(), context=context)
    store(banking[:20])
    for settings in (
        replace(ALL, where='slice.intent == "none"'),
        Settings(split=SplitSettings(together=["slice.thread"])),
        replace(ALL, against=["missing.csv"]),
    ):
        with pytest.raises(Refused):
            run(ledger, settings, context=context)
    assert ledger.versions.names() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": ["splitt"]},
        {"steps": ["near-duplicates", "split"]},
        {"steps": ["split", "split"]},
        {"split": {"train": 0.5}},
        {"split": {"fit": 1.0}},
        {"where": "words >"},
        {"where": "words > 1", "steps": ["split"]},
        {"against": ["a"], "steps": ["split"]},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    """Settings that cannot be meant are refused when they are read."""
    with pytest.raises(Refused):
        Settings(**wrong)  # type: ignore[arg-type]
