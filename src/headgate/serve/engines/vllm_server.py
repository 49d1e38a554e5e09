"""The engine vLLM: a server beside this one that runs already, or that is started here.

Names, admission, budget and limits are ours; vLLM loads an adapter only after it was found to belong to the base,
and gets prompts as token ids, so that its text is that of the training shard. vLLM itself could not be run
where this was written: what is sent agrees with the source of vLLM 0.33.0, and a fake of that surface tests it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson

from headgate.kit.doors import must_be_installed
from headgate.kit.errors import Refused
from headgate.models.adapter import must_belong
from headgate.models.fingerprint import fingerprint_of
from headgate.models.lora import updates_of
from headgate.serve.doors import VLLM_PROGRAM
from headgate.serve.names import Served
from headgate.serve.runtime import Ask, Feed, Full, Piece, Ticket
from headgate.serve.settings import Settings

BASE_NAME = "base"  # under which the base alone is asked
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM reserves room for
START_S = 600.0


def arguments(base: Path, settings: Settings, port: int) -> list[str]:
    """The command line of a vLLM server for a base with adapters that come and go."""
    return [
        "vllm", "serve", str(base), "--host", "127.0.0.1", "--port", str(port), "--served-model-name", BASE_NAME,
        "--enable-lora", "--max-loras", str(settings.vllm_adapters),
        "--max-cpu-loras", str(settings.vllm_adapters * 4), "--max-lora-rank", str(settings.vllm_rank),
        "--max-num-seqs", str(settings.batch), "--load-format", "safetensors",
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """The environment of that server: adapters may be loaded while it runs, and it tells nobody about its use."""
    return {**os.environ, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1"}


def open_runtime(base: Path, settings: Settings) -> Vllm:
    """Speaks to a vLLM server; starts one where no address is given.

    Raises:
        Unavailable: one is to be started, and vLLM is not installed.
        Refused: it does not answer, or serves another folder.
    """
    if settings.vllm_rank not in RANKS:
        raise Refused("vLLM has no such rank", found=str(settings.vllm_rank), wanted=", ".join(map(str, RANKS)))
    if settings.vllm_url:
        return Vllm(base, settings, settings.vllm_url.rstrip("/").removesuffix("/v1"))
    must_be_installed(VLLM_PROGRAM)
    if shutil.which("vllm") is None:
        raise Refused("vLLM is installed without its program", wanted="vllm on the PATH")
    port = _free_port()
    process = subprocess.Popen(arguments(base, settings, port), env=environment())
    try:
        return Vllm(base, settings, f"http://127.0.0.1:{port}", process)
    except BaseException:
        process.terminate()
        raise


class Vllm:
    """A vLLM server as a runtime; see `headgate.serve.runtime.Runtime`."""

    def __init__(
        self, base: Path, settings: Settings, url: str, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._base, self._process, self._rank = base, process, settings.vllm_rank
        self.fingerprint = fingerprint_of(base)
        self._most = settings.batch + settings.queue
        self._open = 0
        self._lock = threading.Lock()
        self._client = httpx.Client(base_url=url, timeout=httpx.Timeout(settings.timeout, connect=10.0))
        self._model = self._serves(START_S if process else 0.0)
        self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="headgate-vllm")

    def load(self, served: Served) -> int:
        """Lets vLLM load an adapter after proof that it belongs to the base.

        Raises:
            Refused: it does not belong to the base, its rank is above what was reserved, or vLLM refuses it.
        """
        served.must_stand()
        must_belong(served.folder, self._base, self.fingerprint)
        updates = updates_of(served.folder)
        rank = max(one.rank for one in updates.values())
        if rank > self._rank:
            raise Refused(f"{served.name} has rank {rank}", wanted=f"{self._rank} at most, or vllm-rank higher")
        folder = str(served.folder.resolve())
        reply = self._post("/v1/load_lora_adapter", {"lora_name": served.name, "lora_path": folder})
        if reply.status_code != 200:
            raise Refused(f"vLLM refuses {served.name}", found=_said(reply.content))
        return 4 * sum(one.rank * (one.inputs + one.outputs) for one in updates.values())

    def unload(self, served: Served) -> None:
        """Lets vLLM drop an adapter."""
        self._post("/v1/unload_lora_adapter", {"lora_name": served.name})

    def submit(self, ask: Ask, feed: Feed) -> Ticket:
        """Asks in a thread of its own; vLLM does the batching."""
        with self._lock:
            if self._open >= self._most:
                raise Full(f"{self._open} answers wait already")
            self._open += 1
        ticket = Ticket(ask, feed)
        self._pool.submit(self._answer, ticket)
        return ticket

    def standing(self) -> dict[str, Any]:
        """What is asked of vLLM at the moment."""
        return {"running": self._open, "waiting": 0}

    def close(self, grace: float) -> None:
        """Waits for what runs; ends the server that was started here."""
        end = time.monotonic() + grace
        while self._open and time.monotonic() < end:
            time.sleep(0.05)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def _answer(self, ticket: Ticket) -> None:
        try:
            self._streamed(ticket)
        except (httpx.HTTPError, orjson.JSONDecodeError, KeyError, IndexError, TypeError) as error:
            ticket.feed(Piece(error=f"vLLM: {type(error).__name__}: {error}"))
        finally:
            with self._lock:
                self._open -= 1

    def _streamed(self, ticket: Ticket) -> None:
        reason, tokens = "", 0
        with self._client.stream("POST", "/v1/completions", json=body_of(ticket.ask, self._model)) as reply:
            if reply.status_code != 200:
                ticket.feed(Piece(error=f"vLLM: {_said(reply.read())}"))
                return
            for line in reply.iter_lines():
                if ticket.cancelled:
                    ticket.feed(Piece(error="cancelled"))
                    return
                data = line.removeprefix("data:").strip()
                if not data or data == "[DONE]":
                    continue
                event = orjson.loads(data)
                tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
                for choice in event["choices"]:
                    reason = choice.get("finish_reason") or reason
                    if choice.get("text"):
                        ticket.feed(Piece(choice["text"]))
        ticket.feed(Piece("", tokens, reason) if reason else Piece(error="vLLM: the stream broke off"))

    def _serves(self, patience: float) -> str:
        """The name of the base on that server, once it answers and serves our folder."""
        end = time.monotonic() + patience
        while True:
            try:
                models = self._client.get("/v1/models").raise_for_status().json()["data"]
                break
            except (httpx.HTTPError, ValueError, KeyError) as error:
                gone = self._process is not None and self._process.poll() is not None
                if gone or time.monotonic() >= end:
                    raise Refused("vLLM does not answer", found=f"{type(error).__name__}: {error}") from None
                time.sleep(1.0)
        ours = [one for one in models if not one.get("parent")]
        found = next((one for one in ours if Path(str(one.get("root", ""))).resolve() == self._base.resolve()), None)
        if found is None:
            roots = ", ".join(str(one.get("root")) for one in ours)
            raise Refused("vLLM serves another folder", found=roots, wanted=str(self._base))
        return str(found["id"])

    def _post(self, route: str, body: dict[str, str]) -> httpx.Response:
        try:
            return self._client.post(route, json=body)
        except httpx.HTTPError as error:
            raise Refused("vLLM does not answer", found=f"{type(error).__name__}: {error}") from None


def body_of(ask: Ask, base: str) -> dict[str, Any]:
    """The request for one answer."""
    body: dict[str, Any] = {
        "model": ask.adapter or base,
        "prompt": list(ask.prompt),
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= {"stop": list(ask.stop)} if ask.stop else {}
    return body | ({"seed": ask.seed} if ask.seed is not None else {})


def _said(content: bytes) -> str:
    return " ".join(content.decode(errors="replace").split())[:200]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
