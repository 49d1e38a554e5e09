"""The OpenAI surface, asked by the vendor's own client."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from made_adapters import BASE, make_adapter

from headgate.models.opening import open_model
from headgate.serve.engines.openai_app import in_thread
from headgate.serve.names import GivenNames, Snapshot
from headgate.serve.opening import open_desk
from headgate.serve.settings import Settings

pytestmark = pytest.mark.training

ASKED: list[dict[str, str]] = [{"role": "user", "content": "Play the next song."}]


@pytest.fixture(scope="module")
def client(running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.url, api_key="none", max_retries=0) as one:
        yield one


def health(running) -> dict[str, Any]:
    return httpx.get(running.url.removesuffix("/v1") + "/healthz").json()


def test_models_are_immutable_names_aliases_and_the_base(running, client) -> None:
    """An alias says what it means; one model can be asked for."""
    models = {one.id: one for one in client.models.list()}
    names = [one for one in models if "@" in one]
    assert {"headgate-tiny", *names, *running.adapters} == set(models)
    assert {name.partition("@")[0]: name for name in names} == {alias: models[alias].root for alias in running.adapters}
    assert "headgate-tiny" == client.models.retrieve(names[0]).parent
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_a_completion_names_what_answered_and_counts(running, client) -> None:
    """The immutable name in body and header, the address of base and adapter, the tokens."""
    raw = client.chat.completions.with_raw_response.create(model="a1", messages=ASKED, temperature=0, max_tokens=8)
    said = raw.parse()
    local = open_model(f"local:{BASE}", adapter=running.adapters["a1"])
    assert said.model == raw.headers["x-headgate-model"]
    assert said.model.startswith("a1@")
    assert local.fingerprint == said.system_fingerprint
    assert local.count_tokens(ASKED) == said.usage.prompt_tokens
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens
    assert "next song" == client.chat.completions.create(
        model="headgate-tiny", messages=ASKED, temperature=0
    ).choices[0].message.content  # fmt: skip


def test_events_make_the_same_answer(client) -> None:
    """Role first, text in parts, a reason to end, and the counts where they are asked for."""
    asked: dict[str, Any] = {"model": "a2", "messages": ASKED, "temperature": 0, "max_tokens": 12}
    whole = client.chat.completions.create(**asked)
    events = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    deltas = [one.choices[0] for one in events if one.choices]
    assert "assistant" == deltas[0].delta.role
    assert whole.choices[0].message.content == "".join(one.delta.content or "" for one in deltas)
    assert whole.choices[0].finish_reason == deltas[-1].finish_reason
    assert (whole.usage, 1) == (events[-1].usage, len({one.id for one in events}))


def test_plain_completions_many_prompts_and_choices(client) -> None:
    """Choices of the first prompt, then of the next; a seed makes them repeat; events carry their numbers."""
    asked: dict[str, Any] = {"model": "a1", "prompt": ["Play", "Buy"], "n": 2, "max_tokens": 5, "seed": 7}
    said = client.completions.create(**asked, temperature=1.5)
    assert [0, 1, 2, 3] == [one.index for one in said.choices]
    again = client.completions.create(**asked, temperature=1.5)
    assert [one.text for one in said.choices] == [one.text for one in again.choices]
    parts = ["", "", "", ""]
    for event in client.completions.create(**asked, temperature=1.5, stream=True):
        parts[event.choices[0].index] += event.choices[0].text
    assert [one.text for one in said.choices] == parts


def test_adapters_come_and_go_within_the_budget(running, client) -> None:
    """Six adapters, room for three: each says at the end what it said at the start, and many at once are right."""

    def ask(name: str) -> str:
        try:
            said = client.chat.completions.create(model=name, messages=ASKED, temperature=0, max_tokens=6)
        except openai.RateLimitError:  # all three that fit are answering
            return ask(name)
        return str(said.choices[0].message.content)

    first = {name: ask(name) for name in running.adapters}
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(ask, [*running.adapters] * 3))
    assert [*first.values()] * 3 == again
    standing = health(running)["adapters"]
    assert standing["loaded_bytes"] <= standing["budget_bytes"]
    assert standing["evictions"] >= 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "nobody"}, 404, "model_not_found"),
        ({"messages": [{"role": "user", "content": "card " * 1100}]}, 400, "context_length_exceeded"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "invalid_value"),
        ({"logprobs": True}, 400, "unsupported_parameter"),
    ],
)
def test_errors_have_the_shape_of_the_surface(client, body: dict[str, Any], status: int, code: str) -> None:
    """The client raises its own errors, with our words in them."""
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**({"model": "a1", "messages": ASKED} | body))
    assert (status, code) == (caught.value.status_code, caught.value.code)


def test_wire_errors(running) -> None:
    """Routes, methods, sizes, hosts: refused without a traceback."""
    post = lambda **more: httpx.post(running.url + "/chat/completions", **more)  # noqa: E731
    assert 404 == httpx.get(running.url + "/nothing").status_code
    assert 405 == httpx.get(running.url + "/completions").status_code
    assert "request_too_large" == post(content=b" " * (1 << 20) + b"{}").json()["error"]["code"]
    assert "invalid_json" == post(content=b"\xff").json()["error"]["code"]
    assert 400 == httpx.get(running.url + "/models", headers={"host": "evil.example"}).status_code


def test_a_token_is_asked_for_where_one_is_set(made: dict[str, Path]) -> None:
    """Health stays open; names and answers do not."""
    settings = Settings(port=0, token="s3cret", grace=1.0)
    with in_thread(open_desk(BASE, GivenNames({"a0": made["a0"]}), settings), settings) as url:
        for key, status in (("wrong", 401), ("s3cret", 200)):
            head = {"authorization": f"Bearer {key}"}
            assert status == httpx.get(url + "/models", headers=head).status_code
            body = {"model": "a0", "messages": ASKED, "max_tokens": 1}
            assert status == httpx.post(url + "/chat/completions", json=body, headers=head).status_code
        assert 200 == httpx.get(url.removesuffix("/v1") + "/healthz").status_code


class Moving:
    """Names whose aliases a test moves."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._served = GivenNames(folders).read().served
        self.by_first = {name.partition("@")[0]: name for name in self._served}
        self.aliases: dict[str, str] = {}

    def read(self) -> Snapshot:
        return Snapshot(self._served, dict(self.aliases))


