"""The engine vLLM against a fake of its surface: arguments, admission, answers, errors. vLLM itself never ran here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_adapters import BASE, make_adapter

from headgate.kit.errors import Refused, Unavailable
from headgate.serve.engines.openai_app import in_thread
from headgate.serve.engines.vllm_server import arguments, environment, open_runtime
from headgate.serve.names import GivenNames
from headgate.serve.opening import open_desk
from headgate.serve.settings import Settings


class Fake(ThreadingHTTPServer):
    """Answers as the documented surface does: each completion tells its model and how many token ids it got."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.seen, self.adapters, self.cut = root, [], {}, False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.send({"data": [{"id": "base", "root": str(self.server.root), "parent": None}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, body))
        if self.path.endswith("_lora_adapter"):
            if "load" in self.path and body.get("lora_path", "").endswith("refused"):
                return self.send({"error": {"message": "rank too high"}}, 400)
            return self.send({})
        if "lora_path" in body or body["prompt"] == [1]:
            return self.send({"error": {"message": "out of memory"}}, 500)
        self.send_response(200)
        self.end_headers()
        events: list[dict[str, Any]] = [{"choices": [{"text": f"{body['model'][:4]} "}]}]
        if not self.server.cut:
            events += [
                {"choices": [{"text": str(len(body["prompt"])), "finish_reason": "stop"}]},
                {"choices": [], "usage": {"completion_tokens": 2}},
            ]
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    def send(self, body: dict[str, Any], status: int = 200) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake(BASE)
    yield server
    server.shutdown()
    server.server_close()


def test_arguments_of_a_server_with_adapters() -> None:
    """Room for adapters and their ranks, loopback, no weights but safetensors; adapters may be loaded at run time."""
    words = arguments(BASE, Settings(engine="vllm", batch=7, vllm_rank=32, vllm_adapters=3), 9000)
    assert ["vllm", "serve", str(BASE), "--host", "127.0.0.1", "--port", "9000"] == words[:7]
    options = dict(zip(words[words.index("--max-loras") :: 2], words[words.index("--max-loras") + 1 :: 2], strict=True))
    assert {
        "--max-loras": "3", "--max-cpu-loras": "12", "--max-lora-rank": "32", "--max-num-seqs": "7",
        "--load-format": "safetensors",
    } == options  # fmt: skip
    assert "--enable-lora" in words
    assert "True" == environment()["VLLM_ALLOW_RUNTIME_LORA_UPDATING"]


def test_without_vllm_the_door_says_what_is_missing() -> None:
    """And how to use a server that runs elsewhere."""
    with pytest.raises(Unavailable, match="--vllm URL"):
        open_runtime(BASE, Settings(engine="vllm"))
    with pytest.raises(Refused, match="no such rank"):
        open_runtime(BASE, Settings(engine="vllm", vllm_rank=24))


def test_a_server_that_is_not_ours_is_refused(fake: Fake, tmp_path: Path) -> None:
    """Nobody there, or another folder behind it."""
    with pytest.raises(Refused, match="does not answer"):
        open_runtime(BASE, Settings(engine="vllm", vllm_url="http://127.0.0.1:9"))
    fake.root = tmp_path
    with pytest.raises(Refused, match="another folder"):
        open_runtime(BASE, Settings(engine="vllm", vllm_url=fake.url))


def test_the_same_surface_over_vllm(fake: Fake, tmp_path: Path) -> None:
    """Names, admission and shapes are ours; vLLM is given token ids and an adapter that was found to belong."""
    adapters = {name: make_adapter(tmp_path / name, seed=1) for name in ("good", "edited", "refused")}
    names = GivenNames(adapters)
    (adapters["edited"] / "headgate.json").unlink()
    settings = Settings(engine="vllm", vllm_url=fake.url + "/v1", port=0, grace=1.0)
    with in_thread(open_desk(BASE, names, settings), settings) as url:

        def ask(model: str, **more: Any) -> httpx.Response:
            body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
            return httpx.post(url + "/chat/completions", json=body)

        said = ask("good", stop=["x"], seed=3).json()
        _, sent = next(one for one in fake.seen if one[0] == "/v1/completions")
        assert f"good {len(sent['prompt'])}" == said["choices"][0]["message"]["content"]
        assert (2, [3, ["x"]]) == (said["usage"]["completion_tokens"], [sent["seed"], sent["stop"]])
        assert ["/v1/load_lora_adapter"] == [one for one, _ in fake.seen if "lora" in one]
        assert "data: [DONE]" in ask("good", stream=True).text
        assert "base" == next(body["model"] for _, body in [*fake.seen, ask("headgate-tiny") and fake.seen[-1]][-1:])
        edited, refused = ask("edited"), ask("refused")
        assert ("no record of its base", 503) == (
            edited.json()["error"]["message"].partition("the adapter has ")[2], edited.status_code,
        )  # fmt: skip
        assert "rank too high" in refused.json()["error"]["message"]
        broken = httpx.post(url + "/completions", json={"model": "good", "prompt": [1]})
        assert (500, "answer_failed") == (broken.status_code, broken.json()["error"]["code"])
        fake.cut = True
        assert "broke off" in ask("good").json()["error"]["message"]
