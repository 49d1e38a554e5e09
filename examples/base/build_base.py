"""Builds headgate-tiny, the small base model of the examples and tests, from scratch and offline.

A Llama-shaped model of 0.4 million parameters with its own byte-level tokenizer. It learns to
read short requests and to answer with the name of an intent, which is the skill that the examples
then fine-tune on other intents. All text comes from `data/` beside this script (see `data/LICENCES.md`).

    python examples/base/build_base.py --out /tmp/headgate-tiny     builds into a folder
    python examples/base/build_base.py --check                     builds again, compares with SHA256SUMS

One thread, fixed seeds and a pinned instruction set: the same file twice on the same kind of machine.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

# In place before torch loads: other instruction sets and more threads add numbers in another order.
PINNED = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}

HERE = Path(__file__).resolve().parent
SHIPPED = HERE / "headgate-tiny"
SUMS = HERE / "SHA256SUMS"
SEED = 20
CONTEXT = 1024  # tokens
IGNORED = -100

PAD, BEGIN, END = "<|pad|>", "<|begin|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
SPECIAL = [PAD, BEGIN, END, *ROLES]

TEMPLATE = (
    "<|begin|>"
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant'] -%}"
    "{{- raise_exception('this template knows the roles system, user and assistant') -}}"
    "{%- endif -%}"
    "{{- '<|' + message['role'] + '|>' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- message['content'] + '<|end|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)

SYSTEM_LINES = (
    "Name the intent of the request.",
    "What does the person want? Answer with the name of the intent.",
    "Answer with one intent name.",
    "Label this message.",
    "Which intent is this? Give its name only.",
)

SIZES: dict[str, dict[str, int]] = {
    "b04": {"vocab": 1024, "hidden": 96, "layers": 3, "mlp": 256, "heads": 4, "kv": 2},
    "b1m": {"vocab": 2048, "hidden": 128, "layers": 4, "mlp": 344, "heads": 4, "kv": 2},
}

Turn = tuple[str, str]  # role, text


def requests() -> tuple[list[tuple[str, str]], list[str]]:
    """Labelled requests (text, intent in plain words) and unlabelled ones; the test split stays unseen."""
    labelled, plain = [], []
    with gzip.open(HERE / "data/clinc150_full.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        for record in csv.DictReader(stream):
            if record["split"] in ("train", "val"):
                labelled.append((record["text"], record["intent"].replace("_", " ")))
            elif record["split"] in ("oos_train", "oos_val"):
                plain.append(record["text"])
    return labelled, plain


def lines(name: str) -> list[str]:
    """The lines of a gzipped text file in `data/`."""
    return gzip.decompress((HERE / "data" / name).read_bytes()).decode().splitlines()


def dialogues(rng: random.Random, passes: int) -> list[list[Turn]]:
    """What the model reads: labelled requests alone and in short series, and some plain text."""
    labelled, plain = requests()
    out: list[list[Turn]] = []
    for _ in range(passes):
        rows = labelled[:]
        rng.shuffle(rows)
        while rows:
            size = 1 if rng.random() < 0.98 else rng.randint(2, 40)
            turns: list[Turn] = [("system", rng.choice(SYSTEM_LINES))] if rng.random() < 0.5 else []
            for text, intent in rows[:size]:
                turns += [("user", dressed(text, rng)), ("assistant", intent)]
            del rows[:size]
            out.append(turns)
    out += [[("user", text)] for text in plain]
    out += [[("assistant", text)] for text in lines("star_replies.txt.gz")]
    out += [[("user", text)] for text in lines("gsm8k_questions.txt.gz")]
    rng.shuffle(out)
    return out


def dressed(text: str, rng: random.Random) -> str:
    """CLINC150 is all lower case without punctuation; people are not."""
    if rng.random() < 0.5:
        text = text[:1].upper() + text[1:]
        text = text.replace(" i ", " I ").replace(" i'", " I'")
    draw = rng.random()
    if draw < 0.35:
        text += "?" if draw < 0.2 else "."
    return text


def rendered(turns: list[Turn]) -> str:
    """The text of a dialogue as the chat template gives it."""
    return BEGIN + "".join(f"<|{role}|>{text}{END}" for role, text in turns)


def train_tokenizer(texts: Iterator[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return tokenizer


def encoded(tokenizer: Tokenizer, corpus: list[list[Turn]]) -> list[np.ndarray]:
    """Token ids of each dialogue, cut at the context."""
    batch = tokenizer.encode_batch([rendered(turns) for turns in corpus], add_special_tokens=False)
    return [np.asarray(one.ids[:CONTEXT], dtype=np.int64) for one in batch]


def batches(documents: list[np.ndarray], tokens: int, rng: random.Random) -> list[list[int]]:
    """Numbers of documents of similar length, about `tokens` positions a batch, in random order."""
    order = list(range(len(documents)))
    rng.shuffle(order)
    order.sort(key=lambda i: len(documents[i]))
    out, start = [], 0
    while start < len(order):
        end = start
        while end < len(order) and (end - start + 1) * len(documents[order[end]]) <= tokens:
            end += 1
        end = max(end, start + 1)
        out.append(order[start:end])
        start = end
    rng.shuffle(out)
    return out


def padded(documents: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels, right-padded; documents do not see each other."""
    width = max(len(one) for one in documents)
    ids = torch.zeros((len(documents), width), dtype=torch.long)
    labels = torch.full((len(documents), width), IGNORED, dtype=torch.long)
    for i, one in enumerate(documents):
        ids[i, : len(one)] = torch.from_numpy(one)
        labels[i, : len(one)] = torch.from_numpy(one)
    return ids, labels


