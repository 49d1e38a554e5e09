"""The embedded engine beside a vLLM that runs, beside plain PEFT: the same answers, at what cost.

    python benchmarks/serving/vllm.py --program /opt/vllm/bin/vllm [--base FOLDER] [--counts 1,10,100]

vLLM is started by our own engine, as `headgate serve --engine vllm` does. First twelve adapters of several ranks,
scales and sets of modules, and the base, are asked together for the same greedy answers by all three; then each side
takes 1, 10 and 100 adapters of rank 16 and answers 64 prompts with eight tokens, 32 rows at a time over all adapters.
Every side and size runs in processes of its own, one after the other. Times are processor seconds of all its
processes, so that a busy machine changes them little, except where they are named wall; memory is what the processes
share and hold (`Pss`). The base is built by `examples/base/build_base.py --size b1m` where none is given, because the
CPU attention of vLLM knows no head size of 24, which the shipped base has. Results go to `vllm.json` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]
BATCH, TOKENS, LONG, ALONE = 32, 8, 24, 16
CACHE = "--kv-cache-memory-bytes 134217728"  # as much as such a base needs; left to itself it takes most of a machine
SIDES = ("ours", "vllm", "peft")
COSTS = ("load_ms_each", "answer_ms_each", "answer_wall_ms_each", "alone_wall_ms", "memory_mb")
Row = tuple[list[int], int]  # prompt and number of the adapter, -1: the base


def family() -> list[int]:
    """This process and all that descend from it."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, new = [], [os.getpid()]
    while new:
        found += new
        new = [child for child, parent in parents.items() if parent in new]
    return found


def processor() -> float:
    """Seconds of processor time of the whole family; that of other processes than this one in steps of 10 ms."""
    ticks, own = 0, time.process_time()
    for pid in set(family()) - {os.getpid()}:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return own + ticks / os.sysconf("SC_CLK_TCK")


def memory() -> float:
    """Megabytes of the whole family, shared pages counted once."""
    size = 0.0
    for pid in family():
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                size += float(line.split()[1]) / 1024 if line.startswith("Pss:") else 0.0
    return size


class Side(Protocol):
    """One of the three."""

    def load(self, folder: Path, number: int) -> None:
        """Takes an adapter."""

    def say(self, rows: Sequence[Row], tokens: int) -> list[str]:
        """Answers, together."""

    def close(self) -> None:
        """Ends."""


class Ours:
    """A runtime of ours: the embedded engine, or vLLM behind it."""

    def __init__(self, base: Path, engine: str, slots: int) -> None:
        from headgate.kit.doors import open_door
        from headgate.serve.doors import RUNTIMES
        from headgate.serve.settings import Settings

        self.runtime = open_door(RUNTIMES[engine]).open_runtime(
            base, Settings(
                engine="vllm" if engine == "vllm" else "embedded", batch=BATCH, vllm_rank=16, vllm_adapters=slots,
                vllm_arguments=CACHE,
            ),
        )  # fmt: skip
        self.names: dict[int, str] = {-1: ""}

    def load(self, folder: Path, number: int) -> None:
        from headgate.serve.names import GivenNames

        served = next(iter(GivenNames({f"a{number}": folder}).read().served.values()))
        self.runtime.load(served)
        self.names[number] = served.name

    def say(self, rows: Sequence[Row], tokens: int) -> list[str]:
        from headgate.serve.runtime import Ask, Piece

        texts, over, left, lock = [""] * len(rows), threading.Event(), [len(rows)], threading.Lock()

        def feed_of(n: int) -> Callable[[Piece], None]:
            def feed(piece: Piece) -> None:
                texts[n] += f" !{piece.error}" if piece.error else piece.text
                if piece.finish_reason or piece.error:
                    with lock:
                        left[0] -= 1
                    if not left[0]:
                        over.set()

            return feed

        for n, (prompt, number) in enumerate(rows):
            self.runtime.submit(Ask(prompt=tuple(prompt), adapter=self.names[number], max_tokens=tokens), feed_of(n))
        over.wait(300)
        return texts

    def close(self) -> None:
        self.runtime.close(1.0)


