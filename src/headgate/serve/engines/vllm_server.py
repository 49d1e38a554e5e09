"""The engine vLLM: a server beside this one that runs already, or that is started here.

Names, admission, budget and limits are ours; vLLM loads an adapter only after it was found to belong to the base,
and gets prompts as token ids, so that its text is that of the training shard. What is sent and what is made of the
replies was held against vLLM 0.32.0 as it runs (`benchmarks/serving/vllm.py`, its CPU build); a fake that answers
as that one was seen to answer tests it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from headgate.kit.errors import HeadgateError, Refused
from headgate.models.adapter import CONFIG, TENSORS, must_belong
from headgate.models.fingerprint import fingerprint_of
from headgate.models.lora import Update, updates_of
from headgate.models.tokenizer import Tokenizer
from headgate.serve.engines.vllm_nothing import made_nothing, some_module
from headgate.serve.engines.vllm_program import KEY, Program, started
from headgate.serve.names import Served
from headgate.serve.runtime import Ask, Feed, Full, Piece, Ticket
from headgate.serve.settings import LOOPBACK, Settings

START_S = 600.0
LOADED = "has already been loaded"  # in the reply to a name that the server has


class Answered(Exception):
    """An answer that came and is an error."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


@dataclass(frozen=True, slots=True)
class Loaded:
    """An adapter that the server was told of, and what its files were then."""

    served: Served
    seen: tuple[tuple[int, int, int], ...]

    def must_be_unchanged(self) -> None:
        """Refuses an adapter whose files were changed or removed: vLLM may read them again at any time.

        It does where it dropped the adapter to make room. A changed file would then answer under the name of the one
        that was proved, and a missing one ends the whole server.

        Raises:
            Refused: they are not what they were.
        """
        if _seen(self.served.folder) != self.seen:
            raise Refused("the adapter's files were changed while it was served", file=str(self.served.folder))


def open_runtime(base: Path, settings: Settings) -> Vllm:
    """Speaks to a vLLM server; starts one where no address is given.

    Raises:
        Unavailable: one is to be started, and there is no program for it.
        Refused: it does not answer, serves another folder, or cannot run the base.
    """
    if settings.vllm_url:
        return Vllm(base, settings, settings.vllm_url.rstrip("/").removesuffix("/v1"))
    program = started(base, settings)
    try:
        return Vllm(base, settings, program.url, program)
    except BaseException:
        program.end()
        raise


