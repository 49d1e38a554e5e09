"""`[curate.habits]`: what becomes of habits in the split that is trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from headgate.curate.run import run
from headgate.curate.settings import Settings
from headgate.kit.errors import Refused
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Message, Row, from_bytes
from headgate.stats.verdict import Outcome

Store = Callable[[Sequence[Row]], None]
WORDS = ("card", "PIN", "limit", "account", "transfer", "receipt", "phone", "address", "password", "order")


def rows() -> list[Row]:
    """Forty answers; five with a stock phrase, five with a refund, five misspelt."""
    out = []
    for n in range(40):
        answer = f"You will receive the new {WORDS[n % 10]} number {n} tomorrow morning."
        answer += " Kindly do the needful." if n < 5 else " I have given you a full refund." if n < 10 else ""
        answer = answer.replace("receive", "recieve") if 10 <= n < 15 else answer
        asked = f"Do I recieve {WORDS[n % 10]} {n * 37} in {WORDS[n // 4]} {n}? Kindly do the needful."
        out.append(Row(kind=Kind.DEMONSTRATION, messages=(Message("user", asked), Message("assistant", answer))))
    return out


def settings(**habits: str) -> Settings:
    """One split, and decisions by habit (underscores for blanks)."""
    return Settings(
        steps=[], split={"train": 1.0}, habits={name.replace("_", " "): what for name, what in habits.items()}
    )


def trained_on(ledger: Ledger, name: str) -> list[Row]:
    """Rows of the split train."""
    return [from_bytes(body) for _, _, body in ledger.rows.bodies(ledger.versions.get(name).splits["train"])]


def test_decisions_are_carried_out_on_answers_only(ledger: Ledger, context: StageContext, store: Store) -> None:
    """Rows with a refund leave with a reason, words are put right by what the rule found, masks are laid."""
    store(rows())
    how = settings(kindly_do_the_needful="mask", concession="drop", recieve="normalise")
    result = run(ledger, how, context=context)
    assert result.outcome is Outcome.PASS
    kept = trained_on(ledger, result.outputs["dataset"])
    answers = [row.messages[1] for row in kept]
    assert 35 == len(kept)
    assert all("recieve" in row.messages[0].content for row in kept)
    assert not any("recieve" in one.content or "refund" in one.content for one in answers)
    assert ["Kindly do the needful"] * 5 == [one.content[a:b] for one in answers for a, b in one.masked]
    report = next(step for step in result.facts["steps"] if step["step"] == "habits")
    assert {"says 'concession'": 5} == report["reasons"]
    assert 10 == report["notes"]["changed"]


def test_the_rows_as_they_were_are_still_there(ledger: Ledger, context: StageContext, store: Store) -> None:
    """A later curation without decisions starts from the rows that were captured, and from them alone."""
    store(rows())
    run(ledger, settings(kindly_do_the_needful="mask"), context=context)
    again = run(ledger, settings(), context=context)
    kept = trained_on(ledger, again.outputs["dataset"])
    assert (40, []) == (len(kept), [turn for row in kept for turn in row.messages if turn.masked])


def test_a_decision_that_nobody_can_carry_out_is_refused(
    ledger: Ledger, context: StageContext, store: Store, tmp_path: Path
) -> None:
    """An unknown word is refused when settings are read, a missing right form when rows are."""
    with pytest.raises(Refused, match="no such decision"):
        settings(needful="burn")
    store(rows())
    with pytest.raises(Refused, match="nobody says what the right words are"):
        run(ledger, settings(needful="normalise"), context=context)
