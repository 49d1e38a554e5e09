"""Text to token ids and back, for pre-flight, training and the local engine alike.

A thin face of the `tokenizers` library, which loads in milliseconds and needs no torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.kit.errors import Refused, Unavailable
from headgate.models.chat_template import special_tokens
from headgate.models.fingerprint import must_have_tokenizer, read_json


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of one text and the characters that each stands for."""

    ids: list[int]
    offsets: list[tuple[int, int]]  # character begin and end in the text, per token


class Tokenizer:
    """The tokenizer of a model folder with the ids that end an answer."""

    def __init__(self, folder: Path) -> None:
        """Reads the folder's files.

        Raises:
            Refused: the folder has no `tokenizer.json`, or a damaged one.
            Unavailable: the `tokenizers` library is not installed.
        """
        try:
            library: Any = importlib.import_module("tokenizers")
        except ImportError:
            raise Unavailable(
                "the tokenizer of a local model cannot be read",
                found="not installed: tokenizers",
                next_step='pip install "headgate[train]"',
            ) from None
        must_have_tokenizer(folder)
        path = folder / "tokenizer.json"
        read_json(path)
        try:
            self._inner = library.Tokenizer.from_file(str(path))
        except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
            raise Refused("the tokenizer cannot be read", file=str(path), found=str(error)) from None
        # Saved padding or truncation is left over from somebody's last batch.
        self._inner.no_padding()
        self._inner.no_truncation()
        settings = read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").exists() else {}
        self.named = special_tokens(settings)
        self.end_ids = _end_ids(folder, self)
        pad = self.named.get("pad_token")
        self.pad_id = self.id_of(pad) if pad else min(self.end_ids, default=0)
        self.special = {
            token.content: number for number, token in self._inner.get_added_tokens_decoder().items() if token.special
        }

    def id_of(self, token: str) -> int | None:
        """The id of a token, or None."""
        number = self._inner.token_to_id(token)
        return None if number is None else int(number)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Ids and character spans of each text; nothing is added, padded or cut."""
        batch = self._inner.encode_batch(list(texts), add_special_tokens=False)
        return [Encoded(one.ids, one.offsets) for one in batch]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Only the ids of each text, for which no span of characters has to be kept."""
        return [list(one.ids) for one in self._inner.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, without special tokens."""
        return str(self._inner.decode(list(ids), skip_special_tokens=True))

    @property
    def size(self) -> int:
        """Number of tokens, added ones included."""
        return int(self._inner.get_vocab_size(with_added_tokens=True))


def _end_ids(folder: Path, tokenizer: Tokenizer) -> frozenset[int]:
    """Ids that end an answer in serving: generation defaults first, then the model's, then the tokenizer's."""
    for name in ("generation_config.json", "config.json"):
        path = folder / name
        value = read_json(path).get("eos_token_id") if path.exists() else None
        if isinstance(value, int):
            return frozenset({value})
        if isinstance(value, list) and value:
            return frozenset(int(one) for one in value)
    end = tokenizer.named.get("eos_token")
    number = tokenizer.id_of(end) if end else None
    return frozenset() if number is None else frozenset({number})