def test_an_alias_moved_to_a_broken_adapter_goes_on_as_before(made: dict[str, Path], tmp_path: Path) -> None:
    """The refusal is told in health; the name itself is refused; mended, the alias follows."""
    broken = make_adapter(tmp_path / "broken", seed=8)
    good = (broken / "adapter_model.safetensors").read_bytes()
    names = Moving({"a0": made["a0"], "broken": broken})
    names.aliases = {"production": names.by_first["a0"]}
    settings = Settings(port=0, refresh=0.05, retry=0.0, grace=1.0)
    desk = open_desk(BASE, names, settings)
    with in_thread(desk, settings) as url:

        def ask(model: str) -> httpx.Response:
            return httpx.post(url + "/completions", json={"model": model, "prompt": "hi", "max_tokens": 2})

        assert names.by_first["a0"] == ask("production").json()["model"]
        (broken / "adapter_model.safetensors").write_bytes(good[:-10])
        names.aliases["production"] = names.by_first["broken"]
        desk.refresh()
        assert names.by_first["a0"] == ask("production").json()["model"]
        refused = ask(names.by_first["broken"])
        assert (503, "adapter_refused") == (refused.status_code, refused.json()["error"]["code"])
        told = httpx.get(url.removesuffix("/v1") + "/healthz").json()
        assert ("degraded", {"production": names.by_first["a0"]}) == (told["status"], told["aliases_behind"])
        assert "cut short" in told["refused"][names.by_first["broken"]]
        (broken / "adapter_model.safetensors").write_bytes(good)
        assert names.by_first["broken"] == ask("production").json()["model"]
        assert "ok" == httpx.get(url.removesuffix("/v1") + "/healthz").json()["status"]


def test_a_full_queue_is_429_and_a_stop_lets_answers_end(made: dict[str, Path]) -> None:
    """The vendor's client sees a rate limit with a time to wait; what runs at the end is answered whole."""
    settings = Settings(port=0, batch=2, queue=3, grace=20.0)
    desk = open_desk(BASE, GivenNames({"a0": made["a0"]}), settings)
    body = {"model": "headgate-tiny", "prompt": "hi", "temperature": 2.0, "max_tokens": 200}
    with ThreadPoolExecutor(12) as pool, in_thread(desk, settings) as url:
        found = list(pool.map(lambda _: httpx.post(url + "/completions", json=body, timeout=60), range(12)))
        while desk.health()["answers"]["running"]:
            pass  # an answer that was given may still be counted
        late = pool.submit(httpx.post, url + "/completions", json=body, timeout=60)
        while not desk.health()["answers"]["running"]:
            pass
        desk.stopping = True
        refused = httpx.post(url + "/completions", json=body)
    full = [one for one in found if one.status_code == 429]
    assert {200, 429} == {one.status_code for one in found}
    assert ({"queue_full"}, {"1"}) == (
        {one.json()["error"]["code"] for one in full}, {one.headers["retry-after"] for one in full},
    )  # fmt: skip
    assert (200, 503) == (late.result().status_code, refused.status_code)
