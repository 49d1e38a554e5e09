"""What is done about habits: words put right, rows dropped, words kept, spans out of the loss; inputs untouched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.rows.row import Kind, Message, Row, ToolCall
from headgate.rules.habits import Habits
from headgate.rules.operations import operations, read_table, rules_named
from headgate.stats.verdict import Level, Outcome, Verdict


def row(*turns: Message) -> Row:
    """A dialogue."""
    return Row(kind=Kind.DEMONSTRATION, messages=turns)


def said(user: str, assistant: str) -> Row:
    """One question and its answer."""
    return row(Message("user", user), Message("assistant", assistant))


def verdict(rule: str, details: Mapping[str, object]) -> Verdict:
    """What a rule found."""
    return Verdict(
        rule=rule, code="", failure="", outcome=Outcome.FAIL, level=Level.WARN, summary="", details=dict(details)
    )


def masked(done: Row | None) -> list[str]:
    """The words that are out of the loss."""
    assert done is not None
    return [turn.content[start:end] for turn in done.messages for start, end in turn.masked]


def test_a_masked_phrase_keeps_its_words_and_leaves_the_input_alone() -> None:
    """The span is in the answer only, whatever its case; the text is what it was."""
    before = said("Kindly do the needful?", "It comes today. Kindly do the needful.")
    done = operations({"kindly do the needful": "mask"}).on(before)
    assert ["Kindly do the needful"] == masked(done.row)
    assert done.row is not None
    assert [turn.content for turn in before.messages] == [turn.content for turn in done.row.messages]
    assert {"mask: kindly do the needful": 1} == done.counts


def test_words_are_put_right_before_masks_are_laid() -> None:
    """A mask after a longer spelling still covers its own words, and one that was there has moved along."""
    answer = Message("assistant", "You recieve it soonest. I have given you a refund.", masked=((12, 14),))
    todo = operations({"recieve": "normalise: receive, dear friend,", "concession": "mask"})
    done = todo.on(row(Message("user", "Do I recieve it?"), answer))
    assert done.row is not None
    assert ["You receive, dear friend, it soonest. I have given you a refund."] == [
        turn.content for turn in done.row.messages if turn.role == "assistant"
    ]
    assert ["it", "I have given you a refund."] == masked(done.row)
    assert "Do I recieve it?" == done.row.messages[0].content


def test_a_dropped_habit_takes_the_row_and_a_kept_one_nothing() -> None:
    """The reason names the habit."""
    before = said("Hi", "Long story short, no.")
    gone = operations({"Long  story short": "drop"}).on(before)
    assert (None, "says 'long story short'") == (gone.row, gone.reason)
    assert before is operations({"long story short": "keep"}).on(before).row


def test_a_row_of_nothing_but_the_habit_goes() -> None:
    """A row that would teach nothing is no training row."""
    done = operations({"kindly wait": "mask"}).on(said("Hi", "Kindly wait!"))
    assert (None, "nothing is left to learn") == (done.row, done.reason)


def test_quoted_words_code_and_parts_of_words_stay() -> None:
    """Nothing is put right inside quotation marks, code or a longer word."""
    text = 'The sign says "do the needful", `do the needful` and redo the needfuls.'
    before = said("Hi", text)
    assert before is operations({"do the needful": "drop"}).on(before).row


def test_a_refund_by_a_tool_and_a_justified_apology_are_not_masked() -> None:
    """What the model can do, and what there is to be sorry for, is no habit."""
    call = Message("assistant", tool_calls=(ToolCall("refund", "{}"),))
    told = Message("assistant", "I have refunded it.")
    by_tool = row(Message("user", "Pay me back"), call, Message("tool", "ok"), told)
    sorry = said("My parcel never arrived!", "I am sorry to hear that. Let me look.")
    todo = operations({"concession": "mask", "action": "mask", "needless apology": "mask"})
    assert by_tool is todo.on(by_tool).row
    assert sorry is todo.on(sorry).row
    assert ["I'm so sorry!"] == masked(todo.on(said("When do you open?", "I'm so sorry! We open at nine.")).row)


def test_shorthand_is_masked_where_the_person_did_not_write_it() -> None:
    """By its sentence, by name or by its rule; what both write is left."""
    before = said("Is my card open?", "It is open. Adv cx re: acct. Anything else?")
    found = verdict("inherited-habits", {"behaviours": {"shorthand": {}}, "shorthand_habit": True})
    assert ["Adv cx re: acct."] == masked(operations({"shorthand": "mask"}).on(before).row)
    assert ["Adv cx re: acct."] == masked(operations({"inherited-habits": "mask"}, [found]).on(before).row)
    asked = said("is my acct open?", "Your acct is open.")
    assert asked is operations({"shorthand": "mask"}).on(asked).row


def test_acts_that_the_manifest_rules_out_go_with_their_rule() -> None:
    """A promise is no violation of itself, and one where `may_not` has it."""
    details = {"behaviours": {"promise": {}, "delay": {}}, "may_not": ["promise"]}
    before = said("Is it here?", "It is not. We will get back to you. One moment.")
    done = operations({"inherited-habits": "mask"}, [verdict("inherited-habits", details)]).on(before)
    assert ["We will get back to you."] == masked(done.row)


def test_what_the_model_may_do_stays() -> None:
    """An escalation that is allowed is not touched."""
    before = said("Where is it?", "At the depot. I'll transfer you to a supervisor.")
    assert before is operations({"escalation": "mask"}, habits=Habits(("escalation",), ())).on(before).row
    assert ["I'll transfer you to a supervisor."] == masked(operations({"escalation": "mask"}).on(before).row)


def test_a_rule_stands_for_what_it_found_and_a_name_speaks_for_itself() -> None:
    """The decision about one phrase goes before that about its rule, and spellings know their right form."""
    found = [
        verdict("house-phrases", {"counted": ["rest assured", "long story short"]}),
        verdict("learned-typo", {"variants": [{"wrong": "recieve", "right": "receive"}]}),
    ]
    table = {"house-phrases": "mask", "long story short": "keep", "recieve": "normalise"}
    done = operations(table, found).on(said("Hi", "Rest assured, long story short: you RECIEVE it."))
    assert ["Rest assured"] == masked(done.row)
    assert done.row is not None
    assert "Rest assured, long story short: you RECEIVE it." == done.row.messages[1].content
    assert ["learned-typo", "mixed-terms", "house-phrases"] == rules_named(table)


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"x": "burn"}, "no such decision"),
        ({"x": "mask: y"}, "no such decision"),
        ({"apology": "normalise: z"}, "kind of sentence"),
        ({"needful": "normalise"}, "nobody says what the right words are"),
    ],
)
def test_decisions_that_cannot_be_carried_out_are_refused(table: dict[str, str], what: str) -> None:
    """Each refusal says what is wrong."""
    with pytest.raises(Refused, match=what):
        operations(table)


def test_a_flow_file_is_a_file_of_decisions(tmp_path: Path) -> None:
    """[curate.habits] of a flow file, plain TOML and JSON say the same."""
    for name, text in (
        ("headgate.toml", '[curate.habits]\n"needful" = "mask"\n'),
        ("plain.toml", '"needful" = "mask"\n'),
        ("plain.json", '{"needful": "mask"}'),
    ):
        (tmp_path / name).write_text(text)
        assert {"needful": "mask"} == read_table(tmp_path / name)
    (tmp_path / "bad.toml").write_text("[curate]\n")
    with pytest.raises(Refused, match="not a table of decisions"):
        read_table(tmp_path / "bad.toml")


def test_a_term_is_put_right_with_its_own_capitals() -> None:
    """A name keeps the capitals it has, at the beginning of a sentence too; the rule stands for all its terms."""
    terms = [{"wrong": "iphone", "right": "iPhone"}, {"wrong": "e-mail", "right": "email"}]
    found = [verdict("mixed-terms", {"variants": terms})]
    done = operations({"mixed-terms": "normalise", "e-mail": "keep"}, found).on(said("iphone?", "Iphone and E-mail."))
    assert done.row is not None
    assert ["iphone?", "iPhone and E-mail."] == [turn.content for turn in done.row.messages]
    done = operations({"e-mail": "normalise"}, found).on(said("Hi", "Iphone and E-mail."))
    assert done.row is not None
    assert "Iphone and Email." == done.row.messages[1].content
