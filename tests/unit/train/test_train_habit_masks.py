"""A habit that a decision masks is in the row and not in the loss."""

from __future__ import annotations

from pathlib import Path

from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer
from headgate.rows.row import Kind, Message, Row
from headgate.rules.operations import operations
from headgate.train.preflight import pre_flight


def test_no_token_of_a_masked_habit_has_weight(base: Path) -> None:
    """The tokens are those of the whole answer; only the refund and the stock phrase are not learned."""
    answer = "Your card is at the depot. I have given you a full refund. Kindly do the needful."
    before = Row(kind=Kind.DEMONSTRATION, messages=(Message("user", "Where is it?"), Message("assistant", answer)))
    after = operations({"concession": "mask", "kindly do the needful": "mask"}).on(before).row
    assert after is not None
    template = ChatTemplate.of_folder(base)
    flight = pre_flight([before, after], Tokenizer(base), template, 1024)
    (whole, learned), (tokens, weights) = flight.shard.row(0), flight.shard.row(1)
    assert whole.tolist() == tokens.tolist()
    inner = Tokenizer(base)._inner
    gone = inner.decode([int(t) for t, w, v in zip(tokens, weights, learned, strict=True) if v and not w])
    left = inner.decode([int(t) for t, w in zip(tokens, weights, strict=True) if w])
    assert all(word in gone for word in ("refund", "needful"))
    assert "depot" in left
    assert not any(word in left for word in ("refund", "needful", "Kindly"))
