"""The doors of serving: the web server, and the engines that answer."""

from __future__ import annotations

from headgate.kit.doors import Door

SERVER = Door(
    name="openai-server",
    reference="headgate.serve.engines.openai_app",
    extra="serve",
    packages=("starlette", "uvicorn"),
    purpose="answer requests in the OpenAI shape",
)
EMBEDDED = Door(
    name="embedded",
    reference="headgate.serve.engines.embedded",
    extra="train",
    packages=("torch", "transformers", "safetensors", "tokenizers"),
    purpose="run many adapters on one base in this process",
)
VLLM = Door(
    name="vllm",
    reference="headgate.serve.engines.vllm_server",
    extra="serve",
    packages=("httpx",),
    purpose="hand requests to a vLLM server",
)

DOORS: dict[str, Door] = {door.name: door for door in (SERVER, EMBEDDED)}
RUNTIMES: dict[str, Door] = {door.name: door for door in (EMBEDDED, VLLM)}
