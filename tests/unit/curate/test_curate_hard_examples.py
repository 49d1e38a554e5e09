"""Near-duplicate removal that keeps hard examples: planted copies go, the rare slice stays.

28 % of the rows are planted near-copies in common slices; beside them a rare slice of eleven hostile
variants of one case (written for this test).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from headgate.curate.duplicates import Likeness, exact_duplicates, near_duplicates
from headgate.curate.run import run
from headgate.curate.settings import NearDuplicateSettings, Settings, SplitSettings
from headgate.curate.slices import Floors, slices_of, table, thin
from headgate.curate.survivors import choose
from headgate.ledger.ledger import Ledger
from headgate.ledger.steps import StageContext
from headgate.rows.row import Kind, Message, Row, Side, ToolCall
from headgate.stats.verdict import Outcome

Store = Callable[[Sequence[Row]], None]
HOSTILE = (
    "close my account now you useless people and send me my money",
    "close my account now you useless people and send me my money back",
    "close my account right now you useless people and send me my money",
    "close my account now, you useless people, and send me all my money",
    "just close my account now you useless people and send me my money",
    "close my bank account now you useless people and send me my money",
    "close my account now you useless useless people and send me my money",
    "close my account now you utterly useless people and send me my money",
    "close my account now you useless people and send me my damn money",
    "I said close my account now you useless people and send me my money",
    "close my account now you useless people and send me my money today",
)
ONE_SPLIT = SplitSettings(shares={"train": 1.0})


def row(text: str, answer: str = "ok", **side: object) -> Row:
    return Row(
        kind=Kind.DEMONSTRATION,
        messages=(Message("user", text), Message("assistant", answer)),
        side=Side(**side),  # type: ignore[arg-type]
    )


def copied(text: str, rng: random.Random) -> str:
    """A near-copy: other case, punctuation, a greeting, or two letters swapped."""
    kind = rng.choice(("case", "punctuation", "greeting", "typo"))
    if kind == "case":
        return text.upper() if rng.random() < 0.5 else text.lower() + " "
    if kind == "punctuation":
        return text.rstrip("?.! ") + rng.choice(("!", " ...", "??"))
    if kind == "greeting":
        return rng.choice(("Hi, ", "Hello: ")) + text
    words = text.split()
    longest = max(range(len(words)), key=lambda at: len(words[at]))
    word = words[longest]
    words[longest] = word[:2] + word[3] + word[2] + word[4:]
    return " ".join(words)


def planted(banking: list[Row]) -> list[Row]:
    """The common slices with 28 % near-copies of their rows among them, and the hostile slice."""
    rng = random.Random(28)
    common = [one for one in banking if one.side.slices["intent"] != "contactless_not_working"]
    common = [one.with_side(slices={**one.side.slices, "tone": "plain"}) for one in common]
    sources = rng.sample(common, round(len(common) * 0.28 / 0.72))
    copies = [
        row(
            copied(one.prompt_text, rng), one.answer_text, slices=dict(one.side.slices), extra={"copy": one.prompt_text}
        )
        for one in sources
    ]
    hostile = [row(text, "close_account", slices={"intent": "close_account", "tone": "hostile"}) for text in HOSTILE]
    rows = [*common, *copies, *hostile]
    rng.shuffle(rows)
    return rows


def settings(**how: object) -> Settings:
    return Settings(
        steps=["split", "exact-duplicates", "near-duplicates"],
        split=ONE_SPLIT,
        near_duplicates=NearDuplicateSettings(**how),  # type: ignore[arg-type]
    )


def kept_texts(ledger: Ledger) -> set[str]:
    from headgate.rows.row import from_bytes

    numbers = ledger.versions.get("support").numbers
    return {from_bytes(body).prompt_text for _, _, body in ledger.rows.bodies(numbers)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("John Smith", "Hello: John Smith"),
        ("more details", "More details please"),
        ("unlock account", "unlock acocunt"),
    ],
)
def test_short_turns_with_the_same_answer_are_one(one: str, other: str) -> None:
    """A greeting, a please or a slip of the keyboard makes no second row of four words."""
    assert 1 == len(
        near_duplicates([row(one, "Your ride is booked."), row(other, "Your ride is booked!")], Likeness()).removals
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (row("yes please", "Ride booked."), row("yes", "Table booked.")),
        (row("take 20 euros", "Done."), row("take 200 euros please", "Done.")),
        (row("send it", "Done."), row("please do not send it", "Done.")),
        (row("call John", "Done."), row("hello, call Joan", "Done.")),
        (row("transfer to savings", "Done."), row("transfer from savings please", "Done.")),
        (row("yes", "Done.", slices={"intent": "confirm"}), row("yes please", "Done.", slices={"intent": "order"})),
        (row("hello", "Done."), row("please", "Done.")),
    ],
)
def test_short_turns_that_differ_stay_two(one: Row, other: Row) -> None:
    """Another answer, amount, negation, name, word or slice, and courtesies alone."""
    assert () == near_duplicates([one, other], Likeness()).removals


def test_common_copies_go_and_the_rare_slice_stays(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """At least 90 % of the planted copies are gone (one of each pair), and all eleven hostile rows are kept."""
    rows = planted(banking)
    store(rows)
    result = run(ledger, settings(), context=context)
    kept = kept_texts(ledger)
    pairs = [(one.prompt_text, str(one.side.extra["copy"])) for one in rows if "copy" in one.side.extra]
    gone = sum(copy not in kept or original not in kept for copy, original in pairs)
    assert result.outcome is Outcome.PASS
    assert len(pairs) == 109
    assert gone >= 0.9 * len(pairs)
    assert set(HOSTILE) <= kept


def test_without_floors_the_run_is_blocked_naming_the_slice(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """Floors off: the hostile slice would shrink, so the rule stops the freeze and names it."""
    store(planted(banking))
    result = run(ledger, settings(floors=False), context=context)
    stopping = [verdict for verdict in result.verdicts if verdict.blocks]
    assert (result.outcome, dict(result.outputs)) == (Outcome.FAIL, {})
    assert [verdict.rule for verdict in stopping] == ["erased-slice"]
    assert "tone=hostile" in {finding.slice for finding in stopping[0].findings}
    assert ledger.versions.names() == []


def test_a_protected_slice_keeps_its_share(
    ledger: Ledger, context: StageContext, store: Store, banking: list[Row]
) -> None:
    """A common slice that is named keeps 80 % of its rows, copies or not."""
    rows = planted(banking)
    store(rows)
    run(ledger, settings(protect=["pending_top_up"]), context=context)
    before = [one for one in rows if one.side.slices["intent"] == "pending_top_up"]
    kept = kept_texts(ledger)
    assert sum(one.prompt_text in kept for one in before) >= 0.8 * len(before)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can transfer money to my savings account today", "I can not transfer money to my savings account today"),
        ("I can transfer money to my savings account today", "I can't transfer money to my savings account today"),
        ("please send 20 euros to my landlord this afternoon", "please send 200 euros to my landlord this afternoon"),
        ("I was charged $5 for a withdrawal at the airport", "I was charged €5 for a withdrawal at the airport"),
        ("the refund of two payments has never reached me", "the refund of three payments has never reached me"),
        ("a transfer to Detroit bank was declined by you", "a transfer to Chicago bank was declined by you"),
    ],
)
def test_rows_that_differ_in_meaning_are_not_merged(one: str, other: str) -> None:
    """A negation, an amount, a currency, a number word or the one name that matters keeps rows apart."""
    assert near_duplicates([row(one), row(other)], Likeness()).removals == ()
    answers = [row("what happens to my money if I wait another week?", text) for text in (one, other)]
    assert near_duplicates(answers, Likeness()).removals == ()


def test_slices_labels_and_answers_keep_rows_apart() -> None:
    """The same words in two slices, with two answers or two labels are not one example."""
    text = "my card was swallowed by the machine at the station"
    slices = [row(text, slices={"tone": tone}) for tone in ("plain", "angry")]
    answers = [row(text, "We send you a new card."), row(text, "Please call the bank that owns the machine.")]
    labels = [replace(row(text), kind=Kind.UNPAIRED, label=label) for label in (True, False)]
    for pair in (slices, answers, labels):
        assert near_duplicates(pair, Likeness()).removals == ()


def test_the_survivor_is_the_hardest_then_the_rarest() -> None:
    """The row with the highest loss stays; without losses the one with the rarer words; never first or shortest."""
    plain = "my card was swallowed by the machine at the station this morning"
    messy = plain.replace("machine", "effing machine")
    by_words = near_duplicates([row(plain), row(messy)], Likeness()).removals
    assert [(one.position, one.survivor) for one in by_words] == [(0, 1)]
    by_loss = near_duplicates([row(plain, extra={"loss": 2.5}), row(messy, extra={"loss": 0.1})], Likeness()).removals
    assert [(one.position, one.survivor) for one in by_loss] == [(1, 0)]


def test_every_removed_row_has_a_living_witness(banking: list[Row]) -> None:
    """The survivor named by a removal stays itself, and no two rows that stay are exact copies."""
    rows = [one for one in banking for _ in range(3)]
    choice = near_duplicates(rows, Likeness())
    gone = {one.position for one in choice.removals}
    assert not gone & {one.survivor for one in choice.removals}
    stay = [one for position, one in enumerate(rows) if position not in gone]
    assert len({one.content_id for one in stay}) == len(stay)


def test_more_rows_of_a_cluster_can_be_kept() -> None:
    """With `keep = 3`, three of six variants stay; with more than there are, all."""
    rows = [
        row("my card was swallowed by the machine at the station" + mark) for mark in ("", "!", "?", ".", "..", "…")
    ]
    kept = [len(rows) - len(near_duplicates(rows, Likeness(), keep=keep).removals) for keep in (1, 3, 20)]
    assert kept == [1, 3, 6]


def test_a_chain_keeps_both_ends_or_its_middle() -> None:
    """Of a-b-c, where a and c are not alike, no row goes without a neighbour that stays."""
    import numpy as np

    pairs = np.array([[0, 1], [1, 2]], dtype=np.int64)
    alike = np.array([0.8, 0.9])
    ends = choose(3, pairs, alike, [(2.0,), (1.0,), (3.0,)], ["a", "b", "c"])
    middle = choose(3, pairs, alike, [(1.0,), (3.0,), (2.0,)], ["a", "b", "c"])
    assert [(one.position, one.survivor) for one in ends.removals] == [(1, 2)]
    assert [(one.position, one.survivor) for one in middle.removals] == [(2, 1), (0, 1)]


def test_exact_duplicates_keep_the_earliest() -> None:
    """Whatever the order in hand, the row with the lowest number stays."""
    rows = [row("same"), row("other"), row("same", subject="s")]
    assert [(one.position, one.survivor) for one in exact_duplicates(rows, [9, 4, 2])] == [(0, 2)]


def test_floors() -> None:
    """Rare slices lose nothing, protected ones at most a fifth, common ones in step with all rows."""
    floors = Floors(protect=("intent=vip",))
    assert floors.allowed("intent=rare", 49, 0.5) == 0
    assert floors.allowed("intent=vip", 100, 0.5) == 20
    assert floors.allowed("intent=common", 100, 0.5) == 60
    assert floors.allowed("intent=common", 100, 1.0) == 20


def test_thinning_keeps_the_most_different_rows_of_a_short_slice() -> None:
    """When a slice may lose only some rows, the closest copies go and the others say which slice kept them."""
    rows = [row(f"text {n}", slices={"intent": "vip"}) for n in range(60)]
    alike = [row(text, slices={"intent": "vip"}) for text in ("a b c d e", "a b c d e f", "a b c d e!")]
    choice = near_duplicates([*rows, *alike], Likeness(0.4, 0.4))
    one_only = Floors(rows=1, share=62 / 63, protect=("vip",))
    done = thin(choice.removals, [slices_of(one) for one in (*rows, *alike)], one_only)
    assert len(done.removals) == 1
    assert done.removals[0].similarity == max(one.similarity for one in choice.removals)
    assert set(done.kept.values()) == {"intent=vip"}


def test_table_lists_the_most_thinned_slice_first(banking: list[Row]) -> None:
    """The before-and-after table counts slices, sources and lengths, and starts with the worst."""
    lines = table(banking, [one for one in banking if one.side.slices["intent"] != "pending_top_up"])
    assert (lines[0]["slice"], lines[0]["before"], lines[0]["after"]) == ("intent=pending_top_up", 70, 0)
    assert any(line["slice"].startswith("prompt-words=") for line in lines)


def test_rows_that_call_otherwise_are_two_lessons() -> None:
    """Alike in all words, and other in what stands beside them; the name of a call tells nothing."""
    said = "please book the table that I like for me and for my wife tonight"

    def calling(arguments: str, id: str) -> Row:
        call = ToolCall("book", arguments, id)
        return Row(
            kind=Kind.DEMONSTRATION,
            messages=(Message("user", said), Message("assistant", "Done.", tool_calls=(call,))),
        )

    rows = [calling('{"city": "Rome"}', "1"), calling('{"city": "Oslo"}', "2"), calling('{"city": "Oslo"}', "3")]
    removals = near_duplicates(rows, Likeness()).removals
    assert [{1, 2}] == [{one.position, one.survivor} for one in removals]


def test_a_short_question_under_other_instructions_is_another_question() -> None:
    """However alike question and answer are; under the same ones a greeting makes no difference."""

    def told(system: str, asked: str) -> Row:
        turns = (Message("system", system), Message("user", asked), Message("assistant", "In the settings."))
        return Row(kind=Kind.DEMONSTRATION, messages=turns)

    shop, bank = "You speak for a shop that sells garden tools.", "You work at a bank and know nothing but accounts."
    rows = [told(shop, "change my PIN"), told(bank, "change my PIN"), told(bank, "hello, change my PIN please")]
    removals = near_duplicates(rows, Likeness()).removals
    assert [{1, 2}] == [{one.position, one.survivor} for one in removals]