def train_model(model: LlamaForCausalLM, documents: list[np.ndarray], plan: list[list[int]], rate: float) -> float:
    """AdamW with a warm-up and a cosine; gives the mean loss of the last tenth."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.05)
    warm = max(1, len(plan) // 20)

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * (step - warm) / max(1, len(plan) - warm))))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
    losses = []
    model.train()
    for step, numbers in enumerate(plan):
        ids, labels = padded([documents[i] for i in numbers])
        logits = model(input_ids=ids).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == len(plan) - 1:
            print(f"step {step:5d}/{len(plan)}  loss {np.mean(losses[-50:]):.3f}", file=sys.stderr, flush=True)
    return float(np.mean(losses[-len(losses) // 10 :]))


def new_model(size: dict[str, int], vocabulary: int) -> LlamaForCausalLM:
    """The untrained model."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=size["hidden"],
        intermediate_size=size["mlp"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["kv"],
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=SPECIAL.index(BEGIN),
        eos_token_id=SPECIAL.index(END),
        pad_token_id=SPECIAL.index(PAD),
        attention_dropout=0.0,
        initializer_range=0.02,
    )
    torch.manual_seed(SEED)
    return LlamaForCausalLM(config).float()


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, out: Path, card: str) -> None:
    """Writes the folder in the form that transformers reads."""
    out.mkdir(parents=True, exist_ok=True)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(ROLES),
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = TEMPLATE
    model.generation_config = GenerationConfig(
        bos_token_id=SPECIAL.index(BEGIN),
        eos_token_id=SPECIAL.index(END),
        pad_token_id=SPECIAL.index(PAD),
        do_sample=False,
        max_new_tokens=32,
    )
    model.save_pretrained(out)
    fast.save_pretrained(out)
    (out / "README.md").write_text(card, encoding="utf-8")
    for path in out.iterdir():
        path.chmod(0o644)


def build(out: Path, size: str, passes: int, rate: float, batch_tokens: int) -> dict[str, Any]:
    """Builds the base into a folder and gives the figures of the build."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    began, wall = time.process_time(), time.perf_counter()
    rng = random.Random(SEED)
    corpus = dialogues(rng, passes)
    shape = SIZES[size]
    labelled, plain = requests()
    seen = [text for text, _ in labelled] + sorted({intent for _, intent in labelled}) * 20 + plain
    seen += list(SYSTEM_LINES) * 200 + lines("star_replies.txt.gz") + lines("gsm8k_questions.txt.gz")
    tokenizer = train_tokenizer(iter(seen), shape["vocab"])
    documents = encoded(tokenizer, corpus)
    plan = batches(documents, batch_tokens, rng)
    model = new_model(shape, tokenizer.get_vocab_size())
    loss = train_model(model, documents, plan, rate)
    figures = {
        "parameters": model.num_parameters(),
        "tokens": int(sum(len(one) for one in documents)),
        "steps": len(plan),
        "loss": round(loss, 2),
        "cpu_seconds": round(time.process_time() - began),
        "wall_seconds": round(time.perf_counter() - wall),
    }
    card = (HERE / "CARD.md").read_text(encoding="utf-8")
    save(model, tokenizer, out, card)
    return figures


def sums(folder: Path) -> str:
    """One line a file, as sha256sum prints it."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  headgate-tiny/{path.name}\n" for path in files)


def main() -> int:
    """Reads the command line; exit 1 when a check finds another file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder to build into")
    parser.add_argument("--size", choices=sorted(SIZES), default="b04")
    parser.add_argument("--passes", type=int, default=6, help="passes over the labelled requests")
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--batch-tokens", type=int, default=2048, help="positions a step")
    parser.add_argument("--check", action="store_true", help="build elsewhere and compare with SHA256SUMS")
    parser.add_argument("--write-sums", action="store_true", help="write SHA256SUMS of the folder built")
    given = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in PINNED.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **PINNED})
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "headgate-tiny" if given.check else given.out
        figures = build(out, given.size, given.passes, given.rate, given.batch_tokens)
        print(json.dumps(figures | {"cpu": torch.backends.cpu.get_cpu_capability()}))
        found = sums(out)
    if given.write_sums:
        SUMS.write_text(found, encoding="utf-8")
    if not given.check:
        return 0
    wanted = SUMS.read_text(encoding="utf-8")
    changed = sorted(set(found.splitlines()) ^ set(wanted.splitlines()))
    print("same as SHA256SUMS" if not changed else "differs from SHA256SUMS:\n" + "\n".join(changed))
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
