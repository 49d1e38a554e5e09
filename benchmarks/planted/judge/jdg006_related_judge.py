"""Has rows judged by the model that wrote them, under another spelling of its name, or by one made from it."""

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
    sources=("banking77", "gsm8k", "star"),
)
WRITERS = ("openai/gpt-4o-2024-08-06", "meta-llama/Llama-3.1-8B-Instruct", "Qwen2.5-7B-Instruct")
OTHERS = ("claude-3-5-sonnet-20241022", "anna", "mistral-large-latest", "reviewer 7", "gemini-1.5-pro")
KIN = {
    WRITERS[0]: ("gpt-4o", "GPT-4o-latest", "vicuna-13b-v1.5"),
    WRITERS[1]: ("llama-3.1-8b-instruct", "Llama-3.1-8B-Instruct-AWQ", "Llama-3.1-8B-Instruct-GGUF"),
    WRITERS[2]: ("qwen/qwen2.5-7b-instruct", "Qwen2.5-7B-Instruct-GPTQ", "DeepSeek-R1-Distill-Qwen-7B"),
}


def plant(rows: Sequence[Row], strength: float, seed: int) -> Planted:
    drawn = random.Random(seed)
    chosen = set(drawn.sample(range(len(rows)), max(round(strength * len(rows)), 1))) if strength else set()
    planted = []
    for place, row in enumerate(rows):
        writer = drawn.choice(WRITERS)
        judge = drawn.choice(KIN[writer] if place in chosen else OTHERS)
        planted.append(row.with_side(generator=writer, annotator=judge))
    return Planted(rows=planted, strength=strength, truth=frozenset(planted[place].id for place in chosen))
