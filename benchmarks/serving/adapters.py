"""Many adapters on one base: ours beside PEFT's mixed batches, at 1, 10 and 100 adapters.

    python benchmarks/serving/adapters.py [--counts 1,10,100] [--requests 64]

Each side and size runs in a process of its own, one after the other, on the shipped base with made adapters of rank
16. Times are seconds of the process's own processor time, so that a busy machine changes them little; memory is what
the process holds for itself and what it has mapped. Both sides answer the same prompts with eight tokens, in batches
of 32 rows spread over all adapters. Results go to `adapters.json` beside this file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BASE = ROOT / "examples/base/headgate-tiny"
BATCH, TOKENS = 32, 8


def memory() -> dict[str, float]:
    """Megabytes that the process holds alone, and in all."""
    found = {}
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        found[name] = float(rest.split()[0]) / 1024
    return {"own_mb": found["Private_Dirty"], "all_mb": found["Rss"]}


def prompts(count: int) -> list[str]:
    words = ["card", "pin", "bill", "phone", "bank", "money", "song", "weather"]
    return [f"where is my {words[n % 8]} and the {words[n // 8 % 8]}" for n in range(count)]


def ours(folders: list[Path], requests: int) -> dict[str, float]:
    """The embedded engine."""
    from headgate.models.chat_template import ChatTemplate
    from headgate.models.tokenizer import Tokenizer
    from headgate.serve.engines.embedded import open_runtime
    from headgate.serve.names import GivenNames
    from headgate.serve.runtime import Ask, Piece
    from headgate.serve.settings import Settings

    runtime = open_runtime(BASE, Settings(batch=BATCH, queue=requests + 1))
    before = memory()
    served = [*GivenNames({f"a{n}": one for n, one in enumerate(folders)}).read().served.values()]
    began = time.process_time()
    for one in served:
        runtime.load(one)
    load = time.process_time() - began
    template, tokenizer = ChatTemplate.of_folder(BASE), Tokenizer(BASE)
    assert template is not None
    ids = [
        tuple(
            tokenizer.encode([template.render([{"role": "user", "content": text}], add_generation_prompt=True)])[0].ids
        )
        for text in prompts(requests)
    ]

    def round_() -> float:
        left, over = [len(ids)], threading.Event()

        def feed(piece: Piece) -> None:
            assert not piece.error, piece.error
            if piece.finish_reason:
                left[0] -= 1
                if not left[0]:
                    over.set()

        start = time.process_time()
        for n, one in enumerate(ids):
            runtime.submit(Ask(prompt=one, adapter=served[n % len(served)].name, max_tokens=TOKENS), feed)
        over.wait()
        return time.process_time() - start

    round_()
    answer = min(round_() for _ in range(2))
    after = memory()
    runtime.close(1.0)
    return told(load, answer, before, after, folders, requests)


def peft(folders: list[Path], requests: int) -> dict[str, float]:
    """The library's own mixed batches."""
    import torch
    from peft import PeftModel

    from headgate.models.chat_template import ChatTemplate
    from headgate.models.engines.transformers_local import left_padded, load_base
    from headgate.models.tokenizer import Tokenizer

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    base = load_base(BASE)
    before = memory()
    began = time.process_time()
    model: Any = PeftModel.from_pretrained(base.model, folders[0], adapter_name="a0")
    for n, one in enumerate(folders[1:], 1):
        model.load_adapter(one, adapter_name=f"a{n}")
    load = time.process_time() - began
    model.eval()
    template, tokenizer = ChatTemplate.of_folder(BASE), Tokenizer(BASE)
    assert template is not None
    ids = [
        tokenizer.encode([template.render([{"role": "user", "content": text}], add_generation_prompt=True)])[0].ids
        for text in prompts(requests)
    ]

    def round_() -> float:
        start = time.process_time()
        for first in range(0, requests, BATCH):
            rows = range(first, min(first + BATCH, requests))
            tokens, mask = left_padded([ids[n] for n in rows], 0)
            with torch.inference_mode():
                model.generate(
                    input_ids=tokens, attention_mask=mask, max_new_tokens=TOKENS, do_sample=False, pad_token_id=0,
                    adapter_names=[f"a{n % len(folders)}" for n in rows],
                )  # fmt: skip
        return time.process_time() - start

    round_()
    answer = min(round_() for _ in range(2))
    return told(load, answer, before, memory(), folders, requests)


def told(
    load: float, answer: float, before: dict[str, float], after: dict[str, float], folders: list[Path], requests: int
) -> dict[str, float]:
    count = len(folders)
    return {
        "load_ms_each": round(load / count * 1e3, 2),
        "answer_ms_each": round(answer / requests * 1e3, 2),
        "own_mb_each": round((after["own_mb"] - before["own_mb"]) / count, 3),
        "all_mb_each": round((after["all_mb"] - before["all_mb"]) / count, 3),
        "own_mb": round(after["own_mb"], 1),
        "all_mb": round(after["all_mb"], 1),
    }


def made(folder: Path, count: int) -> None:
    sys.path.insert(0, str(ROOT / "tests/backends"))
    from made_adapters import make_adapter

    for n in range(count):
        make_adapter(folder / f"a{n}", seed=n, rank=16, strength=0.01)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", default="1,10,100")
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--side", choices=["ours", "peft"])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    counts = [int(one) for one in given.counts.split(",")]
    if given.side:
        folders = [given.folder / f"a{n}" for n in range(counts[0])]
        print(json.dumps({"ours": ours, "peft": peft}[given.side](folders, given.requests)))
        return
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as work:
        made(Path(work), max(counts))
        for count in counts:
            for side in ("ours", "peft"):
                words = [sys.executable, __file__, "--side", side, "--folder", work, "--counts", str(count)]
                done = subprocess.run(
                    [*words, "--requests", str(given.requests)], capture_output=True, text=True, check=True
                )
                found.setdefault(str(count), {})[side] = json.loads(done.stdout.splitlines()[-1])
            both = found[str(count)]
            both["ratio"] = {
                name: round(both["peft"][name] / both["ours"][name], 2)
                for name in ("load_ms_each", "answer_ms_each", "all_mb_each")
                if both["ours"][name] > 0
            }
            print(count, json.dumps(both), flush=True)
            Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
