"""The OpenAI surface over HTTP: models, chat completions and completions, plain and as events, health.

Every answer names the immutable adapter that gave it, in its body and in the header `x-headgate-model`; where a router
chose it, `x-headgate-router` names the router.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from headgate.kit.errors import Refused
from headgate.serve.desk import Desk, Turn
from headgate.serve.replies import DONE, Answer, Shape, event
from headgate.serve.requests import Problem, Wanted
from headgate.serve.runtime import Piece
from headgate.serve.settings import LOOPBACK, Settings

MODEL_HEADER, ROUTER_HEADER = "x-headgate-model", "x-headgate-router"


def app_of(desk: Desk, settings: Settings) -> Starlette:
    """The application over a desk."""
    surface = _Surface(desk, settings)
    routes = [
        Route("/healthz", surface.health),
        Route("/v1/models", surface.models),
        Route("/v1/models/{name:path}", surface.model),
        Route("/v1/chat/completions", surface.chat, methods=["POST"]),
        Route("/v1/completions", surface.plain, methods=["POST"]),
    ]
    # A page of another origin must not reach a server on this machine through a name of its own.
    hosts = ["localhost", "127.0.0.1", "[::1]"] if settings.host in LOOPBACK else ["*"]
    handlers: dict[Any, Any] = {Problem: _problem, 404: _missing, 405: _missing, 500: _broken}
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        exception_handlers=handlers,
        lifespan=surface.lifespan,
    )


class _Surface:
    """The routes."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk, self._settings = desk, settings

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Reads names again and again while the server runs."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.to_thread(self._desk.close, self._settings.grace)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh)
            await asyncio.to_thread(self._desk.refresh)

    async def health(self, _: Request) -> Response:
        """What is loaded, what runs, what was refused."""
        return JSONResponse(self._desk.health())

    async def models(self, request: Request) -> Response:
        """Every name that can be asked for."""
        self._must_be_let_in(request)
        return JSONResponse({"object": "list", "data": self._desk.models()})

    async def model(self, request: Request) -> Response:
        """One name."""
        self._must_be_let_in(request)
        name = request.path_params["name"]
        found = next((one for one in self._desk.models() if one["id"] == name), None)
        if found is None:
            raise Problem(404, f"the model {name!r} is not served here", code="model_not_found", param="model")
        return JSONResponse(found)

    async def chat(self, request: Request) -> Response:
        """Chat completions."""
        return await self._answered(request, self._desk.reader.chat, chat=True)

    async def plain(self, request: Request) -> Response:
        """Completions."""
        return await self._answered(request, self._desk.reader.plain, chat=False)

    async def _answered(self, request: Request, read: Callable[[bytes], Wanted], *, chat: bool) -> Response:
        self._must_be_let_in(request)
        wanted = read(await self._body(request))
        turn = await self._desk.turn(wanted)
        shape = Shape(chat=chat, model=turn.model, version=turn.version, created=int(time.time()))
        head = {MODEL_HEADER: turn.model, "x-request-id": shape.id}
        if turn.routed is not None:
            head[ROUTER_HEADER] = turn.routed.router
            await asyncio.to_thread(self._desk.routes.keep, turn.routed, shape.id, turn.model)
        answers = [Answer(len(ask.prompt)) for ask in turn.asks]
        if wanted.stream:
            events = self._events(turn, wanted, shape, answers)
            return _Events(events, turn, head | {"cache-control": "no-store"})
        with contextlib.closing(turn):
            async with _gone(request, turn):
                async for number, piece in turn.pieces(self._settings.timeout):
                    _grow(answers[number], piece)
        return JSONResponse(shape.whole(answers, wanted.choices), headers=head)

    async def _events(self, turn: Turn, wanted: Wanted, shape: Shape, answers: list[Answer]) -> AsyncIterator[bytes]:
        try:
            for number in range(len(answers)):
                if opening := shape.opening(number):
                    yield opening
            async for number, piece in turn.pieces(self._settings.timeout):
                _grow(answers[number], piece)
                if piece.text:
                    yield shape.part(number, piece.text)
                if piece.finish_reason:
                    yield shape.ending(number, piece.finish_reason)
            if wanted.with_usage:
                yield shape.counts(answers, wanted.choices)
            yield DONE
        except Problem as problem:  # the status is sent already, so the stream says it
            yield event(problem.as_json())

    async def _body(self, request: Request) -> bytes:
        most, parts, size = self._settings.max_body, [], 0
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise _too_large(most)
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise _too_large(most)
            parts.append(part)
        return b"".join(parts)

    def _must_be_let_in(self, request: Request) -> None:
        wanted = self._settings.token
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if wanted and not (kind.lower() == "bearer" and hmac.compare_digest(given.encode(), wanted.encode())):
            raise Problem(401, "a bearer token is needed, and another one was sent or none", code="invalid_api_key")


