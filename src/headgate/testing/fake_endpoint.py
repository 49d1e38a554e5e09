"""A fake OpenAI-compatible server: real answers on replay, and every fault on demand.

Standard library only, loopback only, no model inside. Three ways to answer:

- `script({...})`: the first key found in the last message gives the answer;
- `replay({...})` or `replay_file(path)`: recorded outputs by `prompt_digest` of the messages;
- any function from a `Request` to text or a `Reply` (a policy).

`faults` says when to misbehave (`headgate.testing.faults`). `journal` keeps every request, so that a
test can ask whether something was sent twice or what a prompt contained.

    with FakeEndpoint(script({"lost": "lost_card"})) as server:
        model = open_model(server.spec("anything"))
"""

from __future__ import annotations

import hashlib
import itertools
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from headgate.testing.faults import Plan, never
from headgate.testing.plain_http import PlainHandler

DIMENSIONS = 64  # of the hashed embedding vectors
LARGEST_REQUEST = 16 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the server saw it."""

    seq: int  # from 1
    route: str  # such as "/v1/chat/completions"
    model: str
    messages: tuple[Mapping[str, Any], ...]  # of a plain completion: one user message
    attempt: int  # how often this model was sent this prompt, from 1
    fault: str  # what was done to it; empty: a right answer
    body: Mapping[str, Any]
    key: str = ""  # bearer token that came with it

    @property
    def text(self) -> str:
        """Content of the last message."""
        return str(self.messages[-1].get("content", "")) if self.messages else ""

    @property
    def digest(self) -> str:
        """`prompt_digest` of the messages."""
        return prompt_digest(self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with a finish reason of its own."""

    text: str
    finish_reason: str = "stop"


Answerer = Callable[[Request], str | Reply]


