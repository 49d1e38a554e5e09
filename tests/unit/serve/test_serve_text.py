"""Text of answers piece by piece, and requests that are refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.serve.requests import Problem, Reader
from headgate.serve.settings import Settings
from headgate.serve.unfolding import Unfolding


def of_bytes(ids: Sequence[int]) -> str:
    """A decoder whose tokens are single bytes, so that most characters take several."""
    return bytes(ids).decode(errors="replace")


def unfolded(text: str, stops: Sequence[str] = ()) -> tuple[list[str], bool]:
    one, parts = Unfolding(of_bytes, stops), []
    for token in text.encode():
        parts.append(one.add(token))
        if one.stopped:
            return parts, True
    return [*parts, one.end()], one.stopped


@settings(derandomize=True, max_examples=100)
@given(st.text(max_size=40))
def test_pieces_make_the_text_and_hold_whole_characters(text: str) -> None:
    """Nothing is lost, doubled or cut inside a character."""
    parts, _ = unfolded(text)
    assert text == "".join(parts)
    if "\ufffd" not in text:
        assert not any("\ufffd" in part for part in parts)


@settings(derandomize=True, max_examples=100)
@given(st.text("ab é", max_size=30), st.lists(st.text("ab é", min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_stop_text_ends_the_answer_before_itself(text: str, stops: list[str]) -> None:
    """What is given out is the text up to the stop that is whole first; without one it is the whole text."""
    ends = [place + len(stop) for stop in stops if (place := text.find(stop)) >= 0]
    parts, stopped = unfolded(text, stops)
    assert bool(ends) == stopped
    if not ends:
        assert text == "".join(parts)
    else:
        head = text[: min(ends)]
        found = [head.find(stop) for stop in stops]
        assert min(place for place in found if place >= 0) == len("".join(parts))


def reader(**settings: Any) -> Reader:
    return Reader(
        Settings(**settings),
        lambda messages, tools: "".join(str(one["content"]) for one in messages),
        lambda text: [ord(one) % 100 for one in text],
        50,
        100,
    )


def body(**more: Any) -> bytes:
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **more})


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b"[1]", "invalid_json", None),
        (b'{"model": "m"}', "invalid_value", "messages"),
        (body(model=3), "invalid_value", "model"),
        (body(messages=[{"role": "user"}]), "invalid_value", "messages[0]"),
        (body(messages=[{"role": "user", "content": [{"type": "image_url"}]}]), "invalid_value", "messages[0]"),
        (body(temperature=3), "invalid_value", "temperature"),
        (body(temperature=True), "invalid_value", "temperature"),
        (body(n=9), "invalid_value", "n"),
        (body(max_tokens=1.5), "invalid_value", "max_tokens"),
        (body(max_tokens=5000), "invalid_value", "max_tokens"),
        (body(max_tokens=49), "context_length_exceeded", "messages"),
        (body(stop=[""]), "invalid_value", "stop"),
        (body(seed="x"), "invalid_value", "seed"),
        (body(stream="yes"), "invalid_value", "stream"),
        (body(logprobs=True), "unsupported_parameter", "logprobs"),
        (body(frequency_penalty=0.5), "unsupported_parameter", "frequency_penalty"),
        (body(response_format={"type": "json_object"}), "unsupported_parameter", "response_format"),
        (body(guided_regex="a"), "unsupported_parameter", "guided_regex"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(raw: bytes, code: str, param: str | None) -> None:
    """Nothing that would change the answer is ignored."""
    with pytest.raises(Problem) as caught:
        reader().chat(raw)
    assert (400, code, param) == (caught.value.status, caught.value.code, caught.value.param)


def test_what_changes_nothing_is_taken() -> None:
    """Idle parameters and neutral values; parts of text; the longest answer that fits."""
    wanted = reader().chat(
        body(
            user="u", frequency_penalty=0, logprobs=False, seed=4, n=2, stop="x", stream_options={"include_usage": True}
        )
    )
    assert [4, 5] == [ask.seed for ask in wanted.asks("a@1")]
    assert (48, ("x",), 1.0, True) == (
        wanted.ask.max_tokens, wanted.ask.stop, wanted.ask.temperature, wanted.with_usage,
    )  # fmt: skip
    parts = [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]
    assert wanted.prompts == reader().chat(body(messages=[{"role": "user", "content": parts}])).prompts


def test_plain_prompts_are_text_or_token_ids() -> None:
    """One or many; an id that the base does not have is refused."""
    read = reader().plain
    assert ((4, 5),) == read(b'{"model": "m", "prompt": [4, 5]}').prompts
    assert ((4,), (97,)) == read(b'{"model": "m", "prompt": [[4], "a"]}').prompts
    for bad in ("[]", "[100]", '""', "3", "[[]]", '[["a"]]', "[true]"):
        with pytest.raises(Problem):
            read(b'{"model": "m", "prompt": ' + bad.encode() + b"}")


def test_a_server_that_others_can_reach_needs_a_token() -> None:
    """Loopback by default."""
    from headgate.kit.errors import Refused

    assert "127.0.0.1" == Settings().host
    with pytest.raises(Refused, match="needs a token"):
        Settings(host="0.0.0.0")
    assert "0.0.0.0" == Settings(host="0.0.0.0", token="t").host