class Peft:
    """The library's own mixed batches."""

    def __init__(self, base: Path) -> None:
        import torch

        from headgate.models.engines.transformers_local import load_base
        from headgate.models.tokenizer import Tokenizer

        warnings.simplefilter("ignore")
        torch.set_num_threads(1)
        self.base, self.model, self.tokenizer = load_base(base), None, Tokenizer(base)

    def load(self, folder: Path, number: int) -> None:
        from peft import PeftModel

        if self.model is None:
            self.model: Any = PeftModel.from_pretrained(self.base.model, folder, adapter_name=f"a{number}")
            self.model.eval()
        else:
            self.model.load_adapter(folder, adapter_name=f"a{number}")

    def say(self, rows: Sequence[Row], tokens: int) -> list[str]:
        import torch

        from headgate.models.engines.transformers_local import left_padded

        texts: list[str] = []
        for first in range(0, len(rows), BATCH):
            part = rows[first : first + BATCH]
            ids, mask = left_padded([prompt for prompt, _ in part], 0)
            names = ["__base__" if number < 0 else f"a{number}" for _, number in part]
            with torch.inference_mode():
                made = self.model.generate(
                    input_ids=ids, attention_mask=mask, max_new_tokens=tokens, do_sample=False, pad_token_id=0,
                    adapter_names=names,
                )  # fmt: skip
            texts += [self.tokenizer.decode(one) for one in made[:, ids.shape[1] :].tolist()]
        return texts

    def close(self) -> None:
        pass


def opened(side: str, base: Path, count: int) -> Side:
    if side == "peft":
        return Peft(base)
    return Ours(base, {"ours": "embedded", "vllm": "vllm"}[side], min(count, BATCH))


def rows_of(base: Path, count: int, requests: int, *, with_base: bool = False) -> list[Row]:
    """Prompts in turn over all adapters, and the base where it is asked too."""
    from headgate.models.chat_template import ChatTemplate
    from headgate.models.tokenizer import Tokenizer

    template, tokenizer = ChatTemplate.of_folder(base), Tokenizer(base)
    assert template is not None
    words = ["card", "pin", "bill", "phone", "bank", "money", "song", "weather"]
    rows: list[Row] = []
    for n in range(requests):
        text = f"where is my {words[n % 8]} and the {words[n // 8 % 8]} {'please ' * (n % 5)}"
        turn = n % (count + with_base)
        prompt = template.render([{"role": "user", "content": text}], add_generation_prompt=True)
        rows.append((tokenizer.encode([prompt])[0].ids, -1 if turn == count else turn))
    return rows


def measured(side: str, base: Path, folders: list[Path], requests: int) -> dict[str, float]:
    """Costs of one side with one number of adapters."""
    one = opened(side, base, len(folders))
    try:
        start = processor()
        for n, folder in enumerate(folders):
            one.load(folder, n)
        load = processor() - start
        rows = rows_of(base, len(folders), requests)
        one.say(rows, TOKENS)
        costs = []
        for _ in range(3):
            busy, wall = processor(), time.perf_counter()
            one.say(rows, TOKENS)
            costs.append((processor() - busy, time.perf_counter() - wall))
        alone = []
        for row in rows[:ALONE]:
            wall = time.perf_counter()
            one.say([row], TOKENS)
            alone.append(time.perf_counter() - wall)
        return {
            "load_ms_each": round(load / len(folders) * 1e3, 2),
            "answer_ms_each": round(min(busy for busy, _ in costs) / requests * 1e3, 2),
            "answer_wall_ms_each": round(min(wall for _, wall in costs) / requests * 1e3, 2),
            "alone_wall_ms": round(statistics.median(alone) * 1e3, 1),
            "memory_mb": round(memory(), 1),
        }
    finally:
        one.close()


def answers(side: str, base: Path, folders: list[Path], requests: int) -> list[str]:
    """Greedy answers of all adapters and the base, asked together."""
    one = opened(side, base, len(folders))
    try:
        for n, folder in enumerate(folders):
            one.load(folder, n)
        return one.say(rows_of(base, len(folders), requests, with_base=True), LONG)
    finally:
        one.close()