class Vllm:
    """A vLLM server as a runtime; see `headgate.serve.runtime.Runtime`."""

    def __init__(self, base: Path, settings: Settings, url: str, program: Program | None = None) -> None:
        self._base, self._program, self._rank = base, program, settings.vllm_rank
        self.fingerprint = fingerprint_of(base)
        self.most = settings.vllm_held
        self._ends = tuple(sorted(Tokenizer(base).end_ids))
        self._most = settings.batch + settings.queue
        self._fresh, self._looked = settings.refresh, 0.0  # seconds; when the server was last seen to be ours
        self._open = 0
        self._lock, self._telling = threading.Lock(), threading.Lock()
        self._loaded: dict[str, Loaded] = {}
        self._names: set[str] = set()  # that the server had when it was last looked at
        self._scratch = tempfile.TemporaryDirectory(prefix="headgate-vllm-")
        self._nothing, self._no_nothing = "", ""  # the adapter through which the base is asked; why there is none
        self._client = _client(url, program.key if program else os.environ.get(KEY, ""), settings.timeout)
        try:
            self._model, self.context = self._serves(START_S if program else 0.0)
            self._try()
            if module := some_module(base):
                self._have_nothing(module)
        except BaseException:
            self._client.close()
            self._scratch.cleanup()
            raise
        self._pool = ThreadPoolExecutor(self._most, thread_name_prefix="headgate-vllm")

    def load(self, served: Served) -> int:
        """Lets vLLM load an adapter after proof that it belongs to the base.

        Raises:
            Refused: it does not belong to the base, its rank is above what was reserved, or vLLM refuses it.
        """
        seen = _seen(served.folder)
        served.must_stand()
        must_belong(served.folder, self._base, self.fingerprint)
        updates = updates_of(served.folder)
        rank = max(one.rank for one in updates.values())
        if rank > self._rank:
            raise Refused(
                f"{served.name} has rank {rank}",
                found=f"the server takes {self._rank} at most",
                next_step="headgate serve --engine vllm --vllm-rank, with what the server was started with",
            )
        self._have_nothing(next(iter(updates.values())))
        self._take(Loaded(served, seen))
        return 4 * sum(one.rank * (one.inputs + one.outputs) for one in updates.values())

    def unload(self, served: Served) -> None:
        """Lets vLLM forget the name of an adapter; where it does not answer, it is told when it is next loaded."""
        with self._lock:
            self._loaded.pop(served.name, None)
        with contextlib.suppress(Refused):
            self._post("/v1/unload_lora_adapter", {"lora_name": served.name})

    def submit(self, ask: Ask, feed: Feed) -> Ticket:
        """Asks in a thread of its own; vLLM does the batching."""
        with self._lock:
            if self._open >= self._most:
                raise Full(f"{self._open} answers wait already")
            self._open += 1
        ticket = Ticket(ask, feed)
        try:
            self._pool.submit(self._answer, ticket)
        except RuntimeError:  # closed
            with self._lock:
                self._open -= 1
            raise Full("the server is stopping") from None
        return ticket

    def standing(self) -> dict[str, Any]:
        """What is asked of vLLM at the moment."""
        return {"running": self._open, "waiting": 0}

    def trouble(self) -> str:
        """Why vLLM cannot answer; empty: it can."""
        if self._program is not None and (ended := self._program.ended()):
            return ended
        try:
            self._client.get("/health", timeout=5.0).raise_for_status()
        except httpx.HTTPError as error:
            return f"vLLM does not answer: {type(error).__name__}"
        return ""

    def close(self, grace: float) -> None:
        """Waits for what runs; ends the server that was started here."""
        end = time.monotonic() + grace
        while self._open and time.monotonic() < end:
            time.sleep(0.05)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._program is None:
            with contextlib.suppress(Refused):
                for name in self._loaded:
                    self._post("/v1/unload_lora_adapter", {"lora_name": name})
        self._client.close()
        if self._program is not None:
            self._program.end()
        self._scratch.cleanup()

    def _answer(self, ticket: Ticket) -> None:
        try:
            self._must_be_ours()
            model = self._asked(ticket.ask)
            try:
                self._streamed(ticket, model)
            except Answered as error:
                # The server was started anew, or somebody else had it forget the name.
                if error.status != 404 or not self._told_again(model):
                    raise
                self._streamed(ticket, model)
        except HeadgateError as error:
            ticket.feed(Piece(error=f"{error.what}: {error.found}" if error.found else error.what))
        except Answered as error:
            ticket.feed(Piece(error=f"vLLM: {error.said}"))
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of it, whatever it was
            self._looked = 0.0
            ticket.feed(Piece(error=f"vLLM: {type(error).__name__}: {error}"))
        finally:
            with self._lock:
                self._open -= 1

    def _streamed(self, ticket: Ticket, model: str) -> None:
        reason, tokens, ask = "", 0, ticket.ask
        body = body_of(ask, model, self._ends) | {"stream": True, "stream_options": {"include_usage": True}}
        with self._client.stream("POST", "/v1/completions", json=body) as reply:
            if reply.status_code != 200:
                raise Answered(reply.status_code, _said(reply.read()))
            for event in _events(reply):
                if ticket.cancelled:
                    ticket.feed(Piece(error="cancelled"))
                    return
                if "error" in event:  # the status was sent before it failed
                    raise Answered(500, _message(event))
                tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
                for choice in event["choices"]:
                    reason = choice.get("finish_reason") or reason
                    if choice.get("text"):
                        ticket.feed(Piece(choice["text"]))
        if reason not in ("stop", "length"):
            raise Answered(500, f"the answer ended with {reason!r}" if reason else "the stream broke off")
        if reason == "length" and tokens < ask.max_tokens:
            raise Answered(500, f"it ended the answer after {tokens} tokens, and {ask.max_tokens} were asked for")
        ticket.feed(Piece("", tokens, reason))

    def _must_be_ours(self) -> None:
        """Looks from time to time whether the server still has our base: another one may have taken its place."""
        if time.monotonic() - self._looked >= self._fresh:
            self._model, _ = self._serves(0.0)

    def _asked(self, ask: Ask) -> str:
        """The name to ask for: an adapter that is as it was proved; for the base, the one that changes nothing."""
        name = ask.adapter or self._nothing
        if not name:
            if self._no_nothing:
                raise Refused("the base alone cannot be asked beside adapters", found=self._no_nothing)
            return self._model
        loaded = self._loaded.get(name)
        if loaded is None:
            raise Refused(f"{name} is not loaded")
        loaded.must_be_unchanged()
        return name

    def _have_nothing(self, like: Update) -> None:
        """Sees that the base can be asked beside adapters; where it cannot, they are served and it is not."""
        with self._telling:
            if self._nothing:
                return
            served = made_nothing(Path(self._scratch.name), like)
            try:
                self._take(Loaded(served, _seen(served.folder)))
                self._nothing, self._no_nothing = served.name, ""
            except Refused as error:
                self._no_nothing = f"{error.what}: {error.found}"

    def _take(self, loaded: Loaded) -> None:
        self._tell(loaded)
        with self._lock:
            self._loaded[loaded.served.name] = loaded

    def _tell(self, loaded: Loaded) -> None:
        """Has the server load an adapter that was proved; what it has under that name from before is let go."""
        folder, name = str(loaded.served.folder.resolve()), loaded.served.name
        body = {"lora_name": name, "lora_path": folder}
        reply = self._post("/v1/load_lora_adapter", body)
        if reply.status_code == 400 and LOADED in _said(reply.content):
            self._post("/v1/unload_lora_adapter", {"lora_name": name})
            reply = self._post("/v1/load_lora_adapter", body)
        if reply.status_code in (404, 405) and "error" not in _json(reply.content):
            raise Refused(
                "the vLLM server takes no adapters while it runs",
                found=_said(reply.content),
                next_step="start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True",
            )
        if reply.status_code != 200:
            raise Refused(f"vLLM refuses {name}", found=_said(reply.content))
        loaded.must_be_unchanged()  # from before the proof until after the server read it

    def _told_again(self, name: str) -> bool:
        """Has the server load once more what it lost; False: it did not lose it."""
        with self._telling:
            loaded = self._loaded.get(name)
            if loaded is None:
                return False
            self._model, _ = self._serves(0.0)
            if name not in self._names:
                loaded.served.must_stand()
                self._tell(loaded)
            return True

    def _serves(self, patience: float) -> tuple[str, int | None]:
        """The name of the base on that server and its context, once it answers and serves our folder."""
        end = time.monotonic() + patience
        while True:
            try:
                models = self._client.get("/v1/models", timeout=30.0).raise_for_status().json()["data"]
                break
            except httpx.HTTPStatusError as error:
                raise Refused("vLLM does not let us in", found=_said(error.response.content), wanted=KEY) from None
            except (httpx.HTTPError, ValueError, KeyError) as error:
                ended = self._program.ended() if self._program else ""
                if ended or time.monotonic() >= end:
                    why = f"{ended}; its log says why" if ended else f"{type(error).__name__}: {error}"
                    raise Refused("vLLM does not answer", found=why) from None
                time.sleep(0.5)
        ours = [one for one in models if not one.get("parent")]
        found = next((one for one in ours if Path(str(one.get("root", ""))).resolve() == self._base.resolve()), None)
        if found is None:
            roots = ", ".join(str(one.get("root")) for one in ours)
            raise Refused("vLLM serves another folder", found=roots, wanted=str(self._base))
        self._names = {str(one["id"]) for one in models}
        self._looked = time.monotonic()
        return str(found["id"]), found.get("max_model_len")

    def _try(self) -> None:
        """Has the base say one token: a server can be well and end at its first answer."""
        body = body_of(Ask(prompt=(0,)), self._model, self._ends) | {"max_tokens": 1}
        reply = self._post("/v1/completions", body)
        if reply.status_code != 200:
            raise Refused("vLLM cannot run this base", file=str(self._base), found=_said(reply.content))

    def _post(self, route: str, body: Mapping[str, Any]) -> httpx.Response:
        try:
            return self._client.post(route, json=body)
        except httpx.HTTPError as error:
            raise Refused("vLLM does not answer", found=f"{type(error).__name__}: {error}") from None


