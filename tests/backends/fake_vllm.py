"""A vLLM server that has no model: routes, status codes and bodies are those that vLLM 0.32.0 was seen to send.

Its answers are `NAME COUNT`: the first four letters of who answers and the number of token ids it was given. As the
CPU build does, it lets the adapter that was loaded last answer for the base. Also a program, as `vllm serve` is:
`python fake_vllm.py serve BASE --port N …`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONTEXT = 1024
DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause."
OUTSIDE = 99  # a prompt that begins with it is refused in the stream, as a token outside the vocabulary is


def error(message: str, kind: str, status: int, param: str | None = None) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": status}}


class Fake(ThreadingHTTPServer):
    """A server in a thread of this process."""

    daemon_threads = True

    def __init__(self, root: Path, *, port: int = 0, key: str = "", rank: int = 64) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.root, self.key, self.rank, self.context = root, key, rank, CONTEXT
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.adapters: dict[str, str] = {}
        self.updating = True  # VLLM_ALLOW_RUNTIME_LORA_UPDATING with --enable-lora
        self.broken = self.cut = False  # the engine has died; the stream ends in the middle
        self.reason = "stop"
        self.hangs = threading.Event()  # while it is not set, nobody gets an answer
        self.hangs.set()
        self.blind = "-"  # names that begin so lie where it cannot read
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def told(self, route: str = "") -> list[str]:
        """What was posted, as routes."""
        return [path for path, _ in self.seen if route in path]

    def asked(self) -> dict[str, Any]:
        """The last request for an answer."""
        return next(body for path, body in reversed(self.seen) if path == "/v1/completions")

    def restart(self) -> None:
        """All adapters are forgotten."""
        self.adapters.clear()


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/health":
            return self.send(b"", 503 if self.server.broken else 200)
        if not self.let_in():
            return None
        base = {"id": "base", "root": str(self.server.root), "parent": None, "max_model_len": self.server.context}
        more = [
            {"id": name, "root": path, "parent": "base", "max_model_len": None}
            for name, path in self.server.adapters.items()
        ]
        return self.send({"object": "list", "data": [base, *more]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, body))
        if not self.let_in():
            return None
        if self.path.endswith("_lora_adapter"):
            return self.lora(body)
        return self.complete(body)

    def let_in(self) -> bool:
        key = self.server.key
        if key and self.headers.get("authorization") != f"Bearer {key}":
            self.send({"error": "Unauthorized"}, 401)
            return False
        return True

    def lora(self, body: dict[str, Any]) -> None:
        name, there = body["lora_name"], self.server.adapters
        if not self.server.updating:
            return self.send({"detail": "Not Found"}, 404)
        if "unload" in self.path:
            if there.pop(name, None) is None:
                return self.send(error(f"The lora adapter '{name}' cannot be found.", "NotFoundError", 404), 404)
            return self.send(f"Success: LoRA adapter '{name}' removed successfully.".encode())
        if name in there:
            said = f"The lora adapter '{name}' has already been loaded. If you want to load the adapter in place, set"
            return self.send(error(f"{said} 'load_inplace' to True.", "InvalidUserInput", 400), 400)
        folder = Path(body["lora_path"])
        if not folder.is_dir() or name.startswith(self.server.blind):
            return self.send(
                error(f"Loading lora {name} failed: No adapter found for <path>", "NotFoundError", 404), 404
            )
        rank = json.loads((folder / "adapter_config.json").read_text())["r"]
        if rank > self.server.rank:
            said = f"LoRA rank {rank} is greater than max_lora_rank {self.server.rank}."
            said = f"Call to add_lora method failed: Worker failed with error '{said}', please check the stack trace"
            return self.send(error(f"{said} above for the root cause", "InternalServerError", 500), 500)
        there[name] = body["lora_path"]
        return self.send(f"Success: LoRA adapter '{name}' added successfully.".encode())

    def complete(self, body: dict[str, Any]) -> None:
        name, stream = body["model"], body.get("stream", False)
        self.server.hangs.wait(20)
        if name != "base" and name not in self.server.adapters:
            said = f"The model `{name}` does not exist. Valid aliases: base."
            return self.send(error(said, "NotFoundError", 404, "model"), 404)
        if not 0 < body["top_p"] <= 1:
            said = f"top_p must be in (0, 1], got {body['top_p']}. (parameter=top_p, value={body['top_p']})"
            return self.send(error(said, "BadRequestError", 400, "top_p"), 400)
        if self.server.broken or body["prompt"][0] == OUTSIDE:
            wrong = error(DEAD, "InternalServerError", 500)
            if not self.server.broken:
                wrong = error(f"Token id {OUTSIDE} is out of vocabulary", "BadRequestError", 400)
            return self.events([wrong]) if stream else self.send(wrong, wrong["error"]["code"])
        who = [*self.server.adapters, "base"][-2] if name == "base" and self.server.adapters else name
        texts = [f"{who[:4]} ", str(len(body["prompt"])), ""]
        usage = {"usage": {"prompt_tokens": len(body["prompt"]), "completion_tokens": 2}}
        if not stream:
            choice = {"index": 0, "text": "".join(texts), "finish_reason": self.server.reason}
            return self.send({"object": "text_completion", "choices": [choice], **usage})
        events: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "text": text, "finish_reason": reason, "stop_reason": None}]}
            for text, reason in zip(texts, (None, None, self.server.reason), strict=True)
        ]
        return self.events(events[:1] if self.server.cut else [*events, {"choices": [], **usage}])

    def events(self, events: list[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.end_headers()
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        if not self.server.cut:
            self.wfile.write(b"data: [DONE]\n\n")

    def send(self, body: dict[str, Any] | bytes, status: int = 200) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main(words: list[str]) -> None:
    """Serves until it is told to end; prints to standard output, as vLLM logs there."""
    print("vLLM says hello", flush=True)
    server = Fake(Path(words[1]), port=int(words[words.index("--port") + 1]), key=os.environ["VLLM_API_KEY"])
    server.broken = "--broken" in words
    if "--ends" in words:
        sys.exit(3)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1:])
