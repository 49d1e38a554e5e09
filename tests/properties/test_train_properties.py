"""What holds for any rows: order, masks and batches change nothing that they should not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.row import Kind, Message, Row
from headgate.train.preflight import pre_flight
from headgate.train.schedule import schedule_of

BASE = Path(__file__).parents[2] / "examples/base/headgate-tiny"
TOKENIZER, TEMPLATE = Tokenizer(BASE), ChatTemplate.of_folder(BASE)

texts = st.text(min_size=1, max_size=40).filter(lambda text: "<|" not in text)
answers = st.builds(
    lambda text, weight: Message("assistant", text, weight=weight), texts, st.sampled_from([None, 0.0, 0.5, 1.0])
)
turns = st.lists(st.tuples(texts.map(lambda text: Message("user", text)), answers), min_size=1, max_size=3)
rows = turns.map(
    lambda pairs: Row(kind=Kind.DEMONSTRATION, messages=tuple(message for pair in pairs for message in pair))
)


def weights_of(row: Row) -> list[float]:
    return [float(w) for w in pre_flight([row], TOKENIZER, TEMPLATE, 1 << 20).shard.weights]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(rows, min_size=2, max_size=4))
def test_the_order_of_rows_changes_no_row(some: list[Row]) -> None:
    """Each row has the same tokens and weights wherever it stands."""
    forth = pre_flight(some, TOKENIZER, TEMPLATE, 1 << 20).shard
    back = pre_flight(some[::-1], TOKENIZER, TEMPLATE, 1 << 20).shard
    for i in range(len(some)):
        mirrored = back.row(len(some) - 1 - i)
        assert [part.tolist() for part in forth.row(i)] == [part.tolist() for part in mirrored]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(rows, st.data())
def test_a_mask_only_takes_away(row: Row, data: st.DataObject) -> None:
    """Masked or not, the tokens are the same; a mask never adds to what is learned, and never takes the end."""
    last = row.messages[-1]
    begin = data.draw(st.integers(0, len(last.content)))
    end = data.draw(st.integers(begin, len(last.content)))
    masked = replace(row, messages=(*row.messages[:-1], replace(last, masked=((begin, end),))))
    plain, less = weights_of(row), weights_of(masked)
    assert len(plain) == len(less)
    assert all(b in (0.0, a) for a, b in zip(plain, less, strict=True))
    assert plain[-1] == less[-1]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(rows)
def test_only_answers_are_learned_and_each_to_its_end(row: Row) -> None:
    """The learned tokens read back as the answers that carry weight, in order, each with its end."""
    flight = pre_flight([row], TOKENIZER, TEMPLATE, 1 << 20)
    tokens, weights = flight.shard.row(0)
    learned = [int(t) for t, w in zip(tokens, weights, strict=True) if w]
    wanted = [m.content for m in row.messages if m.role == "assistant" and m.weight != 0.0]
    assert TOKENIZER.decode(learned) == "".join(wanted)
    assert sum(token in TOKENIZER.end_ids for token in learned) == len(wanted)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 30), st.integers(0, 5))
def test_no_row_is_seen_twice_before_all_were_seen_once(count: int, batch: int, steps: int, seed: int) -> None:
    """Passes follow each other, whatever the sizes."""
    order = schedule_of([f"b3:{i}" for i in range(count)], seed=seed, batch=batch, steps=steps, epochs=0).rows
    flat = order.reshape(-1).tolist()
    assert order.shape == (steps, batch)
    for start in range(0, len(flat), count):
        one = flat[start : start + count]
        assert len(set(one)) == len(one)
