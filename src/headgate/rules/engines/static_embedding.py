"""Texts as vectors, by a static embedding in a local folder: the mean of the vectors of a text's tokens.

The folder holds `model.safetensors` with one matrix (tokens x dimensions) and the `tokenizer.json` that gives the
token numbers, as model2vec writes them. Nothing is fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from headgate.kit.errors import Refused

MATRIX, WORDS = "model.safetensors", "tokenizer.json"
BATCH = 4096  # texts that are cut into tokens at a time

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Embedding:
    """A matrix of token vectors and what cuts texts into tokens."""

    matrix: Vectors  # (tokens, D)
    tokenizer: Tokenizer

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 for each text; zeros where no token is known; shape (N, D)."""
        out = np.zeros((len(texts), self.matrix.shape[1]), dtype=np.float32)
        for first in range(0, len(texts), BATCH):
            batch = list(texts[first : first + BATCH])
            for place, encoded in enumerate(self.tokenizer.encode_batch(batch, add_special_tokens=False), start=first):
                known = [number for number in encoded.ids if number < len(self.matrix)]
                if known:
                    out[place] = self.matrix[known].mean(axis=0)
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        return np.divide(out, lengths, out=np.zeros_like(out), where=lengths > 0)


def open_embedding(folder: Path) -> Embedding:
    """Reads an embedding from its folder.

    Raises:
        Refused: a file is missing or is not what it should be.
    """
    for name in (MATRIX, WORDS):
        if not (folder / name).is_file():
            raise Refused(
                "not a static embedding", file=str(folder), found=f"no {name}", wanted=f"{MATRIX} and {WORDS}"
            )
    try:
        tensors = load_file(folder / MATRIX)
        tokenizer = Tokenizer.from_file(str(folder / WORDS))
    except Exception as error:  # noqa: BLE001 - both libraries raise bare exceptions
        raise Refused("a static embedding cannot be read", file=str(folder), found=str(error)) from None
    matrices = [tensor for tensor in tensors.values() if tensor.ndim == 2]
    if len(matrices) != 1:
        found = f"{len(matrices)} matrices: {', '.join(sorted(tensors))}"
        raise Refused("not a static embedding", file=str(folder / MATRIX), found=found, wanted="one matrix")
    return Embedding(np.asarray(matrices[0], dtype=np.float32), tokenizer)
