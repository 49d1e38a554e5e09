"""Drift: how far the first tokens of answers moved from those of the base.

The mean over prompts and tokens of KL(base || tuned), in nats, at the base's own greedy tokens. Refusals live in the
first tokens, so they move first. Taken while training, and asked again of any adapter afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from headgate.models.engines.transformers_local import attach, left_padded, load_base, proof_of
from headgate.models.model import Prompt

AT_ONCE = 32  # prompts


class Drift:
    """What the base says first to some prompts, and how far a model on it is from that."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], tokens: int, pad_id: int) -> None:
        self._model, self._many = model, tokens
        self._batches: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        with looking(model), model.disable_adapter():
            for start in range(0, len(prompts), AT_ONCE):
                ids, mask = left_padded(prompts[start : start + AT_ONCE], pad_id)
                ids, mask = ids.to(model.device), mask.to(model.device)
                for _ in range(self._many - 1):
                    scores = self._scores(ids, mask, 1)
                    ids = torch.cat([ids, scores[:, -1].argmax(-1, keepdim=True)], 1)
                    mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
                self._batches.append((ids, mask, self._scores(ids, mask, self._many)))

    def _scores(self, ids: torch.Tensor, mask: torch.Tensor, keep: int) -> torch.Tensor:
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        logits = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=keep).logits
        return logits.float().log_softmax(-1)

    def each(self) -> list[float]:
        """The divergence now, for each prompt."""
        out: list[float] = []
        for ids, mask, base in self._batches:
            now = self._scores(ids, mask, self._many)
            out += (base.exp() * (base - now)).sum(-1).mean(1).tolist()
        return out

    def measured(self) -> float:
        """The mean divergence now."""
        parts = self.each()
        return sum(parts) / len(parts)


@contextlib.contextmanager
def looking(model: Any) -> Iterator[None]:
    """Evaluation mode without gradients; puts back what was there before."""
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)


def drift_of(base: Path, adapter: Path, prompts: Sequence[Prompt], tokens: int) -> tuple[str, list[float]]:
    """The fingerprint of a base, and the drift of an adapter on it for each prompt.

    Raises:
        Refused: the adapter was not made for the base, or one of them cannot be loaded.
    """
    loaded = load_base(base, proof=proof_of(adapter, base))
    model = attach(loaded, adapter)
    texts = [loaded.template.render(prompt, add_generation_prompt=True) for prompt in prompts]
    ids = [one.ids for one in loaded.tokenizer.encode(texts)]
    found = Drift(model, ids, tokens, loaded.tokenizer.pad_id or 0)
    with looking(model):
        return loaded.fingerprint.root, found.each()
