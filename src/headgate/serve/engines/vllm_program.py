"""Starting a vLLM server for one base: which program, with which words, in which environment, and its end.

The program may stand in an environment of its own, as long as it is on the PATH: what vLLM pins is seldom what
training pins.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.kit.errors import Refused, Unavailable
from headgate.models.fingerprint import read_json
from headgate.serve.engines import vllm_guard
from headgate.serve.settings import Settings

BASE_NAME = "base"  # under which the base alone is asked
KEY = "VLLM_API_KEY"  # the variable in which vLLM looks for its key
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM reserves room for
# Words that are ours to choose, because names, proofs and room for adapters hang on them.
OURS = (
    "--model", "--host", "--port", "--uds", "--api-key", "--served-model-name", "--enable-lora", "--no-enable-lora",
    "--lora-modules", "--max-loras", "--max-cpu-loras", "--max-lora-rank", "--load-format", "--generation-config",
    "--override-generation-config", "--tokenizer", "--config", "--root-path", "--revision",
)  # fmt: skip
DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True, slots=True)
class Program:
    """A vLLM server that was started here."""

    process: subprocess.Popen[bytes]  # its guard; ends with it
    url: str
    key: str  # without which nobody else on this machine can tell it to load something

    def ended(self) -> str:
        """What its end was, in words; empty: it runs."""
        code = self.process.poll()
        return "" if code is None else f"vLLM ended with exit code {code}"

    def end(self) -> None:
        """Ends it with everything that it started."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(vllm_guard.PATIENCE_S + 10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def started(base: Path, settings: Settings) -> Program:
    """Starts a server on a free port of this machine.

    Raises:
        Unavailable: there is no program `vllm`.
        Refused: the words for it are not to be had.
    """
    path = shutil.which("vllm")
    if path is None:
        raise Unavailable(
            "vLLM is not here to be started",
            found="no program vllm on the PATH",
            wanted="vllm, in this environment or in one of its own",
            next_step="install it and put it on the PATH, or use one that runs: headgate serve --engine vllm "
            "--vllm URL",
        )
    port, key = _free_port(), secrets.token_urlsafe(24)
    words = [sys.executable, "-I", vllm_guard.__file__, *arguments(path, base, settings, port)]
    process = subprocess.Popen(words, env=environment(key), stdin=subprocess.PIPE)
    return Program(process, f"http://127.0.0.1:{port}", key)


def arguments(program: str, base: Path, settings: Settings, port: int) -> list[str]:
    """The command line of a vLLM server for a base with adapters that come and go.

    Raises:
        Refused: a rank that vLLM has no room for, or words of the user's that are ours to choose.
    """
    if settings.vllm_rank not in RANKS:
        raise Refused("vLLM has no such rank", found=str(settings.vllm_rank), wanted=", ".join(map(str, RANKS)))
    # One that vLLM drops is read again from its folder, unproved, when it is next asked for. It drops the longest
    # unused beyond this number, by an order of its own; the rows that run are the most that both can differ in. One
    # more is the adapter of the base.
    held = settings.vllm_held + settings.batch + 1
    return [
        program, "serve", str(base), "--host", "127.0.0.1", "--port", str(port), "--served-model-name", BASE_NAME,
        "--enable-lora", "--max-loras", str(min(settings.vllm_adapters + 1, held)), "--max-cpu-loras", str(held),
        "--max-lora-rank", str(settings.vllm_rank), "--max-num-seqs", str(settings.batch),
        "--load-format", "safetensors", "--generation-config", "vllm", *_precision(base),
        *_given(settings.vllm_arguments),
    ]  # fmt: skip


def environment(key: str) -> dict[str, str]:
    """The environment of that server.

    Adapters may be loaded while it runs, by whoever has the key; it tells nobody about its use, and asks no hub.
    """
    ours = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "VLLM_NO_USAGE_STATS": "1", KEY: key}
    return {"HF_HUB_OFFLINE": "1", **os.environ, **ours}


def _precision(base: Path) -> list[str]:
    """The precision of the base as it is saved: left to itself, vLLM halves one of 32 bits."""
    settings = read_json(base / "config.json")
    saved = settings.get("dtype") or settings.get("torch_dtype")
    return ["--dtype", saved] if saved in DTYPES else []


def _given(text: str) -> Sequence[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Refused("the words for vLLM cannot be read", found=f"{text}: {error}") from None
    # vLLM takes an option by any beginning of it that is no other's, and with underscores.
    names = [one.partition("=")[0].replace("_", "-") for one in words if one.startswith("-")]
    taken = [one for one in names if any(own == one or (own.startswith(one) and len(one) > 4) for own in OURS)]
    if taken:
        raise Refused(
            "these words for vLLM are chosen by headgate",
            found=", ".join(taken),
            wanted="others, such as --tensor-parallel-size 2, --gpu-memory-utilization 0.8 or --max-model-len 4096",
        )
    return words


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
