"""Has rows judged by kin of their writer, among models that the other planter does not name."""

from __future__ import annotations

import random
from collections.abc import Sequence

from headgate.rows.row import Row
from headgate.testing.planting import Plan, Planted

PLAN = Plan(
    unit="share of rows judged by kin of their writer",
    strengths=(0.01, 0.05, 0.2),
    claimed=0.01,
    sizes=(300,),
    smallest=300,
    sources=("harmless_turns", "requests"),
)
CHOSEN = "the names of the other planter"
READ = (
    "With GPT-4o among the unrelated judges every honest set failed: the rule's table has Phi made from its "
    "words. With Gemini, which the table has Gemma made from, they failed too. Grok took their place."
)
KIN = {
    "mistralai/Mistral-7B-Instruct-v0.3": ("mistral-7b-instruct", "Mistral-7B-Instruct-v0.3-GGUF"),
    "google/gemma-2-9b-it": ("gemma-2-9b-it", "gemma-2-9b-it-AWQ"),
    "microsoft/Phi-3-mini-4k-instruct": ("phi-3-mini-4k-instruct", "Phi-3-mini-4k-instruct-onnx"),
    "deepseek-ai/DeepSeek-V3": ("deepseek-v3", "deepseek-chat-v3"),
    "CohereForAI/c4ai-command-r-plus": ("command-r-plus", "c4ai-command-r-plus-4bit"),
}
OTHERS = ("grok-2-1212", "claude-3-opus-20240229", "maria", "team lead 2", "Qwen2.5-72B-Instruct")


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(f"fresh/{seed}")
    chosen = set(drawn.sample(range(len(rows)), max(round(strength * len(rows)), 1))) if strength else set()
    out = []
    for place, row in enumerate(rows):
        writer = drawn.choice(list(KIN))
        judge = drawn.choice(KIN[writer] if place in chosen else OTHERS)
        out.append(row.with_side(generator=writer, annotator=judge))
    return Planted(rows=out, strength=strength, truth=frozenset(out[place].id for place in chosen))
