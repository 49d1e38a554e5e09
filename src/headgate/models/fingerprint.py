"""Identity of a model folder: what its tensors, settings, tokenizer and template are, never its name.

Reads safetensors headers and bytes directly, so that telling two bases apart needs no torch.
Five parts are kept apart because each breaks an adapter in its own way: changed weights, changed
arithmetic, other token ids, other prompt text, other stopping. Sharding, file names and the
library version that saved the folder are in none of them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from headgate.kit.errors import Refused
from headgate.kit.files import must_be_file
from headgate.kit.hashing import PREFIX, digest_json
from headgate.models.chat_template import FIXED_CONVERSATIONS, ChatTemplate

MAX_HEADER_BYTES = 100 << 20  # a safetensors header of more is not one
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
# Keys that libraries write and that change no output.
IDLE_CONFIG_KEYS = frozenset(
    {"_name_or_path", "transformers_version", "use_cache", "architectures", "torch_dtype", "dtype"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorMark:
    """Identity of one stored tensor."""

    dtype: str
    shape: tuple[int, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The identity of a base in five parts, each a content address (empty: the folder has no such part)."""

    weights: str  # names, types, shapes and bytes of all tensors
    config: str  # architecture settings without idle keys
    tokenizer: str  # vocabulary, merges, normaliser; without padding and truncation
    template: str  # source of the chat template and what it renders on fixed conversations
    generation: str  # generation defaults, such as end tokens

    @property
    def root(self) -> str:
        """One address over the five parts."""
        return digest_json(asdict(self))

    def as_json(self) -> dict[str, str]:
        """The parts and the root as JSON."""
        return {**asdict(self), "root": self.root}

    def differences(self, other: Mapping[str, str]) -> list[str]:
        """Names of the parts in which a recorded fingerprint differs from this one."""
        return [name for name, value in asdict(self).items() if other.get(name) != value]


def fingerprint_of(folder: Path) -> Fingerprint:
    """The fingerprint of a model folder.

    Raises:
        Refused: no such folder, no safetensors in it, or a damaged file.
    """
    if not folder.is_dir():
        raise Refused("no such model folder", file=str(folder), next_step="check the spelling of the base")
    return Fingerprint(
        weights=weights_root(tensor_marks(folder)),
        config=config_digest(read_json(folder / "config.json")),
        tokenizer=tokenizer_digest(folder),
        template=template_digest(folder),
        generation=_optional(folder / "generation_config.json"),
    )


def weights_root(marks: Mapping[str, TensorMark]) -> str:
    """One address over all tensors; the order and the file they are stored in do not matter."""
    return digest_json([[name, m.dtype, list(m.shape), m.digest] for name, m in sorted(marks.items())])


def config_digest(config: Mapping[str, Any]) -> str:
    """Address of the architecture settings."""
    return digest_json({key: value for key, value in config.items() if key not in IDLE_CONFIG_KEYS})


def tokenizer_digest(folder: Path) -> str:
    """Address of what turns text into token ids; padding and truncation are state, not identity."""
    path = folder / "tokenizer.json"
    if not path.exists():
        return ""
    body = read_json(path)
    return digest_json({key: value for key, value in body.items() if key not in ("padding", "truncation", "version")})


def template_digest(folder: Path) -> str:
    """Address of the chat template: its source and its text on fixed conversations."""
    template = ChatTemplate.of_folder(folder)
    if template is None:
        return ""
    return digest_json({"source": template.source, "rendered": [template.outcome(*one) for one in FIXED_CONVERSATIONS]})


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a model's weights, in order of name.

    Raises:
        Refused: there are none. Pickled weights are never opened, because opening them runs code.
    """
    index = folder / WEIGHTS_INDEX
    if index.exists():
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
        outside = [name for name in names if Path(name).name != name]
        if outside:
            raise Refused("the weight index points outside its folder", file=str(index), found=outside[0])
        return [must_be_file(folder / name) for name in names]
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    found = sorted(path.name for path in folder.glob("*") if path.suffix in (".bin", ".pt", ".pth", ".ckpt"))
    raise Refused(
        "no safetensors weights in the model folder",
        file=str(folder),
        found=", ".join(found) or "no weights at all",
        wanted=f"{WEIGHTS} or {WEIGHTS_INDEX}",
        next_step="save the model again as safetensors; pickled weights are not opened",
    )


def tensor_marks(folder: Path) -> dict[str, TensorMark]:
    """Identity of every tensor of a model folder, by name."""
    marks: dict[str, TensorMark] = {}
    for path in weight_files(folder):
        marks |= file_marks(path)
    return marks


def file_marks(path: Path) -> dict[str, TensorMark]:
    """Identity of every tensor in one safetensors file.

    Raises:
        Refused: the file is damaged.
    """
    header, start = read_header(path)
    marks = {}
    with path.open("rb") as stream:
        for name, (dtype, shape, begin, end) in header.items():
            stream.seek(start + begin)
            hasher = blake3()
            left = end - begin
            while left and (piece := stream.read(min(left, 1 << 20))):
                hasher.update(piece)
                left -= len(piece)
            if left:
                raise Refused("a safetensors file is cut short", file=str(path), found=f"tensor {name} is incomplete")
            marks[name] = TensorMark(dtype=dtype, shape=shape, digest=PREFIX + hasher.hexdigest())
    return marks


def read_header(path: Path) -> tuple[dict[str, tuple[str, tuple[int, ...], int, int]], int]:
    """Tensor name -> (type, shape, begin, end), and where the bytes begin; reads only the header.

    Raises:
        Refused: the file is not safetensors.
    """
    size = must_be_file(path).stat().st_size
    with path.open("rb") as stream:
        first = stream.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
        if not 2 <= length <= min(MAX_HEADER_BYTES, size):
            raise Refused("not a safetensors file", file=str(path))
        raw = stream.read(length)
    try:
        body = json.loads(raw)
        body.pop("__metadata__", None)
        entries = {
            name: (
                str(e["dtype"]),
                tuple(int(n) for n in e["shape"]),
                int(e["data_offsets"][0]),
                int(e["data_offsets"][1]),
            )
            for name, e in body.items()
        }
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise Refused("not a safetensors file", file=str(path), found="its header is not readable") from None
    return entries, 8 + length


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of a model folder.

    Raises:
        Refused: missing, not JSON, or not an object.
    """
    try:
        body = json.loads(must_be_file(path).read_bytes())
    except ValueError:
        raise Refused("not JSON", file=str(path)) from None
    if not isinstance(body, dict):
        raise Refused("not a JSON object", file=str(path))
    return body


def _optional(path: Path) -> str:
    if not path.exists():
        return ""
    return digest_json({key: value for key, value in read_json(path).items() if key not in IDLE_CONFIG_KEYS})
