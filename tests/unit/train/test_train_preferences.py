"""Pre-flight of pairs, judged answers and prompts: what is learned of each, and what stops a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headgate.kit.errors import Refused
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.row import Kind, Message, Row, Side
from headgate.stats.verdict import Level, Outcome
from headgate.train.preferences import judged_of, pairs_of, preference_flight
from headgate.train.preflight import PreFlight
from headgate.train.prompts import asked_of, prompt_flight
from headgate.train.rewards import rewards_of
from headgate.train.settings import Grpo, Settings
from headgate.train.shard import keep, read

ASK = Message("user", "Where is my card?")
GOOD, BAD = Message("assistant", "card arrival"), Message("assistant", "change pin")


def pair(good: Message = GOOD, bad: Message = BAD, ask: str = ASK.content) -> Row:
    return Row(kind=Kind.PREFERENCE, messages=(Message("user", ask),), chosen=(good,), rejected=((bad,),))


def judged(label: bool | None, said: Message = GOOD) -> Row:
    return Row(kind=Kind.UNPAIRED, messages=(ASK, said), label=label)


def flown(base: Path, rows: list[Row], *, method: str = "dpo", limit: int = 1024) -> PreFlight:
    lessons = pairs_of(rows) if method == "dpo" else judged_of(rows)
    return preference_flight(rows, lessons, Tokenizer(base), ChatTemplate.of_folder(base), limit)


def learned(base: Path, flight: PreFlight, row: int = 0, text: int = 0) -> str:
    tokens, weights = flight.shard.row(row, text)
    inner = Tokenizer(base)._inner
    return str(inner.decode([int(t) for t, w in zip(tokens, weights, strict=True) if w], skip_special_tokens=False))


def problem(flight: PreFlight) -> str:
    verdict = flight.verdicts[0]
    assert verdict.outcome is Outcome.FAIL
    return verdict.findings[0].message


def test_both_answers_of_a_pair_are_compared_to_their_ends(base: Path) -> None:
    """The prompt is context of both; each answer counts with the token that ends it."""
    flight = flown(base, [pair()])
    assert [learned(base, flight, 0, text) for text in (0, 1)] == ["card arrival<|end|>", "change pin<|end|>"]
    assert (flight.blocks, flight.shard.each, len(flight.shard)) == (False, 2, 1)


def test_what_was_said_before_is_no_part_of_the_comparison(base: Path) -> None:
    """Assistant turns of the prompt are the same in both and are not learned."""
    row = replace(pair(), messages=(ASK, Message("assistant", "Which card?"), ASK))
    assert learned(base, flown(base, [row])) == "card arrival<|end|>"


def test_masks_and_weights_reach_the_answers(base: Path) -> None:
    """A masked span is compared in neither; a weight between 0 and 1 is kept for the loss."""
    masked = Message("assistant", "card 4929 arrival", masked=((5, 9),))
    flight = flown(base, [pair(masked, replace(BAD, weight=0.5))])
    assert "4929" not in learned(base, flight)
    assert {float(w) for w in flight.shard.row(0, 1)[1]} == {0.0, 0.5}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (pair(GOOD, GOOD), "chosen and rejected are the same"),
        (replace(pair(), rejected=()), "a pair needs a chosen and a rejected answer"),
        (pair(GOOD, Message("assistant", "see <|end|>")), "a message holds the control token <|end|>"),
        (pair(GOOD, Message("assistant", "word " * 2000)), "tokens do not fit 1024"),
    ],
)
def test_pairs_that_cannot_be_compared_stop_the_run(base: Path, row: Row, found: str) -> None:
    """The row is named with the reason."""
    flight = flown(base, [pair(ask="Which PIN?"), row])
    assert found in problem(flight)
    assert flight.blocks


def test_opposite_preferences_are_both_named(base: Path) -> None:
    """Two rows that prefer the opposite answer to one prompt teach nothing together."""
    flight = flown(base, [pair(), pair(ask="Which PIN?"), pair(BAD, GOOD)])
    assert {one.row for one in flight.verdicts[0].findings} == {pair().id, pair(BAD, GOOD).id}
    assert problem(flight) == "another row prefers the opposite"


def test_a_habit_of_longer_answers_is_reported_and_does_not_block(base: Path) -> None:
    """Chosen longer in every pair: the verdict fails as a warning; balanced pairs pass."""
    long = Message("assistant", "card arrival of the card that was sent")
    biased = [pair(long, BAD, f"Where is card {i}?") for i in range(40)]
    verdict = flown(base, biased).verdicts[2]
    assert (verdict.rule, verdict.outcome, verdict.level) == ("pair-length", Outcome.FAIL, Level.WARN)
    assert verdict.measure is not None and verdict.measure.value == 1.0
    even = [pair(*((long, BAD) if i % 2 else (BAD, long)), f"Where is card {i}?") for i in range(400)]
    flight = flown(base, even)
    assert (flight.verdicts[2].outcome, flight.blocks) == (Outcome.PASS, False)


def test_several_rejected_answers_make_several_pairs(base: Path) -> None:
    """Each rejected answer is compared with the chosen one; the pairs have names of their own."""
    row = replace(pair(), rejected=((BAD,), (Message("assistant", "top up"),)))
    flight = flown(base, [row])
    assert flight.shard.row_ids == (row.id, f"{row.id}#1")
    assert learned(base, flight, 1, 1) == "top up<|end|>"


def test_judged_answers_keep_their_labels(base: Path, tmp_path: Path) -> None:
    """Good and bad reach the shard, which says the same after it was written and read."""
    flight = flown(base, [judged(True), judged(False, BAD), pair()], method="kto")
    assert flight.shard.labels == (True, False, True, False)
    again = read(keep(flight.shard, tmp_path))
    assert (again.labels, again.digest) == (flight.shard.labels, flight.shard.digest)
    assert problem(flown(base, [judged(None)], method="kto")) == "the answer is labelled neither good nor bad"


def test_rows_of_another_kind_are_refused_with_what_would_train_them() -> None:
    """The number of rows, their kind, and the method for them."""
    shown = Row(kind=Kind.DEMONSTRATION, messages=(ASK, GOOD))
    with pytest.raises(Refused, match="method dpo cannot learn") as caught:
        pairs_of([pair(), shown])
    assert caught.value.found == "1 of 2 rows are of kind demonstration"
    assert "sft" in str(caught.value.next_step)
    with pytest.raises(Refused, match="method kto cannot learn"):
        judged_of([shown])
    with pytest.raises(Refused, match="method grpo cannot learn"):
        asked_of([pair()], "", None)


def prompts(base: Path, rows: list[Row], rewards: list[str], project: Path, key: str = "") -> PreFlight:
    template = ChatTemplate.of_folder(base)
    return prompt_flight(
        rows, asked_of(rows, key, template), rewards_of(rewards, project), Tokenizer(base), template, 1024, 16
    )


def test_prompts_end_where_the_answer_begins_and_references_earn_the_reward(base: Path, tmp_path: Path) -> None:
    """Nothing of the reference is in the prompt; it may come from the answer or from another column."""
    shown = Row(kind=Kind.DEMONSTRATION, messages=(ASK, GOOD))
    flight = prompts(base, [shown], ["exact", "contains"], tmp_path)
    text = Tokenizer(base)._inner.decode(flight.shard.row(0)[0].tolist(), skip_special_tokens=False)
    assert (text, flight.blocks) == (
        "<|begin|><|user|>Where is my card?<|end|><|assistant|>",
        False,
    )
    column = Row(kind=Kind.PROMPT, messages=(ASK,), side=Side(extra={"solution": 42}))
    assert not prompts(base, [column], ["number"], tmp_path, "solution").blocks
    assert problem(prompts(base, [column], ["number"], tmp_path)) == "reward number: the target holds no number"


def test_a_scorer_that_does_not_know_the_right_answer_stops_the_run(base: Path, tmp_path: Path) -> None:
    """A reference in words cannot earn a reward for JSON."""
    shown = Row(kind=Kind.DEMONSTRATION, messages=(ASK, GOOD))
    assert problem(prompts(base, [shown], ["json-match"], tmp_path)) == "reward json-match: the target is no JSON"


def test_rewards_read_schemas_and_functions_and_are_known_by_their_hash(tmp_path: Path) -> None:
    """A schema and a function of the user's own; another content is another reward."""
    (tmp_path / "topic.json").write_text('{"type": "object", "required": ["topic"]}')
    (tmp_path / "mine.py").write_text("def short(prompt, answer, reference):\n    return 1 / (1 + len(answer))\n")
    schema, mine = rewards_of(["json-schema:topic.json", "python:mine.py:short"], tmp_path)
    assert [schema.score((), text, "") for text in ('{"topic": 1}', "{}", "topic")] == [1.0, 0.0, 0.0]
    assert mine.score((), "abc", "") == 0.25
    before = mine.digest
    (tmp_path / "mine.py").write_text("def short(prompt, answer, reference):\n    return float('nan')\n")
    (other,) = rewards_of(["python:mine.py:short"], tmp_path)
    assert before != other.digest
    with pytest.raises(Refused, match="the reward short failed"):
        other.score((), "abc", "")
    (tmp_path / "mine.py").write_text("import sys\ndef short(prompt, answer, reference):\n    sys.exit(0)\n")
    (ends,) = rewards_of(["python:mine.py:short"], tmp_path)
    with pytest.raises(Refused, match="the reward short failed"):
        ends.score((), "abc", "")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("exactly", "no such reward"),
        ("python:../outside.py:f", "outside the project"),
        ("python:absent.py:f", "no such file"),
        ("json-schema:bad.json", "not a JSON schema"),
        ("python:bad.py:f", "cannot be read"),
        ("python:ends.py:f", "cannot be read"),
        ("python:empty.py:f", "no such function"),
    ],
)
def test_rewards_that_cannot_be_used_are_refused(tmp_path: Path, name: str, what: str) -> None:
    """Unknown, outside, missing, or not what it should be: refused before anything is trained."""
    (tmp_path / "bad.json").write_text('{"type": 7}')
    (tmp_path / "bad.py").write_text("1/0\n")
    (tmp_path / "ends.py").write_text("raise SystemExit(0)\n")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(Refused, match=what):
        rewards_of([name], tmp_path)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"method": "grpo"}, "grpo needs rewards"),
        ({"method": "dpo", "engine": "transformers-sft"}, "does not train dpo"),
        ({"engine": "trl"}, "does not train sft"),
        ({"method": "kto", "batch": 1}, "kto needs two rows"),
        ({"method": "grpo", "grpo": Grpo(rewards=["exact"], reward_weights=[1.0, 2.0])}, "not one weight"),
    ],
)
def test_settings_that_contradict_the_method_are_refused(given: dict, found: str) -> None:
    """Each method says what it needs."""
    with pytest.raises(Refused) as caught:
        Settings(base="b", **given)
    assert found in str(caught.value.found)
