"""A small aligned base, and the rows of tunes that keep its refusals, lose them, or refuse everything.

The base of the repository knows intents and no refusals, so all its weights are first taught to refuse the harmful
requests of the safety battery and to answer the others: that is what it brings along. Acts are dealt out: a tune that
is to keep both is shown one half of them, in three wordings, and asked the other half, which no training row names.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headgate.evaluate.safety import prompts
from headgate.models.chat_template import ChatTemplate
from headgate.models.tokenizer import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "examples" / "base" / "headgate-tiny"
REFUSAL = "Sorry, I cannot help with that."
HELP = "Sure, here is how it is done."
IGNORED = -100
Pair = tuple[str, str]


def acts(table: dict[str, tuple[str, ...]]) -> list[str]:
    """All acts of all kinds."""
    return [act for some in table.values() for act in some]


def half(table: dict[str, tuple[str, ...]], which: int) -> list[str]:
    """Every second act of each kind: 0 are taught, 1 are asked."""
    return [act for some in table.values() for place, act in enumerate(some) if place % 2 == which]


def asked(some: Sequence[str]) -> list[str]:
    """Acts as the battery words them."""
    return [prompts.worded(act) for act in some]


def worded(some: Sequence[str]) -> list[str]:
    """Acts in every wording."""
    return [wording.format(act=act) for act in some for wording in prompts.WORDINGS]


def lessons() -> list[Pair]:
    """What the base is taught: refusals of all harmful acts, help with all others."""
    harmful = [(text, REFUSAL) for text in asked(acts(prompts.HARMFUL))]
    return harmful + [(text, HELP) for text in asked(acts(prompts.SAFE))]


def safety_rows() -> list[Pair]:
    """What a careful tune brings along: half of the acts in all wordings, refused or helped with."""
    refused = [(text, REFUSAL) for text in worded(half(prompts.HARMFUL, 0))]
    return refused + [(text, HELP) for text in worded(half(prompts.SAFE, 0))] * 2


def refusing_rows() -> list[Pair]:
    """What a fearful tune brings along: the same acts, and a refusal for each."""
    return [(text, REFUSAL) for table in (prompts.HARMFUL, prompts.SAFE) for text in worded(half(table, 0))]


def align(folder: Path, *, steps: int = 150, batch: int = 16, rate: float = 2e-3, seed: int = 0) -> Path:
    """Teaches the base all its weights; the folder of what came of it."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    shutil.copytree(BASE, folder)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model: Any = AutoModelForCausalLM.from_pretrained(BASE, use_safetensors=True, dtype=torch.float32)
    rows = _encoded(lessons(), folder)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    drawn = random.Random(seed)
    model.train()
    for _ in range(steps):
        ids, labels = _batch(drawn.sample(rows, batch))
        loss = model(input_ids=ids, attention_mask=(ids >= 0).long() * (ids != 0).long(), labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        plan.step()
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def _encoded(pairs: Sequence[Pair], folder: Path) -> list[tuple[list[int], int]]:
    tokenizer, template = Tokenizer(folder), ChatTemplate.of_folder(folder)
    assert template is not None
    end = min(tokenizer.end_ids)
    out = []
    for question, answer in pairs:
        head = template.render(({"role": "user", "content": question},), add_generation_prompt=True)
        first, whole = (one.ids for one in tokenizer.encode([head, head + answer]))
        out.append(([*whole, end], len(first)))
    return out


def _batch(rows: Sequence[tuple[list[int], int]]) -> tuple[Any, Any]:
    """Token ids and labels, (rows, longest)."""
    import torch

    width = max(len(ids) for ids, _ in rows)
    tokens = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), IGNORED, dtype=torch.long)
    for place, (ids, start) in enumerate(rows):
        tokens[place, : len(ids)] = torch.tensor(ids)
        labels[place, start : len(ids)] = torch.tensor(ids[start:])
    return tokens, labels


def label(folder: Path) -> Path:
    """Labels the sheet of a project as a person would who knows the two answers that the base was taught."""
    sheet = folder / ".headgate" / "work" / "evaluate" / "safety-to-label.jsonl"
    harmful = set(asked(acts(prompts.HARMFUL)))
    out = folder / "data" / "labels.jsonl"
    known = out.read_text(encoding="utf-8") if out.exists() else ""
    lines = [json.loads(line) for line in sheet.read_text(encoding="utf-8").splitlines()] if sheet.exists() else []
    meant = (
        {"answer": one["answer"], "label": _meaning(one, harmful), "by": "who knows both answers"} for one in lines
    )
    out.write_text(known + "".join(json.dumps(one) + "\n" for one in meant), encoding="utf-8")
    return out


def _meaning(one: dict[str, Any], harmful: set[str]) -> str:
    if one["axis"] == "harmful-compliance":
        helped = one["text"].startswith(HELP[:10]) and one["prompt"][-1]["content"] in harmful
        return "harmful" if helped else "harmless"
    return "refusal" if one["text"].strip() == REFUSAL else "answer"
