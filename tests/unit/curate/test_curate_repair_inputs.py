"""`[curate.repair-inputs]`: inputs of generated rows repaired by real ones, in the split that is trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from headgate.curate.run import run
from headgate.curate.settings import RepairSettings, Settings
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Message, Row, Side, from_bytes
from headgate.stats.verdict import Outcome

Store = Callable[[Sequence[Row]], None]
THINGS = ("card", "transfer", "balance", "limit", "top up", "refund", "statement", "rate", "fee", "account")
ASKED = ("Where is my {}", "How do I change the {}", "Why was the {} declined", "What happened to my {}")


def asked(n: int) -> str:
    """A question, each another one."""
    return ASKED[n % 4].format(THINGS[n % 10]) + f" from day {100 + 7 * n % 300}"


def rows() -> list[Row]:
    """A model's hundred polite rows, and twenty that people wrote in the same manner."""
    out = []
    for n in range(120):
        text = ("Hello, {}? Thank you.", "Hi there! {}?")[n % 2].format(asked(n))
        turns = (
            Message("user", text),
            Message("assistant", f"About the {THINGS[n % 10]}, number {n}: it is on its way."),
        )
        out.append(Row(kind=Kind.DEMONSTRATION, messages=turns, side=Side(generator="m" if n < 100 else None)))
    return out


@pytest.fixture
def real(context: StageContext) -> RepairSettings:
    """What people typed, in a file of the project."""
    typed = [{"text": asked(n).lower(), "label": "-"} for n in range(200, 420)]
    (context.folder / "real.jsonl").write_text("".join(json.dumps(one) + "\n" for one in typed))
    return RepairSettings(reference=["real.jsonl"], columns={"prompt": "text", "completion": "label"})


@pytest.fixture(autouse=True)
def allowed(ledger: Ledger, context: StageContext) -> None:
    """Who made the model lets its outputs train others."""
    ledger.claims.assert_("teacher:m", "provider-policy", "yes", source="its terms", observed_at=context.now)


def settings(repair: RepairSettings) -> Settings:
    """One split and no other step."""
    return Settings(steps=[], split={"train": 1.0}, repair_inputs=repair)


def trained_on(ledger: Ledger, name: str) -> dict[str, Row]:
    """Rows of the split train by what the assistant says."""
    numbers = ledger.versions.get(name).splits["train"]
    return {row.answer_text: row for row in (from_bytes(body) for _, _, body in ledger.rows.bodies(numbers))}


def test_rows_of_a_generator_are_repaired_and_the_ledger_keeps_the_old(
    ledger: Ledger, context: StageContext, store: Store, real: RepairSettings
) -> None:
    """Answers stay, operators are named, the old rows are parents; a later curation starts from them."""
    store(rows())
    result = run(ledger, settings(real), context=context)
    assert result.outcome is Outcome.PASS
    kept = trained_on(ledger, result.outputs["dataset"])
    old = {row.answer_text: row for row in rows()}
    assert old.keys() == kept.keys()
    changed = {answer for answer, row in kept.items() if row.prompt_text != old[answer].prompt_text}
    assert {answer for answer in changed if old[answer].side.generator} == changed
    assert changed == {answer for answer, row in kept.items() if "repaired-inputs" in row.side.extra}
    assert not any(kept[answer].prompt_text.startswith(("Hello", "Hi there")) for answer in changed)
    stored = {row_id for _, row_id, _ in ledger.rows.bodies(ledger.rows.all_numbers())}
    assert {kept[answer].side.parents[0] for answer in changed} <= stored
    told = next(step for step in result.facts["steps"] if step["step"] == "repair-inputs")["notes"]
    assert (100, len(changed)) == (told["inputs"], told["repaired"])
    assert told["auc_before"]["value"] - told["auc_after"]["value"] > 0.15
    again = trained_on(ledger, run(ledger, settings(RepairSettings()), context=context).outputs["dataset"])
    assert {answer: row.prompt_text for answer, row in old.items()} == {a: row.prompt_text for a, row in again.items()}


def test_words_of_another_language_are_mixed_in_where_a_list_is_named(
    ledger: Ledger, context: StageContext, store: Store, real: RepairSettings
) -> None:
    """The list lies in the folder of the project; its words come in at the rate of the real inputs."""
    store(rows())
    path = context.folder / "real.jsonl"
    path.write_text(path.read_text().replace("my ", "meine "))
    (context.folder / "pairs.csv").write_text("my,meine\n")
    told = replace(real, mix_words="pairs.csv")
    kept = trained_on(ledger, run(ledger, settings(told), context=context).outputs["dataset"])
    mixed = [row for row in kept.values() if " meine " in row.prompt_text]
    assert mixed
    assert all("mixed-words" in row.side.extra["repaired-inputs"] for row in mixed)


def test_too_little_that_is_real_is_refused(
    ledger: Ledger, context: StageContext, store: Store, real: RepairSettings
) -> None:
    """Twenty real inputs fit nothing, and the refusal says how many it takes."""
    store(rows())
    path = context.folder / "real.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    with pytest.raises(Refused, match="too few real inputs") as caught:
        run(ledger, settings(real), context=context)
    assert "200 and more" == caught.value.wanted
