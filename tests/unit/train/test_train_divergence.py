"""How far a policy is from its start, against what can be worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest


def biased(chances: list[float]) -> Any:
    """A model that says every token with the same chances, whatever came before."""
    import torch

    class Bias(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = torch.nn.Parameter(torch.tensor(chances).log())
            self.config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=len(chances)))

        def forward(self, input_ids: Any, logits_to_keep: int, **_: object) -> SimpleNamespace:
            return SimpleNamespace(logits=self.bias.expand(len(input_ids), logits_to_keep, -1))

    return Bias()


@pytest.mark.parametrize("at_once", [1, 1 << 26])
def test_an_answer_is_as_far_as_its_tokens_together(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """ln 2 a token where two of four tokens are left; tokens after the end count nothing; tensors are put back."""
    import torch

    from headgate.train.engines import divergence

    monkeypatch.setattr(divergence, "AT_MOST", at_once)
    model = biased([0.25, 0.25, 0.25, 0.25])
    start = divergence.FromStart(model)
    texts, asked = torch.zeros((3, 7), dtype=torch.long), torch.ones((3, 2), dtype=torch.long)
    with torch.no_grad():
        assert [0.0, 0.0, 0.0] == start.each(texts, asked, [5, 3, 1])
        now = torch.tensor([0.5, 0.5, 1e-12, 1e-12]).log()
        model.bias.copy_(now)
        found = start.each(texts, asked, [5, 3, 1])
    assert [5 * math.log(2), 3 * math.log(2), math.log(2)] == pytest.approx(found, abs=1e-5)
    assert torch.equal(now, model.bias.data)
