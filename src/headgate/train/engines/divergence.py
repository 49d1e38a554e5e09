"""How far a policy went from the one that training began with, on the answers that it gives now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

AT_MOST = 1 << 26  # numbers of one table of log-probabilities: 256 MB


class FromStart:
    """The tensors that are trained as they were at the start, and the divergence of what the model says from them.

    Made before a checkpoint is read, so that a training that goes on is held against its first step.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._tensors = {name: one.detach().clone() for name, one in model.named_parameters() if one.requires_grad}

    def each(self, texts: torch.Tensor, asked: torch.Tensor, lengths: Sequence[int]) -> list[float]:
        """KL(now || start) of each answer in nats: over all of the vocabulary at each of its tokens, summed.

        `texts` are prompts with answers, (answers, tokens), prompts padded on the left and answers on the right;
        `asked` is the mask of the prompts, (answers, prompt tokens); `lengths` are the tokens of the answers, the end
        token included.
        """
        new = texts.shape[1] - asked.shape[1]
        vocabulary = int(self._model.config.get_text_config().vocab_size)
        size = max(AT_MOST // (vocabulary * (new + 1)), 1)
        out: list[float] = []
        for first in range(0, len(texts), size):
            ids, mask = texts[first : first + size], asked[first : first + size]
            mask = torch.cat([mask, mask.new_ones(len(mask), new)], 1)
            now = self._scores(ids, mask, new)
            with self._as_at_the_start():
                before = self._scores(ids, mask, new)
            tokens = (now.exp() * (now - before)).sum(-1)
            ends = torch.tensor(lengths[first : first + size], device=tokens.device)
            said = torch.arange(new, device=tokens.device)[None, :] < ends[:, None]
            out += (tokens * said).sum(1).clamp(min=0).tolist()
        return out

    def _scores(self, ids: torch.Tensor, mask: torch.Tensor, new: int) -> torch.Tensor:
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        found = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=new + 1).logits
        return found[:, :-1].float().log_softmax(-1)

    @contextlib.contextmanager
    def _as_at_the_start(self) -> Iterator[None]:
        trained = {name: one for name, one in self._model.named_parameters() if name in self._tensors}
        now = {name: one.data for name, one in trained.items()}
        try:
            for name, one in trained.items():
                one.data = self._tensors[name]
            yield
        finally:
            for name, one in trained.items():
                one.data = now[name]