def prompt_digest(messages: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of roles and contents: the key of recorded answers."""
    pairs = [[str(m.get("role", "")), str(m.get("content", ""))] for m in messages]
    return hashlib.sha256(json.dumps(pairs, ensure_ascii=False).encode()).hexdigest()


def script(answers: Mapping[str, str], otherwise: str = "I do not know.") -> Answerer:
    """Answers by the first key that occurs in the last message."""
    return lambda request: next((answer for words, answer in answers.items() if words in request.text), otherwise)


def replay(recorded: Mapping[str, str], otherwise: str = "not recorded") -> Answerer:
    """Answers recorded under `prompt_digest`."""
    return lambda request: recorded.get(request.digest, otherwise)


def replay_file(path: Path, model: str | None = None) -> Answerer:
    """Recorded outputs from JSON lines of {"messages" or "prompt", "answer", "model"?}.

    Raises:
        ValueError: a line is no JSON object with a prompt and an answer.
    """
    recorded: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        body = json.loads(line)
        if "answer" not in body or not ("messages" in body or "prompt" in body):
            raise ValueError(f"{path}:{number}: needs an answer and messages or a prompt")
        if model is None or body.get("model", model) == model:
            messages = body.get("messages") or [{"role": "user", "content": body["prompt"]}]
            recorded[prompt_digest(messages)] = body["answer"]
    return replay(recorded)


class FakeEndpoint:
    """The server, in a thread of this process; a context manager."""

    def __init__(
        self,
        answer: Answerer,
        *,
        faults: Plan = never,
        models: Sequence[str] = ("fake-model",),
        retry_after: float = 0.01,
        fingerprint: str = "fp_fake_1",
    ) -> None:
        """`retry_after` is in seconds and goes into the header of every 429."""
        self.answer, self.faults, self.models = answer, faults, tuple(models)
        self.retry_after, self.fingerprint = retry_after, fingerprint
        self.stopping = threading.Event()
        self._journal: list[Request] = []
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Base address, such as http://127.0.0.1:40123/v1."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def spec(self, model: str = "fake-model") -> str:
        """Address of a model, as `open_model` reads it."""
        return f"{self.url}#{model}"

    @property
    def journal(self) -> list[Request]:
        """Every request that asked for words, in order of arrival."""
        with self._lock:
            return list(self._journal)

    def sent(self, model: str | None = None) -> Counter[str]:
        """How often each last message was sent."""
        return Counter(one.text for one in self.journal if model is None or one.model == model)

    def note(self, route: str, body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], key: str) -> Request:
        """Records a request and decides what is to go wrong with it."""
        model, told = str(body.get("model", "")), tuple(messages)
        with self._lock:
            place = (model, prompt_digest(told))
            self._attempts[place] += 1
            attempt = self._attempts[place]
            text = str(told[-1].get("content", "")) if told else ""
            request = Request(
                seq=len(self._journal) + 1,
                route=route,
                model=model,
                messages=told,
                attempt=attempt,
                fault=self.faults(attempt, text),
                body=body,
                key=key,
            )
            self._journal.append(request)
        return request


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    fake: FakeEndpoint

    def __init__(self, *args: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Ends connections that are kept alive, so that no thread outlives the server."""
        for one in list(self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error of the server."""


class _Handler(PlainHandler):
    server: _Server

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        fake = self.server.fake
        if self.path != "/v1/models":
            return self._error(404, "no such route")
        self._send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in fake.models]})

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        length = int(self.told.get("content-length") or 0)
        if length > LARGEST_REQUEST:
            self.close_connection = True
            return self._error(413, "too large")
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            return self._error(400, "not JSON")
        if self.path == "/v1/chat/completions":
            self._words(body, body.get("messages") or [])
        elif self.path == "/v1/completions":
            self._words(body, [{"role": "user", "content": str(body.get("prompt", ""))}])
        elif self.path == "/v1/embeddings":
            self._embed(body)
        else:
            self._error(404, "no such route")

    def _words(self, body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> None:
        fake = self.server.fake
        key = self.told.get("authorization", "").removeprefix("Bearer ")
        request = fake.note(self.path, body, messages, key)
        if self._spoiled(request):
            return
        reply = fake.answer(request)
        reply = reply if isinstance(reply, Reply) else Reply(text=reply)
        if body.get("stream"):
            self._stream(request, reply)
        elif request.fault == "malformed":
            self._raw(200, json.dumps(_answer(fake, request, reply)).encode()[:-20])
        elif request.fault == "reset":
            self._reset(json.dumps(_answer(fake, request, reply)).encode())
        else:
            self._send(200, _answer(fake, request, reply))

    def _spoiled(self, request: Request) -> bool:
        """Faults that come before any answer; whether one of them was done."""
        fake, fault = self.server.fake, request.fault
        if fault == "429":
            self._error(429, "slow down", {"Retry-After": f"{fake.retry_after:g}"})
        elif fault == "500":
            self._error(500, "something broke")
        elif fault == "401":
            self._error(401, f"wrong key {request.key}")
        elif fault == "context":
            self._error(400, "the maximum context length is 16 tokens", code="context_length_exceeded")
        elif fault == "no-schema" and "response_format" in request.body:
            self._error(400, "response_format is not supported")
        elif fault == "new-limit" and "max_tokens" in request.body:
            self._error(400, "'max_tokens' is not supported with this model, use 'max_completion_tokens'")
        elif fault == "stall":
            fake.stopping.wait(600)
            self.close_connection = True
        else:
            return False
        return True

    def _embed(self, body: Mapping[str, Any]) -> None:
        texts = body.get("input", "")
        texts = [texts] if isinstance(texts, str) else list(texts)
        data = [{"object": "embedding", "index": i, "embedding": hashed_vector(str(t))} for i, t in enumerate(texts)]
        self._send(200, {"object": "list", "data": data, "model": body.get("model", "")})

    def _stream(self, request: Request, reply: Reply) -> None:
        events = b"".join(_events(self.server.fake, request, reply))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces(events, inside_character=request.fault == "split-utf8"):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
            if request.fault == "reset":
                return self._hang_up()
        self.wfile.write(b"0\r\n\r\n")

    def _reset(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        self.wfile.flush()
        self._hang_up()

    def _hang_up(self) -> None:
        # Lingering for 0 s makes the close a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _error(self, status: int, message: str, headers: Mapping[str, str] | None = None, code: str = "") -> None:
        self._send(status, {"error": {"message": message, "code": code or str(status)}}, headers)

    def _send(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self._raw(status, json.dumps(body, ensure_ascii=False).encode(), headers)

    def _raw(self, status: int, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.respond(status, {**(headers or {}), "Content-Type": "application/json"}, data)


def _answer(fake: FakeEndpoint, request: Request, reply: Reply) -> dict[str, Any]:
    fault, text, finish = request.fault, reply.text, reply.finish_reason
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if fault == "empty":
        message["content"] = ""
    elif fault == "length":
        message["content"], finish = text[: len(text) // 2], "length"
    elif fault == "content_filter":
        message["content"], finish = "", "content_filter"
    elif fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    chat = request.route.endswith("/chat/completions")
    said = {"message": message} if chat else {"text": message["content"] or ""}
    choice = {"index": 0, "finish_reason": finish, **said}
    body: dict[str, Any] = {
        "id": f"fake-{request.seq}",
        "object": "chat.completion" if chat else "text_completion",
        "model": request.model,
        "system_fingerprint": fake.fingerprint + ("-changed" if fault == "new-fingerprint" else ""),
        "choices": [choice, {**choice, "index": 1}] if fault == "duplicate-choices" else [choice],
        "usage": {"prompt_tokens": _tokens(request), "completion_tokens": len(text.split())},
    }
    if fault == "no-usage":
        del body["usage"]
    return body


def _tokens(request: Request) -> int:
    return sum(len(str(message.get("content", "")).split()) for message in request.messages)


def _events(fake: FakeEndpoint, request: Request, reply: Reply) -> list[bytes]:
    shared = {"id": f"fake-{request.seq}", "object": "chat.completion.chunk", "system_fingerprint": fake.fingerprint}
    parts = [{"role": "assistant"}, *({"content": piece} for piece in _words_of(reply.text)), {}]
    events = []
    for number, delta in enumerate(parts, 1):
        finish = reply.finish_reason if number == len(parts) else None
        body = {**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        events.append(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")
    return [*events, b"data: [DONE]\n\n"]


def _words_of(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:]


def pieces(data: bytes, *, inside_character: bool) -> list[bytes]:
    """A stream cut after each event, or inside every character that has more than one byte."""
    cuts = [
        i for i in range(1, len(data)) if (data[i] & 0xC0 == 0x80 if inside_character else data[i - 2 : i] == b"\n\n")
    ]
    edges = [0, *cuts, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if b > a]


def hashed_vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A unit vector of signed word hashes: equal words give equal vectors on every machine."""
    vector = [0.0] * dimensions
    for word in text.lower().split():
        number = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        vector[number % dimensions] += 1.0 if number >> 63 else -1.0
    length = sum(value * value for value in vector) ** 0.5
    return [value / length for value in vector] if length else vector
