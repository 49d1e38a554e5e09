"""Figures that the evaluation room promises: the numeric extractor on GSM8K, and the speed of the fake endpoint.

python benchmarks/evaluation_figures.py --gsm8k FOLDER     (graded_model_solutions.jsonl.gz, test.jsonl)
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from headgate.evaluate.scorers import Mark, Scorer
from headgate.kit.progress import silent
from headgate.models.journal import Journal
from headgate.models.model import Completion, Sampling
from headgate.models.opening import open_model
from headgate.testing.fake_endpoint import FakeEndpoint, script

MARKER = "####"
CLIENTS = 4  # connections, in one process of their own
SECONDS = 3.0


def extractor_agreement(folder: Path) -> dict[str, int]:
    """How many released verdicts the scorer `number` reproduces."""
    targets = [json.loads(line)["answer"].split(MARKER)[1] for line in (folder / "test.jsonl").open(encoding="utf-8")]
    scorer = Scorer("number", ["after:A: then number", "number"])
    rows = agreed = 0
    with gzip.open(folder / "graded_model_solutions.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            mark = scorer.score(Completion(text=row["solution"]), targets[row["test_index"]]).mark
            agreed += (mark is Mark.PASS) == row["is_correct"]
            rows += 1
    return {"solutions": rows, "agreed": agreed}


def _hammer(port: int, seconds: float, counted: multiprocessing.Queue[int]) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "where is my card?"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    links = [socket.create_connection(("127.0.0.1", port)) for _ in range(CLIENTS)]
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        for link in links:
            link.sendall(head + body)
        for link in links:
            data = link.recv(65536)
            count += data.startswith(b"HTTP/1.1 200")
    for link in links:
        link.close()
    counted.put(count)


def server_rate() -> float:
    """Requests per second that the fake endpoint answers to keep-alive connections from another process."""
    with FakeEndpoint(script({}, "lost card")) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        counted: multiprocessing.Queue[int] = multiprocessing.Queue()
        client = multiprocessing.Process(target=_hammer, args=(port, SECONDS, counted))
        started = time.perf_counter()
        client.start()
        count = counted.get()
        client.join()
        return count / (time.perf_counter() - started)


def client_rate(prompts: int = 2000) -> dict[str, float]:
    """Requests per second of our own client with its journal, and answers per second from the journal."""
    asked = [({"role": "user", "content": f"item {i}"},) for i in range(prompts)]
    found = {}
    with FakeEndpoint(script({}, "lost card")) as server, tempfile.TemporaryDirectory() as folder:
        model = open_model(server.spec())
        for name in ("asked", "from the journal"):
            started = time.perf_counter()
            with Journal.of(Path(folder), model.fingerprint) as journal:
                asyncio.run(model.complete(asked, settings=Sampling(), journal=journal, advance=silent))
            found[name] = round(prompts / (time.perf_counter() - started))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gsm8k", type=Path, help="folder with the released solutions and the test items")
    options = parser.parse_args(arguments)
    figures: dict[str, object] = {"fake endpoint, requests per second": round(server_rate())}
    figures["client, requests per second"] = client_rate()
    if options.gsm8k:
        figures["numeric extractor on GSM8K"] = extractor_agreement(options.gsm8k)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