def body_of(ask: Ask, model: str, ends: tuple[int, ...]) -> dict[str, Any]:
    """The request for one answer; every setting whose default a server may take from elsewhere is named."""
    # Nothing but the likeliest token: vLLM refuses a share of 0.
    greedy = ask.temperature == 0 or ask.top_p == 0
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(ask.prompt),
        "max_tokens": ask.max_tokens,
        "temperature": 0.0 if greedy else ask.temperature,
        "top_p": 1.0 if greedy else ask.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "stop_token_ids": list(ends),
    }
    body |= {"stop": list(ask.stop)} if ask.stop else {}
    return body | ({"seed": ask.seed & (2**63 - 1)} if ask.seed is not None else {})


def _client(url: str, key: str, timeout: float) -> httpx.Client:
    head = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(
        base_url=url,
        headers=head,
        timeout=httpx.Timeout(timeout, connect=10.0),
        limits=httpx.Limits(max_connections=None),
        trust_env=httpx.URL(url).host not in LOOPBACK,  # a proxy does not reach this machine
    )


def _events(reply: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in reply.iter_lines():
        data = line.removeprefix("data:").strip()
        if data and data != "[DONE]":
            yield orjson.loads(data)


def _seen(folder: Path) -> tuple[tuple[int, int, int], ...]:
    """What tells that a file was written to; a missing one is like no other."""
    found = []
    for name in (CONFIG, TENSORS):
        try:
            stat = (folder / name).stat()
        except OSError:
            return ()
        found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _said(content: bytes) -> str:
    """What an error says, in one line."""
    return _message(_json(content)) or " ".join(content.decode(errors="replace").split())[:300]


def _message(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    said = error.get("message") if isinstance(error, Mapping) else error
    return " ".join(str(said).split())[:300] if said else ""


def _json(content: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
