"""The next token of a row: the likeliest, or one that is drawn."""

from __future__ import annotations

import torch

COLD = 1e-6  # below it nothing but the likeliest token is ever drawn, and a division would leave the range of floats


def chosen(logits: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator | None) -> int:
    """One token from the scores of one row, (vocabulary)."""
    if temperature < COLD:
        return int(logits.argmax())
    shares = (logits / temperature).softmax(-1)
    if top_p < 1:
        ordered, places = shares.sort(descending=True)
        # The token that crosses the sum stays, so that there always is one.
        ordered[ordered.cumsum(0) - ordered >= top_p] = 0
        if float(ordered.sum()) == 0:
            return int(places[0])
        return int(places[torch.multinomial(ordered, 1, generator=generator)])
    return int(torch.multinomial(shares, 1, generator=generator))


def generator_of(temperature: float, seed: int | None) -> torch.Generator | None:
    """Random numbers of a row's own, so that its answer does not depend on what else is asked."""
    if temperature == 0:
        return None
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed & (2**63 - 1))
    return generator
