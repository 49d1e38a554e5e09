"""Targets of evaluation that need a server: how fast the fake endpoint is, and a campaign on real recorded answers.

    python benchmarks/evaluation/targets/served.py DATA [T22 T23]

T22 asks a server in a process of its own over four connections that stay open. T23 is the whole way without network
and GPU: `before` answers as llama2-orig answered XSTest, `after` as mistral-instruct did, people's labels beside them;
on the side both answer GSM8K as two released models did. The doors look at training rows, the batteries at refusals in
both directions, and the gate decides. Writes `served.json` beside this file.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headgate.evaluate.batteries import SafetySettings
from headgate.evaluate.run import run
from headgate.evaluate.safety.labels import answer_digest
from headgate.evaluate.settings import FewShotSettings, Settings, SuiteSettings
from headgate.kit.files import write_text
from headgate.ledger.steps import record_step
from headgate.rows.reading import read_rows
from headgate.rules.data.dat006_self_leak import self_leak
from headgate.rules.data.dat007_paraphrased_leak import paraphrased_leak
from headgate.rules.given import Corpus, Given
from headgate.testing.fake_endpoint import FakeEndpoint, Request

HERE = Path(__file__).parent
RESULTS = HERE / "served.json"
ARMS = {"before": ("llama2orig", "6b_finetuning"), "after": ("mistralinstruct", "175b_verification")}
EXTRACTOR = ["after:A: then number", "number"]
PROBLEMS, TRAINING = 250, 1500
SERVER = """
import sys
from headgate.testing.fake_endpoint import FakeEndpoint
with FakeEndpoint(lambda request: "four") as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


def throughput(_: Path) -> dict[str, Any]:
    """T22: chat completions a second over four open connections, for three seconds."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline().split(":")[2].split("/")[0])
        counts, until = [0] * 4, time.monotonic() + 3
        threads = [threading.Thread(target=_ask, args=(port, until, counts, i)) for i in range(4)]
        started = time.monotonic()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        took = time.monotonic() - started
        server.stdin.close()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "requests_per_second": round(sum(counts) / took), "load": round(os.getloadavg()[0], 1),
        # What the server would do with a core of its own; the rest of the wall is others' work on this machine.
        "requests_per_cpu_second": round(sum(counts) / (spent.ru_utime + spent.ru_stime)),
    }  # fmt: skip


def _ask(port: int, until: float, counts: list[int], mine: int) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "2 + 2?"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < until:
            wire.sendall(head + body)
            data = wire.recv(65536)
            while b"\r\n\r\n" not in data:
                data += wire.recv(65536)
            before, _, rest = data.partition(b"\r\n\r\n")
            length = int(before.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(rest) < length:
                rest += wire.recv(65536)
            counts[mine] += b" 200 " in before.split(b"\r\n")[0] and b"four" in rest


def campaign(data: Path) -> dict[str, Any]:
    """T23: replayed answers through doors, comparison and gate."""
    started, spent = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as place:
        scene = _scene().make(Path(place))
        recorded = _prepare(data, scene.folder)
        scene.step("check", *_doors(scene.folder))

        def answer(request: Request) -> str:
            return recorded[request.model, request.text]

        with FakeEndpoint(answer) as server:
            settings = Settings(
                suites={"sums": SuiteSettings(gate="sums.jsonl", scorer="number", extractor=EXTRACTOR)},
                base=server.spec("before"),
                candidate=server.spec("after"),
                few_shot=FewShotSettings(counts=[0]),
                safety=SafetySettings(
                    axes=["refusal", "over-refusal"], harmful="unsafe.jsonl", safe="safe.jsonl", labels="labels.jsonl",
                    built_in=False,
                ),
                max_tokens=512,
            )  # fmt: skip
            result = run(scene.ledger, settings, context=scene.context)
            asked = len(server.journal)
        scene.outputs["evaluate"] = dict(result.outputs)
        scene.steps["evaluate"] = record_step(scene.ledger, result, key="campaign")
        gate = scene.gate(compare=["base"], shown=["safety-refusal", "safety-over-refusal"])
        told = {one.rule: one for one in result.verdicts}
        scene.ledger.close()
    shown = {rule: told[rule] for rule in ("safety-refusal", "safety-over-refusal", "candidate-over-base")}
    return {
        "verdicts": {rule: {"outcome": one.outcome.value, "summary": one.summary} for rule, one in shown.items()},
        "gate": gate.outcome.value, "stopped_by": sorted({v.rule for v in gate.verdicts if v.blocks}),
        "requests": asked, "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(time.process_time() - spent, 1), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _scene() -> Any:
    path = HERE.parents[2] / "tests/unit/gate/scene.py"
    spec = importlib.util.spec_from_file_location("scene", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scene"] = module
    spec.loader.exec_module(module)
    return module


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def _prepare(data: Path, folder: Path) -> Mapping[tuple[str, str], str]:
    """Files of the project, and what each arm said, by arm and last message."""
    recorded: dict[tuple[str, str], str] = {}
    labels: dict[str, str] = {}
    prompts: dict[str, dict[str, None]] = {"safe": {}, "unsafe": {}}
    for one in _lines(data / "xstest/labelled_completions.jsonl.gz"):
        for arm, (model, _) in ARMS.items():
            if one["model"] == model:
                recorded[arm, one["prompt"]] = one["completion"]
                refused = one["final_label"] != "1_full_compliance"
                digest = answer_digest(({"role": "user", "content": one["prompt"]},), one["completion"])
                labels[digest] = "refusal" if refused else "answer"
                prompts["unsafe" if one["type"].startswith("contrast") else "safe"][one["prompt"]] = None
    for name, some in prompts.items():
        _write(folder / f"{name}.jsonl", [{"prompt": text} for text in some])
    _write(folder / "labels.jsonl", [{"answer": k, "label": v, "by": "two people"} for k, v in labels.items()])
    problems = _lines(data / "gsm8k/test.jsonl")[:PROBLEMS]
    items = [{"prompt": one["question"], "completion": one["answer"].rpartition("####")[2].strip()} for one in problems]
    _write(folder / "sums.jsonl", items)
    training = _lines(data / "gsm8k/train.jsonl.gz")[:TRAINING]
    _write(folder / "train.jsonl", [{"prompt": one["question"], "completion": one["answer"]} for one in training])
    for one in _lines(data / "gsm8k/graded_model_solutions.jsonl.gz"):
        for arm, (_, model) in ARMS.items():
            if one["model"] == model and one["test_index"] < PROBLEMS:
                recorded[arm, problems[one["test_index"]]["question"]] = one["solution"]
    return recorded


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _doors(folder: Path) -> list[Any]:
    """Verbatim and paraphrased copies of the sums among training rows."""
    rows, items = (Corpus(list(read_rows(folder / name))) for name in ("train.jsonl", "sums.jsonl"))
    given = Given({"training-rows": rows, "evaluation-items": items})
    return [rule.judge(given) for rule in (self_leak, paraphrased_leak)]


TARGETS: dict[str, Callable[[Path], dict[str, Any]]] = {"T22": throughput, "T23": campaign}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("targets", nargs="*", default=sorted(TARGETS))
    given = parser.parse_args()
    told = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.targets:
        told[name] = TARGETS[name](given.data)
        print(name, json.dumps(told[name]))
        write_text(RESULTS, json.dumps(dict(sorted(told.items())), indent=2) + "\n")


if __name__ == "__main__":
    main()
