"""Settings of serving: where it listens, what it holds in memory, what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headgate.kit.errors import Refused
from headgate.kit.settings import option

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COUNTS = ("batch", "queue", "max_tokens", "max_body", "choices", "vllm_adapters", "vllm_held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a server is run."""

    engine: Literal["embedded", "vllm"] = option("embedded", help="what answers")
    vllm_url: str = option("", help="a vLLM server that runs already; empty: one is started", unit="URL")
    vllm_rank: int = option(64, help="largest rank that the vLLM server takes", unit="dimensions")
    vllm_adapters: int = option(8, help="adapters that a started vLLM server batches together", unit="adapters")
    vllm_held: int = option(128, help="adapters that a vLLM server is to hold, whatever the budget", unit="adapters")
    vllm_arguments: str = option("", help="more words for the vllm serve that is started", unit="words")
    host: str = option("127.0.0.1", help="address to listen on; another than loopback needs a token")
    port: int = option(8000, help="port to listen on; 0 takes a free one", unit="port")
    token: str = option("", help="bearer token that every request must carry; empty: none", unit="text")
    budget: float = option(512.0, help="memory for loaded adapters; the longest unused leave first", unit="MB")
    batch: int = option(32, help="rows that are answered together", unit="rows")
    queue: int = option(256, help="rows that may wait; one more is refused with 429", unit="rows")
    max_tokens: int = option(1024, help="longest answer", unit="tokens")
    max_body: int = option(1 << 20, help="largest request", unit="bytes")
    choices: int = option(8, help="most answers to one request", unit="answers")
    timeout: float = option(300.0, help="after this long a request ends with an error", unit="s")
    grace: float = option(30.0, help="time for running requests when the server is told to stop", unit="s")
    refresh: float = option(2.0, help="how often names and aliases are read again", unit="s")
    retry: float = option(5.0, help="how long a refused adapter is not tried again", unit="s")
    threads: int = option(0, help="CPU threads; 0: one below 20 million parameters, else all", unit="threads")

    def __post_init__(self) -> None:
        wrong = [name for name in COUNTS if getattr(self, name) < 1]
        wrong += [name for name in ("budget", "timeout", "refresh") if getattr(self, name) <= 0]
        wrong += [name for name in ("grace", "retry", "threads") if getattr(self, name) < 0]
        if wrong or not 0 <= self.port <= 65535:
            raise Refused("the server cannot be run so", found=", ".join(wrong) or f"port {self.port}")
        if self.host not in LOOPBACK and not self.token:
            raise Refused(
                "a server that others can reach needs a token",
                found=f"host {self.host}",
                wanted="the variable HEADGATE_SERVE_TOKEN, or a loopback address",
                next_step="HEADGATE_SERVE_TOKEN=… headgate serve --host " + self.host,
            )