class _Events(StreamingResponse):
    """A stream of events whose turn ends with it, also where nobody listened from the start."""

    def __init__(self, events: AsyncIterator[bytes], turn: Turn, head: dict[str, str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=head)
        self._turn = turn

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Sends the events."""
        with contextlib.closing(self._turn):
            await super().__call__(scope, receive, send)


def _grow(answer: Answer, piece: Piece) -> None:
    answer.text += piece.text
    answer.tokens += piece.tokens
    answer.finish_reason = piece.finish_reason or answer.finish_reason


@contextlib.asynccontextmanager
async def _gone(request: Request, turn: Turn) -> AsyncIterator[None]:
    """Cancels a turn when whoever asked hangs up."""

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(0.1)
        turn.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


def _too_large(most: int) -> Problem:
    return Problem(413, f"the request is larger than {most:,} bytes", code="request_too_large")


async def _problem(_: Request, problem: Problem) -> Response:
    head = {"retry-after": str(problem.retry)} if problem.retry else {}
    if problem.status == 401:
        head["www-authenticate"] = "Bearer"
    return JSONResponse(problem.as_json(), status_code=problem.status, headers=head)


async def _missing(request: Request, error: Any) -> Response:
    what = "no such route" if error.status_code == 404 else f"{request.method} is not taken here"
    body = Problem(error.status_code, f"{what}: {request.url.path}", code="not_found").as_json()
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)


async def _broken(_: Request, error: Exception) -> Response:
    body = Problem(500, f"a fault of the server: {type(error).__name__}", code="internal_error").as_json()
    return JSONResponse(body, status_code=500)


def place_of(settings: Settings) -> socket.socket:
    """A socket that has its address and port, before anything is loaded; it listens once a server runs on it.

    Raises:
        Refused: there is no such address here, or something else has the port.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        place = socket.socket(family, socket.SOCK_STREAM)
        try:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(address)
        except OSError:
            place.close()
            raise
    except OSError as error:
        raise Refused(
            "the server cannot listen there",
            found=f"{settings.host}, port {settings.port}: {error.strerror or error}",
            next_step="end what listens there, or take a free port: headgate serve --port 0",
        ) from None
    return place


def run(desk: Desk, settings: Settings, told: Callable[[str], None], place: socket.socket) -> None:
    """Serves until the process is told to stop; requests that run then have the time of grace to end."""
    config = uvicorn.Config(
        app_of(desk, settings), host=settings.host, port=settings.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=max(1, int(settings.grace)), server_header=False, limit_concurrency=None,
    )  # fmt: skip
    server = _Server(config, desk, told)
    # The server raises the signal that ended it once more, when all is over; here that is a good end.
    before = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[place])
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


class _Server(uvicorn.Server):
    """A server that says where it listens, and refuses new work as soon as it is told to stop."""

    def __init__(self, config: uvicorn.Config, desk: Desk, told: Callable[[str], None]) -> None:
        super().__init__(config)
        self._desk, self._told = desk, told

    async def startup(self, sockets: Any = None) -> None:
        """Listens, and says where."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._told(f"http://{f'[{host}]' if ':' in host else host}:{port}/v1")

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Told to stop: what runs ends, what comes is refused."""
        self._desk.stopping = True
        super().handle_exit(sig, frame)


@contextlib.contextmanager
def in_thread(desk: Desk, settings: Settings) -> Iterator[str]:
    """Serves in a thread of this process while the block runs; gives the address up to `/v1`."""
    ready = threading.Event()
    where: list[str] = []

    def told(address: str) -> None:
        where.append(address)
        ready.set()

    config = uvicorn.Config(
        app_of(desk, settings), host=settings.host, port=settings.port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=max(1, int(settings.grace)), server_header=False,
    )  # fmt: skip
    server = _Server(config, desk, told)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        if not ready.wait(60):
            raise RuntimeError("the server did not start")
        yield where[0]
    finally:
        server.should_exit = True
        thread.join()
