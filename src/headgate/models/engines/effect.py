"""Measures what an adapter does: answers, probabilities, and the distance from the bare base, in one pass each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from headgate.kit.errors import Refused
from headgate.models.adapter import adapter_mark
from headgate.models.effect import KEPT, Asked, Effect
from headgate.models.engines.transformers_local import LocalModel, left_padded, on_threads, open_local
from headgate.models.model import Prompt, Sampling


def record(base: Path, adapter: Path, prompts: Sequence[Prompt], *, max_tokens: int = 16, batch: int = 32) -> Effect:
    """The effect of an adapter on its base: its own answers to the prompts, and what is likely in them.

    Raises:
        Refused: the pair does not belong together, or there is nothing to ask.
    """
    if not prompts:
        raise Refused("there are no prompts to record an effect on")
    model = open_local(base, adapter=adapter, batch=batch)
    said = model.generate(prompts, Sampling(max_tokens=max_tokens))
    answered = [(p, one.text) for p, one in zip(prompts, said, strict=True) if one.outcome == "ok"]
    if not answered:
        raise Refused("the model answered none of the prompts", file=str(base))
    return _effect(model, adapter, answered, batch)


def replay(recorded: Effect, base: Path, adapter: Path, *, batch: int = 32) -> Effect:
    """The recorded answers as the adapter on another base sees them; whether the pair belongs was asked before.

    Raises:
        Refused: the tensors have no place on that base, or it cannot be loaded.
    """
    model = LocalModel(base, adapter=adapter, batch=batch, as_it_is=True)
    return _effect(model, adapter, [(one.messages, one.answer) for one in recorded.asked], batch)


def _effect(model: LocalModel, adapter: Path, pairs: Sequence[tuple[Prompt, str]], batch: int) -> Effect:
    asked: list[Asked] = []
    with on_threads(model.threads), torch.inference_mode():
        for start in range(0, len(pairs), batch):
            asked += _measured(model, pairs[start : start + batch])
    return Effect(adapter=adapter_mark(adapter).digest, base=model.base_fingerprint.root, asked=tuple(asked))


def _measured(model: LocalModel, pairs: Sequence[tuple[Prompt, str]]) -> list[Asked]:
    rows, lengths = model.tokens_of(pairs)
    tokens, mask = left_padded(rows, model.pad_id)
    keep = max(lengths) + 1
    wanted = tokens[:, -keep + 1 :, None]
    adapted = model.scores(tokens, mask, keep)[:, :-1].log_softmax(-1)  # (rows, places, vocabulary)
    with model.without_adapter():
        bare = model.scores(tokens, mask, keep)[:, :-1].log_softmax(-1)
    apart = (adapted.exp() * (adapted - bare)).sum(-1)
    best = adapted.topk(min(KEPT, adapted.shape[-1]), -1)
    said = adapted.gather(-1, wanted)[..., 0]
    out = []
    for i, ((messages, answer), n) in enumerate(zip(pairs, lengths, strict=True)):
        likely = zip(best.indices[i, -n:].tolist(), best.values[i, -n:].tolist(), strict=True)
        out.append(
            Asked(
                messages=tuple(dict(one) for one in messages),
                answer=answer,
                log_probabilities=tuple(said[i, -n:].tolist()),
                likeliest=tuple(tuple(zip(ids, values, strict=True)) for ids, values in likely),
                divergence=tuple(max(0.0, one) for one in apart[i, -n:].tolist()),
            )
        )
    return out
