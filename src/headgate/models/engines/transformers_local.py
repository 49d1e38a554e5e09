"""Runs a model folder on this machine with transformers, with a PEFT adapter where one is given.

Prompts are rendered and tokenised by the same code as the training shard, so that what is served is
what was trained on. Greedy by default; left-padded batches of similar length. Tiny models run on one
thread: more cost time and change nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, StoppingCriteria
from transformers.utils import logging as hf_logging

from headgate.kit.errors import Refused
from headgate.kit.hashing import digest_json
from headgate.kit.progress import Advance, silent
from headgate.models.adapter import CONFIG, TENSORS, adapter_mark, canonical_config, must_belong, must_fit, read_config
from headgate.models.chat_template import ChatTemplate
from headgate.models.fingerprint import Fingerprint, fingerprint_of
from headgate.models.model import AnswerBook, Completion, Prompt, Sampling, failed, request_key, seed_of
from headgate.models.tokenizer import Tokenizer

# What transformers raises over settings that are wrong: RuntimeError where they ask for other shapes than the tensors
# have, the strict one and the plain ones where they have wrong types or values.
UNLOADABLE = (
    OSError, ValueError, LookupError, RuntimeError, TypeError, AttributeError, ArithmeticError, StrictDataclassError,
)  # fmt: skip
SMALL = 20_000_000  # parameters below which one thread is fastest


@dataclass(frozen=True, slots=True)
class Loaded:
    """A base in memory with what turns messages into its token ids."""

    model: Any
    tokenizer: Tokenizer
    template: ChatTemplate
    folder: Path
    fingerprint: Fingerprint


def load_base(
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    proof: Callable[[Fingerprint], None] | None = None,
) -> Loaded:
    """Loads a base: safetensors only, no code from the folder.

    `proof` is given its fingerprint before a weight is read, and refuses what shall not be loaded onto it.

    Raises:
        Refused: a part is missing or damaged, the folder wants to run its own code, or `proof` refuses.
    """
    fingerprint = fingerprint_of(folder)
    if proof is not None:
        proof(fingerprint)
    template = ChatTemplate.of_folder(folder)
    if template is None:
        raise Refused("the base has no chat template", file=str(folder), wanted="chat_template.jinja")
    tokenizer = Tokenizer(folder)
    shown = hf_logging.is_progress_bar_enabled()
    hf_logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            attn_implementation=attention,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except UNLOADABLE as error:
        found = " ".join(str(error).split()) if isinstance(error, StrictDataclassError) else str(error).split("\n")[0]
        raise Refused("the base cannot be loaded", file=str(folder), found=found) from error
    finally:
        if shown:
            hf_logging.enable_progress_bar()
    model.requires_grad_(False)
    return Loaded(model.eval(), tokenizer, template, folder, fingerprint)


def attach(loaded: Loaded, adapter: Path, *, allow_unrecorded: bool = False, as_it_is: bool = False) -> Any:
    """The base with an adapter on it, after proof that the two belong together.

    With `as_it_is` only the tensors must fit: for measuring what an adapter does on a base it was not made for.

    Raises:
        Refused: another base, edited files, shapes that do not fit, or keys missing or left over.
    """
    proof_of(adapter, loaded.folder, allow_unrecorded=allow_unrecorded, as_it_is=as_it_is)(loaded.fingerprint)
    settings = canonical_config(read_config(adapter))
    model = wrapped(loaded.model, LoraConfig.from_peft_type(**settings, inference_mode=True))
    answer = set_peft_model_state_dict(model, load_file(adapter / TENSORS))
    missing = [key for key in answer.missing_keys if "lora_" in key]
    if missing or answer.unexpected_keys:
        raise Refused(
            "the adapter does not cover the base",
            file=str(adapter / CONFIG),
            found=f"{len(missing)} missing and {len(answer.unexpected_keys)} unexpected tensors",
        )
    return model.eval()


def proof_of(
    adapter: Path, base: Path, *, allow_unrecorded: bool = False, as_it_is: bool = False
) -> Callable[[Fingerprint], None]:
    """What proves from files alone that an adapter belongs to a base, once its fingerprint is known."""

    def prove(fingerprint: Fingerprint) -> None:
        if as_it_is:
            must_fit(adapter, base)
        else:
            must_belong(adapter, base, fingerprint, allow_unrecorded=allow_unrecorded)

    return prove


def wrapped(model: Any, config: LoraConfig, name: str = "default") -> Any:
    """A model with an adapter of that shape and name on it.

    Raises:
        ValueError: the model has no modules of the names that the adapter targets.
    """
    with warnings.catch_warnings():
        # PEFT asks transformers for an attribute under its former name.
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")
        # Weights that are shared with the embeddings matter to who merges an adapter into its base; nobody does here.
        warnings.filterwarnings("ignore", message=".*a tied layer is part of the adapter")
        return get_peft_model(model, config, adapter_name=name)


def open_local(
    folder: Path, *, adapter: Path | None = None, batch: int = 32, threads: int = 0, allow_unrecorded: bool = False
) -> LocalModel:
    """Opens a model folder; `batch` prompts are answered together, `threads` 0 chooses by size."""
    return LocalModel(folder, adapter=adapter, batch=batch, threads=threads, allow_unrecorded=allow_unrecorded)


class LocalModel:
    """A local folder as a model: prompts in, completions out."""

    def __init__(
        self,
        folder: Path,
        *,
        adapter: Path | None = None,
        batch: int = 32,
        threads: int = 0,
        allow_unrecorded: bool = False,
        as_it_is: bool = False,
    ) -> None:
        how = {"allow_unrecorded": allow_unrecorded, "as_it_is": as_it_is}
        loaded = load_base(folder, proof=proof_of(adapter, folder, **how) if adapter is not None else None)
        self._loaded = loaded
        self._model: Any = loaded.model
        self.base_fingerprint = loaded.fingerprint
        identity: dict[str, Any] = {"base": loaded.fingerprint.root}
        self.name = folder.name
        if adapter is not None:
            self._model = attach(loaded, adapter, **how)
            identity["adapter"] = adapter_mark(adapter).digest
            self.name = f"{folder.name}+{adapter.name}"
        self.fingerprint = digest_json(identity)
        self.batch = batch
        size = sum(one.numel() for one in loaded.model.parameters())
        self.threads = threads or (1 if size < SMALL else torch.get_num_threads())
        limit = getattr(loaded.model.config, "max_position_embeddings", None)
        self.context_length: int | None = int(limit) if limit else None

    def render(self, prompt: Prompt, *, answer: str | None = None) -> str:
        """The text of a prompt up to where the answer begins, or with an answer in its place."""
        text = self._loaded.template.render(prompt, add_generation_prompt=True)
        return text if answer is None else text + answer

    def count_tokens(self, prompt: Prompt) -> int | None:
        """Tokens of the rendered prompt."""
        return len(self._loaded.tokenizer.encode([self.render(prompt)])[0].ids)

    async def complete(
        self,
        prompts: Sequence[Prompt],
        *,
        settings: Sampling,
        journal: AnswerBook | None = None,
        advance: Advance = silent,
    ) -> list[Completion]:
        """One completion for each prompt, in order; see `headgate.models.model.Model`."""
        answers: list[Completion | None] = [None] * len(prompts)
        keys = [request_key(self.fingerprint, prompt, settings) for prompt in prompts]
        asked: dict[str, list[int]] = {}
        for i, key in enumerate(keys):
            known = journal.get(key) if journal else None
            if known is not None:
                answers[i] = known
                advance(1)
            else:
                asked.setdefault(key, []).append(i)
        firsts = [numbers[0] for numbers in asked.values()]
        for group, found in self._answers([prompts[i] for i in firsts], settings):
            for place, completion in zip(group, found, strict=True):
                key = keys[firsts[place]]
                if journal and completion.outcome == "ok":
                    journal.put(key, completion)
                for i in asked[key]:
                    answers[i] = completion
                    advance(1)
            await asyncio.sleep(0)  # lets an interrupt in between batches
        return [one for one in answers if one is not None]

    def generate(self, prompts: Sequence[Prompt], settings: Sampling) -> list[Completion]:
        """The same without a journal, for callers that do not wait."""
        answers: list[Completion] = [failed("not answered")] * len(prompts)
        for group, found in self._answers(prompts, settings):
            for place, completion in zip(group, found, strict=True):
                answers[place] = completion
        return answers

    def _answers(self, prompts: Sequence[Prompt], settings: Sampling) -> Iterator[tuple[list[int], list[Completion]]]:
        """Batches of (numbers of prompts, completions), prompts of similar length together."""
        ids: dict[int, list[int]] = {}
        for i, prompt in enumerate(prompts):
            try:
                ids[i] = self._loaded.tokenizer.encode([self.render(prompt)])[0].ids
            except Refused as error:
                yield [i], [failed(f"{error.what}: {error.found}", finish_reason="template")]
        limit = self.context_length
        for i in list(ids):
            if limit is not None and len(ids[i]) + 1 > limit:
                yield [i], [failed(f"prompt of {len(ids[i])} tokens, context of {limit}", finish_reason="context")]
                del ids[i]
        order = sorted(ids, key=lambda i: (len(ids[i]), i))
        # A drawn answer must not depend on what else is asked, so each has the random numbers to itself.
        size = 1 if settings.temperature > 0 else self.batch
        with on_threads(self.threads):
            for start in range(0, len(order), size):
                group = order[start : start + size]
                yield group, self._batch([ids[i] for i in group], settings)

    def _batch(self, ids: list[list[int]], settings: Sampling) -> list[Completion]:
        width = max(len(one) for one in ids)
        tokens, mask = left_padded(ids, self._loaded.tokenizer.pad_id or 0)
        room = settings.max_tokens if self.context_length is None else self.context_length - width
        extra: dict[str, Any] = {}
        if settings.temperature > 0:
            torch.manual_seed(seed_of(settings, ids) or 0)
            extra = {"do_sample": True, "temperature": settings.temperature, "top_k": 0, "top_p": 1.0}
        else:
            extra = {"do_sample": False, "temperature": None, "top_k": None, "top_p": None}
        if settings.stop:
            extra["stopping_criteria"] = [_StopTexts(self._loaded.tokenizer, settings.stop, width)]
        with torch.inference_mode():
            out = self._model.generate(
                input_ids=tokens,
                attention_mask=mask,
                max_new_tokens=max(1, min(settings.max_tokens, room)),
                eos_token_id=sorted(self._loaded.tokenizer.end_ids) or None,
                pad_token_id=self._loaded.tokenizer.pad_id or 0,
                **extra,
            )
        return [self._completion(one, new.tolist(), settings) for one, new in zip(ids, out[:, width:], strict=True)]

    def _completion(self, prompt: list[int], new: list[int], settings: Sampling) -> Completion:
        end = next((i for i, token in enumerate(new) if token in self._loaded.tokenizer.end_ids), None)
        said = new if end is None else new[:end]
        text, reason = self._loaded.tokenizer.decode(said), "length" if end is None else "stop"
        cuts = [place for stop in settings.stop if (place := text.find(stop)) >= 0]
        if cuts:
            text, reason = text[: min(cuts)], "stop"
        usage = {"prompt": len(prompt), "completion": len(said) + (end is not None)}
        return Completion(text=text, finish_reason=reason, usage=usage)

    def log_probabilities(self, pairs: Sequence[tuple[Prompt, str]]) -> list[list[float]]:
        """Natural-log probability of each token of given answers, the end token included.

        Raises:
            Refused: a prompt with its answer does not fit the context.
        """
        out: list[list[float]] = []
        with on_threads(self.threads), torch.inference_mode():
            for start in range(0, len(pairs), self.batch):
                out += self._scored(pairs[start : start + self.batch])
        return out

    def _scored(self, pairs: Sequence[tuple[Prompt, str]]) -> list[list[float]]:
        rows, lengths = self.tokens_of(pairs)
        tokens, mask = left_padded(rows, self.pad_id)
        keep = max(lengths) + 1
        logits = self.scores(tokens, mask, keep)
        logs = logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, -keep + 1 :, None])[..., 0]
        return [line[len(line) - n :].tolist() for line, n in zip(logs, lengths, strict=True)]

    def tokens_of(self, pairs: Sequence[tuple[Prompt, str]]) -> tuple[list[list[int]], list[int]]:
        """Token ids of each prompt with its answer and the end, and how many of them the answer and the end are.

        Raises:
            Refused: a prompt with its answer does not fit the context.
        """
        encode = self._loaded.tokenizer.encode
        end = min(self._loaded.tokenizer.end_ids, default=None)
        heads = [one.ids for one in encode([self.render(prompt) for prompt, _ in pairs])]
        tails = [one.ids + ([] if end is None else [end]) for one in encode([answer for _, answer in pairs])]
        rows = [head + tail for head, tail in zip(heads, tails, strict=True)]
        longest = max(len(row) for row in rows)
        if self.context_length is not None and longest > self.context_length:
            raise Refused("prompt and answer do not fit the context", found=f"{longest} tokens")
        return rows, [len(one) for one in tails]

    def scores(self, tokens: torch.Tensor, mask: torch.Tensor, keep: int) -> torch.Tensor:
        """Logits of the last `keep` places, (rows, keep, vocabulary)."""
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        answer = self._model(input_ids=tokens, attention_mask=mask, position_ids=positions, logits_to_keep=keep)
        return answer.logits.float()

    @property
    def pad_id(self) -> int:
        """The token that fills rows on the left."""
        return self._loaded.tokenizer.pad_id or 0

    def without_adapter(self) -> contextlib.AbstractContextManager[Any]:
        """Inside, the model is its base."""
        return self._model.disable_adapter()

    def close(self) -> None:
        """Lets go of the weights."""
        self._model = None


class _StopTexts(StoppingCriteria):
    """Ends a row once its answer holds one of the stop texts."""

    def __init__(self, tokenizer: Tokenizer, stops: tuple[str, ...], width: int) -> None:
        self._tokenizer, self._stops, self._width = tokenizer, stops, width

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # noqa: ARG002
        texts = [self._tokenizer.decode(row[self._width :].tolist()) for row in input_ids]
        return torch.tensor([any(stop in text for stop in self._stops) for text in texts])


def left_padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, (rows, longest), with the padding on the left."""
    width = max(len(row) for row in rows)
    tokens = torch.full((len(rows), width), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        tokens[i, width - len(row) :] = torch.tensor(row, dtype=torch.long)
        mask[i, width - len(row) :] = 1
    return tokens, mask


@contextlib.contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Runs what is inside on so many threads of torch and puts the number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