def made(folder: Path, base: Path, count: int) -> None:
    """Adapters for the answers and for the costs."""
    sys.path.insert(0, str(ROOT / "tests/backends"))
    from made_adapters import make_adapter

    attention: Callable[[str], bool] = lambda stem: "self_attn" in stem  # noqa: E731
    variants: list[dict[str, Any]] = [
        {}, {"wanted": attention}, {"use_rslora": True, "lora_alpha": 6}, {"alpha_pattern": {"q_proj": 24, "o_proj": 2}}
    ]  # fmt: skip
    for n in range(12):
        make_adapter(folder / f"m{n}", seed=n, rank=(4, 7, 16)[n // 4], base=base, **variants[n % 4])
    for n in range(count):
        make_adapter(folder / f"a{n}", seed=n, rank=16, strength=0.15, base=base)


def apart(side: str, what: str, given: argparse.Namespace, folder: Path, base: Path, count: int) -> Any:
    """One side in processes of its own."""
    words = [sys.executable, __file__, "--side", side, "--what", what, "--folder", str(folder), "--base", str(base)]
    done = subprocess.run(
        [*words, "--counts", str(count), "--requests", str(given.requests), "--program", str(given.program)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{side}, {what}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def about(given: argparse.Namespace, base: Path) -> dict[str, Any]:
    """What was measured on what."""
    from headgate.models.fingerprint import read_json, weight_files
    from headgate.models.safetensors_header import read_header

    size = 0
    for path in weight_files(base):
        for _, _, begin, end in read_header(path)[0].values():
            size += (end - begin) // 4
    said = subprocess.run([given.program, "--version"], capture_output=True, text=True, check=True).stdout.split()
    config = read_json(base / "config.json")
    keys = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "dtype")
    return {
        "vllm": said[-1],
        "base": {name: config.get(name) for name in keys} | {"parameters": size},
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "load_average": os.getloadavg()[0],
    }


def compared(given: argparse.Namespace, folder: Path, base: Path) -> dict[str, Any]:
    """Answers side by side, then costs side by side."""
    texts = {side: apart(side, "answers", given, folder, base, 12) for side in SIDES}
    total = len(texts["ours"])
    found: dict[str, Any] = {
        "about": about(given, base),
        "same_answers": {
            "asked": total,
            "different_texts": len(set(texts["ours"])),
            "vllm_as_ours": sum(a == b for a, b in zip(texts["vllm"], texts["ours"], strict=True)),
            "peft_as_ours": sum(a == b for a, b in zip(texts["peft"], texts["ours"], strict=True)),
        },
    }
    print(json.dumps(found), flush=True)
    for count in map(int, given.counts.split(",")):
        costs = {side: apart(side, "costs", given, folder, base, count) for side in SIDES}
        costs["vllm_to_ours"] = {name: round(costs["vllm"][name] / costs["ours"][name], 2) for name in COSTS}
        costs["peft_to_ours"] = {name: round(costs["peft"][name] / costs["ours"][name], 2) for name in COSTS}
        found.setdefault("adapters", {})[str(count)] = costs
        print(count, json.dumps(costs), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--program", type=Path, required=True, help="the program vllm")
    parser.add_argument("--base", type=Path, help="a base whose head size vLLM can run; else one is built")
    parser.add_argument("--counts", default="1,10,100")
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--what", choices=["answers", "costs"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.environ |= {"PATH": f"{given.program.parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    if given.side:
        count = int(given.counts)
        if given.what == "answers":
            folders = [given.folder / f"m{n}" for n in range(count)]
            print(json.dumps(answers(given.side, given.base, folders, 4 * given.requests)))
        else:
            folders = [given.folder / f"a{n}" for n in range(count)]
            print(json.dumps(measured(given.side, given.base, folders, given.requests)))
        return
    with tempfile.TemporaryDirectory() as work:
        base = given.base or Path(work) / "b1m"
        if given.base is None:
            builder = [sys.executable, str(ROOT / "examples/base/build_base.py"), "--size", "b1m", "--passes", "2"]
            subprocess.run([*builder, "--out", str(base)], check=True, capture_output=True)
        made(Path(work), base, max(map(int, given.counts.split(","))))
        found = compared(given, Path(work), base)
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
