"""The fake server speaks the OpenAI surface, plain and streamed, and misbehaves as told."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from headgate.testing.fake_endpoint import (
    FakeEndpoint,
    Reply,
    Request,
    hashed_vector,
    pieces,
    prompt_digest,
    replay_file,
    script,
)
from headgate.testing.faults import FAULTS, Plan, always, never, where

BODY = {"model": "m", "messages": [{"role": "user", "content": "wo ist meine Karte?"}]}


def streamed(url: str) -> str:
    with httpx.stream("POST", url + "/chat/completions", json={**BODY, "stream": True}, trust_env=False) as response:
        data = b"".join(response.iter_raw())
    events = [line[6:] for line in data.decode().split("\n") if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    return "".join(json.loads(e)["choices"][0]["delta"].get("content", "") for e in events)


@pytest.mark.parametrize("plan", [never, always("split-utf8")])
def test_a_stream_joins_to_the_answer(plan: Plan) -> None:
    """Streamed pieces make the whole answer, also when a piece ends inside a character."""
    text = "Größe und Maß: 日本 ✓"
    with FakeEndpoint(lambda request: text, faults=plan) as server:
        joined = streamed(server.url)
    assert joined == text


def test_a_split_stream_really_splits_characters() -> None:
    """The pieces join to the whole, and none of the cuts falls between two characters."""
    data = "Maß ✓".encode()
    cut = pieces(data, inside_character=True)
    assert b"".join(cut) == data and len(cut) == 4
    for piece in cut[:-1]:
        with pytest.raises(UnicodeDecodeError):
            piece.decode()


def test_routes_answer_in_the_openai_shape() -> None:
    """Models, chat, plain completions and embeddings have the fields a client reads."""
    with (
        FakeEndpoint(script({"Karte": "lost_card"}), models=("a", "b")) as server,
        httpx.Client(trust_env=False) as web,
    ):
        names = [m["id"] for m in web.get(server.url + "/models").json()["data"]]
        chat = web.post(server.url + "/chat/completions", json=BODY).json()
        plain = web.post(server.url + "/completions", json={"model": "m", "prompt": "Karte"}).json()
        vectors = web.post(server.url + "/embeddings", json={"model": "m", "input": ["a b", "a b", "c"]}).json()["data"]
        wrong = web.post(server.url + "/nothing", json={}).status_code, web.get(server.url + "/nothing").status_code
    assert names == ["a", "b"]
    assert chat["choices"][0]["message"] == {"role": "assistant", "content": "lost_card"}
    assert chat["usage"] == {"prompt_tokens": 4, "completion_tokens": 1}
    assert plain["choices"][0]["text"] == "lost_card"
    assert vectors[0]["embedding"] == vectors[1]["embedding"] != vectors[2]["embedding"]
    assert wrong == (404, 404)


def test_hashed_vectors_are_unit_length_and_stable() -> None:
    """The vector of a text is the same on every machine and has length one."""
    vector = hashed_vector("lost card")
    assert sum(v * v for v in vector) == pytest.approx(1.0)
    assert [i for i, v in enumerate(vector) if v] == [19, 59]
    assert hashed_vector("") == [0.0] * 64


def test_recorded_answers_are_replayed_by_prompt(tmp_path: Path) -> None:
    """A file of recorded outputs answers each prompt with its own output, per model."""
    path = tmp_path / "recorded.jsonl"
    lines = [
        {"prompt": "p", "answer": "before", "model": "old"},
        {"prompt": "p", "answer": "after", "model": "new"},
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}], "answer": "with system"},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    request = Request(
        seq=1, route="", model="m", messages=({"role": "user", "content": "p"},), attempt=1, fault="", body={}
    )
    assert [replay_file(path, model)(request) for model in ("old", "new")] == ["before", "after"]
    system = [{"role": "system", "content": "s"}, {"role": "user", "content": "p"}]
    assert prompt_digest(system) != request.digest
    path.write_text('{"answer": 1}')
    with pytest.raises(ValueError, match=r"recorded.jsonl:1"):
        replay_file(path)


def test_the_journal_counts_attempts_per_prompt() -> None:
    """A plan of faults sees which attempt a request is, and the journal keeps all of them."""
    with FakeEndpoint(lambda r: Reply(text="x"), faults=where("Karte", "500", times=1)) as server:
        with httpx.Client(trust_env=False) as web:
            codes = [web.post(server.url + "/chat/completions", json=BODY).status_code for _ in range(3)]
        assert codes == [500, 200, 200]
        assert [(r.seq, r.attempt, r.fault) for r in server.journal] == [(1, 1, "500"), (2, 2, ""), (3, 3, "")]


def test_an_unknown_fault_is_named() -> None:
    """A misspelt fault is an error at once, with the list of known ones."""
    with pytest.raises(ValueError, match=", ".join(FAULTS)):
        always("429s")
